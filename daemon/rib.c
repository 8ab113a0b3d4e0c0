/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The RIB as path-compressed binary tries.
 *
 * Prefixes of /16 and longer hang below one of 65536 roots, by their upper 16 bits; the few shorter
 * ones share one more trie. That saves the first dozen of levels, which every access would walk.
 *
 * A node is an entry (RIB_PRESENT) or a fork. Invariants: a child lies within its parent's prefix,
 * on the side that its next bit names; a fork has two children. So n entries need fewer than 2n
 * nodes, and below every node there is an entry. Nodes name each other by handles of a pool and
 * never move: an entry stays where it is, and becomes or ceases to be a fork in place.
 *
 * Most accesses name a prefix that is there, and a way down the trie is one cache miss after another:
 * the entries, and only these, are in an index by prefix besides.
 */
#include "rib.h"

#include <stdlib.h>

#include "pool.h"
#include "rib_index.h"

enum {
	ROOT_BITS = 16,
	ROOTS = 1 << ROOT_BITS,
	DEPTH = 34, /* nodes on the longest path, /0 to /32, and one to spare */
};

struct node {
	struct rib_entry entry;
	uint32_t child[2];
};

_Static_assert(sizeof(struct node) == 24, "node");

struct rib {
	struct pool nodes;
	struct rib_index index; /* of the entries */
	uint32_t short_root;	/* of the prefixes shorter than ROOT_BITS */
	uint32_t roots[ROOTS];
};

typedef int (*walk_fn)(void *ctx, struct rib_entry *entry);

static struct node *node_get(const struct rib *rib, uint32_t handle)
{
	return pool_get(&rib->nodes, handle);
}

static bool is_entry(const struct node *node)
{
	return node->entry.flags & RIB_PRESENT;
}

/* Bit `pos` of an address, counted from the left; pos < 32. */
static unsigned int bit(uint32_t addr, uint8_t pos)
{
	return addr >> (31 - pos) & 1;
}

static bool covers_addr(const struct node *node, uint32_t addr)
{
	return ((node->entry.addr ^ addr) & prefix_mask(node->entry.len)) == 0;
}

static bool before(struct prefix a, struct prefix b)
{
	return a.addr < b.addr || (a.addr == b.addr && a.len < b.len);
}

static uint32_t *root_of(struct rib *rib, struct prefix prefix)
{
	return prefix.len < ROOT_BITS ? &rib->short_root
				      : &rib->roots[prefix.addr >> (32 - ROOT_BITS)];
}

struct rib *rib_new(void)
{
	struct rib *rib = calloc(1, sizeof(*rib));

	if (rib)
		pool_init(&rib->nodes, sizeof(struct node));
	return rib;
}

void rib_destroy(struct rib *rib)
{
	if (!rib)
		return;
	pool_destroy(&rib->nodes);
	rib_index_destroy(&rib->index);
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
	return *slot ? entry_init(rib, *slot) : NULL;
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

	if (len >= ROOT_BITS)
		best = match_in(rib, rib->roots[addr >> (32 - ROOT_BITS)], addr, len);
	return best ? best : match_in(rib, rib->short_root, addr, len);
}

struct rib_entry *rib_match(const struct rib *rib, uint32_t addr)
{
	return match(rib, addr, 32);
}

struct rib_entry *rib_cover(const struct rib *rib, struct prefix prefix)
{
	return match(rib, prefix.addr, prefix.len - 1);
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
	struct rib_entry *brief = first_in(rib, rib->short_root, from);
	/* Roots that lie after the short one's address need not be looked at. */
	uint32_t end = brief ? brief->addr >> (32 - ROOT_BITS) : ROOTS;

	for (uint32_t i = from.addr >> (32 - ROOT_BITS); i < end; i++) {
		struct rib_entry *found = rib->roots[i] ? first_in(rib, rib->roots[i], from) : NULL;

		if (found)
			return found;
	}
	return brief;
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

/* The tries of the roots that are woven into a walk of the short prefixes. */
struct weave {
	const struct rib *rib;
	uint32_t next; /* the first root not yet walked */
	walk_fn fn;
	void *ctx;
};

static int walk_roots(struct weave *weave, uint32_t end)
{
	int err = 0;

	for (; weave->next < end && !err; weave->next++)
		err = walk_trie(weave->rib, weave->rib->roots[weave->next], weave->fn, weave->ctx);
	return err;
}

static int walk_short(void *ctx, struct rib_entry *entry)
{
	struct weave *weave = ctx;
	int err = walk_roots(weave, entry->addr >> (32 - ROOT_BITS));

	return err ? err : weave->fn(weave->ctx, entry);
}

int rib_walk_below(const struct rib *rib, struct prefix prefix, walk_fn fn, void *ctx)
{
	uint32_t root = prefix.addr >> (32 - ROOT_BITS);
	struct weave weave = { .rib = rib, .next = root, .fn = fn, .ctx = ctx };
	int err;

	if (prefix.len >= ROOT_BITS)
		return walk_trie(rib, top_below(rib, rib->roots[root], prefix), fn, ctx);
	err = walk_trie(rib, top_below(rib, rib->short_root, prefix), walk_short, &weave);
	return err ? err : walk_roots(&weave, root + (1u << (ROOT_BITS - prefix.len)));
}
