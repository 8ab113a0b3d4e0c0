// SPDX-License-Identifier: GPL-2.0-only
/*
 * Policy rules as steps that the fast path can follow; a reason to fall back where it cannot.
 *
 * As fib_rules_lookup() and fib_rule_match() of net/core/fib_rules.c, and fib4_rule_match() and
 * fib4_rule_action() of net/ipv4/fib_rules.c do it. A rule is told from what a forwarded packet is:
 * no oif, no mark, an iif that is not enslaved. What it selects by beyond addresses and iif makes
 * a match possible but not certain, and the kernel then decides (policy_rule). Of what it can do
 * besides a look-up and a verdict (goto, suppress_*) nothing is followed.
 */
#include "resolve.h"

#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>

enum {
	KNOWN_FLAGS = FIB_RULE_PERMANENT | FIB_RULE_INVERT | FIB_RULE_UNRESOLVED |
		      FIB_RULE_IIF_DETACHED | FIB_RULE_OIF_DETACHED,
};

/* What the selectors of a rule come to. */
enum match {
	MATCH_NEVER,
	MATCH_POSSIBLE, /* what meets the conditions may match, nothing else does */
	MATCH_CERTAIN,	/* exactly what meets the conditions matches */
};

/* Does it select by nothing but what it looks up? */
static bool is_unconditional(const struct event_rule *e)
{
	return !(e->flags & (FIB_RULE_INVERT | ~KNOWN_FLAGS)) && !e->fwmark && !e->fwmask &&
	       !e->tos && !e->src.len && !e->dst.len && !e->iif[0] && !e->oif[0] && !e->l3mdev &&
	       !e->protocol && !e->sport[1] && !e->dport[1] && !e->other;
}

static bool is_lookup(const struct event_rule *e, uint32_t table)
{
	return e->action == FR_ACT_TO_TBL && e->table == table && is_unconditional(e);
}

static bool is_plain(const struct event_rule *e, uint32_t priority, uint32_t table)
{
	return e->priority == priority && is_lookup(e, table);
}

bool resolve_rules_plain(const struct mirror *mirror)
{
	unsigned int seen = 0;

	for (const struct mirror_rule *rule = mirror_rules(mirror); rule; rule = rule->next) {
		if (is_plain(&rule->e, 0, RT_TABLE_LOCAL))
			seen |= 1;
		else if (is_plain(&rule->e, 32766, RT_TABLE_MAIN))
			seen |= 2;
		else if (is_plain(&rule->e, 32767, RT_TABLE_DEFAULT))
			seen |= 4;
		else
			return false;
	}
	return seen == 7;
}

/* ---- what a rule matches ------------------------------------------------------------- */

/* The interface of the rule into *ret: the one that it is attached to, whatever its name is now. */
static enum match match_iif(const struct mirror *mirror, const struct mirror_rule *rule,
			    uint32_t *ret)
{
	const struct mirror_link *link;

	if (!rule->e.iif[0])
		return MATCH_CERTAIN;
	if (!rule->iif_known)
		return MATCH_POSSIBLE;
	link = rule->iif ? mirror_link(mirror, rule->iif) : NULL;
	if (!link || !resolve_can_be_port(link))
		return MATCH_NEVER;
	*ret = link->e.ifindex;
	return MATCH_CERTAIN;
}

/* The other selectors, of which each alone can make the whole not match. */
static enum match match_rest(const struct event_rule *e, struct resolved_rule *ret)
{
	if (e->oif[0] || e->fwmark & e->fwmask || e->l3mdev)
		return MATCH_NEVER;
	ret->src = e->src;
	ret->dst = e->dst;
	ret->tos = e->tos;
	ret->protocol = e->protocol;
	memcpy(ret->sport, e->sport, sizeof(ret->sport));
	memcpy(ret->dport, e->dport, sizeof(ret->dport));
	ret->flags = (e->tos ? POLICY_TOS : 0) | (e->protocol ? POLICY_PROTOCOL : 0) |
		     (e->sport[1] ? POLICY_SPORT : 0) | (e->dport[1] ? POLICY_DPORT : 0);
	return ret->flags || e->other || e->flags & ~KNOWN_FLAGS ? MATCH_POSSIBLE : MATCH_CERTAIN;
}

/* The conditions into *ret, "not" included. */
static enum match match_of(const struct mirror *mirror, const struct mirror_rule *rule,
			   struct resolved_rule *ret)
{
	const struct event_rule *e = &rule->e;
	const struct resolved_rule any = { .flags = 0 };
	enum match iif, rest;

	*ret = any;
	iif = match_iif(mirror, rule, &ret->iif);
	rest = match_rest(e, ret);
	if (rest == MATCH_NEVER || iif == MATCH_NEVER) {
		*ret = any;
		return e->flags & FIB_RULE_INVERT ? MATCH_CERTAIN : MATCH_NEVER;
	}
	if (iif == MATCH_POSSIBLE)
		rest = MATCH_POSSIBLE;
	if (!(e->flags & FIB_RULE_INVERT))
		return rest;
	if (rest == MATCH_POSSIBLE) {
		*ret = any;
		return MATCH_POSSIBLE;
	}
	ret->flags |= POLICY_INVERT;
	return e->src.len || e->dst.len || e->iif[0] ? MATCH_CERTAIN : MATCH_NEVER;
}

static bool is_any(const struct resolved_rule *rule)
{
	return !(rule->flags & ~POLICY_VERDICT) && !rule->iif && !rule->src.len && !rule->dst.len;
}

/* ---- the steps ----------------------------------------------------------------------- */

static enum verdict verdict_of_action(uint8_t action)
{
	switch (action) {
	case FR_ACT_BLACKHOLE:
		return VERDICT_dropped;
	case FR_ACT_UNREACHABLE:
		return VERDICT_unreachable;
	case FR_ACT_PROHIBIT:
		return VERDICT_prohibit;
	default:
		return VERDICT_policy_rule;
	}
}

/* Can it match, and do anything then? */
static bool is_idle(const struct mirror *mirror, const struct mirror_rule *rule)
{
	const struct event_rule *e = &rule->e;
	struct resolved_rule resolved;

	if (e->action == FR_ACT_NOP || match_of(mirror, rule, &resolved) == MATCH_NEVER)
		return true;
	return e->action == FR_ACT_TO_TBL && e->table == RT_TABLE_DEFAULT &&
	       !mirror_default_candidates(mirror);
}

static const struct mirror_rule *first_active(const struct mirror *mirror,
					      const struct mirror_rule *rule)
{
	while (rule && is_idle(mirror, rule))
		rule = rule->next;
	return rule;
}

/*
 * The engine has main and default as one: that is the look-up of main only while default is empty, or
 * asked next.
 */
static bool is_engine(const struct mirror *mirror, const struct mirror_rule *rule)
{
	const struct mirror_rule *next;

	if (!mirror_default_candidates(mirror))
		return true;
	next = first_active(mirror, rule->next);
	return is_unconditional(&rule->e) && next && is_lookup(&next->e, RT_TABLE_DEFAULT);
}

/* One step of a rule that can match. */
static void make_step(const struct mirror *mirror, const struct mirror_rule *rule,
		      struct resolved_rule *ret)
{
	const struct event_rule *e = &rule->e;
	enum match match = match_of(mirror, rule, ret);

	ret->flags |= POLICY_VERDICT;
	ret->verdict = VERDICT_policy_rule;
	if (match == MATCH_POSSIBLE)
		return;
	if (e->action != FR_ACT_TO_TBL) {
		ret->verdict = verdict_of_action(e->action);
		return;
	}
	if (e->table == RT_TABLE_MAIN && !is_engine(mirror, rule))
		return;
	if (!e->table || e->table == RT_TABLE_LOCAL || e->table == RT_TABLE_DEFAULT)
		return;
	ret->flags &= ~POLICY_VERDICT;
	ret->verdict = VERDICT_forwarded;
	ret->table = e->table;
}

static void give_up(struct resolved_policy *ret)
{
	*ret = (struct resolved_policy){ .verdict = VERDICT_policy_rule };
}

/* A table that was asked for everything need not be asked again. */
static bool has_main(const struct resolved_policy *policy)
{
	for (unsigned int i = 0; i < policy->n; i++)
		if (is_any(&policy->rules[i]) && policy->rules[i].table == RT_TABLE_MAIN)
			return true;
	return false;
}

/*
 * What no rule has a route for has none. The step that says so is needed only where main was not asked
 * for everything: without any step the program would ask the engine.
 */
static void end_steps(struct resolved_policy *ret)
{
	if (has_main(ret))
		return;
	if (ret->n == POLICY_STEPS)
		give_up(ret);
	else
		ret->rules[ret->n++] = (struct resolved_rule){ .flags = POLICY_VERDICT,
							       .verdict = VERDICT_no_route };
}

void resolve_policy(const struct mirror *mirror, struct resolved_policy *ret)
{
	const struct mirror_rule *rule = first_active(mirror, mirror_rules(mirror));
	bool final = false;

	*ret = (struct resolved_policy){ .n = 0 };
	if (!mirror_kernel_routes(mirror)) {
		ret->plain = true;
		return;
	}
	if (!rule || !is_lookup(&rule->e, RT_TABLE_LOCAL)) {
		give_up(ret);
		return;
	}
	while (!final && (rule = first_active(mirror, rule->next))) {
		struct resolved_rule step;

		if (ret->n == POLICY_STEPS) {
			give_up(ret);
			return;
		}
		make_step(mirror, rule, &step);
		/* The engine has had it. */
		if (step.table == RT_TABLE_MAIN && mirror_default_candidates(mirror))
			rule = first_active(mirror, rule->next);
		if (step.table == RT_TABLE_MAIN && has_main(ret))
			continue;
		final = is_any(&step) && step.flags & POLICY_VERDICT;
		ret->rules[ret->n++] = step;
	}
	if (!final)
		end_steps(ret);
	ret->plain = ret->n == 1 && has_main(ret);
	if (ret->plain)
		ret->n = 0;
}

bool resolve_marks_matter(const struct mirror *mirror)
{
	const struct mirror_rule *rule = mirror_rules(mirror);

	while (rule && !rule->e.fwmark && !rule->e.fwmask)
		rule = rule->next;
	return rule && mirror_kernel_routes(mirror);
}

uint32_t resolve_hold(const struct mirror *mirror)
{
	uint32_t hold = mirror_hold(mirror);
	struct resolved_policy policy;

	if (hold)
		return hold;
	if (mirror_forward_use_pmtu(mirror) && mirror_kernel_routes(mirror))
		return VERDICT_unsupported_route;
	resolve_policy(mirror, &policy);
	return policy.verdict;
}

/* ---- look-up ------------------------------------------------------------------------- */

static bool in_range(const struct resolved_query *query, uint16_t port, const uint16_t range[2])
{
	return !query->has_ports || !port || (port >= range[0] && port <= range[1]);
}

/* May the packet match? It does, where no flag says that this is not certain. */
static bool matches(const struct resolved_rule *rule, const struct resolved_query *query)
{
	bool match = prefix_covers(rule->src, prefix_make(query->src, 32)) &&
		     prefix_covers(rule->dst, prefix_make(query->dst, 32)) &&
		     (!rule->iif || rule->iif == query->iif);

	if (rule->flags & POLICY_INVERT)
		return !match;
	if (rule->flags & POLICY_TOS && (rule->tos ^ query->tos) & POLICY_TOS_MASK)
		match = false;
	if (rule->flags & POLICY_PROTOCOL && rule->protocol != query->protocol)
		match = false;
	if (rule->flags & POLICY_SPORT && !in_range(query, query->sport, rule->sport))
		match = false;
	if (rule->flags & POLICY_DPORT && !in_range(query, query->dport, rule->dport))
		match = false;
	return match;
}

static const struct rib_entry *lookup_in(const struct mirror *mirror, uint32_t addr, uint32_t table,
					 struct resolved_route *ret)
{
	const struct rib_entry *entry = rib_match(mirror_rib(mirror), addr);

	while (entry && !resolve_route_in(mirror, entry, table, ret))
		entry = rib_cover(mirror_rib(mirror), rib_prefix(entry));
	return entry;
}

static const struct rib_entry *answer(enum verdict verdict, struct resolved_route *ret)
{
	*ret = (struct resolved_route){ .verdict = verdict };
	return NULL;
}

const struct rib_entry *resolve_query(const struct mirror *mirror,
				      const struct resolved_query *query,
				      struct resolved_route *ret)
{
	const struct rib_entry *engine = resolve_lookup(mirror, query->dst, ret), *entry;
	struct resolved_route by_engine = *ret;
	struct resolved_policy policy;

	if (ret->verdict == VERDICT_local || ret->verdict == VERDICT_broadcast ||
	    ret->verdict == VERDICT_multicast || ret->user)
		return engine;
	resolve_policy(mirror, &policy);
	if (policy.plain)
		return engine;
	if (policy.verdict)
		return answer(policy.verdict, ret);
	for (unsigned int i = 0; i < policy.n; i++) {
		const struct resolved_rule *rule = &policy.rules[i];

		if (!matches(rule, query))
			continue;
		if (rule->flags & POLICY_VERDICT)
			return answer(rule->verdict, ret);
		*ret = by_engine;
		entry = rule->table == RT_TABLE_MAIN
				? engine
				: lookup_in(mirror, query->dst, rule->table, ret);
		if (entry && ret->verdict != VERDICT_throw)
			return entry;
	}
	return answer(VERDICT_no_route, ret);
}
