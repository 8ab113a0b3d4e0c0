/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel's forwarding state as announced: links, addresses, neighbours, next hops, routes, rules.
 *
 * Pure: events in, a mirror and a dirty set out. Applying is idempotent. A dump and a notification
 * take the same path: mirror_resync_begin(), apply every event of a dump, mirror_resync_end().
 * Objects are plain structs that others may read, and only mirror*.c writes.
 */
#ifndef EBPF_ROUTE_MIRROR_H
#define EBPF_ROUTE_MIRROR_H

#include "../include/event.h"
#include "../include/maps.h"
#include "mirror_table.h"
#include "rib.h"

/* How a link's packets reach the programs. */
enum hook {
	HOOK_NONE,
	HOOK_XDP,
	HOOK_XDP_GENERIC,
	HOOK_TC, /* skbs, at the tc ingress */
};

struct mirror_link {
	struct event_link e;
	int32_t forwarding, rp_filter, ignore_linkdown; /* the device's own; -1: not known */
	uint64_t xdp_features;
	bool features_known;
	bool send_redirects;   /* effective, as read from the sysctls; true until known */
	bool accept_local;     /* the same; false until known */
	bool accept_redirects; /* the same: the kernel believes those that come in by it */
	bool accepting;	       /* internal to the mirror: the same of a device that is up */
	uint8_t hook;	       /* enum hook */
	bool present; /* announced as a link; until then nothing but e.ifindex of e counts */
	bool dirty;
	bool stopped; /* see mirror_link_stopped() */
	bool refuses; /* see mirror_link_refuses() */
	uint32_t generation, netconf_generation;
	uint32_t birth; /* another number whenever it came, or may have gone and come unnoticed */
	uint32_t
		suspect; /* generation in which routes via it may have vanished silently; 0: none */
};

/* What netconf says for all devices together; -1: not known. */
struct mirror_netconf {
	int32_t forwarding, rp_filter, ignore_linkdown;
};

struct mirror_address {
	struct event_address e;
	uint32_t generation;
	struct table_node node, link_node; /* by address, by ifindex */
};

struct mirror_neighbour {
	struct event_neighbour e;
	uint32_t generation;
	struct table_node node;
};

struct user_route;

/*
 * What a route's traffic is sent to, shared by every route that says the same: a list of legs
 * (n_legs >= 1), or a kernel nexthop object (nhid), bounded by a route MTU. Reference counted;
 * named by its pool handle.
 */
struct mirror_nexthop {
	uint32_t refs;
	uint32_t nhid; /* kernel nexthop object, or 0: legs */
	uint32_t mtu;  /* 0: none */
	uint32_t hash;
	uint32_t next; /* hash chain, handle */
	uint16_t n_legs;
	bool blackhole; /* of routes told of as blackholes: nhid is what may make them so, see resolve */
	bool dirty;
	struct event_leg *legs; /* of the flags only RTNH_F_ONLINK makes two sets differ */
	/*
	 * A user route's: what it does, without its prefix; NULL: the kernel's. Then the legs are its
	 * next hops, or the one device of a redirection: oif 0 where the device is not there, gateway of
	 * family AF_PACKET where the MAC address is given.
	 */
	struct user_route *user;
	bool shared; /* by user routes that do the same; if not, by one */
};

/* A kernel nexthop object, as announced. */
struct mirror_object {
	uint32_t id;
	uint8_t type; /* enum nexthop_type */
	uint8_t protocol;
	bool fdb, unsupported;
	bool present; /* false: gone, or only named as a member of a group */
	struct event_leg leg;
	uint16_t n_members;
	struct event_member *members;
	uint32_t grouped; /* how often groups name it as a member */
	uint32_t generation;
	uint32_t suspect; /* generation in which it went, and routes with it; 0: did not */
	struct table_node node;
};

/* One kernel route of a prefix; a prefix's candidates are in the kernel's order. */
struct mirror_candidate {
	uint32_t next; /* handle, 0: last */
	uint32_t table;
	uint32_t priority;
	uint32_t nexthop; /* handle of a struct mirror_nexthop, 0: none (blackhole, local ..) */
	uint32_t generation;
	uint8_t tos, type, scope, protocol;
	bool unsupported;
	uint8_t origin; /* internal to the mirror */
};

struct mirror_rule {
	struct event_rule e;
	uint32_t generation;
	bool dumped;  /* in that generation, by the dump */
	uint32_t iif; /* ifindex of the device that e.iif stands for; 0: none, it matches nothing */
	bool iif_known; /* if not, e.iif may stand for any device or none */
	bool by_name;	/* internal to the mirror: see mirror_rule_devices.c */
	struct mirror_rule *next;
};

struct mirror;

struct mirror *mirror_new(void); /* NULL: out of memory */
void mirror_destroy(struct mirror *mirror);

/*
 * Applies one event. 0, or -ENOMEM (then a resync is wanted: see mirror_wants_resync). Events about
 * unknown objects are fine: "gone" is a no-op, references to objects not yet seen wait for them.
 */
int mirror_apply(struct mirror *mirror, const struct event *ev);

/*
 * Mark, dump, sweep: what the dump between the two did not confirm is taken out.
 *
 * What was announced meanwhile is replayed, before or after mirror_resync_end(), and may be older
 * than the dump. From mirror_resync_begin() until the first fib_sync() (or mirror_replay_end())
 * after mirror_resync_end() events are read with that in mind; replay everything before that.
 */
void mirror_resync_begin(struct mirror *mirror);
void mirror_resync_end(struct mirror *mirror);
void mirror_replay_end(struct mirror *mirror);

/*
 * True once events came whose consequences the kernel does not announce (a link went down or up, an
 * address or a nexthop object went; docs/ARCHITECTURE.md has the list); cleared by
 * mirror_resync_begin(). `ret_why` gets a static text for the log.
 */
bool mirror_wants_resync(const struct mirror *mirror, const char **ret_why);

/* Notifications were lost; counts until the next mirror_resync_begin(). */
void mirror_lost(struct mirror *mirror);

/*
 * Ahead of the notifications that are still to be applied: the device takes no packets any more, and counts
 * as down until mirror_caught_up(). False: it is not known. May be called in a pause.
 */
bool mirror_link_stopped(struct mirror *mirror, uint32_t ifindex);
bool mirror_any_stopped(const struct mirror *mirror);
/* All that was announced so far has been applied. */
void mirror_caught_up(struct mirror *mirror);

/*
 * The driver takes no frames that native XDP redirects to the device, whatever its features say; or it may
 * be tried again, as when it comes up or its features change.
 */
void mirror_link_refuses(struct mirror *mirror, uint32_t ifindex, bool refuses);

/* fn is called now and then in the course of long work, here and in the fib. */
void mirror_set_pause(struct mirror *mirror, void (*fn)(void *ctx), void *ctx);
/* For the steps of work that is none of the mirror's, but keeps it from being looked after: about a microsecond each. */
void mirror_worked(struct mirror *mirror);

/* What no notification says: told by the shell. */
void mirror_set_hook(struct mirror *mirror, uint32_t ifindex, enum hook hook);
void mirror_set_send_redirects(struct mirror *mirror, uint32_t ifindex, bool send);
void mirror_set_accept_local(struct mirror *mirror, uint32_t ifindex, bool accept);
void mirror_set_accept_redirects(struct mirror *mirror, uint32_t ifindex, bool accept);
/* The kernel may still hold what redirects told it, while no device accepts them. */
void mirror_set_redirected(struct mirror *mirror, bool maybe);
/* net.ipv4.ip_forward_use_pmtu: what the kernel learnt of paths bounds forwarded packets. */
void mirror_set_forward_use_pmtu(struct mirror *mirror, bool use);
void mirror_set_hash_policy(struct mirror *mirror, uint32_t policy);
/* The device (ifindex) that the kernel takes the iif of a rule for, where !iif_known; until rules or
 * names change. Those that are told of all at once may stand for each other's device. */
void mirror_set_rule_iif(struct mirror *mirror, const struct mirror_rule *rule, uint32_t ifindex);
/* The same from another mirror, where the devices are the same. */
void mirror_adopt_rules(struct mirror *mirror, const struct mirror *from);
/* Everything falls back for this reason (enum verdict: paused, netfilter ..), 0: no hold. */
void mirror_set_hold(struct mirror *mirror, uint32_t verdict);
/* Do the kernel's routes and rules count, beside the table local, which always does? At first they do. */
void mirror_set_kernel_routes(struct mirror *mirror, bool count);

/* Look-ups and walks for resolve, fib, and those who show things. NULL: none. */
const struct mirror_link *mirror_link(const struct mirror *mirror, uint32_t ifindex);
const struct mirror_link *mirror_link_by_name(const struct mirror *mirror, const char *name);
const struct mirror_link *mirror_next_link(const struct mirror *mirror, uint32_t after_ifindex);
/* Of the links above that ifindex (e.lower), which need not be known itself, the next by their own. */
const struct mirror_link *mirror_next_upper(const struct mirror *mirror, uint32_t lower,
					    uint32_t after_ifindex);
const struct mirror_neighbour *mirror_neighbour(const struct mirror *mirror, uint32_t ifindex,
						const struct addr *addr);
const struct mirror_object *mirror_object(const struct mirror *mirror, uint32_t id);
const struct mirror_nexthop *mirror_nexthop(const struct mirror *mirror, uint32_t handle);
const struct mirror_candidate *mirror_candidate(const struct mirror *mirror, uint32_t handle);
struct rib *mirror_rib(const struct mirror *mirror);
bool mirror_is_own_address(const struct mirror *mirror, __be32 addr);
/*
 * Would the kernel drop a packet from this address as martian: one of ours, or a broadcast address of
 * ours? (It looks at the latter only where its quick check is off, which is not always told:
 * fib_validate_source() in net/ipv4/fib_frontend.c.) enum own_kind, 0: no. One that is both is
 * OWN_BROADCAST, which accept_local does not concern.
 */
uint8_t mirror_own_kind(const struct mirror *mirror, __be32 addr);
/* Has the link an IPv4 address? */
bool mirror_has_address(const struct mirror *mirror, uint32_t ifindex);
const struct mirror_netconf *mirror_netconf_all(const struct mirror *mirror);
const struct mirror_rule *mirror_rules(const struct mirror *mirror); /* in their order */
uint32_t mirror_hold(const struct mirror *mirror); /* as set by mirror_set_hold() */
uint32_t mirror_hash_policy(const struct mirror *mirror);
bool mirror_forward_use_pmtu(const struct mirror *mirror);
/* Does a device that is up accept redirects? */
bool mirror_accepts_redirects(const struct mirror *mirror);
/* The same, or mirror_set_redirected(): the kernel may know other gateways than the routes say. */
bool mirror_may_be_redirected(const struct mirror *mirror);
bool mirror_kernel_routes(const struct mirror *mirror);
/*
 * Are there routes, in any table, that make a source address invalid to the kernel and are not its own:
 * of type local, broadcast, anycast, multicast? Then own_addresses does not tell all.
 */
bool mirror_has_custom_local(const struct mirror *mirror);
/* How many candidates the table `default` has. */
uint32_t mirror_default_candidates(const struct mirror *mirror);
/* How many candidates of the table `local` have a wide prefix of their own. */
uint32_t mirror_wide_locals(const struct mirror *mirror);

/* Calls fn for each, in no order; stops at and returns the first non-zero. */
int mirror_walk_neighbours(const struct mirror *mirror,
			   int (*fn)(void *ctx, const struct mirror_neighbour *n), void *ctx);
int mirror_walk_nexthops(const struct mirror *mirror,
			 int (*fn)(void *ctx, uint32_t handle, const struct mirror_nexthop *n),
			 void *ctx);
int mirror_walk_addresses(const struct mirror *mirror,
			  int (*fn)(void *ctx, const struct mirror_address *a), void *ctx);

struct mirror_counts {
	uint32_t links, addresses, neighbours, objects, nexthops, candidates, prefixes, rules;
	uint32_t sets; /* of next hops; of these, `nexthops` are named by routes */
};
void mirror_counts(const struct mirror *mirror, struct mirror_counts *ret);

#endif
