// SPDX-License-Identifier: GPL-2.0-only
/* Policy rules: a short list. Any change of it changes what every lookup means: resync. */
#include "mirror_internal.h"

#include <stdlib.h>

static bool same_rule(const struct event_rule *a, const struct event_rule *b)
{
	return a->priority == b->priority && a->table == b->table && a->fwmark == b->fwmark &&
	       a->fwmask == b->fwmask && a->flags == b->flags && a->action == b->action &&
	       a->tos == b->tos && prefix_equal(a->src, b->src) && prefix_equal(a->dst, b->dst) &&
	       strncmp(a->iif, b->iif, sizeof(a->iif)) == 0 &&
	       strncmp(a->oif, b->oif, sizeof(a->oif)) == 0 && a->l3mdev == b->l3mdev &&
	       a->other == b->other;
}

static void rule_remove(struct mirror *mirror, struct mirror_rule **link)
{
	struct mirror_rule *rule = *link;

	*link = rule->next;
	mirror->n_rules--;
	free(rule);
}

int mirror_apply_rule(struct mirror *mirror, const struct event *ev)
{
	struct mirror_rule **link = &mirror->rules;
	struct mirror_rule *rule;

	while (*link && !same_rule(&(*link)->e, &ev->rule))
		link = &(*link)->next;
	if (ev->op == EVENT_DEL) {
		if (*link)
			rule_remove(mirror, link);
		mirror_want_resync(mirror, "a policy rule was deleted");
		return 0;
	}
	if (*link) {
		(*link)->generation = mirror->generation;
		return 0;
	}
	rule = calloc(1, sizeof(*rule));
	if (!rule)
		return -ENOMEM;
	rule->e = ev->rule;
	rule->generation = mirror->generation;
	*link = rule;
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

const struct mirror_rule *mirror_rules(const struct mirror *mirror)
{
	return mirror->rules;
}
