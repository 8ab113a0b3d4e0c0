// SPDX-License-Identifier: GPL-2.0-only
/* Full tables: what has no room falls back, and takes its place when there is some. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "daemon/fib_internal.h"
#include "support_events.h"
#include "support_recorder.h"

static const struct fib_limits roomy = {
	.ports = 16, .adjacencies = 64, .nexthops = 128, .groups = 16
};

static int setup(void **state)
{
	struct world *w = malloc(sizeof(*w));

	assert_non_null(w);
	world_new(w, roomy, 64, 0);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	world_free(*state);
	free(*state);
	return 0;
}

static uint32_t full(struct world *w)
{
	struct fib_counts counts;

	fib_counts(w->fib, &counts);
	return counts.full;
}

#define COUNT(op) (w->rec->counts[op])

/* ---- slots, groups, adjacencies, neighbours, ports ------------------------------------------- */

static void test_slots_full(void **state)
{
	struct world *w = *state;
	struct fib_limits limits = roomy;

	limits.nexthops = LEAF_FIRST_SLOT + 1;
	world_again(w, limits, 64, 0);
	world_neighbour(w, 2, "10.0.2.1", 1);
	world_neighbour(w, 2, "10.0.2.2", 2);
	world_do(w, ev_route(EVENT_NEW, "198.51.100.0/24", 2, "10.0.2.1"));
	world_do(w, ev_route(EVENT_NEW, "198.51.100.0/28", 2, "10.0.2.2"));
	assert_int_equal(world_mac(w, "198.51.100.99"), 1);
	assert_int_equal(world_verdict(w, "198.51.100.1"), VERDICT_table_full);
	assert_int_equal(full(w), 1);
	world_do(w, ev_route(EVENT_DEL, "198.51.100.0/24", 2, "10.0.2.1"));
	assert_int_equal(world_mac(w, "198.51.100.1"), 2);
	assert_int_equal(full(w), 0);
	assert_int_equal(COUNT(OP_GRACE), 1);
}

static void test_groups_full(void **state)
{
	struct world *w = *state;
	struct fib_limits limits = roomy;
	struct event *ev;

	limits.groups = 2;
	world_again(w, limits, 64, 0);
	world_neighbour(w, 2, "10.0.2.1", 1);
	world_neighbour(w, 3, "10.0.3.1", 2);
	world_neighbour(w, 4, "10.0.4.1", 3);
	ev = ev_route(EVENT_NEW, "198.51.100.0/24", 2, "10.0.2.1");
	ev_add_leg(ev, 3, "10.0.3.1", 1);
	world_do(w, ev);
	assert_int_equal(world_verdict(w, "198.51.100.1"), VERDICT_forwarded);
	ev = ev_route(EVENT_NEW, "198.51.101.0/24", 2, "10.0.2.1");
	ev_add_leg(ev, 4, "10.0.4.1", 1);
	world_do(w, ev);
	assert_int_equal(world_verdict(w, "198.51.101.1"), VERDICT_table_full);
	ev = ev_route(EVENT_DEL, "198.51.100.0/24", 2, "10.0.2.1");
	ev_add_leg(ev, 3, "10.0.3.1", 1);
	world_do(w, ev);
	assert_int_equal(world_verdict(w, "198.51.101.1"), VERDICT_forwarded);
}

static void test_adjacencies_full(void **state)
{
	struct world *w = *state;
	struct fib_limits limits = roomy;

	limits.adjacencies = 2;
	world_again(w, limits, 64, 0);
	world_neighbour(w, 2, "10.0.2.1", 1);
	assert_int_equal(w->rec->flags, 0);
	world_neighbour(w, 2, "10.0.2.2", 2);
	assert_int_equal(w->rec->flags, CONTROL_NEIGHBOURS_FULL);
	world_do(w, ev_route(EVENT_NEW, "198.51.100.0/24", 2, "10.0.2.2"));
	assert_int_equal(world_verdict(w, "198.51.100.1"), VERDICT_table_full);
	world_do(w, ev_neighbour(EVENT_DEL, 2, "10.0.2.1", 0, 1));
	assert_int_equal(world_mac(w, "198.51.100.1"), 2);
	assert_int_equal(w->rec->flags, 0);
}

static void test_neighbours_full(void **state)
{
	struct world *w = *state;

	w->rec->neighbour_limit = 1;
	world_do(w, ev_route(EVENT_NEW, "10.0.2.0/24", 2, NULL));
	world_neighbour(w, 2, "10.0.2.1", 1);
	world_neighbour(w, 2, "10.0.2.2", 2);
	assert_int_equal(world_mac(w, "10.0.2.1"), 1);
	assert_int_equal(world_verdict(w, "10.0.2.2"), VERDICT_table_full);
	world_do(w, ev_neighbour(EVENT_DEL, 2, "10.0.2.1", 0, 1));
	assert_int_equal(world_mac(w, "10.0.2.2"), 2);
	assert_int_equal(w->rec->flags, 0);
}

static void test_ports_full(void **state)
{
	struct world *w = *state;
	struct fib_limits limits = roomy;

	limits.ports = 4; /* 2, 3, 4 */
	world_again(w, limits, 64, 0);
	world_neighbour(w, 5, "10.0.5.1", 1);
	world_do(w, ev_route(EVENT_NEW, "198.51.100.0/24", 5, "10.0.5.1"));
	assert_int_equal(world_verdict(w, "198.51.100.1"), VERDICT_table_full);
	world_do(w, ev_link(EVENT_DEL, 3, 0));
	assert_int_equal(world_mac(w, "198.51.100.1"), 1);
}

/* ---- the engine full ------------------------------------------------------------------------- */

static void three_ways(struct world *w)
{
	world_neighbour(w, 2, "10.0.2.1", 1);
	world_neighbour(w, 2, "10.0.2.2", 2);
	world_neighbour(w, 2, "10.0.2.3", 3);
}

static void test_engine_full_marks_the_cover(void **state)
{
	struct world *w = world_again(*state, roomy, 2, 0);

	three_ways(w);
	world_do(w, ev_route(EVENT_NEW, "20.0.0.0/8", 2, "10.0.2.1"));
	world_do(w, ev_route(EVENT_NEW, "30.0.0.0/8", 2, "10.0.2.1"));
	world_do(w, ev_route(EVENT_NEW, "20.1.1.0/24", 2, "10.0.2.2"));
	assert_int_equal(world_verdict(w, "20.1.1.1"), VERDICT_table_full);
	assert_int_equal(world_verdict(w, "20.9.9.9"), VERDICT_table_full);
	assert_int_equal(world_mac(w, "30.1.1.1"), 1);
	assert_int_equal(full(w), 2);
	/* What the mark itself says meanwhile does not show. */
	assert_int_equal(world_do(w, ev_route(EVENT_DEL, "20.0.0.0/8", 2, "10.0.2.1")), 0);
	assert_int_equal(full(w), 1);
	assert_int_equal(world_verdict(w, "20.1.1.1"), VERDICT_table_full);
	/* Room: the victim enters, its mark goes. */
	world_do(w, ev_route(EVENT_DEL, "30.0.0.0/8", 2, "10.0.2.1"));
	assert_int_equal(world_mac(w, "20.1.1.1"), 2);
	assert_int_equal(world_verdict(w, "20.9.9.9"), VERDICT_no_route);
	assert_int_equal(full(w), 0);
	assert_int_equal(w->rec->n_routes, 1);
}

static void test_engine_full_marks_the_default(void **state)
{
	struct world *w = world_again(*state, roomy, 1, 0);

	three_ways(w);
	world_do(w, ev_route(EVENT_NEW, "0.0.0.0/0", 2, "10.0.2.3"));
	world_do(w, ev_route(EVENT_NEW, "20.0.0.0/8", 2, "10.0.2.1"));
	world_do(w, ev_route(EVENT_NEW, "30.0.0.0/8", 2, "10.0.2.2"));
	assert_int_equal(world_verdict(w, "40.1.1.1"), VERDICT_table_full);
	assert_int_equal(world_mac(w, "20.1.1.1"), 1);
	world_do(w, ev_route(EVENT_DEL, "30.0.0.0/8", 2, "10.0.2.2"));
	assert_int_equal(world_mac(w, "40.1.1.1"), 3);
}

/* With dir24 and no row left the /24 is the mark; a prefix between victim and mark takes over. */
static void test_dir24_rows_full(void **state)
{
	struct world *w = world_again(*state, roomy, REC_ROUTES, 2);

	three_ways(w);
	world_do(w, ev_route(EVENT_NEW, "20.0.0.0/8", 2, "10.0.2.1"));
	for (int i = 0; i < 2; i++) { /* all rows */
		char text[32];

		snprintf(text, sizeof(text), "30.0.%d.0/25", i);
		world_do(w, ev_route(EVENT_NEW, text, 2, "10.0.2.2"));
	}
	world_do(w, ev_route(EVENT_NEW, "20.1.1.16/28", 2, "10.0.2.2"));
	world_do(w, ev_route(EVENT_NEW, "20.1.1.0/26", 2, "10.0.2.3"));
	assert_int_equal(world_verdict(w, "20.1.1.17"), VERDICT_table_full);
	assert_int_equal(world_verdict(w, "20.1.1.200"), VERDICT_table_full);
	assert_int_equal(world_mac(w, "20.1.2.1"), 1);
	assert_int_equal(full(w), 2);
	world_do(w, ev_route(EVENT_DEL, "30.0.0.0/25", 2, "10.0.2.2"));
	assert_int_equal(world_mac(w, "20.1.1.17"), 2);
	assert_int_equal(world_mac(w, "20.1.1.1"), 3);
	assert_int_equal(world_mac(w, "20.1.1.200"), 1);
	assert_int_equal(full(w), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_slots_full),
		TEST(test_groups_full),
		TEST(test_adjacencies_full),
		TEST(test_neighbours_full),
		TEST(test_ports_full),
		TEST(test_engine_full_marks_the_cover),
		TEST(test_engine_full_marks_the_default),
		TEST(test_dir24_rows_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
