// SPDX-License-Identifier: GPL-2.0-only
/* User routes as text: lines into words, words into routes, every refusal, and back again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "daemon/mirror_user.h"
#include "daemon/user_text.h"
#include "support_events.h"
#include "support_model.h"

/* Parses one line; what it says is in `error` where it is refused. */
static int parse(const char *text, enum user_verb_use use, struct user_command *ret,
		 struct user_error *error)
{
	const char *words[USER_WORDS_MAX];
	char line[USER_LINE_MAX + 8];
	int n;

	snprintf(line, sizeof(line), "%s", text);
	n = user_split(line, words, error);
	return n < 0 ? n : user_parse(words, (unsigned int)n, use, ret, error);
}

static struct user_command accepted(const char *text)
{
	struct user_command command;
	struct user_error error = { "" };

	if (parse(text, USER_VERB_NEEDED, &command, &error))
		fail_msg("'%s': refused: %s", text, error.text);
	return command;
}

static void assert_split(const char *text, int n, const char *const *expected)
{
	const char *words[USER_WORDS_MAX];
	struct user_error error;
	char line[256];

	snprintf(line, sizeof(line), "%s", text);
	assert_int_equal(user_split(line, words, &error), n);
	for (int i = 0; i < n; i++)
		assert_string_equal(words[i], expected[i]);
}

#define SPLIT(text, ...)                                                                           \
	do {                                                                                       \
		const char *const expected[] = { __VA_ARGS__ };                                    \
                                                                                                   \
		assert_split(text, sizeof(expected) / sizeof(expected[0]), expected);              \
	} while (0)

static void lines_are_split_into_words(void **state)
{
	(void)state;
	assert_split("", 0, NULL);
	assert_split(" \t\r", 0, NULL);
	assert_split("# a comment", 0, NULL);
	SPLIT("a b", "a", "b");
	SPLIT("\ta  b\t c \r", "a", "b", "c");
	SPLIT("a#b c # d", "a#b", "c");
	SPLIT("a \"b c\" 'd \" e'", "a", "b c", "d \" e");
	SPLIT("\"a \\\" \\\\ # b\"c", "a \" \\ # bc");
	SPLIT("'a\\' b", "a\\", "b");
	SPLIT("\"\" ''", "", "");
	SPLIT("a\\b", "a\\b");
}

static void lines_that_are_none_are_refused(void **state)
{
	const char *words[USER_WORDS_MAX];
	char line[2 * USER_LINE_MAX];
	struct user_error error;

	(void)state;
	snprintf(line, sizeof(line), "add \"10.0.0.0/8");
	assert_int_equal(user_split(line, words, &error), -EINVAL);
	assert_string_equal(error.text, "line: a quote without its end");
	snprintf(line, sizeof(line), "add 'x\"");
	assert_int_equal(user_split(line, words, &error), -EINVAL);
	memset(line, 'x', USER_LINE_MAX);
	line[USER_LINE_MAX] = '\0';
	assert_int_equal(user_split(line, words, &error), -EINVAL);
	line[USER_LINE_MAX - 1] = '\0';
	assert_int_equal(user_split(line, words, &error), 1);
	for (int i = 0; i <= USER_WORDS_MAX; i++)
		memcpy(line + 2L * i, "x ", 3);
	assert_int_equal(user_split(line, words, &error), -EINVAL);
	assert_string_equal(error.text, "line: more than 1024 words");
}

static void actions_are_understood(void **state)
{
	struct user_command c = accepted("add 10.0.0.0/8 drop");

	(void)state;
	assert_int_equal(c.verb, USER_ADD);
	assert_true(c.has_action);
	assert_int_equal(c.route.action, USER_DROP);
	assert_true(prefix_equal(c.route.dst, prefix_of("10.0.0.0/8")));
	assert_false(c.route.override);
	assert_null(c.route.comment);

	c = accepted("replace default pass override");
	assert_int_equal(c.verb, USER_REPLACE);
	assert_int_equal(c.route.action, USER_PASS);
	assert_int_equal(c.route.dst.len, 0);
	assert_true(c.route.override);

	c = accepted("add 10.1.1.1 redirect eth0 comment \"a b\"");
	assert_int_equal(c.route.action, USER_REDIRECT);
	assert_int_equal(c.route.dst.len, 32);
	assert_string_equal(c.route.dev, "eth0");
	assert_string_equal(c.route.comment, "a b");
	mirror_user_release(&c.route);

	c = accepted("add 10.0.0.0/8 cpu 2-5");
	assert_int_equal(c.route.action, USER_CPU);
	assert_int_equal(c.route.first_cpu, 2);
	assert_int_equal(c.route.last_cpu, 5);
	c = accepted("add 10.0.0.0/8 cpu 1-65535");
	assert_int_equal(c.route.first_cpu, 1);
	assert_int_equal(c.route.last_cpu, 65535);
	c = accepted("add 10.0.0.0/8 cpu 7");
	assert_int_equal(c.route.first_cpu, 7);
	assert_int_equal(c.route.last_cpu, 7);

	c = accepted("del 10.0.0.0/8");
	assert_int_equal(c.verb, USER_DEL);
	assert_false(c.has_action);
	c = accepted("del 10.0.0.0/8 drop");
	assert_true(c.has_action);
}

static void next_hops_are_understood(void **state)
{
	struct user_command c = accepted(
		"add 10.0.0.0/8 override via 192.0.2.1 dev eth1 lladdr 02:00:00:00:0A:ff comment x");

	(void)state;
	assert_int_equal(c.route.action, USER_NEXTHOPS);
	assert_true(c.route.override);
	assert_int_equal(c.route.n_legs, 1);
	assert_int_equal(c.route.legs[0].gateway, ip4("192.0.2.1"));
	assert_string_equal(c.route.legs[0].dev, "eth1");
	assert_int_equal(c.route.legs[0].weight, 1);
	assert_true(c.route.legs[0].has_lladdr);
	assert_false(c.route.legs[0].onlink);
	assert_memory_equal(c.route.legs[0].lladdr, "\x02\0\0\0\x0a\xff", 6);
	mirror_user_release(&c.route);

	c = accepted("add 10.0.0.0/8 dev eth1 onlink via 192.0.2.1");
	assert_int_equal(c.route.legs[0].gateway, ip4("192.0.2.1"));
	assert_true(c.route.legs[0].onlink);
	assert_false(c.route.legs[0].has_lladdr);
	mirror_user_release(&c.route);

	c = accepted("add 10.0.0.0/8 dev eth1");
	assert_int_equal(c.route.action, USER_NEXTHOPS);
	assert_int_equal(c.route.legs[0].gateway, 0);
	mirror_user_release(&c.route);

	c = accepted("add 10.0.0.0/8 nexthop via 192.0.2.1 weight 256 "
		     "nexthop dev eth1 via 192.0.2.2 nexthop via 192.0.2.3 comment c");
	assert_int_equal(c.route.n_legs, 3);
	assert_int_equal(c.route.legs[0].weight, 256);
	assert_int_equal(c.route.legs[1].weight, 1);
	assert_string_equal(c.route.legs[1].dev, "eth1");
	assert_int_equal(c.route.legs[2].gateway, ip4("192.0.2.3"));
	assert_string_equal(c.route.comment, "c");
	mirror_user_release(&c.route);
}

static void what_makes_no_sense_is_refused(void **state)
{
	static const char *const rows[][2] = {
		{ "", "'': add, replace or del has to come first" },
		{ "10.0.0.0/8 drop", "'10.0.0.0/8': add, replace or del has to come first" },
		{ "add", "add: no prefix" },
		{ "add 10.0.0.1/8 drop",
		  "10.0.0.1/8: bits are set beyond the length of the prefix" },
		{ "add 10.0.0.0/33 drop", "'10.0.0.0/33': not an IPv4 prefix" },
		{ "add drop", "'drop': not an IPv4 prefix" },
		{ "add 2001:db8::/32 drop", "'2001:db8::/32': not an IPv4 prefix" },
		{ "add 10.0.0.0/8", "10.0.0.0/8: no action: one of drop, pass, via, nexthop, dev, "
				    "redirect and cpu is needed" },
		{ "add 10.0.0.0/8 blackhole",
		  "10.0.0.0/8: 'blackhole' is not a word that belongs here" },
		{ "add 10.0.0.1/32 drop pass", "10.0.0.1: one action only, not 'drop' and 'pass'" },
		{ "add 0.0.0.0/0 frob", "default: 'frob' is not a word that belongs here" },
		{ "add 10.0.0.0/8 drop pass",
		  "10.0.0.0/8: one action only, not 'drop' and 'pass'" },
		{ "add 10.0.0.0/8 drop via 192.0.2.1",
		  "10.0.0.0/8: one action only, not 'drop' and 'via'" },
		{ "add 10.0.0.0/8 via 192.0.2.1 nexthop via 192.0.2.2",
		  "10.0.0.0/8: one action only, not 'via' and 'nexthop'" },
		{ "add 10.0.0.0/8 via 192.0.2.1 override dev eth0",
		  "10.0.0.0/8: one action only, not 'via' and 'dev'" },
		{ "add 10.0.0.0/8 via", "10.0.0.0/8: 'via' needs a value" },
		{ "add 10.0.0.0/8 via fe80::1",
		  "10.0.0.0/8: 'fe80::1' is not an IPv4 address to send by" },
		{ "add 10.0.0.0/8 via 0.0.0.0",
		  "10.0.0.0/8: 0.0.0.0 is not the address of a host, so it is no gateway" },
		{ "add 10.0.0.0/8 via 224.0.0.1",
		  "10.0.0.0/8: 224.0.0.1 is not the address of a host, so it is no gateway" },
		{ "add 10.0.0.0/8 via 127.0.0.1",
		  "10.0.0.0/8: 127.0.0.1 is not the address of a host, so it is no gateway" },
		{ "add 10.0.0.0/8 via 192.0.2.1 via 192.0.2.2",
		  "10.0.0.0/8: 'via' is given twice" },
		{ "add 10.0.0.0/8 dev a dev b", "10.0.0.0/8: 'dev' is given twice" },
		{ "add 10.0.0.0/8 dev 0123456789abcdef",
		  "10.0.0.0/8: '0123456789abcdef' is not an interface name" },
		{ "add 10.0.0.0/8 dev a/b", "10.0.0.0/8: 'a/b' is not an interface name" },
		{ "add 10.0.0.0/8 dev ..", "10.0.0.0/8: '..' is not an interface name" },
		{ "add 10.0.0.0/8 dev ''", "10.0.0.0/8: '' is not an interface name" },
		{ "add 10.0.0.0/8 redirect", "10.0.0.0/8: 'redirect' needs a value" },
		{ "add 10.0.0.0/8 redirect a:b", "10.0.0.0/8: 'a:b' is not an interface name" },
		{ "add 10.0.0.0/8 dev eth0 onlink", "10.0.0.0/8: 'onlink' without 'via'" },
		{ "add 10.0.0.0/8 onlink", "10.0.0.0/8: 'onlink' without 'via'" },
		{ "add 10.0.0.0/8 dev eth0 lladdr 02:00:00:00:00:01",
		  "10.0.0.0/8: 'lladdr' without 'via'" },
		{ "add 10.0.0.0/8 lladdr 02:00:00:00:00:01", "10.0.0.0/8: 'lladdr' without 'via'" },
		{ "add 10.0.0.0/8 via 192.0.2.1 lladdr 02:00:00:00:00",
		  "10.0.0.0/8: '02:00:00:00:00' is not a MAC address" },
		{ "add 10.0.0.0/8 via 192.0.2.1 lladdr 02:00:00:00:00:0g",
		  "10.0.0.0/8: '02:00:00:00:00:0g' is not a MAC address" },
		{ "add 10.0.0.0/8 via 192.0.2.1 lladdr 01:00:5e:00:00:01",
		  "10.0.0.0/8: 01:00:5e:00:00:01 is not the MAC address of a host" },
		{ "add 10.0.0.0/8 via 192.0.2.1 lladdr 00:00:00:00:00:00",
		  "10.0.0.0/8: 00:00:00:00:00:00 is not the MAC address of a host" },
		{ "add 10.0.0.0/8 via 192.0.2.1 weight 2",
		  "10.0.0.0/8: 'weight' without 'nexthop'" },
		{ "add 10.0.0.0/8 nexthop via 192.0.2.1 weight 0",
		  "10.0.0.0/8: '0' is not a weight from 1 to 256" },
		{ "add 10.0.0.0/8 nexthop via 192.0.2.1 weight 257",
		  "10.0.0.0/8: '257' is not a weight from 1 to 256" },
		{ "add 10.0.0.0/8 nexthop via 192.0.2.1 weight 2 weight 3",
		  "10.0.0.0/8: 'weight' is given twice" },
		{ "add 10.0.0.0/8 nexthop dev eth0", "10.0.0.0/8: 'nexthop' without 'via'" },
		{ "add 10.0.0.0/8 nexthop nexthop via 192.0.2.1",
		  "10.0.0.0/8: 'nexthop' without 'via'" },
		{ "add 10.0.0.0/8 cpu", "10.0.0.0/8: 'cpu' needs a value" },
		{ "add 10.0.0.0/8 cpu x", "10.0.0.0/8: 'x' is not a CPU or a range of CPUs" },
		{ "add 10.0.0.0/8 cpu 2-", "10.0.0.0/8: '2-' is not a CPU or a range of CPUs" },
		{ "add 10.0.0.0/8 cpu -2", "10.0.0.0/8: '-2' is not a CPU or a range of CPUs" },
		{ "add 10.0.0.0/8 cpu 4294967297",
		  "10.0.0.0/8: '4294967297' is not a CPU or a range of CPUs" },
		{ "add 10.0.0.0/8 cpu 0-65535", "10.0.0.0/8: more than 65535 CPUs" },
		{ "add 10.0.0.0/8 cpu 5-2",
		  "10.0.0.0/8: '5-2' is a range that ends before it begins" },
		{ "add 10.0.0.0/8 drop comment", "10.0.0.0/8: 'comment' needs a value" },
		{ "add 10.0.0.0/8 drop comment ''", "10.0.0.0/8: a comment has 1 to 127 bytes" },
		{ "add 10.0.0.0/8 drop comment a comment b",
		  "10.0.0.0/8: 'comment' is given twice" },
		{ "add 10.0.0.0/8 drop comment a\x1b[0m",
		  "10.0.0.0/8: the comment is not printable UTF-8" },
		{ "del 10.0.0.0/8 comment a", "10.0.0.0/8: 'comment' does not go with del" },
		{ "del 10.0.0.0/8 drop override", "10.0.0.0/8: 'override' does not go with del" },
		{ "del 10.0.0.0/8 \xff\x07", "10.0.0.0/8: '\?\?' is not a word that belongs here" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct user_command command;
		struct user_error error = { "" };

		if (parse(rows[i][0], USER_VERB_NEEDED, &command, &error) != -EINVAL)
			fail_msg("'%s' is not refused", rows[i][0]);
		assert_string_equal(error.text, rows[i][1]);
	}
}

static void the_verb_may_be_left_out_in_files(void **state)
{
	struct user_command command;
	struct user_error error;

	(void)state;
	assert_int_equal(parse("10.0.0.0/8 drop", USER_VERB_OPTIONAL, &command, &error), 0);
	assert_int_equal(command.verb, USER_ADD);
	assert_int_equal(parse("replace 10.0.0.0/8 drop", USER_VERB_OPTIONAL, &command, &error), 0);
	assert_int_equal(command.verb, USER_REPLACE);
	assert_int_equal(parse("", USER_VERB_OPTIONAL, &command, &error), -EINVAL);
	assert_int_equal(parse("ad 10.0.0.0/8 drop", USER_VERB_OPTIONAL, &command, &error),
			 -EINVAL);
	assert_string_equal(error.text, "'ad': not an IPv4 prefix");
}

/* A file says what there is; it would take away what was set at run time. */
static void files_delete_nothing(void **state)
{
	struct user_command command;
	struct user_error error;

	(void)state;
	assert_int_equal(parse("del 10.0.0.0/8", USER_VERB_NEEDED, &command, &error), 0);
	assert_int_equal(command.verb, USER_DEL);
	assert_int_equal(parse("del 10.0.0.0/8", USER_VERB_OPTIONAL, &command, &error), -EINVAL);
	assert_string_equal(error.text,
			    "del: not in a file, which says what there is: leave the route out");
	assert_int_equal(parse("del", USER_VERB_OPTIONAL, &command, &error), -EINVAL);
}

static void limits_are_kept(void **state)
{
	char line[USER_LINE_MAX];
	struct user_command command;
	struct user_error error;
	int len = snprintf(line, sizeof(line), "add 10.0.0.0/8");

	(void)state;
	for (int i = 0; i < USER_LEGS_MAX; i++)
		len += snprintf(line + len, sizeof(line) - (size_t)len, " nexthop via 192.0.2.%d",
				i + 1);
	command = accepted(line);
	assert_int_equal(command.route.n_legs, USER_LEGS_MAX);
	mirror_user_release(&command.route);
	snprintf(line + len, sizeof(line) - (size_t)len, " nexthop via 192.0.2.100");
	assert_int_equal(parse(line, USER_VERB_NEEDED, &command, &error), -EINVAL);
	assert_string_equal(error.text, "10.0.0.0/8: more than 64 next hops");

	len = snprintf(line, sizeof(line), "add 10.0.0.0/8 drop comment ");
	memset(line + len, 'x', USER_COMMENT_MAX);
	line[len + USER_COMMENT_MAX - 1] = '\0';
	command = accepted(line);
	mirror_user_release(&command.route);
	strcat(line, "x");
	assert_int_equal(parse(line, USER_VERB_NEEDED, &command, &error), -EINVAL);
}

static void text_is_utf_8(void **state)
{
	static const char *const good[] = {
		"", "a", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xc2\xa0"
	};
	static const char *const bad[] = { "\x80",
					   "\xc3",
					   ("\xc3"
					    "a"),
					   "\xc0\xaf",
					   "\xe0\x80\xaf",
					   "\xed\xa0\x80",
					   "\xf4\x90\x80\x80",
					   "\xff",
					   "a\tb",
					   "\x7f",
					   "\xc2\x85",
					   "\xe2\x82",
					   "\xf0\x8f\xbf\xbf" };

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(user_is_text(good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (user_is_text(bad[i]))
			fail_msg("row %zu is taken for text", i);
}

/* Whatever is quoted, and wherever it is cut off. */
static void errors_are_text(void **state)
{
	struct random random;

	(void)state;
	random_init(&random, 11);
	for (int round = 0; round < 5000; round++) {
		struct user_error error;
		char word[400];
		size_t len = random_below(&random, sizeof(word));

		for (size_t i = 0; i < len; i++)
			word[i] = (char)(random_below(&random, 3)
						 ? 0x80 + random_below(&random, 128)
						 : 1 + random_below(&random, 255));
		word[len] = '\0';
		user_refuse(&error, "%.*s", (int)random_below(&random, 400), word);
		if (!user_is_text(error.text))
			fail_msg("round %d is no text", round);
	}
}

/* ---- and back ------------------------------------------------------------------------ */

/* Of everything that a comment may hold, what has a meaning to the splitter most often. */
static const char *random_character(struct random *random, char ascii[2])
{
	static const char *const rest[] = { "\"",
					    "\\",
					    "'",
					    "#",
					    " ",
					    "$",
					    "\xc2\xa0",
					    "\xc3\xa9",
					    "\xe2\x80\xa8",
					    "\xf0\x9f\x98\x80" };

	ascii[0] = (char)(' ' + random_below(random, 0x7f - ' '));
	ascii[1] = '\0';
	return random_below(random, 2) ? ascii
				       : rest[random_below(random, sizeof(rest) / sizeof(rest[0]))];
}

static void random_word(struct random *random, char *word, size_t max)
{
	size_t len = 1 + random_below(random, (uint32_t)max - 5), n = 0;
	char ascii[2];

	while (n < len)
		n += (size_t)sprintf(word + n, "%s", random_character(random, ascii));
	assert_true(user_is_text(word));
}

static void random_leg(struct random *random, struct user_leg *leg, bool several)
{
	*leg = (struct user_leg){ .weight = 1 };
	if (several || random_below(random, 4))
		leg->gateway = htonl(0xc0000200 + random_below(random, 256));
	if (!leg->gateway || random_below(random, 2))
		snprintf(leg->dev, sizeof(leg->dev), random_below(random, 9) ? "eth%u" : "#\"%u\\'",
			 random_below(random, 100));
	if (leg->gateway && !random_below(random, 3)) {
		leg->has_lladdr = true;
		for (int i = 0; i < 6; i++)
			leg->lladdr[i] = (uint8_t)(2 * random_below(random, 128));
		leg->lladdr[5] |= 1;
	}
	leg->onlink = leg->gateway && !random_below(random, 4);
	if (several)
		leg->weight = (uint16_t)(1 + random_below(random, 256));
}

static void random_route(struct random *random, struct user_route *route,
			 struct user_leg legs[USER_LEGS_MAX], char *comment)
{
	*route = (struct user_route){
		.dst = prefix_make(random_u32(random), (uint8_t)random_below(random, 33)),
		.action = (uint8_t)random_below(random, 5),
		.override = random_below(random, 2),
	};
	if (route->action == USER_REDIRECT)
		snprintf(route->dev, sizeof(route->dev), "vlan.%u", random_below(random, 4096));
	if (route->action == USER_CPU) {
		route->first_cpu = random_below(random, 1000);
		route->last_cpu = route->first_cpu + random_below(random, 3);
	}
	if (route->action == USER_NEXTHOPS) {
		route->legs = legs;
		route->n_legs = 1;
		if (random_below(random, 2))
			route->n_legs = (uint16_t)(2 + random_below(random, USER_LEGS_MAX - 1));
		for (unsigned int i = 0; i < route->n_legs; i++)
			random_leg(random, &legs[i], route->n_legs > 1);
	}
	if (random_below(random, 2)) {
		random_word(random, comment, USER_COMMENT_MAX);
		route->comment = comment;
	}
}

static void text_and_back_is_the_same_route(void **state)
{
	struct random random;

	(void)state;
	random_init(&random, 5);
	for (int round = 0; round < 20000; round++) {
		char text[USER_LINE_MAX], again[USER_LINE_MAX], comment[USER_COMMENT_MAX];
		struct user_leg legs[USER_LEGS_MAX];
		struct user_command command;
		struct user_route route;
		struct user_error error;

		random_route(&random, &route, legs, comment);
		user_format(&route, text);
		if (parse(text, USER_VERB_OPTIONAL, &command, &error))
			fail_msg("%s: refused: %s", text, error.text);
		assert_true(prefix_equal(command.route.dst, route.dst));
		assert_true(mirror_user_same(&command.route, &route));
		assert_int_equal(command.route.override, route.override);
		for (unsigned int i = 0; i < route.n_legs; i++)
			assert_int_equal(command.route.legs[i].onlink, legs[i].onlink);
		assert_string_equal(command.route.comment ? command.route.comment : "",
				    route.comment ? route.comment : "");
		assert_string_equal(user_format(&command.route, again), text);
		mirror_user_release(&command.route);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_split_into_words),
		cmocka_unit_test(lines_that_are_none_are_refused),
		cmocka_unit_test(actions_are_understood),
		cmocka_unit_test(next_hops_are_understood),
		cmocka_unit_test(what_makes_no_sense_is_refused),
		cmocka_unit_test(the_verb_may_be_left_out_in_files),
		cmocka_unit_test(files_delete_nothing),
		cmocka_unit_test(limits_are_kept),
		cmocka_unit_test(text_is_utf_8),
		cmocka_unit_test(errors_are_text),
		cmocka_unit_test(text_and_back_is_the_same_route),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
