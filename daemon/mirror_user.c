// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of the user's routes: by prefix, each with what it owns.
 *
 * Every one has an entry in the RIB (ENTRY_USER), which is looked at again when the route changes; with
 * `override` what lies below it too.
 */
#include "mirror_user.h"

#include <stdlib.h>
#include "mirror_internal.h"

static struct user_route *route_of(const struct mirror *mirror, const struct rib_entry *entry)
{
	return entry ? pool_get(&mirror->user.routes, entry->candidates) : NULL;
}

static struct user_route *find(const struct mirror *mirror, struct prefix dst)
{
	return mirror->user.rib ? route_of(mirror, rib_find(mirror->user.rib, dst)) : NULL;
}

static void route_release(struct user_route *route)
{
	free(route->legs);
	free(route->comment);
}

/* A copy that owns what it points to; -ENOMEM. */
static int route_copy(const struct user_route *from, struct user_route *ret)
{
	struct user_route copy = *from;

	copy.legs = NULL;
	copy.comment = from->comment ? strdup(from->comment) : NULL;
	if (from->n_legs) {
		copy.legs = malloc(from->n_legs * sizeof(*copy.legs));
		if (copy.legs)
			memcpy(copy.legs, from->legs, from->n_legs * sizeof(*copy.legs));
	}
	if ((from->comment && !copy.comment) || (from->n_legs && !copy.legs)) {
		route_release(&copy);
		return -ENOMEM;
	}
	*ret = copy;
	return 0;
}

static int dirty_entry(void *ctx, struct rib_entry *entry)
{
	mirror_dirty_prefix(ctx, entry);
	return 0;
}

/* The route came, went, or was replaced by one that says something else. */
static void changed(struct mirror *mirror, struct prefix dst, bool override)
{
	if (override)
		rib_walk_below(mirror->rib, dst, dirty_entry, mirror);
	else
		mirror_dirty_prefix(mirror, rib_find(mirror->rib, dst));
}

/* Room for a route of that prefix in the table; NULL: memory is out. */
static struct user_route *insert(struct mirror *mirror, struct prefix dst)
{
	struct rib_entry *entry, *place;

	if (!mirror->user.rib)
		mirror->user.rib = rib_new();
	entry = mirror->user.rib ? rib_get(mirror->rib, dst) : NULL;
	if (!entry)
		return NULL;
	place = rib_get(mirror->user.rib, dst);
	if (place)
		place->candidates = pool_alloc(&mirror->user.routes);
	if (!place || !place->candidates) {
		if (place)
			rib_remove(mirror->user.rib, place);
		mirror_dirty_prefix(mirror, entry); /* the fib lets go of it */
		return NULL;
	}
	entry->spare |= ENTRY_USER;
	return route_of(mirror, place);
}

int mirror_user_set(struct mirror *mirror, const struct user_route *route)
{
	struct user_route *old = find(mirror, route->dst);
	bool override = route->override || (old && old->override);
	struct user_route copy;

	if (route_copy(route, &copy))
		return -ENOMEM;
	if (old) {
		mirror->user.overrides[old->dst.len] -= old->override;
		route_release(old);
	} else {
		old = insert(mirror, route->dst);
		if (!old) {
			route_release(&copy);
			return -ENOMEM;
		}
	}
	*old = copy;
	mirror->user.overrides[copy.dst.len] += copy.override;
	changed(mirror, copy.dst, override);
	return 0;
}

int mirror_user_del(struct mirror *mirror, struct prefix dst)
{
	struct rib_entry *place = mirror->user.rib ? rib_find(mirror->user.rib, dst) : NULL;
	struct user_route *route = route_of(mirror, place);

	if (!route)
		return -ENOENT;
	mirror->user.overrides[dst.len] -= route->override;
	rib_find(mirror->rib, dst)->spare &= ~ENTRY_USER;
	changed(mirror, dst, route->override);
	route_release(route);
	pool_free(&mirror->user.routes, place->candidates);
	rib_remove(mirror->user.rib, place);
	return 0;
}

const struct user_route *mirror_user_find(const struct mirror *mirror, struct prefix dst)
{
	return find(mirror, dst);
}

const struct user_route *mirror_user_next(const struct mirror *mirror,
					  const struct user_route *after)
{
	const struct rib *rib = mirror->user.rib;

	if (!rib)
		return NULL;
	return route_of(mirror,
			after ? rib_next(rib, after->dst) : rib_first(rib, prefix_make(0, 0)));
}

uint32_t mirror_user_count(const struct mirror *mirror)
{
	return mirror->user.routes.live;
}

void mirror_destroy_user(struct mirror *mirror)
{
	const struct rib *rib = mirror->user.rib;
	struct rib_entry *entry = rib ? rib_first(rib, prefix_make(0, 0)) : NULL;

	for (; entry; entry = rib_next(rib, rib_prefix(entry)))
		route_release(route_of(mirror, entry));
	pool_destroy(&mirror->user.routes);
	rib_destroy(mirror->user.rib);
}
