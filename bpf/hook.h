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

/* What the hook does not send, or not itself. */
static __always_inline void book_other(const struct frame *frame, const struct packet *packet,
				       const struct way *way, enum verdict verdict, __u64 now)
{
	struct neighbour_key key = { .addr = packet->dst, .ifindex = way->wanted };

	count_ingress(frame->port, verdict, frame->len);
	if (way->counted && verdict != VERDICT_observe)
		count_nexthop(way->slot, frame->len, now);
	/* A full ring buffer has more than the daemon will ask for at once. */
	if (way->wanted && verdict == VERDICT_no_neighbour)
		bpf_ringbuf_output(&wanted, &key, sizeof(key), 0);
}

#endif
