/* SPDX-License-Identifier: GPL-2.0-only */
/* Inside of the RIB: its nodes and where they hang. Only rib*.c includes this. */
#ifndef EBPF_ROUTE_RIB_INTERNAL_H
#define EBPF_ROUTE_RIB_INTERNAL_H

#include "pool.h"
#include "rib.h"
#include "rib_index.h"
#include "rib_roots.h"

enum {
	TIERS = 3,
};

/* A tier has the prefixes of that length and longer, up to those of the next one. */
static const uint8_t tier_bits[TIERS] = { 0, 16, 20 };

struct node {
	struct rib_entry entry;
	uint32_t child[2];
};

_Static_assert(sizeof(struct node) == 24, "node");

struct rib {
	struct pool nodes;
	struct rib_index index;	      /* of the entries */
	uint32_t *roots[TIERS];	      /* 1 << tier_bits of them: by the address's upper bits */
	struct rib_roots used[TIERS]; /* of these, those that are not 0 */
};

static inline struct node *node_get(const struct rib *rib, uint32_t handle)
{
	return pool_get(&rib->nodes, handle);
}

static inline bool is_entry(const struct node *node)
{
	return node->entry.flags & RIB_PRESENT;
}

/* Bit `pos` of an address, counted from the left; pos < 32. */
static inline unsigned int bit(uint32_t addr, uint8_t pos)
{
	return addr >> (31 - pos) & 1;
}

static inline bool covers_addr(const struct node *node, uint32_t addr)
{
	return ((node->entry.addr ^ addr) & prefix_mask(node->entry.len)) == 0;
}

static inline unsigned int tier_of(uint8_t len)
{
	unsigned int tier = TIERS - 1;

	while (len < tier_bits[tier])
		tier--;
	return tier;
}

/* Number of the tier's root for an address, which may be 1 << 32, the end of the last one. */
static inline uint32_t root_index(unsigned int tier, uint64_t addr)
{
	return (uint32_t)(addr >> (32 - tier_bits[tier]));
}

static inline uint32_t *root_of(const struct rib *rib, struct prefix prefix)
{
	unsigned int tier = tier_of(prefix.len);

	return &rib->roots[tier][root_index(tier, prefix.addr)];
}

#endif
