// SPDX-License-Identifier: GPL-2.0-only
/*
 * Policy rules in the fib. Every sync runs under the recorder's checks:
 * outside of a hold a packet goes its way from before or from after, which is what resolve_query()
 * says.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <linux/fib_rules.h>
#include "daemon/fib_internal.h"
#include "support_events.h"
#include "support_packets.h"

static const struct fib_limits roomy = {
	.ports = 16, .adjacencies = 64, .nexthops = 256, .groups = 16
};

static int setup(void **state)
{
	struct world *w = malloc(sizeof(*w));

	assert_non_null(w);
	world_new(w, roomy, REC_ROUTES, 0);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	world_free(*state);
	free(*state);
	return 0;
}

#define COUNT(op) (w->rec->counts[op])

static struct event *route_in(int op, uint32_t table, const char *dst, uint32_t oif,
			      const char *gateway)
{
	struct event *ev = ev_route(op, dst, oif, gateway);

	ev->route.table = table;
	return ev;
}

static struct event *rule_iif(int op, uint32_t priority, uint32_t table, const char *iif)
{
	struct event *ev = ev_rule(op, priority, table);

	snprintf(ev->rule.iif, sizeof(ev->rule.iif), "%s", iif);
	return ev;
}

static struct recorder_packet packet_of(const char *dst, const char *src, uint32_t iif)
{
	return (struct recorder_packet){
		.dst = ip4_host(dst), .src = ip4_host(src), .iif = iif, .egress = 3, .protocol = 17
	};
}

static struct recorder_packet watch(struct world *w, const char *dst, const char *src, uint32_t iif)
{
	struct recorder_packet packet = packet_of(dst, src, iif);

	recorder_watch_packet(w->rec, &packet);
	return packet;
}

/* The last byte of the MAC address that it gets, or 256 and the verdict. */
static unsigned int goes(struct world *w, struct recorder_packet packet)
{
	struct recorder_outcome answer;

	packet_look(w->rec, &packet, &answer);
	assert_int_equal(answer.way.n, 1);
	if (answer.way.verdict)
		return 256 + answer.way.verdict;
	return answer.way.members[0].target >> 40;
}

#define NO(verdict) (256 + VERDICT_##verdict)

/* Gateways 10.0.N.1 on link N with MAC address N; table 100 by 2, 101 by 3, main by 4. */
static void three_tables(struct world *w)
{
	for (uint32_t i = 2; i <= 5; i++) {
		char text[32];

		snprintf(text, sizeof(text), "10.0.%u.1", i);
		world_do(w, ev_neighbour(EVENT_NEW, i, text, NUD_REACHABLE, i));
	}
	world_do(w, route_in(EVENT_NEW, 100, "20.0.0.0/8", 2, "10.0.2.1"));
	world_do(w, route_in(EVENT_NEW, 101, "0.0.0.0/0", 3, "10.0.3.1"));
	world_do(w, route_in(EVENT_NEW, RT_TABLE_MAIN, "0.0.0.0/0", 4, "10.0.4.1"));
	recorder_reset_counts(w->rec);
}

static int sync_all(struct world *w, const struct event *ev)
{
	int ret = world_do(w, ev);

	assert_true(ret >= 0);
	assert_int_equal(fib_sync(w->fib), 0); /* nothing is left */
	return ret;
}

/* ---- steps ----------------------------------------------------------------------------------- */

static void test_rule_by_destination(void **state)
{
	struct world *w = *state;
	struct recorder_packet in = watch(w, "20.1.0.1", "30.0.0.1", 3),
			       out = watch(w, "40.0.0.1", "30.0.0.1", 3);
	struct event *ev;
	uint32_t first;

	three_tables(w);
	assert_int_equal(w->rec->n_policy_routes, 0);
	ev = ev_rule(EVENT_NEW, 100, 100);
	ev->rule.dst = prefix_of("20.0.0.0/8");
	mirror_apply(w->mirror, ev);
	mirror_apply(w->mirror, ev_route(EVENT_NEW, "50.0.0.0/8", 2, "10.0.2.1"));
	first = w->rec->sequence;
	assert_true(recorder_sync(w->rec, w->fib) > 0);
	/* Hold, grace, routes, steps, number of steps, all else, off. */
	assert_int_equal(w->rec->log[(first + 1) % REC_LOG].op, OP_CONTROL);
	assert_int_equal(w->rec->log[(first + 1) % REC_LOG].what, VERDICT_policy_rule);
	assert_int_equal(COUNT(OP_GRACE), 1);
	assert_true(w->rec->last_op_of[OP_POLICY_ROUTE] < w->rec->last_op_of[OP_POLICY]);
	assert_int_equal(w->rec->last_op_of[OP_CONTROL], w->rec->sequence);
	assert_int_equal(COUNT(OP_CONTROL), 3);
	assert_int_equal(w->rec->hold, 0);
	assert_int_equal(w->rec->flags, CONTROL_CHECK_SOURCE);
	assert_int_equal(goes(w, in), 2);
	assert_int_equal(goes(w, out), 4);
	/* The same once more, as after a resync: no hold, no wait. */
	recorder_reset_counts(w->rec);
	w->mirror->dirty.rules = true;
	assert_int_equal(recorder_sync(w->rec, w->fib), 0);
	assert_int_equal(COUNT(OP_GRACE) + COUNT(OP_CONTROL), 0);
	ev = ev_rule(EVENT_DEL, 100, 100);
	ev->rule.dst = prefix_of("20.0.0.0/8");
	sync_all(w, ev);
	assert_int_equal(w->rec->n_policy_routes, 0);
	assert_int_equal(w->rec->n_steps, 0);
	assert_int_equal(w->rec->flags, 0);
	assert_int_equal(COUNT(OP_GRACE), 1);
	assert_int_equal(goes(w, in), 4);
}

/* Look-ups go on where a table has no route, or a throw route. */
static void test_routes_of_a_table(void **state)
{
	struct world *w = *state;
	struct recorder_packet in = watch(w, "20.1.0.1", "30.0.0.1", 3),
			       out = watch(w, "40.0.0.1", "30.0.0.1", 3);
	struct event *ev;

	three_tables(w);
	sync_all(w, ev_rule(EVENT_NEW, 100, 100));
	sync_all(w, ev_rule(EVENT_NEW, 101, 101));
	assert_int_equal(goes(w, in), 2);
	assert_int_equal(goes(w, out), 3);
	recorder_reset_counts(w->rec);
	assert_int_equal(sync_all(w, route_in(EVENT_DEL, 101, "0.0.0.0/0", 3, "10.0.3.1")), 1);
	assert_int_equal(goes(w, out), 4);
	ev = route_in(EVENT_NEW, 100, "20.1.0.0/16", 0, NULL);
	ev->route.type = RTN_THROW;
	assert_int_equal(sync_all(w, ev), 1);
	assert_int_equal(goes(w, in), 4);
	ev = route_in(EVENT_NEW, 100, "20.1.0.0/24", 0, NULL);
	ev->route.type = RTN_BLACKHOLE;
	sync_all(w, ev);
	assert_int_equal(goes(w, in), NO(dropped));
	ev->op = EVENT_DEL;
	sync_all(w, ev);
	assert_int_equal(goes(w, in), 4);
	assert_int_equal(COUNT(OP_CONTROL) + COUNT(OP_GRACE), 0); /* each is one write */
	/* It is in a table only: the prefix goes with it. */
	sync_all(w, route_in(EVENT_DEL, 100, "20.0.0.0/8", 2, "10.0.2.1"));
	assert_null(rib_find(mirror_rib(w->mirror), prefix_of("20.0.0.0/8")));
	assert_int_equal(w->fib->slot_numbers.n_quarantine, 1 + 1); /* by 3 too */
}

/* A prefix in the engine and in two tables, and a next hop that they share. */
static void test_shared_prefix(void **state)
{
	struct world *w = *state;
	const struct rib_entry *entry;
	struct fib_counts counts;
	enum verdict verdict;
	uint32_t slot;

	three_tables(w);
	sync_all(w, ev_rule(EVENT_NEW, 100, 100));
	sync_all(w, ev_rule(EVENT_NEW, 101, 101));
	sync_all(w, route_in(EVENT_NEW, 101, "20.0.0.0/8", 2, "10.0.2.1"));
	sync_all(w, route_in(EVENT_NEW, RT_TABLE_MAIN, "20.0.0.0/8", 2, "10.0.2.1"));
	entry = rib_find(mirror_rib(w->mirror), prefix_of("20.0.0.0/8"));
	slot = entry->installed;
	assert_int_equal(w->fib->slots[slot].leaf_refs, 1);
	assert_int_equal(w->fib->slots[slot].policy_refs, 2);
	fib_counts(w->fib, &counts);
	assert_int_equal(counts.policy_steps, 3);
	assert_int_equal(counts.policy_tables, 2);
	assert_int_equal(counts.policy_routes, 3);
	assert_int_equal(counts.routes, 2);
	assert_int_equal(fib_policy_verdict(w->fib, entry, 101, &verdict, &slot), 0);
	assert_int_equal(verdict, VERDICT_forwarded);
	assert_int_equal(slot, entry->installed);
	assert_int_equal(fib_policy_verdict(w->fib, entry, RT_TABLE_MAIN, &verdict, NULL), 0);
	assert_int_equal(fib_policy_verdict(w->fib, entry, 102, &verdict, NULL), -ENOENT);
	sync_all(w, route_in(EVENT_DEL, RT_TABLE_MAIN, "20.0.0.0/8", 2, "10.0.2.1"));
	assert_int_equal(fib_policy_verdict(w->fib, entry, RT_TABLE_MAIN, NULL, NULL), -ENOENT);
	sync_all(w, route_in(EVENT_DEL, 100, "20.0.0.0/8", 2, "10.0.2.1"));
	assert_int_equal(fib_policy_verdict(w->fib, entry, 100, NULL, NULL), -ENOENT);
	assert_int_equal(w->fib->slots[slot].policy_refs, 1);
	sync_all(w, ev_rule(EVENT_DEL, 101, 101));
	assert_false(w->fib->slots[slot].used);
	assert_int_equal(entry->spare, 0); /* has a route, in a table that nobody asks */
	world_do(w, route_in(EVENT_DEL, 101, "20.0.0.0/8", 2, "10.0.2.1"));
	assert_null(rib_find(mirror_rib(w->mirror), prefix_of("20.0.0.0/8")));
}

/* By the device that a packet came in by: its port, if it has one. */
static void test_rule_by_device(void **state)
{
	struct world *w = *state;
	struct recorder_packet from9 = watch(w, "20.1.0.1", "30.0.0.1", 9),
			       from5 = watch(w, "20.1.0.1", "30.0.0.1", 5);
	struct event *ev;
	uint32_t first;

	three_tables(w);
	ev = rule_iif(EVENT_NEW, 100, 100, "eth9");
	ev->rule.flags = FIB_RULE_IIF_DETACHED;
	sync_all(w, ev);
	assert_int_equal(w->rec->n_steps, 0);
	ev = ev_rule(EVENT_NEW, 50, 101);
	ev->rule.dst = prefix_of("50.0.0.0/8");
	sync_all(w, ev);
	recorder_reset_counts(w->rec);
	first = w->rec->sequence;
	mirror_apply(w->mirror, ev_link(EVENT_NEW, 9, LINK_RUNS));
	assert_true(recorder_sync(w->rec, w->fib) > 0);
	/* Held before there is such a port. */
	assert_int_equal(w->rec->n_steps, 3);
	assert_int_equal(w->rec->log[(first + 1) % REC_LOG].op, OP_CONTROL);
	assert_int_equal(w->rec->log[(first + 1) % REC_LOG].what, VERDICT_policy_rule);
	assert_int_equal(w->rec->log[(first + 2) % REC_LOG].op, OP_SET_PORT);
	assert_int_equal(COUNT(OP_CONTROL), 3);
	assert_int_equal(goes(w, from9), 2);
	assert_int_equal(goes(w, from5), 4);
	world_do(w, ev_link(EVENT_DEL, 9, 0));
	assert_int_equal(w->rec->n_steps, 2);
	/* Its number is another's now, and the rule says nothing of that. */
	fib_reclaim(w->fib, true);
	world_do(w, ev_link(EVENT_NEW, 10, LINK_RUNS));
	assert_int_equal(goes(w, packet_of("20.1.0.1", "30.0.0.1", 10)), 4);
}

static void test_rule_by_no_device(void **state)
{
	struct fib_limits limits = roomy;
	struct world *w = *state;
	struct event *ev;
	struct recorder_packet packet;

	limits.ports = 4; /* 2, 3, 4 */
	w = world_again(w, limits, REC_ROUTES, 0);
	packet = watch(w, "20.1.0.1", "30.0.0.1", 3);
	three_tables(w);
	sync_all(w, rule_iif(EVENT_NEW, 100, 100, "eth5"));
	assert_int_equal(goes(w, packet), 4);
	assert_int_equal(w->rec->n_steps, 1);
	ev = rule_iif(EVENT_NEW, 101, 100, "eth5");
	ev->rule.flags = FIB_RULE_INVERT;
	sync_all(w, ev);
	assert_int_equal(w->rec->n_steps, 2);
	assert_int_equal(w->rec->steps[0].flags, 0);
	assert_int_equal(goes(w, packet), 2);
	/* It gets a port. */
	world_do(w, ev_link(EVENT_DEL, 4, 0));
	assert_int_equal(w->rec->n_steps, 3);
	assert_int_equal(w->rec->steps[1].flags, POLICY_INVERT);
	assert_int_equal(goes(w, packet), 2);
	assert_int_equal(goes(w, packet_of("20.1.0.1", "30.0.0.1", 5)), 2);
}

static void test_what_cannot_be_followed(void **state)
{
	struct world *w = *state;
	struct event *ev;
	struct recorder_packet packet = watch(w, "20.1.0.1", "30.0.0.1", 3);

	three_tables(w);
	sync_all(w, ev_rule(EVENT_NEW, 100, 100));
	ev = ev_rule(EVENT_NEW, 50, 101);
	ev->rule.protocol = 17;
	sync_all(w, ev);
	assert_int_equal(goes(w, packet), NO(policy_rule));
	packet.protocol = 6;
	assert_int_equal(goes(w, packet), 2);
	/* More steps than there may be. */
	for (int i = 0; i < POLICY_STEPS; i++) {
		ev = ev_rule(EVENT_NEW, 200 + i, 101);
		ev->rule.src.addr = i << 8;
		ev->rule.src.len = 24;
		world_do(w, ev);
	}
	assert_int_equal(w->rec->hold, VERDICT_policy_rule);
	assert_int_equal(w->rec->n_policy_routes, 0);
	for (int i = 0; i < POLICY_STEPS; i++) {
		ev = ev_rule(EVENT_DEL, 200 + i, 101);
		ev->rule.src.addr = i << 8;
		ev->rule.src.len = 24;
		world_do(w, ev);
	}
	assert_int_equal(w->rec->hold, 0);
	assert_int_equal(goes(w, packet), 2);
	/* Another reason to hold shows first, and stays. */
	mirror_set_hold(w->mirror, VERDICT_paused);
	sync_all(w, ev_rule(EVENT_NEW, 300, 101));
	assert_int_equal(w->rec->hold, VERDICT_paused);
	mirror_set_hold(w->mirror, 0);
	assert_true(recorder_sync(w->rec, w->fib) > 0);
	assert_int_equal(w->rec->hold, 0);
}

/* Several changes of one table in one sync: each address goes from its old way to its new one. */
static void test_batch_in_a_table(void **state)
{
	struct world *w = *state;
	struct recorder_packet in = watch(w, "20.1.1.1", "30.0.0.1", 3);

	three_tables(w);
	sync_all(w, ev_rule(EVENT_NEW, 100, 100));
	mirror_apply(w->mirror, route_in(EVENT_NEW, 100, "20.1.0.0/16", 3, "10.0.3.1"));
	mirror_apply(w->mirror, route_in(EVENT_NEW, 100, "20.1.1.0/24", 5, "10.0.5.1"));
	assert_true(recorder_sync(w->rec, w->fib) > 0);
	assert_int_equal(goes(w, in), 5);
	mirror_apply(w->mirror, route_in(EVENT_DEL, 100, "20.1.1.0/24", 5, "10.0.5.1"));
	mirror_apply(w->mirror, route_in(EVENT_DEL, 100, "20.1.0.0/16", 3, "10.0.3.1"));
	assert_true(recorder_sync(w->rec, w->fib) > 0);
	assert_int_equal(goes(w, in), 2);
}

/* Nobody hears of the routes of a table while no rule names it. */
static void test_rule_gone_and_back(void **state)
{
	struct world *w = *state;
	struct recorder_packet in = watch(w, "20.1.0.1", "30.0.0.1", 3),
			       out = watch(w, "40.0.0.1", "30.0.0.1", 3);

	three_tables(w);
	sync_all(w, route_in(EVENT_NEW, RT_TABLE_MAIN, "20.0.0.0/8", 5, "10.0.5.1"));
	sync_all(w, ev_rule(EVENT_NEW, 100, 100));
	mirror_apply(w->mirror, ev_rule(EVENT_DEL, 100, 100));
	mirror_apply(w->mirror, route_in(EVENT_DEL, 100, "20.0.0.0/8", 2, "10.0.2.1"));
	mirror_apply(w->mirror, route_in(EVENT_NEW, 100, "40.0.0.0/8", 2, "10.0.2.1"));
	mirror_apply(w->mirror, ev_rule(EVENT_NEW, 100, 100));
	recorder_reset_counts(w->rec);
	assert_int_equal(recorder_sync(w->rec, w->fib), 2);
	assert_int_equal(COUNT(OP_CONTROL), 0);
	assert_int_equal(goes(w, in), 5);
	assert_int_equal(goes(w, out), 2);
}

/* The same where the fib could not even follow it going. */
static void test_rule_gone_and_back_after_failures(void **state)
{
	static const int ops[] = { OP_CONTROL, OP_POLICY, OP_POLICY_ROUTE };

	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		struct world *w = world_again(*state, roomy, REC_ROUTES, 0);
		struct recorder_packet in = watch(w, "20.1.0.1", "30.0.0.1", 3),
				       out = watch(w, "40.0.0.1", "30.0.0.1", 3);

		three_tables(w);
		sync_all(w, route_in(EVENT_NEW, RT_TABLE_MAIN, "20.0.0.0/8", 5, "10.0.5.1"));
		sync_all(w, ev_rule(EVENT_NEW, 101, 101));
		sync_all(w, ev_rule(EVENT_NEW, 100, 100));
		w->rec->fail_op = ops[i];
		w->rec->fail_errno = EIO;
		mirror_apply(w->mirror, ev_rule(EVENT_DEL, 100, 100));
		assert_int_equal(recorder_sync(w->rec, w->fib), -EIO);
		mirror_apply(w->mirror, route_in(EVENT_DEL, 100, "20.0.0.0/8", 2, "10.0.2.1"));
		mirror_apply(w->mirror, route_in(EVENT_NEW, 100, "40.0.0.0/8", 2, "10.0.2.1"));
		assert_int_equal(recorder_sync(w->rec, w->fib), -EIO);
		w->rec->fail_errno = 0;
		mirror_apply(w->mirror, ev_rule(EVENT_NEW, 100, 100));
		assert_true(recorder_sync(w->rec, w->fib) > 0);
		assert_int_equal(goes(w, in), 3);
		assert_int_equal(goes(w, out), 2);
	}
}

/* Of steps that were written in part, those of before are not there. */
static void test_half_done_steps(void **state)
{
	struct world *w = *state;
	struct recorder_packet in = watch(w, "20.1.0.1", "30.0.0.1", 3);
	struct event *ev;

	three_tables(w);
	sync_all(w, ev_rule(EVENT_NEW, 100, 100));
	w->rec->fail_op = OP_POLICY;
	w->rec->fail_errno = EIO;
	ev = ev_rule(EVENT_NEW, 50, 0);
	ev->rule.action = FR_ACT_BLACKHOLE;
	ev->rule.dst = prefix_of("50.0.0.0/8");
	assert_int_equal(world_do(w, ev), -EIO);
	w->rec->fail_errno = 0;
	ev->op = EVENT_DEL;
	world_do(w, ev);
	assert_int_equal(w->rec->hold, 0);
	assert_int_equal(goes(w, in), 2);
}

/* Numbers of tables are used again. */
static void test_many_tables(void **state)
{
	struct world *w = *state;

	for (uint32_t i = 0; i < POLICY_TABLE_LIMIT + 10; i++) {
		assert_true(world_do(w, ev_rule(EVENT_NEW, 100, 1000 + i)) > 0);
		assert_true(world_do(w, ev_rule(EVENT_DEL, 100, 1000 + i)) > 0);
	}
	assert_null(w->fib->policy.tables);
}

/* Rules that ask for marks are left out, but the programs know of them. */
static void test_marks(void **state)
{
	struct world *w = *state;
	struct event *rule;

	three_tables(w);
	assert_false(w->rec->flags & CONTROL_MARKS);
	rule = ev_rule(EVENT_NEW, 100, 100);
	rule->rule.fwmark = rule->rule.fwmask = 1;
	sync_all(w, rule);
	assert_int_equal(w->rec->flags, CONTROL_MARKS);
	rule = ev_rule(EVENT_DEL, 100, 100);
	rule->rule.fwmark = rule->rule.fwmask = 1;
	sync_all(w, rule);
	assert_int_equal(w->rec->flags, 0);
}

/* ---- room ------------------------------------------------------------------------------------ */

static void test_table_full(void **state)
{
	struct world *w = *state;
	struct recorder_packet in = watch(w, "20.1.0.1", "30.0.0.1", 3),
			       out = watch(w, "40.0.0.1", "30.0.0.1", 3);
	const struct rib_entry *entry;
	enum verdict verdict;

	three_tables(w);
	w->rec->policy_route_limit = 3;
	world_do(w, ev_rule(EVENT_NEW, 100, 100));
	world_do(w, ev_rule(EVENT_NEW, 101, 101));
	world_do(w, route_in(EVENT_NEW, 100, "20.2.0.0/16", 3, "10.0.3.1"));
	assert_int_equal(w->rec->n_policy_routes, 3);
	/* One too many: all of its table, and nothing else. */
	world_do(w, route_in(EVENT_NEW, 100, "20.1.0.0/16", 3, "10.0.3.1"));
	assert_int_equal(goes(w, in), NO(table_full));
	assert_int_equal(goes(w, out), NO(table_full));
	assert_int_equal(w->rec->n_policy_routes, 1);
	entry = rib_find(mirror_rib(w->mirror), prefix_of("20.1.0.0/16"));
	assert_int_equal(fib_policy_verdict(w->fib, entry, 100, &verdict, NULL), 0);
	assert_int_equal(verdict, VERDICT_table_full);
	/* What changes meanwhile is not looked at, and costs nothing. */
	recorder_reset_counts(w->rec);
	assert_int_equal(sync_all(w, route_in(EVENT_NEW, 100, "20.3.0.0/16", 3, "10.0.3.1")), 0);
	assert_int_equal(sync_all(w, route_in(EVENT_DEL, 100, "20.3.0.0/16", 3, "10.0.3.1")), 0);
	assert_null(rib_find(mirror_rib(w->mirror), prefix_of("20.3.0.0/16")));
	assert_int_equal(COUNT(OP_CONTROL), 0);
	/* It shrank. */
	world_do(w, route_in(EVENT_DEL, 100, "20.2.0.0/16", 3, "10.0.3.1"));
	assert_int_equal(goes(w, in), 3);
	assert_int_equal(goes(w, out), 3);
	assert_int_equal(w->rec->n_policy_routes, 3);
	assert_int_equal(w->rec->hold, 0);
}

/* A table that has become full is left as it is until its steps say so. */
static void test_batch_of_a_full_table(void **state)
{
	struct world *w = *state;
	struct recorder_packet one, two;
	struct event *ev;

	three_tables(w);
	one = watch(w, "20.1.1.1", "30.0.0.1", 3);
	two = watch(w, "20.2.0.1", "30.0.0.1", 3);
	w->rec->policy_route_limit = 2;
	world_do(w, route_in(EVENT_NEW, 100, "20.2.0.0/16", 3, "10.0.3.1"));
	world_do(w, ev_rule(EVENT_NEW, 100, 100));
	assert_int_equal(goes(w, one), 2);
	assert_int_equal(goes(w, two), 3);
	mirror_apply(w->mirror, route_in(EVENT_NEW, 100, "20.1.1.0/24", 3, "10.0.3.1"));
	mirror_apply(w->mirror, route_in(EVENT_NEW, 100, "20.1.2.0/24", 3, "10.0.3.1"));
	ev = route_in(EVENT_NEW, 100, "20.0.0.0/8", 5, "10.0.5.1");
	ev->route.nl_flags = ROUTE_REPLACE;
	mirror_apply(w->mirror, ev);
	mirror_apply(w->mirror, route_in(EVENT_DEL, 100, "20.2.0.0/16", 3, "10.0.3.1"));
	assert_true(recorder_sync(w->rec, w->fib) > 0);
	assert_int_equal(goes(w, one), NO(table_full));
	assert_int_equal(goes(w, two), NO(table_full));
	assert_null(rib_find(mirror_rib(w->mirror), prefix_of("20.2.0.0/16")));
	world_do(w, route_in(EVENT_DEL, 100, "20.1.2.0/24", 3, "10.0.3.1"));
	assert_int_equal(goes(w, one), 3);
	assert_int_equal(goes(w, two), 5);
}

/* The limit of the fib's own, which leaves room for replacements. */
static void test_table_over_the_limit(void **state)
{
	struct fib_limits limits = roomy;
	struct world *w = *state;
	struct recorder_packet in;

	limits.policy_routes = 1;
	w = world_again(w, limits, REC_ROUTES, 0);
	in = watch(w, "20.1.0.1", "30.0.0.1", 3);
	three_tables(w);
	world_do(w, ev_rule(EVENT_NEW, 100, 100));
	assert_int_equal(goes(w, in), 2);
	world_do(w, route_in(EVENT_NEW, 100, "20.1.0.0/16", 3, "10.0.3.1"));
	assert_int_equal(goes(w, in), NO(table_full));
	world_do(w, route_in(EVENT_DEL, 100, "20.0.0.0/8", 2, "10.0.2.1"));
	assert_int_equal(goes(w, in), 3);
}

static void test_room_by_another_table(void **state)
{
	struct world *w = *state;
	struct recorder_packet in = watch(w, "20.1.0.1", "30.0.0.1", 3);

	three_tables(w);
	w->rec->policy_route_limit = 1;
	world_do(w, ev_rule(EVENT_NEW, 101, 101));
	world_do(w, ev_rule(EVENT_NEW, 100, 100));
	assert_int_equal(goes(w, in), NO(table_full));
	assert_int_equal(w->rec->n_policy_routes, 1);
	world_do(w, ev_rule(EVENT_DEL, 101, 101));
	assert_int_equal(goes(w, in), 2);
	assert_int_equal(w->rec->n_policy_routes, 1);
	/* One that goes while it is full. */
	world_do(w, ev_rule(EVENT_NEW, 101, 101));
	assert_int_equal(w->fib->policy.tables->next != NULL, true);
	world_do(w, ev_rule(EVENT_DEL, 101, 101));
	assert_null(w->fib->policy.tables->next);
	assert_int_equal(goes(w, in), 2);
	/* The mark of that time goes with the entry. */
	world_do(w, route_in(EVENT_DEL, 101, "0.0.0.0/0", 3, "10.0.3.1"));
	world_do(w, route_in(EVENT_DEL, RT_TABLE_MAIN, "0.0.0.0/0", 4, "10.0.4.1"));
	assert_null(rib_find(mirror_rib(w->mirror), prefix_of("0.0.0.0/0")));
}

static void test_slots_full_for_a_table(void **state)
{
	struct fib_limits limits = roomy;
	struct world *w = *state;
	struct recorder_packet in;

	limits.nexthops = LEAF_FIRST_SLOT + 2;
	w = world_again(w, limits, REC_ROUTES, 0);
	in = watch(w, "20.1.0.1", "30.0.0.1", 3);
	three_tables(w);
	world_do(w, ev_rule(EVENT_NEW, 101, 101)); /* by 3 and 4 */
	world_do(w, ev_rule(EVENT_NEW, 100, 100));
	assert_int_equal(goes(w, in), NO(table_full));
	world_do(w, route_in(EVENT_DEL, RT_TABLE_MAIN, "0.0.0.0/0", 4, "10.0.4.1"));
	assert_int_equal(goes(w, in), 2);
}

/* ---- failures -------------------------------------------------------------------------------- */

static void test_failed_writes(void **state)
{
	static const int ops[] = { OP_CONTROL, OP_POLICY, OP_POLICY_ROUTE, OP_SET_NEXTHOP };

	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		struct world *w = world_again(*state, roomy, REC_ROUTES, 0);
		struct recorder_packet in = watch(w, "20.1.0.1", "30.0.0.1", 3);

		three_tables(w);
		w->rec->fail_op = ops[i];
		w->rec->fail_errno = EIO;
		mirror_apply(w->mirror, ev_rule(EVENT_NEW, 100, 100));
		assert_int_equal(recorder_sync(w->rec, w->fib), -EIO);
		assert_int_equal(recorder_sync(w->rec, w->fib), -EIO);
		assert_true(w->rec->hold || ops[i] == OP_CONTROL);
		w->rec->fail_errno = 0;
		assert_true(recorder_sync(w->rec, w->fib) > 0);
		assert_int_equal(goes(w, in), 2);
		assert_int_equal(fib_sync(w->fib), 0);
		/* A change and a removal of a route, and of all. */
		if (ops[i] == OP_POLICY_ROUTE) {
			struct event *ev = route_in(EVENT_NEW, 100, "20.0.0.0/8", 5, "10.0.5.1");

			ev->route.nl_flags = ROUTE_REPLACE;
			w->rec->fail_errno = EIO;
			mirror_apply(w->mirror, ev);
			assert_int_equal(recorder_sync(w->rec, w->fib), -EIO);
			w->rec->fail_errno = 0;
			assert_int_equal(recorder_sync(w->rec, w->fib) > 0, true);
			assert_int_equal(goes(w, in), 5);
			w->rec->fail_errno = EIO;
			mirror_apply(w->mirror,
				     route_in(EVENT_DEL, 100, "20.0.0.0/8", 5, "10.0.5.1"));
			assert_int_equal(recorder_sync(w->rec, w->fib), -EIO);
			w->rec->fail_errno = 0;
			assert_int_equal(recorder_sync(w->rec, w->fib) > 0, true);
			assert_int_equal(w->rec->n_policy_routes, 0);
			/* Only main has a slot. */
			assert_int_equal(w->fib->slot_numbers.n_quarantine +
						 w->fib->slot_numbers.n_free + 1,
					 w->fib->slot_numbers.next - w->fib->slot_numbers.first);
			world_do(w, route_in(EVENT_NEW, 100, "20.0.0.0/8", 5, "10.0.5.1"));
			w->rec->fail_errno = EIO;
		}
		if (ops[i] == OP_POLICY_ROUTE) {
			mirror_apply(w->mirror, ev_rule(EVENT_DEL, 100, 100));
			assert_int_equal(recorder_sync(w->rec, w->fib), -EIO);
			w->rec->fail_errno = 0;
			assert_true(recorder_sync(w->rec, w->fib) > 0);
			assert_int_equal(w->rec->n_policy_routes, 0);
			assert_int_equal(goes(w, in), 4);
		}
	}
}

static void test_dirty_all(void **state)
{
	struct world *w = *state;
	struct recorder_packet in = watch(w, "20.1.0.1", "30.0.0.1", 3);

	three_tables(w);
	world_do(w, ev_rule(EVENT_NEW, 101, 101));
	mirror_apply(w->mirror, ev_rule(EVENT_NEW, 100, 100));
	mirror_apply(w->mirror, route_in(EVENT_DEL, 101, "0.0.0.0/0", 3, "10.0.3.1"));
	mirror_apply(w->mirror, route_in(EVENT_NEW, 101, "40.0.0.0/8", 3, "10.0.3.1"));
	w->mirror->dirty.prefixes.n = 0;
	w->mirror->dirty.rules = false;
	w->mirror->dirty.all = true;
	assert_true(recorder_sync(w->rec, w->fib) > 0);
	assert_int_equal(goes(w, in), 2);
	assert_int_equal(w->rec->n_policy_routes, 2);
	assert_int_equal(fib_sync(w->fib), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_rule_by_destination),
		TEST(test_routes_of_a_table),
		TEST(test_shared_prefix),
		TEST(test_rule_by_device),
		TEST(test_rule_by_no_device),
		TEST(test_what_cannot_be_followed),
		TEST(test_batch_in_a_table),
		TEST(test_rule_gone_and_back),
		TEST(test_rule_gone_and_back_after_failures),
		TEST(test_half_done_steps),
		TEST(test_many_tables),
		TEST(test_table_full),
		TEST(test_batch_of_a_full_table),
		TEST(test_table_over_the_limit),
		TEST(test_room_by_another_table),
		TEST(test_slots_full_for_a_table),
		TEST(test_failed_writes),
		TEST(test_dirty_all),
		TEST(test_marks),
	};

	cmocka_set_test_filter(getenv("TEST_FILTER"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
