// SPDX-License-Identifier: GPL-2.0-only
/*
 * Our own addresses, and broadcast addresses of ours, in their map with what they are, each once
 * however many devices have it. One that does not fit puts everything on hold: packets from it could
 * not be told.
 */
#include "fib_internal.h"

#include <stdlib.h>
#include "fib_record.h"

static struct fib_own *own_find(const struct fib *fib, __be32 addr)
{
	struct table_node *node = table_find(&fib->own, table_hash_u32(addr));

	for (; node; node = table_find_next(node))
		if (container_of(node, struct fib_own, node)->addr == addr)
			return container_of(node, struct fib_own, node);
	return NULL;
}

static int own_enter(struct fib *fib, struct fib_own *own)
{
	uint8_t kind = mirror_own_kind(fib->mirror, own->addr);
	int err;

	if (!kind || own->kind == kind) /* 0: about to go */
		return 0;
	err = fib->sink->ops->set_own_address(fib->sink, own->addr, kind);
	if (err == -ENOSPC && !own->kind)
		return 0;
	if (fib_wrote(fib, err))
		return err;
	fib->own_left_out -= !own->kind;
	own->kind = kind;
	return 0;
}

static int own_new(struct fib *fib, __be32 addr)
{
	struct fib_own *own = calloc(1, sizeof(*own));

	if (!own)
		return -ENOMEM;
	own->addr = addr;
	if (table_insert(&fib->own, &own->node, table_hash_u32(addr))) {
		free(own);
		return -ENOMEM;
	}
	fib->own_left_out++;
	return own_enter(fib, own);
}

static int own_remove(struct fib *fib, struct fib_own *own)
{
	int err;

	if (own->kind) {
		err = fib->sink->ops->set_own_address(fib->sink, own->addr, 0);
		if (fib_wrote(fib, err))
			return err;
	} else {
		fib->own_left_out--;
	}
	table_remove(&fib->own, &own->node);
	free(own);
	return 0;
}

static int own_retry(struct fib *fib)
{
	struct table_walk walk = { 0 };
	struct table_node *node;
	int err = 0;

	while (!err && fib->own_left_out && (node = table_walk_next(&fib->own, &walk)))
		err = own_enter(fib, container_of(node, struct fib_own, node));
	return err;
}

int fib_own_sync(struct fib *fib, __be32 addr)
{
	struct fib_own *own = own_find(fib, addr);
	int err;

	/* No route may go by a gateway that is ourselves. */
	fib_slots_dirty(fib, false);
	if (mirror_own_kind(fib->mirror, addr))
		return own ? own_enter(fib, own) : own_new(fib, addr);
	if (!own)
		return 0;
	err = own_remove(fib, own);
	return err ? err : own_retry(fib);
}

static int sync_address(void *ctx, const struct mirror_address *address)
{
	return fib_own_sync(ctx, address->e.local);
}

static int sync_entry(void *ctx, struct rib_entry *entry)
{
	struct fib *fib = ctx;
	__be32 addr = htonl(entry->addr);

	return entry->len == 32 && mirror_own_kind(fib->mirror, addr) ? fib_own_sync(fib, addr) : 0;
}

int fib_own_sync_all(struct fib *fib)
{
	struct table_walk walk = { 0 };
	struct table_node *node;
	int err = mirror_walk_addresses(fib->mirror, sync_address, fib);

	if (!err)
		err = rib_walk_below(mirror_rib(fib->mirror), prefix_make(0, 0), sync_entry, fib);

	while (!err && (node = table_walk_next(&fib->own, &walk))) {
		struct fib_own *own = container_of(node, struct fib_own, node);

		if (!mirror_own_kind(fib->mirror, own->addr))
			err = own_remove(fib, own);
	}
	return err ? err : own_retry(fib);
}

uint8_t fib_own_record(const struct fib *fib, __be32 addr)
{
	const struct fib_own *own = own_find(fib, addr);

	return own ? own->kind : 0;
}

int fib_walk_own(const struct fib *fib, int (*fn)(void *ctx, __be32 addr, uint8_t kind), void *ctx)
{
	struct table_walk walk = { 0 };
	struct table_node *node;
	int err = 0;

	while (!err && (node = table_walk_next(&fib->own, &walk))) {
		const struct fib_own *own = container_of(node, struct fib_own, node);

		if (own->kind)
			err = fn(ctx, own->addr, own->kind);
	}
	return err;
}

void fib_own_destroy(struct fib *fib)
{
	struct table_walk walk = { 0 };
	struct table_node *node;

	while ((node = table_walk_next(&fib->own, &walk)))
		free(container_of(node, struct fib_own, node));
	table_destroy(&fib->own);
}
