// SPDX-License-Identifier: GPL-2.0-only
/*
 * Leaves: what the engine holds for a prefix, kept in rib_entry.installed and compared with what the
 * prefix resolves to. /0 is not in the engine: its leaf is the default leaf, no_route without it.
 */
#include "fib_internal.h"

int fib_route_leaf(struct fib *fib, const struct rib_entry *entry, uint32_t *ret_leaf)
{
	struct resolved_route r;

	if (!resolve_route(fib->mirror, entry, &r))
		return -ENOENT;
	if (r.nexthop)
		return fib_slot_for(fib, r.nexthop, ret_leaf);
	*ret_leaf = r.verdict;
	return 0;
}

/* ---- writing ----------------------------------------------------------------------------------- */

static int engine_set(struct fib *fib, struct prefix prefix, uint32_t leaf, struct prefix *ret_mark)
{
	struct fib_engine *engine = fib->sink->engine;
	int err = engine->ops->set(engine, prefix, leaf, ret_mark);

	if (err == -EAGAIN) {
		fib_grace(fib);
		err = engine->ops->set(engine, prefix, leaf, ret_mark);
	}
	return err;
}

struct prefix fib_engine_cover(const struct fib *fib, struct prefix prefix, uint32_t *ret_leaf)
{
	const struct rib *rib = mirror_rib(fib->mirror);
	const struct rib_entry *cover = rib_cover(rib, prefix);

	while (cover && cover->len && cover->installed == RIB_NOT_INSTALLED)
		cover = rib_cover(rib, rib_prefix(cover));
	if (!cover || !cover->len) {
		*ret_leaf = LEAF_DEFAULT;
		return prefix_make(0, 0);
	}
	*ret_leaf = cover->installed;
	return rib_prefix(cover);
}

static void set_installed(struct fib *fib, struct rib_entry *entry, uint32_t leaf)
{
	if (entry->installed != RIB_NOT_INSTALLED) {
		fib_leaf_unref(fib, entry->installed);
		fib->n_installed--;
	}
	entry->installed = leaf;
	if (leaf != RIB_NOT_INSTALLED)
		fib->n_installed++;
	fib->leaf_writes++;
}

int fib_leaf_write(struct fib *fib, struct rib_entry *entry, uint32_t leaf, struct prefix *ret_mark)
{
	int err;

	if (entry->installed == leaf)
		return 0;
	fib_leaf_ref(fib, leaf);
	if (entry->len == 0)
		err = fib->sink->ops->set_default_leaf(fib->sink, leaf);
	else
		err = engine_set(fib, rib_prefix(entry), leaf, ret_mark);
	if (err != -ENOSPC)
		fib_wrote(fib, err);
	if (err) {
		fib_leaf_unref(fib, leaf);
		return err;
	}
	set_installed(fib, entry, leaf);
	return 0;
}

int fib_leaf_clear(struct fib *fib, struct rib_entry *entry)
{
	struct fib_engine *engine = fib->sink->engine;
	struct prefix cover;
	uint32_t leaf;
	int err;

	if (entry->installed == RIB_NOT_INSTALLED)
		return 0;
	if (entry->len == 0) {
		err = fib->sink->ops->set_default_leaf(fib->sink, VERDICT_no_route);
	} else {
		cover = fib_engine_cover(fib, rib_prefix(entry), &leaf);
		err = engine->ops->del(engine, rib_prefix(entry), cover, leaf);
		fib->engine_freed |= !err;
		if (!err)
			fib->exhausted = 0;
	}
	if (!fib_wrote(fib, err))
		set_installed(fib, entry, RIB_NOT_INSTALLED);
	return err;
}

/* ---- one prefix -------------------------------------------------------------------------------- */

static int withdraw(struct fib *fib, struct rib_entry *entry)
{
	int err;

	if (entry->spare & ENTRY_LEFT_OUT)
		fib_full_withdraw(fib, entry);
	err = fib_leaf_clear(fib, entry);
	if (!err)
		mirror_forget_prefix(fib->mirror, entry);
	return err;
}

int fib_route_sync(struct fib *fib, struct rib_entry *entry)
{
	struct resolved_route r;
	bool is = resolve_route(fib->mirror, entry, &r);
	uint32_t leaf;
	int err;

	/* It stands for others, whatever it says itself; marked dirty when it no longer does. */
	if (!is && !(entry->spare & ENTRY_MARKED))
		return withdraw(fib, entry);
	if (entry->spare & (ENTRY_LEFT_OUT | ENTRY_MARKED))
		return is && r.user && fib->press ? fib_full_press(fib, entry) : 0;
	leaf = r.verdict;
	if (r.nexthop) {
		err = fib_slot_for(fib, r.nexthop, &leaf);
		if (err)
			return err;
	}
	if (entry->installed == RIB_NOT_INSTALLED)
		err = fib_full_install(fib, entry, leaf);
	else
		err = fib_leaf_write(fib, entry, leaf, NULL);
	return !err && r.user && fib->press ? fib_full_press(fib, entry) : err;
}

static int dirty_if_full(void *ctx, struct rib_entry *entry)
{
	struct fib *fib = ctx;

	if (entry->installed == VERDICT_table_full && !(entry->spare & ENTRY_MARKED))
		mirror_dirty_prefix(fib->mirror, entry);
	return 0;
}

void fib_routes_retry(struct fib *fib)
{
	rib_walk_below(mirror_rib(fib->mirror), prefix_make(0, 0), dirty_if_full, fib);
}
