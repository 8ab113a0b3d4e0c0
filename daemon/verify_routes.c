// SPDX-License-Identifier: GPL-2.0-only
/*
 * Routes against the engine, for every address there is.
 *
 * The routes in order cut the address space into spans with one decision each. dir24: every entry of
 * the first table and every leaf of the rows in use is compared with its span's decision. lpm: the
 * first and the last address of each span are looked up (verify_entries.c does the rest).
 *
 * A leaf is right if what it leads to is right. Besides, only what the default route decides may have
 * the leaf 0: else an entry is missing, or left over, that only happens to lead to the same.
 */
#include "verify_internal.h"

#include <errno.h>
#include <stdlib.h>

enum {
	CACHE_BITS = 14,
	PREFIXES_AT_A_TIME = 1 << 14,
	DEPTH = 34, /* spans open at a time: one for each length, and the empty table */
};

struct decision {
	struct resolved_route route;
	bool by_default; /* by 0.0.0.0/0, or by no route at all */
	uint64_t last;	 /* address that it covers */
};

struct route_check {
	struct verify *v;
	const uint32_t *table; /* dir24 */
	uint32_t default_leaf;
	struct decision stack[DEPTH];
	unsigned int depth;
	uint64_t next; /* the first address not looked at */
	int err;
	/* A run of addresses that differ, with the same leaf. */
	uint32_t run_first, run_last, run_leaf;
	bool running;
	struct {
		uint64_t key;
		enum agreement answer;
	} cache[1 << CACHE_BITS];
	struct outcome kernel, fast; /* scratch */
};

static uint32_t resolve_leaf(uint32_t raw, uint32_t default_leaf)
{
	return raw == LEAF_DEFAULT ? default_leaf : raw;
}

/* Not by what it leads to: by where it comes from. */
static bool is_misplaced(uint32_t raw, bool by_default)
{
	return (raw == LEAF_DEFAULT) != by_default;
}

static enum agreement compare(struct route_check *c, const struct decision *decision, uint32_t raw)
{
	uint32_t leaf = resolve_leaf(raw, c->default_leaf);

	outcome_of_route(c->v->mirror, &decision->route, &c->kernel);
	outcome_of_leaf(c->v->dp, leaf, &c->fast);
	return outcome_compare(&c->kernel, &c->fast);
}

static enum agreement compare_cached(struct route_check *c, const struct decision *decision,
				     uint32_t raw)
{
	uint32_t what = decision->route.nexthop ? decision->route.nexthop << 8
						: decision->route.verdict;
	uint64_t key = (uint64_t)what << 32 | resolve_leaf(raw, c->default_leaf);
	uint32_t place = (uint32_t)((key * 0x9e3779b97f4a7c15ULL) >> (64 - CACHE_BITS));
	enum agreement answer;

	/* That is its reference; what it refers to is looked at once. */
	if (raw == LEAF_DEFAULT && decision->by_default)
		return AGREED;
	key++; /* never the empty one */
	if (c->cache[place].key != key) {
		c->cache[place].answer = compare(c, decision, raw);
		c->cache[place].key = key;
	}
	answer = c->cache[place].answer;
	if (answer == AGREED && is_misplaced(raw, decision->by_default))
		return DISAGREED;
	return answer;
}

/* ---- runs of addresses that differ ----------------------------------------------------- */

static void end_run(struct route_check *c)
{
	struct subject s = { .kind = SUBJECT_ROUTE, .first = c->run_first, .last = c->run_last };

	if (!c->running)
		return;
	c->running = false;
	if (!c->err)
		c->err = verify_note(c->v, &s);
}

static void take(struct route_check *c, const struct decision *decision, uint32_t first,
		 uint32_t last, uint32_t raw)
{
	enum agreement answer = compare_cached(c, decision, raw);

	if (answer != DISAGREED) {
		c->v->counts.full += answer == AGREED_FULL;
		end_run(c);
		return;
	}
	if (c->running && c->run_leaf == raw && c->run_last + 1 == first) {
		c->run_last = last;
		return;
	}
	end_run(c);
	c->running = true;
	c->run_first = first;
	c->run_last = last;
	c->run_leaf = raw;
}

/* ---- one span -------------------------------------------------------------------------- */

static void take_row(struct route_check *c, const struct decision *decision, uint32_t first,
		     uint32_t last, uint32_t entry)
{
	const uint32_t *row = datapath_dir24_row(c->v->dp, entry & ~DIR24_EXTENDED);
	uint32_t from = first;

	if (!row) {
		take(c, decision, first, last, VERDICT_stale);
		return;
	}
	while (from <= last) {
		uint32_t leaf = __atomic_load_n(&row[from & 255], __ATOMIC_RELAXED), to = from;

		while (to < last && __atomic_load_n(&row[(to + 1) & 255], __ATOMIC_RELAXED) == leaf)
			to++;
		take(c, decision, from, to, leaf);
		if (to == last)
			break;
		from = to + 1;
	}
}

static void check_dir24(struct route_check *c, const struct decision *decision, uint32_t first,
			uint32_t last)
{
	uint32_t i = first >> 8, end = last >> 8;

	while (i <= end) {
		uint32_t leaf = __atomic_load_n(&c->table[i], __ATOMIC_RELAXED), to = i;
		uint32_t from = i == first >> 8 ? first : i << 8;

		while (!(leaf & DIR24_EXTENDED) && to < end &&
		       __atomic_load_n(&c->table[to + 1], __ATOMIC_RELAXED) == leaf)
			to++;
		if (leaf & DIR24_EXTENDED)
			take_row(c, decision, from, to == end ? last : to << 8 | 255, leaf);
		else
			take(c, decision, from, to == end ? last : to << 8 | 255, leaf);
		i = to + 1;
	}
	end_run(c);
}

static void check_lpm(struct route_check *c, const struct decision *decision, uint32_t first,
		      uint32_t last)
{
	uint32_t leaf = datapath_raw_leaf(c->v->dp, first);
	uint32_t other = first == last ? leaf : datapath_raw_leaf(c->v->dp, last);

	take(c, decision, first, leaf == other ? last : first, leaf);
	if (leaf != other)
		take(c, decision, last, last, other);
	end_run(c);
}

/* ---- spans ----------------------------------------------------------------------------- */

/* The addresses up to `last` that the innermost decision has to itself. */
static void check_until(struct route_check *c, uint64_t last)
{
	const struct decision *decision = &c->stack[c->depth - 1];

	if (c->next > last)
		return;
	if (c->table)
		check_dir24(c, decision, c->next, last);
	else
		check_lpm(c, decision, c->next, last);
	c->next = last + 1;
}

static int check_entry(void *ctx, struct rib_entry *entry)
{
	struct route_check *c = ctx;
	struct decision decision = { .by_default = entry->len == 0 };
	struct prefix prefix = rib_prefix(entry);

	if (!resolve_route(c->v->mirror, entry, &decision.route))
		return 0;
	c->err = vec_push(&c->v->prefixes, &prefix, sizeof(prefix));
	if (c->err)
		return c->err;
	if (++c->v->counts.prefixes % PREFIXES_AT_A_TIME == 0 && verify_is_unwanted(c->v))
		return -EPIPE;
	decision.last = entry->addr | (uint32_t)~prefix_mask(entry->len);
	while (c->stack[c->depth - 1].last < entry->addr) {
		check_until(c, c->stack[c->depth - 1].last);
		c->depth--;
	}
	if (entry->addr)
		check_until(c, entry->addr - 1);
	c->stack[c->depth++] = decision;
	return c->err;
}

int verify_routes(struct verify *v)
{
	struct route_check *c = calloc(1, sizeof(*c));
	int err;

	if (!c)
		return -ENOMEM;
	c->v = v;
	c->table = datapath_dir24_table(v->dp);
	c->default_leaf = datapath_control(v->dp)->default_leaf;
	c->stack[0] = (struct decision){ .route.verdict = VERDICT_no_route,
					 .by_default = true,
					 .last = UINT32_MAX };
	c->depth = 1;
	err = verify_note(v, &(struct subject){ .kind = SUBJECT_DEFAULT });
	if (!err)
		err = rib_walk_below(mirror_rib(v->mirror), prefix_make(0, 0), check_entry, c);
	for (; !err && c->depth; c->depth--) {
		check_until(c, c->stack[c->depth - 1].last);
		err = c->err;
	}
	v->counts.addresses = c->next;
	free(c);
	return err;
}

/* ---- one subject ----------------------------------------------------------------------- */

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
