// SPDX-License-Identifier: GPL-2.0-only
/*
 * Open addressing with linear probing: a slot holds the whole key and the handle, so that nothing else
 * is looked at. Address, length and handle take 32, 6 and 26 bits; 0 is an empty slot. Whatever
 * is taken out, those behind it move up: there are no tombstones, and every search ends at an empty slot.
 */
#include "rib_index.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

enum {
	HANDLE_BITS = 26,
	LENGTH_BITS = 6,
	FIRST_SLOTS = 64,
};

static uint64_t key_of(struct prefix prefix)
{
	return (uint64_t)prefix.addr << LENGTH_BITS | prefix.len;
}

static uint32_t handle_of(uint64_t slot)
{
	return slot & ((1u << HANDLE_BITS) - 1);
}

/* Where the search for a key begins. */
static uint32_t home_of(const struct rib_index *index, uint64_t key)
{
	key *= 0x9e3779b97f4a7c15ull;
	return (key >> 32 ^ key >> 47) & index->mask;
}

/* The slot that holds the key, or the empty one where the search ends. */
static uint32_t place_of(const struct rib_index *index, uint64_t key)
{
	uint32_t i = home_of(index, key);

	while (index->slots[i] && index->slots[i] >> HANDLE_BITS != key)
		i = (i + 1) & index->mask;
	return i;
}

void rib_index_destroy(struct rib_index *index)
{
	free(index->slots);
	*index = (struct rib_index){ 0 };
}

uint32_t rib_index_find(const struct rib_index *index, struct prefix prefix)
{
	return index->slots ? handle_of(index->slots[place_of(index, key_of(prefix))]) : 0;
}

static int grow(struct rib_index *index)
{
	struct rib_index old = *index;
	uint32_t n = old.slots ? 2 * (old.mask + 1) : FIRST_SLOTS;
	uint64_t *slots = calloc(n, sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	index->slots = slots;
	index->mask = n - 1;
	for (uint32_t i = 0; old.slots && i <= old.mask; i++)
		if (old.slots[i])
			slots[place_of(index, old.slots[i] >> HANDLE_BITS)] = old.slots[i];
	free(old.slots);
	return 0;
}

int rib_index_reserve(struct rib_index *index)
{
	/* Three quarters; where memory is out, all but one, which ends every search. */
	if (index->slots && index->count < index->mask / 4 * 3)
		return 0;
	return grow(index) && (!index->slots || index->count >= index->mask) ? -ENOMEM : 0;
}

void rib_index_insert(struct rib_index *index, struct prefix prefix, uint32_t handle)
{
	uint64_t key = key_of(prefix);

	index->slots[place_of(index, key)] = key << HANDLE_BITS | handle;
	index->count++;
}

/* Does a search that begins at `home` pass by `hole` on its way to i? */
static bool passes(const struct rib_index *index, uint32_t home, uint32_t hole, uint32_t i)
{
	return ((i - home) & index->mask) >= ((i - hole) & index->mask);
}

void rib_index_remove(struct rib_index *index, struct prefix prefix)
{
	uint32_t hole = place_of(index, key_of(prefix));
	uint32_t i = hole;

	index->count--;
	while (index->slots[i = (i + 1) & index->mask]) {
		if (!passes(index, home_of(index, index->slots[i] >> HANDLE_BITS), hole, i))
			continue;
		index->slots[hole] = index->slots[i];
		hole = i;
	}
	index->slots[hole] = 0;
}
