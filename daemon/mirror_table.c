// SPDX-License-Identifier: GPL-2.0-only
/* Hash table and vector: growth by doubling; a table that cannot grow only becomes slower. */
#include "mirror_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	TABLE_FIRST = 16,
	VEC_FIRST = 16,
};

static int table_grow(struct table *table)
{
	uint32_t n = table->buckets ? 2 * (table->mask + 1) : TABLE_FIRST;
	struct table_node **buckets = calloc(n, sizeof(struct table_node *));
	struct table_node *node, *next;

	if (!buckets)
		return -ENOMEM;
	for (uint32_t i = 0; table->buckets && i <= table->mask; i++) {
		for (node = table->buckets[i]; node; node = next) {
			next = node->next;
			node->next = buckets[node->hash & (n - 1)];
			buckets[node->hash & (n - 1)] = node;
		}
	}
	free(table->buckets);
	table->buckets = buckets;
	table->mask = n - 1;
	return 0;
}

int table_insert(struct table *table, struct table_node *node, uint32_t hash)
{
	if (!table->buckets || table->count > table->mask) {
		if (table_grow(table) && !table->buckets)
			return -ENOMEM;
	}
	node->hash = hash;
	node->next = table->buckets[hash & table->mask];
	table->buckets[hash & table->mask] = node;
	table->count++;
	return 0;
}

void table_remove(struct table *table, struct table_node *node)
{
	struct table_node **link = &table->buckets[node->hash & table->mask];

	while (*link != node)
		link = &(*link)->next;
	*link = node->next;
	table->count--;
}

void table_destroy(struct table *table)
{
	free(table->buckets);
	memset(table, 0, sizeof(*table));
}

static struct table_node *same_hash(struct table_node *node, uint32_t hash)
{
	while (node && node->hash != hash)
		node = node->next;
	return node;
}

struct table_node *table_find(const struct table *table, uint32_t hash)
{
	return table->buckets ? same_hash(table->buckets[hash & table->mask], hash) : NULL;
}

struct table_node *table_find_next(const struct table_node *node)
{
	return same_hash(node->next, node->hash);
}

struct table_node *table_walk_next(const struct table *table, struct table_walk *walk)
{
	struct table_node *node = walk->next;

	while (!node && table->buckets && walk->bucket <= table->mask)
		node = table->buckets[walk->bucket++];
	walk->next = node ? node->next : NULL;
	return node;
}

uint32_t table_hash(const void *data, size_t size)
{
	const uint8_t *bytes = data;
	uint64_t h = size * 0x9e3779b97f4a7c15ull;
	uint64_t word;

	for (; size >= sizeof(word); size -= sizeof(word), bytes += sizeof(word)) {
		memcpy(&word, bytes, sizeof(word));
		h = (h ^ word) * 0xff51afd7ed558ccdull;
		h ^= h >> 32;
	}
	word = 0;
	memcpy(&word, bytes, size);
	h = (h ^ word) * 0xc4ceb9fe1a85ec53ull;
	return h ^ h >> 32;
}

int vec_push(struct vec *vec, const void *item, size_t size)
{
	if (vec->n == vec->room) {
		uint32_t room = vec->room ? 2 * vec->room : VEC_FIRST;
		void *items = realloc(vec->items, room * size);

		if (!items)
			return -ENOMEM;
		vec->items = items;
		vec->room = room;
	}
	memcpy((char *)vec->items + vec->n++ * size, item, size);
	return 0;
}

void vec_destroy(struct vec *vec)
{
	free(vec->items);
	memset(vec, 0, sizeof(*vec));
}
