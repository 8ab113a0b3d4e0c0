// SPDX-License-Identifier: GPL-2.0-only
/* Resolving, row by row: what each kind of next hop, group and link comes to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <linux/netconf.h>
#include "daemon/mirror_internal.h"
#include "daemon/resolve.h"
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
	world_do(w, ev_neighbour(EVENT_NEW, 2, "10.0.2.1", NUD_REACHABLE, 1));
	world_do(w, ev_neighbour(EVENT_NEW, 3, "10.0.3.1", NUD_REACHABLE, 2));
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	world_free(*state);
	free(*state);
	return 0;
}

static enum verdict through(struct world *w, struct event *link)
{
	uint32_t ifindex = link->link.ifindex;

	world_do(w, link);
	world_do(w, ev_neighbour(EVENT_NEW, ifindex, "10.0.9.1", NUD_PERMANENT, 9));
	world_do(w, ev_route(EVENT_NEW, "20.0.0.0/8", ifindex, "10.0.9.1"));
	return world_verdict(w, "20.1.2.3");
}

static void test_links(void **state)
{
	struct event *ev;

	world_do(*state, ev_route(EVENT_NEW, "20.0.0.0/8", 77, "10.0.9.1"));
	assert_int_equal(world_verdict(*state, "20.1.2.3"), VERDICT_egress_down);
	assert_int_equal(through(*state, ev_link(EVENT_NEW, 10, LINK_RUNS)), VERDICT_forwarded);
	assert_int_equal(through(*state, ev_link(EVENT_NEW, 11, IFF_UP)), VERDICT_egress_down);
	assert_int_equal(through(*state, ev_link(EVENT_NEW, 12, 0)), VERDICT_egress_down);
	ev = ev_link(EVENT_NEW, 13, LINK_RUNS);
	ev->link.type = ARPHRD_NONE;
	assert_int_equal(through(*state, ev), VERDICT_egress_no_xdp);
	ev = ev_link(EVENT_NEW, 14, LINK_RUNS | IFF_LOOPBACK);
	assert_int_equal(through(*state, ev), VERDICT_egress_no_xdp);
	ev = ev_link(EVENT_NEW, 15, LINK_RUNS);
	ev->link.mac_len = 0;
	assert_int_equal(through(*state, ev), VERDICT_egress_no_xdp);
}

/* Weights of what a group resolves to, by interface; 0 if it is not there. */
static uint32_t share(struct world *w, const char *addr, uint32_t ifindex)
{
	struct answer answer;

	recorder_lookup(w->rec, ip4_host(addr), &answer);
	for (uint32_t i = 0; i < answer.n; i++)
		if (answer.members[i].ifindex == ifindex)
			return answer.n == 1 ? GROUP_BUCKETS : answer.members[i].buckets;
	return 0;
}

static struct event *two_legs(int op, uint8_t flags)
{
	struct event *ev = ev_route(op, "20.0.0.0/8", 2, "10.0.2.1");

	ev_add_leg(ev, 3, "10.0.3.1", 1);
	ev->route.legs[1].flags = flags;
	return ev;
}

static void test_group_legs(void **state)
{
	struct world *w = *state;
	struct event *ev;

	world_do(w, two_legs(EVENT_NEW, 0));
	assert_int_equal(share(w, "20.0.0.1", 2), 128);
	assert_int_equal(share(w, "20.0.0.1", 3), 128);
	world_do(w, two_legs(EVENT_DUMP, RTNH_F_LINKDOWN)); /* the kernel still uses it */
	assert_int_equal(share(w, "20.0.0.1", 2), 128);
	assert_int_equal(world_verdict(w, "20.0.0.1"), VERDICT_egress_down);
	world_do(w, two_legs(EVENT_DUMP, RTNH_F_DEAD | RTNH_F_LINKDOWN)); /* skipped */
	assert_int_equal(share(w, "20.0.0.1", 2), 256);
	ev = two_legs(EVENT_DUMP, RTNH_F_DEAD | RTNH_F_LINKDOWN);
	ev->route.legs[0].flags = RTNH_F_DEAD;
	world_do(w, ev);
	assert_int_equal(world_verdict(w, "20.0.0.1"), VERDICT_egress_down);
	world_do(w, two_legs(EVENT_DUMP, 0));
	assert_int_equal(share(w, "20.0.0.1", 3), 128);
}

static void test_objects(void **state)
{
	struct world *w = *state;
	const uint32_t members[] = { 1, 2, 0 };
	struct event *ev;

	world_do(w, ev_route_nhid(EVENT_NEW, "20.0.0.0/8", 5));
	world_do(w, ev_group(EVENT_NEW, 5, members)); /* before its members */
	assert_int_equal(world_verdict(w, "20.0.0.1"), VERDICT_unsupported_route);
	world_do(w, ev_nexthop(EVENT_NEW, 1, 2, "10.0.2.1"));
	world_do(w, ev_nexthop(EVENT_NEW, 2, 3, "10.0.3.1"));
	assert_int_equal(world_verdict(w, "20.0.0.1"), VERDICT_forwarded);
	assert_int_equal(share(w, "20.0.0.1", 3), 128);
	ev = ev_group(EVENT_NEW, 5, members);
	ev->nexthop.type = NH_TYPE_RESILIENT;
	ev->nexthop.members[0].weight = 3;
	world_do(w, ev);
	assert_int_equal(share(w, "20.0.0.1", 2), 192);
	ev = ev_nexthop(EVENT_NEW, 2, 3, "10.0.3.1");
	ev->nexthop.unsupported = true;
	world_do(w, ev);
	assert_int_equal(world_verdict(w, "20.0.0.1"), VERDICT_unsupported_route);
	assert_int_equal(share(w, "20.0.0.1", 2), 192);
	ev = ev_nexthop(EVENT_NEW, 7, 0, NULL);
	ev->nexthop.type = NH_TYPE_BLACKHOLE;
	world_do(w, ev);
	world_do(w, ev_route_nhid(EVENT_NEW, "21.0.0.0/8", 7));
	assert_int_equal(world_verdict(w, "21.0.0.1"), VERDICT_dropped);
	ev = ev_nexthop(EVENT_NEW, 8, 2, "10.0.2.1");
	ev->nexthop.fdb = true;
	world_do(w, ev);
	world_do(w, ev_route_nhid(EVENT_NEW, "22.0.0.0/8", 8));
	assert_int_equal(world_verdict(w, "22.0.0.1"), VERDICT_unsupported_route);
}

/* The kernel says "blackhole" of every route by a blackhole object, and nothing when that goes. */
static void test_told_as_blackhole(void **state)
{
	struct world *w = *state;
	struct event *ev;

	/* By the object, or by a group of it alone. */
	for (uint32_t hole = 6, nhid = 6; hole < 10; hole += 2, nhid = hole + 1) {
		const uint32_t members[] = { hole, 0 };

		ev = ev_nexthop(EVENT_NEW, hole, 0, NULL);
		ev->nexthop.type = NH_TYPE_BLACKHOLE;
		world_do(w, ev);
		world_do(w, ev_group(EVENT_NEW, hole + 1, members));
		ev = ev_route_nhid(EVENT_NEW, "21.0.0.0/8", nhid);
		ev->route.type = RTN_BLACKHOLE;
		world_do(w, ev);
		assert_int_equal(world_verdict(w, "21.0.0.1"), VERDICT_dropped);
		world_do(w, ev_nexthop(EVENT_NEW, hole, 2, "10.0.2.1"));
		assert_int_equal(world_verdict(w, "21.0.0.1"), VERDICT_unsupported_route);
		ev = ev_nexthop(EVENT_NEW, hole, 0, NULL);
		ev->nexthop.type = NH_TYPE_BLACKHOLE;
		world_do(w, ev);
		assert_int_equal(world_verdict(w, "21.0.0.1"), VERDICT_dropped);
		world_do(w, ev_nexthop(EVENT_DEL, hole, 0, NULL));
		assert_int_equal(world_verdict(w, "21.0.0.1"), VERDICT_unsupported_route);
	}
}

/* A way out whose reverse path check would begin with the rule of a VRF. */
static void test_vrf(void **state)
{
	struct world *w = *state;
	struct event *ev;

	world_do(w, ev_route(EVENT_NEW, "20.0.0.0/8", 2, "10.0.2.1"));
	ev = ev_link(EVENT_NEW, 9, LINK_RUNS);
	snprintf(ev->link.kind, sizeof(ev->link.kind), "bridge");
	world_do(w, ev);
	ev = ev_link(EVENT_DUMP, 2, LINK_RUNS);
	ev->link.master = 9;
	world_do(w, ev);
	assert_int_equal(world_mac(w, "20.1.2.3"), 1);
	ev = ev_link(EVENT_DUMP, 9, LINK_RUNS);
	snprintf(ev->link.kind, sizeof(ev->link.kind), "vrf");
	world_do(w, ev);
	assert_int_equal(world_verdict(w, "20.1.2.3"), VERDICT_policy_rule);
	world_do(w, ev_link(EVENT_DEL, 9, 0)); /* what it was is not known */
	assert_int_equal(world_verdict(w, "20.1.2.3"), VERDICT_policy_rule);
	world_do(w, ev_link(EVENT_DUMP, 2, LINK_RUNS));
	assert_int_equal(world_mac(w, "20.1.2.3"), 1);
	ev = ev_link(EVENT_DUMP, 2, LINK_RUNS);
	snprintf(ev->link.kind, sizeof(ev->link.kind), "vrf");
	world_do(w, ev);
	assert_int_equal(world_verdict(w, "20.1.2.3"), VERDICT_policy_rule);
}

/* The kernel goes on with the next candidate, or a shorter prefix; it shall do so itself. */
static void test_dead_goes_on(void **state)
{
	struct world *w = *state;
	struct event *ev;

	world_do(w, ev_route(EVENT_NEW, "0.0.0.0/0", 2, "10.0.2.1"));
	world_do(w, ev_route(EVENT_NEW, "20.0.0.0/8", 3, "10.0.3.1"));
	ev = ev_route(EVENT_NEW, "20.0.0.0/8", 2, "10.0.2.1");
	ev->route.priority = 9;
	world_do(w, ev);
	assert_int_equal(world_mac(w, "20.1.2.3"), 2);
	ev = ev_route(EVENT_DUMP, "20.0.0.0/8", 3, "10.0.3.1");
	ev->route.legs[0].flags = RTNH_F_DEAD | RTNH_F_LINKDOWN;
	world_do(w, ev);
	assert_int_equal(world_verdict(w, "20.1.2.3"), VERDICT_egress_down);
	ev = two_legs(EVENT_NEW, RTNH_F_DEAD | RTNH_F_LINKDOWN);
	ev->route.dst = prefix_of("21.0.0.0/8");
	ev->route.legs[0].flags = RTNH_F_DEAD | RTNH_F_LINKDOWN;
	world_do(w, ev);
	assert_int_equal(world_verdict(w, "21.1.2.3"), VERDICT_egress_down);
	assert_int_equal(world_mac(w, "22.1.2.3"), 1);
}

/* A next hop of the other family has its neighbour there (RTA_VIA); so has one beyond any subnet. */
static void test_gateways(void **state)
{
	struct world *w = *state;
	struct event *ev;

	world_do(w, ev_route(EVENT_NEW, "20.0.0.0/8", 2, "fe80::1"));
	assert_int_equal(world_verdict(w, "20.1.2.3"), VERDICT_no_neighbour);
	world_do(w, ev_neighbour(EVENT_NEW, 3, "fe80::1", NUD_REACHABLE, 8));
	assert_int_equal(world_verdict(w, "20.1.2.3"), VERDICT_no_neighbour);
	world_do(w, ev_neighbour(EVENT_NEW, 2, "fe80::1", NUD_STALE, 9));
	assert_int_equal(world_mac(w, "20.1.2.3"), 9);
	ev = ev_route(EVENT_NEW, "21.0.0.0/8", 2, "192.0.2.77");
	ev->route.legs[0].flags = RTNH_F_ONLINK;
	world_do(w, ev);
	assert_int_equal(world_verdict(w, "21.1.2.3"), VERDICT_no_neighbour);
	world_do(w, ev_neighbour(EVENT_NEW, 2, "192.0.2.77", NUD_REACHABLE, 7));
	assert_int_equal(world_mac(w, "21.1.2.3"), 7);
}

/* What only its own neighbour tells (fib_multipath_use_neigh skips such legs): its share falls back. */
static void test_leg_without_neighbour(void **state)
{
	struct world *w = *state;

	world_do(w, two_legs(EVENT_NEW, 0));
	world_do(w, ev_neighbour(EVENT_NEW, 3, "10.0.3.1", NUD_FAILED, 2));
	assert_int_equal(share(w, "20.0.0.1", 2), 128);
	assert_int_equal(world_verdict(w, "20.0.0.1"), VERDICT_no_neighbour);
}

/* Members vanish with their link, unannounced; a group of a blackhole alone is one. */
static void test_group_members(void **state)
{
	const uint32_t members[] = { 1, 2, 0 }, hole[] = { 3, 0 };
	struct world *w = *state;
	struct event *ev;

	world_do(w, ev_nexthop(EVENT_NEW, 1, 2, "10.0.2.1"));
	world_do(w, ev_nexthop(EVENT_NEW, 2, 3, "10.0.3.1"));
	world_do(w, ev_group(EVENT_NEW, 5, members));
	world_do(w, ev_route_nhid(EVENT_NEW, "20.0.0.0/8", 5));
	assert_int_equal(world_verdict(w, "20.0.0.1"), VERDICT_forwarded);
	world_do(w, ev_link(EVENT_NEW, 3, IFF_UP));
	assert_int_equal(share(w, "20.0.0.1", 2), 128);
	assert_int_not_equal(world_verdict(w, "20.0.0.1"), VERDICT_forwarded);
	world_do(w, ev_link(EVENT_NEW, 2, IFF_UP));
	assert_int_equal(share(w, "20.0.0.1", 2), 0);
	ev = ev_nexthop(EVENT_NEW, 3, 0, NULL);
	ev->nexthop.type = NH_TYPE_BLACKHOLE;
	world_do(w, ev);
	world_do(w, ev_group(EVENT_NEW, 6, hole));
	world_do(w, ev_route_nhid(EVENT_NEW, "21.0.0.0/8", 6));
	assert_int_equal(world_verdict(w, "21.0.0.1"), VERDICT_dropped);
	world_do(w, ev_nexthop(EVENT_NEW, 3, 2, "10.0.2.1")); /* replaced by its id */
	assert_int_not_equal(world_verdict(w, "21.0.0.1"), VERDICT_dropped);
}

static void test_route_mtu(void **state)
{
	struct event *ev = ev_route(EVENT_NEW, "20.0.0.0/8", 2, "10.0.2.1");
	struct world *w = *state;
	struct answer answer;

	ev->route.mtu = 1400;
	world_do(w, ev);
	recorder_lookup(w->rec, ip4_host("20.0.0.1"), &answer);
	assert_int_equal(answer.members[0].mtu, 1400);
}

static void test_redirects(void **state)
{
	struct world *w = *state;
	struct event *ev;

	world_do(w, ev_route(EVENT_NEW, "20.0.0.0/8", 2, "10.0.2.1"));
	world_do(w, ev_route(EVENT_NEW, "21.0.0.0/8", 2, NULL));
	world_do(w, ev_neighbour(EVENT_NEW, 2, "21.0.0.1", NUD_REACHABLE, 3));
	assert_false(mirror_may_be_redirected(w->mirror));

	/* Another device than the egress takes them, while it is up: no gateway is certain then. */
	mirror_set_accept_redirects(w->mirror, 3, true);
	recorder_sync(w->rec, w->fib);
	assert_int_equal(world_verdict(w, "20.0.0.1"), VERDICT_unsupported_route);
	assert_int_equal(world_verdict(w, "21.0.0.1"), VERDICT_forwarded);
	world_do(w, ev_link(EVENT_NEW, 3, 0));
	assert_int_equal(world_verdict(w, "20.0.0.1"), VERDICT_forwarded);
	world_do(w, ev_link(EVENT_NEW, 3, LINK_RUNS));
	assert_int_equal(world_verdict(w, "20.0.0.1"), VERDICT_unsupported_route);

	/* What was learnt stays, whatever becomes of the device. */
	mirror_set_redirected(w->mirror, true);
	world_do(w, ev_link(EVENT_DEL, 3, 0));
	assert_false(mirror_accepts_redirects(w->mirror));
	assert_int_equal(world_verdict(w, "20.0.0.1"), VERDICT_unsupported_route);
	mirror_set_redirected(w->mirror, false);
	recorder_sync(w->rec, w->fib);
	assert_int_equal(world_verdict(w, "20.0.0.1"), VERDICT_forwarded);
	world_do(w, ev_link(EVENT_NEW, 3, LINK_RUNS)); /* another one, of which nothing is known */
	assert_int_equal(world_verdict(w, "20.0.0.1"), VERDICT_forwarded);

	/* To lo redirects come from this machine alone. */
	world_do(w, ev_link(EVENT_NEW, 1, LINK_RUNS | IFF_LOOPBACK));
	mirror_set_accept_redirects(w->mirror, 1, true);
	assert_false(mirror_may_be_redirected(w->mirror));

	/* What a dump no longer shows takes none. */
	mirror_set_accept_redirects(w->mirror, 3, true);
	assert_true(mirror_may_be_redirected(w->mirror));
	mirror_resync_begin(w->mirror);
	ev = ev_link(EVENT_DUMP, 2, LINK_RUNS);
	assert_int_equal(mirror_apply(w->mirror, ev), 0);
	mirror_resync_end(w->mirror);
	assert_false(mirror_may_be_redirected(w->mirror));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_links),	  TEST(test_group_legs),
		TEST(test_objects),	  TEST(test_told_as_blackhole),
		TEST(test_vrf),		  TEST(test_dead_goes_on),
		TEST(test_gateways),	  TEST(test_leg_without_neighbour),
		TEST(test_group_members), TEST(test_route_mtu),
		TEST(test_redirects),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
