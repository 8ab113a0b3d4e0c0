// SPDX-License-Identifier: GPL-2.0-only
/* Resolving, row by row: what each kind of route, next hop, neighbour, link and rule comes to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <linux/fib_rules.h>
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

static struct event *in_table(struct event *ev, uint32_t table)
{
	ev->route.table = table;
	return ev;
}

static struct event *of_type(struct event *ev, uint8_t type)
{
	ev->route.type = type;
	return ev;
}

/* ---- routes ------------------------------------------------------------------------------------ */

static void test_types(void **state)
{
	static const struct {
		uint8_t type;
		enum verdict verdict;
	} rows[] = {
		{ RTN_UNICAST, VERDICT_forwarded },
		{ RTN_BLACKHOLE, VERDICT_dropped },
		{ RTN_UNREACHABLE, VERDICT_unreachable },
		{ RTN_PROHIBIT, VERDICT_prohibit },
		{ RTN_THROW, VERDICT_throw },
		{ RTN_LOCAL, VERDICT_local },
		{ RTN_ANYCAST, VERDICT_local },
		{ RTN_BROADCAST, VERDICT_broadcast },
		{ RTN_MULTICAST, VERDICT_multicast },
		{ RTN_NAT, VERDICT_unsupported_route },
		{ RTN_XRESOLVE, VERDICT_unsupported_route },
		{ 77, VERDICT_unsupported_route },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		/* A shorter route must not catch what falls back. */
		world_do(*state, ev_route(EVENT_NEW, "20.0.0.0/8", 3, "10.0.3.1"));
		world_do(*state,
			 of_type(ev_route(EVENT_NEW, "20.1.0.0/16", 2, "10.0.2.1"), rows[i].type));
		assert_int_equal(world_verdict(*state, "20.1.2.3"), rows[i].verdict);
		assert_int_equal(world_mac(*state, "20.2.2.3"), 2);
		world_do(*state,
			 of_type(ev_route(EVENT_DEL, "20.1.0.0/16", 2, "10.0.2.1"), rows[i].type));
		assert_int_equal(world_mac(*state, "20.1.2.3"), 2);
	}
}

static void test_unsupported(void **state)
{
	struct event *ev = ev_route(EVENT_NEW, "20.0.0.0/8", 2, "10.0.2.1");

	ev->route.unsupported = true;
	world_do(*state, ev);
	assert_int_equal(world_verdict(*state, "20.1.2.3"), VERDICT_unsupported_route);
	ev = ev_route(EVENT_NEW, "21.0.0.0/8", 2, "10.0.2.1");
	ev->route.legs[0].encap = true;
	world_do(*state, ev);
	assert_int_equal(world_verdict(*state, "21.1.2.3"), VERDICT_unsupported_route);
	world_do(*state, ev_route(EVENT_NEW, "22.0.0.0/8", 0, NULL));
	assert_int_equal(world_verdict(*state, "22.1.2.3"), VERDICT_unsupported_route);
}

/* The one that is not the best has a TOS: packets with it would go another way. */
static void test_tos(void **state)
{
	struct event *ev;

	world_do(*state, ev_route(EVENT_NEW, "20.0.0.0/8", 2, "10.0.2.1"));
	ev = ev_route(EVENT_NEW, "20.0.0.0/8", 3, "10.0.3.1");
	ev->route.tos = 4;
	ev->route.priority = 50;
	world_do(*state, ev);
	assert_int_equal(world_verdict(*state, "20.1.2.3"), VERDICT_unsupported_route);
	ev = ev_route(EVENT_DEL, "20.0.0.0/8", 3, "10.0.3.1");
	ev->route.tos = 4;
	ev->route.priority = 50;
	world_do(*state, ev);
	assert_int_equal(world_mac(*state, "20.1.2.3"), 1);
}

static void test_tables(void **state)
{
	world_do(*state, in_table(ev_route(EVENT_NEW, "20.0.0.0/8", 2, "10.0.2.1"), 100));
	assert_int_equal(world_verdict(*state, "20.1.2.3"), VERDICT_no_route);
	world_do(*state, in_table(ev_route(EVENT_NEW, "20.0.0.0/8", 2, "10.0.2.1"), 253));
	assert_int_equal(world_mac(*state, "20.1.2.3"), 1);
	world_do(*state, in_table(ev_route(EVENT_NEW, "20.0.0.0/8", 3, "10.0.3.1"), 254));
	assert_int_equal(world_mac(*state, "20.1.2.3"), 2);
	world_do(*state,
		 of_type(in_table(ev_route(EVENT_NEW, "20.0.0.0/8", 3, NULL), 255), RTN_LOCAL));
	assert_int_equal(world_verdict(*state, "20.1.2.3"), VERDICT_local);
}

/* Main is asked before default: its shorter route wins there. */
static void test_default_table_below_main(void **state)
{
	world_do(*state, in_table(ev_route(EVENT_NEW, "20.1.0.0/16", 2, "10.0.2.1"), 253));
	assert_int_equal(world_mac(*state, "20.1.2.3"), 1);
	world_do(*state, ev_route(EVENT_NEW, "20.0.0.0/8", 3, "10.0.3.1"));
	assert_int_equal(world_verdict(*state, "20.1.2.3"), VERDICT_policy_rule);
	world_do(*state, ev_route(EVENT_DEL, "20.0.0.0/8", 3, "10.0.3.1"));
	assert_int_equal(world_mac(*state, "20.1.2.3"), 1);
	world_do(*state, ev_route(EVENT_NEW, "0.0.0.0/0", 3, "10.0.3.1"));
	assert_int_equal(world_verdict(*state, "20.1.2.3"), VERDICT_policy_rule);
	assert_int_equal(world_mac(*state, "20.2.2.3"), 2);
}

/* A custom wide local route: whether the tries are merged is unknown. */
static void test_below_wide_local(void **state)
{
	struct event *ev;

	world_do(*state, ev_route(EVENT_NEW, "20.1.0.0/16", 2, "10.0.2.1"));
	world_do(*state, ev_route(EVENT_NEW, "127.1.0.0/16", 2, "10.0.2.1"));
	ev = of_type(in_table(ev_route(EVENT_NEW, "127.0.0.0/8", 1, NULL), 255), RTN_LOCAL);
	world_do(*state, ev);
	assert_int_equal(mirror_wide_locals(((struct world *)*state)->mirror), 0);
	ev = of_type(in_table(ev_route(EVENT_NEW, "20.0.0.0/8", 1, NULL), 255), RTN_LOCAL);
	world_do(*state, ev);
	assert_int_equal(world_verdict(*state, "20.1.2.3"), VERDICT_local);
	ev->op = EVENT_DEL;
	world_do(*state, ev);
	assert_int_equal(world_mac(*state, "20.1.2.3"), 1);
	assert_int_equal(world_mac(*state, "127.1.2.3"), 1);
}

static void test_equal_default_routes(void **state)
{
	struct event *ev = ev_route(EVENT_NEW, "0.0.0.0/0", 3, "10.0.3.1");

	world_do(*state, ev_route(EVENT_NEW, "0.0.0.0/0", 2, "10.0.2.1"));
	ev = ev_route(EVENT_NEW, "0.0.0.0/0", 3, "10.0.3.1");
	ev->route.priority = 100; /* not equal */
	world_do(*state, ev);
	assert_int_equal(world_mac(*state, "20.1.2.3"), 1);
	ev = ev_route(EVENT_NEW, "0.0.0.0/0", 3, "10.0.3.1");
	ev->route.nl_flags = ROUTE_APPEND;
	world_do(*state, ev);
	assert_int_equal(world_verdict(*state, "20.1.2.3"), VERDICT_unsupported_route);
	world_do(*state, ev_route(EVENT_DEL, "0.0.0.0/0", 3, "10.0.3.1"));
	assert_int_equal(world_mac(*state, "20.1.2.3"), 1);
}

static void test_lookup_skips_other_tables(void **state)
{
	struct world *w = *state;
	struct resolved_route r;

	world_do(w, ev_route(EVENT_NEW, "20.0.0.0/8", 2, "10.0.2.1"));
	world_do(w, in_table(ev_route(EVENT_NEW, "20.1.0.0/16", 2, "10.0.2.1"), 100));
	assert_int_equal(resolve_lookup(w->mirror, ip4_host("20.1.2.3"), &r)->len, 8);
	assert_int_not_equal(r.nexthop, 0);
	assert_null(resolve_lookup(w->mirror, ip4_host("30.1.2.3"), &r));
	assert_int_equal(r.verdict, VERDICT_no_route);
}

/* ---- next hops --------------------------------------------------------------------------------- */

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

	world_do(w, two_legs(EVENT_NEW, 0));
	assert_int_equal(share(w, "20.0.0.1", 2), 128);
	assert_int_equal(share(w, "20.0.0.1", 3), 128);
	world_do(w, two_legs(EVENT_DUMP, RTNH_F_LINKDOWN)); /* the kernel still uses it */
	assert_int_equal(share(w, "20.0.0.1", 2), 128);
	assert_int_equal(world_verdict(w, "20.0.0.1"), VERDICT_egress_down);
	world_do(w, two_legs(EVENT_DUMP, RTNH_F_DEAD | RTNH_F_LINKDOWN)); /* skipped */
	assert_int_equal(share(w, "20.0.0.1", 2), 256);
	world_do(w, two_legs(EVENT_DUMP, 0));
	assert_int_equal(share(w, "20.0.0.1", 3), 128);
}

static void test_ignored_linkdown(void **state)
{
	struct world *w = *state;
	struct event *ev;

	world_do(w, two_legs(EVENT_NEW, 0));
	ev = ev_netconf(EVENT_NEW, 3, -1, -1);
	ev->netconf.ignore_linkdown = 1;
	world_do(w, ev);
	assert_int_equal(share(w, "20.0.0.1", 3), 128);
	world_do(w, two_legs(EVENT_DUMP, RTNH_F_LINKDOWN));
	assert_int_equal(share(w, "20.0.0.1", 2), 256);
	ev = two_legs(EVENT_DUMP, RTNH_F_LINKDOWN);
	ev->route.legs[0].flags = RTNH_F_DEAD;
	world_do(w, ev);
	assert_int_equal(world_verdict(w, "20.0.0.1"), VERDICT_egress_down);
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

/* ---- neighbours and ports ---------------------------------------------------------------------- */

static void test_neighbour_states(void **state)
{
	static const uint16_t valid[] = { NUD_PERMANENT, NUD_NOARP, NUD_REACHABLE,
					  NUD_PROBE,	 NUD_STALE, NUD_DELAY };
	static const uint16_t invalid[] = { NUD_NONE, NUD_INCOMPLETE, NUD_FAILED };
	struct mirror_neighbour n;

	(void)state;
	memset(&n, 0, sizeof(n));
	n.e.mac_len = 6;
	n.e.mac[0] = 2;
	for (size_t i = 0; i < sizeof(valid) / sizeof(valid[0]); i++) {
		n.e.state = valid[i];
		assert_true(resolve_neighbour_valid(&n));
	}
	for (size_t i = 0; i < sizeof(invalid) / sizeof(invalid[0]); i++) {
		n.e.state = invalid[i];
		assert_false(resolve_neighbour_valid(&n));
	}
	n.e.state = NUD_REACHABLE;
	n.e.mac[0] = 3; /* multicast */
	assert_false(resolve_neighbour_valid(&n));
	memset(n.e.mac, 0, sizeof(n.e.mac));
	assert_false(resolve_neighbour_valid(&n));
	n.e.mac[0] = 2;
	n.e.mac_len = 0;
	assert_false(resolve_neighbour_valid(&n));
}

static uint16_t flags_of(struct world *w, uint32_t ifindex)
{
	struct port port;

	assert_true(resolve_port(w->mirror, mirror_link(w->mirror, ifindex), &port));
	return port.flags;
}

static void test_port_flags(void **state)
{
	struct world *w = *state;
	const uint16_t usual = PORT_UP | PORT_FORWARDING | PORT_SEND_REDIRECTS | PORT_XMIT_GENERIC;
	struct event ev = { .kind = EVENT_FEATURES, .op = EVENT_NEW, .features = { 2, 4 } };
	struct event *link;

	assert_int_equal(flags_of(w, 2), usual);
	mirror_set_hook(w->mirror, 2, HOOK_XDP_GENERIC);
	assert_int_equal(flags_of(w, 2), usual | PORT_IN_GENERIC);
	mirror_set_hook(w->mirror, 2, HOOK_XDP);
	assert_int_equal(flags_of(w, 2), usual | PORT_XMIT_NATIVE);
	mirror_apply(w->mirror, &ev);
	mirror_set_hook(w->mirror, 2, HOOK_NONE);
	assert_int_equal(flags_of(w, 2), usual | PORT_XMIT_NATIVE);
	ev.features.xdp_features = 3; /* basic, redirect: no ndo_xdp_xmit */
	mirror_apply(w->mirror, &ev);
	mirror_set_hook(w->mirror, 2, HOOK_XDP);
	assert_int_equal(flags_of(w, 2), usual);
	mirror_set_send_redirects(w->mirror, 2, false);
	assert_int_equal(flags_of(w, 2), usual & ~PORT_SEND_REDIRECTS);

	mirror_apply(w->mirror, ev_netconf(EVENT_NEW, 3, 0, -1));
	assert_false(flags_of(w, 3) & PORT_FORWARDING);
	mirror_apply(w->mirror, ev_netconf(EVENT_NEW, 3, 1, 2));
	assert_true(flags_of(w, 3) & PORT_RP_FILTER);
	mirror_apply(w->mirror, ev_netconf(EVENT_NEW, 3, 1, 0));
	assert_false(flags_of(w, 3) & PORT_RP_FILTER);
	mirror_apply(w->mirror, ev_netconf(EVENT_NEW, NETCONFA_IFINDEX_DEFAULT, 0, 1));
	assert_false(flags_of(w, 3) & PORT_RP_FILTER);
	mirror_apply(w->mirror, ev_netconf(EVENT_NEW, NETCONFA_IFINDEX_ALL, 1, 1));
	assert_true(flags_of(w, 3) & PORT_RP_FILTER);
	link = ev_link(EVENT_NEW, 4, LINK_RUNS);
	link->link.master = 9;
	mirror_apply(w->mirror, link);
	assert_false(flags_of(w, 4) & PORT_FORWARDING);
	mirror_apply(w->mirror, ev_link(EVENT_NEW, 20, IFF_UP)); /* netconf not known */
	assert_int_equal(flags_of(w, 20), PORT_RP_FILTER | PORT_SEND_REDIRECTS | PORT_XMIT_GENERIC);
}

/* ---- rules ------------------------------------------------------------------------------------- */

#define NOT_PLAIN(change)                                                                          \
	do {                                                                                       \
		ev = ev_rule(EVENT_DEL, 32766, RT_TABLE_MAIN);                                     \
		mirror_apply(w->mirror, ev);                                                       \
		assert_false(resolve_rules_plain(w->mirror));                                      \
		ev = ev_rule(EVENT_NEW, 32766, RT_TABLE_MAIN);                                     \
		change;                                                                            \
		mirror_apply(w->mirror, ev);                                                       \
		assert_false(resolve_rules_plain(w->mirror));                                      \
		ev->op = EVENT_DEL;                                                                \
		mirror_apply(w->mirror, ev);                                                       \
		mirror_apply(w->mirror, ev_rule(EVENT_NEW, 32766, RT_TABLE_MAIN));                 \
		assert_true(resolve_rules_plain(w->mirror));                                       \
	} while (0)

static void test_rules(void **state)
{
	struct world *w = *state;
	struct event *ev;

	assert_true(resolve_rules_plain(w->mirror));
	NOT_PLAIN(ev->rule.fwmark = 1);
	NOT_PLAIN(ev->rule.fwmask = 1);
	NOT_PLAIN(ev->rule.tos = 4);
	NOT_PLAIN(ev->rule.src = prefix_of("10.0.0.0/8"));
	NOT_PLAIN(ev->rule.dst = prefix_of("10.0.0.0/8"));
	NOT_PLAIN(ev->rule.iif[0] = 'e');
	NOT_PLAIN(ev->rule.oif[0] = 'e');
	NOT_PLAIN(ev->rule.l3mdev = true);
	NOT_PLAIN(ev->rule.other = true);
	NOT_PLAIN(ev->rule.flags = FIB_RULE_INVERT);
	NOT_PLAIN(ev->rule.action = FR_ACT_BLACKHOLE);
	NOT_PLAIN(ev->rule.table = 100);
	NOT_PLAIN(ev->rule.priority = 100);
	mirror_apply(w->mirror, ev_rule(EVENT_NEW, 1000, 100));
	assert_int_equal(resolve_hold(w->mirror), VERDICT_policy_rule);
	mirror_set_hold(w->mirror, VERDICT_netfilter);
	assert_int_equal(resolve_hold(w->mirror), VERDICT_netfilter);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_types),
		TEST(test_unsupported),
		TEST(test_tos),
		TEST(test_tables),
		TEST(test_default_table_below_main),
		TEST(test_below_wide_local),
		TEST(test_equal_default_routes),
		TEST(test_lookup_skips_other_tables),
		TEST(test_links),
		TEST(test_group_legs),
		TEST(test_ignored_linkdown),
		TEST(test_objects),
		TEST(test_route_mtu),
		TEST(test_neighbour_states),
		TEST(test_port_flags),
		TEST(test_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
