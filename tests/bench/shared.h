/* SPDX-License-Identifier: GPL-2.0-only */
/* What the benchmark's BPF programs and its user space agree on. Only kernel types here. */
#ifndef EBPF_ROUTE_BENCH_SHARED_H
#define EBPF_ROUTE_BENCH_SHARED_H

#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/types.h>

enum {
	FRAME_LEN = 60, /* a 64-byte frame on the wire: the 4 bytes of FCS are not in memory */
	BATCH = 64,	/* frames a NAPI run brings; a veth ring holds 256 */
	GATEWAYS = 16,	/* next hops that the routes are spread over */
	TTL_SENT = 64,
	TTL_ARRIVED = TTL_SENT - 1,
	TX_LIMIT = 64, /* devmap entries; a fresh namespace numbers its links from 1 */
	DESTINATION_LIMIT = 1 << 21,
};

/* What the generator writes anew for every packet. */
struct headers {
	struct ethhdr eth;
	struct iphdr ip;
} __attribute__((packed));

/* One packet to send: the destination, and the header checksum that belongs to it. */
struct destination {
	__be32 addr;
	__u16 check;
	__u16 pad;
};

/* What reached the end of the line. */
struct arrivals {
	__u64 packets;	/* ours, rewritten as a router must: MAC addresses and TTL */
	__u64 wrong;	/* ours, but not as they should be */
	__u64 foreign;	/* anything else */
	__u64 addr_sum; /* sum of the destinations, counted only while verifying */
};

/* Where a forwarding program sends a packet: the Ethernet header, and the egress. */
struct hop {
	__u8 dst[6], src[6];
	__u32 ifindex;
};

_Static_assert(sizeof(struct headers) == 34, "headers");
_Static_assert(sizeof(struct destination) == 8, "destination");
_Static_assert(sizeof(struct hop) == 16, "hop");

#endif
