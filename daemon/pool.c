/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Handles to fixed-size objects in chunks of a power of two.
 *
 * A chunk never moves and is given back only with the whole pool, so an object's address is good as
 * long as its handle. A returned object keeps the next returned handle in its first four bytes;
 * under AddressSanitizer the rest of it is poisoned, so that a stale pointer is found as if it came
 * from free().
 */
#include "pool.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(addr, size)	((void)(addr), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(addr, size) ((void)(addr), (void)(size))
#endif

void pool_init(struct pool *pool, size_t object_size)
{
	memset(pool, 0, sizeof(*pool));
	pool->size = object_size < sizeof(uint32_t) ? sizeof(uint32_t) : object_size;
	pool->used = 1;
}

void pool_destroy(struct pool *pool)
{
	for (uint32_t i = 0; i < pool->n_chunks; i++) {
		ASAN_UNPOISON_MEMORY_REGION(pool->chunks[i], pool->size << POOL_CHUNK_SHIFT);
		free(pool->chunks[i]);
	}
	free(pool->chunks);
	pool_init(pool, pool->size);
}

static bool add_chunk(struct pool *pool)
{
	void **chunks = pool->chunks;

	/* The array of chunks grows by doubling: at every power of two it is full. */
	if ((pool->n_chunks & (pool->n_chunks - 1)) == 0) {
		size_t room = pool->n_chunks ? 2 * (size_t)pool->n_chunks : 1;

		chunks = realloc(pool->chunks, room * sizeof(*chunks));
		if (!chunks)
			return false;
		pool->chunks = chunks;
	}
	chunks[pool->n_chunks] = malloc(pool->size << POOL_CHUNK_SHIFT);
	if (!chunks[pool->n_chunks])
		return false;
	pool->n_chunks++;
	return true;
}

uint32_t pool_alloc(struct pool *pool)
{
	uint32_t handle = pool->free;
	void *object;

	if (handle) {
		object = pool_get(pool, handle);
		memcpy(&pool->free, object, sizeof(pool->free));
		ASAN_UNPOISON_MEMORY_REGION(object, pool->size);
	} else {
		handle = pool->used;
		if (handle == UINT32_MAX)
			return 0;
		if (handle >> POOL_CHUNK_SHIFT >= pool->n_chunks && !add_chunk(pool))
			return 0;
		pool->used++;
		object = pool_get(pool, handle);
	}
	memset(object, 0, pool->size);
	pool->live++;
	return handle;
}

void pool_free(struct pool *pool, uint32_t handle)
{
	char *object;

	if (!handle)
		return;
	object = pool_get(pool, handle);
	memcpy(object, &pool->free, sizeof(pool->free));
	ASAN_POISON_MEMORY_REGION(object + sizeof(pool->free), pool->size - sizeof(pool->free));
	pool->free = handle;
	pool->live--;
}
