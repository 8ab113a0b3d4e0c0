// SPDX-License-Identifier: GPL-2.0-only
/*
 * The dirty set: what the fib has to look at again. An object is in its list at most once, except
 * neighbours and addresses, which are small and named by their keys.
 */
#include "mirror_internal.h"

static void add(struct mirror *mirror, struct vec *list, const void *item, size_t size)
{
	if (vec_push(list, item, size))
		mirror->dirty.all = true;
}

void mirror_dirty_link(struct mirror *mirror, struct mirror_link *link)
{
	if (link->dirty)
		return;
	link->dirty = true;
	add(mirror, &mirror->dirty.links, &link->e.ifindex, sizeof(link->e.ifindex));
}

void mirror_dirty_address(struct mirror *mirror, __be32 addr)
{
	add(mirror, &mirror->dirty.addresses, &addr, sizeof(addr));
}

void mirror_dirty_neighbour(struct mirror *mirror, const struct event_neighbour *n)
{
	struct mirror_neighbour_key key = { .ifindex = n->ifindex, .addr = n->addr };

	add(mirror, &mirror->dirty.neighbours, &key, sizeof(key));
}

void mirror_dirty_nexthop(struct mirror *mirror, uint32_t handle)
{
	struct mirror_nexthop *nexthop = pool_get(&mirror->nexthops, handle);

	if (nexthop->dirty)
		return;
	nexthop->dirty = true;
	add(mirror, &mirror->dirty.nexthops, &handle, sizeof(handle));
}

void mirror_dirty_prefix(struct mirror *mirror, struct rib_entry *entry)
{
	if (entry->flags & RIB_DIRTY)
		return;
	entry->flags |= RIB_DIRTY;
	add(mirror, &mirror->dirty.prefixes, &entry, sizeof(entry));
}

void mirror_dirty_rules(struct mirror *mirror)
{
	mirror->dirty.rules = true;
	mirror->asked.known = false;
}

void mirror_dirty_destroy(struct mirror *mirror)
{
	vec_destroy(&mirror->dirty.links);
	vec_destroy(&mirror->dirty.addresses);
	vec_destroy(&mirror->dirty.neighbours);
	vec_destroy(&mirror->dirty.nexthops);
	vec_destroy(&mirror->dirty.prefixes);
}
