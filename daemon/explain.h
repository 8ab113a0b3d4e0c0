/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the programs would do with a packet, and why: the same decisions in the same order, taken in
 * user space on the maps as they are (read back, not on what the daemon believes is in them).
 */
#ifndef EBPF_ROUTE_EXPLAIN_H
#define EBPF_ROUTE_EXPLAIN_H

#include "daemon.h"

struct explain_query {
	__be32 dst;
	__be32 src; /* 0: any harmless one */
	const struct mirror_link
		*iif; /* NULL: any that forwards; checks of the ingress are left out */
};

struct explained {
	enum verdict verdict;
	bool has_prefix; /* a route covers the destination */
	struct prefix prefix;
	uint32_t leaf;
	uint32_t oif;	     /* 0: not known */
	struct addr gateway; /* family 0: connected or not known */
	bool has_mac;
	uint8_t mac[6]; /* of the next hop */
	uint32_t mtu;	/* longest packet that is forwarded */
	bool multipath; /* which leg depends on the flow: verdict, oif and the rest are those of the
			   first */
};

void explain_packet(const struct daemon *d, const struct explain_query *query,
		    struct explained *ret);

/* forwarded where packets into the link may be forwarded, else the reason they all fall back. */
enum verdict explain_ingress(const struct daemon *d, const struct mirror_link *link);
/* The same for packets out of a port; `iif` NULL: from any native interface. */
enum verdict explain_egress(const struct daemon *d, uint16_t port, const struct mirror_link *iif);
/* What a next-hop slot (a leaf) does with packets; connected ones count as forwarded. */
enum verdict explain_slot(const struct daemon *d, uint32_t slot);

#endif
