// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random histories of rules, of routes in the tables that they name, and of the devices between, under
 * the recorder's checks: after every single write outside of a hold a packet goes one of the two ways
 * from before and after the sync, and its source is accepted only from where it was or will be; after
 * the sync both are what resolve_query() says. TEST_SEED and TEST_ROUNDS override.
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

enum {
	TABLES = 5,
	RULES = 12,
	PREFIXES = 10,
	FIRST_LINK = 2, /* 2..5 are always there */
	LINKS = 6,
	STEPS = 120,
};

static const uint32_t tables[TABLES] = { RT_TABLE_MAIN, 100, 101, 102, RT_TABLE_DEFAULT };
static const char *const prefixes[PREFIXES] = {
	"0.0.0.0/0",  "20.0.0.0/8",  "20.1.0.0/16", "20.1.1.0/24", "20.1.1.7/32",
	"30.0.0.0/8", "30.2.0.0/16", "30.2.3.0/25", "40.0.0.0/7",  "20.128.0.0/9",
};
static const struct fib_limits roomy = {
	.ports = 16, .adjacencies = 64, .nexthops = 256, .groups = 16
};
static const struct fib_limits tiny = { .ports = 6,
					.adjacencies = 64,
					.nexthops = LEAF_FIRST_SLOT + 5,
					.groups = 3,
					.policy_routes = 9 };

struct churn {
	struct world w;
	unsigned int seed;
	struct event rules[RULES]; /* kind 0: not there */
	struct event routes[TABLES][PREFIXES];
	bool links[LINKS];
	bool without_main; /* nothing asks main for everything, unless one of the rules does */
	uint32_t forwarded, held, full;
};

static uint32_t pick(struct churn *c, uint32_t n)
{
	return rand_r(&c->seed) % n;
}

static void apply(struct churn *c, struct event *ev, int op)
{
	ev->op = op;
	assert_int_equal(mirror_apply(c->w.mirror, ev), 0);
}

/* Of what the kernel knows all that the mirror may have to be told again. */
static void resync(struct churn *c)
{
	mirror_resync_begin(c->w.mirror);
	world_base(c->w.mirror, EVENT_DUMP);
	for (uint32_t i = 4; i < LINKS; i++)
		if (c->links[i])
			mirror_apply(c->w.mirror, ev_link(EVENT_DUMP, FIRST_LINK + i, LINK_RUNS));
	for (uint32_t i = 0; i < LINKS; i++) {
		char text[32];

		snprintf(text, sizeof(text), "10.0.%u.1", FIRST_LINK + i);
		if (c->links[i])
			mirror_apply(c->w.mirror, ev_neighbour(EVENT_DUMP, FIRST_LINK + i, text,
							       NUD_REACHABLE, FIRST_LINK + i));
	}
	for (uint32_t i = 0; i < RULES; i++)
		if (c->rules[i].kind)
			apply(c, &c->rules[i], EVENT_DUMP);
	for (uint32_t t = 0; t < TABLES; t++)
		for (uint32_t p = 0; p < PREFIXES; p++)
			if (c->routes[t][p].kind)
				apply(c, &c->routes[t][p], EVENT_DUMP);
	mirror_resync_end(c->w.mirror);
	if (c->without_main)
		apply(c, ev_rule(EVENT_DEL, 32766, RT_TABLE_MAIN), EVENT_DEL);
}

static void random_prefix(struct churn *c, struct prefix *ret)
{
	if (pick(c, 2))
		*ret = prefix_of(prefixes[pick(c, PREFIXES)]);
}

static void make_rule(struct churn *c, struct event *ret)
{
	struct event_rule *rule;

	*ret = *ev_rule(EVENT_NEW, 10 + pick(c, 8) * 10, tables[pick(c, TABLES)]);
	rule = &ret->rule;
	random_prefix(c, &rule->dst);
	if (!pick(c, 3))
		random_prefix(c, &rule->src);
	if (!pick(c, 2))
		snprintf(rule->iif, sizeof(rule->iif), "eth%u", FIRST_LINK + pick(c, LINKS + 1));
	if (!pick(c, 4))
		rule->flags |= FIB_RULE_INVERT;
	switch (pick(c, 12)) {
	case 0:
		rule->action = FR_ACT_BLACKHOLE;
		break;
	case 1:
		rule->action = FR_ACT_UNREACHABLE;
		break;
	case 2:
		rule->protocol = 17;
		break;
	case 3:
		rule->tos = 16;
		break;
	case 4:
		rule->dport[0] = 50;
		rule->dport[1] = 60;
		break;
	}
}

/* As the kernel says of a device that is not there. */
static void rule_state(struct churn *c, struct event_rule *rule)
{
	uint32_t link = rule->iif[0] ? rule->iif[3] - '0' - FIRST_LINK : 0;

	rule->flags &= ~FIB_RULE_IIF_DETACHED;
	if (rule->iif[0] && (link >= LINKS || !c->links[link]))
		rule->flags |= FIB_RULE_IIF_DETACHED;
}

static void change_main(struct churn *c)
{
	c->without_main = !c->without_main;
	apply(c, ev_rule(EVENT_NEW, 32766, RT_TABLE_MAIN), c->without_main ? EVENT_DEL : EVENT_NEW);
}

static void change_rule(struct churn *c)
{
	struct event *ev = &c->rules[pick(c, RULES)];

	if (!pick(c, 12)) {
		change_main(c);
		return;
	}
	if (ev->kind == EVENT_RULE) {
		apply(c, ev, EVENT_DEL);
		ev->kind = 0;
		return;
	}
	make_rule(c, ev);
	for (uint32_t i = 0; i < RULES; i++) /* no twins */
		if (&c->rules[i] != ev && c->rules[i].kind == EVENT_RULE &&
		    c->rules[i].rule.priority == ev->rule.priority) {
			ev->kind = 0;
			return;
		}
	rule_state(c, &ev->rule);
	apply(c, ev, EVENT_NEW);
}

static void make_route(struct churn *c, struct event *ret, uint32_t table, const char *dst)
{
	static const uint8_t types[] = { RTN_BLACKHOLE, RTN_UNREACHABLE, RTN_THROW, RTN_PROHIBIT };
	uint32_t kind = pick(c, 10), link = FIRST_LINK + pick(c, 4);
	char gateway[32];

	snprintf(gateway, sizeof(gateway), "10.0.%u.1", link);
	if (kind < 4) {
		*ret = *ev_route(EVENT_NEW, dst, 0, NULL);
		ret->route.type = types[kind];
	} else {
		*ret = *ev_route(EVENT_NEW, dst, link, gateway);
	}
	if (kind == 9)
		ev_add_leg(ret, FIRST_LINK + (link - FIRST_LINK + 1) % 4, NULL, 1);
	ret->route.table = table;
}

static void change_route(struct churn *c)
{
	uint32_t t = pick(c, TABLES), p = pick(c, PREFIXES);
	struct event *ev = &c->routes[t][p];
	bool had = ev->kind == EVENT_ROUTE;

	if (had && pick(c, 2)) {
		apply(c, ev, EVENT_DEL);
		ev->kind = 0;
		return;
	}
	make_route(c, ev, tables[t], prefixes[p]);
	ev->route.nl_flags = had ? ROUTE_REPLACE : ROUTE_ADD;
	apply(c, ev, EVENT_NEW);
}

static void change_link(struct churn *c)
{
	uint32_t i = 4 + pick(c, LINKS - 4);

	c->links[i] = !c->links[i];
	mirror_apply(c->w.mirror,
		     ev_link(c->links[i] ? EVENT_NEW : EVENT_DEL, FIRST_LINK + i, LINK_RUNS));
	for (uint32_t r = 0; r < RULES; r++)
		if (c->rules[r].kind == EVENT_RULE)
			rule_state(c, &c->rules[r].rule);
}

static void step(struct churn *c)
{
	switch (pick(c, 8)) {
	case 0:
	case 1:
		change_rule(c);
		break;
	case 2:
		change_link(c);
		break;
	case 3:
		resync(c);
		break;
	default:
		change_route(c);
	}
}

static void watch_packets(struct churn *c)
{
	for (uint32_t i = 0; i < REC_PACKETS; i++) {
		struct prefix dst = prefix_of(prefixes[pick(c, PREFIXES)]);
		struct prefix src = prefix_of(prefixes[pick(c, PREFIXES)]);
		struct recorder_packet packet = {
			.dst = dst.addr | (pick(c, 2) ? 7 : ~prefix_mask(dst.len)),
			.src = src.addr | (pick(c, 2) ? 7 : ~prefix_mask(src.len)),
			.iif = FIRST_LINK + pick(c, LINKS),
			.egress = FIRST_LINK + pick(c, LINKS),
			.tos = pick(c, 2) * 16,
			.protocol = pick(c, 2) ? 17 : 6,
			.has_ports = pick(c, 2),
			.sport = 40 + pick(c, 30),
			.dport = 40 + pick(c, 30)
		};

		recorder_watch_packet(c->w.rec, &packet);
	}
}

static void count(struct churn *c)
{
	struct recorder_outcome answer;

	for (uint32_t i = 0; i < REC_PACKETS; i++) {
		packet_look(c->w.rec, &c->w.rec->packets[i], &answer);
		c->forwarded += answer.way.verdict == VERDICT_forwarded;
		c->full += answer.way.verdict == VERDICT_table_full;
	}
	c->held += c->w.rec->hold != 0;
}

/* Everything goes: nothing is left behind. */
static void check_empty(struct churn *c)
{
	for (uint32_t i = 0; i < RULES; i++)
		c->rules[i].kind = 0;
	for (uint32_t i = 0; i < TABLES * PREFIXES; i++)
		c->routes[i / PREFIXES][i % PREFIXES].kind = 0;
	c->without_main = false;
	resync(c);
	assert_true(recorder_sync(c->w.rec, c->w.fib) >= 0);
	assert_int_equal(rib_count(mirror_rib(c->w.mirror)), 0);
	assert_int_equal(c->w.rec->n_policy_routes, 0);
	assert_int_equal(c->w.fib->policy.routes.count, 0);
	assert_null(c->w.fib->policy.tables);
	assert_int_equal(c->w.rec->n_steps, 0);
	assert_int_equal(c->w.rec->hold, 0);
	assert_int_equal(c->w.mirror->nexthops.live, 0);
	assert_int_equal(c->w.fib->slot_numbers.n_quarantine + c->w.fib->slot_numbers.n_free,
			 c->w.fib->slot_numbers.next - c->w.fib->slot_numbers.first);
	assert_int_equal(fib_sync(c->w.fib), 0);
}

static uint32_t failing_seed;

static int say_seed(void **state)
{
	(void)state;
	print_message("last seed %u\n", failing_seed);
	return 0;
}

static void churn(struct fib_limits limits, uint32_t rounds, uint32_t batch)
{
	const char *seed = getenv("TEST_SEED"), *more = getenv("TEST_ROUNDS");
	uint32_t forwarded = 0, held = 0, full = 0;

	rounds = more ? strtoul(more, NULL, 0) : rounds;
	for (uint32_t round = 0; round < rounds; round++) {
		struct churn *c = calloc(1, sizeof(*c));

		assert_non_null(c);
		c->seed = failing_seed = (seed ? strtoul(seed, NULL, 0) : 1) + round;
		for (uint32_t i = 0; i < 4; i++)
			c->links[i] = true;
		for (uint32_t i = 0; i < RULES; i++)
			c->rules[i].kind = 0;
		world_new(&c->w, limits, REC_ROUTES, 0);
		resync(c);
		assert_true(fib_sync(c->w.fib) >= 0);
		watch_packets(c);
		c->w.rec->lenient = batch > 1;
		for (uint32_t i = 0; i < STEPS; i++) {
			for (uint32_t b = 0; b < batch; b++)
				step(c);
			assert_true(recorder_sync(c->w.rec, c->w.fib) >= 0);
			assert_int_equal(recorder_sync(c->w.rec, c->w.fib), 0);
			count(c);
			if (!pick(c, 16))
				fib_reclaim(c->w.fib, true);
		}
		check_empty(c);
		forwarded += c->forwarded;
		held += c->held;
		full += c->full;
		world_free(&c->w);
		free(c);
	}
	print_message("%u rounds: %u forwarded, %u times on hold, %u table_full\n", rounds,
		      forwarded, held, full);
	assert_true(forwarded > 0);
	assert_int_equal(held, 0); /* every list of such rules can be followed */
}

static void test_one_by_one(void **state)
{
	(void)state;
	churn(roomy, 30, 1);
}

static void test_batches(void **state)
{
	(void)state;
	churn(roomy, 15, 5);
}

static void test_full(void **state)
{
	(void)state;
	churn(tiny, 30, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_one_by_one, say_seed),
		cmocka_unit_test_teardown(test_batches, say_seed),
		cmocka_unit_test_teardown(test_full, say_seed),
	};

	cmocka_set_test_filter(getenv("TEST_FILTER"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
