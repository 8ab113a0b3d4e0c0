// SPDX-License-Identifier: GPL-2.0-only
/* The mirror's rules in the kernel's order, and what becomes dirty by them, or by rare routes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <linux/fib_rules.h>
#include "daemon/mirror_internal.h"
#include "support_events.h"
#include "support_recorder.h"

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

/* ---- rules ------------------------------------------------------------------------------------- */

/* The tables of the rules in their order: "255 100 254 253". */
static const char *rules(struct mirror *mirror)
{
	static char text[128];
	size_t n = 0;

	text[0] = '\0';
	for (const struct mirror_rule *r = mirror_rules(mirror); r; r = r->next)
		n += snprintf(text + n, sizeof(text) - n, "%s%u", n ? " " : "", r->e.table);
	return text;
}

static bool rules_dirty(struct mirror *mirror)
{
	bool dirty = mirror->dirty.rules;

	mirror->dirty.rules = false;
	return dirty;
}

static void test_rule_order(void **state)
{
	struct mirror *mirror = *state;

	assert_string_equal(rules(mirror), "255 254 253");
	apply(mirror, ev_rule(EVENT_NEW, 100, 3));
	apply(mirror, ev_rule(EVENT_NEW, 50, 2));
	apply(mirror, ev_rule(EVENT_NEW, 100, 4));
	apply(mirror, ev_rule(EVENT_NEW, 0, 1));
	apply(mirror, ev_rule(EVENT_NEW, 40000, 5));
	assert_string_equal(rules(mirror), "255 1 2 3 4 254 253 5");
	rules_dirty(mirror);
	apply(mirror, ev_rule(EVENT_DEL, 100, 5));
	assert_false(rules_dirty(mirror));
	apply(mirror, ev_rule(EVENT_DEL, 100, 3));
	assert_true(rules_dirty(mirror));
	assert_string_equal(rules(mirror), "255 1 2 4 254 253 5");
	apply(mirror, ev_rule(EVENT_NEW, 100, 3));
	assert_true(rules_dirty(mirror));
	assert_string_equal(rules(mirror), "255 1 2 4 3 254 253 5");
}

static void test_rule_dump(void **state)
{
	static const uint32_t orders[][4] = { { 1, 2, 3, 4 }, { 4, 3, 2, 1 }, { 2, 4, 1, 3 } };
	struct mirror *mirror = *state;
	char expected[64];

	for (uint32_t t = 1; t <= 4; t++)
		apply(mirror, ev_rule(EVENT_NEW, 100, t));
	mirror_replay_end(mirror);
	rules_dirty(mirror);
	for (size_t o = 0; o < 3; o++) {
		mirror_resync_begin(mirror);
		apply(mirror, ev_rule(EVENT_DUMP, 0, 255));
		for (int i = 0; i < 4; i++)
			apply(mirror, ev_rule(EVENT_DUMP, 100, orders[o][i]));
		apply(mirror, ev_rule(EVENT_DUMP, 32766, 254));
		apply(mirror, ev_rule(EVENT_DUMP, 32767, 253));
		mirror_resync_end(mirror);
		snprintf(expected, sizeof(expected), "255 %u %u %u %u 254 253", orders[o][0],
			 orders[o][1], orders[o][2], orders[o][3]);
		assert_string_equal(rules(mirror), expected);
		assert_int_equal(rules_dirty(mirror), o > 0);
		/* What was announced before the dump is no news. */
		apply(mirror, ev_rule(EVENT_NEW, 100, 1));
		assert_string_equal(rules(mirror), expected);
		mirror_replay_end(mirror);
	}
	mirror_resync_begin(mirror);
	apply(mirror, ev_rule(EVENT_DUMP, 0, 255));
	apply(mirror, ev_rule(EVENT_DUMP, 100, 9)); /* before what this dump has not shown */
	assert_string_equal(rules(mirror), "255 9 2 4 1 3 254 253");
	apply(mirror, ev_rule(EVENT_NEW, 100, 9));
	apply(mirror, ev_rule(EVENT_NEW, 100, 8)); /* replayed early: behind */
	apply(mirror, ev_rule(EVENT_NEW, 100, 3));
	apply(mirror, ev_rule(EVENT_DUMP, 100, 3));
	mirror_resync_end(mirror);
	assert_string_equal(rules(mirror), "255 9 3 8");
}

/* The kernel takes the same rule twice where it is not asked to be exclusive. */
static void test_rule_twins(void **state)
{
	struct mirror *mirror = *state;
	struct event *ev;

	apply(mirror, ev_rule(EVENT_NEW, 100, 1));
	apply(mirror, ev_rule(EVENT_NEW, 100, 2));
	apply(mirror, ev_rule(EVENT_NEW, 100, 1));
	assert_string_equal(rules(mirror), "255 1 2 1 254 253");
	mirror_resync_begin(mirror);
	world_base(mirror, EVENT_DUMP);
	for (uint32_t i = 0; i < 3; i++)
		apply(mirror, ev_rule(EVENT_DUMP, 100, i == 1 ? 2 : 1));
	mirror_resync_end(mirror);
	mirror_replay_end(mirror);
	assert_string_equal(rules(mirror), "255 1 2 1 254 253");
	apply(mirror, ev_rule(EVENT_DEL, 100, 1)); /* the first one */
	assert_string_equal(rules(mirror), "255 2 1 254 253");
	/* Its state is not what it is. */
	ev = ev_rule(EVENT_DEL, 100, 2);
	ev->rule.flags = FIB_RULE_IIF_DETACHED | FIB_RULE_OIF_DETACHED | FIB_RULE_UNRESOLVED;
	apply(mirror, ev);
	assert_string_equal(rules(mirror), "255 1 254 253");
#define OTHER(change)                                                                              \
	do {                                                                                       \
		ev = ev_rule(EVENT_DEL, 100, 1);                                                   \
		change;                                                                            \
		apply(mirror, ev);                                                                 \
		assert_string_equal(rules(mirror), "255 1 254 253");                               \
	} while (0)
	OTHER(ev->rule.flags = FIB_RULE_INVERT);
	OTHER(ev->rule.protocol = 6);
	OTHER(ev->rule.sport[0] = 6);
	OTHER(ev->rule.sport[1] = 6);
	OTHER(ev->rule.dport[0] = 6);
	OTHER(ev->rule.dport[1] = 6);
#undef OTHER
}

/* ---- dirty ------------------------------------------------------------------------------------- */

static bool prefix_dirty(struct mirror *mirror, const char *prefix)
{
	struct rib_entry *entry = rib_find(mirror_rib(mirror), prefix_of(prefix));
	bool dirty = entry->flags & RIB_DIRTY;

	entry->flags &= ~RIB_DIRTY;
	return dirty;
}

static struct event *in_table(struct event *ev, uint32_t table)
{
	ev->route.table = table;
	return ev;
}

/* Only what a rule looks up. */
static void test_tables_of_rules(void **state)
{
	struct mirror *mirror = *state;
	struct event *ev;

	apply(mirror, in_table(ev_route(EVENT_NEW, P, 2, "10.0.2.1"), 100));
	assert_false(prefix_dirty(mirror, P));
	apply(mirror, in_table(ev_route(EVENT_NEW, P, 2, "10.0.2.2"), 101));
	assert_false(prefix_dirty(mirror, P));
	apply(mirror, ev_rule(EVENT_NEW, 100, 101));
	apply(mirror, in_table(ev_route(EVENT_DEL, P, 2, "10.0.2.2"), 101));
	assert_true(prefix_dirty(mirror, P));
	apply(mirror, in_table(ev_route(EVENT_NEW, P, 2, "10.0.2.2"), 101));
	assert_true(prefix_dirty(mirror, P));
	apply(mirror, in_table(ev_route(EVENT_DEL, P, 2, "10.0.2.1"), 100));
	assert_false(prefix_dirty(mirror, P));
	apply(mirror, in_table(ev_route(EVENT_DEL, P, 2, "10.0.2.2"), 101));
	assert_true(prefix_dirty(mirror, P));
	apply(mirror, in_table(ev_route(EVENT_NEW, P, 2, "10.0.2.2"), 101));
	assert_true(prefix_dirty(mirror, P));
	ev = ev_rule(EVENT_NEW, 101, 100);
	ev->rule.action = FR_ACT_PROHIBIT;
	apply(mirror, ev);
	apply(mirror, in_table(ev_route(EVENT_NEW, P, 2, "10.0.2.1"), 100));
	assert_false(prefix_dirty(mirror, P));
	apply(mirror, ev_rule(EVENT_DEL, 100, 101));
	apply(mirror, in_table(ev_route(EVENT_DEL, P, 2, "10.0.2.2"), 101));
	assert_false(prefix_dirty(mirror, P));
}

/* Whether there are any makes a difference to rules; and to what main may pass on. */
static void test_default_candidates(void **state)
{
	struct mirror *mirror = *state;
	struct event *ev = ev_route(EVENT_NEW, P, 0, NULL);

	ev->route.type = RTN_BLACKHOLE;
	apply(mirror, ev);
	prefix_dirty(mirror, P);
	rules_dirty(mirror);
	assert_int_equal(mirror_default_candidates(mirror), 0);
	for (int i = 0; i < 2; i++) {
		apply(mirror,
		      in_table(ev_route(EVENT_NEW, i ? "0.0.0.0/0" : "192.0.0.0/8", 2, "10.0.2.1"),
			       RT_TABLE_DEFAULT));
		assert_int_equal(mirror_default_candidates(mirror), 1 + i);
		assert_int_equal(rules_dirty(mirror), i == 0);
		assert_true(prefix_dirty(mirror, P));
	}
	for (int i = 1; i >= 0; i--) {
		apply(mirror,
		      in_table(ev_route(EVENT_DEL, i ? "0.0.0.0/0" : "192.0.0.0/8", 2, "10.0.2.1"),
			       RT_TABLE_DEFAULT));
		assert_int_equal(mirror_default_candidates(mirror), i);
		assert_int_equal(rules_dirty(mirror), i == 0);
		assert_true(prefix_dirty(mirror, P));
	}
}

static void test_custom_locals(void **state)
{
	static const struct {
		const char *prefix;
		uint32_t table;
		uint8_t type, protocol;
		bool custom;
	} rows[] = {
		{ "20.0.0.1/32", 255, RTN_LOCAL, RTPROT_KERNEL, false },
		{ "20.0.0.1/32", 255, RTN_BROADCAST, RTPROT_KERNEL, false },
		{ "20.0.0.1/32", 255, RTN_LOCAL, RTPROT_BOOT, true },
		{ "20.0.0.1/32", 255, RTN_BROADCAST, RTPROT_BOOT, true },
		{ "20.0.0.1/32", 255, RTN_ANYCAST, RTPROT_BOOT, true },
		{ "20.0.0.1/32", 255, RTN_MULTICAST, RTPROT_BOOT, true },
		{ "20.0.0.1/32", 255, RTN_UNICAST, RTPROT_BOOT, false },
		{ "20.0.0.1/32", 254, RTN_BLACKHOLE, RTPROT_BOOT, false },
		{ "20.0.0.1/32", 254, RTN_LOCAL, RTPROT_STATIC, true },
		{ "20.0.0.1/32", 253, RTN_BROADCAST, RTPROT_STATIC, true },
		{ "20.0.0.0/24", 100, RTN_LOCAL, RTPROT_STATIC, true },
		{ "20.0.0.1/32", 100, RTN_LOCAL, RTPROT_KERNEL, false },
		{ "20.0.0.0/24", 255, RTN_LOCAL, RTPROT_KERNEL, true },
		{ "127.0.0.0/8", 255, RTN_LOCAL, RTPROT_KERNEL, false },
		{ "127.0.0.0/8", 255, RTN_LOCAL, RTPROT_BOOT, true },
	};
	struct mirror *mirror = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct event *ev = ev_route(EVENT_NEW, rows[i].prefix, 2, NULL);

		ev->route.table = rows[i].table;
		ev->route.type = rows[i].type;
		ev->route.protocol = rows[i].protocol;
		apply(mirror, ev);
		assert_int_equal(mirror_has_custom_local(mirror), rows[i].custom);
		ev->op = EVENT_DEL;
		apply(mirror, ev);
		assert_false(mirror_has_custom_local(mirror));
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_rule_order),	    TEST(test_rule_dump),	   TEST(test_rule_twins),
		TEST(test_tables_of_rules), TEST(test_default_candidates), TEST(test_custom_locals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
