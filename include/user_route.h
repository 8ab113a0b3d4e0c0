/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A route that the user defines beside the kernel's: a prefix and what the fast path does with it.
 *
 * Plain data, as struct event is. Devices are named, not numbered: one that vanishes takes its routes
 * out of the fast path (egress_down), one that comes back under that name brings them back.
 * Addresses of gateways in network byte order; prefixes as struct prefix has them.
 *
 * Precedence: the longest prefix of all decides; of a user's and a kernel's route for the same prefix the
 * user's. With `override` every longer prefix of the kernel below it counts for nothing, except those of the
 * table local (the router's own addresses), which no user route hides.
 */
#ifndef EBPF_ROUTE_USER_ROUTE_H
#define EBPF_ROUTE_USER_ROUTE_H

#include <net/if.h>
#include "addr.h"

#define USER_LEGS_MAX	 64  /* next hops of one route */
#define USER_COMMENT_MAX 128 /* bytes of a comment, the 0 included */

enum user_action {
	USER_DROP,
	USER_PASS,     /* always the kernel's */
	USER_NEXTHOPS, /* by its legs: forwarded as by a kernel route */
	USER_REDIRECT, /* out of a device, the frame unchanged */
	USER_CPU,      /* to the kernel on a CPU of a range, by flow */
};

struct user_leg {
	__be32 gateway; /* 0: on-link, the destination itself is the neighbour */
	/*
	 * Empty where a gateway alone was given, and no connected net has it yet. Once one has, the device
	 * is fixed: the route stays by it when it goes, and does not move to where a wider net begins to match.
	 */
	char dev[IFNAMSIZ];
	bool found;	 /* that is where `dev` comes from */
	uint16_t weight; /* 1..256 */
	bool has_lladdr; /* the neighbour's MAC address is this one, the kernel is not asked */
	bool onlink; /* only for who checks routes: the gateway need not lie in a net of the device */
	uint8_t lladdr[6];
};

struct user_route {
	struct prefix dst;
	uint8_t action; /* enum user_action */
	bool override;
	char dev[IFNAMSIZ];	      /* USER_REDIRECT */
	uint32_t first_cpu, last_cpu; /* USER_CPU */
	uint16_t n_legs;	      /* USER_NEXTHOPS: 1.. */
	struct user_leg *legs;	      /* the owner's */
	char *comment;		      /* NULL: none; the owner's */
};

#endif
