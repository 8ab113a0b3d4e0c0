/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Fixed-size objects named by 32-bit handles: compact for a million of them, and their addresses
 * stay put while the pool grows. Handle 0 is "none". Not for concurrent use.
 */
#ifndef EBPF_ROUTE_POOL_H
#define EBPF_ROUTE_POOL_H

#include <stddef.h>
#include <stdint.h>

/* Objects of a chunk: enough that the array of chunks stays in the first-level cache. */
#define POOL_CHUNK_SHIFT 10

struct pool {
	size_t size; /* bytes of an object, at least 4 */
	void **chunks;
	uint32_t n_chunks;
	uint32_t used; /* handles ever given out, 0 included */
	uint32_t free; /* head of the list of returned handles */
	uint32_t live; /* objects in use */
};

void pool_init(struct pool *pool, size_t object_size);
void pool_destroy(struct pool *pool);

/* A zeroed object; returns its handle, 0 where memory is out. */
uint32_t pool_alloc(struct pool *pool);
void pool_free(struct pool *pool, uint32_t handle); /* 0 is fine */

/* The object of a handle that pool_alloc() gave and pool_free() has not taken back. */
static inline void *pool_get(const struct pool *pool, uint32_t handle)
{
	char *chunk = pool->chunks[handle >> POOL_CHUNK_SHIFT];

	return chunk + (handle & ((1u << POOL_CHUNK_SHIFT) - 1)) * pool->size;
}

#endif
