// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of the user's routes: by prefix, each with what it owns.
 *
 * Every one has an entry in the RIB (RIB_USER), which is looked at again when the route changes; with
 * `override` what lies below it too.
 */
#include "mirror_user.h"

#include <stdlib.h>
#include "mirror_internal.h"

static uint32_t hash_of(struct prefix dst)
{
	return table_hash_u32(dst.addr + dst.len);
}

static struct mirror_user *find(const struct mirror *mirror, struct prefix dst)
{
	struct table_node *node = table_find(&mirror->user.routes, hash_of(dst));

	for (; node; node = table_find_next(node)) {
		struct mirror_user *user = container_of(node, struct mirror_user, node);

		if (prefix_equal(user->route.dst, dst))
			return user;
	}
	return NULL;
}

void mirror_user_release(struct user_route *route)
{
	free(route->legs);
	free(route->comment);
}

int mirror_user_copy(const struct user_route *from, struct user_route *ret)
{
	struct user_route copy = *from;

	copy.n_legs = from->action == USER_NEXTHOPS ? from->n_legs : 0;
	copy.legs = NULL;
	copy.comment = from->comment ? strdup(from->comment) : NULL;
	if (copy.n_legs) {
		copy.legs = malloc(copy.n_legs * sizeof(*copy.legs));
		if (copy.legs)
			memcpy(copy.legs, from->legs, copy.n_legs * sizeof(*copy.legs));
	}
	if ((from->comment && !copy.comment) || (copy.n_legs && !copy.legs)) {
		mirror_user_release(&copy);
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

/* Room for a route of that prefix; NULL: memory is out. */
static struct mirror_user *insert(struct mirror *mirror, struct prefix dst)
{
	struct mirror_user *user = calloc(1, sizeof(*user));
	struct rib_entry *entry = user ? rib_get(mirror->rib, dst) : NULL;

	if (!entry || table_insert(&mirror->user.routes, &user->node, hash_of(dst))) {
		if (entry)
			mirror_dirty_prefix(mirror, entry); /* the fib lets go of it */
		free(user);
		return NULL;
	}
	entry->flags |= RIB_USER;
	mirror_user_order_came(mirror->user.order);
	return user;
}

static void count_override(struct mirror *mirror, const struct user_route *route, int change)
{
	if (!route->override)
		return;
	mirror->user.overrides[route->dst.len] += change;
	mirror->user.n_overrides += change;
}

/* The route of its prefix is now this copy, by that set of next hops. */
static int put(struct mirror *mirror, const struct user_route *copy, uint32_t nexthop)
{
	struct mirror_user *user = find(mirror, copy->dst);
	bool override = copy->override;

	if (!user) {
		user = insert(mirror, copy->dst);
		if (!user)
			return -ENOMEM;
	} else {
		/* One that overrides as before changes nothing below. */
		override = override != user->route.override;
		count_override(mirror, &user->route, -1);
		if (user->nexthop != nexthop)
			mirror_user_nexthop_put(mirror, user->nexthop);
		mirror_user_release(&user->route);
	}
	user->route = *copy;
	user->nexthop = nexthop;
	count_override(mirror, copy, 1);
	changed(mirror, copy->dst, override);
	return 0;
}

int mirror_user_set(struct mirror *mirror, const struct user_route *route)
{
	const struct mirror_user *old = find(mirror, route->dst);
	struct user_route copy;
	uint32_t kept, nexthop;
	int err = mirror_user_copy(route, &copy);

	if (err)
		return err;
	mirror_user_find_devices(mirror, &copy);
	kept = old && mirror_user_same(&old->route, &copy) ? old->nexthop : 0;
	nexthop = kept ? kept : mirror_user_nexthop_get(mirror, &copy);
	err = nexthop ? put(mirror, &copy, nexthop) : -ENOMEM;
	if (!err)
		return 0;
	if (nexthop && !kept)
		mirror_user_nexthop_put(mirror, nexthop);
	mirror_user_release(&copy);
	return err;
}

uint32_t mirror_user_hold(struct mirror *mirror, struct prefix dst)
{
	const struct mirror_user *user = find(mirror, dst);

	if (!user)
		return 0;
	mirror_nexthop_ref(mirror, user->nexthop);
	return user->nexthop;
}

void mirror_user_let_go(struct mirror *mirror, uint32_t held)
{
	mirror_nexthop_unref(mirror, held);
}

int mirror_user_restore(struct mirror *mirror, const struct user_route *route, uint32_t held)
{
	const struct mirror_user *now = find(mirror, route->dst);
	bool kept = now && now->nexthop == held;
	struct user_route copy;
	int err = mirror_user_copy(route, &copy);

	if (err)
		return err;
	if (!kept)
		mirror_user_nexthop_ref(mirror, held);
	err = put(mirror, &copy, held);
	if (!err)
		return 0;
	if (!kept)
		mirror_user_nexthop_put(mirror, held);
	mirror_user_release(&copy);
	return err;
}

int mirror_user_del(struct mirror *mirror, struct prefix dst)
{
	struct mirror_user *user = find(mirror, dst);

	if (!user)
		return -ENOENT;
	count_override(mirror, &user->route, -1);
	changed(mirror, dst, user->route.override);
	rib_find(mirror->rib, dst)->flags &= ~RIB_USER;
	mirror_user_order_gone(mirror->user.order, dst);
	table_remove(&mirror->user.routes, &user->node);
	mirror_user_nexthop_put(mirror, user->nexthop);
	mirror_user_release(&user->route);
	free(user);
	return 0;
}

void mirror_user_name_devices(struct mirror *mirror)
{
	struct table_walk walk = { 0 };
	struct table_node *node;

	while ((node = table_walk_next(&mirror->user.routes, &walk))) {
		struct mirror_user *user = container_of(node, struct mirror_user, node);
		const struct mirror_nexthop *nexthop = mirror_nexthop(mirror, user->nexthop);

		for (unsigned int i = 0; i < user->route.n_legs; i++) {
			struct user_leg *leg = &user->route.legs[i];

			if (leg->dev[0])
				continue;
			memcpy(leg->dev, nexthop->user->legs[i].dev, sizeof(leg->dev));
			leg->found = leg->dev[0];
		}
	}
}

/* ---- look-ups -------------------------------------------------------------------------- */

const struct user_route *mirror_user_find(const struct mirror *mirror, struct prefix dst)
{
	const struct mirror_user *user = find(mirror, dst);

	return user ? &user->route : NULL;
}

const struct user_route *mirror_user_next(const struct mirror *mirror,
					  const struct user_route *after)
{
	const struct mirror_user *user = mirror_user_order_next(
		mirror->user.order, &mirror->user.routes, after ? &after->dst : NULL);

	return user ? &user->route : NULL;
}

uint32_t mirror_user_count(const struct mirror *mirror)
{
	return mirror->user.routes.count;
}

const struct user_route *mirror_user_of(const struct mirror *mirror, const struct rib_entry *entry,
					uint32_t *ret_nexthop)
{
	const struct mirror_user *user;

	if (!(entry->flags & RIB_USER))
		return NULL;
	user = find(mirror, rib_prefix(entry));
	*ret_nexthop = user->nexthop;
	return &user->route;
}

bool mirror_user_hides(const struct mirror *mirror, struct prefix prefix)
{
	for (uint8_t len = 0; mirror->user.n_overrides && len < prefix.len; len++) {
		const struct mirror_user *user;

		if (!mirror->user.overrides[len])
			continue;
		user = find(mirror, prefix_make(prefix.addr, len));
		if (user && user->route.override)
			return true;
	}
	return false;
}

/* ---- as a whole ------------------------------------------------------------------------ */

int mirror_user_adopt(struct mirror *mirror, const struct mirror *from)
{
	const struct user_route *route = mirror_user_next(mirror, NULL), *next;
	int err = 0;

	for (; route; route = next) {
		struct prefix dst = route->dst;

		next = mirror_user_next(mirror, route);
		if (!mirror_user_find(from, dst))
			mirror_user_del(mirror, dst);
	}
	for (route = mirror_user_next(from, NULL); route && !err;
	     route = mirror_user_next(from, route))
		err = mirror_user_set(mirror, route);
	mirror_user_settle(mirror);
	return err;
}

void mirror_user_limit(struct mirror *mirror, uint32_t slots, uint32_t groups)
{
	mirror->user.slots_max = slots;
	mirror->user.rows_max = groups;
}

void mirror_user_room(struct mirror *mirror, uint32_t slots, uint32_t groups)
{
	mirror->user.slots_left = slots;
	mirror->user.rows_left = groups;
}

int mirror_user_init(struct mirror *mirror)
{
	mirror_user_room(mirror, UINT32_MAX, UINT32_MAX);
	mirror_user_limit(mirror, NEXTHOP_LIMIT / 2, GROUP_LIMIT / 2);
	mirror->user.order = mirror_user_order_new();
	return mirror->user.order ? 0 : -ENOMEM;
}

void mirror_destroy_user(struct mirror *mirror)
{
	struct table_walk walk = { 0 };
	struct table_node *node;

	while ((node = table_walk_next(&mirror->user.routes, &walk))) {
		struct mirror_user *user = container_of(node, struct mirror_user, node);

		mirror_user_release(&user->route);
		free(user);
	}
	table_destroy(&mirror->user.routes);
	mirror_user_order_destroy(mirror->user.order);
}
