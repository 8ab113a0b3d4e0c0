/* SPDX-License-Identifier: GPL-2.0-only */
/* What the benchmark's BPF programs and its user space agree on. Only kernel types here. */
#ifndef EBPF_ROUTE_BENCH_SHARED_H
#define EBPF_ROUTE_BENCH_SHARED_H

#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/types.h>

enum {
	FRAME_LEN_MAX = 1514, /* in memory, so without FCS */
	GATEWAYS = 16,	      /* next hops that the routes are spread over */
	TTL_SENT = 64,
	TTL_ARRIVED = TTL_SENT - 1,
	TX_LIMIT = 64, /* devmap entries; a fresh namespace numbers its links from 1 */
};

/* What is written anew for every packet. */
struct headers {
	struct ethhdr eth;
	struct iphdr ip;
} __attribute__((packed));

/* One packet to send: its addresses, and the header checksum that belongs to them. */
struct flow {
	__be32 src, dst;
	__u16 check;
	__u16 pad[3];
};

/* The flows that packets are made from: from `start` + `next` on, and round and round. */
struct window {
	__u32 start, count, next;
};

/* One pass, as the program at the end of the line keeps it. */
struct course {
	struct window window;
	__u32 go;	    /* from user space: the clock may start */
	__u32 stop;	    /* every frame that arrives is taken out */
	__u64 verify_until; /* so many packets sent: no more looks at header checksums */
	__u64 timed;	    /* packets between the two readings of the clock */
	__u64 look_at;	    /* number of the packet at which to look whether either is due */
	__u64 first_ns, last_ns;

	/* Every packet that it sends or meets is counted once. */
	__u64 sent;
	__u64 right;		     /* arrived as a router has to hand it on */
	__u64 wrong;		     /* arrived, but not as it should be */
	__u64 foreign;		     /* anything else */
	__u64 sent_sum, arrived_sum; /* of the addresses */
};

/* One run of a program alone. */
struct ride {
	struct window window;
	__u64 fed;	   /* packets so far */
	__u64 start, last; /* numbers of the packets at which the clock is read */
	__u64 first_ns, last_ns;
};

/* Where a forwarding program sends a packet: the Ethernet header, and the egress. */
struct hop {
	__u8 dst[6], src[6];
	__u32 ifindex;
};

_Static_assert(sizeof(struct headers) == 34, "headers");
_Static_assert(sizeof(struct flow) == 16, "flow");
_Static_assert(sizeof(struct hop) == 16, "hop");

#endif
