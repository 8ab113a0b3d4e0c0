// SPDX-License-Identifier: GPL-2.0-only
/*
 * A prefix's list of candidates: taking one in and out, and what else depends on it.
 *
 * Tables of the plain rules come first, in the order of look-up. Almost every change concerns its
 * own prefix only. Two rare kinds of routes make others depend on what covers them (resolve.c says
 * how): routes of the table `default`, and wide routes of the table `local` that are not the
 * kernel's. While there are any, a change marks what lies below the prefix as well.
 *
 * Routes of other tables are dirty only where a rule names their table: those of a VRF with a full
 * table cost no more than their place in the list.
 */
#include "mirror_internal.h"

#include <linux/rtnetlink.h>

unsigned int mirror_table_rank(uint32_t table)
{
	switch (table) {
	case RT_TABLE_LOCAL:
		return 0;
	case RT_TABLE_MAIN:
		return 1;
	case RT_TABLE_DEFAULT:
		return 2;
	default:
		return 3;
	}
}

static bool is_wide_local(const struct rib_entry *entry, const struct mirror_candidate *c)
{
	return c->table == RT_TABLE_LOCAL && entry->len < 32 && entry->addr >> 24 != 127;
}

/* 127/8 is of no sender anyway, and mirror_own_kind() tells the kernel's own single addresses. */
static bool is_custom_local(const struct rib_entry *entry, const struct mirror_candidate *c)
{
	if (c->type != RTN_LOCAL && c->type != RTN_BROADCAST && c->type != RTN_ANYCAST &&
	    c->type != RTN_MULTICAST)
		return false;
	return c->protocol != RTPROT_KERNEL || (entry->len < 32 && entry->addr >> 24 != 127);
}

static int dirty_any(void *ctx, struct rib_entry *entry)
{
	mirror_dirty_prefix(ctx, entry);
	return 0;
}

/* Only what the table `default` alone decides. */
static int dirty_default(void *ctx, struct rib_entry *entry)
{
	struct mirror *mirror = ctx;

	if (entry->candidates &&
	    mirror_candidate(mirror, entry->candidates)->table == RT_TABLE_DEFAULT)
		mirror_dirty_prefix(mirror, entry);
	return 0;
}

/* Where main may have no last word: the table `default` is asked behind it, see resolve.c. */
static int dirty_unsure(void *ctx, struct rib_entry *entry)
{
	struct mirror *mirror = ctx;
	const struct mirror_candidate *c =
		entry->candidates ? mirror_candidate(mirror, entry->candidates) : NULL;

	if (c && c->table == RT_TABLE_MAIN &&
	    (c->type != RTN_UNICAST || mirror_nexthop(mirror, c->nexthop)->nhid))
		mirror_dirty_prefix(mirror, entry);
	return 0;
}

/* A single address that the kernel takes from no sender: one of ours, or a broadcast address. */
static bool is_own_source(const struct rib_entry *entry, const struct mirror_candidate *c)
{
	return entry->len == 32 && c->table == RT_TABLE_LOCAL && c->type != RTN_UNICAST;
}

static void account_default(struct mirror *mirror, struct rib_entry *entry, int change)
{
	bool had = mirror->default_candidates != 0;

	mirror->default_candidates += change;
	if (had != (mirror->default_candidates != 0))
		mirror_dirty_rules(mirror);
	rib_walk_below(mirror->rib, rib_prefix(entry), dirty_unsure, mirror);
}

/* The candidate comes (1) or goes (-1). */
static void account(struct mirror *mirror, struct rib_entry *entry,
		    const struct mirror_candidate *c, int change)
{
	if (is_custom_local(entry, c))
		mirror->custom_locals += change;
	if (mirror_table_rank(c->table) == 3) {
		if (mirror_rules_name_table(mirror, c->table))
			mirror_dirty_prefix(mirror, entry);
		else
			mirror->dirty.unnamed = true;
		return;
	}
	mirror_dirty_prefix(mirror, entry);
	if (is_own_source(entry, c))
		mirror_dirty_address(mirror, htonl(entry->addr));
	if (is_wide_local(entry, c)) {
		mirror->wide_locals += change;
		rib_walk_below(mirror->rib, rib_prefix(entry), dirty_any, mirror);
	}
	if (c->table == RT_TABLE_DEFAULT)
		account_default(mirror, entry, change);
	else if (mirror->default_candidates)
		rib_walk_below(mirror->rib, rib_prefix(entry), dirty_default, mirror);
}

uint32_t *mirror_candidate_insert(struct mirror *mirror, struct rib_entry *entry, uint32_t *link,
				  const struct mirror_candidate *value)
{
	uint32_t handle = pool_alloc(&mirror->candidates);
	struct mirror_candidate *c;

	if (!handle)
		return NULL;
	if (!entry->candidates)
		mirror->prefixes++;
	c = pool_get(&mirror->candidates, handle);
	*c = *value;
	c->next = *link;
	*link = handle;
	account(mirror, entry, c, 1);
	return link;
}

void mirror_candidate_remove(struct mirror *mirror, struct rib_entry *entry, uint32_t *link)
{
	uint32_t handle = *link;
	struct mirror_candidate *c = pool_get(&mirror->candidates, handle);

	*link = c->next;
	account(mirror, entry, c, -1);
	mirror_nexthop_unref(mirror, c->nexthop);
	pool_free(&mirror->candidates, handle);
	if (!entry->candidates) {
		mirror->prefixes--;
		mirror_dirty_prefix(mirror, entry);
	}
}

void mirror_candidate_replace(struct mirror *mirror, struct rib_entry *entry,
			      struct mirror_candidate *old, const struct mirror_candidate *value)
{
	uint32_t next = old->next;

	account(mirror, entry, old, -1);
	mirror_nexthop_unref(mirror, old->nexthop);
	*old = *value;
	old->next = next;
	account(mirror, entry, old, 1);
}

void mirror_forget_prefix(struct mirror *mirror, struct rib_entry *entry)
{
	if (!entry->candidates && entry->installed == RIB_NOT_INSTALLED && !entry->spare &&
	    !(entry->flags & (RIB_DIRTY | RIB_USER)))
		rib_remove(mirror->rib, entry);
}

const struct mirror_candidate *mirror_candidate(const struct mirror *mirror, uint32_t handle)
{
	return pool_get(&mirror->candidates, handle);
}

bool mirror_has_custom_local(const struct mirror *mirror)
{
	return mirror->custom_locals != 0;
}

uint32_t mirror_default_candidates(const struct mirror *mirror)
{
	return mirror->default_candidates;
}

uint32_t mirror_wide_locals(const struct mirror *mirror)
{
	return mirror->wide_locals;
}

uint8_t mirror_own_kind(const struct mirror *mirror, __be32 addr)
{
	uint8_t kind = mirror_is_own_address(mirror, addr) ? OWN_ADDRESS : 0;
	const struct rib_entry *entry = rib_find(mirror->rib, prefix_make(ntohl(addr), 32));
	const struct mirror_candidate *c;

	for (uint32_t h = entry ? entry->candidates : 0; h; h = c->next) {
		c = mirror_candidate(mirror, h);
		if (is_own_source(entry, c))
			kind = c->type == RTN_LOCAL && kind != OWN_BROADCAST ? OWN_ADDRESS
									     : OWN_BROADCAST;
	}
	return kind;
}
