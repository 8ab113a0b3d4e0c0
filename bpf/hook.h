/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the programs of both hooks do after the decision: book the packet, tell the daemon.
 */
#ifndef EBPF_ROUTE_BPF_HOOK_H
#define EBPF_ROUTE_BPF_HOOK_H

#include "clock.h"
#include "count.h"
#include "decide.h"
#include "rewrite.h"
#include "user_drop.h"

/* Bytes behind the IP packet: the kernel sends no more than that, Ethernet padding ends here. */
static __always_inline __u32 padding_of(const struct frame *frame, const struct packet *packet)
{
	return frame->len - ETH_HLEN - packet->tot_len;
}

static __always_inline void book_forwarded(const struct frame *frame, const struct way *way,
					   __u64 now)
{
	count_ingress(frame->port, VERDICT_forwarded, frame->len);
	count_egress(way->hop.target.port, frame->len);
	count_nexthop(way->slot, frame->len, now);
	adjacency_stamp(way->adjacency, now);
}

/* What the hook does not send, or not itself. slot: 0 where none was reached. */
static __always_inline void book_other(__u32 port, __u32 len, __u32 slot, enum verdict verdict)
{
	struct nexthop hop;

	count_ingress(port, verdict, len);
	if (!slot || verdict == VERDICT_observe)
		return;
	hop = nexthop_read(slot).nexthop;
	if (hop.kind == NEXTHOP_CPU || (hop.kind == NEXTHOP_VERDICT && hop.arg & NEXTHOP_COUNTED))
		count_nexthop(slot, len, clock_now());
}

/* The daemon has the kernel resolve a destination, where the route of the slot says so. */
static __always_inline void neighbour_ask(const void *data, const void *data_end, __u32 slot)
{
	const struct nexthop hop = nexthop_read(slot).nexthop;
	struct neighbour_key key = { .ifindex = hop.arg };

	if (hop.kind != NEXTHOP_CONNECTED || !(hop.verdict & NEXTHOP_ASK) ||
	    data + IP_LINEAR > data_end)
		return;
	key.addr = ((const struct iphdr *)(data + ETH_HLEN))->daddr;
	/* A full ring buffer has more than the daemon will ask for at once. */
	bpf_ringbuf_output(&wanted, &key, sizeof(key), 0);
}

#endif
