// SPDX-License-Identifier: GPL-2.0-only
/* Neighbours, ports, the devices above them, and the reverse path: row by row. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <linux/if_link.h>
#include <linux/netconf.h>
#include "daemon/mirror_internal.h"
#include "daemon/resolve.h"
#include "support_events.h"
#include "support_recorder.h"

static int setup(void **state)
{
	struct mirror *mirror = mirror_new();

	assert_non_null(mirror);
	world_base(mirror, EVENT_DUMP);
	*state = mirror;
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

static uint16_t flags_of(struct mirror *mirror, uint32_t ifindex)
{
	struct port port;

	assert_true(resolve_port(mirror, mirror_link(mirror, ifindex), &port));
	return port.flags;
}

static void test_port_flags(void **state)
{
	struct mirror *mirror = *state;
	const uint16_t usual = PORT_UP | PORT_FORWARDING | PORT_SEND_REDIRECTS | PORT_XMIT_GENERIC;
	struct event ev = { .kind = EVENT_FEATURES, .op = EVENT_NEW, .features = { 2, 4 } };
	struct event *link;

	assert_int_equal(flags_of(mirror, 2), usual);
	mirror_set_hook(mirror, 2, HOOK_XDP_GENERIC);
	assert_int_equal(flags_of(mirror, 2), usual | PORT_IN_GENERIC);
	mirror_set_hook(mirror, 2, HOOK_TC);
	assert_int_equal(flags_of(mirror, 2), usual | PORT_IN_TC);
	mirror_set_hook(mirror, 2, HOOK_XDP);
	assert_int_equal(flags_of(mirror, 2), usual | PORT_XMIT_NATIVE);
	apply(mirror, &ev);
	mirror_set_hook(mirror, 2, HOOK_NONE);
	assert_int_equal(flags_of(mirror, 2), usual | PORT_XMIT_NATIVE);
	ev.features.xdp_features = 3; /* basic, redirect: no ndo_xdp_xmit */
	apply(mirror, &ev);
	mirror_set_hook(mirror, 2, HOOK_XDP);
	assert_int_equal(flags_of(mirror, 2), usual);
	mirror_set_send_redirects(mirror, 2, false);
	assert_int_equal(flags_of(mirror, 2), usual & ~PORT_SEND_REDIRECTS);

	apply(mirror, ev_netconf(EVENT_NEW, 3, 0, -1));
	assert_false(flags_of(mirror, 3) & PORT_FORWARDING);
	apply(mirror, ev_netconf(EVENT_NEW, 3, 1, 2));
	assert_true(flags_of(mirror, 3) & PORT_RP_FILTER);
	apply(mirror, ev_netconf(EVENT_NEW, 3, 1, 0));
	assert_false(flags_of(mirror, 3) & PORT_RP_FILTER);
	apply(mirror, ev_netconf(EVENT_NEW, NETCONFA_IFINDEX_DEFAULT, 0, 1));
	assert_false(flags_of(mirror, 3) & PORT_RP_FILTER);
	apply(mirror, ev_netconf(EVENT_NEW, NETCONFA_IFINDEX_ALL, 1, 1));
	assert_true(flags_of(mirror, 3) & PORT_RP_FILTER);
	link = ev_link(EVENT_NEW, 4, LINK_RUNS);
	link->link.master = 9;
	apply(mirror, link);
	assert_false(flags_of(mirror, 4) & PORT_FORWARDING);
	apply(mirror, ev_link(EVENT_NEW, 20, IFF_UP)); /* netconf not known */
	assert_int_equal(flags_of(mirror, 20),
			 PORT_RP_FILTER | PORT_SEND_REDIRECTS | PORT_XMIT_GENERIC);
}

static void test_reverse_path_flags(void **state)
{
	static const struct {
		int32_t all, own;
		uint16_t flags;
	} rows[] = {
		{ 0, 0, 0 },
		{ 1, 0, PORT_RP_FILTER },
		{ 0, 1, PORT_RP_FILTER },
		{ 1, 1, PORT_RP_FILTER },
		{ 0, 2, PORT_RP_FILTER | PORT_RP_LOOSE },
		{ 2, 0, PORT_RP_FILTER | PORT_RP_LOOSE },
		{ 1, 2, PORT_RP_FILTER | PORT_RP_LOOSE },
		{ 2, 1, PORT_RP_FILTER | PORT_RP_LOOSE },
		{ 3, 0, PORT_RP_FILTER | PORT_RP_LOOSE },
		{ -1, 0, PORT_RP_FILTER },
		{ 0, -1, PORT_RP_FILTER },
		{ -1, 2, PORT_RP_FILTER },
		{ 2, -1, PORT_RP_FILTER },
		{ -1, -1, PORT_RP_FILTER },
	};
	struct mirror *mirror = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		mirror->netconf_all.rp_filter = rows[i].all;
		mirror_link_find(mirror, 2)->rp_filter = rows[i].own;
		assert_int_equal(flags_of(mirror, 2) & (PORT_RP_FILTER | PORT_RP_LOOSE),
				 rows[i].flags);
	}
}

static bool is_dirty(struct mirror *mirror, uint32_t ifindex)
{
	struct mirror_link *link = mirror_link_find(mirror, ifindex);
	bool dirty = link->dirty;

	link->dirty = false;
	return dirty;
}

static void test_source_flags(void **state)
{
	struct mirror *mirror = *state;

	is_dirty(mirror, 2);
	assert_false(flags_of(mirror, 2) & (PORT_HAS_ADDRESS | PORT_ACCEPT_LOCAL));
	mirror_set_accept_local(mirror, 2, true);
	assert_true(is_dirty(mirror, 2));
	mirror_set_accept_local(mirror, 2, true);
	assert_false(is_dirty(mirror, 2));
	assert_true(flags_of(mirror, 2) & PORT_ACCEPT_LOCAL);
	assert_false(flags_of(mirror, 3) & PORT_ACCEPT_LOCAL);
	apply(mirror, ev_address(EVENT_NEW, 2, "10.0.2.254", 24));
	assert_true(is_dirty(mirror, 2));
	assert_true(flags_of(mirror, 2) & PORT_HAS_ADDRESS);
	assert_false(flags_of(mirror, 3) & PORT_HAS_ADDRESS);
	apply(mirror, ev_address(EVENT_NEW, 2, "10.9.2.254", 24));
	assert_false(is_dirty(mirror, 2));
	apply(mirror, ev_address(EVENT_DEL, 2, "10.0.2.254", 24));
	assert_false(is_dirty(mirror, 2));
	assert_true(flags_of(mirror, 2) & PORT_HAS_ADDRESS);
	apply(mirror, ev_address(EVENT_DEL, 2, "10.9.2.254", 24));
	assert_true(is_dirty(mirror, 2));
	assert_false(flags_of(mirror, 2) & PORT_HAS_ADDRESS);
	/* Unannounced. */
	apply(mirror, ev_address(EVENT_NEW, 4, "10.0.4.254", 24));
	assert_true(flags_of(mirror, 4) & PORT_HAS_ADDRESS);
	mirror_resync_begin(mirror);
	world_base(mirror, EVENT_DUMP);
	is_dirty(mirror, 4);
	mirror_resync_end(mirror);
	assert_true(is_dirty(mirror, 4));
	assert_false(flags_of(mirror, 4) & PORT_HAS_ADDRESS);
	/* The address before its link. */
	apply(mirror, ev_address(EVENT_NEW, 9, "10.0.9.254", 24));
	apply(mirror, ev_link(EVENT_NEW, 9, LINK_RUNS));
	assert_true(flags_of(mirror, 9) & PORT_HAS_ADDRESS);
}

/* ---- devices above --------------------------------------------------------------------------- */

static struct event *above(uint32_t ifindex, uint32_t lower, const char *kind, uint32_t mode)
{
	struct event *ev = ev_link(EVENT_NEW, ifindex, LINK_RUNS);

	ev->link.lower = lower;
	ev->link.macvlan_mode = mode;
	snprintf(ev->link.kind, sizeof(ev->link.kind), "%s", kind);
	return ev;
}

static uint32_t first_upper(const struct mirror *mirror, uint32_t lower)
{
	const struct mirror_link *link =
		resolve_next_upper(mirror, mirror_link(mirror, lower), NULL);

	return link ? link->e.ifindex : 0;
}

static void test_uppers(void **state)
{
	static const uint32_t modes[] = { MACVLAN_MODE_PRIVATE, MACVLAN_MODE_VEPA,
					  MACVLAN_MODE_BRIDGE };
	struct mirror *mirror = *state;
	const struct mirror_link *lower = mirror_link(mirror, 3), *upper;
	struct event *ev;

	assert_int_equal(first_upper(mirror, 3), 0);
	for (uint32_t i = 0; i < 3; i++)
		apply(mirror, above(i ? 10 + i : 1, 3, "macvlan", modes[i]));
	apply(mirror, above(20, 4, "macvlan", MACVLAN_MODE_BRIDGE));
	upper = resolve_next_upper(mirror, lower, NULL);
	assert_int_equal(upper->e.ifindex, 1);
	upper = resolve_next_upper(mirror, lower, upper);
	assert_int_equal(upper->e.ifindex, 11);
	upper = resolve_next_upper(mirror, lower, upper);
	assert_int_equal(upper->e.ifindex, 12);
	assert_null(resolve_next_upper(mirror, lower, upper));
	assert_true(flags_of(mirror, 3) & PORT_HAS_MACS);
	assert_true(flags_of(mirror, 3) & PORT_FORWARDING);
	assert_false(flags_of(mirror, 2) & PORT_HAS_MACS);
	/* It is a port as any other. */
	assert_false(flags_of(mirror, 11) & PORT_FORWARDING);
	apply(mirror, ev_netconf(EVENT_NEW, 11, 1, 2));
	assert_true(flags_of(mirror, 11) & PORT_FORWARDING);
	assert_true(flags_of(mirror, 11) & PORT_RP_LOOSE);
	for (uint32_t i = 0; i < 3; i++)
		apply(mirror, ev_link(EVENT_DEL, i ? 10 + i : 1, 0));
	assert_false(flags_of(mirror, 3) & PORT_HAS_MACS);

#define ABOVE(change, has_macs, forwards)                                                          \
	do {                                                                                       \
		ev = above(11, 3, "macvlan", MACVLAN_MODE_BRIDGE);                                 \
		change;                                                                            \
		apply(mirror, ev);                                                                 \
		assert_int_equal(!!(flags_of(mirror, 3) & PORT_HAS_MACS), has_macs);               \
		assert_int_equal(!!(flags_of(mirror, 3) & PORT_FORWARDING), forwards);             \
	} while (0)
	ABOVE(, true, true);
	ABOVE(ev->link.flags = 0, false, true);
	ABOVE(ev->link.flags = IFF_UP, true, true);
	ABOVE(ev->link.mac_len = 0, false, true);
	ABOVE(ev->link.mac[0] = 3, false, true);
	ABOVE(memset(ev->link.mac, 0, 6), false, true);
	ABOVE(ev->link.mac[5] = 3, false, false); /* takes all that is for the lower one */
	ABOVE(ev->link.lower = 4, false, true);
	ABOVE(ev->link.lower = 0, false, true);
	ABOVE(ev->link.macvlan_mode = MACVLAN_MODE_PASSTHRU, false, false);
	ABOVE(ev->link.macvlan_mode = MACVLAN_MODE_SOURCE, false, false);
	ABOVE(ev->link.macvlan_mode = 0, false, false);
	ABOVE(ev->link.macvlan_mode = 32, false, false);
	ABOVE(ev = above(11, 3, "macvtap", MACVLAN_MODE_BRIDGE), false, true);
	ABOVE(ev = above(11, 3, "macvtap", MACVLAN_MODE_PASSTHRU), false, false);
	ABOVE(ev = above(11, 3, "macvtap", MACVLAN_MODE_SOURCE), false, false);
	ABOVE(ev = above(11, 3, "ipvlan", 0), false, false);
	ABOVE(ev = above(11, 3, "ipvtap", 0), false, false);
	ABOVE(ev = above(11, 3, "macsec", 0), false, false);
	ABOVE(ev = above(11, 4, "ipvlan", 0), false, true);
	ABOVE(ev = above(11, 3, "vlan", 0), false, true);
	ABOVE(ev = above(11, 3, "veth", 0), false, true);
#undef ABOVE
}

/* The lower one is dirty with whatever concerns it. */
static void test_uppers_are_dirty(void **state)
{
	struct mirror *mirror = *state;
	struct event *ev;

#define DIRTY(expected)                                                                            \
	do {                                                                                       \
		assert_int_equal(is_dirty(mirror, 3), expected);                                   \
		is_dirty(mirror, 4);                                                               \
	} while (0)
	is_dirty(mirror, 3);
	apply(mirror, above(11, 3, "macvlan", MACVLAN_MODE_BRIDGE));
	DIRTY(true);
	apply(mirror, above(11, 3, "macvlan", MACVLAN_MODE_BRIDGE));
	DIRTY(false);
	apply(mirror, above(11, 3, "macvlan", MACVLAN_MODE_SOURCE));
	DIRTY(true);
	ev = above(11, 3, "macvlan", MACVLAN_MODE_SOURCE);
	ev->link.mac[5]++;
	apply(mirror, ev);
	DIRTY(true);
	ev = above(11, 3, "macvlan", MACVLAN_MODE_SOURCE);
	ev->link.flags = 0;
	apply(mirror, ev);
	DIRTY(true);
	apply(mirror, above(11, 4, "macvlan", MACVLAN_MODE_SOURCE));
	DIRTY(true);
	apply(mirror, above(11, 4, "macvlan", MACVLAN_MODE_BRIDGE));
	DIRTY(false);
	apply(mirror, above(11, 3, "macvlan", MACVLAN_MODE_BRIDGE));
	DIRTY(true);
	apply(mirror, ev_link(EVENT_DEL, 11, 0));
	DIRTY(true);
	apply(mirror, above(11, 3, "macvlan", MACVLAN_MODE_BRIDGE));
	DIRTY(true);
	mirror_resync_begin(mirror);
	world_base(mirror, EVENT_DUMP);
	DIRTY(false);
	mirror_resync_end(mirror);
	DIRTY(true);
#undef DIRTY
}

/* ---- reverse path ------------------------------------------------------------------------------ */

/* The devices, as decimal digits: 23 for 2 and 3; 0: not certain. */
static unsigned int reverse_of(const struct mirror *mirror, const char *prefix)
{
	const struct rib_entry *entry = rib_find(mirror_rib(mirror), prefix_of(prefix));
	uint32_t ifindex[REVERSE_PORTS];
	unsigned int n, digits = 0;

	n = resolve_reverse(mirror,
			    mirror_nexthop(mirror,
					   mirror_candidate(mirror, entry->candidates)->nexthop),
			    ifindex);
	for (unsigned int i = 0; i < n; i++)
		digits = 10 * digits + ifindex[i];
	return digits;
}

#define P "20.0.0.0/8"

static struct event *legs(int op, const uint32_t *oifs)
{
	struct event *ev = ev_route(op, P, *oifs, "10.0.2.1");

	while (*++oifs)
		ev_add_leg(ev, *oifs, "10.0.2.1", 1);
	return ev;
}

static void test_reverse_of_legs(void **state)
{
	struct mirror *mirror = *state;
	struct event *ev;

#define LEGS(op, ...) legs(op, (const uint32_t[]){ __VA_ARGS__, 0 })
	apply(mirror, LEGS(EVENT_NEW, 2));
	assert_int_equal(reverse_of(mirror, P), 2);
	apply(mirror, ev_link(EVENT_DUMP, 2, IFF_UP));
	assert_int_equal(reverse_of(mirror, P), 0);
	apply(mirror, ev_link(EVENT_DUMP, 2, IFF_LOWER_UP));
	assert_int_equal(reverse_of(mirror, P), 0);
	apply(mirror, ev_link(EVENT_DUMP, 2, LINK_RUNS));
	assert_int_equal(reverse_of(mirror, P), 2);
	mirror_link_suspect(mirror, mirror_link_find(mirror, 2));
	assert_int_equal(reverse_of(mirror, P), 0);
	mirror_link_find(mirror, 2)->suspect = 0;
	for (uint8_t flag = RTNH_F_DEAD; flag <= RTNH_F_LINKDOWN; flag <<= 1) {
		ev = LEGS(EVENT_DUMP, 2);
		ev->route.legs[0].flags = flag;
		apply(mirror, ev);
		assert_int_equal(reverse_of(mirror, P),
				 flag == RTNH_F_DEAD || flag == RTNH_F_LINKDOWN ? 0 : 2);
	}
	ev = LEGS(EVENT_DUMP, 2);
	ev->route.legs[0].encap = true; /* another set; the device is the same */
	ev->route.dst = prefix_of("21.0.0.0/8");
	apply(mirror, ev);
	assert_int_equal(reverse_of(mirror, "21.0.0.0/8"), 2);
	ev = ev_route(EVENT_NEW, "22.0.0.0/8", 99, "10.0.2.1");
	apply(mirror, ev);
	assert_int_equal(reverse_of(mirror, "22.0.0.0/8"), 0);
	ev = ev_link(EVENT_NEW, 1, LINK_RUNS | IFF_LOOPBACK);
	ev->link.mac_len = 0;
	apply(mirror, ev);
	apply(mirror, ev_route(EVENT_NEW, "23.0.0.0/8", 1, NULL));
	assert_int_equal(reverse_of(mirror, "23.0.0.0/8"), 1);
	apply(mirror, ev_route(EVENT_NEW, "24.0.0.0/8", 0, NULL));
	assert_int_equal(reverse_of(mirror, "24.0.0.0/8"), 0);
}

static void test_reverse_of_several(void **state)
{
	struct mirror *mirror = *state;
	struct event *ev;

	apply(mirror, ev_link(EVENT_NEW, 6, LINK_RUNS));
	apply(mirror, LEGS(EVENT_NEW, 3, 2, 3, 2));
	assert_int_equal(reverse_of(mirror, P), 32);
	ev = LEGS(EVENT_DUMP, 3, 2, 3, 2);
	ev->route.legs[0].flags = ev->route.legs[2].flags = RTNH_F_DEAD;
	apply(mirror, ev);
	assert_int_equal(reverse_of(mirror, P), 2);
	ev = LEGS(EVENT_NEW, 2, 2, 3, 4, 5, 6);
	ev->route.dst = prefix_of("21.0.0.0/8");
	apply(mirror, ev);
	assert_int_equal(reverse_of(mirror, "21.0.0.0/8"), 2345);
#undef LEGS
}

static void test_reverse_of_objects(void **state)
{
	const uint32_t members[] = { 1, 2, 9, 0 };
	struct mirror *mirror = *state;
	struct event *ev;

	apply(mirror, ev_route_nhid(EVENT_NEW, P, 1));
	assert_int_equal(reverse_of(mirror, P), 0);
	apply(mirror, ev_nexthop(EVENT_NEW, 1, 2, "10.0.2.1"));
	assert_int_equal(reverse_of(mirror, P), 2);
	apply(mirror, ev_nexthop(EVENT_NEW, 2, 3, "10.0.3.1"));
	apply(mirror, ev_group(EVENT_NEW, 5, members));
	apply(mirror, ev_route_nhid(EVENT_NEW, "21.0.0.0/8", 5));
	assert_int_equal(reverse_of(mirror, "21.0.0.0/8"), 23);
	ev = ev_group(EVENT_DUMP, 5, members);
	ev->nexthop.type = NH_TYPE_RESILIENT;
	apply(mirror, ev);
	assert_int_equal(reverse_of(mirror, "21.0.0.0/8"), 23);
	apply(mirror, ev_link(EVENT_NEW, 2, IFF_UP)); /* the object may be gone, the group is not */
	assert_int_equal(reverse_of(mirror, P), 0);
	assert_int_equal(reverse_of(mirror, "21.0.0.0/8"), 3);
	ev = ev_nexthop(EVENT_DUMP, 2, 3, "10.0.3.1");
	ev->nexthop.unsupported = true;
	apply(mirror, ev);
	assert_int_equal(reverse_of(mirror, "21.0.0.0/8"), 0);
	ev = ev_nexthop(EVENT_NEW, 6, 4, "10.0.4.1");
	ev->nexthop.type = NH_TYPE_BLACKHOLE;
	apply(mirror, ev);
	apply(mirror, ev_route_nhid(EVENT_NEW, "22.0.0.0/8", 6));
	assert_int_equal(reverse_of(mirror, "22.0.0.0/8"), 0);
	ev = ev_nexthop(EVENT_NEW, 7, 4, "10.0.4.1");
	ev->nexthop.fdb = true;
	apply(mirror, ev);
	apply(mirror, ev_route_nhid(EVENT_NEW, "23.0.0.0/8", 7));
	assert_int_equal(reverse_of(mirror, "23.0.0.0/8"), 0);
	apply(mirror, ev_nexthop(EVENT_NEW, 8, 4, "10.0.4.1"));
	apply(mirror, ev_route_nhid(EVENT_NEW, "24.0.0.0/8", 8));
	assert_int_equal(reverse_of(mirror, "24.0.0.0/8"), 4);
	apply(mirror, ev_nexthop(EVENT_DEL, 8, 4, "10.0.4.1"));
	assert_int_equal(reverse_of(mirror, "24.0.0.0/8"), 0);
	apply(mirror,
	      ev_nexthop(EVENT_NEW, 8, 4, "10.0.4.1")); /* not with the routes of the former */
	assert_int_equal(reverse_of(mirror, "24.0.0.0/8"), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_neighbour_states),
		TEST(test_port_flags),
		TEST(test_reverse_path_flags),
		TEST(test_source_flags),
		TEST(test_uppers),
		TEST(test_uppers_are_dirty),
		TEST(test_reverse_of_legs),
		TEST(test_reverse_of_several),
		TEST(test_reverse_of_objects),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
