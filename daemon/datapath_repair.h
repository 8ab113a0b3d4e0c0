/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The maps compared with what they should say, entry by entry, and rewritten where they say something else.
 *
 * Each datapath_fix_..() returns 0 where it is right, 1 where it was not and is now, or -errno where it cannot
 * be put right. Unlike the sink's writes they leave the counters alone.
 */
#ifndef EBPF_ROUTE_DATAPATH_REPAIR_H
#define EBPF_ROUTE_DATAPATH_REPAIR_H

#include "datapath.h"

int datapath_fix_nexthop(struct datapath *dp, uint32_t slot, uint64_t word, uint64_t reverse);
int datapath_fix_adjacency(struct datapath *dp, uint32_t index, uint64_t word);
int datapath_fix_group(struct datapath *dp, uint32_t row, const struct group *value);
int datapath_fix_port(struct datapath *dp, uint16_t number, const struct port *value);
int datapath_fix_port_of_ifindex(struct datapath *dp, uint32_t ifindex, uint16_t number);
/* Where both programs send to for that port; ifindex 0: nowhere. A device that is gone is no difference. */
int datapath_fix_tx(struct datapath *dp, uint16_t number, uint32_t ifindex);
int datapath_fix_cpu(struct datapath *dp, uint32_t cpu, bool in);
/* -EINVAL: the step is not as written; such are changed on hold only. */
int datapath_check_policy_step(const struct datapath *dp, uint32_t i,
			       const struct policy_step *step);

/* The fields of struct control that the fib, or this file, knows. */
enum control_field {
	CONTROL_HOLD_FIELD,
	CONTROL_DEFAULT_LEAF_FIELD,
	CONTROL_FLAGS_FIELD,
	CONTROL_HASH_POLICY_FIELD,
	CONTROL_HASH_SEED_FIELD,
	CONTROL_LAYOUT_FIELD,
	CONTROL_POLICY_STEPS_FIELD,
	CONTROL_FIELDS,
};
const char *datapath_control_name(enum control_field field);
int datapath_fix_control(struct datapath *dp, enum control_field field,
			 const struct fib_control *control, uint32_t default_leaf);
/* The filter of our own addresses, made from nothing: begin, each address, end. */
void datapath_own_filter_begin(struct datapath *dp);
void datapath_own_filter_add(struct datapath *dp, __be32 addr);
int datapath_own_filter_end(struct datapath *dp);

/* ---- maps of keys ----------------------------------------------------------------------- */

enum datapath_table {
	TABLE_NEIGHBOURS,    /* struct neighbour_key -> union neighbour_word */
	TABLE_OWN,	     /* __be32 -> u8 */
	TABLE_INGRESS_MACS,  /* union ingress_mac -> u64 */
	TABLE_POLICY_ROUTES, /* struct policy_key -> u32 */
};

#define DATAPATH_KEY_MAX 16

struct datapath_cursor {
	uint8_t at[DATAPATH_KEY_MAX];
	bool under_way;
};

/*
 * Calls fn for some entries, a millisecond or two; all of them once where nothing changes meanwhile. fn may
 * change and delete the entry. 1: there are more, 0, or -errno, also what fn returned.
 */
int datapath_walk_some(struct datapath *dp, enum datapath_table table,
		       struct datapath_cursor *cursor,
		       int (*fn)(void *ctx, const void *key, const void *value), void *ctx);
/* Is it there, with this value? Not for policy routes. */
bool datapath_has(const struct datapath *dp, enum datapath_table table, const void *key,
		  const void *value);
/* value NULL: takes it out. 0 or -errno. */
int datapath_put(struct datapath *dp, enum datapath_table table, const void *key,
		 const void *value);

#endif
