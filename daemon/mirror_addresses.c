// SPDX-License-Identifier: GPL-2.0-only
/*
 * The machine's own IPv4 addresses, by device. Hashed by the address alone, so that "is it ours" is one
 * look-up whatever the number of devices that have it, and by the device.
 *
 * When the last address of a device goes, the static routes through it vanish without a word: the
 * link becomes suspect.
 */
#include "mirror_internal.h"

#include <stdlib.h>

static struct mirror_address *address_find(const struct mirror *mirror,
					   const struct event_address *e)
{
	struct table_node *node = table_find(&mirror->addresses, table_hash_u32(e->local));

	for (; node; node = table_find_next(node)) {
		struct mirror_address *address = container_of(node, struct mirror_address, node);

		if (address->e.local == e->local && address->e.peer == e->peer &&
		    address->e.ifindex == e->ifindex && address->e.prefix_len == e->prefix_len)
			return address;
	}
	return NULL;
}

bool mirror_has_address(const struct mirror *mirror, uint32_t ifindex)
{
	struct table_node *node = table_find(&mirror->address_links, table_hash_u32(ifindex));

	for (; node; node = table_find_next(node))
		if (container_of(node, struct mirror_address, link_node)->e.ifindex == ifindex)
			return true;
	return false;
}

/* The first address of the link came, or its last one went. */
static void link_changed(struct mirror *mirror, uint32_t ifindex)
{
	struct mirror_link *link = mirror_link_find(mirror, ifindex);

	if (link && link->present)
		mirror_dirty_link(mirror, link);
}

static void address_remove(struct mirror *mirror, struct mirror_address *address)
{
	uint32_t ifindex = address->e.ifindex;

	table_remove(&mirror->addresses, &address->node);
	table_remove(&mirror->address_links, &address->link_node);
	mirror_dirty_address(mirror, address->e.local);
	mirror->user.stale = true;
	free(address);
	if (!mirror_has_address(mirror, ifindex))
		link_changed(mirror, ifindex);
}

static int address_insert(struct mirror *mirror, const struct event_address *e)
{
	struct mirror_address *address = calloc(1, sizeof(*address));
	bool first = !mirror_has_address(mirror, e->ifindex);

	if (!address)
		return -ENOMEM;
	address->e = *e;
	address->generation = mirror->generation;
	if (table_insert(&mirror->addresses, &address->node, table_hash_u32(e->local))) {
		free(address);
		return -ENOMEM;
	}
	if (table_insert(&mirror->address_links, &address->link_node, table_hash_u32(e->ifindex))) {
		table_remove(&mirror->addresses, &address->node);
		free(address);
		return -ENOMEM;
	}
	mirror_dirty_address(mirror, e->local);
	mirror->user.stale = true;
	if (first)
		link_changed(mirror, e->ifindex);
	return 0;
}

int mirror_apply_address(struct mirror *mirror, const struct event *ev)
{
	struct mirror_address *address = address_find(mirror, &ev->address);
	uint32_t ifindex = ev->address.ifindex;
	struct mirror_link *link = mirror_link_find(mirror, ifindex);

	if (ev->op == EVENT_DEL) {
		/* Replayed, a dump may know already that it is gone, and not what was told before. */
		if (!address && !mirror->replaying)
			return 0;
		if (address)
			address_remove(mirror, address);
		if (link && !mirror_has_address(mirror, ifindex))
			mirror_link_suspect(mirror, link);
		mirror_want_resync(mirror, "an address was deleted");
		return 0;
	}
	if (!address) {
		/* Legs that died with the last one live again: fib_sync_up(), unannounced. */
		if (ev->op == EVENT_NEW && !mirror_has_address(mirror, ifindex))
			mirror_want_resync(mirror, "the first address of a link was added");
		return address_insert(mirror, &ev->address);
	}
	address->generation = mirror->generation;
	return 0;
}

void mirror_sweep_addresses(struct mirror *mirror)
{
	struct table_walk walk = { 0 };
	struct table_node *node;

	while ((node = table_walk_next(&mirror->addresses, &walk))) {
		struct mirror_address *address = container_of(node, struct mirror_address, node);

		if (address->generation != mirror->generation)
			address_remove(mirror, address);
	}
}

void mirror_destroy_addresses(struct mirror *mirror)
{
	struct table_walk walk = { 0 };
	struct table_node *node;

	while ((node = table_walk_next(&mirror->addresses, &walk)))
		free(container_of(node, struct mirror_address, node));
	table_destroy(&mirror->addresses);
	table_destroy(&mirror->address_links);
}

bool mirror_is_own_address(const struct mirror *mirror, __be32 addr)
{
	struct table_node *node = table_find(&mirror->addresses, table_hash_u32(addr));

	for (; node; node = table_find_next(node))
		if (container_of(node, struct mirror_address, node)->e.local == addr)
			return true;
	return false;
}

int mirror_walk_addresses(const struct mirror *mirror,
			  int (*fn)(void *ctx, const struct mirror_address *a), void *ctx)
{
	struct table_walk walk = { 0 };
	struct table_node *node;
	int err = 0;

	while (!err && (node = table_walk_next(&mirror->addresses, &walk)))
		err = fn(ctx, container_of(node, struct mirror_address, node));
	return err;
}
