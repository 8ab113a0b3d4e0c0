/* SPDX-License-Identifier: GPL-2.0-only */
/* Keeps the neighbours alive that carry fast-path traffic. */
#ifndef EBPF_ROUTE_SYNC_REFRESH_H
#define EBPF_ROUTE_SYNC_REFRESH_H

struct daemon;

/*
 * Tells the kernel of every STALE neighbour that was used since the last look, at most once in a few
 * seconds however often this is called. To be called from a timer.
 */
void refresh_neighbours(struct daemon *d);

#endif
