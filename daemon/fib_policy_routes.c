// SPDX-License-Identifier: GPL-2.0-only
/*
 * Routes of the tables that policy rules name: what is installed of each, by table and prefix. One
 * that finds no room makes its table `full`, and is the first one not to be installed.
 */
#include "fib_internal.h"

#include <stdlib.h>
#include "fib_record.h"

struct policy_route {
	struct table_node node; /* by table and prefix */
	struct fib_policy_table *table;
	struct rib_entry *entry; /* stays as long as ENTRY_IN_POLICY is set */
	uint32_t leaf;
	uint32_t seen; /* by that walk over the map, or written since it began */
};

bool fib_policy_is_of(const struct fib *fib, const struct fib_policy_table *t,
		      const struct rib_entry *entry)
{
	struct resolved_route resolved;

	return resolve_route_in(fib->mirror, entry, t->table, &resolved);
}

/* ---- one route ------------------------------------------------------------------------------- */

static uint32_t route_hash(const struct fib_policy_table *t, const struct rib_entry *entry)
{
	return table_hash_u32(entry->addr ^ table_hash_u32(t->table << 6 ^ entry->len));
}

static struct policy_route *route_find(const struct fib *fib, const struct fib_policy_table *t,
				       const struct rib_entry *entry)
{
	struct table_node *node = table_find(&fib->policy.routes, route_hash(t, entry));

	for (; node; node = table_find_next(node)) {
		struct policy_route *r = container_of(node, struct policy_route, node);

		if (r->table == t && r->entry == entry)
			return r;
	}
	return NULL;
}

static void ref(struct fib *fib, uint32_t leaf)
{
	if (leaf >= LEAF_FIRST_SLOT)
		fib->slots[leaf].policy_refs++;
}

static void unref(struct fib *fib, uint32_t leaf)
{
	if (leaf < LEAF_FIRST_SLOT)
		return;
	fib->slots[leaf].policy_refs--;
	fib_slot_idle(fib, leaf);
}

static int route_new(struct fib *fib, struct fib_policy_table *t, struct rib_entry *entry,
		     struct policy_route **ret)
{
	struct policy_route *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->table = t;
	r->entry = entry;
	r->leaf = LEAF_DEFAULT;
	if (table_insert(&fib->policy.routes, &r->node, route_hash(t, entry))) {
		free(r);
		return -ENOMEM;
	}
	t->routes++;
	entry->spare |= ENTRY_IN_POLICY;
	*ret = r;
	return 0;
}

static void route_free(struct fib *fib, struct policy_route *r)
{
	struct rib_entry *entry = r->entry;
	bool others = false;

	table_remove(&fib->policy.routes, &r->node);
	r->table->routes--;
	for (const struct fib_policy_table *t = fib->policy.tables; t && !others; t = t->next)
		others = route_find(fib, t, entry);
	if (!others)
		entry->spare &= ~ENTRY_IN_POLICY;
	free(r);
}

static int route_write(struct fib *fib, struct policy_route *r, uint32_t leaf)
{
	int err;

	if (r->leaf == leaf)
		return 0;
	ref(fib, leaf);
	err = fib->sink->ops->set_policy_route(fib->sink, r->table->number, rib_prefix(r->entry),
					       leaf);
	if (err != -ENOSPC)
		fib_wrote(fib, err);
	if (err) {
		unref(fib, leaf);
		return err;
	}
	unref(fib, r->leaf);
	r->leaf = leaf;
	r->seen = fib->policy.seen;
	return 0;
}

static int route_remove(struct fib *fib, struct policy_route *r)
{
	int err = route_write(fib, r, LEAF_DEFAULT);

	if (err)
		return err == -ENOSPC ? -EIO : err;
	for (struct fib_policy_table *t = fib->policy.tables; t; t = t->next)
		t->credit += t->full && t != r->table;
	route_free(fib, r);
	return 0;
}

/* No room: from now on the table is not touched until its steps say so. */
static void becomes_full(struct fib *fib, struct fib_policy_table *t)
{
	fib->policy.room = fib->policy.routes.count;
	t->full = true;
	t->filled = false;
	t->credit = t->missing = 0;
	fib->policy.dirty = true;
}

static bool has_room(const struct fib *fib)
{
	uint32_t limit = fib->sink->limits.policy_routes;

	return !limit || fib->policy.routes.count < limit;
}

int fib_policy_enter_in(struct fib *fib, struct fib_policy_table *t, struct rib_entry *entry)
{
	struct resolved_route resolved;
	struct policy_route *r;
	uint32_t leaf;
	int err = 0;

	if (!resolve_route_in(fib->mirror, entry, t->table, &resolved))
		return 0;
	leaf = resolved.verdict;
	if (resolved.nexthop)
		err = fib_slot_for(fib, resolved.nexthop, &leaf);
	if (err)
		return err;
	r = route_find(fib, t, entry);
	if (!r)
		err = has_room(fib) ? route_new(fib, t, entry, &r) : -ENOSPC;
	if (!err)
		err = route_write(fib, r, leaf);
	if (err && r && r->leaf == LEAF_DEFAULT)
		route_free(fib, r);
	if (err != -ENOSPC)
		return err;
	becomes_full(fib, t);
	return 0;
}

/* ---- one prefix ------------------------------------------------------------------------------ */

int fib_policy_enter(struct fib *fib, struct rib_entry *entry)
{
	int err, first = 0;

	for (struct fib_policy_table *t = fib->policy.tables; t; t = t->next) {
		err = 0;
		if (t->filled)
			err = fib_policy_enter_in(fib, t, entry);
		first = first ? first : err;
	}
	return first;
}

bool fib_policy_concerns(const struct rib_entry *entry)
{
	return entry->spare & (ENTRY_IN_POLICY | ENTRY_NO_POLICY);
}

int fib_policy_withdraw_from(struct fib *fib, struct fib_policy_table *t, struct rib_entry *entry)
{
	struct policy_route *r = t->routes ? route_find(fib, t, entry) : NULL;

	return r ? route_remove(fib, r) : 0;
}

int fib_policy_withdraw(struct fib *fib, struct rib_entry *entry)
{
	bool missing = false;
	int err, first = 0;

	if (!fib_policy_concerns(entry))
		return 0;
	for (struct fib_policy_table *t = fib->policy.tables; t; t = t->next) {
		bool has = fib_policy_is_of(fib, t, entry);

		err = !t->full && !has ? fib_policy_withdraw_from(fib, t, entry) : 0;
		first = first ? first : err;
		missing |= t->full && has;
		if (entry->spare & ENTRY_NO_POLICY)
			t->credit += t->full && !has;
	}
	if (!missing)
		entry->spare &= ~ENTRY_NO_POLICY;
	return first;
}

int fib_policy_empty(struct fib *fib, const struct fib_policy_table *t)
{
	struct table_walk walk = { 0 };
	struct table_node *node;
	int err = 0;

	while (!err && t->routes && (node = table_walk_next(&fib->policy.routes, &walk))) {
		struct policy_route *r = container_of(node, struct policy_route, node);
		struct rib_entry *entry = r->entry;

		if (r->table != t)
			continue;
		err = route_remove(fib, r);
		if (!err)
			mirror_forget_prefix(fib->mirror, entry);
	}
	return err;
}

void fib_policy_retry(struct fib *fib)
{
	struct table_walk walk = { 0 };
	struct table_node *node;

	while ((node = table_walk_next(&fib->policy.routes, &walk))) {
		struct policy_route *r = container_of(node, struct policy_route, node);

		if (r->leaf == VERDICT_table_full)
			mirror_dirty_prefix(fib->mirror, r->entry);
	}
}

int fib_policy_leaf(const struct fib *fib, const struct rib_entry *entry, uint32_t table,
		    uint32_t *ret_leaf)
{
	const struct fib_policy_table *t = fib_policy_table_of(fib, table);
	const struct policy_route *r = t ? route_find(fib, t, entry) : NULL;

	if (t && t->full && fib_policy_is_of(fib, t, entry))
		*ret_leaf = VERDICT_table_full;
	else if (r)
		*ret_leaf = r->leaf;
	else
		return -ENOENT;
	return 0;
}

/* ---- what is in the map ---------------------------------------------------------------------- */

uint32_t fib_policy_record(struct fib *fib, uint32_t number, struct prefix prefix)
{
	const struct rib_entry *entry = rib_find(mirror_rib(fib->mirror), prefix);
	const struct fib_policy_table *t = fib->policy.tables;
	struct policy_route *r;

	while (t && t->number != number)
		t = t->next;
	r = t && entry ? route_find(fib, t, entry) : NULL;
	if (!r)
		return LEAF_DEFAULT;
	r->seen = fib->policy.seen;
	return r->leaf;
}

void fib_policy_unsee(struct fib *fib)
{
	fib->policy.seen++;
}

int fib_policy_unseen(const struct fib *fib,
		      int (*fn)(void *ctx, uint32_t table, struct prefix prefix, uint32_t leaf),
		      void *ctx)
{
	struct table_walk walk = { 0 };
	struct table_node *node;
	int err = 0;

	while (!err && (node = table_walk_next(&fib->policy.routes, &walk))) {
		const struct policy_route *r = container_of(node, struct policy_route, node);

		if (r->seen != fib->policy.seen && r->leaf != LEAF_DEFAULT)
			err = fn(ctx, r->table->number, rib_prefix(r->entry), r->leaf);
	}
	return err;
}

void fib_policy_routes_destroy(struct fib *fib)
{
	struct table_walk walk = { 0 };
	struct fib_policy_table *t;
	struct table_node *node;

	while ((node = table_walk_next(&fib->policy.routes, &walk)))
		free(container_of(node, struct policy_route, node));
	table_destroy(&fib->policy.routes);
	while ((t = fib->policy.tables)) {
		fib->policy.tables = t->next;
		free(t);
	}
}
