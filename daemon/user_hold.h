/* SPDX-License-Identifier: GPL-2.0-only */
/* Which user routes are in force while everything is left to the kernel (a hold: enum verdict, 0 for none). */
#ifndef EBPF_ROUTE_USER_HOLD_H
#define EBPF_ROUTE_USER_HOLD_H

#include "user_batch.h"

/*
 * Does the fast path do what the route says, or the kernel the same? Some holds spare what is dropped
 * (hold_spares_drops() in include/maps.h); `pass` is what becomes of everything.
 */
bool user_hold_allows(uint32_t hold, const struct user_route *route);
/* How many of the routes that the batch sets are not in force. */
uint32_t user_hold_count_batch(uint32_t hold, const struct user_batch *batch);
/* How many of all user routes. */
uint32_t user_hold_count(uint32_t hold, const struct mirror *mirror);

#endif
