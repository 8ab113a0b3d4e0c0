// SPDX-License-Identifier: GPL-2.0-only
/*
 * What socket buffers have beside a frame: GSO, a firewall mark, a priority.
 */
#include "rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <linux/pkt_sched.h>

enum { TCP = 6, UDP = 17, SCTP = 132 };

/* While no rule asks for it. */
static void marked_freely(struct lab *l)
{
	l->skb.mark = 1;
}

static void marked(struct lab *l)
{
	l->skb.mark = 1;
	l->control->flags = CONTROL_MARKS;
}

static void rules_for_marks(struct lab *l)
{
	l->control->flags = CONTROL_MARKS;
}

static void marked_strict(struct lab *l)
{
	marked(l);
	l->ports[PORT_IN].flags |= PORT_RP_FILTER;
}

static void marked_freely_strict(struct lab *l)
{
	marked_freely(l);
	l->ports[PORT_IN].flags |= PORT_RP_FILTER;
}

/* All by the table 1, as the mark may have it otherwise. */
static void marked_by_rules(struct lab *l)
{
	static const struct policy_step step = { .arg = 1 };

	marked(l);
	lab_policy_set(l, &step, 1);
}

static void marked_own_source(struct lab *l)
{
	marked(l);
	lab_own_address(l, "192.0.2.1", OWN_ADDRESS);
}

static void gso(struct lab *l)
{
	l->skb.gso_size = 1448;
}

static void gso_longer(struct lab *l)
{
	l->skb.gso_size = 1449;
}

static void gso_route(struct lab *l)
{
	l->skb.gso_size = 1348;
}

static void gso_route_longer(struct lab *l)
{
	l->skb.gso_size = 1349;
}

static void gso_bare(struct lab *l)
{
	l->skb.gso_size = 1460;
}

static void gso_bare_longer(struct lab *l)
{
	l->skb.gso_size = 1461;
}

static void gso_udp(struct lab *l)
{
	l->skb.gso_size = 1472;
}

static void gso_udp_longer(struct lab *l)
{
	l->skb.gso_size = 1473;
}

static void gso_udp_route(struct lab *l)
{
	l->skb.gso_size = 1372;
}

static void gso_observed(struct lab *l)
{
	gso(l);
	l->control->flags = CONTROL_OBSERVE;
}

/* A TCP header of 8 or 5 words, in front of 3400 bytes. */
#define DOFF_AT (AT_PORTS + 12)
#define LONG_TCP(to)                                                                               \
	.in = { .dst = to, .protocol = TCP, .payload = 3432, .patch = { { DOFF_AT, 0x80 } } }
#define LONG_TCP_BARE	 .in = { .protocol = TCP, .payload = 3420, .patch = { { DOFF_AT, 0x50 } } }
#define LONG_OF(kind, n) .in = { .protocol = kind, .payload = n }

static const struct row rows[] = {
	{ "mark", .verdict = VERDICT_policy_rule, .change = marked },
	{ "mark, rules do not ask for it", FORWARDED(SLOT_OUT), marked_freely },
	{ "rules ask for it, no mark", FORWARDED(SLOT_OUT), rules_for_marks },
	{ "mark, rules", .verdict = VERDICT_policy_rule, .change = marked_by_rules },
	{ "mark, no route", TO("203.0.113.1"), VERDICT_policy_rule, .change = marked },
	{ "mark, a kernel's blackhole", TO("10.101.1.9"), VERDICT_policy_rule, .change = marked },
	{ "mark, via", TO("10.18.0.1"), FORWARDED(SLOT_USER), marked },
	{ "mark, via, rules", TO("10.18.0.1"), FORWARDED(SLOT_USER), marked_by_rules },
	{ "mark, drop", TO("10.19.0.1"), COUNTED(dropped, SLOT_USER_DROP), marked },
	{ "mark, pass", TO("10.20.0.1"), COUNTED(user_pass, SLOT_USER_PASS), marked },
	{ "mark, redirect", TO("10.21.0.1"), FORWARDED(SLOT_REDIRECT), marked },
	{ "mark, cpu", TO("10.22.0.1"), COUNTED(user_pass, SLOT_CPU), marked },
	{ "mark, local", TO("10.100.9.1"), VERDICT_local, .change = marked },
	{ "mark, via, the source may be looked up by it", TO("10.18.0.1"), VERDICT_policy_rule,
	  .change = marked_strict },
	{ "mark, drop, whatever the source", TO("10.19.0.1"), COUNTED(dropped, SLOT_USER_DROP),
	  marked_strict },
	{ "mark, rules do not ask for it, source", .in = { .dst = "10.18.0.1", .src = "10.18.0.9" },
	  FORWARDED(SLOT_USER), marked_freely_strict },
	{ "mark, own source", .verdict = VERDICT_martian, .change = marked_own_source },
	{ "mark, arp", PATCH({ 13, 0x06 }), VERDICT_not_ipv4, .change = marked },

	{ "longer than the mtu", LONG_TCP("10.1.0.1"), VERDICT_mtu },
	{ "tcp segments of the mtu", LONG_TCP("10.1.0.1"), FORWARDED(SLOT_OUT), gso },
	{ "tcp segments of the mtu + 1", LONG_TCP("10.1.0.1"), VERDICT_mtu, .change = gso_longer },
	{ "of the route's mtu", LONG_TCP("10.2.0.1"), FORWARDED(SLOT_SMALL), gso_route },
	{ "of the route's mtu + 1", LONG_TCP("10.2.0.1"), VERDICT_mtu, .change = gso_route_longer },
	{ "no tcp options", LONG_TCP_BARE, FORWARDED(SLOT_OUT), gso_bare },
	{ "no tcp options, + 1", LONG_TCP_BARE, VERDICT_mtu, .change = gso_bare_longer },
	{ "tcp segments, redirected", LONG_TCP("10.21.0.1"), FORWARDED(SLOT_REDIRECT), gso },
	{ "tcp segments of the mtu + 1, redirected", LONG_TCP("10.21.0.1"), VERDICT_mtu,
	  .change = gso_longer },
	{ "tcp segments, observed", LONG_TCP("10.1.0.1"), VERDICT_observe, .change = gso_observed },
	{ "a tcp header cut short counts as whole", LONG_OF(TCP, 12), FORWARDED(SLOT_OUT), gso },
	{ "udp segments of the mtu", LONG_OF(UDP, 3400), FORWARDED(SLOT_OUT), gso_udp },
	{ "udp segments of the mtu + 1", LONG_OF(UDP, 3400), VERDICT_mtu,
	  .change = gso_udp_longer },
	{ "udp segments, redirected",
	  .in = { .dst = "10.21.0.1", .protocol = UDP, .payload = 3400 }, FORWARDED(SLOT_REDIRECT),
	  gso_udp },
	{ "udp segments of the mtu + 1, redirected",
	  .in = { .dst = "10.21.0.1", .protocol = UDP, .payload = 3400 }, VERDICT_mtu,
	  .change = gso_udp_longer },
	{ "udp segments of the route's mtu",
	  .in = { .dst = "10.2.0.1", .protocol = UDP, .payload = 3400 }, FORWARDED(SLOT_SMALL),
	  gso_udp_route },
	{ "udp segments of the route's mtu + 1",
	  .in = { .dst = "10.2.0.1", .protocol = UDP, .payload = 3400 }, VERDICT_mtu,
	  .change = gso_udp },
	{ "udp of one packet", LONG_OF(UDP, 3400), VERDICT_mtu },
	{ "udp within the mtu", LONG_OF(UDP, 1480), FORWARDED(SLOT_OUT), gso },
	{ "sctp segments", LONG_OF(SCTP, 3400), VERDICT_mtu, .change = gso },
	{ "segments behind which there is more",
	  .in = { .protocol = TCP, .payload = 3400, .padding = 1, .patch = { { DOFF_AT, 0x80 } } },
	  VERDICT_malformed, .change = gso },
	{ "the same, redirected",
	  .in = { .dst = "10.21.0.1",
		  .protocol = TCP,
		  .payload = 3400,
		  .padding = 1,
		  .patch = { { DOFF_AT, 0x80 } } },
	  FORWARDED(SLOT_REDIRECT), gso },
};

static void test_rows(void **state)
{
	(void)state;
	rows_run(rows, sizeof(rows) / sizeof(rows[0]));
}

/* The priority of a socket buffer that came with 7 and this TOS. */
static uint32_t priority_of(const char *dst, uint8_t tos, bool keep)
{
	const struct recipe recipe = { .dst = dst, .patch = { { AT_IP + 1, tos } } };
	struct outcome outcome;
	struct frame in;

	lab_reset(lab);
	lab->control->keep_priority = keep;
	lab->skb.priority = 7;
	frame_make(&in, lab_port_mac[PORT_IN], &recipe);
	lab_run(lab, &in, &outcome);
	return lab->skb.priority;
}

/* IPTOS_TOS_MASK keeps four bits, of which ip_tos2prio makes one of four. */
static void test_priority(void **state)
{
	static const uint32_t wanted[] = { TC_PRIO_BESTEFFORT, TC_PRIO_BULK, TC_PRIO_INTERACTIVE,
					   TC_PRIO_INTERACTIVE_BULK };

	(void)state;
	for (int tos = 0; tos < 256; tos++) {
		assert_int_equal(priority_of("10.1.0.1", tos, false), wanted[tos / 8 % 4]);
		assert_int_equal(priority_of("10.1.0.1", tos, true), 7);
	}
	assert_int_equal(priority_of("203.0.113.7", 0x10, false), 7); /* the kernel's */
	assert_int_equal(priority_of("10.21.0.1", 0x10, false), 7);   /* unchanged */
}

int run_tc(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_priority),
	};

	return cmocka_run_group_tests_name("tc", tests, NULL, NULL);
}
