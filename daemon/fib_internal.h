/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Inside of the fib: shared by fib*.c, nobody else.
 *
 * What is in the maps is known here by value and compared before every write. References: a slot is
 * referenced by installed leaves, of the engine and of policy tables, and by groups, an adjacency by slots and by the neighbour it stands
 * for, a group row by one slot. What is referenced no longer becomes idle, and is given back at the
 * end of a sync, when nothing in the maps names it any more; its number then waits in quarantine for
 * a grace period.
 */
#ifndef EBPF_ROUTE_FIB_INTERNAL_H
#define EBPF_ROUTE_FIB_INTERNAL_H

#include "fib.h"
#include "mirror_internal.h"
#include "resolve.h"
#include "user_check.h"

/* The numbers first..limit-1 of one map. */
struct fib_numbers {
	uint32_t first, next, limit; /* next: never used so far */
	uint32_t *free, *quarantine;
	uint32_t n_free, n_quarantine;
	bool freed;   /* one was given back since the last look */
	bool starved; /* somebody went without one */
};

struct fib_port {
	struct table_node node; /* by ifindex */
	struct port value;	/* as in the map */
	uint32_t birth;		/* its link's, when its device was entered */
	uint16_t number;
	bool leaving; /* its link is gone, the number not yet */
	bool turned;  /* usable or not, since the neighbours on it were written */
};

struct fib_adjacency {
	struct table_node node; /* by ifindex and address */
	struct mirror_neighbour_key key;
	uint32_t index; /* 0: none left */
	uint32_t refs;	/* slots */
	bool asked;	/* a user route's gateway: nobody but us has it resolved */
	bool wanted;	/* in `neighbours`, and it is there if `entered` */
	bool entered;
	bool idle;
	struct fib_adjacency *next_idle;
};

/* A next-hop slot; its number is its place in fib.slots. */
struct fib_slot {
	uint64_t word;	  /* as in the map */
	uint64_t reverse; /* the same; of legs always 0 */
	uint64_t grant;	  /* what it is to be, once the routes are written */
	uint32_t handle;  /* the mirror's next hop that owns it, or 0: a leg of groups */
	uint32_t leaf_refs, group_refs, policy_refs;
	bool used, dirty, idle, granting;
	uint8_t starved; /* enum fib_room: what it found none of, a leg of a group included */
	uint32_t next_dirty, next_idle, next_grant;
	struct fib_adjacency *adjacency;
	uint32_t row; /* of a group, 0: none */
	uint16_t n_members;
	uint32_t *members; /* leaves */
	uint32_t first_cpu, n_cpus;
	struct counter retired; /* what legs counted that it has no more */
	struct table_node node; /* of legs, by leg, MTU and owner */
	struct event_leg leg;
	uint32_t mtu;
	uint32_t
		owner; /* the user route's next hop that alone uses the leg; 0: any of the kernel's */
};

/* A CPU that slots steer to: see fib_cpus.c. */
struct fib_cpu {
	uint32_t refs; /* slots */
	bool entered;
};

struct fib_own {
	struct table_node node;
	__be32 addr;
	uint8_t kind; /* as in the map: enum own_kind, 0: not there */
};

/* Stands for prefixes that the engine has no room for: see fib_full.c. */
struct fib_mark {
	struct table_node node; /* by entry */
	struct rib_entry *entry;
	uint32_t victims;
};

struct fib_victim {
	struct table_node node; /* by entry */
	struct rib_entry *entry;
	struct fib_mark *mark;
};

/* A table that policy rules name: see fib_policy_tables.c. */
struct fib_policy_table {
	struct fib_policy_table *next;
	uint32_t table;		  /* the kernel's number */
	uint32_t number;	  /* in the maps */
	uint32_t routes;	  /* in the map */
	bool named;		  /* by the rules as they are to be followed */
	bool filled;		  /* all its routes are in the map, and are kept so */
	bool full;		  /* they have no room there */
	uint32_t missing, credit; /* how much room it needs, and how much came free, at least */
};

struct fib_policy {
	struct policy_step steps[POLICY_STEPS]; /* as in the map */
	uint32_t n;
	bool dirty;   /* may not be what the rules say */
	bool pending; /* about to change: everything is on hold */
	struct fib_numbers numbers;
	struct fib_policy_table *tables;
	struct table routes;
	uint32_t room; /* routes that the map had when the last one did not fit */
	uint32_t seen; /* number of the walk over the map, see fib_policy_unseen() */
};

struct fib {
	struct mirror *mirror;
	struct fib_sink *sink;

	struct fib_numbers port_numbers, adjacency_numbers, slot_numbers, row_numbers;
	struct table ports; /* by ifindex */
	struct fib_port **port_by_number;
	uint32_t n_leaving;
	bool ports_turned; /* any */
	struct table adjacencies;
	uint64_t *adjacency_words;
	struct fib_adjacency *idle_adjacencies;
	uint32_t n_entered, n_left_out; /* neighbours */
	bool neighbour_freed;

	struct fib_slot *slots;
	struct table legs;
	struct vec slot_of_handle; /* uint32_t */
	struct group *rows;
	uint32_t dirty_slots, idle_slots, grants; /* lists */

	struct vec cpus; /* struct fib_cpu */
	bool cpus_idle;	 /* some may be */
	bool cpus_known; /* which are online; if not, all count as such */
	struct user_cpus cpus_online;

	struct table own;
	uint32_t own_left_out;

	struct table macs; /* of macvlan devices, by MAC address and lower device */
	bool macs_failed;
	struct fib_policy policy;

	struct table marks, victims;
	bool engine_freed;
	struct prefix evicted; /* the last one, see fib_evict.c */
	uint8_t exhausted;     /* what was not found there, and nothing changed that since */
	bool press;	       /* see fib_press() */
	uint32_t n_installed;  /* entries with a leaf in the engine, or the default */
	uint32_t verdict_leaves[VERDICT_COUNT]; /* of these, by verdict */

	struct fib_control control;
	bool started;	 /* control and default leaf were written once */
	bool distrusted; /* see fib_distrust() */
	uint64_t writes, leaf_writes;
	int error; /* first one of this sync */
	bool all;  /* this pass compares everything */
};

/* Counts a write; notes an error. Returns err. */
int fib_wrote(struct fib *fib, int err);
/* Notes an error of something that stays dirty. */
void fib_failed(struct fib *fib, int err);
/* Writes of struct control what makes more packets fall back. */
void fib_control_restrict(struct fib *fib);

/* fib_numbers.c */
int fib_numbers_init(struct fib_numbers *numbers, uint32_t first, uint32_t limit);
void fib_numbers_destroy(struct fib_numbers *numbers);
uint32_t fib_number_take(struct fib *fib, struct fib_numbers *numbers); /* 0: none left */
void fib_number_give(struct fib_numbers *numbers, uint32_t number);
uint32_t fib_numbers_left(const struct fib_numbers *numbers);
void fib_grace(struct fib *fib);

/* fib_ports.c */
int fib_link_sync(struct fib *fib, uint32_t ifindex);
uint16_t fib_port_usable(const struct fib *fib, uint32_t ifindex); /* 0: none, or leaving */
bool fib_port_turned(const struct fib *fib, uint32_t ifindex);
/* All neighbours are as the ports are. */
void fib_ports_settle(struct fib *fib);
void fib_ports_check(struct fib *fib); /* those whose link is gone unnoticed leave */
void fib_ports_release(struct fib *fib);
void fib_ports_destroy(struct fib *fib);

/* fib_adjacencies.c */
/* The adjacency with one reference more, written; NULL: memory is out. */
struct fib_adjacency *fib_adjacency_get(struct fib *fib, uint32_t ifindex, const struct addr *addr);
void fib_adjacency_put(struct fib *fib, struct fib_adjacency *adjacency); /* NULL is fine */
int fib_adjacency_sync(struct fib *fib, struct fib_adjacency *adjacency);
int fib_neighbour_sync(struct fib *fib, const struct mirror_neighbour_key *key);
/* Those on ports that turned, in one walk for all of these; or all there are. */
int fib_neighbours_sync(struct fib *fib, bool all);
void fib_adjacencies_retry(struct fib *fib);
void fib_adjacencies_release(struct fib *fib);
void fib_adjacencies_destroy(struct fib *fib);

/* fib_slots.c */
/* Slot of a next hop of the mirror, written; *ret is VERDICT_table_full where there is none left. */
int fib_slot_for(struct fib *fib, uint32_t handle, uint32_t *ret_leaf);
/*
 * The same for a leg of a group, with one reference of a group more. owner: the handle of a user
 * route's next hop, which has its legs for itself and its counters; else 0.
 */
int fib_slot_for_leg(struct fib *fib, uint32_t owner, const struct event_leg *leg, uint32_t mtu,
		     uint32_t *ret_leaf);
void fib_leaf_ref(struct fib *fib, uint32_t leaf);
void fib_leaf_unref(struct fib *fib, uint32_t leaf);
void fib_member_unref(struct fib *fib, uint32_t leaf);
void fib_slot_idle(struct fib *fib, uint32_t slot); /* if nobody refers to it any more */
void fib_slots_release(struct fib *fib);
void fib_slots_destroy(struct fib *fib);

/* fib_nexthops.c */
int fib_slot_write(struct fib *fib, uint32_t slot, struct nexthop value);
/* Has it say what its next hop is now. 0 or -errno. */
int fib_slot_sync(struct fib *fib, uint32_t slot);
void fib_slot_dirty(struct fib *fib, uint32_t slot);
void fib_slots_dirty(struct fib *fib, bool starved_only);
void fib_slots_sync(struct fib *fib);
/* What the slot, or one of its members, found none of. */
enum fib_room fib_slot_starved(const struct fib *fib, uint32_t slot);

/* fib_cpus.c */
/* One reference more to each, -ENOMEM or what the sink said: none. */
int fib_cpus_get(struct fib *fib, uint32_t first, uint32_t n);
void fib_cpus_put(struct fib *fib, uint32_t first, uint32_t n);
void fib_cpus_release(struct fib *fib);

/* fib_reverse.c */
/* Brings the word of a slot as far as it accepts no more than it does; the rest is granted later. */
int fib_reverse_sync(struct fib *fib, uint32_t slot);
int fib_reverse_write(struct fib *fib, uint32_t slot, uint64_t word);
void fib_reverse_grant(struct fib *fib);

/* fib_groups.c */
int fib_group_sync(struct fib *fib, uint32_t slot, const struct resolved_nexthop *resolved);
void fib_group_release(struct fib *fib, uint32_t slot);
/* Pure: shares out the buckets; `old` (NULL: none) is changed as little as the weights allow. */
void fib_group_fill(const uint32_t *leaves, const uint16_t *weights, unsigned int n,
		    const struct group *old, struct group *ret);

/* fib_routes.c */
int fib_route_sync(struct fib *fib, struct rib_entry *entry);
/* The leaf that the entry should have. False: none at all. */
int fib_route_leaf(struct fib *fib, const struct rib_entry *entry, uint32_t *ret_leaf);
/* -ENOSPC sets *ret_mark. */
int fib_leaf_write(struct fib *fib, struct rib_entry *entry, uint32_t leaf,
		   struct prefix *ret_mark);
int fib_leaf_clear(struct fib *fib, struct rib_entry *entry);
void fib_routes_retry(struct fib *fib);
/* The longest shorter prefix that the engine holds. */
struct prefix fib_engine_cover(const struct fib *fib, struct prefix prefix, uint32_t *ret_leaf);

/* fib_full.c */
int fib_full_install(struct fib *fib, struct rib_entry *entry, uint32_t leaf);
void fib_full_withdraw(struct fib *fib, struct rib_entry *entry);
void fib_full_retry(struct fib *fib);
/* Would the entry, which is not held, stand for one that is left out? */
bool fib_full_claims(struct fib *fib, const struct rib_entry *entry);
uint32_t fib_full_counts(const struct fib *fib);
void fib_full_destroy(struct fib *fib);

/* A held entry, of which the mark may be that one. 0, or -errno: it is as it was. */
int fib_full_leave_out(struct fib *fib, struct rib_entry *entry, struct prefix mark);
/* A route of the user's that is left out, or stands for others: in force, if others' room is enough for that. */
int fib_full_press(struct fib *fib, struct rib_entry *entry);

/* fib_evict.c */
/* Makes room for an entry that has none, where it or that mark is the user's. False: nothing could be done. */
bool fib_evict(struct fib *fib, const struct rib_entry *entry, struct prefix mark);
/* Makes room for whom that is due. What goes is nothing that the entry (NULL: none) would have to stand for. */
bool fib_evict_beside(struct fib *fib, const struct rib_entry *kept);

/* fib_own.c */
int fib_own_sync(struct fib *fib, __be32 addr);
int fib_own_sync_all(struct fib *fib);
void fib_own_destroy(struct fib *fib);

/* fib_macs.c: before and after the links. */
int fib_macs_withdraw(struct fib *fib);
int fib_macs_enter(struct fib *fib);
uint32_t fib_macs_count(const struct fib *fib);
void fib_macs_destroy(struct fib *fib);

/* fib_policy.c */
int fib_policy_init(struct fib *fib);
void fib_policy_destroy(struct fib *fib);
void fib_policy_prepare(struct fib *fib); /* is a hold needed? */
void fib_policy_sync(struct fib *fib);

/* fib_policy_tables.c */
struct fib_policy_table *fib_policy_table_of(const struct fib *fib, uint32_t table);
struct fib_policy_table *fib_policy_table_get(struct fib *fib, uint32_t table);
/* Everything that the tables have, or should have, is dirty. */
void fib_policy_recheck(struct fib *fib);
/* All routes of what is named and has none; of what is not named, or is full, out. */
int fib_policy_fill(struct fib *fib);
int fib_policy_drop(struct fib *fib);
/* True: a table that was full may fit now. */
bool fib_policy_heal(struct fib *fib);

/* fib_policy_routes.c */
bool fib_policy_is_of(const struct fib *fib, const struct fib_policy_table *t,
		      const struct rib_entry *entry);
/* Has the entry something to withdraw, perhaps? */
bool fib_policy_concerns(const struct rib_entry *entry);
/* The entry into the tables that have it, and out of those that have it no longer. */
int fib_policy_enter(struct fib *fib, struct rib_entry *entry);
int fib_policy_withdraw(struct fib *fib, struct rib_entry *entry);
/* The same for one table, the latter whatever the mirror says. */
int fib_policy_enter_in(struct fib *fib, struct fib_policy_table *t, struct rib_entry *entry);
int fib_policy_withdraw_from(struct fib *fib, struct fib_policy_table *t, struct rib_entry *entry);
int fib_policy_empty(struct fib *fib, const struct fib_policy_table *t);
void fib_policy_retry(struct fib *fib); /* those that went without a slot */
/* The installed leaf of a prefix in a table; -ENOENT. */
int fib_policy_leaf(const struct fib *fib, const struct rib_entry *entry, uint32_t table,
		    uint32_t *ret_leaf);
void fib_policy_routes_destroy(struct fib *fib);

/* fib_changes.c */
void fib_changes_objects(struct fib *fib); /* all but routes */
void fib_changes_routes(struct fib *fib);
void fib_changes_reap(struct fib *fib);

#endif
