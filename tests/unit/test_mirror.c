// SPDX-License-Identifier: GPL-2.0-only
/*
 * The mirror against what the kernel announces and what it does not: order of a prefix's routes,
 * replay, sweep, and what asks for a resync.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <linux/netconf.h>
#include "daemon/mirror_internal.h"
#include "support_events.h"
#include "support_kernel.h"

#define P "192.0.2.0/24"

static int setup(void **state)
{
	struct mirror *mirror = mirror_new();

	assert_non_null(mirror);
	*state = mirror;
	mirror_resync_begin(mirror);
	world_base(mirror, EVENT_DUMP);
	mirror_resync_end(mirror);
	mirror_replay_end(mirror);
	return 0;
}

static int teardown(void **state)
{
	mirror_destroy(*state);
	return 0;
}

static void apply(struct mirror *mirror, const struct event *ev)
{
	assert_int_equal(mirror_apply(mirror, ev), 0);
}

/* A route of P by its gateway 10.0.2.<host>. */
static struct event *route(int op, uint8_t host, uint32_t priority, uint16_t flags)
{
	struct event *ev;
	char gateway[32];

	snprintf(gateway, sizeof(gateway), "10.0.2.%u", host);
	ev = ev_route(op, P, 2, gateway);
	ev->route.priority = priority;
	ev->route.nl_flags = flags;
	return ev;
}

static void add(struct mirror *mirror, uint8_t host, uint32_t priority, uint16_t flags)
{
	apply(mirror, route(EVENT_NEW, host, priority, flags));
}

/* The last bytes of the gateways of P's candidates, in order: "1 2 3". */
static const char *order(struct mirror *mirror)
{
	static char text[128];
	const struct rib_entry *entry = rib_find(mirror_rib(mirror), prefix_of(P));
	uint32_t h = entry ? entry->candidates : 0;
	size_t n = 0;

	text[0] = '\0';
	for (; h; h = mirror_candidate(mirror, h)->next) {
		const struct mirror_candidate *c = mirror_candidate(mirror, h);
		const struct mirror_nexthop *nh = c->nexthop ? mirror_nexthop(mirror, c->nexthop)
							     : NULL;

		n += snprintf(text + n, sizeof(text) - n, "%s%u", n ? " " : "",
			      nh && nh->n_legs ? ntohl(nh->legs[0].gateway.v4) & 255 : 0);
	}
	return text;
}

static bool wants(struct mirror *mirror)
{
	return mirror_wants_resync(mirror, NULL);
}

/* ---- same prefix ------------------------------------------------------------------------------- */

static void test_metric_order(void **state)
{
	add(*state, 2, 20, ROUTE_ADD);
	add(*state, 1, 10, ROUTE_ADD);
	add(*state, 3, 30, ROUTE_ADD);
	assert_string_equal(order(*state), "1 2 3");
	apply(*state, route(EVENT_DEL, 1, 10, 0));
	assert_string_equal(order(*state), "2 3");
	apply(*state, route(EVENT_DEL, 3, 30, 0));
	assert_string_equal(order(*state), "2");
	assert_false(wants(*state));
}

static void test_append_and_prepend(void **state)
{
	add(*state, 1, 10, ROUTE_ADD);
	add(*state, 9, 20, ROUTE_ADD);
	add(*state, 2, 10, ROUTE_APPEND);
	add(*state, 3, 10, ROUTE_APPEND);
	add(*state, 4, 10, ROUTE_PREPEND);
	assert_string_equal(order(*state), "4 1 2 3 9");
}

static void test_replace_takes_first_equal(void **state)
{
	add(*state, 1, 10, ROUTE_ADD);
	add(*state, 2, 10, ROUTE_APPEND);
	add(*state, 9, 5, ROUTE_ADD);
	add(*state, 3, 10, ROUTE_REPLACE);
	assert_string_equal(order(*state), "9 3 2");
	apply(*state, route(EVENT_DEL, 3, 10, 0));
	assert_string_equal(order(*state), "9 2");
	assert_false(wants(*state));
}

static void test_delete_exactly_one(void **state)
{
	struct event *ev;

	add(*state, 1, 10, ROUTE_ADD);
	add(*state, 2, 10, ROUTE_APPEND);
	ev = route(EVENT_NEW, 2, 10, ROUTE_APPEND);
	ev->route.protocol = RTPROT_BGP;
	apply(*state, ev);
	assert_string_equal(order(*state), "1 2 2");
	ev = route(EVENT_DEL, 2, 10, 0);
	ev->route.protocol = RTPROT_BGP;
	apply(*state, ev);
	assert_string_equal(order(*state), "1 2");
	ev = route(EVENT_DEL, 2, 10, 0);
	ev->route.mtu = 1400; /* no such route: the nearest goes, and a dump has to tell */
	apply(*state, ev);
	assert_string_equal(order(*state), "2");
	assert_true(wants(*state));
}

static void test_delete_other_table(void **state)
{
	struct event *ev = route(EVENT_NEW, 1, 10, ROUTE_ADD);

	ev->route.table = 100;
	apply(*state, ev);
	add(*state, 2, 10, ROUTE_ADD);
	assert_string_equal(order(*state), "2 1");
	ev = route(EVENT_DEL, 1, 10, 0);
	ev->route.table = 100;
	apply(*state, ev);
	assert_string_equal(order(*state), "2");
}

static void test_tables_and_tos(void **state)
{
	static const uint32_t tables[] = { 100, 253, 254, 255 };
	struct event *ev;

	for (int i = 0; i < 4; i++) {
		ev = route(EVENT_NEW, 1 + i, 0, ROUTE_ADD);
		ev->route.table = tables[i];
		apply(*state, ev);
	}
	ev = route(EVENT_NEW, 9, 50, ROUTE_ADD);
	ev->route.tos = 8;
	apply(*state, ev);
	assert_string_equal(order(*state), "4 9 3 2 1");
}

static void test_exclusive_add_is_alone(void **state)
{
	add(*state, 1, 10, ROUTE_ADD);
	add(*state, 2, 10, ROUTE_APPEND);
	add(*state, 7, 20, ROUTE_ADD);
	/* Both vanished silently; the kernel says so by adding exclusively. */
	add(*state, 3, 10, ROUTE_ADD);
	assert_string_equal(order(*state), "3 7");
	add(*state, 3, 10, ROUTE_ADD);
	assert_string_equal(order(*state), "3 7");
}

static void test_cloned_is_no_route(void **state)
{
	struct event *ev = route(EVENT_NEW, 1, 0, ROUTE_ADD);

	ev->route.rtm_flags = RTM_F_CLONED;
	apply(*state, ev);
	assert_string_equal(order(*state), "");
}

/* The same route, told again because a device offloads it. */
static void test_flags_only(void **state)
{
	add(*state, 1, 10, ROUTE_ADD);
	add(*state, 1, 10, 0);
	assert_string_equal(order(*state), "1");
	assert_false(wants(*state));
}

/* ---- shared sets ------------------------------------------------------------------------------- */

static uint32_t handle_of(struct mirror *mirror, const char *prefix)
{
	const struct rib_entry *entry = rib_find(mirror_rib(mirror), prefix_of(prefix));

	return entry && entry->candidates ? mirror_candidate(mirror, entry->candidates)->nexthop
					  : 0;
}

static void test_sets_are_shared(void **state)
{
	struct event *ev;
	struct mirror_counts counts;

	apply(*state, ev_route(EVENT_NEW, "10.1.0.0/16", 2, "10.0.2.1"));
	apply(*state, ev_route(EVENT_NEW, "10.2.0.0/16", 2, "10.0.2.1"));
	apply(*state, ev_route(EVENT_NEW, "10.3.0.0/16", 3, "10.0.2.1"));
	ev = ev_route(EVENT_NEW, "10.4.0.0/16", 2, "10.0.2.1");
	ev->route.mtu = 1400;
	apply(*state, ev);
	assert_int_equal(handle_of(*state, "10.1.0.0/16"), handle_of(*state, "10.2.0.0/16"));
	assert_int_not_equal(handle_of(*state, "10.1.0.0/16"), handle_of(*state, "10.3.0.0/16"));
	assert_int_not_equal(handle_of(*state, "10.1.0.0/16"), handle_of(*state, "10.4.0.0/16"));
	mirror_counts(*state, &counts);
	assert_int_equal(counts.nexthops, 3);
	assert_int_equal(counts.candidates, 4);
	assert_int_equal(counts.prefixes, 4);
}

static void test_leg_flags_are_no_identity(void **state)
{
	struct event *ev;
	uint32_t handle;

	ev = ev_route(EVENT_NEW, "10.1.0.0/16", 2, "10.0.2.1");
	ev_add_leg(ev, 3, "10.0.3.1", 1);
	apply(*state, ev);
	handle = handle_of(*state, "10.1.0.0/16");
	ev = ev_route(EVENT_DUMP, "10.2.0.0/16", 2, "10.0.2.1");
	ev_add_leg(ev, 3, "10.0.3.1", 1);
	ev->route.legs[1].flags = RTNH_F_DEAD | RTNH_F_LINKDOWN;
	apply(*state, ev);
	assert_int_equal(handle_of(*state, "10.2.0.0/16"), handle);
	assert_int_equal(mirror_nexthop(*state, handle)->legs[1].flags,
			 RTNH_F_DEAD | RTNH_F_LINKDOWN);
}

/* ---- what asks for a resync -------------------------------------------------------------------- */

static struct event *ignoring(int op, int32_t ifindex, int32_t ignore_linkdown)
{
	struct event *ev = ev_netconf(op, ifindex, -1, -1);

	ev->netconf.ignore_linkdown = ignore_linkdown;
	return ev;
}

static void test_wants_resync(void **state)
{
	struct mirror *mirror = *state;
	struct event *ev;
	const uint32_t members[] = { 1, 2, 0 };

#define EXPECT(wanted, event)                                                                      \
	do {                                                                                       \
		mirror_resync_begin(mirror);                                                       \
		mirror->wants_resync = NULL;                                                       \
		mirror->resyncing = mirror->replaying = false;                                     \
		apply(mirror, event);                                                              \
		assert_int_equal(wants(mirror), wanted);                                           \
	} while (0)
	EXPECT(false, ev_link(EVENT_NEW, 2, LINK_RUNS)); /* as before */
	EXPECT(true, ev_link(EVENT_NEW, 2, 0));
	EXPECT(true, ev_link(EVENT_NEW, 2, IFF_UP));
	EXPECT(true, ev_link(EVENT_NEW, 2, LINK_RUNS));
	EXPECT(true, ev_link(EVENT_NEW, 2, LINK_RUNS | IFF_NOARP));
	EXPECT(true, ev_link(EVENT_NEW, 2, LINK_RUNS));
	ev = ev_link(EVENT_NEW, 2, LINK_RUNS);
	ev->link.mtu = 9000;
	EXPECT(false, ev);
	ev = ev_link(EVENT_NEW, 2, LINK_RUNS);
	ev->link.master = 9;
	EXPECT(true, ev);
	EXPECT(false, ev_link(EVENT_NEW, 7, LINK_RUNS));
	EXPECT(true, ev_link(EVENT_DEL, 7, 0));
	EXPECT(false, ev_link(EVENT_DEL, 8, 0));
	EXPECT(true, ev_address(EVENT_NEW, 2, "10.0.2.254", 24));
	EXPECT(false, ev_address(EVENT_NEW, 2, "10.0.2.253", 24));
	EXPECT(true, ev_address(EVENT_DEL, 2, "10.0.2.254", 24));
	EXPECT(false, ev_nexthop(EVENT_NEW, 1, 2, "10.0.2.1"));
	EXPECT(false, ev_nexthop(EVENT_NEW, 1, 2, "10.0.2.1"));
	EXPECT(false, ev_nexthop(EVENT_NEW, 1, 2, "10.0.2.2")); /* its routes stay */
	ev = ev_nexthop(EVENT_NEW, 1, 0, NULL);
	ev->nexthop.type = NH_TYPE_BLACKHOLE;
	EXPECT(true, ev); /* its routes are blackholes now, and say so in dumps */
	EXPECT(true, ev_nexthop(EVENT_NEW, 1, 2, "10.0.2.2"));
	EXPECT(false, ev_group(EVENT_NEW, 3, members));
	EXPECT(true, ev_group(EVENT_NEW, 3, members + 1)); /* of one member, maybe a blackhole */
	EXPECT(true, ev_group(EVENT_NEW, 3, members));
	EXPECT(true, ev_nexthop(EVENT_DEL, 1, 2, "10.0.2.2"));
	EXPECT(true, ev_rule(EVENT_NEW, 100, 100));
	EXPECT(true, ev_rule(EVENT_DEL, 100, 100));
	EXPECT(false, ev_neighbour(EVENT_NEW, 2, "10.0.2.1", NUD_REACHABLE, 1));
	EXPECT(false, ev_neighbour(EVENT_DEL, 2, "10.0.2.1", 0, 1));
	EXPECT(false, ev_netconf(EVENT_NEW, 2, 0, 0));
	EXPECT(false, ignoring(EVENT_NEW, 2, 0)); /* the first word about it */
	EXPECT(false, ignoring(EVENT_NEW, NETCONFA_IFINDEX_ALL, 0));
	EXPECT(false, ignoring(EVENT_NEW, 2, 1));
	EXPECT(false, ignoring(EVENT_NEW, NETCONFA_IFINDEX_ALL, 1));
	EXPECT(true, ev_link(EVENT_NEW, 2, IFF_UP));
	EXPECT(false, ignoring(EVENT_NEW, 2, 1));
	EXPECT(true, ignoring(EVENT_NEW, 2, 0));
	EXPECT(false, ignoring(EVENT_NEW, 3, 0));
	EXPECT(false, ignoring(EVENT_NEW, 3, 1)); /* has carrier */
	EXPECT(true, ignoring(EVENT_NEW, NETCONFA_IFINDEX_ALL, 0));
	EXPECT(false, ignoring(EVENT_DUMP, NETCONFA_IFINDEX_ALL, 1));
	EXPECT(false, ev_link(EVENT_DUMP, 2, 0)); /* the dump itself tells the consequences */
#undef EXPECT
}

static void test_suspect_until_confirmed(void **state)
{
	struct mirror *mirror = *state;

	apply(mirror, ev_link(EVENT_NEW, 2, 0));
	apply(mirror, ev_link(EVENT_NEW, 2, LINK_RUNS));
	assert_true(mirror_link(mirror, 2)->suspect);
	mirror_resync_begin(mirror);
	world_base(mirror, EVENT_DUMP);
	apply(mirror, ev_link(EVENT_NEW, 3, 0)); /* during the dump: not confirmed by it */
	mirror_resync_end(mirror);
	assert_false(mirror_link(mirror, 2)->suspect);
	assert_true(mirror_link(mirror, 3)->suspect);
	assert_true(wants(mirror));
}

static void test_last_address_is_suspect(void **state)
{
	apply(*state, ev_address(EVENT_NEW, 2, "10.0.2.254", 24));
	apply(*state, ev_address(EVENT_NEW, 2, "10.9.2.254", 24));
	apply(*state, ev_address(EVENT_DEL, 2, "10.9.2.254", 24));
	assert_false(mirror_link(*state, 2)->suspect);
	apply(*state, ev_address(EVENT_DEL, 2, "10.0.2.254", 24));
	assert_true(mirror_link(*state, 2)->suspect);
}

/* ---- mark, dump, sweep ------------------------------------------------------------------------- */

static void test_sweep(void **state)
{
	struct mirror *mirror = *state;
	struct mirror_counts counts;
	const uint32_t members[] = { 1, 2, 0 };

	apply(mirror, ev_link(EVENT_NEW, 9, LINK_RUNS));
	apply(mirror, ev_address(EVENT_NEW, 2, "10.0.2.254", 24));
	apply(mirror, ev_neighbour(EVENT_NEW, 2, "10.0.2.1", NUD_REACHABLE, 1));
	apply(mirror, ev_nexthop(EVENT_NEW, 1, 2, "10.0.2.1"));
	apply(mirror, ev_group(EVENT_NEW, 5, members));
	apply(mirror, ev_rule(EVENT_NEW, 100, 100));
	add(mirror, 1, 10, ROUTE_ADD);
	add(mirror, 2, 10, ROUTE_APPEND);
	add(mirror, 3, 20, ROUTE_ADD);
	apply(mirror, ev_route_nhid(EVENT_NEW, "10.7.0.0/16", 5));

	mirror_resync_begin(mirror);
	world_base(mirror, EVENT_DUMP);
	apply(mirror, route(EVENT_DUMP, 2, 10, 0));
	mirror_resync_end(mirror);
	assert_string_equal(order(mirror), "2");
	mirror_counts(mirror, &counts);
	assert_int_equal(counts.links, 4);
	assert_int_equal(counts.addresses, 0);
	assert_int_equal(counts.neighbours, 0);
	assert_int_equal(counts.objects, 0);
	assert_int_equal(counts.rules, 3);
	assert_int_equal(counts.candidates, 1);
	assert_int_equal(counts.prefixes, 1);
	assert_false(mirror_is_own_address(mirror, ip4("10.0.2.254")));
	assert_null(mirror_link(mirror, 9));
}

static void test_sweep_netconf(void **state)
{
	struct mirror *mirror = *state;

	assert_int_equal(mirror_link(mirror, 2)->forwarding, 1);
	mirror_resync_begin(mirror);
	apply(mirror, ev_link(EVENT_DUMP, 2, LINK_RUNS));
	mirror_resync_end(mirror);
	assert_int_equal(mirror_link(mirror, 2)->forwarding, -1);
}

/* Netconf comes before the link it is about. */
static void test_settings_before_link(void **state)
{
	struct event *ev;

	apply(*state, ev_netconf(EVENT_NEW, 9, 1, 2));
	assert_null(mirror_link(*state, 9));
	assert_int_equal(mirror_next_link(*state, 5) == NULL, true);
	ev = ev_link(EVENT_NEW, 9, LINK_RUNS);
	apply(*state, ev);
	assert_int_equal(mirror_link(*state, 9)->forwarding, 1);
	assert_int_equal(mirror_link(*state, 9)->rp_filter, 2);
	assert_ptr_equal(mirror_link_by_name(*state, "eth9"), mirror_link(*state, 9));
	apply(*state, ev_link(EVENT_DEL, 9, 0));
	apply(*state, ev_link(EVENT_NEW, 9, LINK_RUNS));
	assert_int_equal(mirror_link(*state, 9)->forwarding, -1);
}

static void test_dump_sets_the_order(void **state)
{
	struct mirror *mirror = *state;

	add(mirror, 1, 10, ROUTE_ADD);
	add(mirror, 2, 10, ROUTE_APPEND);
	add(mirror, 3, 20, ROUTE_ADD);
	mirror_resync_begin(mirror);
	world_base(mirror, EVENT_DUMP);
	apply(mirror, route(EVENT_DUMP, 4, 10, 0));
	apply(mirror, route(EVENT_DUMP, 2, 10, 0));
	apply(mirror, route(EVENT_DUMP, 1, 10, 0));
	apply(mirror,
	      route(EVENT_DUMP, 1, 10, 0)); /* twins that differ in what we do not look at */
	apply(mirror, route(EVENT_DUMP, 3, 20, 0));
	mirror_resync_end(mirror);
	assert_string_equal(order(mirror), "4 2 1 1 3");
	mirror_replay_end(mirror);
	apply(mirror, route(EVENT_DEL, 1, 10, 0));
	assert_string_equal(order(mirror), "4 2 1 3");
}

/* ---- replay ------------------------------------------------------------------------------------ */

static void dump_of(struct mirror *mirror, const uint8_t *hosts)
{
	mirror_resync_begin(mirror);
	world_base(mirror, EVENT_DUMP);
	for (; *hosts; hosts++)
		apply(mirror, route(EVENT_DUMP, *hosts, 10, 0));
	mirror_resync_end(mirror);
}

static void test_replay_of_singles(void **state)
{
	struct mirror *mirror = *state;

	dump_of(mirror, (const uint8_t[]){ 3, 0 });
	add(mirror, 1, 10, ROUTE_ADD);
	add(mirror, 2, 10, ROUTE_REPLACE);
	apply(mirror, route(EVENT_DEL, 2, 10, 0));
	add(mirror, 3, 10, ROUTE_ADD);
	assert_string_equal(order(mirror), "3");
	assert_false(wants(mirror));

	dump_of(mirror, (const uint8_t[]){ 3, 0 });
	apply(mirror, route(EVENT_DEL, 1, 10, 0)); /* long gone: 3 stays */
	assert_string_equal(order(mirror), "3");
	add(mirror, 2, 10, ROUTE_REPLACE);
	add(mirror, 3, 10, ROUTE_REPLACE);
	assert_string_equal(order(mirror), "3");
	assert_false(wants(mirror));
}

/* [1 3] replaced to [2 3], 2 deleted: the dump has [3], the replay cannot know. */
static void test_replay_of_twins_asks_again(void **state)
{
	struct mirror *mirror = *state;

	dump_of(mirror, (const uint8_t[]){ 3, 0 });
	add(mirror, 2, 10, ROUTE_REPLACE);
	assert_false(wants(mirror));
	apply(mirror, route(EVENT_DEL, 2, 10, 0));
	assert_true(wants(mirror));
	dump_of(mirror, (const uint8_t[]){ 3, 0 });
	assert_string_equal(order(mirror), "3");
	assert_false(wants(mirror));
}

/* Told before the dump, and gone with what took it along before the dump as well. */
static void test_replay_of_what_vanished(void **state)
{
	struct mirror *mirror = *state;

	mirror_resync_begin(mirror);
	world_base(mirror, EVENT_DUMP);
	mirror_resync_end(mirror);
	add(mirror, 1, 10, ROUTE_ADD);
	apply(mirror, ev_address(EVENT_DEL, 2, "10.0.2.254", 24));
	assert_true(mirror_link(mirror, 2)->suspect);
	assert_true(wants(mirror));

	mirror_resync_begin(mirror);
	world_base(mirror, EVENT_DUMP);
	mirror_resync_end(mirror);
	apply(mirror, ev_route_nhid(EVENT_NEW, "10.7.0.0/16", 5));
	assert_true(wants(mirror));
	apply(mirror, ev_nexthop(EVENT_NEW, 5, 2, "10.0.2.1"));
	assert_true(mirror_object(mirror, 5)->suspect);

	mirror_resync_begin(mirror);
	world_base(mirror, EVENT_DUMP);
	mirror_resync_end(mirror);
	apply(mirror, ev_link(EVENT_DEL, 9, 0));
	apply(mirror, ev_link(EVENT_NEW, 9, LINK_RUNS));
	assert_true(mirror_link(mirror, 9)->suspect);
	assert_true(wants(mirror));
}

/*
 * Any history of one prefix, dumped at any point, replayed from any point before it: the list is the
 * kernel's, or a resync is wanted; without twins it is the kernel's.
 */
static void test_replay_converges(void **state)
{
	enum { STEPS = 12, ROUNDS = 4000 };
	uint32_t asked = 0, checked = 0;

	(void)state;
	for (unsigned int round = 0; round < ROUNDS; round++) {
		struct mirror *mirror = mirror_new(), *fresh = mirror_new();
		struct kernel_route r = { .dst = prefix_of(P), .table = 254, .type = RTN_UNICAST };
		unsigned int seed = round, dump_at = rand_r(&seed) % STEPS;
		bool twins = round & 1;
		char expected[128];
		struct kernel k;

		kernel_init(&k);
		r.protocol = RTPROT_STATIC;
		r.n_legs = 1;
		for (unsigned int step = 0; step < STEPS; step++) {
			static const uint16_t flags[] = { NLM_F_CREATE | NLM_F_EXCL,
							  NLM_F_CREATE | NLM_F_REPLACE,
							  NLM_F_CREATE | NLM_F_APPEND,
							  NLM_F_CREATE };
			uint32_t dice = rand_r(&seed) % 8;

			if (step == dump_at) {
				mirror_resync_begin(mirror);
				kernel_dump(&k, mirror);
				if (round & 2)
					mirror_resync_end(mirror);
			}
			r.legs[0] = (struct kernel_leg){ .oif = 2, .weight = 1 };
			r.legs[0].host = 1 + rand_r(&seed) % 4;
			r.priority = rand_r(&seed) % 2;
			if (dice < 5)
				kernel_route_add(&k, &r, flags[dice % (twins ? 4 : 2)]);
			else if (k.n_routes)
				kernel_route_del(&k, rand_r(&seed) % k.n_routes);
			/* What was read before the dump began is not replayed. */
			if (step < dump_at && rand_r(&seed) % 4 == 0)
				while (k.n_queue)
					free(k.queue[--k.n_queue]);
		}
		kernel_deliver(&k, mirror);
		if (!(round & 2))
			mirror_resync_end(mirror);
		mirror_replay_end(mirror);
		mirror_resync_begin(fresh);
		kernel_dump(&k, fresh);
		mirror_resync_end(fresh);
		snprintf(expected, sizeof(expected), "%s", order(fresh));
		asked += wants(mirror);
		if (!wants(mirror)) {
			checked++;
			if (strcmp(order(mirror), expected) != 0)
				fail_msg("round %u: %s instead of %s", round, order(mirror),
					 expected);
		}
		if (wants(mirror)) {
			mirror_resync_begin(mirror);
			kernel_dump(&k, mirror);
			mirror_resync_end(mirror);
			assert_string_equal(order(mirror), expected);
		}
		kernel_free(&k);
		mirror_destroy(mirror);
		mirror_destroy(fresh);
	}
	assert_true(checked > ROUNDS / 2);
	print_message("replay: %u rounds equal at once, %u after another dump\n", checked, asked);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_metric_order),
		TEST(test_append_and_prepend),
		TEST(test_replace_takes_first_equal),
		TEST(test_delete_exactly_one),
		TEST(test_delete_other_table),
		TEST(test_tables_and_tos),
		TEST(test_exclusive_add_is_alone),
		TEST(test_cloned_is_no_route),
		TEST(test_flags_only),
		TEST(test_sets_are_shared),
		TEST(test_leg_flags_are_no_identity),
		TEST(test_wants_resync),
		TEST(test_suspect_until_confirmed),
		TEST(test_last_address_is_suspect),
		TEST(test_sweep),
		TEST(test_sweep_netconf),
		TEST(test_settings_before_link),
		TEST(test_dump_sets_the_order),
		TEST(test_replay_of_singles),
		TEST(test_replay_of_twins_asks_again),
		TEST(test_replay_of_what_vanished),
		TEST(test_replay_converges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
