/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the maps must say: everything that the fib has written and not taken back, by value. For whoever
 * compares the maps with it. Nothing here is read from a map.
 */
#ifndef EBPF_ROUTE_FIB_RECORD_H
#define EBPF_ROUTE_FIB_RECORD_H

#include "fib.h"

uint64_t fib_reverse_word(const struct fib *fib, uint32_t slot);
const struct group *fib_group_row(const struct fib *fib, uint32_t row);
/* The port of that number: all zero where there is none. False: it is just about to go, and may be gone. */
bool fib_port_record(const struct fib *fib, uint16_t number, struct port *ret);
/* Is that CPU in the map of those to steer to? */
bool fib_cpu_record(const struct fib *fib, uint32_t cpu);
void fib_control_record(const struct fib *fib, struct fib_control *ret, uint32_t *ret_default_leaf);

/* What entries there are must be found here, .. */
uint8_t fib_own_record(const struct fib *fib, __be32 addr); /* enum own_kind, 0: none */
uint32_t fib_neighbour_record(const struct fib *fib, struct neighbour_key key); /* 0: none */
uint16_t fib_mac_record(const struct fib *fib, union ingress_mac key);		/* port, 0: none */
/*
 * LEAF_DEFAULT: none. That it is there is noted for fib_policy_unseen(), which tells of those that no walk
 * over the map has come by since fib_policy_unsee().
 */
uint32_t fib_policy_record(struct fib *fib, uint32_t table, struct prefix prefix);

/* .. and what is here must be an entry: each calls fn for all, until it returns something else than 0. */
int fib_walk_own(const struct fib *fib, int (*fn)(void *ctx, __be32 addr, uint8_t kind), void *ctx);
int fib_walk_entered(const struct fib *fib,
		     int (*fn)(void *ctx, struct neighbour_key key, uint32_t adjacency), void *ctx);
int fib_walk_macs(const struct fib *fib, int (*fn)(void *ctx, union ingress_mac key, uint16_t port),
		  void *ctx);
void fib_policy_unsee(struct fib *fib);
int fib_policy_unseen(const struct fib *fib,
		      int (*fn)(void *ctx, uint32_t table, struct prefix prefix, uint32_t leaf),
		      void *ctx);

/* The steps that apply; NULL while they are about to change. */
const struct policy_step *fib_policy_steps(const struct fib *fib, uint32_t *ret_n);
/* They are not in the map as they should be: the next fib_sync() writes them, on hold. */
void fib_policy_redo(struct fib *fib);

/* Something in the maps is wrong, and stays so: from the next fib_sync() on everything is on hold, until not. */
void fib_distrust(struct fib *fib, bool distrust);

/*
 * Part number `part` of the engine, from 0 on, made what it should be. fn is told of the addresses whose
 * entries were not, err: why they are still not. 1: there are more parts, 0, or -errno of the map.
 */
int fib_repair_engine(struct fib *fib, uint32_t part,
		      void (*fn)(void *ctx, uint32_t first, uint32_t last, int err), void *ctx);

#endif
