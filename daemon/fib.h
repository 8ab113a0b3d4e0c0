/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Desired against installed: writes what changed, in an order that no packet can see half done.
 *
 * Owns the numbering of ports, adjacencies, next-hop slots and groups, and the grace periods before
 * their reuse. Pure: every write goes through a struct fib_sink (the BPF maps, a dry run, a recorder).
 */
#ifndef EBPF_ROUTE_FIB_H
#define EBPF_ROUTE_FIB_H

#include "../include/maps.h"
#include "fib_engine.h"
#include "mirror.h"

struct fib_sink;

/* What the fib decides in struct control. */
struct fib_control {
	uint32_t hold;	/* enum verdict or 0 */
	uint32_t flags; /* enum control_flag, all but OBSERVE */
	uint32_t hash_policy;
	uint32_t policy_steps;
};

/*
 * Where the writes go. Each is one atomic step for running programs, but for set_policy. 0 or -errno;
 * -ENOSPC from set_neighbour, set_own_address, set_ingress_mac and set_policy_route where that map is
 * full.
 */
struct fib_sink_ops {
	int (*set_port)(struct fib_sink *sink, uint16_t port, const struct port *value);
	int (*del_port)(struct fib_sink *sink, uint16_t port, uint32_t ifindex);
	/* A port that is set: its device went and came back, and is no longer in the maps of devices. */
	int (*renew_port)(struct fib_sink *sink, uint16_t port, uint32_t ifindex);
	int (*set_adjacency)(struct fib_sink *sink, uint32_t index, uint64_t word);
	int (*set_neighbour)(struct fib_sink *sink, struct neighbour_key key, uint32_t adjacency);
	int (*del_neighbour)(struct fib_sink *sink, struct neighbour_key key);
	int (*set_nexthop)(struct fib_sink *sink, uint32_t slot, uint64_t word);
	int (*set_reverse)(struct fib_sink *sink, uint32_t slot, uint64_t word);
	int (*set_group)(struct fib_sink *sink, uint32_t index, const struct group *value);
	/* kind: enum own_kind, 0 takes it out. */
	int (*set_own_address)(struct fib_sink *sink, __be32 addr, uint8_t kind);
	/* port 0 takes it out. */
	int (*set_ingress_mac)(struct fib_sink *sink, union ingress_mac key, uint16_t port);
	int (*set_default_leaf)(struct fib_sink *sink, uint32_t leaf);
	/* Only while control.hold is set and a grace period after it was. */
	int (*set_policy)(struct fib_sink *sink, const struct policy_step *steps, uint32_t n);
	/* LEAF_DEFAULT takes it out. */
	int (*set_policy_route)(struct fib_sink *sink, uint32_t table, struct prefix prefix,
				uint32_t leaf);
	/* Packets may be handed to it, or no longer. -ENODEV: there is no such CPU. */
	int (*set_cpu)(struct fib_sink *sink, uint32_t cpu, bool in);
	int (*set_control)(struct fib_sink *sink, const struct fib_control *control);
	/* Adds what the slot has counted. May be missing. */
	void (*add_counter)(struct fib_sink *sink, uint32_t slot, struct counter *total);
	/* Waits until every program that was running has ended. */
	void (*grace)(struct fib_sink *sink);
};

struct fib_limits {
	uint32_t ports, adjacencies, nexthops, groups; /* sizes of the maps, index 0 included */
	uint32_t policy_routes; /* at most that many, 0: until the sink refuses one */
};

struct fib_sink {
	const struct fib_sink_ops *ops;
	struct fib_engine *engine; /* routes are written through its ops */
	struct fib_limits limits;
};

struct fib;

int fib_new(struct fib **ret, struct mirror *mirror, struct fib_sink *sink);
void fib_destroy(struct fib *fib); /* NULL is fine; writes nothing */

/*
 * Writes what became dirty in the mirror since the last call: ports, adjacencies, next hops and
 * groups first, then routes, then what is taken away. Returns the number of writes, or a negative
 * errno where a write failed; the object then stays dirty.
 */
int fib_sync(struct fib *fib);

/* What may run out. */
enum fib_room {
	FIB_ROOM_FOUND,
	FIB_ROOM_SLOT,
	FIB_ROOM_GROUP,
	FIB_ROOM_ADJACENCY,
	FIB_ROOM_PORT,
	FIB_ROOM_ENGINE,
};

struct fib_shortage {
	struct prefix prefix; /* the first one for which there is no room */
	const char *why;      /* static, for the user */
};

/*
 * Takes everything that the dirty prefixes need, without a write that a packet could see: those of the user
 * then lead where they say, and no other one falls back as table_full that did not before, as soon as the
 * fib_sync() that has to follow at once has written them. 0; -ENOSPC with *ret: then the caller takes its
 * change of the mirror back, and the fib_sync() that follows gives back what was taken; or another -errno,
 * which asks for the same. What the change takes away is no room yet.
 */
int fib_prepare(struct fib *fib, struct fib_shortage *ret);

/*
 * In the next fib_sync() routes of the user's get what room they need from prefixes of the kernel's, also where these
 * were left out before, at the same prefix or below it: see fib_full_press().
 */
void fib_press(struct fib *fib);

/* Makes freed numbers reusable (one grace period) where enough have gathered, or any if `all`. */
void fib_reclaim(struct fib *fib, bool all);

/*
 * No packet goes to the link any more, at once; the mirror must have it as stopped (mirror_link_stopped()).
 * May be called in a pause of fib_sync(), see mirror_set_pause().
 */
void fib_port_down(struct fib *fib, uint32_t ifindex);
/* The same of frames that native XDP would redirect to it: mirror_link_refuses(). Not in a pause. */
void fib_port_refuses(struct fib *fib, uint32_t ifindex);

/*
 * The hold that the mirror has been told of (mirror_set_hold()) is in force, at once. May be called in a pause of
 * fib_sync(), which is what ends one.
 */
void fib_hold(struct fib *fib);

struct user_cpus;
/*
 * The CPUs that are online: packets are handed to no other one. 0 or -errno of a write; then it is to be
 * said again.
 */
int fib_cpus_online(struct fib *fib, const struct user_cpus *online);

struct fib_counts {
	uint32_t routes;   /* prefixes, the default route included, and those without room */
	uint32_t fallback; /* of these, left to the kernel for a reason */
	uint32_t nexthops; /* slots in use */
	uint32_t groups;
	uint32_t adjacencies,
		neighbours; /* in use; of the adjacencies, resolved ones for connected destinations */
	uint32_t ports;
	uint32_t policy_steps, policy_tables;
	uint32_t policy_routes; /* of these tables together */
	uint32_t ingress_macs;	/* of macvlan devices */
	uint32_t full;		/* prefixes that did not fit and fall back as table_full */
	uint64_t writes;	/* since start */
	uint64_t leaf_writes;	/* of these, of prefixes in the engine or of the default leaf */
};
void fib_counts(const struct fib *fib, struct fib_counts *ret);

/* The numbers given to an object of the mirror; 0 where it has none. */
uint16_t fib_port_of(const struct fib *fib, uint32_t ifindex);
uint32_t fib_ifindex_of(const struct fib *fib, uint16_t port);
uint32_t fib_slot_of(const struct fib *fib, uint32_t nexthop /* handle in the mirror */);
uint32_t fib_adjacency_of(const struct fib *fib, uint32_t ifindex, const struct addr *addr);

/*
 * What the fast path does with packets for this prefix, as installed: forwarded if its next hop is
 * connected or has a resolved neighbour (of a group: any member), otherwise the verdict; *ret_slot
 * is its next-hop slot or 0. -ENOENT where the fast path has nothing for it. Either pointer may be
 * NULL.
 */
int fib_verdict(const struct fib *fib, const struct rib_entry *entry, enum verdict *ret_verdict,
		uint32_t *ret_slot);
/* The same for its route in one of the tables; -ENOENT too where no policy rule leads there. */
int fib_policy_verdict(const struct fib *fib, const struct rib_entry *entry, uint32_t table,
		       enum verdict *ret_verdict, uint32_t *ret_slot);
/* What the sink was told last: nexthop and adjacency words; 0 outside the limits. */
uint64_t fib_nexthop_word(const struct fib *fib, uint32_t slot);
uint64_t fib_adjacency_word(const struct fib *fib, uint32_t index);

/*
 * The slot that counts what a user route decides: where it has several next hops, the members of
 * that slot count. -ENOENT where there is no such route, or it is not installed by a slot (table_full).
 * *ret_shared: other routes that do the same count there too.
 */
int fib_user_slot(const struct fib *fib, struct prefix dst, uint32_t *ret_slot, bool *ret_shared);
/* The leaves of a slot's members, each once for every leg; 0 where it is no group. They may be verdicts. */
unsigned int fib_slot_members(const struct fib *fib, uint32_t slot, const uint32_t **ret_leaves);
/* Adds what legs counted that the slot of a user route has no more. */
void fib_slot_retired(const struct fib *fib, uint32_t slot, struct counter *total);

/*
 * Calls fn for each adjacency that has a number; stops at and returns the first non-zero. fn must not
 * change the fib.
 */
int fib_walk_adjacencies(const struct fib *fib,
			 int (*fn)(void *ctx, uint32_t index, uint32_t ifindex,
				   const struct addr *addr),
			 void *ctx);
/* The same for gateways of user routes that have no valid neighbour, on a port. */
int fib_walk_unresolved(const struct fib *fib,
			int (*fn)(void *ctx, uint32_t ifindex, const struct addr *addr), void *ctx);

#endif
