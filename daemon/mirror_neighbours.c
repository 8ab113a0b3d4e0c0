// SPDX-License-Identifier: GPL-2.0-only
/*
 * Neighbour entries of both families. Dirty only where the MAC address that traffic would get has
 * changed: most announcements are REACHABLE <-> STALE and change nothing.
 */
#include "mirror_internal.h"

#include <linux/neighbour.h>
#include <stdlib.h>

#include "resolve.h"

static uint32_t neighbour_hash(uint32_t ifindex, const struct addr *addr)
{
	if (addr->family == AF_INET)
		return table_hash_u32(addr->v4 ^ table_hash_u32(ifindex));
	return table_hash(addr->v6, sizeof(addr->v6)) ^ table_hash_u32(ifindex);
}

static struct mirror_neighbour *neighbour_find(const struct mirror *mirror, uint32_t ifindex,
					       const struct addr *addr)
{
	struct table_node *node = table_find(&mirror->neighbours, neighbour_hash(ifindex, addr));

	for (; node; node = table_find_next(node)) {
		struct mirror_neighbour *n = container_of(node, struct mirror_neighbour, node);

		if (n->e.ifindex == ifindex && addr_equal(&n->e.addr, addr))
			return n;
	}
	return NULL;
}

static void neighbour_remove(struct mirror *mirror, struct mirror_neighbour *n)
{
	if (resolve_neighbour_valid(n))
		mirror_dirty_neighbour(mirror, &n->e);
	table_remove(&mirror->neighbours, &n->node);
	free(n);
}

int mirror_apply_neighbour(struct mirror *mirror, const struct event *ev)
{
	const struct event_neighbour *e = &ev->neighbour;
	struct mirror_neighbour *n;
	bool was_valid, is_valid;
	uint8_t mac[6];
	int err;

	if (e->flags & NTF_PROXY || !e->addr.family)
		return 0;
	n = neighbour_find(mirror, e->ifindex, &e->addr);
	if (ev->op == EVENT_DEL) {
		if (n)
			neighbour_remove(mirror, n);
		return 0;
	}
	if (!n) {
		n = calloc(1, sizeof(*n));
		if (!n)
			return -ENOMEM;
		err = table_insert(&mirror->neighbours, &n->node,
				   neighbour_hash(e->ifindex, &e->addr));
		if (err) {
			free(n);
			return err;
		}
	}
	was_valid = resolve_neighbour_valid(n);
	memcpy(mac, n->e.mac, sizeof(mac));
	n->e = *e;
	n->generation = mirror->generation;
	is_valid = resolve_neighbour_valid(n);
	if (was_valid != is_valid || (is_valid && memcmp(mac, e->mac, sizeof(mac)) != 0))
		mirror_dirty_neighbour(mirror, e);
	return 0;
}

void mirror_sweep_neighbours(struct mirror *mirror)
{
	struct table_walk walk = { 0 };
	struct table_node *node;

	while ((node = table_walk_next(&mirror->neighbours, &walk))) {
		struct mirror_neighbour *n = container_of(node, struct mirror_neighbour, node);

		if (n->generation != mirror->generation)
			neighbour_remove(mirror, n);
	}
}

void mirror_destroy_neighbours(struct mirror *mirror)
{
	struct table_walk walk = { 0 };
	struct table_node *node;

	while ((node = table_walk_next(&mirror->neighbours, &walk)))
		free(container_of(node, struct mirror_neighbour, node));
	table_destroy(&mirror->neighbours);
}

const struct mirror_neighbour *mirror_neighbour(const struct mirror *mirror, uint32_t ifindex,
						const struct addr *addr)
{
	return neighbour_find(mirror, ifindex, addr);
}

int mirror_walk_neighbours(const struct mirror *mirror,
			   int (*fn)(void *ctx, const struct mirror_neighbour *n), void *ctx)
{
	struct table_walk walk = { 0 };
	struct table_node *node;
	int err = 0;

	while (!err && (node = table_walk_next(&mirror->neighbours, &walk)))
		err = fn(ctx, container_of(node, struct mirror_neighbour, node));
	return err;
}
