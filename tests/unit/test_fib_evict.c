// SPDX-License-Identifier: GPL-2.0-only
/*
 * A full engine and routes of the user's: prefixes of the kernel's go for them, when the kernel announces more, and
 * at a start. The recorder looks every watched address up after every single write.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "daemon/fib_internal.h"
#include "support_events.h"
#include "support_install.h"

static int setup(void **state)
{
	*state = calloc(1, sizeof(struct world));
	assert_non_null(*state);
	install_world(*state, install_roomy, 64, 0);
	return 0;
}

static int teardown(void **state)
{
	world_free(*state);
	free(*state);
	return 0;
}

/* The kernel's: 30/8 by eth2, in it n of 30.1/16, 30.2/16 .. by eth3. */
static void kernel_beside(struct world *w, uint32_t n)
{
	char dst[32];

	world_do(w, ev_route(EVENT_NEW, "30.0.0.0/8", 2, "10.0.2.1"));
	for (uint32_t i = 1; i <= n; i++) {
		sprintf(dst, "30.%u.0.0/16", i);
		world_do(w, ev_route(EVENT_NEW, dst, 3, "10.0.3.1"));
	}
}

/* ---- what the kernel announces ---------------------------------------------------------------- */

/* What the kernel announces does not put a route of the user's out of force, as long as others can go instead. */
static void test_drop_outlives_announcements(void **state)
{
	struct world *w = install_world(*state, install_roomy, 4, 0);

	kernel_beside(w, 2);
	install_taken(w, "add 20.0.0.0/8 drop");
	recorder_watch_edges(w->rec, prefix_of("20.0.0.0/8"));
	recorder_watch_edges(w->rec, prefix_of("20.1.0.0/16"));
	recorder_watch_edges(w->rec, prefix_of("30.1.0.0/16"));
	for (int i = 1; i <= 2; i++) {
		char dst[32], in[32], gone[32];

		sprintf(dst, "20.%d.0.0/16", i);
		sprintf(in, "20.%d.1.1", i);
		sprintf(gone, "30.%d.1.1", i);
		world_do(w, ev_route(EVENT_NEW, dst, 4, "10.0.4.1"));
		assert_int_equal(world_verdict(w, "20.9.9.9"), VERDICT_dropped);
		assert_int_equal(world_mac(w, in), 40);
		assert_int_equal(world_verdict(w, gone), VERDICT_table_full);
		assert_int_equal(world_verdict(w, "30.9.9.9"), VERDICT_table_full);
	}
	/* None is left that could go: 30/8 stands for others. */
	world_do(w, ev_route(EVENT_NEW, "20.3.0.0/16", 4, "10.0.4.1"));
	assert_int_equal(world_verdict(w, "20.9.9.9"), VERDICT_table_full);
	/* Of the room that comes free the user's have the first. */
	w->rec->lenient = true;
	world_do(w, ev_route(EVENT_DEL, "20.2.0.0/16", 4, "10.0.4.1"));
	assert_int_equal(world_verdict(w, "20.9.9.9"), VERDICT_dropped);
	assert_int_equal(world_mac(w, "20.3.1.1"), 40);
	world_do(w, ev_route(EVENT_DEL, "20.3.0.0/16", 4, "10.0.4.1"));
	world_do(w, ev_route(EVENT_DEL, "20.1.0.0/16", 4, "10.0.4.1"));
	assert_int_equal(w->fib->victims.count + w->fib->marks.count, 0);
	assert_int_equal(world_mac(w, "30.1.1.1"), 30);
	assert_int_equal(world_mac(w, "30.9.9.9"), 20);
}

/* With dir24 a row goes, with all that is in it, but none that a route of the user's needs. */
static void test_drop_outlives_rows(void **state)
{
	struct world *w = install_world(*state, install_roomy, REC_ROUTES, 3);

	world_do(w, ev_route(EVENT_NEW, "30.0.0.0/8", 2, "10.0.2.1"));
	world_do(w, ev_route(EVENT_NEW, "30.0.1.0/26", 3, "10.0.3.1"));
	world_do(w, ev_route(EVENT_NEW, "30.0.2.0/26", 3, "10.0.3.1"));
	world_do(w, ev_route(EVENT_NEW, "30.0.2.64/26", 4, "10.0.4.1"));
	install_taken(w, "add 20.1.0.0/16 drop\nadd 30.0.1.128/25 drop\nadd 30.0.3.0/25 drop");
	world_do(w, ev_route(EVENT_NEW, "20.1.1.0/25", 5, "10.0.5.1"));
	assert_int_equal(world_verdict(w, "20.1.1.200"), VERDICT_dropped);
	assert_int_equal(world_mac(w, "20.1.1.1"), 50);
	assert_int_equal(world_verdict(w, "30.0.2.1"), VERDICT_table_full);
	assert_int_equal(world_verdict(w, "30.0.2.65"), VERDICT_table_full);
	assert_int_equal(world_verdict(w, "30.0.1.129"), VERDICT_dropped);
	assert_int_equal(world_mac(w, "30.0.1.1"), 30);
	assert_int_equal(world_mac(w, "30.0.9.1"), 20);
	/* The rows that are left are the user's, too. */
	world_do(w, ev_route(EVENT_NEW, "20.1.2.0/25", 5, "10.0.5.1"));
	assert_int_equal(world_verdict(w, "20.1.2.200"), VERDICT_table_full);
	assert_int_equal(world_verdict(w, "20.1.3.1"), VERDICT_dropped);
	w->rec->lenient = true;
	world_do(w, ev_route(EVENT_DEL, "20.1.1.0/25", 5, "10.0.5.1"));
	assert_int_equal(world_verdict(w, "20.1.2.200"), VERDICT_dropped);
	world_do(w, ev_route(EVENT_DEL, "20.1.2.0/25", 5, "10.0.5.1"));
	assert_int_equal(w->fib->victims.count + w->fib->marks.count, 0);
	assert_int_equal(world_mac(w, "30.0.2.65"), 40);
}

/* ---- at a start ------------------------------------------------------------------------------ */

static void at_start(struct world *w, const char *text)
{
	struct change c;

	install_read(&c, w, text);
	c.room = USER_ROOM_ANY;
	w->rec->lenient = true;
	assert_int_equal(recorder_run(w->rec, w->fib, install_run, &c), 0);
	w->rec->lenient = false;
	user_batch_free(&c.batch);
}

/* What the kernel had before and left out, at the prefix itself or below it, is no reason to go without. */
static void test_start_in_a_full_table(void **state)
{
	struct world *w = install_world(*state, install_roomy, 5, 0);

	kernel_beside(w, 4);
	world_do(w, ev_route(EVENT_NEW, "20.1.0.0/16", 4, "10.0.4.1"));
	world_do(w, ev_route(EVENT_NEW, "20.2.0.0/16", 5, "10.0.5.1"));
	assert_int_equal(w->fib->victims.count, 2);
	at_start(w, "add 20.1.0.0/16 drop");
	assert_int_equal(world_verdict(w, "20.1.1.1"), VERDICT_dropped);
	at_start(w, "add 20.0.0.0/8 drop");
	assert_int_equal(world_verdict(w, "20.9.9.9"), VERDICT_dropped);
	assert_int_equal(world_verdict(w, "20.1.1.1"), VERDICT_dropped);
	assert_int_equal(world_mac(w, "20.2.1.1"), 50);
	assert_int_equal(world_verdict(w, "30.9.9.9"), VERDICT_table_full);

	/* What stands for others already. */
	w = install_world(*state, install_roomy, 4, 0);
	kernel_beside(w, 2);
	world_do(w, ev_route(EVENT_NEW, "20.0.0.0/8", 4, "10.0.4.1"));
	world_do(w, ev_route(EVENT_NEW, "20.1.0.0/16", 4, "10.0.4.1"));
	assert_int_equal(world_verdict(w, "20.9.9.9"), VERDICT_table_full);
	at_start(w, "add 20.0.0.0/8 drop");
	assert_int_equal(world_verdict(w, "20.9.9.9"), VERDICT_dropped);
	assert_int_equal(world_mac(w, "20.1.1.1"), 40);

	/* None but what it stands for itself could go. */
	w = install_world(*state, install_roomy, 2, 0);
	world_do(w, ev_route(EVENT_NEW, "20.0.0.0/8", 4, "10.0.4.1"));
	world_do(w, ev_route(EVENT_NEW, "20.1.0.0/16", 4, "10.0.4.1"));
	world_do(w, ev_route(EVENT_NEW, "20.2.0.0/16", 5, "10.0.5.1"));
	at_start(w, "add 20.0.0.0/8 drop");
	assert_int_equal(world_verdict(w, "20.9.9.9"), VERDICT_table_full);
	assert_int_equal(world_mac(w, "20.1.1.1"), 40);
	assert_int_equal(w->fib->victims.count, 1);
}

/* Later a change that is refused moves nobody, though somebody could go by now. */
static void test_only_a_start_moves_others(void **state)
{
	struct world *w = install_world(*state, install_roomy, 2, 0);

	world_do(w, ev_route(EVENT_NEW, "30.0.0.0/8", 3, "10.0.3.1"));
	at_start(w, "add 20.0.0.0/8 drop\nadd 30.0.0.0/8 drop");
	world_do(w, ev_route(EVENT_NEW, "20.1.0.0/16", 4, "10.0.4.1"));
	assert_int_equal(world_verdict(w, "20.9.9.9"), VERDICT_table_full);
	install_taken(w, "del 30.0.0.0/8");
	install_refused(w, "replace 20.0.0.0/8 pass", FULL("f:1: 20.0.0.0/8") "the list is full");
	assert_int_equal(world_mac(w, "30.1.1.1"), 30);
}

static void test_start_without_rows(void **state)
{
	struct world *w = install_world(*state, install_roomy, REC_ROUTES, 2);

	world_do(w, ev_route(EVENT_NEW, "30.0.0.0/8", 2, "10.0.2.1"));
	world_do(w, ev_route(EVENT_NEW, "30.0.1.0/26", 3, "10.0.3.1"));
	world_do(w, ev_route(EVENT_NEW, "30.0.2.0/26", 3, "10.0.3.1"));
	world_do(w, ev_route(EVENT_NEW, "20.1.1.0/25", 4, "10.0.4.1"));
	world_do(w, ev_route(EVENT_NEW, "20.1.2.0/25", 4, "10.0.4.1"));
	at_start(w, "add 20.1.1.0/24 drop\nadd 20.1.2.0/25 drop");
	assert_int_equal(world_verdict(w, "20.1.1.200"), VERDICT_dropped);
	assert_int_equal(world_mac(w, "20.1.1.1"), 40);
	assert_int_equal(world_verdict(w, "20.1.2.1"), VERDICT_dropped);
	assert_int_equal(world_verdict(w, "30.0.1.1"), VERDICT_table_full);
	assert_int_equal(world_verdict(w, "30.0.2.1"), VERDICT_table_full);

	/* A wider one, for which the marks of whole /24s speak; also if the kernel has it, too. */
	for (int i = 0; i < 2; i++) {
		w = install_world(*state, install_roomy, REC_ROUTES, 2);
		world_do(w, ev_route(EVENT_NEW, "30.0.1.0/26", 3, "10.0.3.1"));
		world_do(w, ev_route(EVENT_NEW, "30.0.2.0/26", 3, "10.0.3.1"));
		if (i)
			world_do(w, ev_route(EVENT_NEW, "20.1.0.0/16", 5, "10.0.5.1"));
		world_do(w, ev_route(EVENT_NEW, "20.1.1.0/25", 4, "10.0.4.1"));
		assert_int_equal(world_verdict(w, "20.1.1.200"), VERDICT_table_full);
		at_start(w, "add 20.1.0.0/16 drop");
		assert_int_equal(world_verdict(w, "20.1.1.200"), VERDICT_dropped);
		assert_int_equal(world_mac(w, "20.1.1.1"), 40);
		assert_int_equal(w->fib->victims.count, 1);
	}
}

/* However many ask, the prefixes of the kernel's are gone through a few times only. */
static void test_room_is_looked_for_once(void **state)
{
	enum { KERNEL = 400, USER = 60 };
	struct world *w = install_world(*state, install_roomy, KERNEL, 0);
	char text[USER * 32] = "";
	uint32_t before;

	for (uint32_t i = 0; i < KERNEL; i++) {
		char dst[32];

		sprintf(dst, "30.%u.%u.0/24", i / 256, i % 256);
		mirror_apply(w->mirror, ev_route(EVENT_NEW, dst, 3, "10.0.3.1"));
	}
	assert_true(recorder_sync_unwatched(w->rec, w->fib) > 0);
	for (int i = 0; i < USER; i++)
		sprintf(text + strlen(text), "add 20.0.%d.0/24 drop\n", i);
	before = w->mirror->pause.steps;
	at_start(w, text);
	assert_int_equal(world_verdict(w, "20.0.59.1"), VERDICT_dropped);
	assert_int_equal(w->fib->victims.count, USER);
	assert_true(w->mirror->pause.steps - before < 10 * (KERNEL + USER));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_drop_outlives_announcements), TEST(test_drop_outlives_rows),
		TEST(test_start_in_a_full_table),	TEST(test_only_a_start_moves_others),
		TEST(test_start_without_rows),		TEST(test_room_is_looked_for_once),
	};

	cmocka_set_test_filter(getenv("TEST_FILTER"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
