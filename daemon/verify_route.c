// SPDX-License-Identifier: GPL-2.0-only
/* The route of one address, the kernel's and the engine's: whether they differ, how, and why. */
#include "verify_internal.h"

struct route_look {
	struct resolved_route route;
	struct outcome kernel, fast;
	const struct rib_entry *entry; /* that decides, NULL: none */
	uint32_t raw, leaf;
	bool misplaced;
};

static void look(struct verify *v, uint32_t addr, struct route_look *ret)
{
	ret->entry = resolve_lookup(v->mirror, addr, &ret->route);
	ret->raw = datapath_raw_leaf(v->dp, addr);
	ret->leaf = resolve_leaf(ret->raw, datapath_control(v->dp)->default_leaf);
	outcome_of_route(v->mirror, &ret->route, &ret->kernel);
	outcome_of_leaf(v->dp, ret->leaf, &ret->fast);
	ret->misplaced = is_misplaced(ret->raw, !ret->entry || ret->entry->len == 0);
}

/* The same for what no other prefix decides. */
static void look_at_default(struct verify *v, struct route_look *ret)
{
	ret->entry = rib_find(mirror_rib(v->mirror), prefix_make(0, 0));
	if (!ret->entry || !resolve_route(v->mirror, ret->entry, &ret->route)) {
		ret->entry = NULL;
		ret->route = (struct resolved_route){ .verdict = VERDICT_no_route };
	}
	ret->raw = LEAF_DEFAULT;
	ret->leaf = datapath_control(v->dp)->default_leaf;
	ret->misplaced = false;
	outcome_of_route(v->mirror, &ret->route, &ret->kernel);
	outcome_of_leaf(v->dp, ret->leaf, &ret->fast);
}

static bool route_differs(struct verify *v, const struct subject *s, uint32_t *ret_signature)
{
	enum agreement answer;
	struct route_look at;

	if (s->kind == SUBJECT_DEFAULT)
		look_at_default(v, &at);
	else
		look(v, s->first, &at);
	answer = outcome_compare(&at.kernel, &at.fast);
	*ret_signature =
		signature_of(outcome_hash(&at.kernel), outcome_hash(&at.fast)) + at.misplaced;
	return answer == DISAGREED || (answer == AGREED && at.misplaced);
}

bool verify_route_differs(struct verify *v, uint32_t addr)
{
	struct subject s = { .kind = SUBJECT_ROUTE, .first = addr };
	struct subject otherwise = { .kind = SUBJECT_DEFAULT };
	uint32_t signature;

	return route_differs(v, &s, &signature) ||
	       (datapath_raw_leaf(v->dp, addr) == LEAF_DEFAULT &&
		route_differs(v, &otherwise, &signature));
}

/* ---- why ------------------------------------------------------------------------------- */

/* The daemon's own record of what it wrote, against the maps: of a slot and all behind it. */
static const char *slot_cause(const struct verify *v, uint32_t slot)
{
	union nexthop_word word = datapath_nexthop(v->dp, slot);

	if (slot < LEAF_FIRST_SLOT)
		return NULL;
	if (fib_nexthop_word(v->d->fib, slot) != word.word)
		return "the next-hop slot is not as the daemon wrote it";
	if (word.nexthop.kind == NEXTHOP_ADJACENCY &&
	    fib_adjacency_word(v->d->fib, word.nexthop.arg) !=
		    datapath_adjacency(v->dp, word.nexthop.arg).word)
		return "the adjacency is not as the daemon wrote it";
	return NULL;
}

static const char *group_cause(const struct verify *v, uint32_t slot)
{
	union nexthop_word word = datapath_nexthop(v->dp, slot);
	const char *cause = slot_cause(v, slot);

	if (slot < LEAF_FIRST_SLOT || word.nexthop.kind != NEXTHOP_GROUP)
		return cause;
	for (uint32_t i = 0; i < GROUP_BUCKETS && !cause; i++)
		cause = slot_cause(v, datapath_bucket(v->dp, word.nexthop.arg, i));
	return cause ? cause : "the buckets of the group, or the daemon resolved it so";
}

static const char *route_cause(const struct verify *v, const struct rib_entry *entry,
			       const struct resolved_route *route, const struct route_look *at)
{
	uint32_t written = entry && entry->len ? entry->installed : LEAF_DEFAULT;
	struct sync_counts counts;
	struct outcome outcome;
	const char *cause;

	sync_counts(v->d, &counts);
	if (!counts.synced)
		return "notifications were lost, a full dump is pending";
	outcome_of_route(v->d->mirror, route, &outcome);
	if (outcome_hash(&outcome) != outcome_hash(&at->kernel))
		return "the daemon's mirror differs from the kernel too";
	if (written != at->raw)
		return "the entry in the engine is not as the daemon wrote it";
	if (at->raw == LEAF_DEFAULT && at->leaf != (entry ? entry->installed : VERDICT_no_route))
		return "the default leaf is not as the daemon wrote it";
	if (outcome_compare_ways(&at->kernel, &at->fast) != DISAGREED &&
	    !reverse_equal(&at->kernel.reverse, &at->fast.reverse))
		return "the reverse word of the next-hop slot";
	cause = group_cause(v, at->leaf);
	return cause ? cause : "the daemon's mirror is right, and it wrote this";
}

/* The reverse path check is told of where all else is right. */
static bool put_reverse(const struct verify *v, const struct route_look *at, json_t *row)
{
	char kernel[OUTCOME_LEN], fast[OUTCOME_LEN], reverse[OUTCOME_LEN];

	outcome_format(v->mirror, &at->kernel, kernel);
	outcome_format(v->mirror, &at->fast, fast);
	if (outcome_compare_ways(&at->kernel, &at->fast) == DISAGREED ||
	    reverse_equal(&at->kernel.reverse, &at->fast.reverse))
		return false;
	put_text(row, "kernel", "%s, %s", kernel,
		 reverse_format(v->mirror, &at->kernel.reverse, reverse));
	put_text(row, "fastpath", "%s, %s", fast,
		 reverse_format(v->mirror, &at->fast.reverse, reverse));
	return true;
}

static void put_sides(const struct verify *v, const struct route_look *at, json_t *row)
{
	char text[OUTCOME_LEN];

	if (put_reverse(v, at, row))
		return;
	put_text(row, "kernel", "%s", outcome_format(v->mirror, &at->kernel, text));
	outcome_format(v->mirror, &at->fast, text);
	if (outcome_compare_ways(&at->kernel, &at->fast) == DISAGREED)
		put_text(row, "fastpath", "%s", text);
	else if (at->raw == LEAF_DEFAULT)
		put_text(row, "fastpath", "%s, by the default leaf: its own entry is missing",
			 text);
	else
		put_text(row, "fastpath", "%s, by an entry that should not be", text);
	if (!outcome_is_fast(&at->fast))
		json_object_set_new(row, "conservative", json_true());
}

static void route_describe(struct verify *v, const struct subject *s, json_t *row)
{
	char range[RANGE_LEN], prefix[PREFIX_STRLEN];
	const struct rib_entry *known;
	struct resolved_route route;
	struct route_look at;

	look(v, s->first, &at);
	known = resolve_lookup(v->d->mirror, s->first, &route);
	range_format(s->first, s->last, range);
	put_text(row, "dst", "%s", range);
	if (at.entry) {
		prefix_format(rib_prefix(at.entry), prefix);
		if (strcmp(prefix, range) != 0)
			put_text(row, "prefix", "%s", prefix);
	}
	put_sides(v, &at, row);
	put_text(row, "cause", "%s", route_cause(v, known, &route, &at));
}

static void default_describe(struct verify *v, const struct subject *s, json_t *row)
{
	const struct rib_entry *known = rib_find(mirror_rib(v->d->mirror), prefix_make(0, 0));
	struct resolved_route route;
	struct route_look at;

	(void)s;
	look_at_default(v, &at);
	if (!known || !resolve_route(v->d->mirror, known, &route)) {
		known = NULL;
		route = (struct resolved_route){ .verdict = VERDICT_no_route };
	}
	put_text(row, "dst", "default");
	put_sides(v, &at, row);
	put_text(row, "cause", "%s", route_cause(v, known, &route, &at));
}

const struct subject_type verify_routes_type = {
	.name = "route",
	.differs = route_differs,
	.describe = route_describe,
};

const struct subject_type verify_default_type = {
	.name = "route",
	.differs = route_differs,
	.describe = default_describe,
};
