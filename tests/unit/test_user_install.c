// SPDX-License-Identifier: GPL-2.0-only
/*
 * Changes of user routes that find no room: refused in a line that says of what, before any packet could have
 * seen some of it, and nothing else is moved. The recorder looks every watched address up after every single write.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "daemon/fib_internal.h"
#include "daemon/mirror_user.h"
#include "support_events.h"
#include "support_install.h"
#include "support_packets.h"

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

/* It is taken, but what it uncovers may find no room. */
static void assert_uncovered(struct world *w, const char *text)
{
	assert_string_equal(install_change(w, text, true), "");
}

static uint32_t slot_of(struct world *w, const char *dst)
{
	uint32_t slot;
	bool shared;

	assert_int_equal(fib_user_slot(w->fib, prefix_of(dst), &slot, &shared), 0);
	return slot;
}

/* The kernel's: 20/8 by eth2, in it 20.1/16 by eth3, in it 20.1.1/24 by eth4. */
static void kernel_nested(struct world *w)
{
	world_do(w, ev_route(EVENT_NEW, "20.0.0.0/8", 2, "10.0.2.1"));
	world_do(w, ev_route(EVENT_NEW, "20.1.0.0/16", 3, "10.0.3.1"));
	world_do(w, ev_route(EVENT_NEW, "20.1.1.0/24", 4, "10.0.4.1"));
}

/* ---- each thing that may run out ------------------------------------------------------------- */

static void test_list_full(void **state)
{
	struct world *w = install_world(*state, install_roomy, 3, 0);

	world_do(w, ev_route(EVENT_NEW, "20.0.0.0/8", 2, "10.0.2.1"));
	install_taken(w, "add 30.0.0.0/8 drop");
	/* The cover of what has no room would say table_full, be it the kernel's, the user's or the default. */
	install_refused(w, "add 20.1.0.0/16 drop\nadd 20.2.0.0/16 pass",
			FULL("f:2: 20.2.0.0/16") "the list is full");
	install_refused(w, "add 30.1.0.0/16 drop\nadd 30.2.0.0/16 pass",
			FULL("f:2: 30.2.0.0/16") "the list is full");
	install_refused(w, "replace 30.0.0.0/8 pass\nadd 40.0.0.0/8 drop\nadd 50.0.0.0/8 drop",
			FULL("f:3: 50.0.0.0/8") "the list is full");
	/* The default route needs no room, nor does what replaces something. */
	install_taken(w, "replace 30.0.0.0/8 pass\nadd 40.0.0.0/8 drop\nadd default drop");
	install_taken(w, "replace 20.0.0.0/8 via 10.0.3.1 dev eth3\nreplace 40.0.0.0/8 pass");
	assert_int_equal(world_mac(w, "20.1.1.1"), 30);
}

static void test_what_goes_is_no_room_yet(void **state)
{
	struct world *w = install_world(*state, install_roomy, 2, 0);

	install_taken(w, "add 20.0.0.0/8 drop\nadd 30.0.0.0/8 drop");
	install_refused(
		w, "del 20.0.0.0/8\nadd 40.0.0.0/8 drop",
		FULL("f:2: 40.0.0.0/8") "the list is full; what the same change deletes has "
					"its place until then");
	install_taken(w, "del 20.0.0.0/8");
	install_taken(w, "add 40.0.0.0/8 drop");
}

static void test_rows_of_dir24_full(void **state)
{
	struct world *w = install_world(*state, install_roomy, REC_ROUTES, 2);
	const char *why = "the list is full"; /* says the recorder, whatever is below it */
	char line[128];

	world_do(w, ev_route(EVENT_NEW, "20.1.1.0/24", 2, "10.0.2.1"));
	world_do(w, ev_route(EVENT_NEW, "20.1.1.128/25", 3, "10.0.3.1"));
	snprintf(line, sizeof(line), FULL("f:3: 20.1.3.0/25") "%s", why);
	install_refused(w, "add 20.1.0.0/16 drop\nadd 20.1.2.0/26 drop\nadd 20.1.3.0/25 pass",
			line);
	/* Several of one /24 need one row, and where there is a row nothing more. */
	install_taken(w, "add 20.1.1.0/26 drop\nadd 20.1.2.0/26 pass\nadd 20.1.2.64/26 pass");
	snprintf(line, sizeof(line), FULL("f:1: 20.1.4.0") "%s", why);
	install_refused(w, "add 20.1.4.0/32 drop", line);
	install_taken(w, "add 20.1.2.255/32 drop\nadd 20.1.4.0/24 drop");
	/* A row that was given back is one again, after a grace period. */
	install_taken(w, "del 20.1.2.0/26\ndel 20.1.2.64/26\ndel 20.1.2.255/32");
	install_taken(w, "add 20.1.5.0/25 drop");
}

static void test_slots_full(void **state)
{
	struct fib_limits limits = install_roomy;
	struct world *w;
	uint32_t slot;

	limits.nexthops = LEAF_FIRST_SLOT + 3;
	w = install_world(*state, limits, 64, 0);
	world_do(w, ev_route(EVENT_NEW, "20.0.0.0/8", 2, "10.0.2.1"));
	install_taken(w, "add 30.0.0.0/8 drop");
	slot = slot_of(w, "30.0.0.0/8");
	install_refused(w, "replace 30.0.0.0/8 pass\nadd 31.0.0.0/8 dev eth4",
			FULL("f:2: 31.0.0.0/8") "no next-hop slot is left (max-nexthops)");
	assert_int_equal(slot_of(w, "30.0.0.0/8"), slot);
	install_refused(
		w, "add 30.1.0.0/16 nexthop via 10.0.2.1 dev eth2 nexthop via 10.0.3.1 dev eth3",
		FULL("f:1: 30.1.0.0/16") "no next-hop slot is left (max-nexthops)");
	install_taken(w, "replace 30.0.0.0/8 pass");
	install_taken(w, "replace 30.0.0.0/8 drop");
}

/* As many as may have a slot of their own, replaced at once: there is none for each in addition. */
static void test_all_replaced(void **state)
{
	struct fib_limits limits = install_roomy;
	char add[2048] = "", replace[2048] = "";
	struct world *w;

	limits.nexthops = LEAF_FIRST_SLOT + 24;
	w = install_world(*state, limits, 64, 0);
	mirror_user_limit(w->mirror, 20, 2);
	for (int i = 0; i < 40; i++) {
		sprintf(add + strlen(add), "add 20.0.%d.0/24 drop\n", i);
		sprintf(replace + strlen(replace), "replace 20.0.%d.0/24 pass\n", i);
	}
	install_taken(w, add);
	assert_int_equal(w->mirror->user.slots, 20);
	install_taken(w, replace);
	assert_int_equal(world_verdict(w, "20.0.39.1"), VERDICT_user_pass);
	install_taken(w, "del 20.0.0.0/24\nadd 20.0.0.0/25 drop");
}

static void test_groups_full(void **state)
{
	struct fib_limits limits = install_roomy;
	struct world *w;

	limits.groups = 3; /* two of them */
	w = install_world(*state, limits, 64, 0);
	install_taken(w,
		      "add 20.0.0.0/8 nexthop via 10.0.2.1 dev eth2 nexthop via 10.0.3.1 dev eth3\n"
		      "add 21.0.0.0/8 nexthop via 10.0.2.1 dev eth2 nexthop via 10.0.4.1 dev eth4");
	install_refused(
		w,
		"add 22.0.0.0/8 drop\n"
		"replace 21.0.0.0/8 nexthop via 10.0.2.1 dev eth2 nexthop via 10.0.5.1 dev eth5",
		FULL("f:2: 21.0.0.0/8") "no multipath group is left (max-groups)");
	/* The same once more is a group that is there, if it is shared. */
	install_taken(w, "replace 21.0.0.0/8 via 10.0.4.1 dev eth4");
	install_taken(w,
		      "add 22.0.0.0/8 nexthop via 10.0.2.1 dev eth2 nexthop via 10.0.5.1 dev eth5");
}

static void test_adjacencies_full(void **state)
{
	const char *why = "no adjacency is left (max-adjacencies)";
	struct fib_limits limits = install_roomy;
	struct world *w;
	char line[128];

	limits.adjacencies = 6; /* five: those of the neighbours, and one */
	w = install_world(*state, limits, 64, 0);
	snprintf(line, sizeof(line), FULL("f:2: 21.0.0.0/8") "%s", why);
	install_refused(
		w, "add 20.0.0.0/8 via 10.0.2.9 dev eth2\nadd 21.0.0.0/8 via 10.0.2.8 dev eth2",
		line);
	snprintf(line, sizeof(line), FULL("f:1: 20.0.0.0/8") "%s", why);
	install_refused(
		w,
		"add 20.0.0.0/8 nexthop via 10.0.2.1 dev eth2 nexthop via 10.0.2.9 dev eth2 "
		"nexthop via 10.0.2.8 dev eth2",
		line);
	install_taken(w,
		      "add 20.0.0.0/8 via 10.0.2.9 dev eth2\nadd 21.0.0.0/8 via 10.0.2.9 dev eth2");
	install_taken(w, "add 22.0.0.0/8 via 10.0.5.1 dev eth5");
}

static void test_ports_full(void **state)
{
	struct fib_limits limits = install_roomy;
	struct world *w;

	limits.ports = 4; /* eth2, eth3, eth4 */
	w = install_world(*state, limits, 64, 0);
	install_refused(w, "add 20.0.0.0/8 drop\nadd 21.0.0.0/8 redirect eth5",
			FULL("f:2: 21.0.0.0/8") "no port number is left (max-ports)");
	install_taken(w, "add 20.0.0.0/8 drop\nadd 21.0.0.0/8 redirect eth4");
}

static void test_cpu_refused(void **state)
{
	struct usage before, after;
	struct world *w = *state;

	install_taken(w, "add 20.0.0.0/8 cpu 1");
	before = install_usage(w);
	w->rec->fail_op = OP_CPU;
	w->rec->fail_errno = ENOMEM;
	{
		struct change c;

		install_read(&c, w, "replace 20.0.0.0/8 drop\nadd 21.0.0.0/8 cpu 2-3");
		assert_int_equal(recorder_run(w->rec, w->fib, install_run, &c), -ENOMEM);
		assert_string_equal(c.error.text, "maps: Cannot allocate memory");
		user_batch_free(&c.batch);
	}
	w->rec->fail_errno = 0;
	after = install_usage(w);
	assert_memory_equal(&before, &after, sizeof(before));
	install_taken(w, "replace 20.0.0.0/8 drop\nadd 21.0.0.0/8 cpu 2-3");
}

/* ---- what it does to others ------------------------------------------------------------------ */

static void test_override_refused(void **state)
{
	struct world *w = install_world(*state, install_roomy, 6, 0);

	kernel_nested(w);
	install_taken(w, "add 20.1.2.0/24 drop");
	/* What an override hides goes behind it. */
	install_refused(w,
			"add default drop override\nreplace 20.0.0.0/8 pass override\n"
			"add 30.0.0.0/8 drop\nadd 31.0.0.0/8 drop\nadd 32.0.0.0/8 drop",
			FULL("f:5: 32.0.0.0/8") "the list is full");
	assert_int_equal(world_mac(w, "20.1.0.1"), 30);
	/* And what comes back when one goes has to fit, if anything else is asked for. */
	install_taken(w, "replace 20.0.0.0/8 pass override");
	install_taken(w, "add 30.0.0.0/8 drop\nadd 31.0.0.0/8 drop\nadd 32.0.0.0/8 drop");
	install_refused(w, "replace 20.0.0.0/8 drop",
			"user routes: the kernel's 20.1.1.0/24 would fall back: the table is full, "
			"the list is full");
}

/* Whatever comes to light: what only takes away is taken, and what has no room falls back until there is. */
static void test_taken_back_in_a_full_table(void **state)
{
	static const char *const ways[] = { "del 20.0.0.0/8", "replace 20.0.0.0/8 pass",
					    "replace 20.0.0.0/8 pass comment x\ndel 20.1.2.0/24" };

	for (int i = 0; i < 3; i++) {
		struct world *w = install_world(*state, install_roomy, 5, 0);

		kernel_nested(w);
		install_taken(w, "add 20.1.2.0/24 drop\nreplace 20.0.0.0/8 pass override");
		install_taken(w, "add 30.0.0.0/8 drop\nadd 31.0.0.0/8 drop\nadd 32.0.0.0/8 drop");
		install_refused(
			w, "replace 20.0.0.0/8 drop\ndel 32.0.0.0/8",
			"user routes: the kernel's 20.1.0.0/16 would fall back: the table is "
			"full, the list is full; what the same change deletes has its place "
			"until then");
		assert_uncovered(w, ways[i]);
		assert_int_equal(w->mirror->user.n_overrides, 0);
		assert_true(fib_full_counts(w->fib) > 0);
		assert_true(world_mac(w, "20.1.1.1") == 40 ||
			    world_verdict(w, "20.1.1.1") == VERDICT_table_full);
		assert_int_equal(world_verdict(w, "30.1.1.1"), VERDICT_dropped);
		assert_uncovered(w, "del 30.0.0.0/8\ndel 31.0.0.0/8\ndel 32.0.0.0/8");
		assert_int_equal(fib_full_counts(w->fib), 0);
		assert_int_equal(world_mac(w, "20.1.1.1"), 40);
	}
}

/* The slots of what an override hides are free, and somebody has them by the time it is to go. */
static void test_hidden_without_slots(void **state)
{
	struct fib_limits limits = install_roomy;
	struct world *w;

	limits.nexthops = LEAF_FIRST_SLOT + 3;
	w = install_world(*state, limits, 64, 0);
	world_do(w, ev_route(EVENT_NEW, "20.1.0.0/16", 3, "10.0.3.1"));
	world_do(w, ev_route(EVENT_NEW, "20.2.0.0/16", 4, "10.0.4.1"));
	install_taken(w, "add 20.0.0.0/8 drop override");
	install_taken(w, "add 30.0.0.0/8 pass");
	install_refused(
		w, "replace 20.0.0.0/8 pass",
		"user routes: the kernel's 20.1.0.0/16 would fall back: the table is full, no "
		"next-hop slot is left (max-nexthops)");
	/* With what it gives up itself there is room in the end. */
	assert_uncovered(w, "del 20.0.0.0/8");
	assert_int_equal(world_mac(w, "20.2.0.1"), 40);
}

static void test_victims_and_marks(void **state)
{
	struct world *w = install_world(*state, install_roomy, 2, 0);

	world_do(w, ev_route(EVENT_NEW, "20.0.0.0/8", 2, "10.0.2.1"));
	install_taken(w, "add 30.0.0.0/8 drop");
	world_do(w, ev_route(EVENT_NEW, "20.1.1.0/24", 3, "10.0.3.1"));
	assert_int_equal(world_verdict(w, "20.1.1.1"), VERDICT_table_full);
	assert_int_equal(world_verdict(w, "20.2.2.2"), VERDICT_table_full);
	/* Neither the mark, nor what is left out, nor what lies between them can be the user's. */
	install_refused(w, "replace 20.0.0.0/8 drop", FULL("f:1: 20.0.0.0/8") "the list is full");
	install_refused(w, "add 20.1.1.0/24 drop", FULL("f:1: 20.1.1.0/24") "the list is full");
	install_refused(w, "add 20.1.0.0/16 drop", FULL("f:1: 20.1.0.0/16") "the list is full");
	install_refused(w, "add 40.0.0.0/8 drop", FULL("f:1: 40.0.0.0/8") "the list is full");
	install_taken(w, "replace 30.0.0.0/8 pass");
	assert_int_equal(w->fib->victims.count, 1);
	install_taken(w, "del 30.0.0.0/8");
	assert_int_equal(world_mac(w, "20.1.1.1"), 30);
	assert_int_equal(w->fib->victims.count + w->fib->marks.count, 0);
}

static bool is_left_out(struct world *w, const char *dst)
{
	return rib_find(mirror_rib(w->mirror), prefix_of(dst))->spare & ENTRY_LEFT_OUT;
}

/* Rows that come free serve those who went without one by one: one of two in a /24, which has a row then. */
static void test_between_victim_and_mark(void **state)
{
	struct world *w = install_world(*state, install_roomy, REC_ROUTES, 1);
	char low[32], high[32], line[128];
	uint32_t found = 0;

	world_do(w, ev_route(EVENT_NEW, "30.0.0.0/25", 2, "10.0.2.1"));
	for (uint32_t i = 0; i < 8; i++) {
		sprintf(low, "20.1.%u.0/28", i);
		world_do(w, ev_route(EVENT_NEW, low, 3, "10.0.3.1"));
		sprintf(high, "20.1.%u.16/28", i);
		world_do(w, ev_route(EVENT_NEW, high, 4, "10.0.4.1"));
	}
	w->rec->lenient = true;
	world_do(w, ev_route(EVENT_DEL, "30.0.0.0/25", 2, "10.0.2.1"));
	for (uint32_t i = 0; i < 8; i++) {
		sprintf(low, "20.1.%u.0/28", i);
		sprintf(high, "20.1.%u.16/28", i);
		if (is_left_out(w, low) == is_left_out(w, high))
			continue;
		found++;
		sprintf(low, "add 20.1.%u.0/27 drop", i);
		sprintf(line, FULL("f:1: 20.1.%u.0/27") "the list is full", i);
		install_refused(w, low, line);
		sprintf(low, "add 20.1.%u.128/27 drop", i);
		install_taken(w, low);
	}
	assert_int_equal(found, 1);
}

/* A user route that the kernel's churn left without room: changes that do not touch it are free to be made. */
static void test_full_by_the_kernel(void **state)
{
	struct world *w = install_world(*state, install_roomy, 2, 0);

	install_taken(w, "add 20.0.0.0/8 drop\nadd 30.0.0.0/8 drop");
	world_do(w, ev_route(EVENT_NEW, "20.1.0.0/16", 3, "10.0.3.1"));
	assert_int_equal(world_verdict(w, "20.2.2.2"), VERDICT_table_full);
	install_taken(w, "replace 20.0.0.0/8 drop\nreplace 30.0.0.0/8 pass");
	install_refused(w, "replace 20.0.0.0/8 pass", FULL("f:1: 20.0.0.0/8") "the list is full");
	world_do(w, ev_route(EVENT_DEL, "20.1.0.0/16", 3, "10.0.3.1"));
	install_taken(w, "replace 20.0.0.0/8 pass");
}

/* ---- what stays as it is --------------------------------------------------------------------- */

/* The routes of another table, which a rule names, do not decide for a route of the user that has no room. */
static void test_full_before_rules(void **state)
{
	struct recorder_packet packet = {
		.dst = ip4_host("20.1.0.1"), .src = ip4_host("10.0.3.9"), .iif = 3, .egress = 2
	};
	static const char *const lines[] = {
		"replace 20.1.0.0/16 drop",		     /* no slot */
		"replace 20.1.0.0/16 via 10.0.2.7 dev eth2", /* no adjacency */
		"replace 20.1.0.0/16 nexthop via 10.0.2.1 dev eth2 nexthop via 10.0.3.1 dev eth3",
		"replace 20.1.0.0/16 drop", /* no room in the engine */
	};
	struct recorder_outcome outcome;

	for (int i = 0; i < 4; i++) {
		struct fib_limits limits = install_roomy;
		struct world *w;
		struct event *ev;
		struct change c;

		limits.nexthops = i == 0 ? LEAF_FIRST_SLOT + 1 : limits.nexthops;
		limits.adjacencies = i == 1 ? 5 : limits.adjacencies;
		limits.groups = i == 2 ? 1 : limits.groups;
		w = install_world(*state, limits, i == 3 ? 1 : 64, 0);
		ev = ev_route(EVENT_NEW, "20.0.0.0/8", 4, "10.0.4.1");
		ev->route.table = 100;
		world_do(w, ev);
		world_do(w, ev_rule(EVENT_NEW, 100, 100));
		packet_look(w->rec, &packet, &outcome);
		assert_int_equal(outcome.way.members[0].target >> 40, 40);
		if (i == 3)
			install_taken(w, "add 30.0.0.0/8 drop");
		/* As if the kernel had taken the room first, and there were no refusal. */
		install_read(&c, w, lines[i]);
		assert_int_equal(user_batch_apply(&c.batch, w->mirror, &c.counts), 0);
		assert_true(recorder_sync_unwatched(w->rec, w->fib) >= 0);
		user_batch_free(&c.batch);
		packet_look(w->rec, &packet, &outcome);
		assert_int_equal(outcome.way.verdict, VERDICT_table_full);
	}
}

static void test_counters_stay(void **state)
{
	struct fib_limits limits = install_roomy;
	uint32_t slot, group;
	struct world *w;

	limits.groups = 3;
	w = install_world(*state, limits, 4, 0);
	install_taken(w,
		      "add 20.0.0.0/8 drop comment a\n"
		      "add 21.0.0.0/8 nexthop via 10.0.2.1 dev eth2 nexthop via 10.0.3.1 dev eth3");
	slot = slot_of(w, "20.0.0.0/8");
	group = slot_of(w, "21.0.0.0/8");
	install_refused(
		w,
		"replace 20.0.0.0/8 pass comment b\ndel 21.0.0.0/8\nadd 30.0.0.0/8 drop\n"
		"add 31.0.0.0/8 drop\nadd 32.0.0.0/8 drop",
		FULL("f:5: 32.0.0.0/8") "the list is full; what the same change deletes has "
					"its place until then");
	assert_int_equal(slot_of(w, "20.0.0.0/8"), slot);
	assert_int_equal(slot_of(w, "21.0.0.0/8"), group);
	assert_string_equal(mirror_user_find(w->mirror, prefix_of("20.0.0.0/8"))->comment, "a");
	/* The words alone: the same slot, whatever is refused beside them. */
	install_refused(w,
			"replace 20.0.0.0/8 drop override comment b\nadd 30.0.0.0/8 drop\n"
			"add 31.0.0.0/8 drop\nadd 32.0.0.0/8 drop",
			FULL("f:4: 32.0.0.0/8") "the list is full");
	assert_int_equal(slot_of(w, "20.0.0.0/8"), slot);
	install_taken(w, "replace 20.0.0.0/8 drop comment c");
	assert_int_equal(slot_of(w, "20.0.0.0/8"), slot);
	/* What was replaced for good is gone from the mirror, too. */
	install_taken(w, "replace 20.0.0.0/8 pass\ndel 21.0.0.0/8");
	assert_int_equal(w->mirror->nexthops.live, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_list_full),
		TEST(test_what_goes_is_no_room_yet),
		TEST(test_rows_of_dir24_full),
		TEST(test_slots_full),
		TEST(test_all_replaced),
		TEST(test_groups_full),
		TEST(test_adjacencies_full),
		TEST(test_ports_full),
		TEST(test_cpu_refused),
		TEST(test_override_refused),
		TEST(test_taken_back_in_a_full_table),
		TEST(test_hidden_without_slots),
		TEST(test_victims_and_marks),
		TEST(test_between_victim_and_mark),
		TEST(test_full_by_the_kernel),
		TEST(test_full_before_rules),
		TEST(test_counters_stay),
	};

	cmocka_set_test_filter(getenv("TEST_FILTER"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
