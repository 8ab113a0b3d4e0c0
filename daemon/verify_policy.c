// SPDX-License-Identifier: GPL-2.0-only
/*
 * Policy rules: the steps against what the rules come to, and the routes of the tables they name.
 *
 * A table of the fast path has a number of its own: that of the step which stands for the rule. Where
 * rules cannot be followed everything is on hold, and what is in these maps counts for nothing.
 */
#include "verify_internal.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>

static bool is_followed(const struct verify *v, struct resolved_policy *ret)
{
	resolve_policy(v->mirror, ret);
	return !resolve_hold(v->mirror) && !datapath_control_hold(v->dp) && !ret->verdict;
}

static struct policy_step step_at(const struct verify *v, uint32_t i)
{
	struct policy_step step = { 0 };

	if (i < POLICY_STEPS)
		datapath_policy_step(v->dp, i, &step);
	return step;
}

/* ---- steps ----------------------------------------------------------------------------- */

/* Where the fast path has no room for a table, it leaves the rule to the kernel. */
static bool is_left_to_kernel(const struct policy_step *step)
{
	return step->flags & POLICY_VERDICT && step->arg == VERDICT_table_full;
}

static bool step_fits(const struct verify *v, const struct resolved_rule *rule,
		      const struct policy_step *step)
{
	uint32_t iif = step->port ? datapath_port(v->dp, step->port).ifindex : 0;

	if (rule->iif != iif || htonl(rule->src.addr) != step->src ||
	    htonl(prefix_mask(rule->src.len)) != step->src_mask ||
	    htonl(rule->dst.addr) != step->dst ||
	    htonl(prefix_mask(rule->dst.len)) != step->dst_mask)
		return false;
	if (is_left_to_kernel(step))
		return true;
	if (rule->flags != step->flags || (rule->tos ^ step->tos) & POLICY_TOS_MASK ||
	    rule->protocol != step->protocol ||
	    memcmp(rule->sport, step->sport, sizeof(step->sport)) != 0 ||
	    memcmp(rule->dport, step->dport, sizeof(step->dport)) != 0)
		return false;
	if (rule->flags & POLICY_VERDICT)
		return rule->verdict == step->arg;
	return (rule->table == RT_TABLE_MAIN) == (step->arg == 0);
}

/* One more than there are steps: their number. */
static bool step_differs(struct verify *v, const struct subject *s, uint32_t *ret_signature)
{
	struct resolved_policy policy;
	struct policy_step step;

	*ret_signature = 0;
	if (!is_followed(v, &policy))
		return false;
	if (s->first == POLICY_STEPS)
		return (policy.plain ? 0 : policy.n) != datapath_policy_steps(v->dp);
	if (policy.plain || s->first >= policy.n)
		return false;
	step = step_at(v, s->first);
	*ret_signature = table_hash(&step, sizeof(step));
	return !step_fits(v, &policy.rules[s->first], &step);
}

static void put_step(const struct verify *v, json_t *row, const char *key, uint32_t iif,
		     struct prefix src, struct prefix dst, uint8_t flags, const char *action,
		     uint32_t number)
{
	char from[PREFIX_STRLEN], to[PREFIX_STRLEN], device[IFNAMSIZ];

	put_text(row, key, "%sfrom %s to %s%s%s flags 0x%x: %s %u",
		 flags & POLICY_INVERT ? "not " : "", prefix_format(src, from),
		 prefix_format(dst, to), iif ? " iif " : "",
		 iif ? device_format(v->mirror, iif, device) : "", flags, action, number);
}

static struct prefix prefix_of(__be32 addr, __be32 mask)
{
	return prefix_make(ntohl(addr), __builtin_popcount(mask));
}

static void step_describe(struct verify *v, const struct subject *s, json_t *row)
{
	struct resolved_policy policy;
	struct policy_step step = step_at(v, s->first);
	const struct resolved_rule *rule;

	resolve_policy(v->mirror, &policy);
	put_text(row, "field", s->first == POLICY_STEPS ? "steps" : "step %u", s->first);
	put_text(row, "cause", "not known");
	if (s->first >= policy.n) {
		put_text(row, "kernel", "%u", policy.plain ? 0 : policy.n);
		put_text(row, "fastpath", "%u", datapath_policy_steps(v->dp));
		return;
	}
	rule = &policy.rules[s->first];
	put_step(v, row, "kernel", rule->iif, rule->src, rule->dst, rule->flags,
		 rule->flags & POLICY_VERDICT ? "verdict" : "table",
		 rule->flags & POLICY_VERDICT ? rule->verdict : rule->table);
	put_step(v, row, "fastpath", step.port ? datapath_port(v->dp, step.port).ifindex : 0,
		 prefix_of(step.src, step.src_mask), prefix_of(step.dst, step.dst_mask), step.flags,
		 step.flags & POLICY_VERDICT ? "verdict" : "number", step.arg);
}

const struct subject_type verify_step_type = {
	.name = "policy",
	.differs = step_differs,
	.describe = step_describe,
};

/* ---- routes of the tables -------------------------------------------------------------- */

/* The kernel's table behind a number, 0: none. */
static uint32_t table_of(const struct verify *v, const struct resolved_policy *policy,
			 uint32_t number)
{
	for (unsigned int i = 0; i < policy->n; i++) {
		struct policy_step step = step_at(v, i);

		if (!(step.flags & POLICY_VERDICT) && number && step.arg == number)
			return policy->rules[i].table;
	}
	return 0;
}

static bool is_there(const struct verify *v, const struct subject *s)
{
	const struct rib *present = s->ifindex < POLICY_TABLE_LIMIT ? v->policy[s->ifindex] : NULL;

	return present && rib_find(present, prefix_make(s->first, s->length));
}

/* False: the kernel's table has no such route, or there is no such table. */
static bool is_wanted(const struct verify *v, const struct resolved_policy *policy,
		      const struct subject *s, struct resolved_route *ret)
{
	struct rib_entry *entry = rib_find(mirror_rib(v->mirror), prefix_make(s->first, s->length));
	uint32_t table = table_of(v, policy, s->ifindex);

	return table && entry && resolve_route_in(v->mirror, entry, table, ret);
}

static uint32_t leaf_of(const struct verify *v, const struct subject *s)
{
	return datapath_find_policy_route(v->dp, s->ifindex, prefix_make(s->first, s->length));
}

static bool table_route_differs(struct verify *v, const struct subject *s, uint32_t *ret_signature)
{
	struct outcome kernel, fast;
	struct resolved_policy policy;
	struct resolved_route route;
	bool wanted, there;

	*ret_signature = 0;
	if (!is_followed(v, &policy))
		return false;
	there = is_there(v, s);
	wanted = is_wanted(v, &policy, s, &route);
	if (!wanted || !there) {
		*ret_signature = 1 + there;
		return wanted != there;
	}
	outcome_of_route(v->mirror, &route, &kernel);
	outcome_of_leaf(v->dp, leaf_of(v, s), &fast);
	*ret_signature = signature_of(outcome_hash(&kernel), outcome_hash(&fast));
	return outcome_compare(&kernel, &fast) == DISAGREED;
}

static void table_route_describe(struct verify *v, const struct subject *s, json_t *row)
{
	char text[OUTCOME_LEN], prefix[PREFIX_STRLEN];
	struct resolved_policy policy;
	struct resolved_route route;
	struct outcome outcome;

	resolve_policy(v->mirror, &policy);
	put_text(row, "dst", "%s", prefix_format(prefix_make(s->first, s->length), prefix));
	put_text(row, "field", "table %u", table_of(v, &policy, s->ifindex));
	put_text(row, "kernel", "no such route");
	put_text(row, "fastpath", "no entry");
	if (is_wanted(v, &policy, s, &route)) {
		outcome_of_route(v->mirror, &route, &outcome);
		put_text(row, "kernel", "%s", outcome_format(v->mirror, &outcome, text));
	}
	if (is_there(v, s)) {
		outcome_of_leaf(v->dp, leaf_of(v, s), &outcome);
		put_text(row, "fastpath", "%s", outcome_format(v->mirror, &outcome, text));
	}
	put_text(row, "cause", "not known");
}

const struct subject_type verify_table_route_type = {
	.name = "policy",
	.differs = table_route_differs,
	.describe = table_route_describe,
};

struct table_walk_state {
	struct verify *v;
	uint32_t table, number;
};

static int on_prefix(void *ctx, struct rib_entry *entry)
{
	struct table_walk_state *walk = ctx;
	struct subject s = { .kind = SUBJECT_TABLE_ROUTE,
			     .first = entry->addr,
			     .length = entry->len,
			     .ifindex = walk->number };
	struct resolved_route route;

	/* Those that are there have been looked at. */
	return !is_there(walk->v, &s) &&
			       resolve_route_in(walk->v->mirror, entry, walk->table, &route)
		       ? verify_note(walk->v, &s)
		       : 0;
}

static int on_table_entry(void *ctx, uint32_t number, struct prefix prefix)
{
	struct verify *v = ctx;

	if (number >= POLICY_TABLE_LIMIT)
		return 0;
	if (!v->policy[number])
		v->policy[number] = rib_new();
	return v->policy[number] && rib_get(v->policy[number], prefix) ? 0 : -ENOMEM;
}

int verify_policy_walk(struct verify *v)
{
	if (!v->policy)
		v->policy = calloc(POLICY_TABLE_LIMIT, sizeof(struct rib *));
	if (!v->policy)
		return -ENOMEM;
	for (uint32_t i = 0; i < POLICY_TABLE_LIMIT; i++) {
		rib_destroy(v->policy[i]);
		v->policy[i] = NULL;
	}
	return datapath_walk_policy_routes(v->dp, on_table_entry, v);
}

static int on_present(void *ctx, struct rib_entry *entry)
{
	struct table_walk_state *walk = ctx;
	struct subject s = { .kind = SUBJECT_TABLE_ROUTE,
			     .first = entry->addr,
			     .length = entry->len,
			     .ifindex = walk->number };

	return verify_note(walk->v, &s);
}

/* What a table has, and what it should have. */
static int verify_table(struct verify *v, const struct resolved_policy *policy, uint32_t number)
{
	struct table_walk_state walk = { .v = v,
					 .table = table_of(v, policy, number),
					 .number = number };
	int err = 0;

	if (v->policy[number])
		err = rib_walk_below(v->policy[number], prefix_make(0, 0), on_present, &walk);
	if (!err && walk.table)
		err = rib_walk_below(mirror_rib(v->mirror), prefix_make(0, 0), on_prefix, &walk);
	return err;
}

int verify_policy(struct verify *v)
{
	struct subject s = { .kind = SUBJECT_STEP };
	struct resolved_policy policy;
	int err = verify_policy_walk(v);

	if (err || !is_followed(v, &policy))
		return err;
	for (s.first = 0; s.first <= POLICY_STEPS && !err; s.first++)
		err = verify_note(v, &s);
	for (uint32_t number = 1; number < POLICY_TABLE_LIMIT && !err; number++)
		if (v->policy[number] || table_of(v, &policy, number))
			err = verify_table(v, &policy, number);
	return err;
}
