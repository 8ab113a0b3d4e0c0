// SPDX-License-Identifier: GPL-2.0-only
/* Resolving, row by row: what each kind of route comes to, by its table and what covers it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
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

/* For whom a route is meant is nothing to a forwarded packet. */
static void test_scope(void **state)
{
	struct event *ev;

	for (int scope = RT_SCOPE_UNIVERSE; scope <= RT_SCOPE_NOWHERE; scope++) {
		ev = ev_route(EVENT_NEW, "20.0.0.0/8", 2, "10.0.2.1");
		ev->route.scope = scope;
		world_do(*state, ev);
		assert_int_equal(world_mac(*state, "20.1.2.3"), 1);
		ev->op = EVENT_DEL;
		world_do(*state, ev);
	}
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
	assert_int_equal(world_mac(*state, "127.1.2.3"), 1);
	ev->op = EVENT_DEL;
	world_do(*state, ev);
	assert_int_equal(world_mac(*state, "20.1.2.3"), 1);
	assert_int_equal(world_mac(*state, "127.1.2.3"), 1);
}

/* What the table local decides is one of three verdicts: policy rules look no further. */
static void test_local_is_final(void **state)
{
	static const uint8_t types[] = {
		RTN_UNICAST, RTN_LOCAL,	    RTN_BROADCAST, RTN_ANYCAST,	    RTN_MULTICAST,
		RTN_THROW,   RTN_BLACKHOLE, RTN_PROHIBIT,  RTN_UNREACHABLE, RTN_XRESOLVE,
		77
	};
	struct world *w = *state;
	struct event *ev;

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		enum verdict expected = types[i] == RTN_BROADCAST   ? VERDICT_broadcast
					: types[i] == RTN_MULTICAST ? VERDICT_multicast
								    : VERDICT_local;

		ev = of_type(in_table(ev_route(EVENT_NEW, "20.1.2.3/32", 2, "10.0.2.1"), 255),
			     types[i]);
		ev->route.tos = i % 2 ? 4 : 0;
		ev->route.unsupported = i % 3 == 0;
		world_do(w, ev);
		assert_int_equal(world_verdict(w, "20.1.2.3"), expected);
		ev->op = EVENT_DEL;
		world_do(w, ev);
	}
	/* Below a wide one, too, whatever the longer one is. */
	ev = ev_route(EVENT_NEW, "20.1.2.0/24", 2, "10.0.2.1");
	ev->route.unsupported = true;
	world_do(w, ev);
	ev = ev_route(EVENT_NEW, "20.1.3.0/24", 2, "10.0.2.1");
	ev->route.tos = 4;
	world_do(w, ev);
	assert_int_equal(world_verdict(w, "20.1.2.3"), VERDICT_unsupported_route);
	world_do(w, of_type(in_table(ev_route(EVENT_NEW, "20.1.0.0/16", 1, NULL), 255), RTN_LOCAL));
	assert_int_equal(world_verdict(w, "20.1.2.3"), VERDICT_local);
	assert_int_equal(world_verdict(w, "20.1.3.3"), VERDICT_local);
}

/* A kernel without rules may ask `default` although main said no. */
static void test_default_behind_main(void **state)
{
	static const uint8_t types[] = { RTN_BLACKHOLE, RTN_THROW, RTN_UNREACHABLE, RTN_PROHIBIT };
	static const char *const prefixes[] = { "20.1.0.0/16", "20.0.0.0/8", "0.0.0.0/0" };
	struct world *w = *state;
	struct event *ev;

	world_do(w, ev_nexthop(EVENT_NEW, 1, 2, "10.0.2.1"));
	world_do(w, ev_route_nhid(EVENT_NEW, "20.1.0.0/16", 1));
	assert_int_equal(world_mac(w, "20.1.2.3"), 1);
	for (size_t p = 0; p < 3; p++) {
		world_do(w, in_table(ev_route(EVENT_NEW, prefixes[p], 3, "10.0.3.1"), 253));
		assert_int_equal(world_verdict(w, "20.1.2.3"), VERDICT_policy_rule);
		world_do(w, in_table(ev_route(EVENT_DEL, prefixes[p], 3, "10.0.3.1"), 253));
		assert_int_equal(world_mac(w, "20.1.2.3"), 1);
	}
	world_do(w, ev_route_nhid(EVENT_DEL, "20.1.0.0/16", 1));
	for (size_t i = 0; i < sizeof(types); i++) {
		ev = of_type(ev_route(EVENT_NEW, "20.1.0.0/16", 0, NULL), types[i]);
		world_do(w, ev);
		for (size_t p = 0; p < 3; p++) {
			world_do(w, in_table(ev_route(EVENT_NEW, prefixes[p], 3, "10.0.3.1"), 253));
			assert_int_equal(world_verdict(w, "20.1.2.3"), VERDICT_policy_rule);
			world_do(w, in_table(ev_route(EVENT_DEL, prefixes[p], 3, "10.0.3.1"), 253));
			assert_int_not_equal(world_verdict(w, "20.1.2.3"), VERDICT_policy_rule);
		}
		world_do(w, in_table(ev_route(EVENT_NEW, "20.2.0.0/16", 3, "10.0.3.1"), 253));
		assert_int_not_equal(world_verdict(w, "20.1.2.3"), VERDICT_policy_rule);
		world_do(w, in_table(ev_route(EVENT_DEL, "20.2.0.0/16", 3, "10.0.3.1"), 253));
		world_do(w, of_type(ev_route(EVENT_DEL, "20.1.0.0/16", 0, NULL), types[i]));
	}
	/* By legs it is final. */
	world_do(w, ev_route(EVENT_NEW, "20.1.0.0/16", 2, "10.0.2.1"));
	world_do(w, in_table(ev_route(EVENT_NEW, "0.0.0.0/0", 3, "10.0.3.1"), 253));
	assert_int_equal(world_mac(w, "20.1.2.3"), 1);
}

static enum verdict in(struct world *w, uint32_t table, uint8_t *ret_host)
{
	const struct rib_entry *entry = rib_find(mirror_rib(w->mirror), prefix_of("20.0.0.0/8"));
	struct resolved_route r = { .nexthop = 77 };

	*ret_host = 0;
	if (!entry || !resolve_route_in(w->mirror, entry, table, &r))
		return VERDICT_COUNT;
	assert_int_equal(r.candidate->table, table);
	if (r.nexthop)
		*ret_host = ntohl(mirror_nexthop(w->mirror, r.nexthop)->legs[0].gateway.v4);
	assert_int_equal(r.verdict == VERDICT_forwarded, r.nexthop != 0);
	return r.verdict;
}

/* One table alone, whatever the others say. */
static void test_route_in(void **state)
{
	struct world *w = *state;
	struct event *ev;
	uint8_t host;

	world_do(w, of_type(in_table(ev_route(EVENT_NEW, "20.0.0.0/8", 1, NULL), 255), RTN_LOCAL));
	ev = in_table(ev_route(EVENT_NEW, "20.0.0.0/8", 2, "10.0.2.100"), 100);
	ev->route.priority = 50;
	world_do(w, ev);
	world_do(w, in_table(ev_route(EVENT_NEW, "20.0.0.0/8", 2, "10.0.2.101"), 101));
	world_do(w, ev_route(EVENT_NEW, "20.0.0.0/8", 2, "10.0.2.1"));
	assert_int_equal(in(w, 100, &host), VERDICT_forwarded);
	assert_int_equal(host, 100);
	assert_int_equal(in(w, 101, &host), VERDICT_forwarded);
	assert_int_equal(host, 101);
	assert_int_equal(in(w, RT_TABLE_MAIN, &host), VERDICT_forwarded);
	assert_int_equal(host, 1);
	assert_int_equal(in(w, RT_TABLE_LOCAL, &host), VERDICT_local);
	assert_int_equal(in(w, 102, &host), VERDICT_COUNT);
	world_do(w, of_type(in_table(ev_route(EVENT_NEW, "20.0.0.0/8", 0, NULL), 100), RTN_THROW));
	assert_int_equal(in(w, 100, &host), VERDICT_throw);
	ev = in_table(ev_route(EVENT_NEW, "20.0.0.0/8", 2, "10.0.2.9"), 101);
	ev->route.tos = 4; /* before the one without */
	world_do(w, ev);
	assert_int_equal(in(w, 101, &host), VERDICT_unsupported_route);
	ev->op = EVENT_DEL;
	world_do(w, ev);
	assert_int_equal(in(w, 101, &host), VERDICT_forwarded);
	ev = in_table(ev_route(EVENT_NEW, "20.0.0.0/8", 2, "10.0.2.9"), 101);
	ev->route.priority = 9; /* behind the one without */
	ev->route.unsupported = true;
	world_do(w, ev);
	assert_int_equal(in(w, 101, &host), VERDICT_forwarded);
	ev->route.priority = 10;
	ev->route.tos = 4;
	ev->route.table = 102;
	world_do(w, ev);
	assert_int_equal(in(w, 101, &host), VERDICT_forwarded);
	assert_int_equal(in(w, 102, &host), VERDICT_unsupported_route);
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_types),
		TEST(test_unsupported),
		TEST(test_tos),
		TEST(test_tables),
		TEST(test_default_table_below_main),
		TEST(test_scope),
		TEST(test_below_wide_local),
		TEST(test_local_is_final),
		TEST(test_default_behind_main),
		TEST(test_route_in),
		TEST(test_equal_default_routes),
		TEST(test_lookup_skips_other_tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
