/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From what the kernel says to what the fast path does: pure decisions, no state of their own.
 *
 * Whatever cannot be proven to be what the kernel would do resolves to a reason to fall back.
 */
#ifndef EBPF_ROUTE_RESOLVE_H
#define EBPF_ROUTE_RESOLVE_H

#include "mirror.h"

/* What a prefix resolves to: a next hop of the mirror, or a verdict at once. */
struct resolved_route {
	uint32_t nexthop;     /* handle of a struct mirror_nexthop, or 0 */
	enum verdict verdict; /* where nexthop is 0: dropped, or the reason to fall back */
	const struct mirror_candidate *candidate; /* that decided, NULL: none */
};

/* Does the entry have to be in the table at all? No if it has no candidates. */
bool resolve_route(const struct mirror *mirror, const struct rib_entry *entry,
		   struct resolved_route *ret);

/* What a next hop resolves to. */
enum resolved_kind {
	RESOLVED_VERDICT,
	RESOLVED_GATEWAY,   /* one leg with a gateway */
	RESOLVED_CONNECTED, /* one leg without */
	RESOLVED_GROUP,	    /* several legs, or a group object */
};

struct resolved_nexthop {
	enum resolved_kind kind;
	enum verdict verdict;
	struct event_leg leg;		/* GATEWAY, CONNECTED */
	uint32_t mtu;
};

void resolve_nexthop(const struct mirror *mirror, const struct mirror_nexthop *nexthop,
		     struct resolved_nexthop *ret);

/* May a neighbour entry carry traffic (NUD_VALID and a MAC address)? */
bool resolve_neighbour_valid(const struct mirror_neighbour *n);

/* The port as the programs shall see it; false where the link cannot be a port at all. */
bool resolve_port(const struct mirror *mirror, const struct mirror_link *link, struct port *ret);

#endif
