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
	const uint16_t *table; /* dir24 */
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
	const uint16_t *row = datapath_dir24_row(c->v->dp, entry & ~DIR24_EXTENDED);
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
