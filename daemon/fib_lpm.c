/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The engine lpm: a BPF_MAP_TYPE_LPM_TRIE, one system call per change.
 *
 * The map can tell neither whether it holds a prefix nor which prefix a match came from, and it
 * must never be so full that a replacement fails. So a private RIB remembers what was entered, and with
 * which leaf. Invariant: it holds exactly the prefixes of the map, at most `limit` of them.
 *
 * A repair walks the map a few entries at a time. Those that it comes by are marked, and so are those written
 * since it began (`spare` is the number of the walk); what is not marked in the end is missing.
 */
#include "fib_engine.h"

#include <stddef.h>
#include <stdlib.h>
#include <bpf/bpf.h>

#include "rib.h"

struct lpm {
	struct fib_engine engine;
	struct rib *held;
	int map_fd;
	uint32_t limit;
	struct lpm_key at;     /* where the walk of a repair is */
	bool walking;	       /* false: it begins (again) */
	uint16_t walk;	       /* its number */
	uint32_t missing_from; /* part number at which the walk was over, 0: it is not */
};

static struct lpm *lpm_of(const struct fib_engine *engine)
{
	return (struct lpm *)((char *)engine - offsetof(struct lpm, engine));
}

static struct lpm_key key_of(struct prefix prefix)
{
	return (struct lpm_key){ .prefixlen = prefix.len, .addr = htonl(prefix.addr) };
}

/* Refuses an addition, and names what would catch its packets: the default where nothing does. */
static int full(const struct lpm *lpm, struct prefix prefix, struct prefix *ret_mark)
{
	const struct rib_entry *cover = rib_cover(lpm->held, prefix);

	*ret_mark = cover ? rib_prefix(cover) : prefix_make(0, 0);
	return -ENOSPC;
}

static void note(const struct lpm *lpm, struct rib_entry *entry, uint32_t leaf)
{
	entry->installed = leaf;
	entry->spare = lpm->walk;
}

/* Behind a key that is gone the kernel would begin anew, and so does the walk. */
static void walk_without(struct lpm *lpm, const struct lpm_key *key)
{
	if (memcmp(&lpm->at, key, sizeof(*key)) == 0)
		lpm->walking = false;
}

static int lpm_set(struct fib_engine *engine, struct prefix prefix, uint32_t leaf,
		   struct prefix *ret_mark)
{
	struct lpm_key key = key_of(prefix);
	struct lpm *lpm = lpm_of(engine);
	struct rib_entry *fresh;
	int err;

	if (!prefix.len || leaf == LEAF_DEFAULT || leaf >= LEAF_LIMIT)
		return -EINVAL;
	fresh = rib_find(lpm->held, prefix);
	if (fresh) {
		err = bpf_map_update_elem(lpm->map_fd, &key, &leaf, BPF_ANY);
		if (!err)
			note(lpm, fresh, leaf);
		return err;
	}
	if (rib_count(lpm->held) >= lpm->limit)
		return full(lpm, prefix, ret_mark);
	fresh = rib_get(lpm->held, prefix);
	if (!fresh)
		return -ENOMEM;
	err = bpf_map_update_elem(lpm->map_fd, &key, &leaf, BPF_ANY);
	if (err)
		rib_remove(lpm->held, fresh);
	else
		note(lpm, fresh, leaf);
	return err == -ENOSPC ? full(lpm, prefix, ret_mark) : err;
}

static int lpm_del(struct fib_engine *engine, struct prefix prefix, struct prefix cover,
		   uint32_t cover_leaf __attribute__((unused)))
{
	struct lpm_key key = key_of(prefix);
	struct lpm *lpm = lpm_of(engine);
	struct rib_entry *entry;
	int err;

	if (!prefix.len || cover.len >= prefix.len)
		return -EINVAL;
	entry = rib_find(lpm->held, prefix);
	if (!entry)
		return 0;
	err = bpf_map_delete_elem(lpm->map_fd, &key);
	if (err && err != -ENOENT)
		return err;
	walk_without(lpm, &key);
	rib_remove(lpm->held, entry);
	return 0;
}

static uint32_t lpm_lookup(const struct fib_engine *engine, uint32_t addr)
{
	struct lpm_key key = key_of(prefix_make(addr, 32));
	uint32_t leaf;

	if (bpf_map_lookup_elem(lpm_of(engine)->map_fd, &key, &leaf))
		return LEAF_DEFAULT;
	return leaf;
}

static uint32_t lpm_used(const struct fib_engine *engine)
{
	return rib_count(lpm_of(engine)->held);
}

/* The map itself frees nothing that a program may still see. */
static void lpm_grace(struct fib_engine *engine __attribute__((unused)))
{
}

static bool lpm_wants_grace(const struct fib_engine *engine __attribute__((unused)))
{
	return false;
}

/* ---- repair -------------------------------------------------------------------------- */

enum {
	REPAIR_BATCH = 1024,
	REPAIR_PARTS = 1 << 14, /* many times what a map holds, should the walk begin anew */
};

static void tell(const struct engine_truth *truth, struct prefix prefix, int err)
{
	truth->repaired(truth->ctx, prefix.addr, prefix.addr | ~prefix_mask(prefix.len), err);
}

static void repair_found(struct lpm *lpm, struct lpm_key key, uint32_t leaf,
			 const struct engine_truth *truth)
{
	struct prefix prefix = { .addr = ntohl(key.addr), .len = (uint8_t)key.prefixlen };
	struct rib_entry *entry = rib_find(lpm->held, prefix);

	if (entry) {
		entry->spare = lpm->walk;
		if (entry->installed != leaf)
			tell(truth, prefix,
			     bpf_map_update_elem(lpm->map_fd, &key, &entry->installed, BPF_ANY));
		return;
	}
	walk_without(lpm, &key);
	tell(truth, prefix, bpf_map_delete_elem(lpm->map_fd, &key));
}

/* Some entries of the map. 1: that was not all. */
static int repair_some(struct lpm *lpm, const struct engine_truth *truth)
{
	struct lpm_key keys[REPAIR_BATCH], next;
	uint32_t leaves[REPAIR_BATCH], n = REPAIR_BATCH;
	int err = bpf_map_lookup_batch(lpm->map_fd, lpm->walking ? &lpm->at : NULL, &next, keys,
				       leaves, &n, NULL);

	if (err && err != -ENOENT)
		return err;
	lpm->at = next;
	lpm->walking = true;
	for (uint32_t i = 0; i < n; i++)
		repair_found(lpm, keys[i], leaves[i], truth);
	return !err;
}

struct search {
	struct lpm *lpm;
	const struct engine_truth *truth;
};

static int repair_missing(void *ctx, struct rib_entry *entry)
{
	const struct search *search = ctx;
	struct lpm_key key = key_of(rib_prefix(entry));

	if (entry->spare == search->lpm->walk)
		return 0;
	tell(search->truth, rib_prefix(entry),
	     bpf_map_update_elem(search->lpm->map_fd, &key, &entry->installed, BPF_ANY));
	return 0;
}

/* What is shorter than /8 lies below none. */
static void repair_missing_short(struct lpm *lpm, struct search *search)
{
	struct rib_entry *entry;

	for (uint8_t len = 1; len < 8; len++)
		for (uint32_t i = 0; i < 1u << len; i++) {
			entry = rib_find(lpm->held, prefix_make(i << (32 - len), len));
			if (entry)
				repair_missing(search, entry);
		}
}

static int lpm_repair(struct fib_engine *engine, uint32_t part, const struct engine_truth *truth)
{
	struct lpm *lpm = lpm_of(engine);
	struct search search = { .lpm = lpm, .truth = truth };
	int more;

	if (!part) {
		lpm->walk++;
		lpm->walking = false;
		lpm->missing_from = 0;
	}
	if (!lpm->missing_from) {
		if (part == REPAIR_PARTS)
			return -EAGAIN;
		more = repair_some(lpm, truth);
		if (more)
			return more;
		lpm->missing_from = part + 1;
		repair_missing_short(lpm, &search);
		return 1;
	}
	part -= lpm->missing_from;
	rib_walk_below(lpm->held, prefix_make(part << 24, 8), repair_missing, &search);
	return part < 255;
}

static void lpm_destroy(struct fib_engine *engine)
{
	struct lpm *lpm = lpm_of(engine);

	rib_destroy(lpm->held);
	free(lpm);
}

static uint32_t lpm_room_for(struct fib_engine *engine, const struct prefix *prefixes, uint32_t n)
{
	const struct lpm *lpm = lpm_of(engine);
	uint32_t left = lpm->limit - lpm_used(engine), fit;

	for (fit = 0; fit < n; fit++) {
		if (rib_find(lpm->held, prefixes[fit]))
			continue;
		if (!left)
			break;
		left--;
	}
	return fit;
}

static const struct fib_engine_ops lpm_ops = {
	.name = "lpm",
	.set = lpm_set,
	.del = lpm_del,
	.room_for = lpm_room_for,
	.full = "no entry of the trie is left (max-lpm-routes)",
	.lookup = lpm_lookup,
	.used = lpm_used,
	.grace = lpm_grace,
	.wants_grace = lpm_wants_grace,
	.repair = lpm_repair,
	.destroy = lpm_destroy,
};

int fib_lpm_new(struct fib_engine **ret, int map_fd, uint32_t limit)
{
	struct lpm *lpm = calloc(1, sizeof(*lpm));

	if (!lpm)
		return -ENOMEM;
	lpm->engine.ops = &lpm_ops;
	lpm->map_fd = map_fd;
	lpm->limit = limit;
	lpm->held = rib_new();
	if (!lpm->held) {
		free(lpm);
		return -ENOMEM;
	}
	*ret = &lpm->engine;
	return 0;
}
