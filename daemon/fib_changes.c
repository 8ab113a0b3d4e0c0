// SPDX-License-Identifier: GPL-2.0-only
/*
 * Empties the mirror's dirty set: each object to the file that writes it.
 *
 * What fails stays in its list, dirty, for the next sync. A list may grow while it is worked off.
 * Where the mirror could not list everything (`all`), everything is compared.
 */
#include "fib_internal.h"

#include <stdlib.h>

static struct mirror_dirty *dirty_of(struct fib *fib)
{
	return &fib->mirror->dirty;
}

/* A list that was long for once does not keep its memory. */
static void list_done(struct vec *list, uint32_t kept)
{
	enum { LONG = 65536 };

	list->n = kept;
	if (!kept && list->room > LONG)
		vec_destroy(list);
}

static void sync_addresses(struct fib *fib)
{
	struct vec *list = &dirty_of(fib)->addresses;
	uint32_t kept = 0;

	for (uint32_t i = 0; i < list->n; i++) {
		__be32 addr = ((__be32 *)list->items)[i];
		int err = fib_own_sync(fib, addr);

		fib_failed(fib, err);
		if (err)
			((__be32 *)list->items)[kept++] = addr;
	}
	list_done(list, kept);
}

static void sync_links(struct fib *fib)
{
	struct vec *list = &dirty_of(fib)->links;
	uint32_t kept = 0;

	if (list->n) {
		fib_slots_dirty(fib, false);
		fib->policy.dirty = true; /* steps name ports */
	}
	for (uint32_t i = 0; i < list->n; i++) {
		uint32_t ifindex = ((uint32_t *)list->items)[i];
		struct mirror_link *link = mirror_link_find(fib->mirror, ifindex);
		int err;

		if (link)
			link->dirty = false;
		err = fib_link_sync(fib, ifindex);
		fib_failed(fib, err);
		if (!err)
			continue;
		if (link)
			link->dirty = true;
		((uint32_t *)list->items)[kept++] = ifindex;
	}
	list_done(list, kept);
	/* Also what failed the last time. */
	if (fib->ports_turned)
		fib_failed(fib, fib_neighbours_sync(fib, false));
}

static void sync_neighbours(struct fib *fib)
{
	struct vec *list = &dirty_of(fib)->neighbours;
	uint32_t kept = 0;

	for (uint32_t i = 0; i < list->n; i++) {
		struct mirror_neighbour_key key = ((struct mirror_neighbour_key *)list->items)[i];
		int err = fib_neighbour_sync(fib, &key);

		fib_failed(fib, err);
		if (err)
			((struct mirror_neighbour_key *)list->items)[kept++] = key;
	}
	list_done(list, kept);
}

/* Only marks their slots; those without references stay for fib_changes_reap(). */
static void sync_nexthops(struct fib *fib)
{
	struct vec *list = &dirty_of(fib)->nexthops;

	for (uint32_t i = 0; i < list->n; i++)
		fib_slot_dirty(fib, fib_slot_of(fib, ((uint32_t *)list->items)[i]));
}

/* What fails here is in no list: everything once more in the next sync. */
static void failed_in_all(struct fib *fib, int err)
{
	fib_failed(fib, err);
	if (err)
		dirty_of(fib)->all = true;
}

static void sync_all(struct fib *fib)
{
	const struct mirror_link *link = mirror_next_link(fib->mirror, 0);

	failed_in_all(fib, fib_own_sync_all(fib));
	for (; link; link = mirror_next_link(fib->mirror, link->e.ifindex)) {
		mirror_link_find(fib->mirror, link->e.ifindex)->dirty = false;
		failed_in_all(fib, fib_link_sync(fib, link->e.ifindex));
	}
	fib_ports_check(fib);
	failed_in_all(fib, fib_neighbours_sync(fib, true));
	mirror_nexthops_relist(fib->mirror);
	fib_slots_dirty(fib, false);
	fib->policy.dirty = true;
}

static int clean_entry(void *ctx, struct rib_entry *entry)
{
	(void)ctx;
	entry->flags &= ~RIB_DIRTY;
	return 0;
}

/* In the tables of policy rules and in the engine. Then the entry may be gone. */
static int sync_tables(struct fib *fib, struct rib_entry *entry)
{
	int enter = fib_policy_enter(fib, entry);
	int withdraw = fib_policy_withdraw(fib, entry);
	int err = fib_route_sync(fib, entry);

	err = enter ? enter : err;
	return withdraw ? withdraw : err;
}

/* Starts with an empty list; what becomes dirty on the way is left for the list. */
static void sync_all_routes(struct fib *fib)
{
	struct rib *rib = mirror_rib(fib->mirror);
	struct rib_entry *entry = rib_first(rib, prefix_make(0, 0));

	dirty_of(fib)->prefixes.n = 0;
	rib_walk_below(rib, prefix_make(0, 0), clean_entry, NULL);
	while (entry) {
		struct prefix prefix = rib_prefix(entry);

		mirror_step(fib->mirror);
		if (!(entry->flags & RIB_DIRTY))
			failed_in_all(fib, sync_tables(fib, entry));
		entry = rib_next(rib, prefix);
	}
}

void fib_changes_objects(struct fib *fib)
{
	bool all = dirty_of(fib)->all;
	bool links = all || dirty_of(fib)->links.n || fib->macs_failed;
	int err = links ? fib_macs_withdraw(fib) : 0;

	dirty_of(fib)->all = false;
	fib->all = all;
	if (all)
		sync_all(fib);
	sync_addresses(fib);
	sync_links(fib);
	if (links && !err)
		err = fib_macs_enter(fib);
	fib->macs_failed = err;
	fib_failed(fib, err);
	sync_neighbours(fib);
	sync_nexthops(fib);
	fib_slots_sync(fib);
}

/*
 * The n entries by length, the longest first, and as they were among equals. Where memory is out
 * they stay as they are: right in the end, only not at every instant.
 */
static void sort_by_length(struct fib *fib, struct rib_entry **entries, uint32_t n)
{
	struct rib_entry **sorted = n > 1 ? malloc(n * sizeof(struct rib_entry *)) : NULL;
	uint32_t start[34] = { 0 };

	if (!sorted)
		return;
	for (uint32_t i = 0; i < n; i++) {
		mirror_step(fib->mirror);
		start[32 - entries[i]->len + 1]++;
	}
	for (int i = 1; i < 34; i++)
		start[i] += start[i - 1];
	for (uint32_t i = 0; i < n; i++)
		sorted[start[32 - entries[i]->len]++] = entries[i];
	memcpy(entries, sorted, n * sizeof(struct rib_entry *));
	free(sorted);
}

static void sync_route(struct fib *fib, struct rib_entry *entry)
{
	int err;

	entry->flags &= ~RIB_DIRTY;
	err = fib_policy_enter(fib, entry);
	if (!err)
		err = fib_route_sync(fib, entry);
	if (!err)
		return;
	fib_failed(fib, err);
	mirror_dirty_prefix(fib->mirror, entry);
}

/* What is out of the engine may be in a table yet, and the other way round. */
static void withdraw_route(struct fib *fib, struct rib_entry *entry)
{
	struct resolved_route r;
	bool engine = resolve_route(fib->mirror, entry, &r);
	int err;

	if (!engine)
		entry->flags &= ~RIB_DIRTY;
	err = fib_policy_enter(fib, entry); /* again, for what may have failed */
	if (!err)
		err = fib_policy_withdraw(fib, entry);
	if (!err && !engine)
		err = fib_route_sync(fib, entry);
	if (!err)
		return;
	fib_failed(fib, err);
	mirror_dirty_prefix(fib->mirror, entry);
}

/*
 * The n entries lie anywhere in memory, and so do their candidates: those of the near future are fetched
 * while one is worked on, the entry first, then what it names.
 */
static void look_ahead(const struct fib *fib, struct rib_entry *const *entries, uint32_t n,
		       uint32_t i)
{
	enum { ENTRY_AHEAD = 16, CANDIDATE_AHEAD = 8 };

	if (i + ENTRY_AHEAD < n)
		__builtin_prefetch(entries[i + ENTRY_AHEAD], 1);
	if (i + CANDIDATE_AHEAD < n && entries[i + CANDIDATE_AHEAD]->candidates)
		__builtin_prefetch(
			mirror_candidate(fib->mirror, entries[i + CANDIDATE_AHEAD]->candidates));
}

/*
 * One round over the list: what is entered or changed, in the engine and in the tables of policy
 * rules, the longest prefix first; then what is taken out, the shortest first. So every address goes
 * from its old leaf to its new one without seeing a third on the way, however the changes nest. What
 * becomes dirty meanwhile is for the next round.
 */
void fib_changes_routes(struct fib *fib)
{
	struct vec *list = &dirty_of(fib)->prefixes, work;
	struct rib_entry **entries;
	struct resolved_route r;
	uint32_t withdrawn = 0;

	if (fib->all)
		sync_all_routes(fib);
	work = *list;
	memset(list, 0, sizeof(*list));
	entries = work.items;
	sort_by_length(fib, entries, work.n);
	for (uint32_t i = 0; i < work.n; i++) {
		bool engine;

		mirror_step(fib->mirror);
		look_ahead(fib, entries, work.n, i);
		engine = resolve_route(fib->mirror, entries[i], &r);
		if (engine)
			sync_route(fib, entries[i]);
		else
			fib_failed(fib, fib_policy_enter(fib, entries[i]));
		if (!engine || fib_policy_concerns(entries[i]))
			entries[withdrawn++] = entries[i];
	}
	while (withdrawn) {
		mirror_step(fib->mirror);
		withdraw_route(fib, entries[--withdrawn]);
	}
	if (list->items) {
		vec_destroy(&work);
		return;
	}
	*list = work;
	list_done(list, 0);
}

void fib_changes_reap(struct fib *fib)
{
	struct vec *list = &dirty_of(fib)->nexthops;
	uint32_t kept = 0;

	for (uint32_t i = 0; i < list->n; i++) {
		uint32_t handle = ((uint32_t *)list->items)[i];
		bool unused = !mirror_nexthop(fib->mirror, handle)->refs;

		/* A leaf that could not be taken out still names it. */
		if (unused && fib_slot_of(fib, handle)) {
			((uint32_t *)list->items)[kept++] = handle;
			continue;
		}
		if (!unused || !mirror_nexthop_reap(fib->mirror, handle))
			mirror_nexthop_clean(fib->mirror, handle);
	}
	list_done(list, kept);
}
