// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ports that come and go, one or many in a sync, against the neighbours on them; writes that fail on the
 * way are made up for by the next sync. Those that come back as they were are in the maps of devices again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>
#include "daemon/fib_internal.h"
#include "support_events.h"
#include "support_recorder.h"

enum { FIRST = 10, LINKS = 24 };

static const struct fib_limits limits = {
	.ports = 64, .adjacencies = 64, .nexthops = 128, .groups = 16
};

static int setup(void **state)
{
	static struct world w;

	world_new(&w, limits, REC_ROUTES, 0);
	*state = &w;
	return 0;
}

static int teardown(void **state)
{
	world_free(*state);
	return 0;
}

static void apply(struct world *w, const struct event *ev)
{
	assert_int_equal(mirror_apply(w->mirror, ev), 0);
}

static int sync(struct world *w)
{
	return recorder_sync(w->rec, w->fib);
}

static const char *address(uint32_t ifindex, uint32_t host)
{
	static char text[32];

	snprintf(text, sizeof(text), "10.0.%u.%u", ifindex, host);
	return text;
}

/* A neighbour, its link, and a connected route that is seen to lead there. */
static void neighbour(struct world *w, uint32_t ifindex, uint32_t host)
{
	char prefix[32];

	apply(w, ev_neighbour(EVENT_NEW, ifindex, address(ifindex, host), NUD_REACHABLE, ifindex));
	snprintf(prefix, sizeof(prefix), "10.0.%u.0/24", ifindex);
	apply(w, ev_route(EVENT_NEW, prefix, ifindex, NULL));
}

/* Are all neighbours of links FIRST.. entered, or none? */
static void check_all(struct world *w, bool entered)
{
	for (uint32_t i = FIRST; i < FIRST + LINKS; i++)
		assert_int_equal(world_mac(w, address(i, 1)), entered ? i : 0);
	assert_int_equal(w->rec->n_neighbours, entered ? LINKS : 0);
}

static void all_links(struct world *w, int op)
{
	for (uint32_t i = FIRST; i < FIRST + LINKS; i++)
		apply(w, ev_link(op, i, LINK_RUNS));
}

static void test_many_at_once(void **state)
{
	struct world *w = *state;

	for (uint32_t i = FIRST; i < FIRST + LINKS; i++)
		neighbour(w, i, 1);
	assert_true(sync(w) >= 0);
	check_all(w, false);
	all_links(w, EVENT_NEW);
	assert_true(sync(w) >= 0);
	check_all(w, true);
	/* The next one that turns does not bring these along. */
	for (uint32_t i = FIRST; i < FIRST + LINKS; i++)
		assert_false(fib_port_turned(w->fib, i));
	all_links(w, EVENT_DEL);
	assert_true(sync(w) >= 0);
	check_all(w, false);
	assert_int_equal(w->rec->counts[OP_DEL_PORT], LINKS);
	/* Nothing more to do for them. */
	recorder_reset_counts(w->rec);
	apply(w, ev_link(EVENT_NEW, 2, IFF_UP));
	assert_true(sync(w) >= 0);
	assert_int_equal(w->rec->counts[OP_SET_ADJACENCY] + w->rec->counts[OP_DEL_NEIGHBOUR], 0);
	/* Back, and gone, before anything was written. */
	all_links(w, EVENT_NEW);
	all_links(w, EVENT_DEL);
	assert_true(sync(w) >= 0);
	check_all(w, false);
}

/* A write of what is on a port fails when it comes or goes: the link itself is done by then. */
static void test_failed_writes(void **state)
{
	static const int coming[] = { OP_SET_PORT, OP_SET_ADJACENCY, OP_SET_NEIGHBOUR };
	static const int going[] = { OP_SET_ADJACENCY, OP_DEL_NEIGHBOUR, OP_DEL_PORT };
	struct world *w = *state;

	w->rec->lenient = true;
	neighbour(w, 10, 1);
	for (int i = 0; i < 3; i++) {
		apply(w, ev_link(EVENT_NEW, 10, LINK_RUNS));
		w->rec->fail_op = coming[i];
		w->rec->fail_errno = EIO;
		assert_int_equal(sync(w), -EIO);
		w->rec->fail_errno = 0;
		assert_true(sync(w) >= 0);
		assert_int_equal(w->rec->n_neighbours, 1);

		apply(w, ev_link(EVENT_DEL, 10, 0));
		w->rec->fail_op = going[i];
		w->rec->fail_errno = EIO;
		assert_int_equal(sync(w), -EIO);
		w->rec->fail_errno = 0;
		assert_true(sync(w) >= 0);
		assert_int_equal(w->rec->n_neighbours, 0);
		assert_int_equal(fib_port_of(w->fib, 10), 0);
	}
}

/* It comes back while it cannot leave, and neither can what is on it be written. */
static void test_returns(void **state)
{
	struct world *w = *state;
	struct event *ev;

	w->rec->lenient = true;
	neighbour(w, 10, 1);
	apply(w, ev_link(EVENT_NEW, 10, LINK_RUNS));
	assert_true(sync(w) >= 0);
	apply(w, ev_link(EVENT_DEL, 10, 0));
	w->rec->fail_op = OP_DEL_PORT;
	w->rec->fail_errno = EIO;
	assert_int_equal(sync(w), -EIO);
	assert_int_equal(w->rec->n_neighbours, 0);
	ev = ev_link(EVENT_NEW, 10, LINK_RUNS);
	ev->link.mtu = 1400;
	apply(w, ev);
	w->rec->fail_op = OP_SET_PORT;
	assert_int_equal(sync(w), -EIO);
	w->rec->fail_errno = 0;
	assert_true(sync(w) >= 0);
	assert_int_equal(w->rec->n_neighbours, 1);
	assert_true(fib_port_usable(w->fib, 10));
}

/* ---- a link that stops before its notification is read --------------------------------------- */

static bool is_up(const struct world *w, uint32_t ifindex)
{
	return w->rec->ports[fib_port_of(w->fib, ifindex)].flags & PORT_UP;
}

static void stop(void *ctx)
{
	struct world *w = ctx;

	if (mirror_link_stopped(w->mirror, 10))
		fib_port_down(w->fib, 10);
}

/* Many routes: long enough for a pause. */
static void routes(struct world *w, int op)
{
	char prefix[32];

	for (unsigned int i = 0; i < 1500; i++) {
		snprintf(prefix, sizeof(prefix), "20.%u.%u.0/24", i / 250, i % 250);
		apply(w, ev_route(op, prefix, 11, NULL));
	}
}

static void start_stop_world(struct world *w)
{
	w->rec->lenient = true;
	apply(w, ev_link(EVENT_NEW, 10, LINK_RUNS));
	apply(w, ev_link(EVENT_NEW, 11, LINK_RUNS));
	assert_true(sync(w) >= 0);
	assert_true(is_up(w, 10));
}

static void test_stops_in_events(void **state)
{
	struct world *w = *state;

	start_stop_world(w);
	recorder_reset_counts(w->rec);
	mirror_set_pause(w->mirror, stop, w);
	routes(w, EVENT_NEW);
	mirror_set_pause(w->mirror, NULL, NULL);
	assert_false(is_up(w, 10));
	assert_true(is_up(w, 11));
	assert_int_equal(w->rec->counts[OP_SET_PORT], 1);
	assert_true(mirror_any_stopped(w->mirror));
	/* Whatever is told of the link meanwhile is older. */
	apply(w, ev_address(EVENT_NEW, 10, "10.0.10.1", 24));
	apply(w, ev_link(EVENT_NEW, 10, LINK_RUNS | IFF_PROMISC));
	assert_true(sync(w) >= 0);
	assert_false(is_up(w, 10));
	apply(w, ev_link(EVENT_NEW, 10, 0));
	mirror_caught_up(w->mirror);
	assert_false(mirror_any_stopped(w->mirror));
	assert_true(sync(w) >= 0);
	assert_false(is_up(w, 10));
	apply(w, ev_link(EVENT_NEW, 10, LINK_RUNS));
	assert_true(sync(w) >= 0);
	assert_true(is_up(w, 10));
}

static void test_stops_in_sync(void **state)
{
	struct world *w = *state;

	start_stop_world(w);
	for (int i = 0; i < 2; i++) {
		routes(w, i ? EVENT_DEL : EVENT_NEW);
		mirror_set_pause(w->mirror, stop, w);
		assert_true(sync(w) >= 0);
		mirror_set_pause(w->mirror, NULL, NULL);
		assert_false(is_up(w, 10));
		/* It went down and came up: nothing else brings it back. */
		mirror_caught_up(w->mirror);
		assert_true(sync(w) >= 0);
		assert_true(is_up(w, 10));
	}
}

/* The links and routes of a dump are as of its beginning. */
static void test_stops_in_dump(void **state)
{
	struct world *w = *state;

	start_stop_world(w);
	routes(w, EVENT_NEW);
	assert_true(sync(w) >= 0);
	mirror_resync_begin(w->mirror);
	apply(w, ev_link(EVENT_DUMP, 10, LINK_RUNS));
	apply(w, ev_link(EVENT_DUMP, 11, LINK_RUNS));
	mirror_set_pause(w->mirror, stop, w);
	mirror_resync_end(w->mirror); /* every route goes */
	assert_false(is_up(w, 10));
	mirror_set_pause(w->mirror, NULL, NULL);
	assert_true(sync(w) >= 0);
	assert_false(is_up(w, 10));
	assert_false(mirror_link_stopped(w->mirror, 99));
	fib_port_down(w->fib, 99);
}

/* ---- drivers that take no redirected frames -------------------------------------------------- */

static void features(struct world *w, uint32_t ifindex, uint64_t bits)
{
	struct event ev = { .kind = EVENT_FEATURES, .op = EVENT_NEW };

	ev.features = (struct event_features){ .ifindex = ifindex, .xdp_features = bits };
	apply(w, &ev);
}

static bool transmits(const struct world *w, uint32_t ifindex)
{
	return w->rec->ports[fib_port_of(w->fib, ifindex)].flags & PORT_XMIT_NATIVE;
}

/* In the map it is at once, so that it is written whenever it is to come back. */
static void refuse(struct world *w, uint32_t ifindex)
{
	fib_port_refuses(w->fib, ifindex);
	assert_false(transmits(w, ifindex));
	mirror_link_refuses(w->mirror, ifindex, true);
}

static void test_refuses(void **state)
{
	enum { NDO_XMIT = 1 << 2, OTHER = 1 };
	struct world *w = *state;

	apply(w, ev_link(EVENT_NEW, 10, LINK_RUNS));
	features(w, 10, NDO_XMIT);
	assert_true(sync(w) >= 0);
	assert_true(transmits(w, 10));
	/* It stays out, whatever else is announced. */
	refuse(w, 10);
	assert_true(sync(w) >= 0);
	assert_false(transmits(w, 10));
	features(w, 10, NDO_XMIT);
	apply(w, ev_link(EVENT_NEW, 10, LINK_RUNS));
	assert_true(sync(w) >= 0);
	assert_false(transmits(w, 10));
	mirror_link_refuses(w->mirror, 10, false);
	assert_true(sync(w) >= 0);
	assert_true(transmits(w, 10));
	/* News of the device are as good; also before anything was written. */
	for (int i = 0; i < 4; i++) {
		refuse(w, 10);
		if (i % 2)
			assert_true(sync(w) >= 0);
		if (i < 2) {
			apply(w, ev_link(EVENT_NEW, 10, IFF_UP));
			apply(w, ev_link(EVENT_NEW, 10, LINK_RUNS));
		} else {
			features(w, 10, NDO_XMIT | OTHER << i % 2);
		}
		assert_true(sync(w) >= 0);
		assert_true(transmits(w, 10));
	}
	/* A device that goes leaves nothing to the next one of its number. */
	refuse(w, 10);
	apply(w, ev_link(EVENT_DEL, 10, LINK_RUNS));
	apply(w, ev_link(EVENT_NEW, 10, LINK_RUNS));
	features(w, 10, NDO_XMIT);
	assert_true(sync(w) >= 0);
	assert_true(transmits(w, 10));
	refuse(w, 99);
}

/* ---- links that go and come back ------------------------------------------------------------- */

static uint32_t renewed(struct world *w)
{
	uint32_t n = w->rec->counts[OP_RENEW_PORT];

	assert_int_equal(w->rec->counts[OP_SET_PORT], 0);
	recorder_reset_counts(w->rec);
	return n;
}

static void start_renew_world(struct world *w)
{
	all_links(w, EVENT_NEW);
	for (uint32_t i = FIRST; i < FIRST + LINKS; i++)
		neighbour(w, i, 1);
	assert_true(sync(w) >= 0);
	assert_int_equal(w->rec->counts[OP_RENEW_PORT], 0);
	recorder_reset_counts(w->rec);
}

/* The link says what it said, and the kernel has forgotten it: only that link is written, and once. */
static void test_gone_and_back(void **state)
{
	struct world *w = *state;
	uint16_t number;

	start_renew_world(w);
	number = fib_port_of(w->fib, 10);
	for (int i = 0; i < 3; i++) {
		for (int j = 0; j <= i; j++) {
			apply(w, ev_link(EVENT_DEL, 10, LINK_RUNS));
			apply(w, ev_link(EVENT_NEW, 10, LINK_RUNS));
		}
		assert_true(sync(w) >= 0);
		assert_int_equal(w->rec->log[w->rec->last_op_of[OP_RENEW_PORT] % REC_LOG].what,
				 number);
		assert_int_equal(renewed(w), 1);
	}
	assert_int_equal(fib_port_of(w->fib, 10), number);
	/* Back as another one: both. */
	apply(w, ev_link(EVENT_DEL, 10, LINK_RUNS));
	apply(w, ev_link(EVENT_NEW, 10, IFF_UP));
	assert_true(sync(w) >= 0);
	assert_int_equal(w->rec->counts[OP_SET_PORT], 1);
	assert_int_equal(w->rec->counts[OP_RENEW_PORT], 1);
	recorder_reset_counts(w->rec);
	/* Gone for a sync: a new port, and nothing beside. */
	apply(w, ev_link(EVENT_DEL, 11, LINK_RUNS));
	assert_true(sync(w) >= 0);
	apply(w, ev_link(EVENT_NEW, 11, LINK_RUNS));
	assert_true(sync(w) >= 0);
	assert_int_equal(w->rec->counts[OP_SET_PORT], 1);
	assert_int_equal(w->rec->counts[OP_RENEW_PORT], 0);
}

static void dump(struct world *w)
{
	mirror_resync_begin(w->mirror);
	all_links(w, EVENT_DUMP);
	mirror_resync_end(w->mirror);
	assert_true(sync(w) >= 0);
}

/* Whatever else is told of a link, also by dumps, is no reason. */
static void test_stays(void **state)
{
	struct world *w = *state;

	start_renew_world(w);
	all_links(w, EVENT_NEW);
	assert_true(sync(w) >= 0);
	for (uint32_t i = FIRST; i < FIRST + LINKS; i++) {
		apply(w, ev_link(EVENT_NEW, i, 0));
		apply(w, ev_link(EVENT_NEW, i, LINK_RUNS | IFF_PROMISC));
	}
	assert_true(sync(w) >= 0);
	w->mirror->dirty.all = true;
	assert_true(sync(w) >= 0);
	dump(w);
	assert_int_equal(renewed(w), 0);
}

/* What was lost may have told that a link went and came; so may what is replayed. */
static void test_back_behind_a_dump(void **state)
{
	struct world *w = *state;

	start_renew_world(w);
	mirror_lost(w->mirror);
	assert_true(sync(w) >= 0);
	assert_int_equal(renewed(w), 0);
	dump(w);
	assert_int_equal(renewed(w), LINKS);
	dump(w);
	assert_int_equal(renewed(w), 0);
	for (int i = 0; i < 3; i++) {
		mirror_resync_begin(w->mirror);
		/* The dump has all but one, which comes back with what is replayed; after the sweep it is not known. */
		all_links(w, EVENT_DUMP);
		if (i) {
			mirror_resync_end(w->mirror);
			mirror_resync_begin(w->mirror);
			for (uint32_t link = FIRST + 1; link < FIRST + LINKS; link++)
				apply(w, ev_link(EVENT_DUMP, link, LINK_RUNS));
		}
		if (i == 2)
			mirror_resync_end(w->mirror);
		apply(w, ev_link(EVENT_DEL, FIRST, LINK_RUNS));
		apply(w, ev_link(EVENT_NEW, FIRST, LINK_RUNS));
		if (i < 2)
			mirror_resync_end(w->mirror);
		assert_true(sync(w) >= 0);
		assert_int_equal(renewed(w), 1);
	}
}

static void test_failed_renewal(void **state)
{
	struct world *w = *state;

	start_renew_world(w);
	w->rec->lenient = true;
	for (int i = 0; i < 2; i++) {
		apply(w, ev_link(EVENT_DEL, 10, LINK_RUNS));
		apply(w, ev_link(EVENT_NEW, 10, LINK_RUNS));
		w->mirror->dirty.all = i;
		w->rec->fail_op = OP_RENEW_PORT;
		w->rec->fail_errno = EIO;
		assert_int_equal(sync(w), -EIO);
		w->rec->fail_errno = 0;
		assert_true(sync(w) >= 0);
		assert_int_equal(renewed(w), 1);
		assert_true(sync(w) >= 0);
		assert_int_equal(renewed(w), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_many_at_once, setup, teardown),
		cmocka_unit_test_setup_teardown(test_failed_writes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_returns, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stops_in_events, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stops_in_sync, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stops_in_dump, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refuses, setup, teardown),
		cmocka_unit_test_setup_teardown(test_gone_and_back, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stays, setup, teardown),
		cmocka_unit_test_setup_teardown(test_back_behind_a_dump, setup, teardown),
		cmocka_unit_test_setup_teardown(test_failed_renewal, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
