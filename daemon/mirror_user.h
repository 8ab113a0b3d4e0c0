/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The routes that the user defines, beside those of the kernel. include/user_route.h says what they mean.
 *
 * They are not part of a resync: what a dump does not confirm is still there. Changes are in the maps with
 * the next fib_sync(): as many as come before it together, no packet sees a part of one route.
 */
#ifndef EBPF_ROUTE_MIRROR_USER_H
#define EBPF_ROUTE_MIRROR_USER_H

#include "../include/user_route.h"
#include "mirror.h"

/*
 * Adds the route, or replaces the one of its prefix; copies what it points to. One that stays the same but
 * for `override` and the comment keeps its counters. The route has to be sound (bits beyond the length 0,
 * weights from 1, n_legs as user_route.h says); devices need not be there. 0, or -ENOMEM: as before.
 */
int mirror_user_set(struct mirror *mirror, const struct user_route *route);
int mirror_user_del(struct mirror *mirror, struct prefix dst); /* 0, -ENOENT */

/*
 * For those who may have to take a change back. What the route there does, with what it has counted, stays
 * as long as it is held, whatever becomes of the route. 0: there is none.
 */
uint32_t mirror_user_hold(struct mirror *mirror, struct prefix dst);
void mirror_user_let_go(struct mirror *mirror, uint32_t held); /* 0 is fine */
/* As mirror_user_set(), for the route that was there then. */
int mirror_user_restore(struct mirror *mirror, const struct user_route *route, uint32_t held);

/* The mirror's own copies, until the route is set or deleted the next time. NULL: none. */
const struct user_route *mirror_user_find(const struct mirror *mirror, struct prefix dst);
/* In order of address, then length; the first for NULL. */
const struct user_route *mirror_user_next(const struct mirror *mirror,
					  const struct user_route *after);
uint32_t mirror_user_count(const struct mirror *mirror);

/* A copy that owns what it points to, for mirror_user_release(); -ENOMEM. */
int mirror_user_copy(const struct user_route *from, struct user_route *ret);
void mirror_user_release(struct user_route *route);
/* Do the two the same, whatever their prefixes and comments are? */
bool mirror_user_same(const struct user_route *a, const struct user_route *b);
/* The same, where a gateway without a device, in what is `said`, is by any. */
bool mirror_user_matches(const struct user_route *route, const struct user_route *said);
/* Names the devices of gateways that have none, where there is one now (mirror_connected_device()). */
void mirror_user_find_devices(const struct mirror *mirror, struct user_route *route);

/* For resolve: the route of that entry's prefix, and its handle of a struct mirror_nexthop. NULL: none. */
const struct user_route *mirror_user_of(const struct mirror *mirror, const struct rib_entry *entry,
					uint32_t *ret_nexthop);
/* Has a shorter prefix that covers this one a route with `override`? */
bool mirror_user_hides(const struct mirror *mirror, struct prefix prefix);
/*
 * The same routes in another mirror, and nothing else; for an audit. 0, or -ENOMEM, then some of them.
 */
int mirror_user_adopt(struct mirror *mirror, const struct mirror *from);

/* At most so many slots and groups are for single routes; more routes share them. Half of what is there
 * unless told otherwise. */
void mirror_user_limit(struct mirror *mirror, uint32_t slots, uint32_t groups);
/* From fib, after what was written: no more than that are left for them until the next time. */
void mirror_user_room(struct mirror *mirror, uint32_t slots, uint32_t groups);
/* For fib, after what was applied: which devices the names in the routes stand for now. */
void mirror_user_settle(struct mirror *mirror);
/* The device (ifindex) of the longest connected net, or route of scope link, that has the address; 0: none. */
uint32_t mirror_connected_device(const struct mirror *mirror, __be32 addr);
/* Has a connected net of that device, or a route of scope link by it, the address? */
bool mirror_is_connected(const struct mirror *mirror, uint32_t ifindex, __be32 addr);
/* Is it the first address of a net of that device, which no host has? */
bool mirror_is_net_itself(const struct mirror *mirror, uint32_t ifindex, __be32 addr);

#endif
