// SPDX-License-Identifier: GPL-2.0-only
/*
 * The user's routes in order of address and length, for those who show or save them.
 *
 * An array that is sorted when it is asked for after routes came. One that goes leaves a hole, so that a
 * walk may delete what it meets: holes at the front are skipped once.
 */
#include <stdlib.h>
#include "mirror_internal.h"

struct place {
	struct prefix dst;
	struct mirror_user *user; /* NULL: gone */
};

struct mirror_user_order {
	struct place *places;
	uint32_t n, room, first; /* nothing but holes before `first` */
	bool sorted;
};

struct mirror_user_order *mirror_user_order_new(void)
{
	return calloc(1, sizeof(struct mirror_user_order));
}

void mirror_user_order_destroy(struct mirror_user_order *order)
{
	if (order)
		free(order->places);
	free(order);
}

static int compare(const void *left, const void *right)
{
	const struct prefix *a = &((const struct place *)left)->dst;
	const struct prefix *b = &((const struct place *)right)->dst;

	if (a->addr != b->addr)
		return a->addr < b->addr ? -1 : 1;
	return (a->len > b->len) - (a->len < b->len);
}

static int sort(struct mirror_user_order *order, const struct table *routes)
{
	struct table_walk walk = { 0 };
	struct table_node *node;

	if (order->room < routes->count) {
		struct place *places =
			realloc(order->places, routes->count * sizeof(*order->places));

		if (!places)
			return -ENOMEM;
		order->places = places;
		order->room = routes->count;
	}
	order->n = order->first = 0;
	while ((node = table_walk_next(routes, &walk))) {
		struct mirror_user *user = container_of(node, struct mirror_user, node);

		order->places[order->n++] = (struct place){ .dst = user->route.dst, .user = user };
	}
	if (order->n)
		qsort(order->places, order->n, sizeof(*order->places), compare);
	order->sorted = true;
	return 0;
}

/* Where the prefix is or would be. */
static uint32_t place_of(const struct mirror_user_order *order, struct prefix dst)
{
	const struct place key = { .dst = dst };
	uint32_t lo = 0, hi = order->n;

	while (lo < hi) {
		uint32_t middle = lo + (hi - lo) / 2;

		if (compare(&order->places[middle], &key) < 0)
			lo = middle + 1;
		else
			hi = middle;
	}
	return lo;
}

void mirror_user_order_came(struct mirror_user_order *order)
{
	order->sorted = false;
}

void mirror_user_order_gone(struct mirror_user_order *order, struct prefix dst)
{
	if (!order->sorted)
		return;
	order->places[place_of(order, dst)].user = NULL;
	while (order->first < order->n && !order->places[order->first].user)
		order->first++;
}

struct mirror_user *mirror_user_order_next(struct mirror_user_order *order,
					   const struct table *routes, const struct prefix *after)
{
	uint32_t i;

	if (!order->sorted && sort(order, routes))
		return NULL;
	i = after ? place_of(order, *after) : order->first;
	if (after && i < order->n && prefix_equal(order->places[i].dst, *after))
		i++;
	while (i < order->n && !order->places[i].user)
		i++;
	return i < order->n ? order->places[i].user : NULL;
}
