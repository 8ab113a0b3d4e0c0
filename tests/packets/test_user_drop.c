// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the user drops is dropped whatever else there is about the packet: one row for each reason that precedes the
 * look-up, and for each that it does not go before.
 */
#include "rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static void hold(struct lab *l, enum verdict verdict)
{
	l->control->hold = verdict;
}

static void firewall(struct lab *l)
{
	hold(l, VERDICT_netfilter);
}

static void ipsec(struct lab *l)
{
	hold(l, VERDICT_xfrm);
}

static void rules_unknown(struct lab *l)
{
	hold(l, VERDICT_policy_rule);
}

static void pmtu(struct lab *l)
{
	hold(l, VERDICT_unsupported_route);
}

static void paused(struct lab *l)
{
	hold(l, VERDICT_paused);
}

static void full(struct lab *l)
{
	hold(l, VERDICT_table_full);
}

static void syncing(struct lab *l)
{
	hold(l, VERDICT_stale);
}

static void lease_over(struct lab *l)
{
	l->control->lease_until = 0;
}

static void firewall_lease_over(struct lab *l)
{
	firewall(l);
	lease_over(l);
}

static void observed(struct lab *l)
{
	l->control->flags = CONTROL_OBSERVE;
}

static void firewall_observed(struct lab *l)
{
	firewall(l);
	observed(l);
}

static void own_source(struct lab *l)
{
	lab_own_address(l, "192.0.2.1", OWN_ADDRESS);
}

static void firewall_own_source(struct lab *l)
{
	firewall(l);
	own_source(l);
}

static void strict(struct lab *l)
{
	l->ports[PORT_IN].flags |= PORT_RP_FILTER;
}

static void firewall_strict(struct lab *l)
{
	firewall(l);
	strict(l);
}

static void not_forwarding(struct lab *l)
{
	l->ports[PORT_IN].flags &= ~PORT_FORWARDING;
}

static void firewall_not_forwarding(struct lab *l)
{
	firewall(l);
	not_forwarding(l);
}

static void upper_not_forwarding(struct lab *l)
{
	lab_upper(l);
	l->ports[PORT_UPPER].flags &= ~PORT_FORWARDING;
}

static void prohibited(struct lab *l)
{
	static const struct policy_step step = { .flags = POLICY_VERDICT, .arg = VERDICT_prohibit };

	lab_policy_set(l, &step, 1);
}

static void firewall_rules(struct lab *l)
{
	firewall(l);
	prohibited(l);
}

static void firewall_marked(struct lab *l)
{
	firewall(l);
	l->skb.mark = 7;
	l->control->flags = CONTROL_MARKS;
}

/* Everything that has no other route. */
static void by_default(struct lab *l)
{
	l->control->default_leaf = SLOT_USER_DROP;
}

static void firewall_by_default(struct lab *l)
{
	firewall(l);
	by_default(l);
}

static void firewall_group_of_drop(struct lab *l)
{
	firewall(l);
	for (int i = 0; i < GROUP_BUCKETS; i++)
		l->groups[GROUP_HALVES].bucket[i] = SLOT_USER_DROP;
}

static void drop_is_full(struct lab *l)
{
	l->nexthops[SLOT_USER_DROP].nexthop.verdict = VERDICT_table_full;
}

#define IN(...)		   .in = { .dst = "10.19.0.1", ##__VA_ARGS__ }
#define DROPPED		   COUNTED(dropped, SLOT_USER_DROP)
#define DROPPED_BY(change) DROPPED, change
#define IHL(words)	   .patch = { { AT_IP, 0x40 + (words) } }
#define LEFT(as)	   .verdict = VERDICT_##as
#define HELD		   .verdict = VERDICT_netfilter, .change = firewall

static const struct row holds[] = {
	{ "firewall", IN(), DROPPED_BY(firewall) },
	{ "firewall, ttl 1", IN(.ttl = 1), DROPPED_BY(firewall) },
	{ "ipsec", IN(), DROPPED_BY(ipsec) },
	{ "rules that cannot be followed", IN(), DROPPED_BY(rules_unknown) },
	{ "what the kernel may have learnt", IN(), DROPPED_BY(pmtu) },
	{ "paused", IN(), LEFT(paused), .change = paused },
	{ "the maps may be wrong", IN(), LEFT(table_full), .change = full },
	{ "not synced yet", IN(), LEFT(stale), .change = syncing },
	{ "firewall, lease over", IN(), LEFT(netfilter), .change = firewall_lease_over },
	{ "firewall, observed", IN(), LEFT(observe), .change = firewall_observed },
	{ "firewall, by default", TO("203.0.113.1"), DROPPED_BY(firewall_by_default) },
	{ "firewall, before rules", IN(), DROPPED_BY(firewall_rules) },
	{ "firewall, reverse path filter", IN(), DROPPED_BY(firewall_strict) },
	{ "firewall, marked", IN(), DROPPED_BY(firewall_marked) },
	{ "firewall, own source", IN(), DROPPED_BY(firewall_own_source) },
	{ "firewall, martian source", IN(.src = "127.0.0.1"), DROPPED_BY(firewall) },
	{ "firewall, options", IN(IHL(6)), DROPPED_BY(firewall) },
	{ "firewall, priority tag", IN(.tags = 1), DROPPED_BY(firewall) },
	{ "firewall, forwarding off", IN(), LEFT(netfilter), .change = firewall_not_forwarding },
	{ "firewall, mac", IN(.patch = { { 5, 9 } }), HELD },
	{ "firewall, header cut short", IN(.payload = -1, .cut = 33), HELD },
	{ "firewall, version 6", IN(.patch = { { AT_IP, 0x65 } }), HELD },
	{ "firewall, header of four words", IN(IHL(4)), HELD },
	{ "firewall, multicast", TO("224.0.0.5"), LEFT(netfilter), .change = firewall_by_default },
	{ "firewall, a blackhole of the kernel's", TO("10.101.1.9"), HELD },
	{ "firewall, a kernel's route", HELD },
	{ "firewall, local", TO("10.100.9.1"), LEFT(netfilter), .change = firewall_by_default },
	{ "firewall, via", TO("10.18.0.1"), HELD },
	{ "firewall, pass", TO("10.20.0.1"), HELD },
	{ "firewall, redirect", TO("10.21.0.1"), HELD },
	{ "firewall, cpu", TO("10.22.0.1"), HELD },
	{ "firewall, group of drop", TO("10.11.0.1"), LEFT(netfilter),
	  .change = firewall_group_of_drop },
};

static const struct row packets[] = {
	{ "options", IN(IHL(6)), DROPPED },
	{ "longest options", IN(IHL(15)), DROPPED },
	{ "options, header alone", IN(.payload = -1, IHL(6)), DROPPED },
	{ "options, ttl 1", IN(.ttl = 1, IHL(6)), DROPPED },
	{ "options, by default", .in = { .dst = "203.0.113.1", IHL(6) }, DROPPED_BY(by_default) },
	{ "options, before rules", IN(IHL(6)), DROPPED_BY(prohibited) },
	{ "options, own source", IN(IHL(6)), DROPPED_BY(own_source) },
	{ "options, reverse path filter", IN(IHL(6)), DROPPED_BY(strict) },
	{ "options, later fragment", IN(.patch = { { AT_IP, 0x46 }, { AT_FRAG + 1, 9 } }),
	  DROPPED },
	{ "options, observed", IN(IHL(6)), LEFT(observe), .change = observed },
	{ "options, forwarding off", IN(IHL(6)), LEFT(ip_options), .change = not_forwarding },
	{ "options, mac", IN(.patch = { { AT_IP, 0x46 }, { 5, 9 } }), LEFT(not_our_mac) },
	{ "options, lease over", IN(IHL(6)), LEFT(stale), .change = lease_over },
	{ "options, multicast", .in = { .dst = "224.0.0.5", IHL(6) }, LEFT(ip_options),
	  .change = by_default },
	{ "options, broadcast", .in = { .dst = "255.255.255.255", IHL(6) }, LEFT(ip_options),
	  .change = by_default },
	{ "options, loopback", .in = { .dst = "127.0.0.1", IHL(6) }, LEFT(ip_options),
	  .change = by_default },
	{ "options, local", .in = { .dst = "10.100.9.1", IHL(6) }, LEFT(ip_options),
	  .change = by_default },
	{ "options, a kernel's route", .in = { IHL(6) }, LEFT(ip_options) },
	{ "options, a kernel's blackhole", .in = { .dst = "10.101.1.9", IHL(6) },
	  LEFT(ip_options) },
	{ "options, pass", .in = { .dst = "10.20.0.1", IHL(6) }, LEFT(ip_options) },
	{ "options, no room for the drop", IN(IHL(6)), LEFT(ip_options), .change = drop_is_full },
	{ "options, macvlan device", IN(.to_port = PORT_UPPER, IHL(6)), DROPPED_BY(lab_upper) },
	{ "options, macvlan device does not forward", IN(.to_port = PORT_UPPER, IHL(6)),
	  LEFT(ip_options), .change = upper_not_forwarding },

	{ "own source", IN(), DROPPED_BY(own_source) },
	{ "martian source", IN(.src = "127.0.0.1"), DROPPED },
	{ "source of no route", IN(.src = "0.0.0.0"), DROPPED },
	{ "multicast source", IN(.src = "224.0.0.5"), DROPPED },
	{ "martian destination", TO("127.0.0.1"), LEFT(martian), .change = by_default },
	{ "no destination", TO("0.0.0.0"), LEFT(martian), .change = by_default },

	{ "checksum", IN(.wrong_checksum = true), LEFT(malformed) },
	{ "header of four words", IN(IHL(4)), LEFT(malformed) },
	{ "longer than the frame", IN(.patch = { { AT_TOT_LEN, 1 } }), LEFT(malformed) },
	{ "mac", IN(.patch = { { 5, 9 } }), LEFT(not_our_mac) },
	{ "broadcast frame", IN(.patch = { { 0, 0xff } }), LEFT(not_our_mac) },
	{ "forwarding off", IN(), LEFT(forwarding_off), .change = not_forwarding },
	{ "fragment", IN(.patch = { { AT_FRAG, 0x20 } }), DROPPED },
	{ "later fragment", IN(.patch = { { AT_FRAG + 1, 9 } }), DROPPED },
};

static const struct row tags[] = {
	{ "priority tag", IN(.tags = 1), DROPPED },
	{ "priority tag, 802.1ad", IN(.tags = 1, .tpid = 0x88a8), DROPPED },
	{ "two priority tags", IN(.tags = 2), DROPPED },
	{ "eight priority tags", IN(.tags = 8), DROPPED },
	{ "nine are nobody's", IN(.tags = 9), LEFT(not_ipv4) },
	{ "priority tag, options", IN(.tags = 1, IHL(6)), DROPPED },
	{ "priority tag, ttl 1", IN(.tags = 1, .ttl = 1), DROPPED },
	{ "priority tag, header alone", IN(.tags = 1, .payload = -1), DROPPED },
	{ "priority tag, header cut short", IN(.tags = 1, .payload = -1, .cut = 37),
	  LEFT(not_ipv4) },
	{ "priority tag alone", IN(.tags = 1, .cut = 18), LEFT(not_ipv4) },
	{ "priority tag, observed", IN(.tags = 1), LEFT(observe), .change = observed },
	{ "priority tag, macvlan device", IN(.tags = 1, .to_port = PORT_UPPER),
	  DROPPED_BY(lab_upper) },
	{ "priority tag, mac", IN(.tags = 1, .patch = { { 5, 9 } }), LEFT(not_ipv4) },
	{ "priority tag, forwarding off", IN(.tags = 1), LEFT(not_ipv4), .change = not_forwarding },
	{ "priority tag, ipv6", IN(.tags = 1, .patch = { { 12, 0x86 }, { 13, 0xdd } }),
	  LEFT(not_ipv4) },
	{ "priority tag, version 6", IN(.tags = 1, .patch = { { AT_IP, 0x65 } }), LEFT(not_ipv4) },
	{ "priority tag, a kernel's route", .in = { .tags = 1 }, LEFT(not_ipv4) },
	{ "priority tag, via", .in = { .tags = 1, .dst = "10.18.0.1" }, LEFT(not_ipv4) },
	{ "priority tag, local", .in = { .tags = 1, .dst = "10.100.9.1" }, LEFT(not_ipv4),
	  .change = by_default },
	{ "vlan 1", IN(.tags = 1, .vid = 1), LEFT(not_ipv4) },
	{ "vlan 4095", IN(.tags = 1, .vid = 4095), LEFT(not_ipv4) },
	{ "vlan 256", IN(.tags = 1, .vid = 256), LEFT(not_ipv4) },
	{ "vlan 7 in a priority tag", IN(.tags = 2, .vid = 7), LEFT(not_ipv4) },
	{ "arp", IN(.patch = { { 13, 6 } }), LEFT(not_ipv4) },
};

static void test_holds(void **state)
{
	(void)state;
	rows_run(holds, sizeof(holds) / sizeof(holds[0]));
}

static void test_packets(void **state)
{
	(void)state;
	rows_run(packets, sizeof(packets) / sizeof(packets[0]));
}

static void test_tags(void **state)
{
	(void)state;
	rows_run(tags, sizeof(tags) / sizeof(tags[0]));
}

int run_user_drop(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_holds),
		cmocka_unit_test(test_packets),
		cmocka_unit_test(test_tags),
	};

	return cmocka_run_group_tests_name("user drop", tests, NULL, NULL);
}
