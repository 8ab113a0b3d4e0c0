// SPDX-License-Identifier: GPL-2.0-only
/* Selectors of user routes: which routes they select, and what is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "daemon/mirror_user.h"
#include "daemon/user_select.h"
#include "support_batch.h"

static int select_words(char *line, struct user_selector *selector, struct user_error *error)
{
	const char *words[USER_WORDS_MAX];
	int n = user_split(line, words, error);

	return user_selector_parse(words, (unsigned int)n, selector, error);
}

/* The routes that are selected, as the last numbers of their first octet pair. */
static void assert_selected(const char *text, const char *expected)
{
	const struct user_route *route = mirror_user_next(batch_mirror, NULL);
	char line[128], got[128] = "";
	struct user_selector selector;
	struct user_error error;

	snprintf(line, sizeof(line), "%s", text);
	if (select_words(line, &selector, &error))
		fail_msg("'%s': %s", text, error.text);
	for (; route; route = mirror_user_next(batch_mirror, route))
		if (user_selector_matches(&selector, batch_mirror, route))
			snprintf(got + strlen(got), sizeof(got) - strlen(got), "%u ",
				 route->dst.addr >> 16 & 255);
	assert_string_equal(got, expected);
}

static void selectors_select(void **state)
{
	static const char *const bad[][2] = {
		{ "", "no selector: 'all' is all user routes" },
		{ "all 10.0.0.0/8", "'10.0.0.0/8': does not go with 'all'" },
		{ "longer",
		  "'longer': all, a prefix, longer, action, dev or comment is needed here" },
		{ "10.0.0.0/8 10.0.0.0/9",
		  "'10.0.0.0/9': all, a prefix, longer, action, dev or comment is needed here" },
		{ "10.0.0.1/8", "10.0.0.1/8: bits are set beyond the length of the prefix" },
		{ "dev", "'dev' needs a value" },
		{ "dev a dev b", "'dev' is given twice" },
		{ "action x",
		  "'x': not an action: one of drop, pass, via, nexthop, dev, redirect, cpu" },
	};
	struct user_selector selector;

	(void)state;
	batch_applied("10.1.0.0/16 drop comment \"ddos 1\"\n"
		      "10.2.0.0/16 via 192.0.2.1\n"
		      "10.3.0.0/16 via 203.0.113.1 dev eth4 onlink comment x\n"
		      "10.4.0.0/16 redirect eth2\n"
		      "10.5.0.0/16 nexthop via 192.0.2.1 nexthop via 198.51.100.1\n"
		      "10.6.0.0/16 dev eth3\n"
		      "10.7.0.0/16 cpu 0\n"
		      "10.8.0.0/16 pass\n"
		      "10.8.1.0/24 drop comment ddos");
	assert_selected("all", "1 2 3 4 5 6 7 8 8 ");
	assert_selected("10.8.0.0/16", "8 ");
	assert_selected("10.8.0.0/16 longer", "8 8 ");
	assert_selected("10.0.0.0/8", "");
	assert_selected("action drop", "1 8 ");
	assert_selected("action via", "2 3 ");
	assert_selected("action nexthop", "5 ");
	assert_selected("action dev", "6 ");
	assert_selected("action cpu", "7 ");
	assert_selected("dev eth2", "2 4 5 ");
	assert_selected("dev eth3", "5 6 ");
	assert_selected("comment 'ddos*'", "1 8 ");
	assert_selected("comment ddos", "8 ");
	assert_selected("action drop 10.8.0.0/16 longer comment 'd*'", "8 ");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct user_error error;
		char line[128];

		snprintf(line, sizeof(line), "%s", bad[i][0]);
		assert_int_equal(select_words(line, &selector, &error), -EINVAL);
		assert_string_equal(error.text, bad[i][1]);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, batch_setup, batch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(selectors_select),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
