/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Prefix -> handle, exact matches only, in one memory access: beside a trie, whose way down to a
 * prefix costs one for each node. Not for concurrent use.
 */
#ifndef EBPF_ROUTE_RIB_INDEX_H
#define EBPF_ROUTE_RIB_INDEX_H

#include "../include/addr.h"

/* Handles are smaller than that. */
#define RIB_INDEX_HANDLES (1u << 26)

struct rib_index {
	uint64_t *slots;
	uint32_t mask; /* slots - 1 */
	uint32_t count;
};

/* An empty index is all zero. */
void rib_index_destroy(struct rib_index *index);

/* 0: none. */
uint32_t rib_index_find(const struct rib_index *index, struct prefix prefix);
/* Room for one prefix more; -ENOMEM. */
int rib_index_reserve(struct rib_index *index);
/* Enters a prefix that is not there, with a handle that is not 0; there is room for it. */
void rib_index_insert(struct rib_index *index, struct prefix prefix, uint32_t handle);
/* Takes out a prefix that is there. */
void rib_index_remove(struct rib_index *index, struct prefix prefix);

#endif
