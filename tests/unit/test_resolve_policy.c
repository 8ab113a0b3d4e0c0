// SPDX-License-Identifier: GPL-2.0-only
/* Policy rules, row by row: what each comes to as a step, and which cannot be followed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <linux/fib_rules.h>
#include "daemon/mirror_internal.h"
#include "daemon/resolve.h"
#include "support_events.h"
#include "support_recorder.h"

static const char *const verdict_names[] = {
#define X(name, meaning) #name,
	VERDICTS(X)
#undef X
};

static void apply(struct mirror *mirror, const struct event *ev)
{
	assert_int_equal(mirror_apply(mirror, ev), 0);
}

static struct mirror *base(void)
{
	struct mirror *mirror = mirror_new();
	struct event *ev;

	assert_non_null(mirror);
	world_base(mirror, EVENT_DUMP);
	ev = ev_link(EVENT_NEW, 1, LINK_RUNS | IFF_LOOPBACK);
	snprintf(ev->link.name, sizeof(ev->link.name), "lo");
	apply(mirror, ev);
	ev = ev_link(EVENT_NEW, 6, LINK_RUNS);
	ev->link.mac_len = 0; /* a tunnel: packets that it brings are not seen */
	ev->link.type = ARPHRD_NONE;
	apply(mirror, ev);
	return mirror;
}

static int setup(void **state)
{
	*state = base();
	return 0;
}

static int teardown(void **state)
{
	mirror_destroy(*state);
	return 0;
}

/* "iif2 from 10.0.0.0/8>100 | >main", "plain", or the verdict for everything. */
static const char *text_of(const struct mirror *mirror)
{
	static char text[2048];
	char prefix[PREFIX_STRLEN];
	struct resolved_policy policy;
	size_t n = 0;

#define PUT(...) (n += snprintf(text + n, sizeof(text) - n, __VA_ARGS__))
	resolve_policy(mirror, &policy);
	text[0] = '\0';
	assert_false(policy.plain && (policy.n || policy.verdict));
	assert_false(policy.verdict && policy.n);
	assert_true(policy.plain || policy.verdict || policy.n);
	if (policy.plain)
		return "plain";
	if (policy.verdict)
		return verdict_names[policy.verdict];
	for (unsigned int i = 0; i < policy.n; i++) {
		const struct resolved_rule *r = &policy.rules[i];

		PUT("%s%s", i ? " | " : "", r->flags & POLICY_INVERT ? "not " : "");
		if (r->iif)
			PUT("iif%u ", r->iif);
		if (r->src.len)
			PUT("from %s ", prefix_format(r->src, prefix));
		if (r->dst.len)
			PUT("to %s ", prefix_format(r->dst, prefix));
		if (r->flags & POLICY_TOS)
			PUT("tos %u ", r->tos);
		if (r->flags & POLICY_PROTOCOL)
			PUT("proto %u ", r->protocol);
		if (r->flags & POLICY_SPORT)
			PUT("sport %u-%u ", r->sport[0], r->sport[1]);
		if (r->flags & POLICY_DPORT)
			PUT("dport %u-%u ", r->dport[0], r->dport[1]);
		if (r->flags & POLICY_VERDICT)
			PUT(">%s", verdict_names[r->verdict]);
		else if (r->table == RT_TABLE_MAIN)
			PUT(">main");
		else
			PUT(">%u", r->table);
		assert_int_equal(r->table == 0, (r->flags & POLICY_VERDICT) != 0);
	}
#undef PUT
	return text;
}

/* One rule of priority 100 to table 100, changed, between those that the kernel starts with. */
#define ONE(change, expected)                                                                      \
	do {                                                                                       \
		struct mirror *m = base();                                                         \
		struct event_rule *r = &ev_rule(EVENT_NEW, 100, 100)->rule;                        \
		change;                                                                            \
		apply(m, (struct event *)((char *)r - offsetof(struct event, rule)));              \
		assert_string_equal(text_of(m), expected);                                         \
		mirror_destroy(m);                                                                 \
	} while (0)

#define IIF(name) snprintf(r->iif, sizeof(r->iif), name)
#define NOT	  (r->flags = FIB_RULE_INVERT)

static void test_conditions(void **state)
{
	(void)state;
	ONE(, ">100 | >main");
	ONE(IIF("eth2"), "iif2 >100 | >main");
	ONE(r->src = prefix_of("10.0.0.0/8"), "from 10.0.0.0/8 >100 | >main");
	ONE(r->dst = prefix_of("10.0.0.0/8"), "to 10.0.0.0/8 >100 | >main");
	ONE(r->fwmask = 0xff, ">100 | >main"); /* mark 0: what has none */
	ONE(r->fwmark = 1; r->fwmask = 2, ">100 | >main");
	ONE(NOT; IIF("eth2"), "not iif2 >100 | >main");
	ONE(NOT; r->src = prefix_of("10.0.0.0/8"), "not from 10.0.0.0/8 >100 | >main");
	ONE(NOT; r->dst = prefix_of("10.0.0.0/8"), "not to 10.0.0.0/8 >100 | >main");
	ONE(r->table = RT_TABLE_MAIN; IIF("eth2"), "iif2 >main | >main");
	ONE(r->table = RT_TABLE_MAIN, "plain");
}

#define MARKS(change, expected)                                                                    \
	do {                                                                                       \
		struct mirror *m = base();                                                         \
		struct event_rule *r = &ev_rule(EVENT_NEW, 100, 100)->rule;                        \
		change;                                                                            \
		apply(m, (struct event *)((char *)r - offsetof(struct event, rule)));              \
		assert_int_equal(resolve_marks_matter(m), expected);                               \
		mirror_destroy(m);                                                                 \
	} while (0)

static void test_marks(void **state)
{
	(void)state;
	MARKS(, false);
	MARKS(IIF("eth2"), false);
	MARKS(r->fwmark = r->fwmask = 1, true);
	MARKS(r->fwmask = 0xff, true); /* what has a mark does not match */
	MARKS(NOT; r->fwmark = r->fwmask = 1, true);
}

/* Not what a forwarded packet is: left out, or sure to match where the rule says "not". */
static void test_never(void **state)
{
	(void)state;
	ONE(r->fwmark = r->fwmask = 1, "plain");
	ONE(r->l3mdev = true; r->table = 0, "plain");
	ONE(snprintf(r->oif, sizeof(r->oif), "eth2"), "plain");
	ONE(IIF("eth9"); r->flags = FIB_RULE_IIF_DETACHED, "plain");
	ONE(IIF("lo"), "plain");
	ONE(IIF("eth6"), "plain");
	ONE(NOT, "plain");
	ONE(r->action = FR_ACT_NOP, "plain");
	ONE(r->table = RT_TABLE_DEFAULT, "plain"); /* it is empty */
	ONE(NOT; r->fwmark = r->fwmask = 1, ">100 | >main");
	ONE(NOT; r->fwmark = r->fwmask = 1; IIF("eth2"), ">100 | >main");
	ONE(NOT; r->fwmark = r->fwmask = 1; r->tos = 4, ">100 | >main");
	ONE(NOT; r->fwmask = 1, "plain");
	ONE(NOT; snprintf(r->oif, sizeof(r->oif), "eth2"), ">100 | >main");
	ONE(IIF("eth9"); r->flags = FIB_RULE_IIF_DETACHED | FIB_RULE_INVERT, ">100 | >main");
	ONE(NOT; IIF("lo"), ">100 | >main");
}

/* What is not certain falls back for all that may match, and for nothing else. */
static void test_possible(void **state)
{
	(void)state;
	ONE(r->tos = 16, "tos 16 >policy_rule | >main");
	ONE(r->protocol = 6; IIF("eth2"), "iif2 proto 6 >policy_rule | >main");
	ONE(r->sport[0] = 5; r->sport[1] = 7, "sport 5-7 >policy_rule | >main");
	ONE(r->dport[0] = r->dport[1] = 53;
	    r->src = prefix_of("10.0.0.0/8"), "from 10.0.0.0/8 dport 53-53 >policy_rule | >main");
	ONE(r->other = true, ">policy_rule");
	ONE(r->other = true;
	    r->dst = prefix_of("10.0.0.0/8"), "to 10.0.0.0/8 >policy_rule | >main");
	ONE(IIF("altname"), ">policy_rule"); /* attached, and no device has that name */
	ONE(r->flags = 1 << 9; IIF("eth2"), "iif2 >policy_rule | >main");
	ONE(NOT; r->tos = 16; IIF("eth2"), ">policy_rule");
	ONE(NOT; r->other = true; r->src = prefix_of("10.0.0.0/8"), ">policy_rule");
	ONE(NOT; IIF("altname"), ">policy_rule");
	ONE(NOT; r->sport[1] = 9, ">policy_rule");
}

static void test_actions(void **state)
{
	(void)state;
	ONE(r->action = FR_ACT_BLACKHOLE; IIF("eth2"), "iif2 >dropped | >main");
	ONE(r->action = FR_ACT_UNREACHABLE; IIF("eth2"), "iif2 >unreachable | >main");
	ONE(r->action = FR_ACT_PROHIBIT, ">prohibit");
	ONE(r->action = FR_ACT_BLACKHOLE; r->tos = 4, "tos 4 >policy_rule | >main");
	ONE(r->action = FR_ACT_GOTO; IIF("eth2"), "iif2 >policy_rule | >main");
	ONE(r->action = FR_ACT_RES3, ">policy_rule");
	ONE(r->table = RT_TABLE_LOCAL; IIF("eth2"), "iif2 >policy_rule | >main");
	ONE(r->table = 0; IIF("eth2"), "iif2 >policy_rule | >main");
}

/* The table local has to be asked first. What no table was asked for has no route. */
static void test_what_must_be_there(void **state)
{
	struct mirror *mirror = *state;
	struct event *ev;

	apply(mirror, ev_rule(EVENT_NEW, 0, 100)); /* behind its equal */
	assert_string_equal(text_of(mirror), ">100 | >main");
	apply(mirror, ev_rule(EVENT_DEL, 0, RT_TABLE_LOCAL));
	assert_string_equal(text_of(mirror), "policy_rule");
	apply(mirror, ev_rule(EVENT_NEW, 0, RT_TABLE_LOCAL));
	assert_string_equal(text_of(mirror), "policy_rule");
	apply(mirror, ev_rule(EVENT_DEL, 0, 100));
	assert_string_equal(text_of(mirror), "plain");
	apply(mirror, ev_rule(EVENT_DEL, 0, RT_TABLE_LOCAL));
	ev = ev_rule(EVENT_NEW, 0, RT_TABLE_LOCAL);
	ev->rule.src = prefix_of("10.0.0.0/8");
	apply(mirror, ev);
	assert_string_equal(text_of(mirror), "policy_rule");
	ev->op = EVENT_DEL;
	apply(mirror, ev);
	apply(mirror, ev_rule(EVENT_NEW, 10, RT_TABLE_LOCAL));
	assert_string_equal(text_of(mirror), "plain");
	apply(mirror, ev_rule(EVENT_DEL, 32766, RT_TABLE_MAIN));
	assert_string_equal(text_of(mirror), ">no_route");
	apply(mirror, ev_rule(EVENT_NEW, 50, 100));
	assert_string_equal(text_of(mirror), ">100 | >no_route");
	ev = ev_rule(EVENT_NEW, 55, RT_TABLE_MAIN);
	snprintf(ev->rule.iif, sizeof(ev->rule.iif), "eth2");
	apply(mirror, ev);
	assert_string_equal(text_of(mirror), ">100 | iif2 >main | >no_route");
	ev->op = EVENT_DEL;
	apply(mirror, ev);
	ev = ev_rule(EVENT_NEW, 60, 0);
	ev->rule.action = FR_ACT_PROHIBIT; /* main would not be reached */
	apply(mirror, ev);
	assert_string_equal(text_of(mirror), ">100 | >prohibit");
}

/* As it is advised for VRFs. */
static void test_local_behind_l3mdev(void **state)
{
	struct mirror *mirror = *state;
	struct event *ev = ev_rule(EVENT_NEW, 1000, 0);

	ev->rule.l3mdev = true;
	apply(mirror, ev);
	apply(mirror, ev_rule(EVENT_NEW, 32765, RT_TABLE_LOCAL));
	apply(mirror, ev_rule(EVENT_DEL, 0, RT_TABLE_LOCAL));
	assert_string_equal(text_of(mirror), "plain");
	apply(mirror, ev_rule(EVENT_NEW, 999, 100));
	assert_string_equal(text_of(mirror), "policy_rule");
}

/* The engine has main and default as one. */
static void test_default_table(void **state)
{
	struct mirror *mirror = *state;
	struct event *ev = ev_route(EVENT_NEW, "20.0.0.0/8", 2, "10.0.2.1");

	ev->route.table = RT_TABLE_DEFAULT;
	apply(mirror, ev);
	assert_string_equal(text_of(mirror), "plain");
	apply(mirror, ev_rule(EVENT_NEW, 100, 100));
	assert_string_equal(text_of(mirror), ">100 | >main");
	apply(mirror, ev_rule(EVENT_NEW, 40000, 101));
	assert_string_equal(text_of(mirror), ">100 | >main | >101");
	ev = ev_rule(EVENT_NEW, 32766, 102); /* between the two */
	snprintf(ev->rule.iif, sizeof(ev->rule.iif), "eth2");
	apply(mirror, ev);
	assert_string_equal(text_of(mirror), ">100 | >policy_rule");
	snprintf(ev->rule.iif, sizeof(ev->rule.iif), "lo");
	ev->rule.flags = 0;
	apply(mirror, ev);
	ev = ev_rule(EVENT_DEL, 32766, 102);
	snprintf(ev->rule.iif, sizeof(ev->rule.iif), "eth2");
	apply(mirror, ev); /* that of lo never matches */
	assert_string_equal(text_of(mirror), ">100 | >main | >101");
	ev = ev_rule(EVENT_NEW, 50, RT_TABLE_DEFAULT); /* asked alone */
	snprintf(ev->rule.iif, sizeof(ev->rule.iif), "eth2");
	apply(mirror, ev);
	assert_string_equal(text_of(mirror), "iif2 >policy_rule | >100 | >main | >101");
	ev = ev_rule(EVENT_NEW, 60, RT_TABLE_MAIN); /* and main alone */
	ev->rule.tos = 4;
	apply(mirror, ev);
	assert_string_equal(text_of(mirror),
			    "iif2 >policy_rule | tos 4 >policy_rule | >100 | >main | >101");
	ev->rule.tos = 0;
	ev->rule.src = prefix_of("10.0.0.0/8");
	apply(mirror, ev);
	assert_string_equal(
		text_of(mirror),
		"iif2 >policy_rule | tos 4 >policy_rule | from 10.0.0.0/8 >policy_rule | "
		">100 | >main | >101");
	ev = ev_route(EVENT_DEL, "20.0.0.0/8", 2, "10.0.2.1");
	ev->route.table = RT_TABLE_DEFAULT;
	apply(mirror, ev);
	assert_string_equal(text_of(mirror),
			    "tos 4 >policy_rule | from 10.0.0.0/8 >main | >100 | >main | >101");
}

/* Both asked in a row, but not for the same. */
static void test_default_table_in_part(void **state)
{
	struct mirror *mirror = *state;
	struct event *ev = ev_route(EVENT_NEW, "20.0.0.0/8", 2, "10.0.2.1");

	ev->route.table = RT_TABLE_DEFAULT;
	apply(mirror, ev);
	apply(mirror, ev_rule(EVENT_NEW, 61, RT_TABLE_DEFAULT));
	assert_string_equal(text_of(mirror), ">policy_rule");
	ev = ev_rule(EVENT_NEW, 60, RT_TABLE_MAIN);
	ev->rule.dst = prefix_of("10.0.0.0/8");
	apply(mirror, ev);
	assert_string_equal(text_of(mirror), "to 10.0.0.0/8 >policy_rule | >policy_rule");
}

static void test_default_table_last(void **state)
{
	struct mirror *mirror = *state;
	struct event *ev = ev_route(EVENT_NEW, "20.0.0.0/8", 2, "10.0.2.1");

	ev->route.table = RT_TABLE_DEFAULT;
	apply(mirror, ev);
	apply(mirror, ev_rule(EVENT_DEL, 32767, RT_TABLE_DEFAULT));
	assert_string_equal(text_of(mirror), ">policy_rule");
	ev = ev_rule(EVENT_NEW, 32767, RT_TABLE_DEFAULT);
	ev->rule.dst = prefix_of("20.0.0.0/8");
	apply(mirror, ev);
	assert_string_equal(text_of(mirror), ">policy_rule");
	apply(mirror, ev_rule(EVENT_NEW, 32767, RT_TABLE_DEFAULT)); /* behind that one */
	assert_string_equal(text_of(mirror), ">policy_rule");
}

/* As many as there is room for, and one more. */
static void test_too_many(void **state)
{
	struct mirror *mirror = *state;
	struct resolved_policy policy;

	for (uint32_t i = 1; i < POLICY_STEPS; i++) {
		apply(mirror, ev_rule(EVENT_NEW, i, 100 + i));
		apply(mirror, ev_rule(EVENT_NEW, i, RT_TABLE_DEFAULT)); /* takes no place */
	}
	resolve_policy(mirror, &policy);
	assert_int_equal(policy.n, POLICY_STEPS);
	assert_int_equal(policy.verdict, 0);
	assert_int_equal(policy.rules[POLICY_STEPS - 1].table, RT_TABLE_MAIN);
	apply(mirror, ev_rule(EVENT_NEW, 1, 100));
	assert_string_equal(text_of(mirror), "policy_rule");
	apply(mirror, ev_rule(EVENT_DEL, 1, 100));
	/* The last place is that of no_route then. */
	apply(mirror, ev_rule(EVENT_DEL, 32766, RT_TABLE_MAIN));
	resolve_policy(mirror, &policy);
	assert_int_equal(policy.n, POLICY_STEPS);
	assert_int_equal(policy.rules[POLICY_STEPS - 1].verdict, VERDICT_no_route);
	apply(mirror, ev_rule(EVENT_NEW, 1, 100));
	assert_string_equal(text_of(mirror), "policy_rule");
}

/* Devices come, go and change their names. */
static void test_names(void **state)
{
	struct mirror *mirror = *state;
	struct event *ev = ev_rule(EVENT_NEW, 100, 100);

	snprintf(ev->rule.iif, sizeof(ev->rule.iif), "eth9");
	ev->rule.flags = FIB_RULE_IIF_DETACHED;
	apply(mirror, ev);
	assert_string_equal(text_of(mirror), "plain");
#define DIRTY(expected)                                                                            \
	do {                                                                                       \
		assert_int_equal(mirror->dirty.rules, expected);                                   \
		mirror->dirty.rules = false;                                                       \
	} while (0)
	DIRTY(true);
	apply(mirror, ev_link(EVENT_NEW, 8, LINK_RUNS));
	DIRTY(false);
	apply(mirror, ev_link(EVENT_NEW, 9, LINK_RUNS));
	DIRTY(true);
	assert_string_equal(text_of(mirror), "iif9 >100 | >main");
	ev = ev_link(EVENT_NEW, 9, LINK_RUNS);
	snprintf(ev->link.name, sizeof(ev->link.name), "wan");
	apply(mirror, ev);
	DIRTY(true);
	assert_string_equal(text_of(mirror), "plain");
	ev = ev_link(EVENT_NEW, 8, LINK_RUNS);
	snprintf(ev->link.name, sizeof(ev->link.name), "eth9");
	apply(mirror, ev);
	DIRTY(true);
	assert_string_equal(text_of(mirror), "iif8 >100 | >main");
	apply(mirror, ev_link(EVENT_DEL, 8, 0));
	DIRTY(true);
	assert_string_equal(text_of(mirror), "plain");
	apply(mirror, ev_link(EVENT_NEW, 9, LINK_RUNS));
	DIRTY(true);
	mirror_resync_begin(mirror);
	world_base(mirror, EVENT_DUMP);
	ev = ev_rule(EVENT_DUMP, 100, 100);
	snprintf(ev->rule.iif, sizeof(ev->rule.iif), "eth9");
	apply(mirror, ev);
	DIRTY(true); /* attached, but to none that this dump has shown */
	mirror_resync_end(mirror);
	DIRTY(false);
	assert_string_equal(text_of(mirror), ">policy_rule");
#undef DIRTY
}

static void say_name(struct mirror *mirror, int op, uint32_t ifindex, const char *name)
{
	struct event *ev = ev_link(op, ifindex, LINK_RUNS);

	snprintf(ev->link.name, sizeof(ev->link.name), "%s", name);
	apply(mirror, ev);
}

static void say_rule(struct mirror *mirror, int op, const char *name, uint32_t flags)
{
	struct event *ev = ev_rule(op, 100, 100);

	snprintf(ev->rule.iif, sizeof(ev->rule.iif), "%s", name);
	ev->rule.flags = flags;
	apply(mirror, ev);
}

static void dump(struct mirror *mirror, const char *name, uint32_t flags)
{
	mirror_resync_begin(mirror);
	world_base(mirror, EVENT_DUMP);
	say_name(mirror, EVENT_DUMP, 9, "wan");
	say_rule(mirror, EVENT_DUMP, name, flags);
	mirror_resync_end(mirror);
}

/* Attached by an alternative name, which is another device's own by now. */
static void test_names_of_the_past(void **state)
{
	struct mirror *mirror = *state;

	say_rule(mirror, EVENT_NEW, "wan", 0);
	assert_string_equal(text_of(mirror), ">policy_rule");
	say_name(mirror, EVENT_NEW, 9, "wan");
	assert_string_equal(text_of(mirror), ">policy_rule");
	dump(mirror, "wan", 0);
	mirror_replay_end(mirror);
	assert_string_equal(text_of(mirror), ">policy_rule");
	/* The kernel told; other rules could have led it there. */
	mirror_set_rule_iif(mirror, mirror_rules(mirror)->next, 9);
	assert_string_equal(text_of(mirror), "iif9 >100 | >main");
	apply(mirror, ev_rule(EVENT_NEW, 200, 100));
	assert_string_equal(text_of(mirror), ">policy_rule");
	apply(mirror, ev_rule(EVENT_DEL, 200, 100));
	/* Its device was renamed: no device has it, though one has the name. */
	dump(mirror, "wan", FIB_RULE_IIF_DETACHED);
	mirror_replay_end(mirror);
	assert_string_equal(text_of(mirror), "plain");
	say_name(mirror, EVENT_NEW, 9, "wan");
	assert_string_equal(text_of(mirror), "plain");
	say_name(mirror, EVENT_NEW, 9, "lan");
	say_name(mirror, EVENT_NEW, 9, "wan");
	assert_string_equal(text_of(mirror), "iif9 >100 | >main");
	dump(mirror, "wan", 0);
	assert_string_equal(text_of(mirror), "iif9 >100 | >main");
	/* Late news of a time before the dump. */
	say_name(mirror, EVENT_NEW, 9, "lan");
	say_name(mirror, EVENT_NEW, 9, "wan");
	assert_string_equal(text_of(mirror), ">policy_rule");
	assert_true(mirror_wants_resync(mirror, NULL));
	dump(mirror, "wan", 0);
	mirror_replay_end(mirror);
	assert_string_equal(text_of(mirror), "iif9 >100 | >main");
	/* What is not known to be the same rule still. */
	mirror_lost(mirror);
	dump(mirror, "wan", 0);
	assert_string_equal(text_of(mirror), ">policy_rule");
	mirror_replay_end(mirror);
	mirror_lost(mirror);
	say_rule(mirror, EVENT_DEL, "wan", 0);
	say_rule(mirror, EVENT_NEW, "wan", 0); /* whose name it was then was lost, maybe */
	assert_string_equal(text_of(mirror), ">policy_rule");
}

#define NOT_PLAIN(change)                                                                          \
	do {                                                                                       \
		ev = ev_rule(EVENT_DEL, 32766, RT_TABLE_MAIN);                                     \
		apply(mirror, ev);                                                                 \
		assert_false(resolve_rules_plain(mirror));                                         \
		ev = ev_rule(EVENT_NEW, 32766, RT_TABLE_MAIN);                                     \
		change;                                                                            \
		apply(mirror, ev);                                                                 \
		assert_false(resolve_rules_plain(mirror));                                         \
		ev->op = EVENT_DEL;                                                                \
		apply(mirror, ev);                                                                 \
		apply(mirror, ev_rule(EVENT_NEW, 32766, RT_TABLE_MAIN));                           \
		assert_true(resolve_rules_plain(mirror));                                          \
	} while (0)

static void test_plain(void **state)
{
	struct mirror *mirror = *state;
	struct event *ev;

	assert_true(resolve_rules_plain(mirror));
	NOT_PLAIN(ev->rule.fwmark = 1);
	NOT_PLAIN(ev->rule.fwmask = 1);
	NOT_PLAIN(ev->rule.tos = 4);
	NOT_PLAIN(ev->rule.src = prefix_of("10.0.0.0/8"));
	NOT_PLAIN(ev->rule.dst = prefix_of("10.0.0.0/8"));
	NOT_PLAIN(ev->rule.iif[0] = 'e');
	NOT_PLAIN(ev->rule.oif[0] = 'e');
	NOT_PLAIN(ev->rule.l3mdev = true);
	NOT_PLAIN(ev->rule.other = true);
	NOT_PLAIN(ev->rule.protocol = 6);
	NOT_PLAIN(ev->rule.sport[1] = 6);
	NOT_PLAIN(ev->rule.dport[1] = 6);
	NOT_PLAIN(ev->rule.flags = FIB_RULE_INVERT);
	NOT_PLAIN(ev->rule.action = FR_ACT_BLACKHOLE);
	NOT_PLAIN(ev->rule.table = 100);
	NOT_PLAIN(ev->rule.priority = 100);
}

static void test_hold(void **state)
{
	struct mirror *mirror = *state;

	assert_int_equal(resolve_hold(mirror), 0);
	assert_true(resolve_rules_plain(mirror));
	apply(mirror, ev_rule(EVENT_NEW, 100, RT_TABLE_MAIN));
	assert_false(resolve_rules_plain(mirror));
	assert_int_equal(resolve_hold(mirror), 0);
	apply(mirror, ev_rule(EVENT_DEL, 0, RT_TABLE_LOCAL));
	assert_int_equal(resolve_hold(mirror), VERDICT_policy_rule);
	mirror_set_hold(mirror, VERDICT_netfilter);
	assert_int_equal(resolve_hold(mirror), VERDICT_netfilter);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_conditions),
		TEST(test_never),
		TEST(test_marks),
		TEST(test_possible),
		TEST(test_actions),
		TEST(test_what_must_be_there),
		TEST(test_local_behind_l3mdev),
		TEST(test_default_table),
		TEST(test_default_table_in_part),
		TEST(test_default_table_last),
		TEST(test_too_many),
		TEST(test_names),
		TEST(test_names_of_the_past),
		TEST(test_plain),
		TEST(test_hold),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
