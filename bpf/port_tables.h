/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The tables that the router and the tracepoint programs share: ports by ifindex, what is known of each
 * port, and its counters.
 */
#ifndef EBPF_ROUTE_BPF_PORT_TABLES_H
#define EBPF_ROUTE_BPF_PORT_TABLES_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "include/maps.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, IFINDEX_LIMIT);
	__type(key, __u32);
	__type(value, __u64);
} port_of_ifindex SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, PORT_LIMIT);
	__type(key, __u32);
	__type(value, struct port);
} ports SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, PORT_LIMIT);
	__type(key, __u32);
	__type(value, struct port_counters);
} port_counters SEC(".maps");

/* The port of an interface; 0: none. */
static __always_inline __u32 port_find(__u32 ifindex)
{
	const __u64 *port = bpf_map_lookup_elem(&port_of_ifindex, &ifindex);

	return port ? *(const volatile __u64 *)port : 0;
}

#endif
