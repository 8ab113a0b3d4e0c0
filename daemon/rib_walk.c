// SPDX-License-Identifier: GPL-2.0-only
/* Walks over the RIB in order, by address, then length: over the tries of all tiers together. */
#include "rib_internal.h"

enum {
	DEPTH = 34, /* nodes on the longest path, /0 to /32, and one to spare */
};

typedef int (*walk_fn)(void *ctx, struct rib_entry *entry);

static bool before(struct prefix a, struct prefix b)
{
	return a.addr < b.addr || (a.addr == b.addr && a.len < b.len);
}

/* The first root in use that does not end before the address. */
static uint32_t root_next(const struct rib *rib, unsigned int tier, uint32_t addr)
{
	return rib_roots_next(&rib->used[tier], root_index(tier, addr));
}

/* The first entry in order of the trie below a node. */
static struct rib_entry *first_below(const struct rib *rib, uint32_t handle)
{
	struct node *node = node_get(rib, handle);

	while (!is_entry(node))
		node = node_get(rib, node->child[0]);
	return &node->entry;
}

/* The first entry of a trie at or after `from`, which need not be a proper prefix here. */
static struct rib_entry *first_in(const struct rib *rib, uint32_t handle, struct prefix from)
{
	uint32_t later = 0; /* the nearest subtrie that lies after `from` as a whole */

	while (handle) {
		struct node *node = node_get(rib, handle);
		unsigned int side;

		if (!before(rib_prefix(&node->entry), from))
			return first_below(rib, handle);
		if (!covers_addr(node, from.addr))
			break;
		side = bit(from.addr, node->entry.len);
		if (!side && node->child[1])
			later = node->child[1];
		handle = node->child[side];
	}
	return later ? first_below(rib, later) : NULL;
}

struct rib_entry *rib_first(const struct rib *rib, struct prefix from)
{
	struct rib_entry *first = NULL;

	for (unsigned int tier = 0; tier < TIERS; tier++) {
		/* Roots that lie at or after a shorter prefix need not be looked at. */
		uint32_t end = root_index(tier, first ? first->addr : 1ull << 32);
		struct rib_entry *found = NULL;

		for (uint32_t i = root_next(rib, tier, from.addr); i < end && !found;
		     i = rib_roots_next(&rib->used[tier], i + 1))
			found = first_in(rib, rib->roots[tier][i], from);
		first = found ? found : first;
	}
	return first;
}

struct rib_entry *rib_next(const struct rib *rib, struct prefix after)
{
	if (after.len < 32)
		return rib_first(rib, (struct prefix){ .addr = after.addr, .len = after.len + 1 });
	if (after.addr == UINT32_MAX)
		return NULL;
	return rib_first(rib, (struct prefix){ .addr = after.addr + 1, .len = 0 });
}

/* The topmost node of a trie that the prefix covers, or 0. */
static uint32_t top_below(const struct rib *rib, uint32_t handle, struct prefix prefix)
{
	while (handle) {
		struct node *node = node_get(rib, handle);

		if (node->entry.len >= prefix.len)
			return prefix_covers(prefix, rib_prefix(&node->entry)) ? handle : 0;
		handle = node->child[bit(prefix.addr, node->entry.len)];
	}
	return 0;
}

static int walk_trie(const struct rib *rib, uint32_t handle, walk_fn fn, void *ctx)
{
	uint32_t stack[DEPTH];
	unsigned int n = 0;
	int err = 0;

	while (handle && !err) {
		struct node *node = node_get(rib, handle);

		if (is_entry(node))
			err = fn(ctx, &node->entry);
		handle = node->child[0];
		if (node->child[1] && handle)
			stack[n++] = node->child[1];
		else if (node->child[1])
			handle = node->child[1];
		else if (!handle && n)
			handle = stack[--n];
	}
	return err;
}

/* A walk over the tiers together. */
struct weave {
	const struct rib *rib;
	uint32_t next[TIERS]; /* the first root not yet walked */
	walk_fn fn;
	void *ctx;
};

struct strand {
	struct weave *weave;
	unsigned int tier;
};

static int walk_roots(struct weave *weave, unsigned int tier, uint64_t end);

/* What lies before the entry in the tiers of longer prefixes, then itself. */
static int walk_entry(void *ctx, struct rib_entry *entry)
{
	const struct strand *strand = ctx;
	struct weave *weave = strand->weave;
	int err = walk_roots(weave, strand->tier + 1, entry->addr);

	return err ? err : weave->fn(weave->ctx, entry);
}

/* The tier's roots before an address, and all that lies before it in the tiers of longer prefixes. */
static int walk_roots(struct weave *weave, unsigned int tier, uint64_t end)
{
	struct strand strand = { .weave = weave, .tier = tier };
	const struct rib *rib = weave->rib;
	int err = 0;

	if (tier == TIERS)
		return 0;
	while (!err) {
		uint32_t root = rib_roots_next(&rib->used[tier], weave->next[tier]);

		if (root >= root_index(tier, end))
			break;
		weave->next[tier] = root + 1;
		err = walk_trie(rib, rib->roots[tier][root], walk_entry, &strand);
	}
	return err ? err : walk_roots(weave, tier + 1, end);
}

int rib_walk_below(const struct rib *rib, struct prefix prefix, walk_fn fn, void *ctx)
{
	struct weave weave = { .rib = rib, .fn = fn, .ctx = ctx };
	struct strand strand = { .weave = &weave, .tier = tier_of(prefix.len) };
	uint64_t end = (uint64_t)prefix.addr + (1ull << (32 - prefix.len));
	int err;

	for (unsigned int tier = 0; tier < TIERS; tier++)
		weave.next[tier] = root_index(tier, prefix.addr);
	err = walk_trie(rib, top_below(rib, *root_of(rib, prefix), prefix), walk_entry, &strand);
	return err ? err : walk_roots(&weave, strand.tier + 1, end);
}
