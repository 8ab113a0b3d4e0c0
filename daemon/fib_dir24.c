/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The engine dir24: DIR-24-8 in two shared tables of leaves.
 *
 * An entry of the first table is the leaf of a /24, or names a row with the leaves of its 256
 * addresses. Beside every shared leaf a private byte keeps the length of the prefix that it came
 * from. It decides what a change may overwrite: a new prefix takes the cells of equal or shorter
 * length, a deleted one gives its own cells to its cover. Nothing else about prefixes of up to /24
 * is remembered; of the longer ones a row knows which it holds, so as to be freed with the last.
 *
 * Invariants: programs see single aligned stores only; a row is filled before it is linked, and
 * once unlinked it is not written again before a grace period, for a program may still be reading
 * it.
 */
#include "fib_engine.h"

#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>

#define LEN_EXTENDED 0x40 /* in a length of the first table: the entry names a row */
#define LEN_COUNTED  0x80 /* the same, within dir24_room_for() only: it is going to */
#define EACH_BYTE    0x0101010101010101ull
#define EACH_LEAF    0x0001000100010001ull

typedef uint64_t __attribute__((may_alias)) four_leaves;

/* The prefixes longer than /24 of a row: bit 2^n + i is number i of those of length 24 + n. */
struct row_held {
	uint64_t bits[8];
};

/* The private memory in one mapping, so that only what is used takes up room. */
struct dir24_private {
	uint8_t len[DIR24_ENTRIES];
	struct {
		struct row_held held;
		uint8_t len[DIR24_ROW];
		uint32_t spare; /* of the rows together: the stacks of spare row numbers */
		uint32_t owner; /* 1 + the entry that names this row; 0: none */
	} row[];
};

struct dir24 {
	struct fib_engine engine;
	uint16_t *table, *groups; /* the caller's, seen by programs */
	struct dir24_private *priv;
	size_t priv_size;
	uint32_t n_groups;
	uint32_t n_fresh;  /* rows never used start here */
	uint32_t n_free;   /* row[0..].spare: ready for use */
	uint32_t searched; /* see row_of() */
	uint32_t
		n_quarantine; /* row[n_groups - 1..].spare, downwards: waiting for a grace period */
};

/* Cells whose prefix length lies within lo..hi get this leaf, and this length. */
struct change {
	uint8_t lo, hi, len;
	uint16_t leaf;
};

static struct dir24 *dir24_of(const struct fib_engine *engine)
{
	return (struct dir24 *)((char *)engine - offsetof(struct dir24, engine));
}

static void put(uint16_t *cell, uint16_t leaf)
{
	__atomic_store_n(cell, leaf, __ATOMIC_RELAXED);
}

static uint32_t see(const uint16_t *cell)
{
	return __atomic_load_n(cell, __ATOMIC_ACQUIRE);
}

static uint16_t *row_leaves(const struct dir24 *dir, uint32_t row)
{
	return dir->groups + (size_t)row * DIR24_ROW;
}

/*
 * The row of an extended entry. What the table says is not relied on: it may have been written by others. Then
 * the owner is searched for, behind the last one that was: rows are mostly taken in the order of addresses.
 */
static uint32_t row_of(struct dir24 *dir, uint32_t slot)
{
	uint32_t row = see(&dir->table[slot]) & ~DIR24_EXTENDED;

	if (row < dir->n_groups && dir->priv->row[row].owner == slot + 1)
		return row;
	for (uint32_t i = 1; i <= dir->n_fresh; i++) {
		row = (dir->searched + i) % dir->n_fresh;
		if (dir->priv->row[row].owner == slot + 1)
			break;
	}
	dir->searched = row;
	return row;
}

/* ---- changing cells ------------------------------------------------------------------ */

static void change_some(uint16_t *leaf, uint8_t *len, uint32_t n, const struct change *change)
{
	for (uint32_t i = 0; i < n; i++) {
		if (len[i] < change->lo || len[i] > change->hi)
			continue;
		len[i] = change->len;
		put(&leaf[i], change->leaf);
	}
}

static void change_row(struct dir24 *dir, uint32_t row, const struct change *change)
{
	change_some(row_leaves(dir, row), dir->priv->row[row].len, DIR24_ROW, change);
}

/* The same for entries of the first table, rows below them included. */
static void change_entries(struct dir24 *dir, uint32_t first, uint32_t n,
			   const struct change *change)
{
	uint8_t *len = dir->priv->len;

	for (uint32_t i = first; i < first + n; i++) {
		uint8_t plain = len[i] & ~LEN_EXTENDED;

		if (len[i] & LEN_EXTENDED)
			change_row(dir, row_of(dir, i), change);
		if (plain < change->lo || plain > change->hi)
			continue;
		if (len[i] & LEN_EXTENDED) {
			len[i] = change->len | LEN_EXTENDED;
		} else {
			len[i] = change->len;
			put(&dir->table[i], change->leaf);
		}
	}
}

/*
 * The same eight entries at a time, for the millions below a short prefix. The high bit of each
 * byte says whether that length is within lo..hi; no byte borrows from the next, for lengths are
 * below 128.
 */
static void change_table(struct dir24 *dir, uint32_t first, uint32_t n, const struct change *change)
{
	const uint64_t high = EACH_BYTE << 7, extended = EACH_BYTE * LEN_EXTENDED;
	const uint64_t hi = EACH_BYTE * (change->hi | 0x80), lo = EACH_BYTE * change->lo;
	const uint64_t fill = EACH_BYTE * change->len, leaves = EACH_LEAF * change->leaf;

	if (n < 8) {
		change_entries(dir, first, n, change);
		return;
	}
	for (uint32_t i = first; i < first + n; i += 8) {
		four_leaves *leaf = (four_leaves *)&dir->table[i];
		uint64_t len, within;

		memcpy(&len, &dir->priv->len[i], sizeof(len));
		within = (hi - len) & ((len | high) - lo) & high;
		if (within == high) {
			memcpy(&dir->priv->len[i], &fill, sizeof(fill));
			__atomic_store_n(&leaf[0], leaves, __ATOMIC_RELAXED);
			__atomic_store_n(&leaf[1], leaves, __ATOMIC_RELAXED);
		} else if (within || len & extended) {
			change_entries(dir, i, 8, change);
		}
	}
}

static void change_short(struct dir24 *dir, struct prefix prefix, const struct change *change)
{
	change_table(dir, prefix.addr >> 8, 1u << (24 - prefix.len), change);
}

static void change_long(struct dir24 *dir, uint32_t row, struct prefix prefix,
			const struct change *change)
{
	uint32_t first = prefix.addr & (DIR24_ROW - 1);

	change_some(row_leaves(dir, row) + first, dir->priv->row[row].len + first,
		    1u << (32 - prefix.len), change);
}

/* ---- rows ---------------------------------------------------------------------------- */

static uint32_t held_bit(struct prefix prefix)
{
	return (1u << (prefix.len - 24)) + ((prefix.addr & 255) >> (32 - prefix.len));
}

static bool held_any(const struct row_held *held)
{
	for (unsigned int i = 0; i < 8; i++) {
		if (held->bits[i])
			return true;
	}
	return false;
}

static int row_take(struct dir24 *dir, uint32_t *ret)
{
	if (dir->n_free)
		*ret = dir->priv->row[--dir->n_free].spare;
	else if (dir->n_fresh < dir->n_groups)
		*ret = dir->n_fresh++;
	else
		return dir->n_quarantine ? -EAGAIN : -ENOSPC;
	return 0;
}

/*
 * Gives the entry a row that says the same as it did, but for the prefix. A row that is taken holds
 * no prefix: it was never used, or its last one was taken out.
 */
static int extend(struct dir24 *dir, struct prefix prefix, const struct change *change)
{
	uint32_t slot = prefix.addr >> 8, leaf = see(&dir->table[slot]), row;
	uint8_t len = dir->priv->len[slot];
	int err = row_take(dir, &row);

	if (err)
		return err;
	for (unsigned int i = 0; i < DIR24_ROW; i++)
		put(&row_leaves(dir, row)[i], leaf);
	memset(dir->priv->row[row].len, len, DIR24_ROW);
	dir->priv->row[row].held.bits[held_bit(prefix) / 64] |= 1ull << held_bit(prefix) % 64;
	change_long(dir, row, prefix, change);

	dir->priv->row[row].owner = slot + 1;
	dir->priv->len[slot] = len | LEN_EXTENDED;
	__atomic_store_n(&dir->table[slot], DIR24_EXTENDED | row, __ATOMIC_RELEASE);
	return 0;
}

/* Makes the entry a plain leaf again; its row stays as it is for those who still read it. */
static void unextend(struct dir24 *dir, uint32_t slot, const struct change *change)
{
	uint32_t row = row_of(dir, slot);

	dir->priv->row[row].owner = 0;
	put(&dir->table[slot], change->leaf);
	dir->priv->len[slot] = change->len;
	dir->n_quarantine++;
	dir->priv->row[dir->n_groups - dir->n_quarantine].spare = row;
}

/* ---- the interface ------------------------------------------------------------------- */

static int dir24_set(struct fib_engine *engine, struct prefix prefix, uint32_t leaf,
		     struct prefix *ret_mark)
{
	struct change change = { .lo = 0, .hi = prefix.len, .len = prefix.len, .leaf = leaf };
	struct dir24 *dir = dir24_of(engine);
	uint32_t slot = prefix.addr >> 8, row, bit;
	int err;

	if (!prefix.len || leaf == LEAF_DEFAULT || leaf >= LEAF_LIMIT)
		return -EINVAL;
	if (prefix.len <= 24) {
		change_short(dir, prefix, &change);
		return 0;
	}
	if (!(dir->priv->len[slot] & LEN_EXTENDED)) {
		err = extend(dir, prefix, &change);
		if (err == -ENOSPC)
			*ret_mark = prefix_make(prefix.addr, 24);
		return err;
	}
	row = row_of(dir, slot);
	bit = held_bit(prefix);
	dir->priv->row[row].held.bits[bit / 64] |= 1ull << bit % 64;
	change_long(dir, row, prefix, &change);
	return 0;
}

static int dir24_del(struct fib_engine *engine, struct prefix prefix, struct prefix cover,
		     uint32_t cover_leaf)
{
	struct change change = {
		.lo = prefix.len, .hi = prefix.len, .len = cover.len, .leaf = cover_leaf
	};
	struct dir24 *dir = dir24_of(engine);
	uint32_t slot = prefix.addr >> 8, row, bit;
	struct row_held *held;

	if (!prefix.len || cover.len >= prefix.len || cover_leaf >= LEAF_LIMIT)
		return -EINVAL;
	if (prefix.len <= 24) {
		change_short(dir, prefix, &change);
		return 0;
	}
	if (!(dir->priv->len[slot] & LEN_EXTENDED))
		return 0;
	row = row_of(dir, slot);
	bit = held_bit(prefix);
	held = &dir->priv->row[row].held;
	held->bits[bit / 64] &= ~(1ull << bit % 64);
	if (held_any(held))
		change_long(dir, row, prefix, &change);
	else
		unextend(dir, slot, &change);
	return 0;
}

static uint32_t dir24_lookup(const struct fib_engine *engine, uint32_t addr)
{
	const struct dir24 *dir = dir24_of(engine);
	uint32_t leaf = see(&dir->table[addr >> 8]);

	if (!(leaf & DIR24_EXTENDED))
		return leaf;
	leaf &= ~DIR24_EXTENDED;
	if (leaf >= dir->n_groups) /* not by us */
		return VERDICT_stale;
	return see(&row_leaves(dir, leaf)[addr & (DIR24_ROW - 1)]);
}

static uint32_t dir24_used(const struct fib_engine *engine)
{
	const struct dir24 *dir = dir24_of(engine);

	return dir->n_fresh - dir->n_free - dir->n_quarantine;
}

static uint32_t dir24_room_for(struct fib_engine *engine, const struct prefix *prefixes, uint32_t n)
{
	struct dir24 *dir = dir24_of(engine);
	uint32_t left = dir->n_groups - dir24_used(engine), fit;
	uint8_t *len;

	for (fit = 0; fit < n; fit++) {
		len = &dir->priv->len[prefixes[fit].addr >> 8];
		if (prefixes[fit].len <= 24 || *len & (LEN_EXTENDED | LEN_COUNTED))
			continue;
		if (!left)
			break;
		left--;
		*len |= LEN_COUNTED;
	}
	for (uint32_t i = 0; i < fit; i++)
		dir->priv->len[prefixes[i].addr >> 8] &= (uint8_t)~LEN_COUNTED;
	return fit;
}

static void dir24_grace(struct fib_engine *engine)
{
	struct dir24 *dir = dir24_of(engine);

	/* Free and quarantined rows together are at most n_groups: the stacks only meet. */
	while (dir->n_quarantine) {
		uint32_t row = dir->priv->row[dir->n_groups - dir->n_quarantine].spare;

		dir->n_quarantine--;
		dir->priv->row[dir->n_free++].spare = row;
	}
}

static bool dir24_wants_grace(const struct fib_engine *engine)
{
	return dir24_of(engine)->n_quarantine > 0;
}

/* ---- repair -------------------------------------------------------------------------- */

static void repair_row(struct dir24 *dir, uint32_t slot, uint16_t leaf,
		       const struct engine_truth *truth)
{
	uint32_t row = row_of(dir, slot);
	uint16_t should[DIR24_ROW], *is = row_leaves(dir, row);

	if (see(&dir->table[slot]) != (DIR24_EXTENDED | row)) {
		put(&dir->table[slot], DIR24_EXTENDED | row);
		truth->repaired(truth->ctx, slot << 8, slot << 8 | 255, 0);
	}
	truth->row(truth->ctx, slot << 8, leaf, should);
	for (uint32_t i = 0; i < DIR24_ROW; i++) {
		if (see(&is[i]) == should[i])
			continue;
		put(&is[i], should[i]);
		truth->repaired(truth->ctx, slot << 8 | i, slot << 8 | i, 0);
	}
}

/* One part for each /8. */
static int dir24_repair(struct fib_engine *engine, uint32_t part, const struct engine_truth *truth)
{
	enum { PARTS = 256, SLOTS = DIR24_ENTRIES / PARTS };
	struct dir24 *dir = dir24_of(engine);
	uint16_t *should = malloc(SLOTS * sizeof(*should));

	if (!should)
		return -ENOMEM;
	truth->leaves(truth->ctx, prefix_make(part << 24, 8), should);
	for (uint32_t i = 0; i < SLOTS; i++) {
		uint32_t slot = part * SLOTS + i;

		if (dir->priv->len[slot] & LEN_EXTENDED) {
			repair_row(dir, slot, should[i], truth);
		} else if (see(&dir->table[slot]) != should[i]) {
			put(&dir->table[slot], should[i]);
			truth->repaired(truth->ctx, slot << 8, slot << 8 | 255, 0);
		}
	}
	free(should);
	return part + 1 < PARTS;
}

/* ---- life ---------------------------------------------------------------------------- */

static void dir24_destroy(struct fib_engine *engine)
{
	struct dir24 *dir = dir24_of(engine);

	munmap(dir->priv, dir->priv_size);
	free(dir);
}

static const struct fib_engine_ops dir24_ops = {
	.name = "dir24",
	.set = dir24_set,
	.del = dir24_del,
	.room_for = dir24_room_for,
	.full = "no extension group is left (max-extension-groups; --fib lpm needs none)",
	.row_len = 24,
	.lookup = dir24_lookup,
	.used = dir24_used,
	.grace = dir24_grace,
	.wants_grace = dir24_wants_grace,
	.repair = dir24_repair,
	.destroy = dir24_destroy,
};

int fib_dir24_new(struct fib_engine **ret, uint16_t *table, uint16_t *groups, uint32_t n_groups)
{
	struct dir24 *dir;

	if (n_groups > DIR24_EXTENDED)
		return -EINVAL;
	dir = calloc(1, sizeof(*dir));
	if (!dir)
		return -ENOMEM;
	dir->engine.ops = &dir24_ops;
	dir->table = table;
	dir->groups = groups;
	dir->n_groups = n_groups;
	dir->priv_size = sizeof(*dir->priv) + n_groups * sizeof(dir->priv->row[0]);
	dir->priv = mmap(NULL, dir->priv_size, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (dir->priv == MAP_FAILED) {
		free(dir);
		return -ENOMEM;
	}
	*ret = &dir->engine;
	return 0;
}
