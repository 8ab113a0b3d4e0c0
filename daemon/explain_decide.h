/* SPDX-License-Identifier: GPL-2.0-only */
/* The programs' own decision, taken in the daemon on the maps as they are. */
#ifndef EBPF_ROUTE_EXPLAIN_DECIDE_H
#define EBPF_ROUTE_EXPLAIN_DECIDE_H

#include "datapath.h"

/* A frame as it comes in. */
struct decide_query {
	const void *frame;
	size_t len;
	size_t first;	  /* bytes of it in the first of several buffers; 0: it is in one */
	uint32_t ifindex; /* 0: anywhere, by a port that forwards and is no other port */
	bool any_source;  /* checks of the source are left out */
	uint16_t
		hook; /* PORT_IN_GENERIC, PORT_IN_TC: attached so; else as the port of ifindex says */
	/* A socket buffer's, at the TC hook: */
	bool tagged;	   /* by VLAN, the tag not among the bytes */
	bool marked;	   /* by a firewall */
	uint32_t gso_size; /* payload of each packet that it stands for, 0: it is one */
};

struct decided {
	enum verdict verdict; /* the one that is counted */
	bool has_packet;      /* the headers were read: */
	__be32 src, dst;
	uint32_t slot;	/* next-hop slot, of a group: the leg for this flow; 0: not reached */
	bool unchanged; /* with slot: the frame leaves as it came, no neighbour is behind hop */
	uint32_t cpu;	/* VERDICT_cpu: which one */
	uint32_t mtu;	/* of the route, with slot; 0: none */
	union adjacency_word hop; /* with slot; port 0: not resolved */
};

void explain_decide(const struct datapath *dp, const struct decide_query *query,
		    struct decided *ret);

/* What holds for all packets into a port, whatever is in them. */
enum verdict decide_ingress(const struct datapath *dp, uint16_t port);
/* For short packets that go out of a port, from one attached as hook says (as in the query). */
enum verdict decide_egress(const struct datapath *dp, uint16_t port, uint16_t hook);

/*
 * For many leaves in a row, between which nothing changes: decide_enter() once, then for each what it does with
 * short packets that come in as hook says; of a group its first leg, connected ones by the device. Then what
 * becomes of that by the hold that is on, or the lease.
 */
void decide_enter(const struct datapath *dp);
enum verdict decide_leaf(const struct datapath *dp, uint32_t leaf, uint16_t hook);
enum verdict decide_hold(uint32_t leaf, enum verdict verdict);

#endif
