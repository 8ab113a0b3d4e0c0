/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The RIB as path-compressed binary tries.
 *
 * Prefixes of /20 and longer hang below one of 2^20 roots, by their upper 20 bits, those of /16 to /19
 * below one of 2^16, and the few shorter ones share one more trie. That saves most of the nodes on
 * the way to a prefix, each of which is a cache miss.
 *
 * A node is an entry (RIB_PRESENT) or a fork. Invariants: a child lies within its parent's prefix,
 * on the side that its next bit names; a fork has two children. So n entries need fewer than 2n
 * nodes, and below every node there is an entry. Nodes name each other by handles of a pool and
 * never move: an entry stays where it is, and becomes or ceases to be a fork in place.
 *
 * Most accesses name a prefix that is there, and a way down the trie is one cache miss after another:
 * the entries, and only these, are in an index by prefix besides.
 */
#include "rib_internal.h"

#include <stdlib.h>

struct rib *rib_new(void)
{
	struct rib *rib = calloc(1, sizeof(*rib));

	if (!rib)
		return NULL;
	pool_init(&rib->nodes, sizeof(struct node));
	for (unsigned int tier = 0; tier < TIERS; tier++) {
		rib->roots[tier] = calloc((size_t)1 << tier_bits[tier], sizeof(uint32_t));
		if (!rib->roots[tier] || rib_roots_init(&rib->used[tier], 1u << tier_bits[tier])) {
			rib_destroy(rib);
			return NULL;
		}
	}
	return rib;
}

void rib_destroy(struct rib *rib)
{
	if (!rib)
		return;
	pool_destroy(&rib->nodes);
	rib_index_destroy(&rib->index);
	for (unsigned int tier = 0; tier < TIERS; tier++) {
		free(rib->roots[tier]);
		rib_roots_destroy(&rib->used[tier]);
	}
	free(rib);
}

uint32_t rib_count(const struct rib *rib)
{
	return rib->index.count;
}

struct rib_entry *rib_find(const struct rib *rib, struct prefix prefix)
{
	uint32_t handle = rib_index_find(&rib->index, prefix);

	return handle ? &node_get(rib, handle)->entry : NULL;
}

/* Makes an entry out of a fork or a new node; the index has room for it. */
static struct rib_entry *entry_init(struct rib *rib, uint32_t handle)
{
	struct node *node = node_get(rib, handle);

	node->entry.flags = RIB_PRESENT;
	node->entry.spare = 0;
	node->entry.candidates = 0;
	node->entry.installed = RIB_NOT_INSTALLED;
	rib_index_insert(&rib->index, rib_prefix(&node->entry), handle);
	return &node->entry;
}

static uint32_t node_new(struct rib *rib, struct prefix prefix)
{
	uint32_t handle = pool_alloc(&rib->nodes);

	if (handle >= RIB_INDEX_HANDLES) {
		pool_free(&rib->nodes, handle);
		return 0;
	}
	if (handle) {
		struct node *node = node_get(rib, handle);

		node->entry.addr = prefix.addr;
		node->entry.len = prefix.len;
	}
	return handle;
}

/* How many leading bits the two have in common, at most the shorter one's length. */
static uint8_t common_len(struct prefix a, struct prefix b)
{
	uint8_t most = a.len < b.len ? a.len : b.len;
	uint32_t differ = a.addr ^ b.addr;
	uint8_t same = differ ? (uint8_t)__builtin_clz(differ) : 32;

	return same < most ? same : most;
}

/* Puts a new node above the one in *slot, with which it has `common` leading bits in common. */
static struct rib_entry *insert_above(struct rib *rib, uint32_t *slot, struct prefix prefix,
				      uint8_t common)
{
	uint32_t below = *slot, fresh = node_new(rib, prefix);
	uint32_t above = fresh;
	struct node *node;

	if (!fresh)
		return NULL;
	if (common < prefix.len) {
		above = node_new(rib, prefix_make(prefix.addr, common));
		if (!above) {
			pool_free(&rib->nodes, fresh);
			return NULL;
		}
		node_get(rib, above)->child[bit(prefix.addr, common)] = fresh;
	}
	node = node_get(rib, above);
	node->child[bit(node_get(rib, below)->entry.addr, common)] = below;
	*slot = above;
	return entry_init(rib, fresh);
}

/* The root above the prefix may have become used, or empty. */
static void root_noted(struct rib *rib, struct prefix prefix)
{
	unsigned int tier = tier_of(prefix.len);
	uint32_t root = root_index(tier, prefix.addr);

	if (rib->roots[tier][root])
		rib_roots_set(&rib->used[tier], root);
	else
		rib_roots_clear(&rib->used[tier], root);
}

struct rib_entry *rib_get(struct rib *rib, struct prefix prefix)
{
	struct rib_entry *entry = rib_find(rib, prefix);
	uint32_t *slot = root_of(rib, prefix);

	if (entry || rib_index_reserve(&rib->index))
		return entry;
	while (*slot) {
		struct node *node = node_get(rib, *slot);
		uint8_t common = common_len(prefix, rib_prefix(&node->entry));

		if (common < node->entry.len)
			return insert_above(rib, slot, prefix, common);
		if (common == prefix.len)
			return entry_init(rib, *slot);
		slot = &node->child[bit(prefix.addr, common)];
	}
	*slot = node_new(rib, prefix);
	if (!*slot)
		return NULL;
	root_noted(rib, prefix);
	return entry_init(rib, *slot);
}

/* Takes out a node that is no entry, unless it has two children and is needed as a fork. */
static void prune(struct rib *rib, uint32_t *slot)
{
	uint32_t handle = *slot;
	struct node *node = node_get(rib, handle);

	if (is_entry(node) || (node->child[0] && node->child[1]))
		return;
	*slot = node->child[0] ? node->child[0] : node->child[1];
	pool_free(&rib->nodes, handle);
}

void rib_remove(struct rib *rib, struct rib_entry *entry)
{
	struct prefix prefix = rib_prefix(entry);
	uint32_t *slot = root_of(rib, prefix), *parent = NULL;
	struct node *node;

	while ((node = node_get(rib, *slot)) != (struct node *)entry) {
		parent = slot;
		slot = &node->child[bit(prefix.addr, node->entry.len)];
	}
	entry->flags = 0;
	rib_index_remove(&rib->index, prefix);
	prune(rib, slot);
	if (parent)
		prune(rib, parent);
	root_noted(rib, prefix);
}

/* Longest entry below the root that covers `addr` and is not longer than `len`. */
static struct rib_entry *match_in(const struct rib *rib, uint32_t handle, uint32_t addr, int len)
{
	struct rib_entry *best = NULL;

	while (handle) {
		struct node *node = node_get(rib, handle);

		if (node->entry.len > len || !covers_addr(node, addr))
			break;
		if (is_entry(node))
			best = &node->entry;
		if (node->entry.len == 32)
			break;
		handle = node->child[bit(addr, node->entry.len)];
	}
	return best;
}

static struct rib_entry *match(const struct rib *rib, uint32_t addr, int len)
{
	struct rib_entry *best = NULL;

	for (int tier = len < 0 ? -1 : (int)tier_of((uint8_t)len); tier >= 0 && !best; tier--)
		best = match_in(rib, rib->roots[tier][root_index(tier, addr)], addr, len);
	return best;
}

struct rib_entry *rib_match(const struct rib *rib, uint32_t addr)
{
	return match(rib, addr, 32);
}

struct rib_entry *rib_cover(const struct rib *rib, struct prefix prefix)
{
	return match(rib, prefix.addr, prefix.len - 1);
}
