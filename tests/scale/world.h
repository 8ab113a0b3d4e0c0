/* SPDX-License-Identifier: GPL-2.0-only */
/* A router in memory: the daemon's mirror and fib over plain memory, without kernel and maps. */
#ifndef EBPF_ROUTE_SCALE_WORLD_H
#define EBPF_ROUTE_SCALE_WORLD_H

#include "daemon/fib.h"
#include "daemon/mirror.h"

struct memory_sink {
	struct fib_sink sink;
	uint16_t *table, *rows; /* of dir24 */
	uint64_t *nexthops, *reverse, *adjacencies;
	uint32_t default_leaf;
};

struct world {
	struct memory_sink memory;
	struct mirror *mirror;
	struct fib *fib;
};

void world_new(struct world *world);
void world_free(struct world *world);
/* The links, neighbours and rules that churn.c takes for granted; part of a dump. */
void world_furnish(struct world *world);
/* What no message says: every Ethernet link can transmit redirected frames. */
void world_hooks(struct world *world);
/*
 * Looks n addresses up in the engine and by the mirror's routes: every leaf must be that of the route's
 * next hop. Returns how many lead to a next hop; dies where one is wrong.
 */
uint32_t world_check(const struct world *world, uint32_t n, uint64_t seed);

#endif
