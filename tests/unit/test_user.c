// SPDX-License-Identifier: GPL-2.0-only
/*
 * User routes from the mirror to the maps: the table, what each action becomes, which routes they come
 * before, devices that go and come, slots of their own and shared ones. Every sync here runs under the
 * recorder's checks of make before break.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "daemon/fib_internal.h"
#include "support_events.h"
#include "support_recorder.h"
#include "support_user.h"

static const struct fib_limits roomy = {
	.ports = 16, .adjacencies = 64, .nexthops = 128, .groups = 16
};

static int setup(void **state)
{
	struct world *w = malloc(sizeof(*w));

	assert_non_null(w);
	world_new(w, roomy, 64, 0);
	for (uint32_t i = 2; i <= 5; i++) {
		char gateway[16];

		snprintf(gateway, sizeof(gateway), "10.0.%u.1", i);
		world_do(w, ev_neighbour(EVENT_NEW, i, gateway, NUD_REACHABLE, 10 * i));
	}
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	world_free(*state);
	free(*state);
	return 0;
}

static int put(struct world *w, const struct user_route *route)
{
	recorder_watch_edges(w->rec, route->dst);
	assert_int_equal(mirror_user_set(w->mirror, route), 0);
	return recorder_sync(w->rec, w->fib);
}

static int drop(struct world *w, const char *dst)
{
	assert_int_equal(mirror_user_del(w->mirror, prefix_of(dst)), 0);
	return recorder_sync(w->rec, w->fib);
}

static struct user_route *overriding(struct user_route *route)
{
	route->override = true;
	return route;
}

static union nexthop_word word_of(struct world *w, const char *dst)
{
	union nexthop_word word;
	uint32_t slot;
	bool shared;

	assert_int_equal(fib_user_slot(w->fib, prefix_of(dst), &slot, &shared), 0);
	assert_int_equal(recorder_leaf(w->rec, prefix_of(dst).addr), slot);
	word.word = w->rec->nexthops[slot];
	assert_true(nexthop_is_user(word.nexthop));
	return word;
}

#define COUNT(op) (w->rec->counts[op])

/* ---- the table ------------------------------------------------------------------------------- */

static void test_table(void **state)
{
	struct world *w = *state;
	const struct user_route *found = NULL;
	struct user_route *route;
	const char *order[] = { "10.0.0.0/8", "10.0.0.0/16", "10.1.0.0/16", "192.0.2.1" };

	assert_null(mirror_user_next(w->mirror, NULL));
	assert_int_equal(mirror_user_del(w->mirror, prefix_of("10.0.0.0/8")), -ENOENT);
	for (int i = 3; i >= 0; i--)
		put(w, user_action(order[i], USER_DROP));
	for (int i = 0; i < 4; i++) {
		found = mirror_user_next(w->mirror, found);
		assert_non_null(found);
		assert_true(prefix_equal(found->dst, prefix_of(order[i])));
	}
	assert_null(mirror_user_next(w->mirror, found));
	assert_int_equal(mirror_user_count(w->mirror), 4);

	route = user_via("10.1.0.0/16", "10.0.2.1", "eth2");
	user_add_leg(route, "10.0.3.1", "eth3", 3);
	route->comment = strdup("two of them");
	put(w, route);
	free(route->comment);
	memset(route->legs, 0, 2 * sizeof(*route->legs));
	found = mirror_user_find(w->mirror, prefix_of("10.1.0.0/16"));
	assert_string_equal(found->comment, "two of them");
	assert_int_equal(found->n_legs, 2);
	assert_string_equal(found->legs[1].dev, "eth3");
	assert_int_equal(found->legs[1].weight, 3);
	assert_null(mirror_user_find(w->mirror, prefix_of("10.1.0.0/17")));
	/* A walk goes on where something was deleted. */
	drop(w, "10.0.0.0/16");
	found = mirror_user_next(w->mirror, mirror_user_find(w->mirror, prefix_of(order[0])));
	assert_true(prefix_equal(found->dst, prefix_of(order[2])));
	put(w, user_action(order[1], USER_PASS));
	found = mirror_user_next(w->mirror, mirror_user_find(w->mirror, prefix_of(order[0])));
	assert_true(prefix_equal(found->dst, prefix_of(order[1])));
	for (int i = 0; i < 4; i++)
		drop(w, order[i]);
	assert_int_equal(mirror_user_count(w->mirror), 0);
	assert_int_equal(rib_count(mirror_rib(w->mirror)), 0);
	assert_int_equal(w->mirror->nexthops.live, 0);
}

/* ---- actions --------------------------------------------------------------------------------- */

static void test_drop_and_pass(void **state)
{
	struct world *w = *state;

	put(w, user_action("198.51.100.0/24", USER_DROP));
	assert_int_equal(world_verdict(w, "198.51.100.1"), VERDICT_dropped);
	assert_int_equal(word_of(w, "198.51.100.0/24").nexthop.arg, NEXTHOP_COUNTED);
	put(w, user_action("198.51.100.0/25", USER_PASS));
	assert_int_equal(world_verdict(w, "198.51.100.1"), VERDICT_user_pass);
	assert_int_equal(word_of(w, "198.51.100.0/25").nexthop.arg, NEXTHOP_COUNTED);
	assert_int_equal(world_verdict(w, "198.51.100.129"), VERDICT_dropped);
	drop(w, "198.51.100.0/25");
	assert_int_equal(world_verdict(w, "198.51.100.1"), VERDICT_dropped);
	drop(w, "198.51.100.0/24");
	assert_int_equal(world_verdict(w, "198.51.100.1"), VERDICT_no_route);
}

static void test_gateway(void **state)
{
	struct world *w = *state;
	struct user_route *route;

	put(w, user_via("198.51.100.0/24", "10.0.2.1", "eth2"));
	assert_int_equal(world_mac(w, "198.51.100.1"), 20);
	assert_int_equal(word_of(w, "198.51.100.0/24").nexthop.verdict, NEXTHOP_USER);
	put(w, user_via("198.51.100.0/24", "10.0.2.9", "eth2"));
	assert_int_equal(world_verdict(w, "198.51.100.1"), VERDICT_no_neighbour);
	world_do(w, ev_neighbour(EVENT_NEW, 2, "10.0.2.9", NUD_REACHABLE, 29));
	assert_int_equal(world_mac(w, "198.51.100.1"), 29);
	route = user_via("198.51.100.0/24", "10.0.2.9", "eth2");
	route->legs[0].has_lladdr = true;
	memcpy(route->legs[0].lladdr, (uint8_t[]){ 2, 0, 0, 0, 0, 77 }, 6);
	put(w, route);
	assert_int_equal(world_mac(w, "198.51.100.1"), 77);
	world_do(w, ev_neighbour(EVENT_DEL, 2, "10.0.2.9", 0, 29));
	assert_int_equal(world_mac(w, "198.51.100.1"), 77);
	world_do(w, ev_address(EVENT_NEW, 3, "10.0.2.1", 32));
	put(w, user_via("198.51.100.0/24", "10.0.2.1", "eth2"));
	assert_int_equal(world_verdict(w, "198.51.100.1"), VERDICT_unsupported_route);
}

static void test_onlink(void **state)
{
	struct world *w = *state;

	put(w, user_via("10.0.3.0/24", NULL, "eth3"));
	assert_int_equal(world_mac(w, "10.0.3.1"), 30);
	assert_int_equal(world_verdict(w, "10.0.3.2"), VERDICT_no_neighbour);
	assert_int_equal(word_of(w, "10.0.3.0/24").nexthop.verdict, NEXTHOP_USER | NEXTHOP_ASK);
	/* The kernel's are not asked for. */
	world_do(w, ev_route(EVENT_NEW, "10.0.4.0/24", 4, NULL));
	assert_int_equal(
		((union nexthop_word){
			 .word = w->rec->nexthops[recorder_leaf(w->rec, ip4_host("10.0.4.1"))] })
			.nexthop.verdict,
		0);
}

static void test_redirect(void **state)
{
	struct world *w = *state;
	union nexthop_word word;

	put(w, user_redirect("198.51.100.0/24", "eth4"));
	assert_int_equal(world_verdict(w, "198.51.100.1"), VERDICT_forwarded);
	word = word_of(w, "198.51.100.0/24");
	assert_int_equal(word.nexthop.kind, NEXTHOP_REDIRECT);
	assert_int_equal(word.nexthop.arg, fib_port_of(w->fib, 4));
	put(w, user_redirect("198.51.100.0/24", "eth5"));
	assert_int_equal(word_of(w, "198.51.100.0/24").nexthop.arg, fib_port_of(w->fib, 5));
}

static void test_cpus(void **state)
{
	struct world *w = *state;

	put(w, user_cpus("198.51.100.0/24", 2, 5));
	assert_int_equal(world_verdict(w, "198.51.100.1"), VERDICT_cpu);
	assert_int_equal(word_of(w, "198.51.100.0/24").nexthop.arg, nexthop_cpus(2, 4));
	assert_int_equal(COUNT(OP_CPU), 4);
	put(w, user_cpus("203.0.113.0/24", 5, 6));
	assert_int_equal(COUNT(OP_CPU), 5);
	drop(w, "198.51.100.0/24");
	assert_int_equal(COUNT(OP_CPU), 8);
	assert_true(w->rec->cpus[5] && w->rec->cpus[6] && !w->rec->cpus[2]);
	/* One that is not there is left out, and is no error. */
	w->rec->fail_op = OP_CPU;
	w->rec->fail_errno = ENOMEM;
	assert_int_equal(mirror_user_set(w->mirror, user_cpus("203.0.113.0/25", 7, 8)), 0);
	assert_int_equal(recorder_sync(w->rec, w->fib), -ENOMEM);
	w->rec->fail_errno = 0;
	assert_true(recorder_sync(w->rec, w->fib) > 0);
	assert_true(w->rec->cpus[7] && w->rec->cpus[8]);
	assert_int_equal(world_verdict(w, "203.0.113.1"), VERDICT_cpu);
}

static void test_several(void **state)
{
	struct world *w = *state;
	struct user_route *route = user_via("198.51.100.0/24", "10.0.2.1", "eth2");
	const uint32_t *leaves;
	struct answer answer;
	uint32_t slot;
	bool shared;

	user_add_leg(route, "10.0.3.1", "eth3", 3);
	put(w, route);
	recorder_lookup(w->rec, ip4_host("198.51.100.1"), &answer);
	assert_int_equal(answer.n, 2);
	assert_int_equal(answer.members[0].buckets + answer.members[1].buckets, GROUP_BUCKETS);
	assert_int_equal(word_of(w, "198.51.100.0/24").nexthop.verdict, NEXTHOP_USER);
	/* Its legs are its own: the kernel's next hops and other routes count elsewhere. */
	assert_int_equal(fib_user_slot(w->fib, route->dst, &slot, &shared), 0);
	assert_false(shared);
	assert_int_equal(fib_slot_members(w->fib, slot, &leaves), 2);
	assert_true(leaves[0] >= LEAF_FIRST_SLOT && leaves[1] >= LEAF_FIRST_SLOT);
	route->dst = prefix_of("203.0.113.0/24");
	put(w, route);
	assert_int_equal(w->fib->legs.count, 4);
	/* A device without carrier takes no share, nor one that is away; none left: all falls back. */
	world_do(w, ev_link(EVENT_NEW, 3, IFF_UP));
	assert_int_equal(world_mac(w, "198.51.100.1"), 20);
	world_do(w, ev_link(EVENT_DEL, 2, 0));
	assert_int_equal(world_verdict(w, "198.51.100.1"), VERDICT_egress_down);
	world_do(w, ev_link(EVENT_NEW, 3, LINK_RUNS));
	assert_int_equal(world_mac(w, "198.51.100.1"), 30);
}

/* ---- precedence ------------------------------------------------------------------------------ */

static void test_precedence(void **state)
{
	struct world *w = *state;

	world_do(w, ev_route(EVENT_NEW, "198.51.100.0/24", 2, "10.0.2.1"));
	world_do(w, ev_route(EVENT_NEW, "198.51.100.128/25", 3, "10.0.3.1"));
	put(w, user_action("198.51.100.0/24", USER_DROP));
	assert_int_equal(world_verdict(w, "198.51.100.1"), VERDICT_dropped);
	assert_int_equal(world_mac(w, "198.51.100.129"), 30);
	put(w, overriding(user_action("198.51.100.0/24", USER_DROP)));
	assert_int_equal(world_verdict(w, "198.51.100.129"), VERDICT_dropped);
	/* What comes below it counts for nothing either, but for the user's own. */
	world_do(w, ev_route(EVENT_NEW, "198.51.100.192/26", 4, "10.0.4.1"));
	assert_int_equal(world_verdict(w, "198.51.100.193"), VERDICT_dropped);
	put(w, user_via("198.51.100.192/27", "10.0.5.1", "eth5"));
	assert_int_equal(world_mac(w, "198.51.100.193"), 50);
	assert_int_equal(world_verdict(w, "198.51.100.225"), VERDICT_dropped);
	/* Without it all is as the kernel says. */
	drop(w, "198.51.100.0/24");
	assert_int_equal(world_mac(w, "198.51.100.1"), 20);
	assert_int_equal(world_mac(w, "198.51.100.129"), 30);
	assert_int_equal(world_mac(w, "198.51.100.225"), 40);
	assert_int_equal(world_mac(w, "198.51.100.193"), 50);
}

static void test_default_route(void **state)
{
	struct world *w = *state;

	world_do(w, ev_route(EVENT_NEW, "0.0.0.0/0", 2, "10.0.2.1"));
	world_do(w, ev_route(EVENT_NEW, "198.51.100.0/24", 3, "10.0.3.1"));
	put(w, user_via("0.0.0.0/0", "10.0.4.1", "eth4"));
	assert_int_equal(world_mac(w, "203.0.113.1"), 40);
	assert_int_equal(world_mac(w, "198.51.100.1"), 30);
	put(w, overriding(user_via("0.0.0.0/0", "10.0.4.1", "eth4")));
	assert_int_equal(world_mac(w, "198.51.100.1"), 40);
	drop(w, "0.0.0.0/0");
	assert_int_equal(world_mac(w, "203.0.113.1"), 20);
}

static struct event *local_route(int op, const char *dst)
{
	struct event *ev = ev_route(op, dst, 2, NULL);

	ev->route.table = RT_TABLE_LOCAL;
	ev->route.type = RTN_LOCAL;
	return ev;
}

static void test_own_addresses_stay(void **state)
{
	struct world *w = *state;

	world_do(w, local_route(EVENT_NEW, "198.51.100.1/32"));
	put(w, overriding(user_action("198.51.100.0/24", USER_DROP)));
	put(w, user_action("198.51.100.1/32", USER_DROP));
	assert_int_equal(world_verdict(w, "198.51.100.1"), VERDICT_local);
	assert_int_equal(world_verdict(w, "198.51.100.2"), VERDICT_dropped);
	/* A wide one covers user routes below it, whichever came first. */
	world_do(w, local_route(EVENT_NEW, "198.51.100.0/23"));
	assert_int_equal(world_verdict(w, "198.51.100.2"), VERDICT_local);
	world_do(w, local_route(EVENT_DEL, "198.51.100.0/23"));
	world_do(w, local_route(EVENT_DEL, "198.51.100.1/32"));
	assert_int_equal(world_verdict(w, "198.51.100.1"), VERDICT_dropped);
}

static void test_kernel_routes_off(void **state)
{
	struct world *w = *state;

	world_do(w, ev_route(EVENT_NEW, "0.0.0.0/0", 2, "10.0.2.1"));
	world_do(w, ev_route(EVENT_NEW, "198.51.100.128/25", 3, "10.0.3.1"));
	world_do(w, local_route(EVENT_NEW, "198.51.100.1/32"));
	put(w, user_via("198.51.100.0/24", "10.0.4.1", "eth4"));
	world_do(w, ev_rule(EVENT_NEW, 100, 100));
	mirror_set_kernel_routes(w->mirror, false);
	assert_true(recorder_sync_unwatched(w->rec, w->fib) > 0);
	assert_int_equal(w->rec->hold, 0);
	assert_int_equal(w->rec->n_steps, 0);
	assert_int_equal(world_mac(w, "198.51.100.129"), 40);
	assert_int_equal(world_verdict(w, "198.51.100.1"), VERDICT_local);
	assert_int_equal(world_verdict(w, "203.0.113.1"), VERDICT_no_route);
	world_do(w, ev_route(EVENT_NEW, "203.0.113.0/24", 3, "10.0.3.1"));
	assert_int_equal(world_verdict(w, "203.0.113.1"), VERDICT_no_route);
	world_do(w, ev_rule(EVENT_DEL, 100, 100));
	mirror_set_kernel_routes(w->mirror, true);
	assert_true(recorder_sync_unwatched(w->rec, w->fib) > 0);
	assert_int_equal(world_mac(w, "203.0.113.1"), 30);
	assert_int_equal(world_mac(w, "198.51.100.129"), 30);
}

static void test_before_policy_rules(void **state)
{
	struct world *w = *state;
	struct resolved_query query = { .dst = ip4_host("198.51.100.1"),
					.src = ip4_host("192.0.2.1") };
	struct resolved_route r;
	struct event *ev;

	world_do(w, ev_route(EVENT_NEW, "198.51.100.0/24", 2, "10.0.2.1"));
	ev = ev_route(EVENT_NEW, "198.51.100.0/24", 3, "10.0.3.1");
	ev->route.table = 100;
	world_do(w, ev);
	world_do(w, ev_rule(EVENT_NEW, 100, 100));
	put(w, user_action("198.51.100.0/25", USER_DROP));
	assert_non_null(resolve_query(w->mirror, &query, &r));
	assert_non_null(r.user);
	query.dst = ip4_host("198.51.100.129");
	assert_non_null(resolve_query(w->mirror, &query, &r));
	assert_null(r.user);
	assert_int_equal(r.candidate->table, 100);
}

/* ---- devices --------------------------------------------------------------------------------- */

static void test_device_vanishes(void **state)
{
	struct world *w = *state;
	struct event *ev;

	put(w, user_via("198.51.100.0/25", "10.0.4.1", "eth4"));
	put(w, user_redirect("198.51.100.128/25", "eth4"));
	put(w, user_via("203.0.113.0/24", NULL, "eth9"));
	assert_int_equal(world_verdict(w, "203.0.113.1"), VERDICT_egress_down);
	world_do(w, ev_link(EVENT_DEL, 4, 0));
	assert_int_equal(world_verdict(w, "198.51.100.1"), VERDICT_egress_down);
	assert_int_equal(world_verdict(w, "198.51.100.129"), VERDICT_egress_down);
	/* Another device of that name, with another number. */
	ev = ev_link(EVENT_NEW, 14, LINK_RUNS);
	strcpy(ev->link.name, "eth4");
	world_do(w, ev);
	world_do(w, ev_neighbour(EVENT_NEW, 14, "10.0.4.1", NUD_REACHABLE, 41));
	assert_int_equal(world_mac(w, "198.51.100.1"), 41);
	assert_int_equal(word_of(w, "198.51.100.128/25").nexthop.arg, fib_port_of(w->fib, 14));
	/* Renamed away, and another one renamed to it. */
	world_do(w, ev_link(EVENT_NEW, 14, LINK_RUNS));
	assert_int_equal(world_verdict(w, "198.51.100.1"), VERDICT_egress_down);
	ev = ev_link(EVENT_NEW, 5, LINK_RUNS);
	strcpy(ev->link.name, "eth4");
	world_do(w, ev);
	assert_int_equal(word_of(w, "198.51.100.128/25").nexthop.arg, fib_port_of(w->fib, 5));
	world_do(w, ev_link(EVENT_NEW, 9, LINK_RUNS));
	assert_int_equal(world_verdict(w, "203.0.113.1"), VERDICT_no_neighbour);
}

static const char *device_of(const struct world *w, const char *dst)
{
	return mirror_user_find(w->mirror, prefix_of(dst))->legs[0].dev;
}

static void test_gateway_without_device(void **state)
{
	struct world *w = *state;

	put(w, user_via("198.51.100.0/24", "10.0.3.1", NULL));
	assert_int_equal(world_verdict(w, "198.51.100.1"), VERDICT_egress_down);
	assert_string_equal(device_of(w, "198.51.100.0/24"), "");
	world_do(w, ev_address(EVENT_NEW, 3, "10.0.3.131", 24));
	assert_int_equal(world_mac(w, "198.51.100.1"), 30);
	assert_string_equal(device_of(w, "198.51.100.0/24"), "eth3");
	/* Another address of a device that has some: nothing else of the link changes. */
	put(w, user_via("203.0.113.0/24", "10.0.7.1", NULL));
	world_do(w, ev_neighbour(EVENT_NEW, 2, "10.0.7.1", NUD_REACHABLE, 71));
	world_do(w, ev_address(EVENT_NEW, 2, "10.0.7.130", 24));
	assert_int_equal(world_mac(w, "203.0.113.1"), 71);
	assert_int_equal(mirror_connected_device(w->mirror, ip4("10.0.3.7")), 3);
	assert_int_equal(mirror_connected_device(w->mirror, ip4("10.0.4.7")), 0);
}

/* Neither a wider net nor a longer one takes the route away from the device that it was given for. */
static void test_device_of_a_gateway_stays(void **state)
{
	struct world *w = *state;
	struct user_route *route = user_via("198.51.100.0/24", "10.0.3.1", NULL);

	world_do(w, ev_address(EVENT_NEW, 3, "10.0.3.131", 24));
	world_do(w, ev_address(EVENT_NEW, 2, "10.9.9.9", 8));
	put(w, route);
	route = user_via("203.0.113.0/24", "10.0.3.77", NULL);
	route->legs[0].has_lladdr = true;
	route->legs[0].lladdr[5] = 77;
	put(w, route);
	assert_int_equal(world_mac(w, "198.51.100.1"), 30);
	assert_string_equal(device_of(w, "203.0.113.0/24"), "eth3");
	world_do(w, ev_address(EVENT_NEW, 4, "10.0.3.2", 25));
	assert_int_equal(world_mac(w, "198.51.100.1"), 30);
	world_do(w, ev_address(EVENT_DEL, 3, "10.0.3.131", 24));
	assert_int_equal(world_mac(w, "198.51.100.1"), 30);
	world_do(w, ev_link(EVENT_DEL, 3, 0));
	assert_int_equal(world_verdict(w, "198.51.100.1"), VERDICT_egress_down);
	assert_int_equal(world_verdict(w, "203.0.113.1"), VERDICT_egress_down);
	world_do(w, ev_link(EVENT_NEW, 3, LINK_RUNS));
	world_do(w, ev_neighbour(EVENT_NEW, 3, "10.0.3.1", NUD_REACHABLE, 31));
	assert_int_equal(world_mac(w, "198.51.100.1"), 31);
}

static void connected_route(struct world *w, int op, const char *dst, uint32_t ifindex)
{
	struct event *ev = ev_route(op, dst, ifindex, NULL);

	ev->route.scope = RT_SCOPE_LINK;
	world_do(w, ev);
}

/* What waits for its device gets it from whatever comes first. */
static void test_device_by_a_route_of_scope_link(void **state)
{
	struct world *w = *state;

	put(w, user_via("198.51.100.0/24", "169.254.1.1", NULL));
	put(w, user_via("203.0.113.0/24", "169.254.1.2", NULL));
	assert_int_equal(world_verdict(w, "198.51.100.1"), VERDICT_egress_down);
	assert_false(mirror_is_connected(w->mirror, 3, ip4("169.254.1.1")));
	world_do(w, ev_neighbour(EVENT_NEW, 3, "169.254.1.1", NUD_REACHABLE, 33));
	connected_route(w, EVENT_NEW, "169.254.1.1/32", 3);
	assert_int_equal(world_mac(w, "198.51.100.1"), 33);
	assert_string_equal(device_of(w, "198.51.100.0/24"), "eth3");
	assert_string_equal(device_of(w, "203.0.113.0/24"), "");
	assert_true(mirror_is_connected(w->mirror, 3, ip4("169.254.1.1")));
	assert_false(mirror_is_connected(w->mirror, 2, ip4("169.254.1.1")));
	connected_route(w, EVENT_DEL, "169.254.1.1/32", 3);
	assert_int_equal(world_mac(w, "198.51.100.1"), 33);
}

/* ---- slots ----------------------------------------------------------------------------------- */

static void test_same_route_costs_nothing(void **state)
{
	struct world *w = *state;
	struct user_route *route = user_via("198.51.100.0/24", "10.0.3.1", "eth3");
	uint32_t first, second;
	bool shared;

	put(w, route);
	assert_int_equal(fib_user_slot(w->fib, route->dst, &first, &shared), 0);
	assert_false(shared);
	route->comment = "said later";
	assert_int_equal(put(w, route), 0);
	assert_int_equal(fib_user_slot(w->fib, route->dst, &second, &shared), 0);
	assert_int_equal(first, second);
	/* The same action for another prefix counts by itself; another action starts anew. */
	put(w, user_via("203.0.113.0/24", "10.0.3.1", "eth3"));
	assert_int_equal(fib_user_slot(w->fib, prefix_of("203.0.113.0/24"), &second, &shared), 0);
	assert_int_not_equal(first, second);
	put(w, user_action("198.51.100.0/24", USER_PASS));
	assert_int_equal(fib_user_slot(w->fib, prefix_of("198.51.100.0/24"), &second, &shared), 0);
	assert_int_not_equal(first, second);
	assert_int_equal(fib_user_slot(w->fib, prefix_of("0.0.0.0/0"), &second, &shared), -ENOENT);
}

static void test_shared_beyond_half(void **state)
{
	struct world *w = *state;
	uint32_t own = 0, slot, common = 0;
	const struct user_route *r;
	bool shared;

	world_free(w);
	world_new(w, (struct fib_limits){ 16, 64, LEAF_FIRST_SLOT + 32, 16, 0 }, REC_ROUTES, 0);
	mirror_user_limit(w->mirror, 16, 8);
	for (uint32_t i = 0; i < 100; i++) {
		struct user_route *route =
			user_action("10.0.0.0/24", i % 2 ? USER_DROP : USER_PASS);

		route->dst.addr += i << 8;
		assert_int_equal(mirror_user_set(w->mirror, route), 0);
		recorder_watch(w->rec, route->dst.addr);
	}
	assert_true(recorder_sync(w->rec, w->fib) > 0);
	for (r = mirror_user_next(w->mirror, NULL); r; r = mirror_user_next(w->mirror, r)) {
		assert_int_equal(fib_user_slot(w->fib, r->dst, &slot, &shared), 0);
		assert_int_equal(recorder_leaf(w->rec, r->dst.addr), slot);
		own += !shared;
		if (!shared || r->action != USER_DROP)
			continue;
		assert_true(!common || common == slot);
		common = slot;
	}
	assert_int_equal(own, 16);
	/* Room that comes free is for the next ones. */
	r = mirror_user_next(w->mirror, NULL);
	assert_int_equal(mirror_user_del(w->mirror, r->dst), 0);
	put(w, user_action("198.51.100.0/24", USER_DROP));
	assert_int_equal(fib_user_slot(w->fib, prefix_of("198.51.100.0/24"), &slot, &shared), 0);
	assert_false(shared);
	while ((r = mirror_user_next(w->mirror, NULL)))
		assert_int_equal(mirror_user_del(w->mirror, r->dst), 0);
	assert_true(recorder_sync(w->rec, w->fib) > 0);
	assert_int_equal(w->mirror->nexthops.live, 0);
	assert_int_equal(w->mirror->user.slots, 0);
}

static void test_sources(void **state)
{
	struct world *w = *state;
	uint64_t by_eth2 = 1 | 1 << 2;

	put(w, user_via("198.51.100.0/24", "10.0.2.1", "eth2"));
	assert_int_equal(recorder_sources(w->rec, ip4_host("198.51.100.1")), by_eth2);
	put(w, user_redirect("198.51.100.0/24", "eth2"));
	assert_int_equal(recorder_sources(w->rec, ip4_host("198.51.100.1")), by_eth2);
	put(w, user_action("198.51.100.0/24", USER_DROP));
	assert_int_equal(recorder_sources(w->rec, ip4_host("198.51.100.1")), 0);
}

static void test_another_mirror(void **state)
{
	struct world *w = *state;
	struct mirror *other = mirror_new();
	struct user_route *route = user_via("198.51.100.0/24", "10.0.2.1", "eth2");

	put(w, route);
	put(w, overriding(user_action("203.0.113.0/24", USER_DROP)));
	assert_int_equal(mirror_user_set(other, user_action("192.0.2.0/24", USER_DROP)), 0);
	assert_int_equal(mirror_user_adopt(other, w->mirror), 0);
	assert_int_equal(mirror_user_count(other), 2);
	assert_null(mirror_user_find(other, prefix_of("192.0.2.0/24")));
	assert_true(mirror_user_hides(other, prefix_of("203.0.113.0/25")));
	assert_false(mirror_user_hides(other, prefix_of("203.0.113.0/24")));
	mirror_destroy(other);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_table),
		TEST(test_drop_and_pass),
		TEST(test_gateway),
		TEST(test_onlink),
		TEST(test_redirect),
		TEST(test_cpus),
		TEST(test_several),
		TEST(test_precedence),
		TEST(test_default_route),
		TEST(test_own_addresses_stay),
		TEST(test_kernel_routes_off),
		TEST(test_before_policy_rules),
		TEST(test_device_vanishes),
		TEST(test_gateway_without_device),
		TEST(test_device_of_a_gateway_stays),
		TEST(test_device_by_a_route_of_scope_link),
		TEST(test_same_route_costs_nothing),
		TEST(test_shared_beyond_half),
		TEST(test_sources),
		TEST(test_another_mirror),
	};

	cmocka_set_test_filter(getenv("TEST_FILTER"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
