/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Inside of the mirror: shared by mirror*.c, and the dirty set by fib*.c, by nobody else.
 *
 * An object's dirty flag and its place in a list of the dirty set go together, except that a list
 * that could not grow sets `all` instead: then every object has to be looked at.
 */
#ifndef EBPF_ROUTE_MIRROR_INTERNAL_H
#define EBPF_ROUTE_MIRROR_INTERNAL_H

#include "../include/user_route.h"
#include "mirror.h"
#include "pool.h"

struct mirror_neighbour_key {
	uint32_t ifindex;
	struct addr addr;
};

struct mirror_dirty {
	struct vec links;      /* uint32_t ifindex: the port, and next hops through it */
	struct vec addresses;  /* __be32 */
	struct vec neighbours; /* struct mirror_neighbour_key */
	struct vec nexthops;   /* uint32_t handle; also those without a reference left */
	struct vec prefixes;   /* struct rib_entry *; also those without a candidate left */
	bool unnamed;	       /* routes changed of tables that no rule named at that time */
	bool rules;	       /* resolve_policy() may say something else, and name other tables */
	bool all;
};

struct mirror {
	uint32_t generation;
	bool resyncing; /* between begin and end */
	bool replaying; /* notifications may be older than the dump */
	bool lost;	/* notifications are missing since the last dump */
	const char *wants_resync;

	struct mirror_link **links; /* by ifindex */
	uint32_t n_links, links_room;
	uint32_t links_present;
	uint32_t births;	     /* of links, ever */
	struct mirror_link **uppers; /* those above another one: by its ifindex, then their own */
	uint32_t n_uppers;
	struct mirror_netconf netconf_all;
	struct table addresses, neighbours, objects;
	struct table address_links; /* the addresses by ifindex */

	struct pool nexthops;
	uint32_t *nexthop_buckets; /* handles */
	uint32_t nexthop_mask;
	uint32_t nexthops_used; /* with references */

	struct rib *rib;
	struct pool candidates;
	uint32_t prefixes;	     /* with candidates */
	uint32_t default_candidates; /* in table default */
	uint32_t wide_locals;	     /* in table local, shorter than /32, outside 127/8 */
	uint32_t custom_locals;	     /* see mirror_has_custom_local() */

	struct mirror_rule *rules; /* in the kernel's order */
	uint32_t n_rules;
	struct {
		bool known;
		uint32_t table;
		bool named;
	} asked; /* the last answer of mirror_rules_name_table() */

	struct {
		struct table routes; /* struct mirror_user, by prefix */
		struct mirror_user_order *order;
		uint32_t overrides[33]; /* routes with `override`, by length */
		uint32_t numbered;	/* sets ever made for a single route */
		uint32_t slots, rows;	/* that the sets of single routes need at most */
		uint32_t slots_max, rows_max;
		uint32_t slots_left, rows_left; /* see mirror_user_room() */
		bool stale; /* devices or addresses changed: the legs may be by other ones */
		bool open;  /* a gateway has no device yet */
		bool named; /* a device was found: the routes are to name it */
		uint32_t n_overrides;
	} user;
	bool no_kernel_routes;

	bool any_stopped; /* links */
	struct {
		void (*fn)(void *ctx); /* NULL: nobody wants to know */
		void *ctx;
		uint32_t steps;
	} pause;

	uint32_t hold, hash_policy;
	bool forward_use_pmtu;
	bool redirected;    /* see mirror_set_redirected() */
	uint32_t accepting; /* links that are */
	struct mirror_dirty dirty;
};

/* Bits of rib_entry.spare, which the mirror and the fib share. */
enum entry_flag {
	ENTRY_LEFT_OUT = 1 << 0,  /* fib: the engine had no room for it */
	ENTRY_MARKED = 1 << 1,	  /* fib: stands for prefixes that were left out */
	ENTRY_IN_POLICY = 1 << 2, /* fib: installed for a table that policy rules name */
	ENTRY_NO_POLICY = 1 << 3, /* fib: counted for such a table that has no room */
};

/* The first reason stays until the next resync begins. `why` is static text. */
static inline void mirror_want_resync(struct mirror *mirror, const char *why)
{
	if (!mirror->wants_resync)
		mirror->wants_resync = why;
}

/* One of many steps of about a microsecond has been done. */
static inline void mirror_step(struct mirror *mirror)
{
	enum { STEPS = 1024 };

	if (++mirror->pause.steps % STEPS == 0 && mirror->pause.fn)
		mirror->pause.fn(mirror->pause.ctx);
}

/* mirror_dirty.c */
void mirror_dirty_link(struct mirror *mirror, struct mirror_link *link);
void mirror_dirty_address(struct mirror *mirror, __be32 addr);
void mirror_dirty_neighbour(struct mirror *mirror, const struct event_neighbour *n);
void mirror_dirty_nexthop(struct mirror *mirror, uint32_t handle);
void mirror_dirty_prefix(struct mirror *mirror, struct rib_entry *entry);
void mirror_dirty_rules(struct mirror *mirror);
void mirror_dirty_destroy(struct mirror *mirror);

/* mirror_links.c */
int mirror_apply_link(struct mirror *mirror, const struct event *ev);
struct mirror_link *mirror_link_find(const struct mirror *mirror, uint32_t ifindex);
/* With an entry that is not `present` where there was none. NULL: memory is out. */
struct mirror_link *mirror_link_get(struct mirror *mirror, uint32_t ifindex);
void mirror_link_suspect(struct mirror *mirror, struct mirror_link *link);
/* Notifications were lost: each link may have gone and come back. */
void mirror_links_reborn(struct mirror *mirror);
void mirror_sweep_links(struct mirror *mirror);
void mirror_destroy_links(struct mirror *mirror);

/* mirror_settings.c */
int mirror_apply_netconf(struct mirror *mirror, const struct event *ev);
int mirror_apply_features(struct mirror *mirror, const struct event *ev);
/* What netconf said of it no longer counts. */
void mirror_netconf_unknown(struct mirror *mirror, struct mirror_link *link);

/* mirror_redirects.c */
/* After anything about the link changed that says whether redirects come in by it. */
void mirror_link_accepts(struct mirror *mirror, struct mirror_link *link);

/* mirror_uppers.c */
/* Room for that many, once there are so many links; -ENOMEM. */
int mirror_uppers_reserve(struct mirror *mirror, uint32_t room);
/* By e.ifindex and e.lower, which is not 0 and does not change in between. */
void mirror_upper_insert(struct mirror *mirror, struct mirror_link *link);
void mirror_upper_remove(struct mirror *mirror, const struct mirror_link *link);
void mirror_destroy_uppers(struct mirror *mirror);

/* mirror_addresses.c */
int mirror_apply_address(struct mirror *mirror, const struct event *ev);
void mirror_sweep_addresses(struct mirror *mirror);
void mirror_destroy_addresses(struct mirror *mirror);

/* mirror_neighbours.c */
int mirror_apply_neighbour(struct mirror *mirror, const struct event *ev);
void mirror_sweep_neighbours(struct mirror *mirror);
void mirror_destroy_neighbours(struct mirror *mirror);

/* mirror_objects.c */
int mirror_apply_object(struct mirror *mirror, const struct event *ev);
bool mirror_object_missing(struct mirror *mirror, uint32_t id);
/* Objects on the link, and routes by them, may have vanished. */
void mirror_objects_suspect(struct mirror *mirror, uint32_t ifindex);
void mirror_sweep_objects(struct mirror *mirror);
void mirror_destroy_objects(struct mirror *mirror);

/* mirror_nexthops.c */
#define NEXTHOP_UNKNOWN UINT32_MAX
/* The set that a route names, with one reference more; 0: memory is out. */
uint32_t mirror_nexthop_get(struct mirror *mirror, const struct event_route *route);
/* The same without a reference; NEXTHOP_UNKNOWN where no route has it. */
uint32_t mirror_nexthop_find(const struct mirror *mirror, const struct event_route *route);
void mirror_nexthop_ref(struct mirror *mirror, uint32_t handle);   /* 0 is fine */
void mirror_nexthop_unref(struct mirror *mirror, uint32_t handle); /* 0 is fine */
/* Sets of user routes: takes over legs and user; 0: memory is out. */
uint32_t mirror_nexthop_insert(struct mirror *mirror, const struct mirror_nexthop *value);
/* The next set of that hash, the first after 0; 0: none. */
uint32_t mirror_nexthop_of_hash(const struct mirror *mirror, uint32_t hash, uint32_t after);
/* Every set that names this kernel object is dirty. */
void mirror_nexthops_of_object(struct mirror *mirror, uint32_t id);
/* For fib: frees the set if it has no references; true if it is gone. */
bool mirror_nexthop_reap(struct mirror *mirror, uint32_t handle);
void mirror_nexthop_clean(struct mirror *mirror, uint32_t handle); /* no longer dirty */
/* For fib, where the dirty set is not complete: lists anew those to reap, all others are clean. */
void mirror_nexthops_relist(struct mirror *mirror);
void mirror_destroy_nexthops(struct mirror *mirror);

/* mirror_routes.c, mirror_candidates.c */
int mirror_apply_route(struct mirror *mirror, const struct event *ev);
void mirror_sweep_routes(struct mirror *mirror);
/* For fib: the entry goes unless somebody still needs it. */
void mirror_forget_prefix(struct mirror *mirror, struct rib_entry *entry);
/* Order of lookup; 3: never by plain rules. */
unsigned int mirror_table_rank(uint32_t table);

/* Bits of mirror_candidate.origin. */
enum candidate_origin {
	ORIGIN_DUMP = 1 << 0,	 /* confirmed by the dump of its generation */
	ORIGIN_CERTAIN = 1 << 1, /* its equals are known exactly, replay or not */
	ORIGIN_OVER = 1 << 2,	 /* replaced, in a replay, one that the dump had */
};

/* Takes in and out one candidate at its place in a list, with all that depends on it. */
uint32_t *mirror_candidate_insert(struct mirror *mirror, struct rib_entry *entry, uint32_t *link,
				  const struct mirror_candidate *value);
void mirror_candidate_remove(struct mirror *mirror, struct rib_entry *entry, uint32_t *link);
void mirror_candidate_replace(struct mirror *mirror, struct rib_entry *entry,
			      struct mirror_candidate *old, const struct mirror_candidate *value);

/* mirror_user.c */
/* A route of the user in the table. */
struct mirror_user {
	struct user_route route;
	uint32_t nexthop; /* handle */
	struct table_node node;
};
int mirror_user_init(struct mirror *mirror); /* -ENOMEM */
void mirror_destroy_user(struct mirror *mirror);
/* Puts the devices that were found for sets of next hops into the routes that lead by them. */
void mirror_user_name_devices(struct mirror *mirror);

/* mirror_user_order.c: the routes in order, sorted when somebody asks after one came. */
struct mirror_user_order *mirror_user_order_new(void); /* NULL: memory is out */
void mirror_user_order_destroy(struct mirror_user_order *order);
void mirror_user_order_came(struct mirror_user_order *order);
void mirror_user_order_gone(struct mirror_user_order *order, struct prefix dst);
/* The first behind that prefix, the first of all for NULL. NULL: none, or memory is out. */
struct mirror_user *mirror_user_order_next(struct mirror_user_order *order,
					   const struct table *routes, const struct prefix *after);

/* mirror_user_nexthops.c */
/* A set of its own for what the route does, as long as there is room; 0: memory is out. */
uint32_t mirror_user_nexthop_get(struct mirror *mirror, const struct user_route *route);
void mirror_user_nexthop_put(struct mirror *mirror, uint32_t handle);
void mirror_user_nexthop_ref(struct mirror *mirror, uint32_t handle); /* of a set that is held */

/* mirror_rules.c */
int mirror_apply_rule(struct mirror *mirror, const struct event *ev);
/* Does a rule look this table up? Only then are changes of its routes dirty; rules that come to name
 * a table set dirty.rules, and whoever follows them has to walk what it has already. */
bool mirror_rules_name_table(struct mirror *mirror, uint32_t table);
void mirror_sweep_rules(struct mirror *mirror);
void mirror_destroy_rules(struct mirror *mirror);

/* mirror_rule_devices.c */
enum name_change {
	NAME_NEW, /* with the device */
	NAME_CHANGED,
	NAME_GONE, /* with the device; link->e.name does not count then */
};
/* The device was told of, by a notification (news) or a dump: rules may name it. */
void mirror_rules_of_link(struct mirror *mirror, const struct mirror_link *link,
			  enum name_change change, bool news);
/* It is no longer what it was, but for its name: what follows from that for rules is dirty. */
void mirror_rules_of_device(struct mirror *mirror, uint32_t ifindex);
/* The event tells of this rule: that it was added, or is in a dump. */
void mirror_rule_bind(struct mirror *mirror, struct mirror_rule *rule, const struct event *ev);
/* Rules changed: what the kernel answered may be due to another one. */
void mirror_rules_forget_answers(struct mirror *mirror);
/* A dump begins. */
void mirror_rules_begin(struct mirror *mirror);

#endif
