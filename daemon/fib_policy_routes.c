// SPDX-License-Identifier: GPL-2.0-only
/*
 * Routes of the tables that policy rules name: what is installed of each, by table and prefix.
 *
 * A table is in the map with all its routes or with none, for a shorter prefix would catch the
 * packets of one that is missing. Where one finds no room its table is `full`: it is left as it is
 * until the steps no longer name it (see fib_policy.c), then taken out. To try again is worth a
 * walk over all prefixes only once as much was taken away, in the table and elsewhere, as was
 * missing at the last walk; `credit` counts that. The entries of full tables are marked
 * ENTRY_NO_POLICY for it.
 */
#include "fib_internal.h"

#include <stdlib.h>

struct policy_route {
	struct table_node node; /* by table and prefix */
	struct fib_policy_table *table;
	struct rib_entry *entry; /* stays as long as ENTRY_IN_POLICY is set */
	uint32_t leaf;
};

/* ---- tables ---------------------------------------------------------------------------------- */

struct fib_policy_table *fib_policy_table_of(const struct fib *fib, uint32_t table)
{
	struct fib_policy_table *t = fib->policy.tables;

	while (t && t->table != table)
		t = t->next;
	return t;
}

struct fib_policy_table *fib_policy_table_get(struct fib *fib, uint32_t table)
{
	struct fib_policy_table *t = fib_policy_table_of(fib, table);

	if (t)
		return t;
	t = calloc(1, sizeof(*t));
	if (!t)
		return NULL;
	t->table = table;
	t->number = fib_number_take(fib, &fib->policy.numbers);
	if (!t->number) {
		free(t);
		return NULL;
	}
	t->next = fib->policy.tables;
	fib->policy.tables = t;
	return t;
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

static int enter(struct fib *fib, struct fib_policy_table *t, struct rib_entry *entry)
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
		err = route_new(fib, t, entry, &r);
	if (err)
		return err;
	err = route_write(fib, r, leaf);
	if (err && r->leaf == LEAF_DEFAULT)
		route_free(fib, r);
	if (err != -ENOSPC)
		return err;
	becomes_full(fib, t);
	return 0;
}

/* ---- one prefix ------------------------------------------------------------------------------ */

int fib_policy_enter(struct fib *fib, struct rib_entry *entry)
{
	struct resolved_route resolved;
	int err, first = 0;

	for (struct fib_policy_table *t = fib->policy.tables; t; t = t->next) {
		err = 0;
		if (t->filled)
			err = enter(fib, t, entry);
		else if (t->full && resolve_route_in(fib->mirror, entry, t->table, &resolved))
			entry->spare |= ENTRY_NO_POLICY;
		first = first ? first : err;
	}
	return first;
}

bool fib_policy_concerns(const struct rib_entry *entry)
{
	return entry->spare & (ENTRY_IN_POLICY | ENTRY_NO_POLICY);
}

int fib_policy_withdraw(struct fib *fib, struct rib_entry *entry)
{
	struct resolved_route resolved;
	struct policy_route *r;
	bool missing = false;
	int err, first = 0;

	if (!fib_policy_concerns(entry))
		return 0;
	for (struct fib_policy_table *t = fib->policy.tables; t; t = t->next) {
		bool has = resolve_route_in(fib->mirror, entry, t->table, &resolved);

		r = !t->full && !has ? route_find(fib, t, entry) : NULL;
		err = r ? route_remove(fib, r) : 0;
		first = first ? first : err;
		missing |= t->full && has;
		if (entry->spare & ENTRY_NO_POLICY)
			t->credit += t->full && !has;
	}
	if (!missing)
		entry->spare &= ~ENTRY_NO_POLICY;
	return first;
}

/* ---- all of a table -------------------------------------------------------------------------- */

struct filling {
	struct fib *fib;
	int err;
};

static int fill_entry(void *ctx, struct rib_entry *entry)
{
	struct filling *filling = ctx;
	int err;

	for (struct fib_policy_table *t = filling->fib->policy.tables; t; t = t->next) {
		if (!t->named || t->filled || t->full)
			continue;
		err = enter(filling->fib, t, entry);
		if (err)
			return err;
	}
	return 0;
}

int fib_policy_fill(struct fib *fib)
{
	struct filling filling = { .fib = fib };
	bool any = false;
	int err;

	for (struct fib_policy_table *t = fib->policy.tables; t; t = t->next)
		any |= t->named && !t->filled && !t->full;
	if (!any)
		return 0;
	err = rib_walk_below(mirror_rib(fib->mirror), prefix_make(0, 0), fill_entry, &filling);
	if (err)
		return err;
	for (struct fib_policy_table *t = fib->policy.tables; t; t = t->next)
		t->filled |= t->named && !t->full;
	return 0;
}

static int empty(struct fib *fib, const struct fib_policy_table *t)
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

int fib_policy_drop(struct fib *fib)
{
	struct fib_policy_table **link = &fib->policy.tables, *t;
	int err;

	while ((t = *link)) {
		if (!t->named || t->full) {
			t->filled = false;
			err = empty(fib, t);
			if (err)
				return err;
		}
		if (t->named) {
			link = &t->next;
			continue;
		}
		*link = t->next;
		fib_number_give(&fib->policy.numbers, t->number);
		free(t);
	}
	return 0;
}

/* ---- room again ------------------------------------------------------------------------------ */

struct counting {
	const struct fib *fib;
	uint32_t table, n;
};

static int count_entry(void *ctx, struct rib_entry *entry)
{
	struct counting *counting = ctx;
	struct resolved_route resolved;

	if (resolve_route_in(counting->fib->mirror, entry, counting->table, &resolved)) {
		entry->spare |= ENTRY_NO_POLICY;
		counting->n++;
	}
	return 0;
}

bool fib_policy_heal(struct fib *fib)
{
	struct fib_policy *p = &fib->policy;
	uint32_t room = p->room > p->routes.count ? p->room - p->routes.count : 0;
	bool any = false;

	for (struct fib_policy_table *t = p->tables; t; t = t->next) {
		struct counting counting = { .fib = fib, .table = t->table };

		if (!t->full || t->routes || t->credit < t->missing)
			continue;
		rib_walk_below(mirror_rib(fib->mirror), prefix_make(0, 0), count_entry, &counting);
		t->credit = 0;
		if (counting.n > room) {
			/* And a bit more, lest it is full again with the next route. */
			t->missing = counting.n - room + p->room / 64;
			continue;
		}
		room -= counting.n;
		t->full = false;
		p->dirty = any = true;
	}
	return any;
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
	struct resolved_route resolved;

	if (t && t->full && resolve_route_in(fib->mirror, entry, table, &resolved))
		*ret_leaf = VERDICT_table_full;
	else if (r)
		*ret_leaf = r->leaf;
	else
		return -ENOENT;
	return 0;
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
