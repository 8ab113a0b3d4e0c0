/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The engine lpm: a BPF_MAP_TYPE_LPM_TRIE, one system call per change.
 *
 * The map can tell neither whether it holds a prefix nor which prefix a match came from, and it
 * must never be so full that a replacement fails. So a private RIB remembers what was entered.
 * Invariant: it holds exactly the prefixes of the map, at most `limit` of them.
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

static int lpm_set(struct fib_engine *engine, struct prefix prefix, uint32_t leaf,
		   struct prefix *ret_mark)
{
	struct lpm_key key = key_of(prefix);
	struct lpm *lpm = lpm_of(engine);
	struct rib_entry *fresh;
	int err;

	if (!prefix.len || leaf == LEAF_DEFAULT || leaf >= LEAF_LIMIT)
		return -EINVAL;
	if (rib_find(lpm->held, prefix))
		return bpf_map_update_elem(lpm->map_fd, &key, &leaf, BPF_ANY);
	if (rib_count(lpm->held) >= lpm->limit)
		return full(lpm, prefix, ret_mark);
	fresh = rib_get(lpm->held, prefix);
	if (!fresh)
		return -ENOMEM;
	err = bpf_map_update_elem(lpm->map_fd, &key, &leaf, BPF_ANY);
	if (err)
		rib_remove(lpm->held, fresh);
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
