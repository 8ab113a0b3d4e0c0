/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The maps as they are, to the last entry: for the audit, which also looks for what should not be there.
 *
 * Everything may change while it is read; a walk then may see an entry twice, or not at all.
 */
#ifndef EBPF_ROUTE_DATAPATH_AUDIT_H
#define EBPF_ROUTE_DATAPATH_AUDIT_H

#include "datapath.h"

const struct control *datapath_control(const struct datapath *dp);
enum engine datapath_engine(const struct datapath *dp);

/* What the engine finds for an address (host byte order): LEAF_DEFAULT is left as it is. */
uint32_t datapath_raw_leaf(const struct datapath *dp, uint32_t addr);
/* dir24: the first table, DIR24_ENTRIES long, and a row of the second; NULL: there is none. */
const uint16_t *datapath_dir24_table(const struct datapath *dp);
const uint16_t *datapath_dir24_row(const struct datapath *dp, uint32_t row);

uint32_t datapath_port_limit(const struct datapath *dp); /* of numbers, 0 included */
uint64_t datapath_port_of_ifindex(const struct datapath *dp, uint32_t ifindex); /* 0: none */
/* Where both programs send to; 0: no device, or not the same. */
uint32_t datapath_tx_ifindex(const struct datapath *dp, uint32_t port);
/* False: not in the map. */
bool datapath_find_neighbour(const struct datapath *dp, struct neighbour_key key,
			     union neighbour_word *ret);
/* The leaf of the longest entry of that table for addr (host byte order) of at most that length; 0: none. */
uint32_t datapath_find_policy_route(const struct datapath *dp, uint32_t table,
				    struct prefix prefix);
uint8_t datapath_find_own(const struct datapath *dp, __be32 addr); /* enum own_kind, 0: none */
bool datapath_own_filter(const struct datapath *dp, __be32 addr);

/* Calls fn for every entry; stops at and returns the first non-zero. Or -errno of the map. */
int datapath_walk_neighbours(const struct datapath *dp,
			     int (*fn)(void *ctx, struct neighbour_key key), void *ctx);
int datapath_walk_own(const struct datapath *dp, int (*fn)(void *ctx, __be32 addr), void *ctx);
int datapath_walk_ingress_macs(const struct datapath *dp,
			       int (*fn)(void *ctx, union ingress_mac key), void *ctx);
int datapath_walk_policy_routes(const struct datapath *dp,
				int (*fn)(void *ctx, uint32_t table, struct prefix prefix),
				void *ctx);
int datapath_walk_lpm(const struct datapath *dp,
		      int (*fn)(void *ctx, struct prefix prefix, uint32_t leaf), void *ctx);

#endif
