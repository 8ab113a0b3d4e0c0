// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which device the `iif` of a policy rule stands for: an ifindex to the kernel, a name in its messages.
 *
 * As net/core/fib_rules.c has it: a rule is attached when it is added, to the device of that name, be
 * it an alternative name; later by a device that registers with that name or is renamed to it, no
 * alternative one; it is detached when its device is renamed or goes. Nothing of this is announced, and
 * messages say whether a rule is attached, not to what. One that was attached by an alternative name
 * stays so when that name is taken away, and another device may then have it as its own.
 *
 * Certain is therefore only what was followed from a moment on at which the rule was detached, or was
 * added while a device had the name as its own (by_name); for the others the shell asks the kernel
 * (sync_rules.c), and its answer holds until rules or devices change. What is not certain may match.
 */
#include "mirror_internal.h"

#include <linux/fib_rules.h>

static bool is_certain_by_answer(const struct mirror_rule *rule)
{
	return rule->iif_known && !rule->by_name;
}

static void set_iif(struct mirror *mirror, struct mirror_rule *rule, bool known, uint32_t ifindex)
{
	if (rule->iif_known == known && rule->iif == ifindex)
		return;
	rule->iif_known = known;
	rule->iif = ifindex;
	mirror_dirty_rules(mirror);
}

/* Events tell what happens, in its order: nothing was lost, and nothing of a dump is in between. */
static bool is_live(const struct mirror *mirror)
{
	return !mirror->replaying && !mirror->lost;
}

/* The ifindex of the device whose own name it is, as far as this dump or what came later told; or 0. */
static uint32_t device_named(const struct mirror *mirror, const char *name)
{
	for (uint32_t i = 0; i < mirror->n_links; i++) {
		const struct mirror_link *link = mirror->links[i];

		if (link->present && link->generation == mirror->generation &&
		    strncmp(link->e.name, name, IFNAMSIZ) == 0)
			return link->e.ifindex;
	}
	return 0;
}

void mirror_rule_bind(struct mirror *mirror, struct mirror_rule *rule, const struct event *ev)
{
	bool detached = ev->rule.flags & FIB_RULE_IIF_DETACHED;
	uint32_t holder;

	if (!rule->e.iif[0])
		return;
	if (ev->op == EVENT_NEW && !is_live(mirror)) {
		/* What came after it may be known already; the dump that it asks for will tell. */
		rule->by_name = detached;
		set_iif(mirror, rule, false, 0);
		return;
	}
	if (detached) {
		rule->by_name = true;
		set_iif(mirror, rule, true, 0);
		return;
	}
	holder = device_named(mirror, rule->e.iif);
	if (ev->op == EVENT_NEW)
		rule->by_name = holder != 0;
	if (rule->by_name)
		set_iif(mirror, rule, holder != 0, holder);
	else if (ev->op == EVENT_NEW)
		set_iif(mirror, rule, false, 0);
}

void mirror_rules_forget_answers(struct mirror *mirror)
{
	for (struct mirror_rule *rule = mirror->rules; rule; rule = rule->next)
		if (is_certain_by_answer(rule))
			set_iif(mirror, rule, false, 0);
}

/* It cannot be told from this event what the rule is attached to now: a dump may. */
static void doubt(struct mirror *mirror, struct mirror_rule *rule, bool news)
{
	if (is_certain_by_answer(rule))
		mirror_rules_forget_answers(mirror);
	set_iif(mirror, rule, false, 0);
	if (news)
		mirror_want_resync(mirror, "a device was renamed that policy rules may name");
}

static void rule_renamed(struct mirror *mirror, struct mirror_rule *rule,
			 const struct mirror_link *link, enum name_change change, bool news)
{
	uint32_t ifindex = link->e.ifindex;
	bool held = rule->iif == ifindex;
	bool is_its_name = change != NAME_GONE && strncmp(rule->e.iif, link->e.name, IFNAMSIZ) == 0;
	bool follow = news && is_live(mirror) && rule->by_name;

	if (follow && is_its_name)
		set_iif(mirror, rule, true, ifindex);
	else if (follow && held)
		set_iif(mirror, rule, true, 0);
	else if (is_its_name || held || (!rule->iif_known && change == NAME_CHANGED))
		doubt(mirror, rule, news);
}

void mirror_rules_of_link(struct mirror *mirror, const struct mirror_link *link,
			  enum name_change change, bool news)
{
	for (struct mirror_rule *rule = mirror->rules; rule; rule = rule->next)
		if (rule->e.iif[0])
			rule_renamed(mirror, rule, link, change, news);
}

void mirror_rules_of_device(struct mirror *mirror, uint32_t ifindex)
{
	for (const struct mirror_rule *rule = mirror->rules; rule; rule = rule->next)
		if (rule->e.iif[0] && rule->iif == ifindex)
			mirror_dirty_rules(mirror);
}

void mirror_rules_begin(struct mirror *mirror)
{
	for (struct mirror_rule *rule = mirror->rules; rule && mirror->lost; rule = rule->next) {
		if (!rule->e.iif[0])
			continue;
		/* It may have gone, and another one like it come. */
		rule->by_name = false;
		set_iif(mirror, rule, false, 0);
	}
	mirror->lost = false;
}

void mirror_lost(struct mirror *mirror)
{
	mirror->lost = true;
}

void mirror_set_rule_iif(struct mirror *mirror, const struct mirror_rule *which, uint32_t ifindex)
{
	for (struct mirror_rule *rule = mirror->rules; rule; rule = rule->next)
		if (rule == which && rule->e.iif[0] && !rule->iif_known)
			set_iif(mirror, rule, true, ifindex);
}
