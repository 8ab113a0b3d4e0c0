// SPDX-License-Identifier: GPL-2.0-only
/*
 * What routes of the user do: one row for each action and each refusal, and before which rules they come.
 */
#include "rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static void observe(struct lab *l)
{
	l->control->flags = CONTROL_OBSERVE;
}

static void lease_over(struct lab *l)
{
	l->control->lease_until = 0;
}

static void own_source(struct lab *l)
{
	lab_own_address(l, "192.0.2.1", OWN_ADDRESS);
}

static void strict(struct lab *l)
{
	l->ports[PORT_IN].flags |= PORT_RP_FILTER;
}

static void neighbours_full(struct lab *l)
{
	l->control->flags = CONTROL_NEIGHBOURS_FULL;
}

static void redirect_to(struct lab *l, uint32_t port)
{
	l->nexthops[SLOT_REDIRECT].nexthop.arg = port;
}

static void to_down(struct lab *l)
{
	redirect_to(l, PORT_DOWN);
}

static void to_gone(struct lab *l)
{
	redirect_to(l, PORT_GONE);
}

static void to_no_port(struct lab *l)
{
	redirect_to(l, PORT_NONE);
}

static void to_beyond(struct lab *l)
{
	redirect_to(l, PORT_LIMIT + 1);
}

/* As PORT_OUT, so that what is counted is the same, but for XDP. */
static void to_mute(struct lab *l)
{
	l->ports[PORT_OUT].flags = PORT_UP;
}

static void redirects_on(struct lab *l)
{
	l->ports[PORT_IN].flags |= PORT_SEND_REDIRECTS;
}

/* `via` a gateway there where the packet comes from: not for the kernel to redirect. */
static void via_ingress(struct lab *l)
{
	redirects_on(l);
	l->nexthops[SLOT_BACK].nexthop.verdict = NEXTHOP_USER;
}

/* Back by the port that it came in by, or by that of a macvlan device on it. */
static void to_ingress(struct lab *l)
{
	redirect_to(l, PORT_IN);
}

static void to_upper(struct lab *l)
{
	lab_upper(l);
	redirect_to(l, PORT_UPPER);
}

static void by_upper_to_ingress(struct lab *l)
{
	lab_upper(l);
	redirect_to(l, PORT_IN);
}

static void group_of(struct lab *l, uint32_t leaf)
{
	for (int i = 0; i < GROUP_BUCKETS; i++)
		l->groups[GROUP_HALVES].bucket[i] = leaf;
}

static void group_of_redirect(struct lab *l)
{
	group_of(l, SLOT_REDIRECT);
}

static void group_of_drop(struct lab *l)
{
	group_of(l, SLOT_USER_DROP);
}

static void group_of_cpu(struct lab *l)
{
	group_of(l, SLOT_CPU);
}

static void group_of_user(struct lab *l)
{
	group_of(l, SLOT_USER);
}

static void no_cpu(struct lab *l)
{
	l->nexthops[SLOT_CPU].nexthop.arg = nexthop_cpus(0, 0);
}

static void other_cpu(struct lab *l)
{
	l->nexthops[SLOT_CPU].nexthop.arg = nexthop_cpus(l->n_cpus - 1, 1);
	if (l->n_cpus == 1)
		l->nexthops[SLOT_CPU].nexthop.arg = nexthop_cpus(0xffff, 1);
}

static void cpu_beyond(struct lab *l)
{
	l->nexthops[SLOT_CPU].nexthop.arg = nexthop_cpus(0xfff0, 1);
}

static const struct row actions[] = {
	{ "via", TO("10.18.0.1"), FORWARDED(SLOT_USER) },
	{ "via, ttl 1", .in = { .ttl = 1, .dst = "10.18.0.1" }, VERDICT_ttl },
	{ "drop", TO("10.19.0.1"), COUNTED(dropped, SLOT_USER_DROP) },
	{ "drop, ttl 1", .in = { .ttl = 1, .dst = "10.19.0.1" }, COUNTED(dropped, SLOT_USER_DROP) },
	{ "drop, observed", TO("10.19.0.1"), VERDICT_observe, .change = observe },
	{ "drop, lease over", TO("10.19.0.1"), VERDICT_stale, .change = lease_over },
	{ "drop, by a reverse path filter", TO("10.19.0.1"), COUNTED(dropped, SLOT_USER_DROP),
	  strict },
	{ "pass", TO("10.20.0.1"), COUNTED(user_pass, SLOT_USER_PASS) },
	{ "pass, observed", TO("10.20.0.1"), COUNTED(user_pass, SLOT_USER_PASS), observe },
	{ "pass, lease over", TO("10.20.0.1"), VERDICT_stale, .change = lease_over },
	{ "on-link", TO("10.23.0.1"), FORWARDED(SLOT_ASK) },
	{ "on-link, no neighbour", TO("10.23.0.3"), VERDICT_no_neighbour },
	{ "group of a user's", TO("10.11.0.1"), FORWARDED(SLOT_USER), group_of_user },
	{ "group of drop", TO("10.11.0.1"), COUNTED(dropped, SLOT_USER_DROP), group_of_drop },
};

static const struct row redirects[] = {
	{ "redirect", TO("10.21.0.1"), FORWARDED(SLOT_REDIRECT) },
	{ "redirect, ttl 1", .in = { .ttl = 1, .dst = "10.21.0.1" }, FORWARDED(SLOT_REDIRECT) },
	{ "redirect, ttl 0", .in = { .ttl = TTL_ZERO, .dst = "10.21.0.1" },
	  FORWARDED(SLOT_REDIRECT) },
	{ "redirect keeps padding", .in = { .payload = 1, .padding = 25, .dst = "10.21.0.1" },
	  FORWARDED(SLOT_REDIRECT) },
	{ "redirect, mtu", .in = { .payload = 1480, .dst = "10.21.0.1" },
	  FORWARDED(SLOT_REDIRECT) },
	{ "redirect, mtu + 1", .in = { .payload = 1481, .dst = "10.21.0.1" }, VERDICT_mtu },
	{ "redirect, mtu + 1 by padding",
	  .in = { .payload = 1480, .padding = 1, .dst = "10.21.0.1" }, VERDICT_mtu },
	{ "redirect, redirects on", TO("10.21.0.1"), FORWARDED(SLOT_REDIRECT), redirects_on },
	{ "redirect to a port that is down", TO("10.21.0.1"), VERDICT_egress_down,
	  .change = to_down },
	{ "redirect to a device that went", TO("10.21.0.1"), VERDICT_egress_down,
	  .change = to_gone },
	{ "redirect back", TO("10.21.0.1"), VERDICT_hairpin, .change = to_ingress },
	{ "redirect back, ttl 1", .in = { .ttl = 1, .dst = "10.21.0.1" }, VERDICT_hairpin,
	  .change = to_ingress },
	{ "redirect back, to the macvlan device",
	  .in = { .dst = "10.21.0.1", .to_port = PORT_UPPER }, VERDICT_hairpin,
	  .change = to_upper },
	{ "redirect back, below the macvlan device",
	  .in = { .dst = "10.21.0.1", .to_port = PORT_UPPER }, VERDICT_hairpin,
	  .change = by_upper_to_ingress },
	{ "redirect to no port", TO("10.21.0.1"), VERDICT_egress_down, .change = to_no_port },
	{ "redirect beyond the ports", TO("10.21.0.1"), VERDICT_stale, .change = to_beyond },
	{ "redirect without transmit", TO("10.21.0.1"), VERDICT_egress_no_xdp, .change = to_mute,
	  TC_FORWARDED(SLOT_REDIRECT) },
	{ "redirect, observed", TO("10.21.0.1"), VERDICT_observe, .change = observe },
	{ "redirect, lease over", TO("10.21.0.1"), VERDICT_stale, .change = lease_over },
	{ "redirect, own source", TO("10.21.0.1"), VERDICT_martian, .change = own_source },
	{ "redirect, rp_filter", TO("10.21.0.1"), VERDICT_rp_filter, .change = strict },
	{ "redirect, source by this port", .in = { .dst = "10.21.0.1", .src = "10.18.0.9" },
	  FORWARDED(SLOT_REDIRECT), strict },
	{ "redirect, checksum", .in = { .dst = "10.21.0.1", .wrong_checksum = true },
	  VERDICT_malformed },
	{ "redirect, options", .in = { .dst = "10.21.0.1", .patch = { { AT_IP, 0x46 } } },
	  VERDICT_ip_options },
	{ "redirect, mac", .in = { .dst = "10.21.0.1", .patch = { { 5, 9 } } },
	  VERDICT_not_our_mac },
	{ "group of redirect", TO("10.11.0.1"), FORWARDED(SLOT_REDIRECT), group_of_redirect },
};

#define TC_PASSES TC_COUNTED(user_pass, SLOT_CPU)

static const struct row cpus[] = {
	{ "cpu", TO("10.22.0.1"), COUNTED(cpu, SLOT_CPU), TC_PASSES },
	{ "cpu, ttl 1", .in = { .ttl = 1, .dst = "10.22.0.1" }, COUNTED(cpu, SLOT_CPU), TC_PASSES },
	{ "cpu, longer than any mtu", .in = { .payload = 3480, .dst = "10.22.0.1" },
	  COUNTED(cpu, SLOT_CPU), TC_PASSES },
	{ "cpu keeps padding", .in = { .payload = 1, .padding = 25, .dst = "10.22.0.1" },
	  COUNTED(cpu, SLOT_CPU), TC_PASSES },
	{ "cpu, header alone", .in = { .payload = -1, .dst = "10.22.0.1" }, COUNTED(cpu, SLOT_CPU),
	  TC_PASSES },
	{ "cpu, by a reverse path filter", TO("10.22.0.1"), COUNTED(cpu, SLOT_CPU), strict,
	  TC_PASSES },
	{ "cpu, own source", TO("10.22.0.1"), VERDICT_martian, .change = own_source },
	{ "cpu, observed", TO("10.22.0.1"), VERDICT_observe, .change = observe },
	{ "cpu, lease over", TO("10.22.0.1"), VERDICT_stale, .change = lease_over },
	{ "cpu that is not in the map", TO("10.22.0.1"), COUNTED(user_pass, SLOT_CPU), other_cpu,
	  TC_PASSES },
	{ "cpu beyond the map", TO("10.22.0.1"), COUNTED(user_pass, SLOT_CPU), cpu_beyond,
	  TC_PASSES },
	{ "none of no cpus", TO("10.22.0.1"), COUNTED(stale, SLOT_CPU), no_cpu, TC_PASSES },
	{ "group of cpus", TO("10.11.0.1"), COUNTED(cpu, SLOT_CPU), group_of_cpu, TC_PASSES },
};

/* One rule for everything, and what it leads to. */
static void one_rule(struct lab *l, uint8_t flags, uint32_t arg)
{
	const struct policy_step step = { .flags = flags, .arg = arg };

	lab_policy_set(l, &step, 1);
}

static void all_prohibited(struct lab *l)
{
	one_rule(l, POLICY_VERDICT, VERDICT_prohibit);
}

static void all_by_table_1(struct lab *l)
{
	one_rule(l, 0, 1);
}

static void strict_by_table_5(struct lab *l)
{
	strict(l);
	one_rule(l, 0, 5);
}

/* A group of the user's: its slot says so, its members need not. */
static void group_is_user(struct lab *l)
{
	all_prohibited(l);
	l->nexthops[SLOT_GROUP].nexthop.verdict = NEXTHOP_USER;
	group_of(l, SLOT_OUT);
}

static void connected_is_user(struct lab *l)
{
	all_prohibited(l);
	l->nexthops[SLOT_ASK].nexthop.verdict |= NEXTHOP_USER;
}

/* What the user's routes become that find no room. */
static void slot_is_full(struct lab *l)
{
	all_by_table_1(l);
	l->nexthops[SLOT_USER_DROP].nexthop.verdict = VERDICT_table_full;
}

static void members_are_full(struct lab *l)
{
	group_is_user(l);
	group_of(l, VERDICT_table_full);
}

static const struct row before_rules[] = {
	{ "a kernel route, prohibited", .verdict = VERDICT_prohibit, .change = all_prohibited },
	{ "a kernel route, other table", FORWARDED(SLOT_JUMBO), all_by_table_1 },
	{ "via, prohibited", TO("10.18.0.1"), FORWARDED(SLOT_USER), all_prohibited },
	{ "via, other table", TO("10.18.0.1"), FORWARDED(SLOT_USER), all_by_table_1 },
	{ "drop, prohibited", TO("10.19.0.1"), COUNTED(dropped, SLOT_USER_DROP), all_prohibited },
	{ "pass, prohibited", TO("10.20.0.1"), COUNTED(user_pass, SLOT_USER_PASS), all_prohibited },
	{ "redirect, prohibited", TO("10.21.0.1"), FORWARDED(SLOT_REDIRECT), all_prohibited },
	{ "cpu, prohibited", TO("10.22.0.1"), COUNTED(cpu, SLOT_CPU), all_prohibited, TC_PASSES },
	{ "asking is not the user's by itself", TO("10.23.0.1"), VERDICT_prohibit,
	  .change = all_prohibited },
	{ "on-link, prohibited", TO("10.23.0.1"), FORWARDED(SLOT_ASK), connected_is_user },
	{ "group, prohibited", TO("10.11.0.1"), FORWARDED(SLOT_OUT), group_is_user },
	{ "no room for what it leads to, other table", TO("10.19.0.1"),
	  COUNTED(table_full, SLOT_USER_DROP), slot_is_full },
	{ "no slot, prohibited", TO("10.100.26.1"), VERDICT_table_full, .change = all_prohibited },
	{ "no slot, other table", TO("10.100.26.1"), VERDICT_table_full, .change = all_by_table_1 },
	{ "no room for its legs, prohibited", TO("10.11.0.1"), VERDICT_table_full,
	  .change = members_are_full },
	{ "blackhole of the kernel's, prohibited", TO("10.101.1.9"), VERDICT_prohibit,
	  .change = all_prohibited },
	{ "via, back by its port", TO("10.8.0.1"), FORWARDED(SLOT_BACK), via_ingress },
	{ "source by a user's route, before rules",
	  .in = { .dst = "10.18.0.1", .src = "10.18.0.9" }, FORWARDED(SLOT_USER),
	  strict_by_table_5 },
};

static void test_actions(void **state)
{
	(void)state;
	rows_run(actions, sizeof(actions) / sizeof(actions[0]));
}

static void test_redirects(void **state)
{
	(void)state;
	rows_run(redirects, sizeof(redirects) / sizeof(redirects[0]));
}

static void test_cpus(void **state)
{
	(void)state;
	rows_run(cpus, sizeof(cpus) / sizeof(cpus[0]));
}

static void test_before_rules(void **state)
{
	(void)state;
	rows_run(before_rules, sizeof(before_rules) / sizeof(before_rules[0]));
}

/* The daemon hears of destinations on-link without a neighbour, where the route says so. */
static void test_wanted(void **state)
{
	static const struct row silent[] = {
		{ "resolved", TO("10.23.0.1"), FORWARDED(SLOT_ASK) },
		{ "of the kernel's route", TO("10.10.0.3"), VERDICT_no_neighbour },
		{ "adjacency without a port", TO("10.9.0.1"), VERDICT_no_neighbour },
		{ "table full", TO("10.23.0.9"), VERDICT_table_full, .change = neighbours_full },
	};
	static const struct row heard[] = {
		{ "unknown", TO("10.23.0.3"), VERDICT_no_neighbour },
		{ "unresolved", TO("10.23.0.2"), VERDICT_no_neighbour },
		{ "unresolved while full", TO("10.23.0.2"), VERDICT_no_neighbour,
		  .change = neighbours_full },
	};
	__be32 addr[8];

	(void)state;
	lab_wanted(lab, addr, 0);
	rows_run(silent, sizeof(silent) / sizeof(silent[0]));
	assert_int_equal(lab_wanted(lab, addr, 8), 0);
	rows_run(heard, sizeof(heard) / sizeof(heard[0]));
	assert_int_equal(lab_wanted(lab, addr, 8), 3);
	assert_int_equal(addr[0], inet_addr("10.23.0.3"));
	assert_int_equal(addr[1], inet_addr("10.23.0.2"));
	assert_int_equal(addr[2], inet_addr("10.23.0.2"));
}

int run_user(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_actions), cmocka_unit_test(test_redirects),
		cmocka_unit_test(test_cpus),	cmocka_unit_test(test_before_rules),
		cmocka_unit_test(test_wanted),
	};

	return cmocka_run_group_tests_name("user", tests, NULL, NULL);
}
