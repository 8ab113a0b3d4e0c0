// SPDX-License-Identifier: GPL-2.0-only
/*
 * resolve_query() against the kernel's rule evaluation, written down once more in the plainest way:
 * random rules, tables and packets. What is not left to the kernel must be what the kernel does; where
 * nothing about the rules is uncertain it must also be the same answer. TEST_SEED overrides.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <linux/fib_rules.h>
#include "daemon/mirror_internal.h"
#include "daemon/resolve.h"
#include "support_events.h"
#include "support_model.h"
#include "support_recorder.h"

enum {
	ROUNDS = 4000,
	PACKETS = 60,
	RULES = 8,
	ROUTES = 14,
};

struct table_route {
	struct prefix dst;
	uint32_t table;
	uint8_t type;
	uint8_t id; /* last byte of the gateway */
};

struct packet {
	uint32_t dst, src, iif;
	uint8_t tos, protocol;
	bool is_fragment;
	uint16_t sport, dport;
};

struct scene {
	struct random random;
	struct event_rule rules[RULES + 3]; /* sorted */
	uint32_t n_rules;
	struct table_route routes[ROUTES];
	uint32_t n_routes;
	bool certain; /* nothing that has to be left to the kernel */
};

/* ---- the kernel ---------------------------------------------------------------------- */

/* What a kernel may do differently from another one, or what the rules do not tell us. */
struct kernel_way {
	bool other;	/* what `other` stands for matches */
	bool whole_tos; /* a rule's tos is compared in all bits (dscp), not in those of old */
	bool some_port; /* what has no ports has something there: the SPI of IPsec */
};

struct result {
	enum {
		RESULT_MISS,
		RESULT_ROUTE,
		RESULT_ERROR, /* blackhole, unreachable, prohibit, and ours */
	} kind;
	uint8_t type; /* of a route or error: RTN_* */
	uint8_t id;
};

static uint32_t mask_of(uint8_t len)
{
	return (uint32_t)(0xffffffff00000000ull >> len);
}

static const struct table_route *longest(const struct scene *s, uint32_t table, uint32_t addr)
{
	const struct table_route *best = NULL;

	for (uint32_t i = 0; i < s->n_routes; i++) {
		const struct table_route *r = &s->routes[i];

		if (r->table == table && !((r->dst.addr ^ addr) & mask_of(r->dst.len)) &&
		    (!best || r->dst.len > best->dst.len))
			best = r;
	}
	return best;
}

static struct result outcome(const struct table_route *r)
{
	if (!r || r->type == RTN_THROW)
		return (struct result){ RESULT_MISS, 0, 0 };
	return (struct result){ r->type == RTN_UNICAST ? RESULT_ROUTE : RESULT_ERROR, r->type,
				r->id };
}

static uint32_t index_of(const char *name)
{
	unsigned int ifindex = 0;

	if (sscanf(name, "eth%u", &ifindex) == 1 && ifindex <= 5)
		return ifindex;
	return strcmp(name, "lo") == 0 ? 1 : 0xffff;
}

static bool in_range(const struct packet *p, uint16_t port, const uint16_t range[2],
		     struct kernel_way way)
{
	return p->is_fragment ? way.some_port : port >= range[0] && port <= range[1];
}

static bool kernel_matches(const struct event_rule *r, const struct packet *p,
			   struct kernel_way way)
{
	uint8_t tos = way.whole_tos ? p->tos & 0xfc : p->tos & 0x1c;
	bool match = true;

	if (r->iif[0] && index_of(r->iif) != p->iif)
		match = false;
	if (r->oif[0] || ((r->fwmark ^ 0) & r->fwmask) || r->l3mdev)
		match = false;
	if (r->other && !way.other)
		match = false;
	if (((p->src ^ r->src.addr) & mask_of(r->src.len)) ||
	    ((p->dst ^ r->dst.addr) & mask_of(r->dst.len)))
		match = false;
	if (r->tos && r->tos != tos)
		match = false;
	if (r->protocol && r->protocol != p->protocol)
		match = false;
	if (r->sport[1] && !in_range(p, p->sport, r->sport, way))
		match = false;
	if (r->dport[1] && !in_range(p, p->dport, r->dport, way))
		match = false;
	return r->flags & FIB_RULE_INVERT ? !match : match;
}

static struct result by_rules(const struct scene *s, const struct packet *p, struct kernel_way way)
{
	static const uint8_t types[] = { [FR_ACT_BLACKHOLE] = RTN_BLACKHOLE,
					 [FR_ACT_UNREACHABLE] = RTN_UNREACHABLE,
					 [FR_ACT_PROHIBIT] = RTN_PROHIBIT };
	struct result result;

	for (uint32_t i = 0; i < s->n_rules; i++) {
		const struct event_rule *r = &s->rules[i];

		if (!kernel_matches(r, p, way) || r->action == FR_ACT_NOP)
			continue;
		if (r->action != FR_ACT_TO_TBL)
			return (struct result){ RESULT_ERROR, types[r->action], 0 };
		result = outcome(longest(s, r->table, p->dst));
		if (result.kind != RESULT_MISS)
			return result;
	}
	return (struct result){ RESULT_MISS, 0, 0 };
}

static struct result without_rules(const struct scene *s, const struct packet *p)
{
	const struct table_route *local = longest(s, RT_TABLE_LOCAL, p->dst);
	const struct table_route *route = longest(s, RT_TABLE_MAIN, p->dst);
	struct result result;

	if (!route || (local && local->dst.len >= route->dst.len))
		route = local;
	result = outcome(route);
	if (result.kind == RESULT_ROUTE ||
	    (result.kind == RESULT_ERROR && result.type == RTN_LOCAL))
		return result;
	route = longest(s, RT_TABLE_DEFAULT, p->dst);
	return route && route->type != RTN_THROW ? outcome(route) : result;
}

/* ---- chance -------------------------------------------------------------------------- */

#define PICK(s, list) ((list)[random_below(&(s)->random, sizeof(list) / sizeof((list)[0]))])

static struct prefix some_prefix(struct scene *s)
{
	static const uint8_t lengths[] = { 0, 8, 9, 16, 24, 32 };

	return prefix_make(0x14000000 | random_below(&s->random, 2) << 23 |
				   random_below(&s->random, 2) << 8 | random_below(&s->random, 2),
			   PICK(s, lengths));
}

static void random_routes(struct scene *s, struct mirror *mirror)
{
	static const uint32_t tables[] = { 254, 254, 254, 100, 100, 101, 101, 255, 253 };
	static const uint8_t types[] = { RTN_UNICAST, RTN_UNICAST,     RTN_UNICAST,
					 RTN_UNICAST, RTN_BLACKHOLE,   RTN_THROW,
					 RTN_THROW,   RTN_UNREACHABLE, RTN_PROHIBIT };
	bool has_default = random_below(&s->random, 3) == 0;

	for (uint32_t i = 0; i < ROUTES; i++) {
		struct table_route *r = &s->routes[s->n_routes];
		bool taken = false;
		char gateway[32];
		struct event *ev;

		r->dst = some_prefix(s);
		r->table = PICK(s, tables);
		r->type = r->table == RT_TABLE_LOCAL ? RTN_LOCAL : PICK(s, types);
		r->id = 1 + i;
		for (uint32_t k = 0; k < s->n_routes; k++)
			taken |= s->routes[k].table == r->table &&
				 prefix_equal(s->routes[k].dst, r->dst);
		if (taken || (r->table == RT_TABLE_DEFAULT && !has_default) ||
		    (r->table == RT_TABLE_LOCAL && r->dst.len < 16))
			continue;
		s->n_routes++;
		s->certain &= r->table != RT_TABLE_DEFAULT;
		snprintf(gateway, sizeof(gateway), "10.0.2.%u", r->id);
		ev = ev_route(EVENT_DUMP, "0.0.0.0/0", 2, gateway);
		ev->route.dst = r->dst;
		ev->route.table = r->table;
		ev->route.type = r->type;
		assert_int_equal(mirror_apply(mirror, ev), 0);
	}
}

static void random_selectors(struct scene *s, struct event_rule *r)
{
	static const char *const names[] = { "eth2", "eth3", "eth2", "eth9", "lo" };

	if (random_below(&s->random, 3) == 0)
		r->src = some_prefix(s);
	if (random_below(&s->random, 3) == 0)
		r->dst = some_prefix(s);
	if (random_below(&s->random, 3) == 0) {
		snprintf(r->iif, sizeof(r->iif), "%s", PICK(s, names));
		if (index_of(r->iif) == 0xffff)
			r->flags |= FIB_RULE_IIF_DETACHED;
	}
	if (random_below(&s->random, 12) == 0)
		snprintf(r->oif, sizeof(r->oif), "eth3");
	if (random_below(&s->random, 8) == 0) {
		r->fwmark = random_below(&s->random, 2);
		r->fwmask = 1;
	}
	if (random_below(&s->random, 4) == 0)
		r->flags |= FIB_RULE_INVERT;
}

static void random_doubts(struct scene *s, struct event_rule *r)
{
	switch (random_below(&s->random, 5)) {
	case 0:
		r->tos = random_below(&s->random, 2) ? 0x08 : 0x28;
		break;
	case 1:
		r->protocol = 6;
		break;
	case 2:
		r->sport[0] = 100;
		r->sport[1] = 101;
		break;
	case 3:
		r->dport[0] = r->dport[1] = 80;
		break;
	default:
		r->other = true;
	}
	s->certain = false;
}

static void add_rule(struct scene *s, struct mirror *mirror, const struct event *ev)
{
	uint32_t at = s->n_rules++;

	assert_int_equal(mirror_apply(mirror, ev), 0);
	for (; at && s->rules[at - 1].priority > ev->rule.priority; at--)
		s->rules[at] = s->rules[at - 1];
	s->rules[at] = ev->rule;
}

static void random_rules(struct scene *s, struct mirror *mirror)
{
	static const uint8_t actions[] = { FR_ACT_BLACKHOLE, FR_ACT_UNREACHABLE, FR_ACT_PROHIBIT,
					   FR_ACT_NOP };
	static const uint32_t tables[] = { 100, 100, 101, 102, 254, 253 };
	uint32_t n = random_below(&s->random, 4) ? random_below(&s->random, RULES) : 0;
	bool doubts = random_below(&s->random, 2);

	add_rule(s, mirror, ev_rule(EVENT_DUMP, 0, RT_TABLE_LOCAL));
	add_rule(s, mirror, ev_rule(EVENT_DUMP, 32766, RT_TABLE_MAIN));
	add_rule(s, mirror, ev_rule(EVENT_DUMP, 32767, RT_TABLE_DEFAULT));
	for (uint32_t i = 0; i < n; i++) {
		uint32_t priority = random_below(&s->random, 4) ? 10 * random_below(&s->random, 4)
								: 32766;
		struct event *ev = ev_rule(EVENT_NEW, priority, PICK(s, tables));

		random_selectors(s, &ev->rule);
		if (random_below(&s->random, 5) == 0)
			ev->rule.action = PICK(s, actions);
		if (doubts && random_below(&s->random, 3) == 0)
			random_doubts(s, &ev->rule);
		add_rule(s, mirror, ev);
	}
}

static struct packet random_packet(struct scene *s)
{
	static const uint16_t ports[] = { 0, 80, 81, 100, 101, 102 };
	static const uint8_t tos[] = { 0, 0, 0x08, 0x28, 0x48, 0x0b };

	return (struct packet){ .dst = some_prefix(s).addr | random_below(&s->random, 2),
				.src = some_prefix(s).addr | random_below(&s->random, 2),
				.iif = 2 + random_below(&s->random, 3),
				.tos = PICK(s, tos),
				.protocol = random_below(&s->random, 2) ? 6 : 17,
				.is_fragment = random_below(&s->random, 4) == 0,
				.sport = PICK(s, ports),
				.dport = PICK(s, ports) };
}

/* ---- comparison ---------------------------------------------------------------------- */

static enum verdict verdict_of(const struct result *result)
{
	switch (result->type) {
	case RTN_BLACKHOLE:
		return VERDICT_dropped;
	case RTN_UNREACHABLE:
		return VERDICT_unreachable;
	case RTN_PROHIBIT:
		return VERDICT_prohibit;
	default:
		return VERDICT_local;
	}
}

static bool agrees(const struct mirror *mirror, const struct result *kernel,
		   const struct resolved_route *ours, bool exactly)
{
	if (!exactly && ours->verdict >= VERDICT_FIRST_REASON)
		return true;
	switch (kernel->kind) {
	case RESULT_MISS:
		return ours->verdict == VERDICT_no_route || ours->verdict == VERDICT_throw;
	case RESULT_ERROR:
		return ours->verdict == verdict_of(kernel);
	default:
		return ours->verdict == VERDICT_forwarded &&
		       (ntohl(mirror_nexthop(mirror, ours->nexthop)->legs[0].gateway.v4) & 255) ==
			       kernel->id;
	}
}

static void explain(const struct scene *s, const struct packet *p, const struct result *kernel,
		    const struct resolved_route *ours)
{
	char a[PREFIX_STRLEN], b[PREFIX_STRLEN];

	for (uint32_t i = 0; i < s->n_rules; i++) {
		const struct event_rule *r = &s->rules[i];

		print_error("%u:%s from %s to %s iif %s oif %s mark %u/%u tos %u proto %u sport %u "
			    "dport %u other %d action %u table %u\n",
			    r->priority, r->flags & FIB_RULE_INVERT ? " not" : "",
			    prefix_format(r->src, a), prefix_format(r->dst, b), r->iif, r->oif,
			    r->fwmark, r->fwmask, r->tos, r->protocol, r->sport[1], r->dport[1],
			    r->other, r->action, r->table);
	}
	for (uint32_t i = 0; i < s->n_routes; i++)
		print_error("table %u %s type %u id %u\n", s->routes[i].table,
			    prefix_format(s->routes[i].dst, a), s->routes[i].type, s->routes[i].id);
	fail_msg("%08x from %08x iif %u tos %u: kernel kind %d type %u id %u, ours %d", p->dst,
		 p->src, p->iif, p->tos, kernel->kind, kernel->type, kernel->id, ours->verdict);
}

static uint32_t forwards, exact;

static void check(const struct scene *s, const struct mirror *mirror, const struct packet *p)
{
	const struct resolved_query query = {
		.dst = p->dst,
		.src = p->src,
		.iif = p->iif,
		.tos = p->tos,
		.protocol = p->protocol,
		.has_ports = !p->is_fragment,
		.sport = p->is_fragment ? 0 : p->sport,
		.dport = p->is_fragment ? 0 : p->dport,
	};
	bool first_ever = resolve_rules_plain(mirror);
	struct resolved_route ours;
	struct result kernel;

	resolve_query(mirror, &query, &ours);
	forwards += ours.verdict == VERDICT_forwarded;
	exact += s->certain;
	for (int i = 0; i < 8; i++) {
		kernel = by_rules(s, p, (struct kernel_way){ i & 1, i & 2, i & 4 });
		if (!agrees(mirror, &kernel, &ours, s->certain))
			explain(s, p, &kernel, &ours);
	}
	kernel = without_rules(s, p);
	if (first_ever && !agrees(mirror, &kernel, &ours, false))
		explain(s, p, &kernel, &ours);
}

static void test_against_the_kernel(void **state)
{
	struct scene scene;

	(void)state;
	for (uint32_t round = 0; round < ROUNDS; round++) {
		struct mirror *mirror = mirror_new();
		struct event *ev;

		assert_non_null(mirror);
		memset(&scene, 0, sizeof(scene));
		random_init(&scene.random, round + 1);
		scene.certain = true;
		for (uint32_t i = 2; i <= 5; i++)
			mirror_apply(mirror, ev_link(EVENT_DUMP, i, LINK_RUNS));
		ev = ev_link(EVENT_DUMP, 1, LINK_RUNS | IFF_LOOPBACK);
		snprintf(ev->link.name, sizeof(ev->link.name), "lo");
		mirror_apply(mirror, ev);
		random_rules(&scene, mirror);
		random_routes(&scene, mirror);
		for (uint32_t i = 0; i < PACKETS; i++) {
			struct packet packet = random_packet(&scene);

			check(&scene, mirror, &packet);
		}
		mirror_destroy(mirror);
	}
	print_message("%u packets, %u forwarded, %u compared exactly\n", ROUNDS * PACKETS, forwards,
		      exact);
	assert_true(forwards > ROUNDS * PACKETS / 5);
	assert_true(exact > ROUNDS * PACKETS / 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_against_the_kernel) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
