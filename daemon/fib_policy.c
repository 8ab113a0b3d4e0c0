// SPDX-License-Identifier: GPL-2.0-only
/*
 * Policy rules: the steps that a packet goes through, and how one list of them follows another.
 *
 * Steps are more than a word. So they are changed only on hold, after a grace period: routes of
 * tables that are named anew come first, then the steps, then the routes of tables that are named
 * no longer go. It is known before anything else is written whether that lies ahead, and the hold
 * comes on then.
 *
 * A rule for what comes in by a device that has no port is left out: no packet from there reaches
 * the program. A table without room for all its routes has none, and its steps say table_full.
 */
#include "fib_internal.h"

#include <linux/rtnetlink.h>

enum {
	PORT_TO_BE = UINT16_MAX, /* nobody has it */
	TABLE_TO_BE = UINT32_MAX,
};

/* Before the links are looked at: one that can be a port and is none yet may become one. */
static uint16_t port_for(const struct fib *fib, uint32_t ifindex, bool early)
{
	const struct mirror_link *link = mirror_link(fib->mirror, ifindex);
	uint16_t port = fib_port_usable(fib, ifindex);

	if (early && !port && link && resolve_can_be_port(link))
		return PORT_TO_BE;
	return port;
}

static void step_target(const struct fib *fib, const struct resolved_rule *rule,
			struct policy_step *ret)
{
	const struct fib_policy_table *t;

	if (rule->flags & POLICY_VERDICT) {
		ret->arg = rule->verdict;
		return;
	}
	if (rule->table == RT_TABLE_MAIN)
		return;
	t = fib_policy_table_of(fib, rule->table);
	if (t && t->full) {
		ret->flags |= POLICY_VERDICT;
		ret->arg = VERDICT_table_full;
	} else {
		ret->arg = t && t->filled ? t->number : TABLE_TO_BE;
	}
}

/* False: no packet matches. */
static bool step_of(const struct fib *fib, const struct resolved_rule *rule, bool early,
		    struct policy_step *ret)
{
	uint16_t port = rule->iif ? port_for(fib, rule->iif, early) : 0;

	memset(ret, 0, sizeof(*ret));
	ret->flags = rule->flags;
	if (!rule->iif || port) {
		ret->src = htonl(rule->src.addr);
		ret->src_mask = htonl(prefix_mask(rule->src.len));
		ret->dst = htonl(rule->dst.addr);
		ret->dst_mask = htonl(prefix_mask(rule->dst.len));
		ret->port = port;
	} else if (rule->flags & POLICY_INVERT) {
		ret->flags &= ~POLICY_INVERT; /* whatever is not from there: anything */
	} else {
		return false;
	}
	ret->tos = rule->tos;
	ret->protocol = rule->protocol;
	memcpy(ret->sport, rule->sport, sizeof(ret->sport));
	memcpy(ret->dport, rule->dport, sizeof(ret->dport));
	step_target(fib, rule, ret);
	return true;
}

/* All of the array is set, for comparing. */
static uint32_t make_steps(const struct fib *fib, const struct resolved_policy *policy, bool early,
			   struct policy_step steps[POLICY_STEPS])
{
	uint32_t n = 0;

	memset(steps, 0, POLICY_STEPS * sizeof(*steps));
	for (unsigned int i = 0; i < policy->n; i++)
		n += step_of(fib, &policy->rules[i], early, &steps[n]);
	if (n < POLICY_STEPS)
		memset(&steps[n], 0, sizeof(*steps));
	return n;
}

static bool is_installed(const struct fib *fib, const struct policy_step *steps, uint32_t n)
{
	return n == fib->policy.n && memcmp(steps, fib->policy.steps, n * sizeof(*steps)) == 0;
}

void fib_policy_prepare(struct fib *fib)
{
	struct fib_policy *p = &fib->policy;
	struct policy_step steps[POLICY_STEPS];
	struct resolved_policy policy;
	uint32_t n;

	if (fib->mirror->dirty.rules || fib->mirror->dirty.all)
		p->dirty = true;
	/* A table may have been named, not named, and named again. */
	if (fib->mirror->dirty.rules && fib->mirror->dirty.unnamed)
		fib_policy_recheck(fib);
	fib->mirror->dirty.rules = fib->mirror->dirty.unnamed = false;
	if (!p->dirty)
		return;
	resolve_policy(fib->mirror, &policy);
	n = make_steps(fib, &policy, true, steps);
	p->pending = !is_installed(fib, steps, n);
}

/* ---- change ---------------------------------------------------------------------------------- */

static int name_tables(struct fib *fib, const struct resolved_policy *policy)
{
	struct fib_policy_table *t;

	for (t = fib->policy.tables; t; t = t->next)
		t->named = false;
	for (unsigned int i = 0; i < policy->n; i++) {
		if (policy->rules[i].flags & POLICY_VERDICT ||
		    policy->rules[i].table == RT_TABLE_MAIN)
			continue;
		t = fib_policy_table_get(fib, policy->rules[i].table);
		if (!t)
			return -ENOMEM;
		t->named = true;
	}
	for (t = fib->policy.tables; t; t = t->next)
		t->filled &= t->named; /* of the others nothing is heard */
	return 0;
}

/* On hold, and nobody is under way. */
static int hold_and_wait(struct fib *fib)
{
	fib->policy.pending = true;
	fib_control_restrict(fib);
	if (fib->error)
		return fib->error;
	fib_grace(fib);
	return 0;
}

static int install(struct fib *fib, const struct resolved_policy *policy)
{
	struct policy_step steps[POLICY_STEPS];
	uint32_t n;
	int err = hold_and_wait(fib);

	if (!err)
		err = fib_policy_fill(fib);
	if (err)
		return err;
	n = make_steps(fib, policy, false, steps);
	if (n)
		err = fib_wrote(fib, fib->sink->ops->set_policy(fib->sink, steps, n));
	if (err) {
		memset(fib->policy.steps, 0xff, sizeof(fib->policy.steps)); /* may be anything */
		return err;
	}
	memcpy(fib->policy.steps, steps, sizeof(steps));
	fib->policy.n = n;
	fib_control_restrict(fib);
	return fib->error;
}

static int apply(struct fib *fib)
{
	struct policy_step steps[POLICY_STEPS];
	struct resolved_policy policy;
	uint32_t n;
	int err;

	resolve_policy(fib->mirror, &policy);
	err = name_tables(fib, &policy);
	if (err)
		return err;
	n = make_steps(fib, &policy, false, steps);
	if (!is_installed(fib, steps, n))
		err = install(fib, &policy);
	return err ? err : fib_policy_drop(fib);
}

void fib_policy_sync(struct fib *fib)
{
	int err;

	if (!fib->policy.dirty)
		return;
	err = apply(fib);
	fib_failed(fib, err);
	if (!err)
		fib->policy.dirty = fib->policy.pending = false;
}

int fib_policy_init(struct fib *fib)
{
	return fib_numbers_init(&fib->policy.numbers, 1, POLICY_TABLE_LIMIT);
}

void fib_policy_destroy(struct fib *fib)
{
	fib_policy_routes_destroy(fib);
	fib_numbers_destroy(&fib->policy.numbers);
}
