// SPDX-License-Identifier: GPL-2.0-only
/*
 * What nothing announces is looked at with each renewal of the lease; and in work that keeps the timers waiting.
 */
#include "sync_internal.h"

#include "sync_guard.h"
#include "sync_refresh.h"

#define TEND_NS 1000000000ULL /* as often as the guard looks at what is silent */

/* What is left to the kernel for want of room is slow, and nothing else would tell. */
static void note_full(struct daemon *d)
{
	struct sync *s = d->sync;
	struct fib_counts counts;

	fib_counts(d->fib, &counts);
	if (!counts.full == !s->full_said || !log_would_allow(&s->full_limit))
		return;
	log_allowed(&s->full_limit);
	s->full_said = counts.full;
	if (counts.full)
		log_warning(
			"maps: no room for %u prefixes, they are left to the kernel (table_full); "
			"the options --max-.. say how much there is",
			counts.full);
	else
		log_info("maps: room for all prefixes again");
}

void sync_look_around(struct daemon *d)
{
	if (mirror_any_stopped(d->mirror))
		sync_drain(d, 1);
	guard_refresh(d);
	refresh_neighbours(d);
	fib_reclaim(d->fib, true);
	sync_read_settings(d);
	sync_write(d);
	note_full(d);
}

void sync_tend(struct daemon *d)
{
	uint64_t third = d->config.lease * 1000000000ULL / 3;
	struct sync *s = d->sync;

	if (now_ns() - s->tended_ns < (third < TEND_NS ? third : TEND_NS))
		return;
	s->tended_ns = now_ns();
	if (sync_hold_lease(d))
		sync_look_around(d);
}
