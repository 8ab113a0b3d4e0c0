// SPDX-License-Identifier: GPL-2.0-only
/*
 * Devices above others (IFLA_LINK): what takes frames from a device is found without a walk over all
 * links, of which a host of containers has thousands.
 *
 * One array of the links that say what they are above of, sorted by that ifindex, whether it is known as a
 * link or not, then by their own. mirror_links.c keeps it with every change of what a link says.
 */
#include "mirror_internal.h"

#include <stdlib.h>

int mirror_uppers_reserve(struct mirror *mirror, uint32_t room)
{
	struct mirror_link **uppers = realloc(mirror->uppers, room * sizeof(*uppers));

	if (!uppers)
		return -ENOMEM;
	mirror->uppers = uppers;
	return 0;
}

void mirror_destroy_uppers(struct mirror *mirror)
{
	free(mirror->uppers);
}

/* Where the link above that ifindex is or belongs. */
static uint32_t place_of(const struct mirror *mirror, uint32_t lower, uint32_t ifindex)
{
	uint32_t lo = 0, hi = mirror->n_uppers;

	while (lo < hi) {
		uint32_t middle = lo + (hi - lo) / 2;
		const struct event_link *e = &mirror->uppers[middle]->e;

		if (e->lower < lower || (e->lower == lower && e->ifindex < ifindex))
			lo = middle + 1;
		else
			hi = middle;
	}
	return lo;
}

void mirror_upper_remove(struct mirror *mirror, const struct mirror_link *link)
{
	uint32_t i = place_of(mirror, link->e.lower, link->e.ifindex);

	mirror->n_uppers--;
	memmove(mirror->uppers + i, mirror->uppers + i + 1,
		(mirror->n_uppers - i) * sizeof(struct mirror_link *));
}

void mirror_upper_insert(struct mirror *mirror, struct mirror_link *link)
{
	uint32_t i = place_of(mirror, link->e.lower, link->e.ifindex);

	memmove(mirror->uppers + i + 1, mirror->uppers + i,
		(mirror->n_uppers - i) * sizeof(struct mirror_link *));
	mirror->uppers[i] = link;
	mirror->n_uppers++;
}

const struct mirror_link *mirror_next_upper(const struct mirror *mirror, uint32_t lower,
					    uint32_t after_ifindex)
{
	uint32_t i = after_ifindex == UINT32_MAX ? mirror->n_uppers
						 : place_of(mirror, lower, after_ifindex + 1);

	return i < mirror->n_uppers && mirror->uppers[i]->e.lower == lower ? mirror->uppers[i]
									   : NULL;
}
