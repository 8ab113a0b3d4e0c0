/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Small containers of the core: a chained hash table of objects that carry their own node, and a
 * vector of plain values. Not for concurrent use.
 */
#ifndef EBPF_ROUTE_MIRROR_TABLE_H
#define EBPF_ROUTE_MIRROR_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct table_node {
	struct table_node *next;
	uint32_t hash;
};

struct table {
	struct table_node **buckets;
	uint32_t mask; /* buckets - 1; all ones while there is none */
	uint32_t count;
};

#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

/* -ENOMEM only while the table has no bucket at all; one that cannot grow gets longer chains. */
int table_insert(struct table *table, struct table_node *node, uint32_t hash);
void table_remove(struct table *table, struct table_node *node);
/* Forgets all nodes, which stay the caller's. */
void table_destroy(struct table *table);

/* The first node of this hash, and the next one; the caller compares the keys. */
struct table_node *table_find(const struct table *table, uint32_t hash);
struct table_node *table_find_next(const struct table_node *node);

/*
 * Walk: every node once, in no order. `*bucket` starts at 0. The node returned last may be removed
 * (and freed) before the next call if nothing else changes in between.
 */
struct table_walk {
	uint32_t bucket;
	struct table_node *next;
};
struct table_node *table_walk_next(const struct table *table, struct table_walk *walk);

/* A hash of any bytes. */
uint32_t table_hash(const void *data, size_t size);
/* A hash of a number. */
static inline uint32_t table_hash_u32(uint32_t x)
{
	x *= 0x9e3779b1u;
	x ^= x >> 15;
	x *= 0x85ebca6bu;
	return x ^ x >> 13;
}

struct vec {
	void *items;
	uint32_t n, room;
};

/* Appends a copy of `size` bytes, always the same size for one vector. -ENOMEM: not appended. */
int vec_push(struct vec *vec, const void *item, size_t size);
void vec_destroy(struct vec *vec);

#endif
