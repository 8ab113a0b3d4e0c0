/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the programs would do with a packet, and why: their own decision (explain_decide.h), with the
 * names that the kernel has for what they found (the mirror).
 */
#ifndef EBPF_ROUTE_EXPLAIN_H
#define EBPF_ROUTE_EXPLAIN_H

#include "daemon.h"

#define EXPLAIN_FRAME_MAX 9216 /* bytes of a frame given as it is */

struct explain_query {
	const uint8_t *frame; /* the whole frame, or NULL: one made of what follows the next line */
	size_t frame_len;
	const struct mirror_link *iif; /* NULL: anywhere, without the checks of an ingress */
	__be32 dst;
	__be32 src; /* 0: any, without its checks */
	uint8_t tos, protocol, ttl;
	uint16_t sport, dport; /* host byte order */
	uint32_t size;	       /* of the IP packet in bytes, from 20 */
	const uint8_t *mac;    /* destination MAC address, NULL: that of iif */
};

struct explained {
	enum verdict verdict;
	__be32 dst, src; /* of the packet; src 0: any */
	bool has_packet; /* these are known */
	bool any_source; /* the source was left open where iif checks it */
	bool has_prefix; /* a route covers the destination */
	struct prefix prefix;
	uint32_t table;	     /* of that route, 0: not known, or the user's */
	bool user;	     /* it is the user's */
	uint32_t leaf;	     /* what the engine finds for the destination */
	uint32_t oif;	     /* 0: not known */
	struct addr gateway; /* family 0: connected or not known */
	bool has_mac;
	uint8_t mac[6]; /* of the next hop */
	uint32_t mtu;	/* longest packet that is forwarded */
	bool multipath; /* the leg for this flow, others may take another */
};

/* Do packets of that protocol begin with ports? */
bool explain_has_ports(uint32_t protocol);

/* Can packets come in there: attached, or a macvlan device above one that is? */
bool explain_is_ingress(const struct daemon *d, const struct mirror_link *link);

/* 0 or -ENOMEM. iif has to be explain_is_ingress(), and known where there is a frame. */
int explain_packet(const struct daemon *d, const struct explain_query *query,
		   struct explained *ret);

/* forwarded where packets into the link may be forwarded, else the reason they all fall back. */
enum verdict explain_ingress(const struct daemon *d, const struct mirror_link *link);
/* The same for packets out of a port. */
enum verdict explain_egress(const struct daemon *d, uint16_t port);

/* For many answers in a row, between which nothing changes. */
struct explain_view {
	uint16_t
		hook; /* how packets come in: by the hook in force that asks the most of an egress */
};

void explain_enter(const struct daemon *d, struct explain_view *ret);
/* What a next-hop slot does with packets now; connected ones by the device. */
enum verdict explain_slot(const struct daemon *d, const struct explain_view *view, uint32_t slot);
/* What an installed prefix does with them: as its egress is, and the hold. 0, or -ENOENT: not installed. */
int explain_route(const struct daemon *d, const struct explain_view *view,
		  const struct rib_entry *entry, enum verdict *ret);

#endif
