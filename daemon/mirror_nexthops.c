// SPDX-License-Identifier: GPL-2.0-only
/*
 * Shared next-hop sets: routes that say the same name the same handle.
 *
 * Hash-consed and reference counted. A set without references stays findable until the fib has let
 * go of it (mirror_nexthop_reap), so that a route deleted and added again in one batch finds it, and
 * a handle never means something else while the fib knows the old one.
 *
 * Whether a leg is DEAD or LINKDOWN is not what a set is, but how it is: the last announcement of
 * any route that names it tells. Sets by kernel object hash by its id alone: all of one object are
 * in one chain.
 */
#include "mirror_internal.h"
#include "mirror_user.h"

#include <linux/rtnetlink.h>
#include <stdlib.h>

enum {
	FIRST_BUCKETS = 64,
};

static struct mirror_nexthop *get(const struct mirror *mirror, uint32_t handle)
{
	return pool_get(&mirror->nexthops, handle);
}

static bool same_leg(const struct event_leg *a, const struct event_leg *b)
{
	return a->oif == b->oif && a->weight == b->weight && a->encap == b->encap &&
	       !((a->flags ^ b->flags) & RTNH_F_ONLINK) && addr_equal(&a->gateway, &b->gateway);
}

static uint32_t leg_hash(const struct event_leg *leg)
{
	uint32_t hash = table_hash_u32(leg->oif ^ (uint32_t)leg->weight << 20);

	if (leg->gateway.family == AF_INET)
		return table_hash_u32(hash ^ leg->gateway.v4);
	if (leg->gateway.family)
		return hash ^ table_hash(&leg->gateway, sizeof(leg->gateway));
	return hash;
}

static uint32_t route_hash(const struct event_route *route)
{
	uint32_t hash = route->mtu;

	if (route->nhid)
		return table_hash_u32(route->nhid);
	for (unsigned int i = 0; i < route->n_legs; i++)
		hash = table_hash_u32(hash + leg_hash(&route->legs[i]));
	return hash;
}

static bool same_set(const struct mirror_nexthop *nexthop, const struct event_route *route)
{
	if (nexthop->nhid != route->nhid || nexthop->mtu != route->mtu || nexthop->user ||
	    nexthop->blackhole != (route->type == RTN_BLACKHOLE))
		return false;
	if (route->nhid)
		return true;
	if (nexthop->n_legs != route->n_legs)
		return false;
	for (unsigned int i = 0; i < route->n_legs; i++)
		if (!same_leg(&nexthop->legs[i], &route->legs[i]))
			return false;
	return true;
}

static uint32_t find(const struct mirror *mirror, const struct event_route *route, uint32_t hash)
{
	uint32_t handle =
		mirror->nexthop_buckets ? mirror->nexthop_buckets[hash & mirror->nexthop_mask] : 0;

	for (; handle; handle = get(mirror, handle)->next) {
		const struct mirror_nexthop *nexthop = get(mirror, handle);

		if (nexthop->hash == hash && same_set(nexthop, route))
			break;
	}
	return handle;
}

/* Doubles the buckets; where memory is out the chains get longer. */
static int grow(struct mirror *mirror)
{
	uint32_t n = mirror->nexthop_buckets ? 2 * (mirror->nexthop_mask + 1) : FIRST_BUCKETS;
	uint32_t *buckets = calloc(n, sizeof(*buckets));
	uint32_t handle, next;

	if (!buckets)
		return mirror->nexthop_buckets ? 0 : -ENOMEM;
	for (uint32_t i = 0; mirror->nexthop_buckets && i <= mirror->nexthop_mask; i++) {
		for (handle = mirror->nexthop_buckets[i]; handle; handle = next) {
			struct mirror_nexthop *nexthop = get(mirror, handle);

			next = nexthop->next;
			nexthop->next = buckets[nexthop->hash & (n - 1)];
			buckets[nexthop->hash & (n - 1)] = handle;
		}
	}
	free(mirror->nexthop_buckets);
	mirror->nexthop_buckets = buckets;
	mirror->nexthop_mask = n - 1;
	return 0;
}

uint32_t mirror_nexthop_insert(struct mirror *mirror, const struct mirror_nexthop *value)
{
	uint32_t handle, *bucket;

	if ((!mirror->nexthop_buckets || mirror->nexthops.live > mirror->nexthop_mask) &&
	    grow(mirror))
		return 0;
	handle = pool_alloc(&mirror->nexthops);
	if (!handle)
		return 0;
	bucket = &mirror->nexthop_buckets[value->hash & mirror->nexthop_mask];
	*get(mirror, handle) = *value;
	get(mirror, handle)->next = *bucket;
	*bucket = handle;
	return handle;
}

static uint32_t create(struct mirror *mirror, const struct event_route *route, uint32_t hash)
{
	struct mirror_nexthop value = { .nhid = route->nhid,
					.mtu = route->mtu,
					.hash = hash,
					.blackhole = route->type == RTN_BLACKHOLE,
					.n_legs = route->nhid ? 0 : route->n_legs };
	uint32_t handle;

	if (value.n_legs) {
		value.legs = malloc(value.n_legs * sizeof(*value.legs));
		if (!value.legs)
			return 0;
		memcpy(value.legs, route->legs, value.n_legs * sizeof(*value.legs));
	}
	handle = mirror_nexthop_insert(mirror, &value);
	if (!handle)
		free(value.legs);
	return handle;
}

uint32_t mirror_nexthop_of_hash(const struct mirror *mirror, uint32_t hash, uint32_t after)
{
	uint32_t handle = 0;

	if (after)
		handle = get(mirror, after)->next;
	else if (mirror->nexthop_buckets)
		handle = mirror->nexthop_buckets[hash & mirror->nexthop_mask];
	while (handle && get(mirror, handle)->hash != hash)
		handle = get(mirror, handle)->next;
	return handle;
}

/* What a set owns. */
static void release(struct mirror_nexthop *nexthop)
{
	free(nexthop->legs);
	if (nexthop->user)
		mirror_user_release(nexthop->user);
	free(nexthop->user);
}

static void update_flags(struct mirror *mirror, uint32_t handle, const struct event_route *route)
{
	struct mirror_nexthop *nexthop = get(mirror, handle);

	for (unsigned int i = 0; i < nexthop->n_legs; i++) {
		uint8_t changed = nexthop->legs[i].flags ^ route->legs[i].flags;

		nexthop->legs[i].flags = route->legs[i].flags;
		if (changed & (RTNH_F_DEAD | RTNH_F_LINKDOWN))
			mirror_dirty_nexthop(mirror, handle);
	}
}

uint32_t mirror_nexthop_get(struct mirror *mirror, const struct event_route *route)
{
	uint32_t hash = route_hash(route);
	uint32_t handle = find(mirror, route, hash);

	if (handle)
		update_flags(mirror, handle, route);
	else
		handle = create(mirror, route, hash);
	mirror_nexthop_ref(mirror, handle);
	return handle;
}

uint32_t mirror_nexthop_find(const struct mirror *mirror, const struct event_route *route)
{
	uint32_t handle = find(mirror, route, route_hash(route));

	return handle ? handle : NEXTHOP_UNKNOWN;
}

void mirror_nexthop_ref(struct mirror *mirror, uint32_t handle)
{
	if (handle && get(mirror, handle)->refs++ == 0)
		mirror->nexthops_used++;
}

void mirror_nexthop_unref(struct mirror *mirror, uint32_t handle)
{
	if (!handle || --get(mirror, handle)->refs)
		return;
	mirror->nexthops_used--;
	mirror_dirty_nexthop(mirror, handle);
}

bool mirror_nexthop_reap(struct mirror *mirror, uint32_t handle)
{
	struct mirror_nexthop *nexthop = get(mirror, handle);
	uint32_t *link;

	if (nexthop->refs)
		return false;
	link = &mirror->nexthop_buckets[nexthop->hash & mirror->nexthop_mask];
	while (*link != handle)
		link = &get(mirror, *link)->next;
	*link = nexthop->next;
	release(nexthop);
	pool_free(&mirror->nexthops, handle);
	return true;
}

void mirror_nexthop_clean(struct mirror *mirror, uint32_t handle)
{
	get(mirror, handle)->dirty = false;
}

void mirror_nexthops_of_object(struct mirror *mirror, uint32_t id)
{
	uint32_t hash = table_hash_u32(id);
	uint32_t handle =
		mirror->nexthop_buckets ? mirror->nexthop_buckets[hash & mirror->nexthop_mask] : 0;

	for (; handle; handle = get(mirror, handle)->next)
		if (get(mirror, handle)->nhid == id)
			mirror_dirty_nexthop(mirror, handle);
}

void mirror_nexthops_relist(struct mirror *mirror)
{
	mirror->dirty.nexthops.n = 0;
	for (uint32_t i = 0; mirror->nexthop_buckets && i <= mirror->nexthop_mask; i++) {
		for (uint32_t h = mirror->nexthop_buckets[i]; h; h = get(mirror, h)->next) {
			mirror_nexthop_clean(mirror, h);
			if (!get(mirror, h)->refs)
				mirror_dirty_nexthop(mirror, h);
		}
	}
}

void mirror_destroy_nexthops(struct mirror *mirror)
{
	for (uint32_t i = 0; mirror->nexthop_buckets && i <= mirror->nexthop_mask; i++)
		for (uint32_t h = mirror->nexthop_buckets[i]; h; h = get(mirror, h)->next)
			release(get(mirror, h));
	free(mirror->nexthop_buckets);
	pool_destroy(&mirror->nexthops);
}

const struct mirror_nexthop *mirror_nexthop(const struct mirror *mirror, uint32_t handle)
{
	return get(mirror, handle);
}

int mirror_walk_nexthops(const struct mirror *mirror,
			 int (*fn)(void *ctx, uint32_t handle, const struct mirror_nexthop *n),
			 void *ctx)
{
	int err = 0;

	for (uint32_t i = 0; mirror->nexthop_buckets && i <= mirror->nexthop_mask; i++)
		for (uint32_t h = mirror->nexthop_buckets[i]; h && !err; h = get(mirror, h)->next)
			if (get(mirror, h)->refs)
				err = fn(ctx, h, get(mirror, h));
	return err;
}
