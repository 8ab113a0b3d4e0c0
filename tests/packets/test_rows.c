// SPDX-License-Identifier: GPL-2.0-only
/*
 * One row per way through the program: a packet in, and its verdict, whole frame out and counters.
 */
#include "rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static void forwarding_off(struct lab *l)
{
	l->ports[PORT_IN].flags &= ~PORT_FORWARDING;
}

static void redirects_on(struct lab *l)
{
	l->ports[PORT_IN].flags |= PORT_SEND_REDIRECTS;
}

/* A connected net of senders on the port that they come in by. */
static void connected_back(struct lab *l)
{
	redirects_on(l);
	l->nexthops[SLOT_CONNECTED].reverse.port[0] = PORT_IN;
}

static void generic(struct lab *l)
{
	l->ports[PORT_IN].flags |= PORT_IN_GENERIC;
}

static void neighbours_full(struct lab *l)
{
	l->control->flags = CONTROL_NEIGHBOURS_FULL;
}

static void observe(struct lab *l)
{
	l->control->flags = CONTROL_OBSERVE;
}

static void default_route(struct lab *l)
{
	l->control->default_leaf = SLOT_OUT;
}

static void default_unset(struct lab *l)
{
	l->control->default_leaf = LEAF_DEFAULT;
}

static void lease_over(struct lab *l)
{
	l->control->lease_until = now_ns() - 50000000; /* the coarse clock is up to a tick late */
}

static void hold_and_lease_over(struct lab *l)
{
	l->control->hold = VERDICT_netfilter;
	l->control->lease_until = 0;
}

static void hold_nonsense(struct lab *l)
{
	l->control->hold = VERDICT_COUNT + 3;
}

static void hold_dropped(struct lab *l)
{
	l->control->hold = VERDICT_dropped;
}

static void own_source(struct lab *l)
{
	lab_own_address(l, "192.0.2.1", OWN_ADDRESS);
}

/* The bit of the filter alone says nothing: another address may have set it. */
static void own_source_alike(struct lab *l)
{
	own_source(l);
	lab_own_address(l, "192.0.2.1", 0);
}

static const struct row rows[] = {
	{ "plain", FORWARDED(SLOT_OUT) },
	{ "ttl 2 leaves with 1", .in = { .ttl = 2 }, FORWARDED(SLOT_OUT) },
	{ "ttl 255", .in = { .ttl = 255 }, FORWARDED(SLOT_OUT) },
	{ "tcp", .in = { .protocol = 6, .sport = 4000, .dport = 80 }, FORWARDED(SLOT_OUT) },
	{ "header alone", .in = { .payload = -1 }, FORWARDED(SLOT_OUT) },
	{ "tos and df are kept", PATCH({ 15, 0xb9 }, { AT_FRAG, 0x40 }), FORWARDED(SLOT_OUT) },
	{ "first fragment", PATCH({ AT_FRAG, 0x20 }), FORWARDED(SLOT_OUT) },
	{ "later fragment", PATCH({ AT_FRAG + 1, 0x10 }), FORWARDED(SLOT_OUT) },
	{ "longer prefix within, first address", TO("10.1.7.128"), FORWARDED(SLOT_JUMBO) },
	{ "longer prefix within, last address", TO("10.1.7.255"), FORWARDED(SLOT_JUMBO) },
	{ "below the longer prefix", TO("10.1.7.127"), FORWARDED(SLOT_OUT) },
	{ "above the longer prefix", TO("10.1.8.0"), FORWARDED(SLOT_OUT) },
	{ "a /24 in the upper half", TO("10.1.200.1"), FORWARDED(SLOT_SMALL) },
	{ "its twin in the lower half", TO("10.1.72.1"), FORWARDED(SLOT_OUT) },
	{ "240/4 is unicast", TO("250.1.2.3"), FORWARDED(SLOT_OUT) },
	{ "240/4 as source", FROM("250.1.2.3"), FORWARDED(SLOT_OUT) },
	{ "default route", TO("203.0.113.7"), FORWARDED(SLOT_OUT), default_route },
	{ "connected", TO("10.10.0.1"), FORWARDED(SLOT_CONNECTED) },
	{ "back out of the ingress", TO("10.8.0.1"), FORWARDED(SLOT_BACK) },
	{ "other port, redirects on", FORWARDED(SLOT_OUT), redirects_on },
	{ "generic to generic", TO("10.6.0.1"), FORWARDED(SLOT_GENERIC), generic },
	{ "own filter bit alone", FORWARDED(SLOT_OUT), own_source_alike },

	{ "blackhole leaf", TO("10.100.1.9"), VERDICT_dropped },
	{ "blackhole slot", TO("10.101.1.9"), VERDICT_dropped },

	{ "ipv6", PATCH({ 12, 0x86 }, { 13, 0xdd }), VERDICT_not_ipv4 },
	{ "arp", PATCH({ 13, 0x06 }), VERDICT_not_ipv4 },
	{ "vlan", PATCH({ 12, 0x81 }), VERDICT_not_ipv4 },
	{ "length instead of ethertype", PATCH({ 12, 0 }, { 13, 60 }), VERDICT_not_ipv4 },
	{ "broadcast mac", PATCH({ 0, 0xff }), VERDICT_not_our_mac },
	{ "mac, first byte", PATCH({ 0, 4 }), VERDICT_not_our_mac },
	{ "mac, last byte", PATCH({ 5, 9 }), VERDICT_not_our_mac },

	{ "ethernet header alone", .in = { .cut = 14 }, VERDICT_malformed },
	{ "header cut by one", .in = { .cut = 33 }, VERDICT_malformed },
	{ "packet cut by one", .in = { .cut = 73 }, VERDICT_malformed },
	{ "version 6", PATCH({ AT_IP, 0x65 }), VERDICT_malformed },
	{ "version 0", PATCH({ AT_IP, 0x05 }), VERDICT_malformed },
	{ "ihl 4", PATCH({ AT_IP, 0x44 }), VERDICT_malformed },
	{ "ihl 0", PATCH({ AT_IP, 0x40 }), VERDICT_malformed },
	{ "tot_len 19", PATCH({ AT_TOT_LEN + 1, 19 }), VERDICT_malformed },
	{ "tot_len 0", PATCH({ AT_TOT_LEN + 1, 0 }), VERDICT_malformed },
	{ "tot_len one too long", PATCH({ AT_TOT_LEN + 1, 61 }), VERDICT_malformed },
	{ "tot_len 65535", PATCH({ AT_TOT_LEN, 255 }, { AT_TOT_LEN + 1, 255 }), VERDICT_malformed },
	{ "checksum", .in = { .wrong_checksum = true }, VERDICT_malformed },
	{ "ihl 6", PATCH({ AT_IP, 0x46 }), VERDICT_ip_options },
	{ "ihl 15", PATCH({ AT_IP, 0x4f }), VERDICT_ip_options },

	{ "ttl 1", .in = { .ttl = 1 }, VERDICT_ttl },
	{ "ttl 0", .in = { .ttl = TTL_ZERO }, VERDICT_ttl },
	{ "ttl 1 without a route", .in = { .ttl = 1, .dst = "203.0.113.7" }, VERDICT_no_route },
	{ "multicast, first", TO("224.0.0.0"), VERDICT_multicast },
	{ "multicast, last", TO("239.255.255.255"), VERDICT_multicast },
	{ "broadcast", TO("255.255.255.255"), VERDICT_broadcast },
	{ "to 0.0.0.0", TO("0.0.0.0"), VERDICT_martian },
	{ "to 0/8", TO("0.0.0.1"), VERDICT_no_route },
	{ "to 0/8, last", TO("0.255.255.255"), VERDICT_no_route },
	{ "to 127/8, first", TO("127.0.0.0"), VERDICT_martian },
	{ "to 127/8, last", TO("127.255.255.255"), VERDICT_martian },
	{ "from 0.0.0.0", FROM("0.0.0.0"), VERDICT_martian },
	{ "from 0/8", FROM("0.0.0.1"), FORWARDED(SLOT_OUT) },
	{ "from 0/8, last", FROM("0.255.255.255"), FORWARDED(SLOT_OUT) },
	{ "from 127/8", FROM("127.0.0.1"), VERDICT_martian },
	{ "from multicast", FROM("224.0.0.1"), VERDICT_martian },
	{ "from multicast, last", FROM("239.255.255.255"), VERDICT_martian },
	{ "from broadcast", FROM("255.255.255.255"), VERDICT_martian },
	{ "forwarding off", .verdict = VERDICT_forwarding_off, .change = forwarding_off },
	{ "forwarding off, multicast", TO("224.0.0.5"), VERDICT_forwarding_off,
	  .change = forwarding_off },

	{ "no route", TO("203.0.113.7"), VERDICT_no_route },
	{ "default leaf unset", TO("203.0.113.7"), VERDICT_stale, .change = default_unset },
	{ "no neighbour: adjacency", TO("10.9.0.1"), VERDICT_no_neighbour },
	{ "no neighbour: connected, unresolved", TO("10.10.0.2"), VERDICT_no_neighbour },
	{ "no neighbour: connected, unknown", TO("10.10.0.3"), VERDICT_no_neighbour },
	{ "no neighbour: the element is another's", TO("10.10.0.4"), VERDICT_no_neighbour },
	{ "neighbour table full", TO("10.10.0.3"), VERDICT_table_full, .change = neighbours_full },
	{ "unresolved while full", TO("10.10.0.2"), VERDICT_no_neighbour,
	  .change = neighbours_full },
	{ "egress down", TO("10.4.0.1"), VERDICT_egress_down },
	{ "egress not in tx_ports", TO("10.7.0.1"), VERDICT_egress_down },
	{ "hairpin", TO("10.8.0.1"), VERDICT_hairpin, .change = redirects_on },
	{ "hairpin, sender behind a gateway there", .in = { .src = "10.8.3.4", .dst = "10.8.0.1" },
	  FORWARDED(SLOT_BACK), redirects_on },
	{ "hairpin, sender behind another port", .in = { .src = "10.1.0.5", .dst = "10.8.0.1" },
	  VERDICT_hairpin, .change = redirects_on },
	{ "hairpin, sender on a connected net", .in = { .src = "10.10.0.1", .dst = "10.8.0.1" },
	  VERDICT_hairpin, .change = connected_back },
	{ "egress without transmit", TO("10.5.0.1"), VERDICT_egress_no_xdp,
	  TC_FORWARDED(SLOT_MUTE) },
	{ "native to generic-only", TO("10.6.0.1"), VERDICT_egress_no_xdp,
	  TC_FORWARDED(SLOT_GENERIC) },
	{ "generic to a port without transmit", TO("10.5.0.1"), VERDICT_egress_no_xdp,
	  .change = generic, TC_FORWARDED(SLOT_MUTE) },
	{ "slot unset", TO("10.13.0.1"), VERDICT_stale },
	{ "slot beyond the table", TO("10.99.0.1"), VERDICT_stale },
	{ "adjacency beyond the table", TO("10.15.0.1"), VERDICT_stale },
	{ "group in a group", TO("10.14.0.1"), VERDICT_stale },
	{ "verdict slot says forwarded", TO("10.101.0.1"), VERDICT_no_route },

	{ "lease over", .verdict = VERDICT_stale, .change = lease_over },
	{ "lease over, not ipv4", PATCH({ 12, 0x86 }), VERDICT_stale, .change = lease_over },
	{ "hold before the lease", .verdict = VERDICT_netfilter, .change = hold_and_lease_over },
	{ "hold: nonsense", .verdict = VERDICT_stale, .change = hold_nonsense },
	{ "hold never drops", .verdict = VERDICT_stale, .change = hold_dropped },
	{ "observe forwarding", .verdict = VERDICT_observe, .change = observe },
	{ "observe dropping", TO("10.100.1.9"), VERDICT_observe, .change = observe },
	{ "observe keeps other reasons", .in = { .ttl = 1 }, VERDICT_ttl, .change = observe },

	{ "mtu", .in = { .payload = 1480 }, FORWARDED(SLOT_OUT) },
	{ "mtu + 1", .in = { .payload = 1481 }, VERDICT_mtu },
	{ "mtu + 1 by padding is within", .in = { .payload = 1480, .padding = 1 },
	  FORWARDED(SLOT_OUT) },
	{ "route mtu", .in = { .payload = 1380, .dst = "10.2.0.1" }, FORWARDED(SLOT_SMALL) },
	{ "route mtu + 1", .in = { .payload = 1381, .dst = "10.2.0.1" }, VERDICT_mtu },
	{ "route mtu above the port's", .in = { .payload = 1481, .dst = "10.16.0.1" },
	  VERDICT_mtu },
	{ "jumbo in one buffer", .in = { .payload = 3480, .dst = "10.3.0.1" },
	  FORWARDED(SLOT_JUMBO) },
};

static void test_rows(void **state)
{
	(void)state;
	rows_run(rows, sizeof(rows) / sizeof(rows[0]));
}

/* Every verdict can be a leaf, and a slot; no other number does harm. */
static void test_verdict_leaves(void **state)
{
	(void)state;
	for (int v = 1; v < VERDICT_COUNT; v++) {
		char dst[32];
		struct row row = { verdict_name(v), .in = { .dst = dst }, v };

		if (v == VERDICT_cpu)
			row.verdict = VERDICT_stale; /* which one? */
		for (int net = 100; net < 102; net++) {
			snprintf(dst, sizeof(dst), "10.%d.%d.1", net, v);
			row_run(&row);
		}
	}
}

static void hold_now(struct lab *l);
static uint32_t hold;

static void hold_now(struct lab *l)
{
	l->control->hold = hold;
}

static void test_hold(void **state)
{
	(void)state;
	for (hold = VERDICT_FIRST_REASON; hold < VERDICT_COUNT; hold++) {
		struct row row = { "hold", .verdict = hold, .change = hold_now };

		if (hold == VERDICT_cpu)
			row.verdict = VERDICT_stale;
		row_run(&row);
	}
}

int run_rows(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_verdict_leaves),
		cmocka_unit_test(test_hold),
	};

	return cmocka_run_group_tests_name("rows", tests, NULL, NULL);
}
