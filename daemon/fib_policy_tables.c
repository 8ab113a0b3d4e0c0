// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tables that policy rules name, as a whole: which there are, and whether they fit.
 *
 * A table is in the map with all its routes or with none, for a shorter prefix would catch the
 * packets of one that is missing. Where one finds no room its table is `full`: it is left as it is
 * until the steps no longer name it (see fib_policy.c), then taken out. To try again is worth a walk
 * over all prefixes only once as much was taken away, in the table and elsewhere, as was missing at
 * the last walk; `credit` counts that. What the table had then is marked ENTRY_NO_POLICY for it.
 */
#include "fib_internal.h"

#include <stdlib.h>

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

/* ---- all of a table -------------------------------------------------------------------------- */

static int fill_entry(void *ctx, struct rib_entry *entry)
{
	struct fib *fib = ctx;
	int err;

	for (struct fib_policy_table *t = fib->policy.tables; t; t = t->next) {
		if (!t->named || t->filled || t->full)
			continue;
		err = fib_policy_enter_in(fib, t, entry);
		/* There may be some from an attempt that failed. */
		if (!err && !t->full && !fib_policy_is_of(fib, t, entry))
			err = fib_policy_withdraw_from(fib, t, entry);
		if (err)
			return err;
	}
	return 0;
}

static int recheck_entry(void *ctx, struct rib_entry *entry)
{
	struct fib *fib = ctx;
	bool concerns = fib_policy_concerns(entry);

	for (struct fib_policy_table *t = fib->policy.tables; t && !concerns; t = t->next)
		concerns = fib_policy_is_of(fib, t, entry);
	if (concerns)
		mirror_dirty_prefix(fib->mirror, entry);
	return 0;
}

void fib_policy_recheck(struct fib *fib)
{
	if (fib->policy.tables)
		rib_walk_below(mirror_rib(fib->mirror), prefix_make(0, 0), recheck_entry, fib);
}

int fib_policy_fill(struct fib *fib)
{
	bool any = false;
	int err;

	for (struct fib_policy_table *t = fib->policy.tables; t; t = t->next)
		any |= t->named && !t->filled && !t->full;
	if (!any)
		return 0;
	err = rib_walk_below(mirror_rib(fib->mirror), prefix_make(0, 0), fill_entry, fib);
	if (err)
		return err;
	for (struct fib_policy_table *t = fib->policy.tables; t; t = t->next)
		t->filled |= t->named && !t->full;
	return 0;
}

int fib_policy_drop(struct fib *fib)
{
	struct fib_policy_table **link = &fib->policy.tables, *t;
	int err;

	while ((t = *link)) {
		if (!t->named || t->full) {
			t->filled = false;
			err = fib_policy_empty(fib, t);
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
	const struct fib_policy_table *table;
	uint32_t n;
};

static int count_entry(void *ctx, struct rib_entry *entry)
{
	struct counting *counting = ctx;

	if (fib_policy_is_of(counting->fib, counting->table, entry)) {
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
		struct counting counting = { .fib = fib, .table = t };

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
