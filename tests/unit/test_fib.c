// SPDX-License-Identifier: GPL-2.0-only
/*
 * The fib: which writes an event costs, and that what fails is made up for. Every sync here runs under the
 * recorder's checks of make before break.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <linux/netconf.h>
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

/* ---- what an event costs --------------------------------------------------------------------- */

static void test_first_sync_has_no_route(void **state)
{
	struct world *w = *state;

	assert_int_equal(world_verdict(w, "198.51.100.1"), VERDICT_no_route);
	assert_int_equal(w->rec->hold, 0);
	assert_int_equal(fib_sync(w->fib), 0);
}

static void test_gateway_route(void **state)
{
	struct world *w = *state;

	assert_true(world_do(w, ev_route(EVENT_NEW, "198.51.100.0/24", 2, "10.0.2.1")) > 0);
	assert_int_equal(world_verdict(w, "198.51.100.1"), VERDICT_no_neighbour);
	recorder_reset_counts(w->rec);
	world_neighbour(w, 2, "10.0.2.1", 11);
	assert_int_equal(COUNT(OP_SET_ADJACENCY), 1);
	assert_int_equal(COUNT(OP_SET_NEIGHBOUR), 1);
	assert_int_equal(COUNT(OP_SET_NEXTHOP) + COUNT(OP_ROUTE_SET), 0);
	assert_int_equal(world_mac(w, "198.51.100.1"), 11);
	world_neighbour(w, 2, "10.0.2.1", 12);
	assert_int_equal(COUNT(OP_SET_ADJACENCY), 2);
	assert_int_equal(world_mac(w, "198.51.100.1"), 12);
	assert_int_equal(world_do(w, ev_neighbour(EVENT_NEW, 2, "10.0.2.1", NUD_STALE, 12)), 0);
	world_do(w, ev_neighbour(EVENT_NEW, 2, "10.0.2.1", NUD_FAILED, 12));
	assert_int_equal(COUNT(OP_SET_ADJACENCY), 3);
	assert_int_equal(world_verdict(w, "198.51.100.1"), VERDICT_no_neighbour);
	world_do(w, ev_route(EVENT_DEL, "198.51.100.0/24", 2, "10.0.2.1"));
	assert_int_equal(world_verdict(w, "198.51.100.1"), VERDICT_no_route);
	assert_int_equal(
		fib_adjacency_of(w->fib, 2,
				 &(struct addr){ .family = AF_INET, .v4 = ip4("10.0.2.1") }),
		0);
}

static void test_connected_route(void **state)
{
	struct world *w = *state;

	world_do(w, ev_route(EVENT_NEW, "10.0.3.0/24", 3, NULL));
	assert_int_equal(world_verdict(w, "10.0.3.7"), VERDICT_no_neighbour);
	world_neighbour(w, 3, "10.0.3.7", 7);
	world_neighbour(w, 3, "10.0.3.8", 8);
	assert_int_equal(world_mac(w, "10.0.3.7"), 7);
	assert_int_equal(world_mac(w, "10.0.3.8"), 8);
	world_do(w, ev_neighbour(EVENT_DEL, 3, "10.0.3.7", 0, 7));
	assert_int_equal(world_verdict(w, "10.0.3.7"), VERDICT_no_neighbour);
	assert_int_equal(w->rec->n_neighbours, 1);
}

static void test_ipv6_gateway(void **state)
{
	struct world *w = *state;

	world_do(w, ev_route(EVENT_NEW, "198.51.100.0/24", 2, "fe80::1"));
	world_neighbour(w, 2, "fe80::1", 61);
	assert_int_equal(world_mac(w, "198.51.100.1"), 61);
	assert_int_equal(w->rec->n_neighbours, 0);
}

static void test_default_route(void **state)
{
	struct world *w = *state;

	world_neighbour(w, 2, "10.0.2.1", 1);
	recorder_reset_counts(w->rec);
	world_do(w, ev_route(EVENT_NEW, "0.0.0.0/0", 2, "10.0.2.1"));
	assert_int_equal(COUNT(OP_DEFAULT_LEAF), 1);
	assert_int_equal(COUNT(OP_ROUTE_SET), 0);
	assert_int_equal(world_mac(w, "203.0.113.1"), 1);
	world_do(w, ev_route(EVENT_DEL, "0.0.0.0/0", 2, "10.0.2.1"));
	assert_int_equal(world_verdict(w, "203.0.113.1"), VERDICT_no_route);
}

static void test_deleted_and_added_in_one_batch(void **state)
{
	struct world *w = *state;

	world_do(w, ev_route(EVENT_NEW, "198.51.100.0/24", 2, "10.0.2.1"));
	mirror_apply(w->mirror, ev_route(EVENT_DEL, "198.51.100.0/24", 2, "10.0.2.1"));
	mirror_apply(w->mirror, ev_route(EVENT_NEW, "198.51.100.0/24", 2, "10.0.2.1"));
	assert_int_equal(recorder_sync(w->rec, w->fib), 0);
}

static void test_own_addresses(void **state)
{
	struct world *w = *state;

	world_do(w, ev_address(EVENT_NEW, 2, "10.0.2.254", 24));
	world_do(w, ev_address(EVENT_NEW, 3, "10.0.2.254", 32));
	assert_int_equal(COUNT(OP_OWN_ADDRESS), 1);
	world_do(w, ev_address(EVENT_DEL, 3, "10.0.2.254", 32));
	assert_int_equal(COUNT(OP_OWN_ADDRESS), 1);
	world_do(w, ev_address(EVENT_DEL, 2, "10.0.2.254", 24));
	assert_int_equal(COUNT(OP_OWN_ADDRESS), 2);
	w->rec->own_limit = 0;
	world_do(w, ev_address(EVENT_NEW, 2, "10.0.2.254", 24));
	assert_int_equal(w->rec->hold, VERDICT_table_full);
	world_do(w, ev_address(EVENT_DEL, 2, "10.0.2.254", 24));
	assert_int_equal(w->rec->hold, 0);
}

/* They come as routes, and go with them. */
static void test_broadcast_addresses_are_no_senders(void **state)
{
	struct world *w = *state;
	struct event *ev = ev_route(EVENT_NEW, "10.0.2.255/32", 2, NULL);

	ev->route.type = RTN_BROADCAST;
	ev->route.table = RT_TABLE_LOCAL;
	ev->route.protocol = RTPROT_KERNEL;
	world_do(w, ev);
	assert_int_equal(COUNT(OP_OWN_ADDRESS), 1);
	assert_true(mirror_own_kind(w->mirror, ip4("10.0.2.255")));
	assert_false(mirror_own_kind(w->mirror, ip4("10.0.2.254")));
	ev->op = EVENT_DEL;
	world_do(w, ev);
	assert_int_equal(COUNT(OP_OWN_ADDRESS), 2);
	assert_false(mirror_own_kind(w->mirror, ip4("10.0.2.255")));
}

static void test_kinds_of_own_addresses(void **state)
{
	struct world *w = *state;
	struct event *ev;

	world_do(w, ev_address(EVENT_NEW, 2, "10.0.2.254", 24));
	assert_int_equal(recorder_own_kind(w->rec, ip4("10.0.2.254")), OWN_ADDRESS);
	ev = ev_route(EVENT_NEW, "10.0.2.254/32", 2, NULL);
	ev->route.type = RTN_BROADCAST;
	ev->route.table = RT_TABLE_LOCAL;
	world_do(w, ev);
	assert_int_equal(recorder_own_kind(w->rec, ip4("10.0.2.254")), OWN_BROADCAST);
	assert_int_equal(COUNT(OP_OWN_ADDRESS), 2);
	assert_int_equal(w->rec->hold, 0);
	ev->op = EVENT_DEL;
	world_do(w, ev);
	assert_int_equal(recorder_own_kind(w->rec, ip4("10.0.2.254")), OWN_ADDRESS);
	world_do(w, ev_address(EVENT_DEL, 2, "10.0.2.254", 24));
	assert_int_equal(recorder_own_kind(w->rec, ip4("10.0.2.254")), 0);
	assert_int_equal(w->rec->n_own, 0);
}

static void test_gateway_becomes_our_own(void **state)
{
	struct world *w = *state;

	world_neighbour(w, 2, "10.0.2.1", 1);
	world_do(w, ev_route(EVENT_NEW, "198.51.100.0/24", 2, "10.0.2.1"));
	assert_int_equal(world_mac(w, "198.51.100.1"), 1);
	world_do(w, ev_address(EVENT_NEW, 3, "10.0.2.1", 32));
	assert_int_equal(world_verdict(w, "198.51.100.1"), VERDICT_unsupported_route);
	world_do(w, ev_address(EVENT_DEL, 3, "10.0.2.1", 32));
	assert_int_equal(world_mac(w, "198.51.100.1"), 1);
}

static void test_holds(void **state)
{
	struct world *w = *state;
	uint32_t first;

	world_do(w, ev_route(EVENT_NEW, "198.51.100.0/24", 2, "10.0.2.1"));
	/* What comes before all others cannot be followed. */
	mirror_apply(w->mirror, ev_rule(EVENT_DEL, 0, RT_TABLE_LOCAL));
	mirror_apply(w->mirror, ev_route(EVENT_NEW, "198.51.101.0/24", 2, "10.0.2.1"));
	first = w->rec->sequence;
	recorder_sync(w->rec, w->fib);
	assert_int_equal(w->rec->hold, VERDICT_policy_rule);
	assert_int_equal(w->rec->last_op_of[OP_CONTROL], first + 1); /* on: before anything */
	mirror_set_hold(w->mirror, VERDICT_paused);
	recorder_sync(w->rec, w->fib);
	assert_int_equal(w->rec->hold, VERDICT_paused);
	mirror_set_hold(w->mirror, 0);
	recorder_sync(w->rec, w->fib);
	assert_int_equal(w->rec->hold, VERDICT_policy_rule);
	mirror_apply(w->mirror, ev_rule(EVENT_NEW, 0, RT_TABLE_LOCAL));
	mirror_apply(w->mirror, ev_route(EVENT_NEW, "198.51.102.0/24", 2, "10.0.2.1"));
	recorder_sync(w->rec, w->fib);
	assert_int_equal(w->rec->hold, 0);
	assert_int_equal(w->rec->last_op_of[OP_CONTROL], w->rec->sequence); /* off: last */
	/* Without main there is a step that says no_route, and nothing to hold. */
	world_do(w, ev_rule(EVENT_DEL, 32766, 254));
	assert_int_equal(w->rec->hold, 0);
}

static void test_custom_local_is_checked(void **state)
{
	struct world *w = *state;
	struct event *ev = ev_route(EVENT_NEW, "198.51.100.1/32", 1, NULL);

	ev->route.type = RTN_LOCAL;
	ev->route.table = RT_TABLE_LOCAL;
	ev->route.protocol = RTPROT_KERNEL;
	world_do(w, ev);
	assert_int_equal(w->rec->flags, 0);
	ev->route.protocol = RTPROT_BOOT;
	ev->route.nl_flags = ROUTE_APPEND;
	world_do(w, ev);
	assert_int_equal(w->rec->flags, CONTROL_CHECK_SOURCE);
	ev->op = EVENT_DEL;
	world_do(w, ev);
	assert_int_equal(w->rec->flags, 0);
	assert_int_equal(world_verdict(w, "198.51.100.1"), VERDICT_local);
}

/* ---- links ----------------------------------------------------------------------------------- */

static void test_link_down_and_up(void **state)
{
	struct world *w = *state;

	world_neighbour(w, 2, "10.0.2.1", 1);
	world_do(w, ev_route(EVENT_NEW, "198.51.100.0/24", 2, "10.0.2.1"));
	world_do(w, ev_link(EVENT_NEW, 2, IFF_UP));
	assert_int_equal(world_verdict(w, "198.51.100.1"), VERDICT_egress_down);
	/* Up again: the kernel has lost the route, a dump has to tell. */
	world_do(w, ev_link(EVENT_NEW, 2, LINK_RUNS));
	assert_int_equal(world_verdict(w, "198.51.100.1"), VERDICT_egress_down);
	mirror_resync_begin(w->mirror);
	world_base(w->mirror, EVENT_DUMP);
	mirror_apply(w->mirror, ev_neighbour(EVENT_DUMP, 2, "10.0.2.1", NUD_REACHABLE, 1));
	mirror_apply(w->mirror, ev_route(EVENT_DUMP, "198.51.100.0/24", 2, "10.0.2.1"));
	mirror_resync_end(w->mirror);
	recorder_sync(w->rec, w->fib);
	assert_int_equal(world_mac(w, "198.51.100.1"), 1);
}

static void test_link_goes_and_another_comes(void **state)
{
	struct world *w = *state;
	uint16_t old;

	world_neighbour(w, 2, "10.0.2.1", 1);
	world_do(w, ev_route(EVENT_NEW, "198.51.100.0/24", 2, "10.0.2.1"));
	old = fib_port_of(w->fib, 2);
	assert_int_equal(fib_ifindex_of(w->fib, old), 2);
	world_do(w, ev_link(EVENT_DEL, 2, 0));
	assert_int_equal(world_verdict(w, "198.51.100.1"), VERDICT_egress_down);
	assert_int_equal(fib_port_of(w->fib, 2), 0);
	assert_int_equal(COUNT(OP_DEL_PORT), 1);
	assert_int_equal(w->rec->n_neighbours, 0); /* not waiting for the kernel to say so */
	world_do(w, ev_link(EVENT_NEW, 9, LINK_RUNS));
	assert_int_not_equal(fib_port_of(w->fib, 9), old);
	fib_reclaim(w->fib, true);
	world_do(w, ev_link(EVENT_NEW, 10, LINK_RUNS));
	assert_int_equal(fib_port_of(w->fib, 10), old);
}

static void test_port_changes_are_one_write(void **state)
{
	struct world *w = *state;
	struct event *ev = ev_link(EVENT_NEW, 2, LINK_RUNS);

	ev->link.mtu = 9000;
	assert_int_equal(world_do(w, ev), 1);
	assert_int_equal(w->rec->ports[fib_port_of(w->fib, 2)].mtu, 9000);
	assert_int_equal(world_do(w, ev_netconf(EVENT_NEW, 2, 0, -1)), 1);
	assert_false(w->rec->ports[fib_port_of(w->fib, 2)].flags & PORT_FORWARDING);
	mirror_set_send_redirects(w->mirror, 2, false);
	mirror_set_hook(w->mirror, 2, HOOK_XDP);
	assert_int_equal(recorder_sync(w->rec, w->fib), 1);
	assert_int_equal(fib_sync(w->fib), 0);
}

/* ---- next hops ------------------------------------------------------------------------------- */

static void test_group(void **state)
{
	struct world *w = *state;
	struct event *ev = ev_route(EVENT_NEW, "198.51.100.0/24", 2, "10.0.2.1");
	struct answer answer;

	ev_add_leg(ev, 3, "10.0.3.1", 3);
	world_do(w, ev);
	world_neighbour(w, 2, "10.0.2.1", 1);
	world_neighbour(w, 3, "10.0.3.1", 2);
	recorder_lookup(w->rec, ip4_host("198.51.100.1"), &answer);
	assert_int_equal(answer.n, 2);
	assert_int_equal(answer.members[0].target >> 40, 1);
	assert_int_equal(answer.members[0].buckets, 64);
	assert_int_equal(answer.members[1].buckets, 192);
	/* A leg goes down: its share moves to the other; then the route goes with all it had. */
	world_do(w, ev_link(EVENT_NEW, 3, 0));
	recorder_lookup(w->rec, ip4_host("198.51.100.1"), &answer);
	assert_int_equal(answer.n, 2); /* suspect: that share falls back until a dump */
	ev = ev_route(EVENT_DEL, "198.51.100.0/24", 2, "10.0.2.1");
	ev_add_leg(ev, 3, "10.0.3.1", 3);
	world_do(w, ev);
	assert_int_equal(w->fib->slot_numbers.n_quarantine, 3);
	assert_int_equal(w->fib->legs.count, 0);
}

/* How many buckets differ. */
static int moved(const struct group *a, const struct group *b)
{
	int n = 0;

	for (int i = 0; i < GROUP_BUCKETS; i++)
		n += a->bucket[i] != b->bucket[i];
	return n;
}

static void test_group_fill(void **state)
{
	uint32_t leaves[EVENT_LEGS_MAX];
	uint16_t weights[EVENT_LEGS_MAX];
	struct group a, b, c;

	(void)state;
	for (int i = 0; i < EVENT_LEGS_MAX; i++) {
		leaves[i] = 100 + i;
		weights[i] = 1;
	}
	fib_group_fill(leaves, weights, 3, NULL, &a);
	fib_group_fill(leaves, weights, 3, &a, &b);
	assert_int_equal(moved(&a, &b), 0);
	fib_group_fill(leaves, weights, 2, &a, &b);
	assert_int_equal(moved(&a, &b), 85);
	fib_group_fill(leaves, weights, 3, &b, &c);
	assert_int_equal(moved(&b, &c), 85);
	fib_group_fill(leaves, weights, 256, NULL, &a);
	for (int i = 0; i < GROUP_BUCKETS; i++)
		assert_int_equal(a.bucket[i], leaves[i]);
	weights[0] = 65535;
	weights[1] = 65535;
	fib_group_fill(leaves, weights, 3, NULL, &a);
	for (int i = 0; i < GROUP_BUCKETS; i++)
		assert_true(a.bucket[i] == 100 || a.bucket[i] == 101);
}

static void test_group_change_takes_a_fresh_row(void **state)
{
	struct world *w = *state;
	const uint32_t both[] = { 1, 2, 0 }, one[] = { 1, 0 };
	uint32_t slot;

	world_do(w, ev_nexthop(EVENT_NEW, 1, 2, "10.0.2.1"));
	world_do(w, ev_nexthop(EVENT_NEW, 2, 3, "10.0.3.1"));
	world_do(w, ev_group(EVENT_NEW, 5, both));
	world_do(w, ev_route_nhid(EVENT_NEW, "198.51.100.0/24", 5));
	world_neighbour(w, 2, "10.0.2.1", 1);
	world_neighbour(w, 3, "10.0.3.1", 2);
	slot = rib_find(mirror_rib(w->mirror), prefix_of("198.51.100.0/24"))->installed;
	recorder_reset_counts(w->rec);
	/* The kernel's order: the member goes, then the group shrinks. */
	world_do(w, ev_nexthop(EVENT_DEL, 2, 3, "10.0.3.1"));
	world_do(w, ev_group(EVENT_NEW, 5, one));
	assert_int_equal(world_mac(w, "198.51.100.1"), 1);
	assert_int_equal(COUNT(OP_SET_GROUP), 2);
	assert_int_equal(COUNT(OP_ROUTE_SET), 0);
	assert_int_equal(rib_find(mirror_rib(w->mirror), prefix_of("198.51.100.0/24"))->installed,
			 slot);
	world_do(w, ev_group(EVENT_DEL, 5, one));
	assert_int_equal(world_verdict(w, "198.51.100.1"), VERDICT_unsupported_route);
	/* It comes back: the route went with the old one. */
	world_do(w, ev_group(EVENT_NEW, 5, one));
	assert_int_equal(world_verdict(w, "198.51.100.1"), VERDICT_unsupported_route);
}

/* Prefix-independent convergence for 10,000 routes, also where the kernel repeats them all. */
static void test_nexthop_replace_moves_all_routes(void **state)
{
	struct world *w = *state;
	char text[32];

	world_do(w, ev_nexthop(EVENT_NEW, 1, 2, "10.0.2.1"));
	world_neighbour(w, 2, "10.0.2.1", 1);
	world_neighbour(w, 3, "10.0.3.1", 2);
	world_again(w, roomy, REC_ROUTES, 64); /* the engine itself */
	world_do(w, ev_nexthop(EVENT_NEW, 1, 2, "10.0.2.1"));
	world_neighbour(w, 2, "10.0.2.1", 1);
	world_neighbour(w, 3, "10.0.3.1", 2);
	free(w->rec->routes);
	w->rec->routes = calloc(20000, sizeof(*w->rec->routes));
	w->rec->engine = *w->rec->inner;
	w->rec->sink.engine = w->rec->inner;
	for (uint32_t i = 0; i < 10000; i++) {
		snprintf(text, sizeof(text), "20.%u.%u.0/24", i >> 8, i & 255);
		mirror_apply(w->mirror, ev_route_nhid(EVENT_NEW, text, 1));
	}
	assert_true(recorder_sync_unwatched(w->rec, w->fib) > 10000);
	recorder_reset_counts(w->rec);
	mirror_apply(w->mirror, ev_nexthop(EVENT_NEW, 1, 3, "10.0.3.1"));
	assert_int_equal(fib_sync(w->fib), 3);
	assert_int_equal(COUNT(OP_SET_NEXTHOP), 1);
	assert_int_equal(COUNT(OP_SET_REVERSE), 2); /* what it accepts: less, then more */
	for (uint32_t i = 0; i < 10000; i++) {	    /* compat_mode=1 */
		snprintf(text, sizeof(text), "20.%u.%u.0/24", i >> 8, i & 255);
		struct event *ev = ev_route_nhid(EVENT_NEW, text, 1);

		ev->route.nl_flags = ROUTE_REPLACE;
		ev_add_leg(ev, 3, "10.0.3.1", 1);
		mirror_apply(w->mirror, ev);
	}
	assert_int_equal(fib_sync(w->fib), 0);
	assert_int_equal(world_mac(w, "20.3.4.5"), 2);
}

static void test_unknown_object_falls_back(void **state)
{
	struct world *w = *state;

	world_neighbour(w, 2, "10.0.2.1", 1);
	world_do(w, ev_route_nhid(EVENT_NEW, "198.51.100.0/24", 7));
	assert_int_equal(world_verdict(w, "198.51.100.1"), VERDICT_unsupported_route);
	world_do(w, ev_nexthop(EVENT_NEW, 7, 2, "10.0.2.1"));
	assert_int_equal(world_mac(w, "198.51.100.1"), 1);
}

/* ---- failures -------------------------------------------------------------------------------- */

static void test_failed_writes_stay_dirty(void **state)
{
	static const int ops[] = { OP_SET_PORT,	   OP_SET_ADJACENCY, OP_SET_NEIGHBOUR,
				   OP_SET_NEXTHOP, OP_SET_REVERSE,   OP_SET_GROUP,
				   OP_ROUTE_SET,   OP_OWN_ADDRESS,   OP_DEFAULT_LEAF };

	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		struct world *w = world_again(*state, roomy, 64, 0);
		/* User routes that drop go on during this hold, but not while the maps may be wrong. */
		uint32_t hold = i % 2 ? VERDICT_netfilter : 0;
		struct event *ev;

		mirror_set_hold(w->mirror, hold);
		w->rec->fail_op = ops[i];
		w->rec->fail_errno = EIO;
		mirror_apply(w->mirror, ev_link(EVENT_NEW, 9, LINK_RUNS));
		mirror_apply(w->mirror, ev_address(EVENT_NEW, 9, "10.0.9.254", 24));
		mirror_apply(w->mirror, ev_neighbour(EVENT_NEW, 9, "10.0.9.1", NUD_REACHABLE, 9));
		mirror_apply(w->mirror, ev_route(EVENT_NEW, "0.0.0.0/0", 9, "10.0.9.1"));
		mirror_apply(w->mirror, ev_route(EVENT_NEW, "10.0.9.0/24", 9, NULL));
		ev = ev_route(EVENT_NEW, "20.0.0.0/8", 9, "10.0.9.1");
		ev_add_leg(ev, 2, "10.0.2.1", 1);
		mirror_apply(w->mirror, ev);
		assert_int_equal(recorder_sync_unwatched(w->rec, w->fib), -EIO);
		assert_int_equal(w->rec->hold, VERDICT_table_full);
		assert_int_equal(recorder_sync_unwatched(w->rec, w->fib), -EIO);
		w->rec->fail_errno = 0;
		assert_true(recorder_sync_unwatched(w->rec, w->fib) > 0);
		assert_int_equal(w->rec->hold, hold);
		assert_int_equal(w->rec->last_op_of[OP_CONTROL],
				 w->rec->sequence); /* when all is right */
		mirror_set_hold(w->mirror, 0);
		assert_true(recorder_sync_unwatched(w->rec, w->fib) >= 0);
		assert_int_equal(world_mac(w, "99.0.0.1"), 9);
		assert_int_equal(world_mac(w, "10.0.9.1"), 9);
		assert_int_equal(w->rec->n_own, 1);
		assert_int_equal(world_verdict(w, "20.0.0.1"), VERDICT_no_neighbour);
		assert_int_equal(fib_sync(w->fib), 0);
	}
}

static void test_failed_removals_stay_dirty(void **state)
{
	static const int ops[] = { OP_DEL_PORT, OP_DEL_NEIGHBOUR, OP_ROUTE_DEL };

	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		struct world *w = world_again(*state, roomy, 64, 0);

		world_neighbour(w, 2, "10.0.2.1", 1);
		world_do(w, ev_route(EVENT_NEW, "20.0.0.0/8", 2, "10.0.2.1"));
		w->rec->fail_op = ops[i];
		w->rec->fail_errno = EIO;
		mirror_apply(w->mirror, ev_route(EVENT_DEL, "20.0.0.0/8", 2, "10.0.2.1"));
		mirror_apply(w->mirror, ev_neighbour(EVENT_DEL, 2, "10.0.2.1", 0, 1));
		mirror_apply(w->mirror, ev_link(EVENT_DEL, 2, 0));
		assert_int_equal(recorder_sync(w->rec, w->fib), -EIO);
		w->rec->fail_errno = 0;
		assert_true(recorder_sync(w->rec, w->fib) > 0);
		assert_int_equal(w->rec->n_routes, 0);
		assert_int_equal(w->rec->n_neighbours, 0);
		assert_int_equal(w->rec->port_of_ifindex[2], 0);
		assert_int_equal(w->fib->slot_numbers.n_quarantine, 1);
		assert_int_equal(w->mirror->nexthops.live, 0);
	}
}

/* The dirty set could not be kept: everything is compared. */
static void test_dirty_all(void **state)
{
	struct world *w = *state;

	world_neighbour(w, 2, "10.0.2.1", 1);
	world_do(w, ev_route(EVENT_NEW, "20.0.0.0/8", 2, "10.0.2.1"));
	mirror_apply(w->mirror, ev_route(EVENT_DEL, "20.0.0.0/8", 2, "10.0.2.1"));
	mirror_apply(w->mirror, ev_route(EVENT_NEW, "30.0.0.0/8", 3, "10.0.3.1"));
	mirror_apply(w->mirror, ev_neighbour(EVENT_NEW, 3, "10.0.3.1", NUD_REACHABLE, 5));
	mirror_apply(w->mirror, ev_link(EVENT_DEL, 2, 0));
	mirror_apply(w->mirror, ev_address(EVENT_NEW, 3, "10.0.3.254", 24));
	memset(&w->mirror->dirty.prefixes.n, 0, sizeof(uint32_t));
	w->mirror->dirty.links.n = w->mirror->dirty.neighbours.n = 0;
	w->mirror->dirty.addresses.n = w->mirror->dirty.nexthops.n = 0;
	w->mirror->dirty.all = true;
	assert_true(recorder_sync(w->rec, w->fib) > 0);
	assert_int_equal(world_mac(w, "30.0.0.1"), 5);
	assert_int_equal(world_verdict(w, "20.0.0.1"), VERDICT_no_route);
	assert_int_equal(fib_port_of(w->fib, 2), 0);
	assert_int_equal(w->rec->n_own, 1);
	assert_int_equal(w->mirror->nexthops.live, 1);
	assert_int_equal(fib_sync(w->fib), 0);
}

static void test_show(void **state)
{
	struct world *w = *state;
	struct fib_counts counts;
	enum verdict verdict;
	uint32_t slot;
	struct event *ev;

	world_do(w, ev_route(EVENT_NEW, "20.0.0.0/8", 2, "10.0.2.1"));
	const struct rib_entry *entry = rib_find(mirror_rib(w->mirror), prefix_of("20.0.0.0/8"));

	assert_int_equal(fib_verdict(w->fib, entry, &verdict, &slot), 0);
	assert_int_equal(verdict, VERDICT_no_neighbour);
	assert_int_equal(slot, entry->installed);
	world_neighbour(w, 2, "10.0.2.1", 1);
	assert_int_equal(fib_verdict(w->fib, entry, &verdict, NULL), 0);
	assert_int_equal(verdict, VERDICT_forwarded);
	ev = ev_route(EVENT_NEW, "30.0.0.0/8", 0, NULL);
	ev->route.type = RTN_PROHIBIT;
	world_do(w, ev);
	ev = ev_route(EVENT_NEW, "40.0.0.0/8", 2, "10.0.2.1");
	ev->route.table = 100;
	world_do(w, ev);
	entry = rib_find(mirror_rib(w->mirror), prefix_of("40.0.0.0/8"));
	assert_int_equal(fib_verdict(w->fib, entry, &verdict, NULL), -ENOENT);
	fib_counts(w->fib, &counts);
	assert_int_equal(counts.routes, 2);
	assert_int_equal(counts.fallback, 1);
	assert_int_equal(counts.nexthops, 1);
	assert_int_equal(counts.neighbours, 1);
	assert_int_equal(counts.ports, 4);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_first_sync_has_no_route),
		TEST(test_gateway_route),
		TEST(test_connected_route),
		TEST(test_ipv6_gateway),
		TEST(test_default_route),
		TEST(test_deleted_and_added_in_one_batch),
		TEST(test_own_addresses),
		TEST(test_broadcast_addresses_are_no_senders),
		TEST(test_kinds_of_own_addresses),
		TEST(test_gateway_becomes_our_own),
		TEST(test_holds),
		TEST(test_custom_local_is_checked),
		TEST(test_link_down_and_up),
		TEST(test_link_goes_and_another_comes),
		TEST(test_port_changes_are_one_write),
		TEST(test_group),
		TEST(test_group_fill),
		TEST(test_group_change_takes_a_fresh_row),
		TEST(test_nexthop_replace_moves_all_routes),
		TEST(test_unknown_object_falls_back),
		TEST(test_failed_writes_stay_dirty),
		TEST(test_failed_removals_stay_dirty),
		TEST(test_dirty_all),
		TEST(test_show),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
