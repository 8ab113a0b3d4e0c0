// SPDX-License-Identifier: GPL-2.0-only
/* Batches of user routes: all or nothing, told against what they find; and what of them a hold keeps back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "daemon/mirror_user.h"
#include "daemon/user_batch.h"
#include "daemon/user_hold.h"
#include "include/reasons.h"
#include "support_batch.h"
#include "support_events.h"
#include "support_model.h"

static void assert_refused(const char *text, const char *expected)
{
	struct user_error error = { "" };
	struct user_batch batch;

	user_batch_init(&batch, batch_mirror);
	assert_int_equal(batch_add_text(&batch, text, &error), -EINVAL);
	assert_string_equal(error.text, expected);
	user_batch_free(&batch);
}

static void the_last_word_counts(void **state)
{
	(void)state;
	ASSERT_COUNTS(batch_applied("add 10.0.0.0/8 drop\n"
				    "# nothing\n\n"
				    "add 10.0.0.0/9 pass\n"
				    "replace 10.0.0.0/9 drop\n"
				    "add 10.1.0.0/16 pass\r\n"
				    "del 10.1.0.0/16\n"),
		      2, 0, 0, 0);
	batch_assert_routes("10.0.0.0/8 drop\n10.0.0.0/9 drop\n");
	ASSERT_COUNTS(batch_applied("replace 10.0.0.0/8 drop\n"
				    "del 10.0.0.0/9\n"
				    "add 10.0.0.0/9 drop comment x"),
		      0, 1, 0, 1);
	ASSERT_COUNTS(
		batch_applied("del 10.0.0.0/9 drop\nreplace 10.0.0.0/8 pass\nadd default drop"), 1,
		1, 1, 0);
	batch_assert_routes("default drop\n10.0.0.0/8 pass\n");
	ASSERT_COUNTS(batch_applied("replace 10.0.0.0/8 pass override"), 0, 1, 0, 0);
	ASSERT_COUNTS(batch_applied("replace 10.0.0.0/8 via 192.0.2.1 dev eth2"), 0, 1, 0, 0);
	ASSERT_COUNTS(batch_applied("replace 10.0.0.0/8 via 192.0.2.1 dev eth2 onlink"), 0, 1, 0,
		      0);
	ASSERT_COUNTS(batch_applied("replace 10.0.0.0/8 via 192.0.2.1 dev eth2 onlink"), 0, 0, 0,
		      1);
}

static void what_is_told_wrong_names_its_line(void **state)
{
	(void)state;
	batch_applied("add 10.0.0.0/8 drop\nadd 10.64.0.0/10 via 192.0.2.1");
	assert_refused("add 10.1.0.0/16 drop\n\nadd 10.1.0.1/16 drop",
		       "f:3: 10.1.0.1/16: bits are set beyond the length of the prefix");
	assert_refused("add 10.0.0.0/8 pass",
		       "f:1: 10.0.0.0/8: is there already, 'replace' changes it");
	assert_refused("add 10.1.0.0/16 drop\nadd 10.1.0.0/16 drop",
		       "f:2: 10.1.0.0/16: is there already, from f:1, 'replace' changes it");
	assert_refused("del 10.0.0.0/8\nreplace 10.2.0.0/16 drop\ndel 10.0.0.0/8",
		       "f:3: 10.0.0.0/8: there is no such user route");
	assert_refused("del 10.64.0.0/10 via 192.0.2.2",
		       "f:1: 10.64.0.0/10: the user route there does something else ('via')");
	assert_refused("x\"", "f:1: line: a quote without its end");
	assert_refused("add 10.3.0.1/32 drop\nadd 10.3.0.1 drop",
		       "f:2: 10.3.0.1: is there already, from f:1, 'replace' changes it");
	assert_refused("del 10.3.0.1/32", "f:1: 10.3.0.1: there is no such user route");
	assert_refused("del 0.0.0.0/0", "f:1: default: there is no such user route");
	assert_refused("\xef\xbb\xbf# saved by an editor\nadd 10.3.0.1 drop",
		       "f:1: a byte order mark (BOM) is before the first word");
	batch_assert_routes("10.0.0.0/8 drop\n10.64.0.0/10 via 192.0.2.1 dev eth2\n");
}

static void without_a_base_the_batch_is_alone(void **state)
{
	struct user_counts counts;
	struct user_batch batch;
	struct user_error error;

	(void)state;
	batch_applied("add 10.0.0.0/8 drop\nadd 10.1.0.0/16 drop");
	user_batch_init(&batch, NULL);
	assert_int_equal(batch_add_text(&batch, "10.0.0.0/8 pass\n10.2.0.0/16 drop", &error), 0);
	assert_int_equal(batch_add_text(&batch, "10.2.0.0/16 drop", &error), -EINVAL);
	assert_int_equal(user_batch_drop(&batch, prefix_of("10.1.0.0/16")), 0);
	assert_int_equal(user_batch_drop(&batch, prefix_of("10.3.0.0/16")), 0);
	assert_null(user_batch_find(&batch, prefix_of("10.1.0.0/16")));
	assert_non_null(user_batch_find(&batch, prefix_of("10.2.0.0/16")));
	assert_int_equal(user_batch_apply(&batch, batch_mirror, &counts), 0);
	ASSERT_COUNTS(counts, 1, 1, 1, 0);
	user_batch_free(&batch);
	batch_assert_routes("10.0.0.0/8 pass\n10.2.0.0/16 drop\n");
}

/* ---- holds --------------------------------------------------------------------------- */

static uint32_t held(uint32_t hold, const char *text)
{
	struct user_batch batch;
	struct user_error error;
	uint32_t n;

	user_batch_init(&batch, batch_mirror);
	if (batch_add_text(&batch, text, &error))
		fail_msg("refused: %s", error.text);
	n = user_hold_count_batch(hold, &batch);
	user_batch_free(&batch);
	return n;
}

static void holds_leave_drops_in_force(void **state)
{
	static const char all[] = "add 10.1.0.0/16 drop\nadd 10.2.0.0/16 pass\n"
				  "add 10.3.0.0/16 via 192.0.2.1\nadd 10.4.0.0/16 redirect eth2\n"
				  "add 10.5.0.0/16 cpu 0\nadd 10.6.0.0/16 dev eth2\n"
				  "add 10.7.0.0/16 nexthop via 192.0.2.1 nexthop via 192.0.2.2";

	(void)state;
	assert_int_equal(held(0, all), 0);
	assert_int_equal(held(VERDICT_netfilter, all), 5);
	assert_int_equal(held(VERDICT_xfrm, all), 5);
	assert_int_equal(held(VERDICT_policy_rule, all), 5);
	assert_int_equal(held(VERDICT_table_full, all), 6);
	assert_int_equal(held(VERDICT_paused, all), 6);
	assert_int_equal(held(VERDICT_netfilter, "add 10.1.0.0/16 dev eth2\ndel 10.1.0.0/16"), 0);
	assert_int_equal(held(VERDICT_netfilter, "add 10.1.0.0/16 dev eth2\n"
						 "replace 10.1.0.0/16 drop"),
			 0);
	batch_applied(all);
	assert_int_equal(user_hold_count(0, batch_mirror), 0);
	assert_int_equal(user_hold_count(VERDICT_netfilter, batch_mirror), 5);
	assert_int_equal(user_hold_count(VERDICT_policy_rule, batch_mirror), 5);
	assert_int_equal(user_hold_count(VERDICT_paused, batch_mirror), 6);
	assert_int_equal(user_hold_count(VERDICT_table_full, batch_mirror), 6);
}

/* ---- random histories ---------------------------------------------------------------- */

static void random_line(struct random *random, FILE *out)
{
	static const char *const actions[] = {
		"drop",
		"pass",
		"via 192.0.2.1",
		"dev eth4",
		"redirect eth3",
		"cpu 0-2 comment \"a b\"",
		"nexthop via 192.0.2.1 weight 3 nexthop via 198.51.100.1",
		"drop override",
		"via 192.0.2.1 dev eth2 onlink",
	};
	static const char *const verbs[] = { "replace", "replace", "add", "del" };
	const char *verb = verbs[random_below(random, 4)];
	uint32_t octet = random_below(random, 24);

	fprintf(out, "%s 10.%u.0.0/16", verb, octet);
	if (strcmp(verb, "del") != 0)
		fprintf(out, " %s", actions[random_below(random, 9)]);
	fputc('\n', out);
}

/*
 * A batch leaves what its lines leave that are given one by one, refused ones left out; what is undone
 * leaves what was before.
 */
static void batches_are_as_their_lines(void **state)
{
	struct random random;

	(void)state;
	random_init(&random, 77);
	for (int round = 0; round < 300; round++) {
		struct user_batch batch, alone;
		struct user_counts counts;
		char *text = NULL, *line, *next, *before = batch_routes();
		char *together, *one_by_one;
		struct user_error error;
		size_t size;
		FILE *out;

		user_batch_init(&batch, batch_mirror);
		for (uint32_t i = random_below(&random, 40); i; i--) {
			char *one = NULL;

			out = open_memstream(&one, &size);
			random_line(&random, out);
			fclose(out);
			batch_add_text(&batch, one, &error);
			next = NULL;
			if (asprintf(&next, "%s%s", text ? text : "", one) < 0)
				fail();
			free(text);
			free(one);
			text = next;
		}
		assert_int_equal(user_batch_apply(&batch, batch_mirror, &counts), 0);
		together = batch_routes();
		assert_int_equal(user_batch_undo(&batch, batch_mirror), 0);
		batch_assert_routes(before);
		for (line = text; line && *line; line = next) {
			next = strchr(line, '\n') + 1;
			next[-1] = '\0';
			user_batch_init(&alone, batch_mirror);
			if (batch_add_text(&alone, line, &error) == 0)
				assert_int_equal(user_batch_apply(&alone, batch_mirror, &counts),
						 0);
			user_batch_free(&alone);
		}
		one_by_one = batch_routes();
		assert_string_equal(together, one_by_one);
		user_batch_free(&batch);
		free(text);
		free(before);
		free(together);
		free(one_by_one);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, batch_setup, batch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_last_word_counts),
		TEST(what_is_told_wrong_names_its_line),
		TEST(without_a_base_the_batch_is_alone),
		TEST(holds_leave_drops_in_force),
		TEST(batches_are_as_their_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
