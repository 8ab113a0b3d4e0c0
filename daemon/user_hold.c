// SPDX-License-Identifier: GPL-2.0-only
/* User routes during a hold: see user_hold.h. */
#include "user_hold.h"

#include "../include/maps.h"
#include "mirror_user.h"

bool user_hold_allows(uint32_t hold, const struct user_route *route)
{
	if (!hold || route->action == USER_PASS)
		return true;
	return route->action == USER_DROP && hold_spares_drops(hold);
}

uint32_t user_hold_count_batch(uint32_t hold, const struct user_batch *batch)
{
	uint32_t n = 0;

	for (uint32_t i = 0; hold && i < batch->n; i++) {
		const struct user_item *item = &batch->items[i];

		if (item->command.verb != USER_DEL && user_batch_decides(batch, item))
			n += !user_hold_allows(hold, &item->command.route);
	}
	return n;
}

uint32_t user_hold_count(uint32_t hold, const struct mirror *mirror)
{
	const struct user_route *route = hold ? mirror_user_next(mirror, NULL) : NULL;
	uint32_t n = 0;

	for (; route; route = mirror_user_next(mirror, route))
		n += !user_hold_allows(hold, route);
	return n;
}
