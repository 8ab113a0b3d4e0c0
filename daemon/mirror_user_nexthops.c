// SPDX-License-Identifier: GPL-2.0-only
/*
 * What user routes do, as next-hop sets beside those of the kernel's routes.
 *
 * Every route has a set of its own, so that the fast path counts what the route decides. When these would take
 * more than half of the fast path's slots, or of what is left of them, further routes that do the same share
 * a set, and its counters.
 *
 * Devices are named in a user route and numbered in its set. Which number a name stands for is looked up again
 * when links changed. A gateway without a device gets the name of one as soon as a connected net has it, and
 * keeps it.
 */
#include <linux/if_packet.h>
#include <stdlib.h>
#include <sys/socket.h>
#include "mirror_internal.h"
#include "mirror_user.h"

static struct mirror_nexthop *get(const struct mirror *mirror, uint32_t handle)
{
	return pool_get(&mirror->nexthops, handle);
}

/* ---- devices --------------------------------------------------------------------------- */

static uint32_t device_by_name(const struct mirror *mirror, const char *name, uint32_t likely)
{
	const struct mirror_link *link = likely ? mirror_link(mirror, likely) : NULL;

	if (!link || strncmp(link->e.name, name, IFNAMSIZ) != 0)
		link = mirror_link_by_name(mirror, name);
	return link ? link->e.ifindex : 0;
}

static void name_device(const struct mirror *mirror, struct user_leg *leg)
{
	uint32_t ifindex = leg->dev[0] ? 0 : mirror_connected_device(mirror, leg->gateway);
	const struct mirror_link *link = ifindex ? mirror_link(mirror, ifindex) : NULL;

	if (!link)
		return;
	snprintf(leg->dev, sizeof(leg->dev), "%.*s", IFNAMSIZ - 1, link->e.name);
	leg->found = true;
}

void mirror_user_find_devices(const struct mirror *mirror, struct user_route *route)
{
	for (unsigned int i = 0; route->action == USER_NEXTHOPS && i < route->n_legs; i++)
		name_device(mirror, &route->legs[i]);
}

static uint32_t device_of(struct mirror *mirror, struct user_route *route, unsigned int i,
			  uint32_t likely)
{
	struct user_leg *leg;

	if (route->action == USER_REDIRECT) /* has no legs */
		return device_by_name(mirror, route->dev, likely);
	leg = &route->legs[i];
	if (!leg->dev[0]) {
		name_device(mirror, leg);
		if (leg->dev[0])
			mirror->user.named = true;
		else
			mirror->user.open = true;
	}
	return leg->dev[0] ? device_by_name(mirror, leg->dev, likely) : 0;
}

static void find_devices(struct mirror *mirror, uint32_t handle)
{
	struct mirror_nexthop *nexthop = get(mirror, handle);

	for (unsigned int i = 0; i < nexthop->n_legs; i++) {
		struct event_leg *leg = &nexthop->legs[i];
		uint32_t oif = device_of(mirror, nexthop->user, i, leg->oif);

		if (leg->oif == oif)
			continue;
		leg->oif = oif;
		mirror_dirty_nexthop(mirror, handle);
	}
}

static int find_devices_of(void *ctx, uint32_t handle, const struct mirror_nexthop *nexthop)
{
	if (nexthop->user)
		find_devices(ctx, handle);
	return 0;
}

void mirror_user_settle(struct mirror *mirror)
{
	if (!mirror->user.stale)
		return;
	mirror->user.stale = false;
	mirror->user.open = false;
	if (mirror->user.routes.count)
		mirror_walk_nexthops(mirror, find_devices_of, mirror);
	if (mirror->user.named)
		mirror_user_name_devices(mirror);
	mirror->user.named = false;
}

/* ---- sets ------------------------------------------------------------------------------ */

static bool same_but_device(const struct user_leg *a, const struct user_leg *b)
{
	return a->gateway == b->gateway && a->weight == b->weight &&
	       a->has_lladdr == b->has_lladdr &&
	       (!a->has_lladdr || memcmp(a->lladdr, b->lladdr, sizeof(a->lladdr)) == 0);
}

static bool does(const struct user_route *a, const struct user_route *b, bool any_device)
{
	if (a->action != b->action)
		return false;
	if (a->action == USER_REDIRECT)
		return strncmp(a->dev, b->dev, sizeof(a->dev)) == 0;
	if (a->action == USER_CPU)
		return a->first_cpu == b->first_cpu && a->last_cpu == b->last_cpu;
	if (a->action != USER_NEXTHOPS)
		return true;
	if (a->n_legs != b->n_legs)
		return false;
	for (unsigned int i = 0; i < a->n_legs; i++) {
		const struct user_leg *x = &a->legs[i], *y = &b->legs[i];

		if (!same_but_device(x, y) ||
		    (!(any_device && !y->dev[0]) && strncmp(x->dev, y->dev, sizeof(x->dev)) != 0))
			return false;
	}
	return true;
}

bool mirror_user_same(const struct user_route *a, const struct user_route *b)
{
	return does(a, b, false);
}

bool mirror_user_matches(const struct user_route *route, const struct user_route *said)
{
	return does(route, said, true);
}

static uint32_t hash_of(const struct user_route *route)
{
	uint32_t hash = table_hash_u32(route->action + 1);

	if (route->action == USER_REDIRECT)
		return hash ^ table_hash(route->dev, strnlen(route->dev, sizeof(route->dev)));
	if (route->action == USER_CPU)
		return table_hash_u32(hash + route->first_cpu + (route->last_cpu << 16));
	for (unsigned int i = 0; i < route->n_legs; i++) {
		const struct user_leg *leg = &route->legs[i];

		hash = table_hash_u32(hash + leg->gateway + leg->weight);
		hash += table_hash(leg->dev, strnlen(leg->dev, sizeof(leg->dev)));
		if (leg->has_lladdr)
			hash += table_hash(leg->lladdr, sizeof(leg->lladdr));
	}
	return hash;
}

static unsigned int count_legs(const struct user_route *route)
{
	return route->action == USER_NEXTHOPS ? route->n_legs : route->action == USER_REDIRECT;
}

/* What a set needs of the fast path: its slot, and with several legs a row and a slot for each. */
static uint32_t slots_of(unsigned int n_legs)
{
	return n_legs > 1 ? 1 + n_legs : 1;
}

static bool has_room(const struct mirror *mirror, unsigned int n_legs)
{
	return mirror->user.slots + slots_of(n_legs) <= mirror->user.slots_max &&
	       mirror->user.rows + (n_legs > 1) <= mirror->user.rows_max &&
	       slots_of(n_legs) <= mirror->user.slots_left &&
	       (n_legs > 1) <= mirror->user.rows_left;
}

static void use_room(struct mirror *mirror, unsigned int n_legs)
{
	mirror->user.slots_left -= slots_of(n_legs);
	mirror->user.rows_left -= n_legs > 1;
}

static uint32_t find_shared(const struct mirror *mirror, const struct user_route *route,
			    uint32_t hash)
{
	uint32_t handle = mirror_nexthop_of_hash(mirror, hash, 0);

	while (handle) {
		const struct mirror_nexthop *nexthop = get(mirror, handle);

		if (nexthop->user && nexthop->shared && mirror_user_same(nexthop->user, route))
			break;
		handle = mirror_nexthop_of_hash(mirror, hash, handle);
	}
	return handle;
}

static void set_legs(struct mirror_nexthop *nexthop)
{
	const struct user_route *route = nexthop->user;

	for (unsigned int i = 0; i < nexthop->n_legs; i++) {
		struct event_leg *leg = &nexthop->legs[i];

		leg->weight = 1;
		if (route->action != USER_NEXTHOPS)
			continue;
		leg->weight = route->legs[i].weight;
		if (route->legs[i].has_lladdr) {
			leg->gateway.family = AF_PACKET;
			memcpy(leg->gateway.v6, route->legs[i].lladdr,
			       sizeof(route->legs[i].lladdr));
		} else if (route->legs[i].gateway) {
			leg->gateway = addr_v4(route->legs[i].gateway);
		}
	}
}

static uint32_t create(struct mirror *mirror, const struct user_route *route, uint32_t hash,
		       bool shared)
{
	struct mirror_nexthop value = { .hash = hash,
					.n_legs = count_legs(route),
					.shared = shared };
	struct user_route plain = *route;
	uint32_t handle = 0;

	plain.comment = NULL;
	value.user = malloc(sizeof(*value.user));
	if (!value.user || mirror_user_copy(&plain, value.user)) {
		free(value.user);
		return 0;
	}
	value.legs = calloc(value.n_legs + 1, sizeof(*value.legs));
	if (value.legs) {
		set_legs(&value);
		handle = mirror_nexthop_insert(mirror, &value);
	}
	if (!handle) {
		mirror_user_release(value.user);
		free(value.user);
		free(value.legs);
	}
	return handle;
}

uint32_t mirror_user_nexthop_get(struct mirror *mirror, const struct user_route *route)
{
	unsigned int n_legs = count_legs(route);
	bool shared = !has_room(mirror, n_legs);
	uint32_t hash = shared ? hash_of(route) : table_hash_u32(++mirror->user.numbered);
	uint32_t handle = shared ? find_shared(mirror, route, hash) : 0;

	if (!handle)
		handle = create(mirror, route, hash, shared);
	if (!handle)
		return 0;
	if (!shared)
		use_room(mirror, n_legs);
	find_devices(mirror, handle);
	mirror_user_nexthop_ref(mirror, handle);
	return handle;
}

void mirror_user_nexthop_ref(struct mirror *mirror, uint32_t handle)
{
	const struct mirror_nexthop *nexthop = get(mirror, handle);

	if (!nexthop->shared) {
		mirror->user.slots += slots_of(nexthop->n_legs);
		mirror->user.rows += nexthop->n_legs > 1;
	}
	mirror_nexthop_ref(mirror, handle);
}

void mirror_user_nexthop_put(struct mirror *mirror, uint32_t handle)
{
	const struct mirror_nexthop *nexthop = get(mirror, handle);

	if (!nexthop->shared) {
		mirror->user.slots -= slots_of(nexthop->n_legs);
		mirror->user.rows -= nexthop->n_legs > 1;
	}
	mirror_nexthop_unref(mirror, handle);
}
