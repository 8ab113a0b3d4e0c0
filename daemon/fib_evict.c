// SPDX-License-Identifier: GPL-2.0-only
/*
 * Room for routes of the user, and for what they would have to stand for.
 *
 * Where the engine is full, what has no room falls back, and so does the prefix that covers it (fib_full.c). That is right
 * for routes of the kernel's, which forwards itself. A route of the user's says what the kernel does not: it would
 * be out of force because of what others announce. So prefixes of the kernel's elsewhere go first: those whose
 * mark is no route of the user's. They are looked for from where the last one was found.
 */
#include "fib_internal.h"

/* Bits of fib.exhausted: there is none to go .. */
enum {
	NONE_COVERED = 1 << 0, /* .. but such as only the default route would stand for */
	NONE_BESIDE = 1 << 1,  /* .. beside what the one who asked stands for */
	NONE_AT_ALL = 1 << 2,
};

/* Would a mark of that prefix speak in the place of a route of the user's? Not where that is a mark already. */
static bool is_users(const struct fib *fib, struct prefix mark)
{
	const struct rib_entry *entry = rib_find(mirror_rib(fib->mirror), mark);
	struct resolved_route r;
	uint32_t leaf;

	if (!entry || (mark.len && entry->installed == RIB_NOT_INSTALLED))
		entry = rib_find(mirror_rib(fib->mirror), fib_engine_cover(fib, mark, &leaf));
	return entry && !(entry->spare & ENTRY_MARKED) && resolve_route(fib->mirror, entry, &r) &&
	       r.user;
}

/* What would stand for the entry if it were left out. */
static struct prefix mark_of(const struct fib *fib, const struct rib_entry *entry)
{
	uint8_t row_len = fib->sink->engine->ops->row_len;
	uint32_t leaf;

	return row_len ? prefix_make(entry->addr, row_len)
		       : fib_engine_cover(fib, rib_prefix(entry), &leaf);
}

static bool is_kernels(const struct fib *fib, const struct rib_entry *entry)
{
	struct resolved_route r;

	return entry->installed != RIB_NOT_INSTALLED && !(entry->spare & ENTRY_MARKED) &&
	       resolve_route(fib->mirror, entry, &r) && !r.user;
}

static bool takes_room(const struct fib *fib, const struct rib_entry *entry)
{
	return entry->len > fib->sink->engine->ops->row_len;
}

/* The prefix of what has its room together with the entry; of length 0 if it has it alone. */
static struct prefix row_of(const struct fib *fib, const struct rib_entry *entry)
{
	uint8_t row_len = fib->sink->engine->ops->row_len;

	return row_len ? prefix_make(entry->addr, row_len) : prefix_make(0, 0);
}

/* The first held entry that takes room in the row, or the first after that one. NULL: there is none. */
static struct rib_entry *in_row(const struct fib *fib, struct prefix row,
				const struct rib_entry *after)
{
	const struct rib *rib = mirror_rib(fib->mirror);
	struct rib_entry *entry = after ? rib_next(rib, rib_prefix(after)) : rib_first(rib, row);

	while (entry && prefix_covers(row, rib_prefix(entry))) {
		if (takes_room(fib, entry) && entry->installed != RIB_NOT_INSTALLED)
			return entry;
		entry = rib_next(rib, rib_prefix(entry));
	}
	return NULL;
}

/*
 * kept: not what that entry (NULL: none) would stand for. `last`: also where the default route would have to, and with
 * it for most of the world.
 */
static bool may_go(const struct fib *fib, const struct rib_entry *entry,
		   const struct rib_entry *kept, bool last)
{
	struct prefix row = row_of(fib, entry), mark;

	if (!takes_room(fib, entry) || !is_kernels(fib, entry))
		return false;
	mark = mark_of(fib, entry);
	if ((!mark.len && !last) || (kept && prefix_equal(mark, rib_prefix(kept))) ||
	    is_users(fib, mark))
		return false;
	entry = row.len ? in_row(fib, row, NULL) : NULL;
	for (; entry; entry = in_row(fib, row, entry))
		if (!is_kernels(fib, entry))
			return false;
	return true;
}

/* The entry, and what has its room together with it. What it gives up is for whoever asked, not for a retry. */
static int give_up(struct fib *fib, struct rib_entry *entry)
{
	struct prefix row = row_of(fib, entry), mark = mark_of(fib, entry);
	uint8_t exhausted = fib->exhausted;
	bool freed = fib->engine_freed;
	int err = 0;

	if (!row.len)
		err = fib_full_leave_out(fib, entry, mark);
	entry = row.len ? in_row(fib, row, NULL) : NULL;
	for (; entry && !err; entry = in_row(fib, row, entry))
		err = fib_full_leave_out(fib, entry, mark);
	fib->engine_freed = freed;
	fib->exhausted = exhausted;
	return err;
}

/* From where the last one was found, once around. */
static struct rib_entry *find(struct fib *fib, const struct rib_entry *kept, bool last)
{
	const struct rib *rib = mirror_rib(fib->mirror);
	struct rib_entry *entry = rib_next(rib, fib->evicted);
	bool around = false;

	while (entry || !around) {
		mirror_step(fib->mirror);
		if (entry && may_go(fib, entry, kept, last))
			return entry;
		if (entry) {
			entry = rib_next(rib, rib_prefix(entry));
		} else {
			around = true;
			entry = rib_first(rib, prefix_make(0, 0));
		}
		if (around && entry && entry->addr > fib->evicted.addr)
			break;
	}
	return NULL;
}

bool fib_evict_beside(struct fib *fib, const struct rib_entry *kept)
{
	uint8_t none = kept ? NONE_BESIDE : NONE_AT_ALL;
	struct rib_entry *other = NULL;

	if (fib->exhausted & (NONE_AT_ALL | none))
		return false;
	if (!(fib->exhausted & NONE_COVERED))
		other = find(fib, kept, false);
	if (!other) {
		fib->exhausted |= NONE_COVERED;
		other = find(fib, kept, true);
	}
	if (!other) {
		fib->exhausted |= none;
		return false;
	}
	fib->evicted = rib_prefix(other);
	return !give_up(fib, other);
}

bool fib_evict(struct fib *fib, const struct rib_entry *entry, struct prefix mark)
{
	struct resolved_route r;

	if (fib->exhausted & NONE_AT_ALL || !resolve_route(fib->mirror, entry, &r) ||
	    (!r.user && !is_users(fib, mark)))
		return false;
	return fib_evict_beside(fib, NULL);
}
