// SPDX-License-Identifier: GPL-2.0-only
/*
 * Keeps the neighbours alive that carry fast-path traffic.
 *
 * The kernel does not see what XDP forwards, so an entry would stay STALE for ever, with a MAC address
 * that may be long gone. Told of the use (NTF_USE), it probes as it does for its own traffic: then the
 * entry is REACHABLE again, or FAILED, and packets fall back until the kernel has resolved it anew.
 * Neighbours without traffic cost nothing.
 */
#include "sync_refresh.h"

#include <errno.h>
#include <linux/neighbour.h>
#include "clock.h"
#include "daemon.h"
#include "log.h"

#define LOOK_NS 4000000000ULL /* between looks */

static int refresh(void *ctx, uint32_t index, uint32_t ifindex, const struct addr *addr)
{
	struct daemon *d = ctx;
	const struct mirror_neighbour *neighbour;
	int err;

	if (datapath_adjacency_used(d->datapath, index) <= d->refreshed_ns)
		return 0;
	neighbour = mirror_neighbour(d->mirror, ifindex, addr);
	if (!neighbour || neighbour->e.state != NUD_STALE)
		return 0;
	err = netlink_use_neighbour(d->netlink, ifindex, addr);
	return err == -ENOBUFS || err == -EAGAIN ? err : 0; /* no more now; the next look goes on */
}

void refresh_neighbours(struct daemon *d)
{
	uint64_t now = now_ns();
	int err;

	if (now - d->refreshed_ns < LOOK_NS)
		return;
	err = fib_walk_adjacencies(d->fib, refresh, d);
	if (err)
		log_debug("neighbours: not all refreshed: %s, going on later", strerror(-err));
	else
		d->refreshed_ns = now;
}
