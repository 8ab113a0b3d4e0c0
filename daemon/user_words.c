// SPDX-License-Identifier: GPL-2.0-only
/* Lines into words, and what the errors about them look like. */
#include "user_text.h"

#include <stdarg.h>

/* How many bytes follow the first one of a character; -1 where it is none. */
static int continuation(unsigned char first)
{
	if (first < 0x80)
		return first >= 0x20 && first != 0x7f ? 0 : -1;
	if (first >= 0xc2 && first < 0xe0)
		return 1;
	if (first >= 0xe0 && first < 0xf0)
		return 2;
	return first >= 0xf0 && first < 0xf5 ? 3 : -1;
}

/* Longer than need be, a surrogate, or beyond the last character: told by the first two bytes. C1 controls too. */
static bool is_misfit(unsigned char first, unsigned char second)
{
	return (first == 0xc2 && second < 0xa0) || (first == 0xe0 && second < 0xa0) ||
	       (first == 0xed && second >= 0xa0) || (first == 0xf0 && second < 0x90) ||
	       (first == 0xf4 && second >= 0x90);
}

/* Bytes of the character that begins here, 0 where none does. */
static int character(const unsigned char *c)
{
	int more = continuation(*c);

	if (more < 0 || (more && is_misfit(c[0], c[1])))
		return 0;
	for (int i = 1; i <= more; i++)
		if ((c[i] & 0xc0) != 0x80)
			return 0;
	return more + 1;
}

bool user_is_text(const char *text)
{
	const unsigned char *c = (const unsigned char *)text;
	int n = 1;

	for (; *c && n; c += n)
		n = character(c);
	return n != 0;
}

void user_make_text(char *text)
{
	unsigned char *c = (unsigned char *)text;

	while (*c) {
		int n = character(c);

		if (!n)
			*c++ = '?';
		c += n;
	}
}

int user_refuse(struct user_error *error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error->text, sizeof(error->text), format, args);
	va_end(args);
	user_make_text(error->text);
	return -EINVAL;
}

/* ---- words --------------------------------------------------------------------------- */

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* Takes the quotes away from what begins at *from; the text moves to *to. false: no end. */
static bool unquote(char **from, char **to)
{
	char quote = *(*from)++;

	while (**from && **from != quote) {
		if (quote == '"' && **from == '\\' && (*from)[1])
			(*from)++;
		*(*to)++ = *(*from)++;
	}
	if (!**from)
		return false;
	(*from)++;
	return true;
}

int user_split(char *line, const char *words[USER_WORDS_MAX], struct user_error *error)
{
	char *from = line, *to = line;
	int n = 0;

	if (strlen(line) >= USER_LINE_MAX)
		return user_refuse(error, "line: longer than %d bytes", USER_LINE_MAX - 1);
	for (;;) {
		bool more;

		while (is_space(*from))
			from++;
		if (!*from || *from == '#')
			return n;
		if (n == USER_WORDS_MAX)
			return user_refuse(error, "line: more than %d words", USER_WORDS_MAX);
		words[n++] = to;
		while (*from && !is_space(*from)) {
			if (*from != '"' && *from != '\'')
				*to++ = *from++;
			else if (!unquote(&from, &to))
				return user_refuse(error, "line: a quote without its end");
		}
		more = *from != '\0';
		*to++ = '\0'; /* may be where `from` is: hence the look before */
		if (!more)
			return n;
		from++;
	}
}
