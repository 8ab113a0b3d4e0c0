// SPDX-License-Identifier: GPL-2.0-only
/*
 * Policy rules: which step matches, what its table says, and the way back.
 *
 * The tables, beside the engine: see enter_routes() in lab.c.
 */
#include "rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

enum { STEPS_MAX = 4 };

/* A row with the rules that apply to it: those up to the last one that is not all zero. */
struct policy_row {
	struct row row;
	struct policy_step steps[STEPS_MAX];
};

static const struct policy_row *current;

static void apply(struct lab *l)
{
	static const struct policy_step empty;
	uint32_t n = STEPS_MAX;

	while (n > 0 && memcmp(&current->steps[n - 1], &empty, sizeof(empty)) == 0)
		n--;
	lab_policy_set(l, current->steps, n);
	if (current->row.change)
		current->row.change(l);
}

static void rows_apply(const struct policy_row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct row row = rows[i].row;

		current = &rows[i];
		row.change = apply;
		row_run(&row);
	}
}

#define N(a, b, c, d)  ((uint32_t)__builtin_bswap32((a) << 24 | (b) << 16 | (c) << 8 | (d)))
#define TABLE(table)   .arg = (table)
#define SAYS(what)     .flags = POLICY_VERDICT, .arg = VERDICT_##what
#define TO_NET(a, b)   .dst = N(a, b, 0, 0), .dst_mask = N(255, 255, 0, 0)
#define FROM_NET(a, b) .src = N(a, b, 0, 0), .src_mask = N(255, 255, 0, 0)
/* The engine; a field that nobody reads makes it count. */
#define MAIN                                                                                       \
	{                                                                                          \
		.arg = 0, .unused = { 1 }                                                          \
	}

/* Plain packets are to 10.1.0.1 from 192.0.2.1, UDP, with ports 0 where nothing else is said. */
static const struct policy_row selectors[] = {
	{ { "the engine", FORWARDED(SLOT_OUT) }, .steps = { MAIN } },
	{ { "another table", FORWARDED(SLOT_JUMBO) }, .steps = { { TABLE(1) }, MAIN } },
	{ { "last table there can be", FORWARDED(SLOT_BACK) },
	  .steps = { { TABLE(POLICY_TABLE_LIMIT - 1) }, MAIN } },
	{ { "a table nobody filled", FORWARDED(SLOT_OUT) }, .steps = { { TABLE(77) }, MAIN } },
	{ { "longest match there", TO("10.1.7.7"), FORWARDED(SLOT_SMALL) },
	  .steps = { { TABLE(2) }, MAIN } },
	{ { "its neighbour is not there", TO("10.1.7.6"), FORWARDED(SLOT_OUT) },
	  .steps = { { TABLE(2) }, MAIN } },
	{ { "the first that matches", FORWARDED(SLOT_JUMBO) },
	  .steps = { { TABLE(1) }, { TABLE(4) } } },
	{ { "the engine before it", FORWARDED(SLOT_OUT) }, .steps = { MAIN, { TABLE(1) } } },

	{ { "to", FORWARDED(SLOT_JUMBO) }, .steps = { { TO_NET(10, 1), TABLE(1) }, MAIN } },
	{ { "to another", FORWARDED(SLOT_OUT) }, .steps = { { TO_NET(10, 2), TABLE(1) }, MAIN } },
	{ { "from", FORWARDED(SLOT_JUMBO) }, .steps = { { FROM_NET(192, 0), TABLE(1) }, MAIN } },
	{ { "from another", FORWARDED(SLOT_OUT) },
	  .steps = { { FROM_NET(192, 1), TABLE(1) }, MAIN } },
	{ { "from its host", FORWARDED(SLOT_JUMBO) },
	  .steps = { { .src = N(192, 0, 2, 1), .src_mask = ~0u, TABLE(1) }, MAIN } },
	{ { "from a host beside it", FORWARDED(SLOT_OUT) },
	  .steps = { { .src = N(192, 0, 2, 0), .src_mask = ~0u, TABLE(1) }, MAIN } },
	{ { "from and to", FORWARDED(SLOT_JUMBO) },
	  .steps = { { FROM_NET(192, 0), TO_NET(10, 1), TABLE(1) }, MAIN } },
	{ { "from, not to", FORWARDED(SLOT_OUT) },
	  .steps = { { FROM_NET(192, 0), TO_NET(10, 2), TABLE(1) }, MAIN } },
	{ { "to, not from", FORWARDED(SLOT_OUT) },
	  .steps = { { FROM_NET(192, 1), TO_NET(10, 1), TABLE(1) }, MAIN } },
	{ { "by the port", FORWARDED(SLOT_JUMBO) },
	  .steps = { { .port = PORT_IN, TABLE(1) }, MAIN } },
	{ { "by another port", FORWARDED(SLOT_OUT) },
	  .steps = { { .port = PORT_OUT, TABLE(1) }, MAIN } },

	{ { "not to", FORWARDED(SLOT_OUT) },
	  .steps = { { TO_NET(10, 1), .flags = POLICY_INVERT, TABLE(1) }, MAIN } },
	{ { "not to another", FORWARDED(SLOT_JUMBO) },
	  .steps = { { TO_NET(10, 2), .flags = POLICY_INVERT, TABLE(1) }, MAIN } },
	{ { "not (from and to), only from", FORWARDED(SLOT_JUMBO) },
	  .steps = { { FROM_NET(192, 0), TO_NET(10, 2), .flags = POLICY_INVERT, TABLE(1) },
		     MAIN } },
	{ { "not by the port", FORWARDED(SLOT_OUT) },
	  .steps = { { .port = PORT_IN, .flags = POLICY_INVERT, TABLE(1) }, MAIN } },
	{ { "not anything", FORWARDED(SLOT_OUT) },
	  .steps = { { .flags = POLICY_INVERT, TABLE(1) }, MAIN } },

	{ { "a table without the address leads on", TO("250.1.2.3"), FORWARDED(SLOT_OUT) },
	  .steps = { { TABLE(1) }, MAIN } },
	{ { "throw leads on", TO("10.3.0.1"), FORWARDED(SLOT_JUMBO) },
	  .steps = { { TABLE(1) }, MAIN } },
	{ { "no_route leads on", FORWARDED(SLOT_OUT) }, .steps = { { TABLE(3) }, MAIN } },
	{ { "throw of the engine leads on", TO("10.100.17.1"), FORWARDED(SLOT_JUMBO) },
	  .steps = { MAIN, { TABLE(1) } } },
	{ { "no_route of the engine leads on", TO("203.0.113.7"), FORWARDED(SLOT_BIG) },
	  .steps = { MAIN, { TABLE(4) } } },
	{ { "blackhole does not", TO("10.2.0.1"), VERDICT_dropped },
	  .steps = { { TABLE(1) }, MAIN } },
	{ { "a verdict slot does not", TO("10.9.0.1"), VERDICT_prohibit },
	  .steps = { { TABLE(1) }, MAIN } },
	{ { "nonsense does not: slot", TO("10.4.0.1"), VERDICT_stale },
	  .steps = { { TABLE(2) }, MAIN } },
	{ { "nonsense does not: leaf 0", TO("10.5.0.1"), VERDICT_stale },
	  .steps = { { TABLE(2) }, MAIN } },
	{ { "no rule matches", .verdict = VERDICT_no_route },
	  .steps = { { TO_NET(10, 2), TABLE(1) } } },
	{ { "no rule finds a route", .verdict = VERDICT_no_route },
	  .steps = { { TABLE(3) }, { TABLE(77) } } },
	{ { "throw at the end", TO("10.3.0.1"), VERDICT_no_route }, .steps = { { TABLE(1) } } },

	{ { "unreachable by rule", .verdict = VERDICT_unreachable },
	  .steps = { { SAYS(unreachable) }, MAIN } },
	{ { "blackhole by rule", .verdict = VERDICT_dropped },
	  .steps = { { SAYS(dropped) }, MAIN } },
	{ { "not blackhole by rule", FORWARDED(SLOT_OUT) },
	  .steps = { { TO_NET(10, 2), SAYS(dropped) }, MAIN } },
	{ { "no_route by rule is final", .verdict = VERDICT_no_route },
	  .steps = { { SAYS(no_route) }, MAIN } },
	{ { "forwarded by rule: nonsense", .verdict = VERDICT_stale },
	  .steps = { { SAYS(forwarded) }, MAIN } },
	{ { "slot by rule: nonsense", .verdict = VERDICT_stale },
	  .steps = { { .flags = POLICY_VERDICT, .arg = SLOT_OUT }, MAIN } },

	{ { "the table local comes first: local", TO("10.100.9.1"), VERDICT_local },
	  .steps = { { TABLE(4) } } },
	{ { "the table local comes first: broadcast", TO("10.100.8.1"), VERDICT_broadcast },
	  .steps = { { TABLE(4) } } },
	{ { "the table local comes first: multicast", TO("10.100.7.1"), VERDICT_multicast },
	  .steps = { { TABLE(4) } } },
	{ { "what the engine had no room for may be local", TO("10.100.26.1"), VERDICT_table_full },
	  .steps = { { TABLE(4) } } },
	{ { "what it does not know may be local", TO("10.100.27.1"), VERDICT_stale },
	  .steps = { { TABLE(4) } } },
	{ { "other verdicts of the engine do not", TO("10.100.15.1"), FORWARDED(SLOT_BIG) },
	  .steps = { { TABLE(4) } } },
};

#define MAYBE(what, ...)                                                                           \
	.flags = POLICY_##what | POLICY_VERDICT, .arg = VERDICT_policy_rule, __VA_ARGS__
#define PORTS(s, d)    .in = { .sport = s, .dport = d }
#define TCP(...)       .in = { .protocol = 6, .sport = 1000, .dport = 80, ##__VA_ARGS__ }
#define WEB	       TCP()
#define FIRST_FRAGMENT .patch = { { AT_FRAG, 0x20 } }
#define LATER_FRAGMENT .patch = { { AT_FRAG + 1, 0x10 } }
#define DPORT_22       { MAYBE(DPORT, .dport = { 22, 22 }) }, MAIN

/* What may match falls back, what cannot goes on. */
static const struct policy_row possible[] = {
	{ { "tos", PATCH({ 15, 0x10 }), VERDICT_policy_rule },
	  .steps = { { MAYBE(TOS, .tos = 0x10) }, MAIN } },
	{ { "another tos", PATCH({ 15, 0x08 }), FORWARDED(SLOT_OUT) },
	  .steps = { { MAYBE(TOS, .tos = 0x10) }, MAIN } },
	{ { "tos, bits some kernels leave out", PATCH({ 15, 0xf3 }), VERDICT_policy_rule },
	  .steps = { { MAYBE(TOS, .tos = 0x10) }, MAIN } },
	{ { "tos, lowest bit that counts", PATCH({ 15, 0x14 }), FORWARDED(SLOT_OUT) },
	  .steps = { { MAYBE(TOS, .tos = 0x10) }, MAIN } },
	{ { "protocol", WEB, VERDICT_policy_rule },
	  .steps = { { MAYBE(PROTOCOL, .protocol = 6) }, MAIN } },
	{ { "protocol, and a tos without its flag", WEB, VERDICT_policy_rule },
	  .steps = { { MAYBE(PROTOCOL, .protocol = 6, .tos = 8) }, MAIN } },
	{ { "another protocol", FORWARDED(SLOT_OUT) },
	  .steps = { { MAYBE(PROTOCOL, .protocol = 6) }, MAIN } },
	{ { "protocol of a fragment", .in = { LATER_FRAGMENT }, FORWARDED(SLOT_OUT) },
	  .steps = { { MAYBE(PROTOCOL, .protocol = 6) }, MAIN } },
	{ { "dport", PORTS(1, 22), VERDICT_policy_rule }, .steps = { DPORT_22 } },
	{ { "dport, not sport", PORTS(22, 1), FORWARDED(SLOT_OUT) }, .steps = { DPORT_22 } },
	{ { "dport below", PORTS(1, 21), FORWARDED(SLOT_OUT) }, .steps = { DPORT_22 } },
	{ { "dport above", PORTS(1, 23), FORWARDED(SLOT_OUT) }, .steps = { DPORT_22 } },
	{ { "sport, first", PORTS(0x1234, 9), VERDICT_policy_rule },
	  .steps = { { MAYBE(SPORT, .sport = { 0x1234, 0x2234 }) }, MAIN } },
	{ { "sport, last", PORTS(0x2234, 9), VERDICT_policy_rule },
	  .steps = { { MAYBE(SPORT, .sport = { 0x1234, 0x2234 }) }, MAIN } },
	{ { "sport below", PORTS(0x1233, 0x1300), FORWARDED(SLOT_OUT) },
	  .steps = { { MAYBE(SPORT, .sport = { 0x1234, 0x2234 }) }, MAIN } },
	{ { "sport above", PORTS(0x2235, 0x1300), FORWARDED(SLOT_OUT) },
	  .steps = { { MAYBE(SPORT, .sport = { 0x1234, 0x2234 }) }, MAIN } },
	{ { "port 0 may be any", PORTS(0, 1), VERDICT_policy_rule },
	  .steps = { { MAYBE(SPORT, .sport = { 7, 7 }) }, MAIN } },
	{ { "first fragment may have any", TCP(FIRST_FRAGMENT), VERDICT_policy_rule },
	  .steps = { DPORT_22 } },
	{ { "later fragment may have any", TCP(LATER_FRAGMENT), VERDICT_policy_rule },
	  .steps = { DPORT_22 } },
	{ { "no room for ports", TCP(.payload = 3), VERDICT_policy_rule }, .steps = { DPORT_22 } },
	{ { "no room, padded", TCP(.payload = 3, .padding = 20), VERDICT_policy_rule },
	  .steps = { DPORT_22 } },
	{ { "just room for ports", TCP(.payload = 4), FORWARDED(SLOT_OUT) },
	  .steps = { DPORT_22 } },
	{ { "protocol without ports", .in = { .protocol = 1, .sport = 1, .dport = 1 },
	    VERDICT_policy_rule },
	  .steps = { DPORT_22 } },
	{ { "all of it", TCP(.dst = "10.1.0.1"), VERDICT_policy_rule },
	  .steps = { { MAYBE(TOS | POLICY_PROTOCOL | POLICY_SPORT | POLICY_DPORT, .protocol = 6,
			     .sport = { 1000, 1000 }, .dport = { 80, 80 }) },
		     MAIN } },
	{ { "all but the address", WEB, FORWARDED(SLOT_OUT) },
	  .steps = { { MAYBE(PROTOCOL, .protocol = 6, FROM_NET(192, 1)) }, MAIN } },
	{ { "all but the port it came by", WEB, FORWARDED(SLOT_OUT) },
	  .steps = { { MAYBE(PROTOCOL, .protocol = 6, .port = PORT_OUT) }, MAIN } },
	{ { "all but the dport", WEB, FORWARDED(SLOT_OUT) },
	  .steps = { { MAYBE(PROTOCOL | POLICY_SPORT | POLICY_DPORT, .protocol = 6,
			     .sport = { 1000, 1000 }, .dport = { 81, 81 }) },
		     MAIN } },
	{ { "all but the sport", WEB, FORWARDED(SLOT_OUT) },
	  .steps = { { MAYBE(SPORT | POLICY_DPORT, .sport = { 1001, 1001 }, .dport = { 80, 80 }) },
		     MAIN } },
	{ { "not tos and address: tos differs", .verdict = VERDICT_policy_rule },
	  .steps = { { MAYBE(TOS | POLICY_INVERT, .tos = 0x10, TO_NET(10, 1)) }, MAIN } },
	{ { "not tos and address: both hold", PATCH({ 15, 0x10 }), VERDICT_policy_rule },
	  .steps = { { MAYBE(TOS | POLICY_INVERT, .tos = 0x10, TO_NET(10, 1)) }, MAIN } },
	{ { "fields without their flags", WEB, FORWARDED(SLOT_JUMBO) },
	  .steps = { { .tos = 8, .protocol = 1, .sport = { 5, 6 }, .dport = { 7, 8 }, TABLE(1) },
		     MAIN } },
};

static void strict(struct lab *l)
{
	l->ports[PORT_IN].flags |= PORT_RP_FILTER | PORT_HAS_ADDRESS;
}

static void loose(struct lab *l)
{
	strict(l);
	l->ports[PORT_IN].flags |= PORT_RP_LOOSE;
}

static void check(struct lab *l)
{
	l->control->flags = CONTROL_CHECK_SOURCE;
}

/* The way back: asked as by the egress port, with everything else exchanged. */
static const struct policy_row back[] = {
	{ { "strict, table of all", FORWARDED(SLOT_JUMBO), .change = strict },
	  .steps = { { TABLE(1) } } },
	{ { "strict, table for the way there", .verdict = VERDICT_rp_filter, .change = strict },
	  .steps = { { TO_NET(10, 1), TABLE(1) }, MAIN } },
	{ { "strict, table for the way back", FORWARDED(SLOT_OUT), .change = strict },
	  .steps = { { FROM_NET(10, 1), TABLE(1) }, MAIN } },
	{ { "strict, by the egress port", FORWARDED(SLOT_OUT), .change = strict },
	  .steps = { { .port = PORT_OUT, TABLE(1) }, MAIN } },
	{ { "strict, by the ingress port", .verdict = VERDICT_rp_filter, .change = strict },
	  .steps = { { .port = PORT_IN, TABLE(1) }, MAIN } },
	{ { "strict, egress of the table", FORWARDED(SLOT_JUMBO), .change = strict },
	  .steps = { { .port = PORT_IN, TABLE(1) }, { .port = PORT_JUMBO, TABLE(1) }, MAIN } },
	{ { "loose, no way back", .verdict = VERDICT_rp_filter, .change = loose },
	  .steps = { { TO_NET(10, 1), TABLE(1) } } },
	{ { "loose, another way back", FORWARDED(SLOT_OUT), .change = loose },
	  .steps = { { FROM_NET(10, 1), TABLE(4) }, MAIN } },
	{ { "strict, source is local", FROM("10.100.9.1"), VERDICT_martian, .change = strict },
	  .steps = { MAIN, { TABLE(4) } } },
	{ { "strict, the rule may concern the way back", WEB, VERDICT_rp_filter, .change = strict },
	  .steps = { { MAYBE(SPORT, .sport = { 80, 80 }) }, { TABLE(1) } } },
	{ { "strict, the rule cannot", WEB, FORWARDED(SLOT_JUMBO), .change = strict },
	  .steps = { { MAYBE(SPORT, .sport = { 81, 81 }) }, { TABLE(1) } } },
	{ { "strict, dport back may", WEB, VERDICT_rp_filter, .change = strict },
	  .steps = { { MAYBE(DPORT, .dport = { 1000, 1000 }) }, { TABLE(1) } } },
	{ { "strict, protocol back may", WEB, VERDICT_rp_filter, .change = strict },
	  .steps = { { MAYBE(PROTOCOL, .protocol = 6, .port = PORT_JUMBO) }, { TABLE(1) } } },
	{ { "strict, tos back may", PATCH({ 15, 8 }), VERDICT_rp_filter, .change = strict },
	  .steps = { { MAYBE(TOS, .tos = 8, .port = PORT_JUMBO) }, { TABLE(1) } } },
	{ { "check, no way back", FORWARDED(SLOT_JUMBO), .change = check },
	  .steps = { { TO_NET(10, 1), TABLE(1) } } },
	{ { "check, a way back", FORWARDED(SLOT_OUT), .change = check },
	  .steps = { { FROM_NET(10, 1), TABLE(1) }, MAIN } },
	{ { "check, local back", FROM("10.100.9.1"), VERDICT_martian, .change = check },
	  .steps = { MAIN } },
	{ { "check, a rule says unreachable back", .verdict = VERDICT_martian, .change = check },
	  .steps = { { FROM_NET(10, 1), SAYS(unreachable) }, MAIN } },
};

static void test_selectors(void **state)
{
	(void)state;
	rows_apply(selectors, sizeof(selectors) / sizeof(selectors[0]));
}

static void test_possible(void **state)
{
	(void)state;
	rows_apply(possible, sizeof(possible) / sizeof(possible[0]));
}

static void test_back(void **state)
{
	(void)state;
	rows_apply(back, sizeof(back) / sizeof(back[0]));
}

static uint32_t steps_now;

/* Only the last of all steps leads anywhere. */
static void last_step(struct lab *l)
{
	struct policy_step steps[POLICY_STEPS];

	for (uint32_t i = 0; i < POLICY_STEPS; i++)
		steps[i] = (struct policy_step){ TABLE(i == POLICY_STEPS - 1 ? 1 : 3) };
	lab_policy_set(l, steps, POLICY_STEPS);
	l->control->policy_steps = steps_now;
}

static void test_steps(void **state)
{
	static const struct row none = { "no steps", FORWARDED(SLOT_OUT), last_step };
	static const struct row all = { "all steps", FORWARDED(SLOT_JUMBO), last_step };
	static const struct row fewer = { "all but one", .verdict = VERDICT_no_route,
					  .change = last_step };

	(void)state;
	steps_now = 0;
	row_run(&none);
	steps_now = POLICY_STEPS;
	row_run(&all);
	steps_now = UINT32_MAX; /* nonsense, which does no harm */
	row_run(&all);
	steps_now = POLICY_STEPS - 1;
	row_run(&fewer);
}

/* Policy rules by a macvlan device are by its port. */
static void by_upper(struct lab *l)
{
	static const struct policy_step steps[] = { { .port = PORT_UPPER, TABLE(1) }, MAIN };

	lab_upper(l);
	lab_policy_set(l, steps, 2);
}

static void by_lower(struct lab *l)
{
	static const struct policy_step steps[] = { { .port = PORT_IN, TABLE(1) }, MAIN };

	lab_upper(l);
	lab_policy_set(l, steps, 2);
}

/* Back by the macvlan device, and so asked by it too: the sender is behind a gateway. */
static void back_by_upper(struct lab *l)
{
	static const struct policy_step steps[] = { { .port = PORT_UPPER, TABLE(5) }, MAIN };

	lab_upper(l);
	lab_policy_set(l, steps, 2);
	l->ports[PORT_UPPER].flags |= PORT_SEND_REDIRECTS;
}

static void test_upper(void **state)
{
	static const struct row rows[] = {
		{ "by the macvlan device", .in = { .to_port = PORT_UPPER }, FORWARDED(SLOT_JUMBO),
		  by_upper },
		{ "to the port, rule for the macvlan device", FORWARDED(SLOT_OUT), by_upper },
		{ "no redirect by the rule for the macvlan device",
		  .in = { .to_port = PORT_UPPER, .dst = "10.17.0.1" }, FORWARDED(SLOT_UPPER),
		  back_by_upper },
		{ "rule for the port", .in = { .to_port = PORT_UPPER }, FORWARDED(SLOT_OUT),
		  by_lower },
	};

	(void)state;
	rows_run(rows, sizeof(rows) / sizeof(rows[0]));
}

int run_policy(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_selectors), cmocka_unit_test(test_possible),
		cmocka_unit_test(test_back),	  cmocka_unit_test(test_steps),
		cmocka_unit_test(test_upper),
	};

	return cmocka_run_group_tests_name("policy", tests, NULL, NULL);
}
