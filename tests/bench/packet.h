/* SPDX-License-Identifier: GPL-2.0-only */
/* What all feeders do: take the next flow of a window, write its packet into a frame, know it again. */
#ifndef EBPF_ROUTE_BENCH_PACKET_H
#define EBPF_ROUTE_BENCH_PACKET_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "tests/bench/shared.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1); /* set before loading */
	__type(key, __u32);
	__type(value, struct flow);
} flows SEC(".maps");

struct headers template; /* sent, but for addresses and checksum */

static __always_inline const struct flow *window_next(struct window *window)
{
	__u32 next = window->next, key = window->start + next;

	next++;
	window->next = next == window->count ? 0 : next;
	return bpf_map_lookup_elem(&flows, &key);
}

static __always_inline void packet_write(struct headers *headers, const struct flow *flow)
{
	*headers = template;
	headers->ip.saddr = flow->src;
	headers->ip.daddr = flow->dst;
	headers->ip.check = flow->check;
}

static __always_inline int same_eth(const struct ethhdr *a, const struct ethhdr *b)
{
	const __u16 *x = (const void *)a, *y = (const void *)b;

	return !((x[0] ^ y[0]) | (x[1] ^ y[1]) | (x[2] ^ y[2]) | (x[3] ^ y[3]) | (x[4] ^ y[4]) |
		 (x[5] ^ y[5]) | (x[6] ^ y[6]));
}

#endif
