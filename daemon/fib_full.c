// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the engine has no room for.
 *
 * A prefix left out (a victim) must not be caught by a shorter one: a prefix that covers it, its
 * mark, says table_full instead of what it says itself. Invariants:
 * - of the prefixes that the engine holds, the longest one that covers a victim is its mark;
 * - a mark is held with the leaf table_full as long as it has victims, candidates or not;
 * - an entry is a victim (ENTRY_LEFT_OUT), or held, never both.
 * Hence a prefix that is entered between a victim and its mark becomes the victim's mark. /0 as a
 * mark is the default leaf. Victims are tried again when the engine gave something up; the first one
 * that still does not fit ends the attempt, for room is of one kind in every engine. What is the user's, or would
 * have the user's for its mark, gets its room from others: fib_evict.c. So does what a route of the user's finds left out
 * when it comes: that it stands for nothing (fib_full_press()).
 */
#include "fib_internal.h"

#include <stdlib.h>
#include "mirror_user.h"

static uint32_t entry_hash(const struct rib_entry *entry)
{
	return table_hash_u32(entry->addr + entry->len);
}

static struct fib_mark *mark_find(const struct fib *fib, const struct rib_entry *entry)
{
	struct table_node *node = table_find(&fib->marks, entry_hash(entry));

	for (; node; node = table_find_next(node))
		if (container_of(node, struct fib_mark, node)->entry == entry)
			return container_of(node, struct fib_mark, node);
	return NULL;
}

static struct fib_victim *victim_find(const struct fib *fib, const struct rib_entry *entry)
{
	struct table_node *node = table_find(&fib->victims, entry_hash(entry));

	for (; node; node = table_find_next(node))
		if (container_of(node, struct fib_victim, node)->entry == entry)
			return container_of(node, struct fib_victim, node);
	return NULL;
}

static struct fib_mark *mark_get(struct fib *fib, struct rib_entry *entry)
{
	struct fib_mark *mark = mark_find(fib, entry);

	if (mark)
		return mark;
	mark = calloc(1, sizeof(*mark));
	if (!mark)
		return NULL;
	mark->entry = entry;
	if (table_insert(&fib->marks, &mark->node, entry_hash(entry))) {
		free(mark);
		return NULL;
	}
	entry->spare |= ENTRY_MARKED;
	return mark;
}

/* A mark that nobody needs: the entry says again what it has to say. */
static void mark_put(struct fib *fib, struct fib_mark *mark)
{
	if (mark->victims)
		return;
	mark->entry->spare &= ~ENTRY_MARKED;
	mirror_dirty_prefix(fib->mirror, mark->entry);
	table_remove(&fib->marks, &mark->node);
	free(mark);
}

static void victim_remove(struct fib *fib, struct fib_victim *victim)
{
	victim->entry->spare &= ~ENTRY_LEFT_OUT;
	victim->mark->victims--;
	mark_put(fib, victim->mark);
	table_remove(&fib->victims, &victim->node);
	free(victim);
}

/* ---- between a victim and its mark ------------------------------------------------------------- */

struct between {
	struct fib *fib;
	const struct rib_entry *entry;
	struct fib_mark *adopt; /* NULL: only ask */
};

static int victim_below(void *ctx, struct rib_entry *entry)
{
	struct between *between = ctx;
	struct fib_victim *victim;
	struct fib_mark *old;

	if (!(entry->spare & ENTRY_LEFT_OUT) || entry == between->entry)
		return 0;
	victim = victim_find(between->fib, entry);
	old = victim->mark;
	if (old->entry->len >= between->entry->len)
		return 0;
	if (!between->adopt)
		return 1;
	victim->mark = between->adopt;
	between->adopt->victims++;
	old->victims--;
	mark_put(between->fib, old);
	return 0;
}

bool fib_full_claims(struct fib *fib, const struct rib_entry *entry)
{
	struct between between = { .fib = fib, .entry = entry };

	return fib->victims.count &&
	       rib_walk_below(mirror_rib(fib->mirror), rib_prefix(entry), victim_below, &between);
}

/* Enters a prefix that the engine does not hold. */
static int enter(struct fib *fib, struct rib_entry *entry, uint32_t leaf, struct prefix *ret_mark)
{
	struct between between = { .fib = fib, .entry = entry };
	const struct rib *rib = mirror_rib(fib->mirror);
	int err;

	if (!fib_full_claims(fib, entry))
		return fib_leaf_write(fib, entry, leaf, ret_mark);
	between.adopt = mark_get(fib, entry);
	if (!between.adopt)
		return -ENOMEM;
	err = fib_leaf_write(fib, entry, VERDICT_table_full, ret_mark);
	if (!err)
		rib_walk_below(rib, rib_prefix(entry), victim_below, &between);
	mark_put(fib, between.adopt);
	return err;
}

static int leave_out(struct fib *fib, struct rib_entry *entry, struct prefix mark_prefix)
{
	struct rib_entry *mark_entry = rib_get(mirror_rib(fib->mirror), mark_prefix);
	struct fib_victim *victim = calloc(1, sizeof(*victim));
	struct fib_mark *mark = mark_entry ? mark_get(fib, mark_entry) : NULL;
	struct prefix none;
	int err = victim && mark ? 0 : -ENOMEM;

	if (!err)
		err = fib_leaf_write(fib, mark_entry, VERDICT_table_full, &none);
	if (!err)
		err = table_insert(&fib->victims, &victim->node, entry_hash(entry));
	if (err) {
		free(victim);
		if (mark)
			mark_put(fib, mark);
		else if (mark_entry)
			mirror_dirty_prefix(fib->mirror, mark_entry);
		return err;
	}
	victim->entry = entry;
	victim->mark = mark;
	mark->victims++;
	entry->spare |= ENTRY_LEFT_OUT;
	return 0;
}

int fib_full_install(struct fib *fib, struct rib_entry *entry, uint32_t leaf)
{
	struct prefix mark = prefix_make(0, 0);
	int err = enter(fib, entry, leaf, &mark);

	if (err == -ENOSPC && fib_evict(fib, entry, mark))
		err = enter(fib, entry, leaf, &mark);
	return err == -ENOSPC ? leave_out(fib, entry, mark) : err;
}

int fib_full_leave_out(struct fib *fib, struct rib_entry *entry, struct prefix mark)
{
	int err = leave_out(fib, entry, mark);

	if (err)
		return err;
	err = fib_leaf_clear(fib, entry);
	if (err)
		fib_full_withdraw(fib, entry);
	return err;
}

void fib_full_withdraw(struct fib *fib, struct rib_entry *entry)
{
	victim_remove(fib, victim_find(fib, entry));
}

/* ---- routes of the user's that have no room, or stand for others ------------------------------- */

/* Into the engine, by room from others that the entry does not stand for. */
static int press(struct fib *fib, struct fib_victim *victim, const struct rib_entry *entry)
{
	struct prefix mark;
	uint32_t leaf;
	int err = fib_route_leaf(fib, victim->entry, &leaf);

	if (!err)
		err = enter(fib, victim->entry, leaf, &mark);
	if (err == -ENOSPC && fib_evict_beside(fib, entry))
		err = enter(fib, victim->entry, leaf, &mark);
	if (!err)
		victim_remove(fib, victim);
	return err;
}

/* Would a packet go by the entry, if the mark stood for nothing? */
static bool is_instead_of(const struct fib *fib, const struct fib_mark *mark,
			  const struct rib_entry *entry)
{
	struct resolved_route r;
	uint32_t leaf;

	if (mark->entry == entry || resolve_route(fib->mirror, mark->entry, &r))
		return mark->entry == entry;
	return prefix_equal(fib_engine_cover(fib, rib_prefix(mark->entry), &leaf),
			    rib_prefix(entry));
}

/* The first behind `after` that has a mark instead of the entry. */
static struct fib_victim *next_victim(struct fib *fib, const struct rib_entry *entry,
				      struct prefix after)
{
	const struct rib *rib = mirror_rib(fib->mirror);
	struct rib_entry *below = rib_next(rib, after);

	for (; below && prefix_covers(rib_prefix(entry), rib_prefix(below));
	     below = rib_next(rib, rib_prefix(below))) {
		struct fib_victim *victim = below->spare & ENTRY_LEFT_OUT ? victim_find(fib, below)
									  : NULL;

		mirror_step(fib->mirror);
		if (victim && is_instead_of(fib, victim->mark, entry))
			return victim;
	}
	return NULL;
}

int fib_full_press(struct fib *fib, struct rib_entry *entry)
{
	enum { MANY = 1024 }; /* to be moved for one route */
	struct prefix at = rib_prefix(entry);
	struct fib_victim *victim;
	int err = 0;

	if (entry->spare & ENTRY_LEFT_OUT)
		err = press(fib, victim_find(fib, entry), entry);
	if (err || (entry->spare & ENTRY_MARKED && mark_find(fib, entry)->victims > MANY))
		return err == -ENOSPC ? 0 : err;
	for (int n = 0; n < MANY && !err && fib->victims.count; n++) {
		victim = next_victim(fib, entry, at);
		if (!victim)
			break;
		at = rib_prefix(victim->entry);
		err = press(fib, victim, entry);
		if (err == -ENOENT) /* about to go */
			err = 0;
	}
	return err == -ENOSPC ? 0 : err;
}

/* ---- room again -------------------------------------------------------------------------------- */

/* Is a route of the user's out of force because of it? */
static bool is_pressing(const struct fib *fib, const struct fib_victim *victim)
{
	struct resolved_route r;

	return (resolve_route(fib->mirror, victim->entry, &r) && r.user) ||
	       (resolve_route(fib->mirror, victim->mark->entry, &r) && r.user);
}

/* False: what is left has no room. */
static bool retry(struct fib *fib, bool pressing)
{
	struct table_walk walk = { 0 };
	struct table_node *node;
	struct prefix mark;
	uint32_t leaf;
	int err;

	while ((node = table_walk_next(&fib->victims, &walk))) {
		struct fib_victim *victim = container_of(node, struct fib_victim, node);

		mirror_step(fib->mirror);
		if (pressing && !is_pressing(fib, victim))
			continue;
		err = fib_route_leaf(fib, victim->entry, &leaf);
		if (!err)
			err = enter(fib, victim->entry, leaf, &mark);
		if (!err)
			victim_remove(fib, victim);
		else if (err == -ENOSPC)
			return false;
		else if (err != -ENOENT)
			fib_failed(fib, err);
	}
	return true;
}

/* Routes of the user's first. */
void fib_full_retry(struct fib *fib)
{
	if (!fib->engine_freed)
		return;
	fib->engine_freed = false;
	if (!mirror_user_count(fib->mirror) || retry(fib, true))
		retry(fib, false);
}

/* Prefixes that fall back for want of room in any table. */
uint32_t fib_full_counts(const struct fib *fib)
{
	uint32_t n = fib->victims.count + fib->verdict_leaves[VERDICT_table_full];
	struct table_walk walk = { 0 };
	struct resolved_route r;
	struct table_node *node;

	while ((node = table_walk_next(&fib->marks, &walk)))
		n -= !resolve_route(fib->mirror, container_of(node, struct fib_mark, node)->entry,
				    &r);
	return n;
}

void fib_full_destroy(struct fib *fib)
{
	struct table_walk walk = { 0 };
	struct table_node *node;

	while ((node = table_walk_next(&fib->victims, &walk)))
		free(container_of(node, struct fib_victim, node));
	memset(&walk, 0, sizeof(walk));
	while ((node = table_walk_next(&fib->marks, &walk)))
		free(container_of(node, struct fib_mark, node));
	table_destroy(&fib->victims);
	table_destroy(&fib->marks);
}
