// SPDX-License-Identifier: GPL-2.0-only
/*
 * Policy rules: a short list in the kernel's order, which is that of priority, and of insertion among
 * equals (fib_nl_newrule() in net/core/fib_rules.c). Two may be the same.
 *
 * Any change of it changes what look-ups mean, and the first one ever unmerges the tables local and
 * main, of which nothing is announced: resync.
 */
#include "mirror_internal.h"

#include <linux/fib_rules.h>
#include <stdlib.h>

/* Not what a rule is, but how it is: its devices or its target are not there. */
#define RULE_STATE (FIB_RULE_UNRESOLVED | FIB_RULE_IIF_DETACHED | FIB_RULE_OIF_DETACHED)

static bool same_range(const uint16_t a[2], const uint16_t b[2])
{
	return a[0] == b[0] && a[1] == b[1];
}

static bool same_rule(const struct event_rule *a, const struct event_rule *b)
{
	return a->priority == b->priority && a->table == b->table && a->fwmark == b->fwmark &&
	       a->fwmask == b->fwmask && !((a->flags ^ b->flags) & ~RULE_STATE) &&
	       a->action == b->action && a->tos == b->tos && prefix_equal(a->src, b->src) &&
	       prefix_equal(a->dst, b->dst) && strncmp(a->iif, b->iif, sizeof(a->iif)) == 0 &&
	       strncmp(a->oif, b->oif, sizeof(a->oif)) == 0 && a->l3mdev == b->l3mdev &&
	       a->protocol == b->protocol && same_range(a->sport, b->sport) &&
	       same_range(a->dport, b->dport) && a->other == b->other;
}

/* Has the dump of this generation shown it already? */
static bool is_dumped(const struct mirror *mirror, const struct mirror_rule *rule)
{
	return rule->dumped && rule->generation == mirror->generation;
}

/* The link to the first that is the same, or the end; for a dump, that it has not shown yet. */
static struct mirror_rule **find(struct mirror *mirror, const struct event *ev)
{
	struct mirror_rule **link = &mirror->rules;

	while (*link && (!same_rule(&(*link)->e, &ev->rule) ||
			 (ev->op == EVENT_DUMP && is_dumped(mirror, *link))))
		link = &(*link)->next;
	return link;
}

/* Behind its equals; in a dump before those that it has not shown yet. */
static struct mirror_rule **place_of(struct mirror *mirror, const struct event *ev)
{
	struct mirror_rule **link = &mirror->rules;

	for (; *link; link = &(*link)->next) {
		if ((*link)->e.priority > ev->rule.priority)
			break;
		if (ev->op == EVENT_DUMP && (*link)->e.priority == ev->rule.priority &&
		    !is_dumped(mirror, *link))
			break;
	}
	return link;
}

static void rule_remove(struct mirror *mirror, struct mirror_rule **link)
{
	struct mirror_rule *rule = *link;

	*link = rule->next;
	mirror->n_rules--;
	free(rule);
	mirror_dirty_rules(mirror);
	mirror_rules_forget_answers(mirror);
}

static void rule_insert(struct mirror *mirror, struct mirror_rule **link, struct mirror_rule *rule)
{
	rule->next = *link;
	*link = rule;
	mirror_dirty_rules(mirror);
	mirror_rules_forget_answers(mirror);
}

/* It is there already: what may have changed is its place, as a dump tells, and its state. */
static void rule_confirm(struct mirror *mirror, struct mirror_rule **link, const struct event *ev)
{
	struct mirror_rule *rule = *link;

	rule->e.flags = ev->rule.flags;
	if (ev->op == EVENT_DUMP)
		mirror_rule_bind(mirror, rule, ev);
	if (ev->op == EVENT_DUMP && place_of(mirror, ev) != link) {
		*link = rule->next;
		rule_insert(mirror, place_of(mirror, ev), rule);
	}
	rule->dumped = ev->op == EVENT_DUMP || is_dumped(mirror, rule);
	rule->generation = mirror->generation;
}

int mirror_apply_rule(struct mirror *mirror, const struct event *ev)
{
	struct mirror_rule **link = find(mirror, ev);
	struct mirror_rule *rule;

	if (ev->op == EVENT_DEL) {
		if (*link)
			rule_remove(mirror, link);
		mirror_want_resync(mirror, "a policy rule was deleted");
		return 0;
	}
	/* Announced anew it is one more, unless a dump may have had it before. */
	if (*link && (ev->op == EVENT_DUMP || mirror->replaying)) {
		rule_confirm(mirror, link, ev);
		return 0;
	}
	rule = calloc(1, sizeof(*rule));
	if (!rule)
		return -ENOMEM;
	rule->e = ev->rule;
	rule->generation = mirror->generation;
	rule->dumped = ev->op == EVENT_DUMP;
	rule_insert(mirror, place_of(mirror, ev), rule);
	mirror_rule_bind(mirror, rule, ev);
	mirror->n_rules++;
	if (ev->op == EVENT_NEW)
		mirror_want_resync(mirror, "a policy rule was added");
	return 0;
}

void mirror_sweep_rules(struct mirror *mirror)
{
	struct mirror_rule **link = &mirror->rules;

	while (*link) {
		if ((*link)->generation != mirror->generation)
			rule_remove(mirror, link);
		else
			link = &(*link)->next;
	}
}

void mirror_destroy_rules(struct mirror *mirror)
{
	while (mirror->rules)
		rule_remove(mirror, &mirror->rules);
}

void mirror_adopt_rules(struct mirror *mirror, const struct mirror *from)
{
	for (const struct mirror_rule *rule = mirror->rules; rule; rule = rule->next) {
		const struct mirror_rule *known = from->rules;
		const struct mirror_link *link, *known_link;

		while (known && !same_rule(&known->e, &rule->e))
			known = known->next;
		if (rule->iif_known || !known || !known->iif_known)
			continue;
		link = mirror_link(mirror, known->iif);
		known_link = mirror_link(from, known->iif);
		if (link && known_link && strncmp(link->e.name, known_link->e.name, IFNAMSIZ) == 0)
			mirror_set_rule_iif(mirror, rule, known->iif);
	}
}

const struct mirror_rule *mirror_rules(const struct mirror *mirror)
{
	return mirror->rules;
}

/* The routes of one table come in a row: remembering the last answer is enough. */
bool mirror_rules_name_table(struct mirror *mirror, uint32_t table)
{
	const struct mirror_rule *rule = mirror->rules;

	if (mirror->asked.known && mirror->asked.table == table)
		return mirror->asked.named;
	while (rule && (rule->e.action != FR_ACT_TO_TBL || rule->e.table != table))
		rule = rule->next;
	mirror->asked.known = true;
	mirror->asked.table = table;
	mirror->asked.named = rule != NULL;
	return mirror->asked.named;
}
