/* SPDX-License-Identifier: GPL-2.0-only */
/* The clock of the BPF programs: CLOCK_MONOTONIC as it is outside of all time namespaces. */
#ifndef EBPF_ROUTE_CLOCK_H
#define EBPF_ROUTE_CLOCK_H

#include <stdint.h>
#include <time.h>

/*
 * How far that clock is ahead of this process's, in ns: 0, but for a time namespace (time_namespaces(7)), whose
 * clock is set once, before anyone runs in it. datapath_match_clock() sets this.
 */
extern int64_t clock_ahead_ns;

/* As the programs see it; of CLOCK_MONOTONIC or CLOCK_MONOTONIC_COARSE, in ns. */
static inline uint64_t clock_ns(clockid_t which)
{
	struct timespec now;

	clock_gettime(which, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec + clock_ahead_ns;
}

static inline uint64_t now_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

#endif
