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
	bool generic;	  /* with ifindex 0: a port attached in generic mode */
};

struct decided {
	enum verdict verdict; /* the one that is counted */
	bool has_packet;      /* the headers were read: */
	__be32 src, dst;
	uint32_t slot; /* next-hop slot, of a group: the leg for this flow; 0: not reached */
	uint32_t mtu;  /* of the route, with slot; 0: none */
	union adjacency_word hop; /* with slot; port 0: not resolved */
};

void explain_decide(const struct datapath *dp, const struct decide_query *query,
		    struct decided *ret);

/* What holds for all packets into a port, whatever is in them. */
enum verdict decide_ingress(const struct datapath *dp, uint16_t port);
/* For short packets that go out of a port, from a native port or else a generic one. */
enum verdict decide_egress(const struct datapath *dp, uint16_t port, bool generic);
/* What a next-hop slot (a leaf) does with them; of a group its first leg, connected ones by the device. */
enum verdict decide_slot(const struct datapath *dp, uint32_t slot, bool generic);

#endif
