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
	struct event_leg leg; /* GATEWAY, CONNECTED */
	uint32_t mtu;
};

void resolve_nexthop(const struct mirror *mirror, const struct mirror_nexthop *nexthop,
		     struct resolved_nexthop *ret);

/* One leg by itself: never a group. */
void resolve_leg(const struct mirror *mirror, const struct event_leg *leg, uint32_t mtu,
		 struct resolved_nexthop *ret);

/* A member of a multipath set: a leg, or a verdict for its share of the traffic. */
struct resolved_member {
	struct event_leg leg;
	enum verdict verdict; /* 0 (forwarded): by the leg */
	uint16_t weight;
};

/*
 * The members of what resolved to RESOLVED_GROUP, without those that the kernel skips. Returns their
 * number, at most EVENT_LEGS_MAX; 0 with *ret_verdict where none is left.
 */
unsigned int resolve_group(const struct mirror *mirror, const struct mirror_nexthop *nexthop,
			   struct resolved_member members[EVENT_LEGS_MAX],
			   enum verdict *ret_verdict);

/*
 * What the longest prefix that covers the address (host byte order) and decides resolves to; NULL
 * and no_route where there is none.
 */
const struct rib_entry *resolve_lookup(const struct mirror *mirror, uint32_t addr,
				       struct resolved_route *ret);

/* Are the rules the three that the kernel starts with? Everything falls back while they are not. */
bool resolve_rules_plain(const struct mirror *mirror);
/* The reason for which everything falls back, as far as the mirror knows, or 0. */
uint32_t resolve_hold(const struct mirror *mirror);

/* May a neighbour entry carry traffic (NUD_VALID and a MAC address)? */
bool resolve_neighbour_valid(const struct mirror_neighbour *n);

/* The port as the programs shall see it; false where the link cannot be a port at all. */
bool resolve_port(const struct mirror *mirror, const struct mirror_link *link, struct port *ret);

#endif
