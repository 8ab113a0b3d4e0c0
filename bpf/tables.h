/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the router program reads: its tables, its control block, its switches. See include/maps.h.
 *
 * Sizes are the defaults; the daemon sets its own before it loads the object. The daemon compiles
 * decide.h for itself, too (daemon/explain_host.h): there the same names lead to the maps as it has them.
 */
#ifndef EBPF_ROUTE_BPF_TABLES_H
#define EBPF_ROUTE_BPF_TABLES_H

#ifdef __bpf__
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "port_tables.h"
#endif
#include <stdbool.h>
#include "include/maps.h"

/* Everything shared is read exactly once, by this, into a local. */
#define READ_ONCE(x)	 (*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile __typeof__(x) *)&(x) = (v))

/* A word at an address whose type would make clang assume less alignment, and read it in parts. */
static __always_inline __u64 word_read(const void *address)
{
	return *(const volatile __u64 *)address;
}

struct dir24_row {
	__u16 leaf[DIR24_ROW];
};

#ifdef __bpf__

/* Fixed before loading, so that the verifier removes what is switched off. */
const volatile enum engine engine = ENGINE_DIR24;
const volatile bool multi_buffer = false;   /* loaded with BPF_F_XDP_HAS_FRAGS, kernel 5.18 */
const volatile bool see_buffers = false;    /* whether a frame has several, kernel 6.2 */
const volatile bool see_tunnels = false;    /* TC: kernel memory may be read */
const volatile bool count_nexthops = false; /* per next-hop counters wanted */

struct control control SEC(".data.control");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, DIR24_ENTRIES / DIR24_ROW);
	__type(key, __u32);
	__type(value, struct dir24_row);
} dir24 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, DIR24_GROUP_LIMIT);
	__type(key, __u32);
	__type(value, struct dir24_row);
} dir24_groups SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, LPM_LIMIT);
	__type(key, struct lpm_key);
	__type(value, __u32);
} lpm SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, NEXTHOP_LIMIT);
	__type(key, __u32);
	__type(value, struct nexthop_entry);
} nexthops SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, GROUP_LIMIT);
	__type(key, __u32);
	__type(value, struct group);
} groups SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, ADJACENCY_LIMIT);
	__type(key, __u32);
	__type(value, struct adjacency);
} adjacencies SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, NEIGHBOUR_LIMIT);
	__type(key, struct neighbour_key);
	__type(value, union neighbour_word);
} neighbours SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, PORT_LIMIT);
	__type(key, __u32);
	__type(value, __u32);
} tx_ports SEC(".maps");

/* The same for the program at the TC hook: no two kinds of program may name one such map. */
struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, PORT_LIMIT);
	__type(key, __u32);
	__type(value, __u32);
} tc_ports SEC(".maps");

/* As many as the machine can have CPUs. */
struct {
	__uint(type, BPF_MAP_TYPE_CPUMAP);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct bpf_cpumap_val);
} cpus SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, WANTED_BYTES);
} wanted SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, OWN_ADDRESS_LIMIT);
	__type(key, __be32);
	__type(value, __u8);
} own_addresses SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, INGRESS_MAC_LIMIT);
	__type(key, union ingress_mac);
	__type(value, __u64);
} ingress_macs SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, POLICY_STEPS);
	__type(key, __u32);
	__type(value, struct policy_step);
} policy SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, POLICY_ROUTE_LIMIT);
	__type(key, struct policy_key);
	__type(value, __u32);
} policy_routes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, NEXTHOP_LIMIT);
	__type(key, __u32);
	__type(value, struct nexthop_counters);
} nexthop_counters SEC(".maps");

#endif /* __bpf__ */

#endif
