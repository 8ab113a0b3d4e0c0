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
	const struct user_route *user;		  /* the same, instead */
};

/*
 * Does the entry have to be in the table at all? No if it has no candidates and is no user route's, nor if
 * a user route hides it.
 */
bool resolve_route(const struct mirror *mirror, const struct rib_entry *entry,
		   struct resolved_route *ret);

/* What a next hop resolves to. */
enum resolved_kind {
	RESOLVED_VERDICT,
	RESOLVED_GATEWAY,   /* one leg with a gateway */
	RESOLVED_CONNECTED, /* one leg without */
	RESOLVED_GROUP,	    /* several legs, or a group object */
	RESOLVED_REDIRECT,  /* a user's: out of the device of the leg, unchanged */
	RESOLVED_CPU,	    /* a user's: the kernel's, on one of these CPUs */
};

struct resolved_nexthop {
	enum resolved_kind kind;
	enum verdict verdict;
	struct event_leg leg; /* GATEWAY, CONNECTED, REDIRECT */
	uint32_t mtu;
	bool user; /* a user route's, whatever the kind */
	uint32_t first_cpu, n_cpus;
};

void resolve_nexthop(const struct mirror *mirror, const struct mirror_nexthop *nexthop,
		     struct resolved_nexthop *ret);

/* One leg by itself: never a group. */
void resolve_leg(const struct mirror *mirror, const struct event_leg *leg, uint32_t mtu,
		 struct resolved_nexthop *ret);

/* resolve_user.c: the same for a user route's set, and for one of its legs. */
void resolve_user(const struct mirror *mirror, const struct mirror_nexthop *nexthop,
		  struct resolved_nexthop *ret);
void resolve_user_leg(const struct mirror *mirror, const struct event_leg *leg,
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

/* For resolve_group(): of a user route's set. */
unsigned int resolve_user_group(const struct mirror *mirror, const struct mirror_nexthop *nexthop,
				struct resolved_member *members);

/*
 * What the longest prefix that covers the address (host byte order) and decides resolves to; NULL
 * and no_route where there is none.
 */
const struct rib_entry *resolve_lookup(const struct mirror *mirror, uint32_t addr,
				       struct resolved_route *ret);

/*
 * The devices that a reverse path check of a source routed to this next hop would accept, each once:
 * every leg counts, dead ones too, as in fib_info_nh_uses_dev() of net/ipv4/fib_semantics.c; at most
 * REVERSE_PORTS of them. 0: it is not certain that the route is unicast and in force.
 */
unsigned int resolve_reverse(const struct mirror *mirror, const struct mirror_nexthop *nexthop,
			     uint32_t ret_ifindex[REVERSE_PORTS]);

/* ---- policy rules (resolve_policy.c) ---------------------------------------------------- */

/* A policy rule as the fast path can follow it: like struct policy_step, with the kernel's names. */
struct resolved_rule {
	struct prefix src, dst;
	uint32_t iif;  /* ifindex, 0: any */
	uint8_t flags; /* enum policy_flag */
	uint8_t tos, protocol;
	uint16_t sport[2], dport[2];
	uint32_t table;	      /* RT_TABLE_MAIN: the engine (main, and default after it) */
	enum verdict verdict; /* with POLICY_VERDICT */
};

struct resolved_policy {
	bool plain;	      /* the destination alone decides; no steps */
	enum verdict verdict; /* policy_rule: cannot be followed, everything falls back; or 0 */
	unsigned int n;
	struct resolved_rule rules[POLICY_STEPS];
};

/*
 * The rules behind that of the table local, which has to be the first that counts. Left out is what no
 * forwarded packet can match: an oif, an iif that is no interface (or none that can be a port), a mark
 * (see resolve_marks_matter()), l3mdev (enslaved devices do not forward, and next
 * hops through them fall back). Plain too where what is left is the look-up of main alone.
 */
void resolve_policy(const struct mirror *mirror, struct resolved_policy *ret);

/*
 * Does a rule ask for firewall marks? A filter that runs before ours at the tc ingress may set one; resolve_policy()
 * has the rules for packets without.
 */
bool resolve_marks_matter(const struct mirror *mirror);

/*
 * The first candidate of the prefix in that table alone, as resolve_route() does for the plain
 * tables; false where it has none.
 */
bool resolve_route_in(const struct mirror *mirror, const struct rib_entry *entry, uint32_t table,
		      struct resolved_route *ret);

/*
 * What the kernel's look-up for a packet finds, by the rules: resolve_lookup() where they are plain.
 * Addresses in host byte order; iif: ifindex. policy_rule where a rule decides that cannot be followed.
 */
struct resolved_query {
	uint32_t dst, src;
	uint32_t iif; /* a macvlan device: its own */
	uint8_t tos, protocol;
	bool has_ports; /* if not, or 0, any (the kernel takes some for ports that are none) */
	uint16_t sport, dport; /* host byte order */
};
const struct rib_entry *resolve_query(const struct mirror *mirror,
				      const struct resolved_query *query,
				      struct resolved_route *ret);

/* Are the rules the three that the kernel starts with? */
bool resolve_rules_plain(const struct mirror *mirror);
/* The reason for which everything falls back, as far as the mirror knows, or 0. */
uint32_t resolve_hold(const struct mirror *mirror);

/* ---- neighbours and ports --------------------------------------------------------------- */

/* The links that take frames of their own MAC address from this one (macvlan, VRRP): NULL at the end. */
const struct mirror_link *resolve_next_upper(const struct mirror *mirror,
					     const struct mirror_link *lower,
					     const struct mirror_link *after);

/* Is it one of those? */
bool resolve_is_upper(const struct mirror_link *link, const struct mirror_link *lower);

/* May a neighbour entry carry traffic (NUD_VALID and a MAC address)? */
bool resolve_neighbour_valid(const struct mirror_neighbour *n);

/* Has it what a port needs: Ethernet and a MAC address? */
bool resolve_can_be_port(const struct mirror_link *link);
/* Does it transmit frames that native XDP redirects, as far as the kernel tells (Linux 6.3)? */
bool resolve_sends_for_xdp(const struct mirror_link *link);
/* Does it take packets: set up, and with carrier? */
bool resolve_is_up(const struct event_link *link);
/* The port as the programs shall see it; false where the link cannot be a port at all. */
bool resolve_port(const struct mirror *mirror, const struct mirror_link *link, struct port *ret);

#endif
