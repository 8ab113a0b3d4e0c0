/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Prefix -> entry: exact, longest and covering match, ordered walk, and what lies below a prefix.
 *
 * Pure data structure: it does not know what candidates mean. An entry stays at its address until
 * rib_remove(). Not for concurrent use.
 */
#ifndef EBPF_ROUTE_RIB_H
#define EBPF_ROUTE_RIB_H

#include "../include/addr.h"

/* rib_entry.installed: the engine holds nothing for this prefix. */
#define RIB_NOT_INSTALLED UINT32_MAX

enum rib_flag {
	RIB_PRESENT = 1 << 0, /* internal: an entry, not a mere fork of the trie */
	RIB_DIRTY = 1 << 1,   /* in the dirty set of its owner */
	RIB_USER = 1 << 2,    /* for the owner: there is a user route of this prefix */
};

struct rib_entry {
	uint32_t addr; /* host byte order */
	uint8_t len;
	uint8_t flags;	     /* enum rib_flag */
	uint16_t spare;	     /* for the owner */
	uint32_t candidates; /* for the owner: head of its candidate list, 0 at first */
	uint32_t installed;  /* for the owner: leaf in the engine, RIB_NOT_INSTALLED at first */
};

struct rib;

struct rib *rib_new(void);	   /* NULL: out of memory */
void rib_destroy(struct rib *rib); /* NULL is fine */

uint32_t rib_count(const struct rib *rib);

/* The entry of exactly this prefix, or NULL. */
struct rib_entry *rib_find(const struct rib *rib, struct prefix prefix);
/* The same, created where it is missing; NULL only where memory is out. */
struct rib_entry *rib_get(struct rib *rib, struct prefix prefix);
void rib_remove(struct rib *rib, struct rib_entry *entry);

/* Longest entry that covers `addr` (host byte order), or NULL. */
struct rib_entry *rib_match(const struct rib *rib, uint32_t addr);
/* Longest entry that covers the prefix and is strictly shorter, or NULL. */
struct rib_entry *rib_cover(const struct rib *rib, struct prefix prefix);

/*
 * Ordered walk by address, then length. rib_first() is the first entry at or after `from`,
 * rib_next() the first strictly after it; both may be called again after any change of the RIB.
 */
struct rib_entry *rib_first(const struct rib *rib, struct prefix from);
struct rib_entry *rib_next(const struct rib *rib, struct prefix after);

/*
 * Calls fn for every entry covered by the prefix, itself included, in order; stops early when fn
 * returns non-zero, and returns that. fn must not add or remove entries.
 */
int rib_walk_below(const struct rib *rib, struct prefix prefix,
		   int (*fn)(void *ctx, struct rib_entry *entry), void *ctx);

static inline struct prefix rib_prefix(const struct rib_entry *entry)
{
	return (struct prefix){ .addr = entry->addr, .len = entry->len };
}

#endif
