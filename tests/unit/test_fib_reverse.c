// SPDX-License-Identifier: GPL-2.0-only
/* Reverse words: from where the fib accepts a source, and that nobody is accepted too early or too long. */
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

#define COUNT(op) (w->rec->counts[op])

/* By which links a source is accepted; 1: any, as the loose filter sees it. */
#define BY(ifindex) (1ull << (ifindex) | 1)

static uint64_t sources(struct world *w, const char *addr)
{
	return recorder_sources(w->rec, ip4_host(addr));
}

static void base_dump(struct world *w)
{
	mirror_resync_begin(w->mirror);
	world_base(w->mirror, EVENT_DUMP);
}

static void base_dumped(struct world *w)
{
	mirror_resync_end(w->mirror);
	recorder_sync(w->rec, w->fib);
}

static void test_sources_follow_links(void **state)
{
	struct world *w = *state;

	world_do(w, ev_route(EVENT_NEW, "20.0.0.0/8", 2, "10.0.2.1"));
	world_do(w, ev_route(EVENT_NEW, "10.0.3.0/24", 3, NULL));
	assert_int_equal(sources(w, "20.0.0.1"), BY(2));
	assert_int_equal(sources(w, "10.0.3.1"), BY(3));
	assert_int_equal(sources(w, "30.0.0.1"), 0);
	world_do(w, ev_link(EVENT_NEW, 2, IFF_UP)); /* suspect */
	assert_int_equal(sources(w, "20.0.0.1"), 0);
	assert_int_equal(sources(w, "10.0.3.1"), BY(3));
	world_do(w, ev_link(EVENT_NEW, 2, LINK_RUNS));
	assert_int_equal(sources(w, "20.0.0.1"), 0);
	base_dump(w);
	mirror_apply(w->mirror, ev_route(EVENT_DUMP, "20.0.0.0/8", 2, "10.0.2.1"));
	base_dumped(w);
	assert_int_equal(sources(w, "20.0.0.1"), BY(2));
	world_do(w, ev_link(EVENT_DEL, 2, 0));
	assert_int_equal(sources(w, "20.0.0.1"), 0);
}

/* A device that can be a port no longer is one. */
static void test_sources_by_a_former_port(void **state)
{
	struct world *w = *state;
	struct event *ev;

	world_do(w, ev_route(EVENT_NEW, "20.0.0.0/8", 2, "10.0.2.1"));
	ev = ev_link(EVENT_NEW, 2, LINK_RUNS);
	ev->link.type = ARPHRD_NONE;
	world_do(w, ev);
	assert_int_equal(fib_port_of(w->fib, 2), 0);
	assert_int_equal(sources(w, "20.0.0.1"), 1);
}

/* What is given last fails: it is not forgotten. */
static void test_sources_that_failed(void **state)
{
	struct world *w = *state;

	world_do(w, ev_nexthop(EVENT_NEW, 1, 2, "10.0.2.1"));
	world_do(w, ev_route_nhid(EVENT_NEW, "20.0.0.0/8", 7));
	assert_int_equal(sources(w, "20.0.0.1"), 0);
	w->rec->fail_op = OP_SET_REVERSE;
	w->rec->fail_errno = EIO;
	assert_int_equal(world_do(w, ev_nexthop(EVENT_NEW, 7, 3, "10.0.3.1")), -EIO);
	w->rec->fail_errno = 0;
	assert_true(recorder_sync(w->rec, w->fib) > 0);
	assert_int_equal(sources(w, "20.0.0.1"), BY(3));
}

/* Taken at once where a route moves, given only when all else is written. */
static void test_sources_of_groups_and_objects(void **state)
{
	struct world *w = *state;
	struct event *ev = ev_route(EVENT_NEW, "20.0.0.0/8", 2, "10.0.2.1");
	uint32_t slot;

	ev_add_leg(ev, 3, "10.0.3.1", 1);
	ev_add_leg(ev, 2, "10.0.2.2", 1);
	world_do(w, ev);
	assert_int_equal(sources(w, "20.0.0.1"), BY(2) | BY(3));
	for (uint32_t i = 0; i < w->rec->sink.limits.nexthops; i++) /* legs by themselves: none */
		if (i != rib_find(mirror_rib(w->mirror), prefix_of("20.0.0.0/8"))->installed)
			assert_int_equal(w->rec->reverse[i], 0);
	world_do(w, ev_nexthop(EVENT_NEW, 1, 2, "10.0.2.1"));
	world_do(w, ev_route_nhid(EVENT_NEW, "30.0.0.0/8", 1));
	assert_int_equal(sources(w, "30.0.0.1"), BY(2));
	slot = rib_find(mirror_rib(w->mirror), prefix_of("30.0.0.0/8"))->installed;
	recorder_reset_counts(w->rec);
	world_do(w, ev_nexthop(EVENT_NEW, 1, 4, "10.0.4.1"));
	assert_int_equal(sources(w, "30.0.0.1"), BY(4));
	assert_int_equal(COUNT(OP_SET_REVERSE), 2);
	world_do(w, ev_nexthop(EVENT_DEL, 1, 4, "10.0.4.1"));
	assert_int_equal(w->rec->reverse[slot], 0);
}

/* A device that is no port is somewhere, to the loose filter. */
static void test_sources_by_no_port(void **state)
{
	struct fib_limits limits = roomy;
	struct world *w = *state;
	struct event *ev = ev_link(EVENT_NEW, 9, LINK_RUNS);

	ev->link.type = ARPHRD_NONE;
	world_do(w, ev);
	world_do(w, ev_route(EVENT_NEW, "20.0.0.0/8", 9, NULL));
	assert_int_equal(sources(w, "20.0.0.1"), 1);
	limits.ports = 4; /* 2, 3, 4 */
	world_again(w, limits, 64, 0);
	world_do(w, ev_route(EVENT_NEW, "20.0.0.0/8", 5, "10.0.5.1"));
	assert_int_equal(sources(w, "20.0.0.1"), 1);
	world_do(w, ev_link(EVENT_DEL, 3, 0));
	assert_int_equal(sources(w, "20.0.0.1"), BY(5));
}

/*
 * A source that is routed by 2 moves to the slot of others, by 3, as that comes to be by 4: nobody
 * may use 3 or 4 before the one or after the other.
 */
static void test_sources_in_between(void **state)
{
	struct world *w = *state;

	world_do(w, ev_nexthop(EVENT_NEW, 1, 3, "10.0.3.1"));
	world_do(w, ev_nexthop(EVENT_NEW, 2, 2, "10.0.2.1"));
	world_do(w, ev_route_nhid(EVENT_NEW, "20.0.0.0/8", 1));
	world_do(w, ev_route_nhid(EVENT_NEW, "30.0.0.0/8", 2));
	mirror_apply(w->mirror, ev_nexthop(EVENT_NEW, 1, 4, "10.0.4.1"));
	mirror_apply(w->mirror, ev_route_nhid(EVENT_DEL, "30.0.0.0/8", 2));
	mirror_apply(w->mirror, ev_route_nhid(EVENT_NEW, "30.0.0.0/8", 1));
	w->rec->lenient = true; /* where it is sent to is another matter */
	assert_true(recorder_sync(w->rec, w->fib) > 0);
	assert_int_equal(sources(w, "30.0.0.1"), BY(4));
	/* And away from it, as it comes to accept 2. */
	mirror_apply(w->mirror, ev_nexthop(EVENT_NEW, 1, 5, "10.0.5.1"));
	mirror_apply(w->mirror, ev_route_nhid(EVENT_DEL, "30.0.0.0/8", 1));
	mirror_apply(w->mirror, ev_route_nhid(EVENT_NEW, "30.0.0.0/8", 2));
	assert_true(recorder_sync(w->rec, w->fib) > 0);
	assert_int_equal(sources(w, "30.0.0.1"), BY(2));
	assert_int_equal(sources(w, "20.0.0.1"), BY(5));
}

/* Whoever gets the slot's number starts without, though its next hop is not resolved by then. */
static void test_sources_of_a_reused_slot(void **state)
{
	struct fib_limits limits = roomy;
	struct world *w = *state;
	uint32_t slot;

	limits.nexthops = LEAF_FIRST_SLOT + 1;
	world_again(w, limits, 64, 0);
	world_do(w, ev_route(EVENT_NEW, "20.0.0.0/8", 2, "10.0.2.1"));
	slot = rib_find(mirror_rib(w->mirror), prefix_of("20.0.0.0/8"))->installed;
	world_do(w, ev_route(EVENT_DEL, "20.0.0.0/8", 2, "10.0.2.1"));
	assert_int_not_equal(w->rec->reverse[slot], 0);
	world_do(w, ev_link(EVENT_DEL, 2, 0));
	world_do(w, ev_route_nhid(EVENT_NEW, "30.0.0.0/8", 7));
	assert_int_equal(rib_find(mirror_rib(w->mirror), prefix_of("30.0.0.0/8"))->installed, slot);
	assert_int_equal(sources(w, "30.0.0.1"), 0);
}

/* Two that need the same number, and fail when they have it. */
static void test_failed_slots_are_used_again(void **state)
{
	struct fib_limits limits = roomy;
	struct world *w = *state;

	limits.nexthops = LEAF_FIRST_SLOT + 1;
	world_again(w, limits, 64, 0);
	w->rec->fail_op = OP_SET_NEXTHOP;
	w->rec->fail_errno = EIO;
	mirror_apply(w->mirror, ev_route(EVENT_NEW, "20.0.0.0/8", 2, "10.0.2.1"));
	mirror_apply(w->mirror, ev_route(EVENT_NEW, "30.0.0.0/8", 3, "10.0.3.1"));
	assert_int_equal(recorder_sync(w->rec, w->fib), -EIO);
	w->rec->fail_errno = 0;
	mirror_apply(w->mirror, ev_route(EVENT_DEL, "30.0.0.0/8", 3, "10.0.3.1"));
	assert_true(recorder_sync(w->rec, w->fib) > 0);
	assert_int_equal(sources(w, "20.0.0.1"), BY(2));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_sources_follow_links),     TEST(test_sources_by_a_former_port),
		TEST(test_sources_that_failed),	     TEST(test_sources_of_groups_and_objects),
		TEST(test_sources_by_no_port),	     TEST(test_sources_in_between),
		TEST(test_sources_of_a_reused_slot), TEST(test_failed_slots_are_used_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
