/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Counters: every packet once at the port it came in by, forwarded ones also at egress and next
 * hop.
 *
 * Per CPU and without atomics: only this CPU's packet loop writes them, and it does not nest.
 */
#ifndef EBPF_ROUTE_BPF_COUNT_H
#define EBPF_ROUTE_BPF_COUNT_H

#include "port_tables.h"
#include "tables.h"

#define USED_STEP 1000000000ULL /* ns between two stamps of an adjacency, which all CPUs share */

static __always_inline void counter_add(struct counter *counter, __u64 bytes)
{
	counter->packets++;
	counter->bytes += bytes;
}

static __always_inline void count_ingress(__u32 port, __u32 verdict, __u64 bytes)
{
	struct port_counters *counters = bpf_map_lookup_elem(&port_counters, &port);

	/* The compiler knows this bound already, but verifiers before Linux 6.8 have to see it. */
	barrier_var(verdict);
	if (!counters || verdict >= VERDICT_COUNT)
		return;
	counter_add(&counters->rx, bytes);
	counter_add(&counters->verdict[verdict], bytes);
}

static __always_inline void count_egress(__u32 port, __u64 bytes)
{
	struct port_counters *counters = bpf_map_lookup_elem(&port_counters, &port);

	if (counters)
		counter_add(&counters->redirected, bytes);
}

static __always_inline void count_nexthop(__u32 slot, __u64 bytes, __u64 now)
{
	struct nexthop_counters *counters;

	if (!count_nexthops)
		return;
	counters = bpf_map_lookup_elem(&nexthop_counters, &slot);
	if (!counters)
		return;
	counter_add(&counters->forwarded, bytes);
	counters->used = now;
}

/* The daemon refreshes neighbours in use: the kernel does not see what goes past it. */
static __always_inline void adjacency_stamp(struct adjacency *adjacency, __u64 now)
{
	/* Always set for a forwarded packet, but verifiers before Linux 6.11 cannot tell. */
	barrier_var(adjacency);
	if (!adjacency)
		return;
	if (now - READ_ONCE(adjacency->used) > USED_STEP)
		WRITE_ONCE(adjacency->used, now);
}

#endif
