// SPDX-License-Identifier: GPL-2.0-only
/* The growing buffer, and the fields of a JSON row as words in it. */
#include "text.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "cli.h"

/* ---- buffer -------------------------------------------------------------------------- */

void text_add(struct text *t, const char *format, ...)
{
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(t->data ? t->data + t->len : NULL, t->size - t->len, format, args);
	va_end(args);
	if (len < 0)
		out_of_memory();
	if (t->len + len >= t->size) {
		size_t size = (t->len + len + 1) * 2;
		char *data = realloc(t->data, size);

		if (!data)
			out_of_memory();
		t->data = data;
		t->size = size;
		va_start(args, format);
		vsnprintf(t->data + t->len, t->size - t->len, format, args);
		va_end(args);
	}
	t->len += len;
}

/* C0, DEL, and C1 as UTF-8 writes it; line feed and tabulator are our own. */
static void replace_controls(unsigned char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if ((s[i] < 0x20 && s[i] != '\n' && s[i] != '\t') || s[i] == 0x7f)
			s[i] = '?';
		else if (s[i] == 0xc2 && i + 1 < len && s[i + 1] >= 0x80 && s[i + 1] < 0xa0)
			s[i] = s[i + 1] = '?';
	}
}

void text_write(struct text *t, FILE *out)
{
	if (!t->len)
		return;
	replace_controls((unsigned char *)t->data, t->len);
	fwrite(t->data, 1, t->len, out);
	t->len = 0;
}

void text_free(struct text *t)
{
	free(t->data);
	memset(t, 0, sizeof(*t));
}

/* ---- values -------------------------------------------------------------------------- */

const char *value_word(const json_t *value, char *buf)
{
	if (json_is_string(value))
		return json_string_value(value);
	if (json_is_integer(value))
		snprintf(buf, FORMAT_LEN, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	else if (json_is_real(value))
		snprintf(buf, FORMAT_LEN, "%.6g", json_real_value(value));
	else if (json_is_boolean(value))
		snprintf(buf, FORMAT_LEN, "%s", json_is_true(value) ? "on" : "off");
	else
		return NULL;
	return buf;
}

const char *field_string(const json_t *row, const char *key)
{
	const char *value = json_string_value(json_object_get(row, key));

	return value ? value : "";
}

json_int_t field_integer(const json_t *row, const char *key)
{
	const json_t *value = json_object_get(row, key);

	return json_is_real(value) ? (json_int_t)json_real_value(value) : json_integer_value(value);
}

static void add_word(struct text *t, const char *word)
{
	text_add(t, "%s%s", t->len && t->data[t->len - 1] != '\n' ? " " : "", word);
}

void text_field(struct text *t, const json_t *row, const char *key, const char *label)
{
	char buf[FORMAT_LEN];
	const char *word = value_word(json_object_get(row, key), buf);

	if (!word)
		return;
	if (*label)
		add_word(t, label);
	add_word(t, word);
}

void text_words(struct text *t, const json_t *row, const char *key, char separator)
{
	const json_t *list = json_object_get(row, key);
	char buf[FORMAT_LEN];

	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *word = value_word(json_array_get(list, i), buf);

		if (i == 0)
			add_word(t, word ? word : "?");
		else
			text_add(t, "%c%s", separator, word ? word : "?");
	}
}

void text_gateway(struct text *t, const json_t *row)
{
	const json_t *via = json_object_get(row, "via");

	text_field(t, row, "gateway", "via");
	if (json_is_object(via)) {
		text_field(t, via, "family", "via");
		text_field(t, via, "host", "");
	}
}

void text_fastpath(struct text *t, const json_t *row)
{
	const json_t *fastpath = json_object_get(row, "fastpath");
	const char *reason = field_string(fastpath, "reason");

	text_field(t, fastpath, "verdict", "fastpath");
	if (*reason)
		text_add(t, " (%s)", reason);
}
