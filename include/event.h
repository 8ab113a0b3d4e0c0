/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Kernel facts, decoded: what netlink/ produces and the mirror consumes.
 *
 * An event is plain data in one struct; nothing in it points into a message. Interface indexes and
 * numbers are in host byte order, addresses in network byte order unless they are a struct prefix.
 * Meanings follow <linux/rtnetlink.h>, <linux/neighbour.h>, <linux/nexthop.h>, <linux/netconf.h>.
 */
#ifndef EBPF_ROUTE_EVENT_H
#define EBPF_ROUTE_EVENT_H

#include <net/if.h>
#include "addr.h"

/* Legs of one route, members of one group; with more, `unsupported` is set and n is 0. */
#define EVENT_LEGS_MAX 256

enum event_kind {
	EVENT_LINK,
	EVENT_ADDRESS,
	EVENT_NEIGHBOUR,
	EVENT_NEXTHOP,
	EVENT_ROUTE,
	EVENT_RULE,
	EVENT_NETCONF,
	EVENT_FEATURES,
	EVENT_KINDS,
};

enum event_op {
	EVENT_NEW,  /* a notification: created or changed */
	EVENT_DEL,  /* a notification: gone */
	EVENT_DUMP, /* part of a dump: exists */
};

struct event_link {
	uint32_t ifindex;
	uint32_t master; /* ifindex of the bridge, bond or VRF it is enslaved to, or 0 */
	uint32_t flags;	 /* IFF_*: IFF_UP administrative, IFF_LOWER_UP carrier */
	uint32_t mtu;
	uint16_t type;	 /* ARPHRD_* */
	uint8_t mac_len; /* 0 or 6; other lengths are reported as 0 */
	uint8_t mac[6];
	char name[IFNAMSIZ];
	char kind[16];	       /* IFLA_INFO_KIND: "veth", "bridge", .. or empty */
	uint32_t lower;	       /* ifindex of the device below (IFLA_LINK) in this namespace, or 0 */
	uint32_t macvlan_mode; /* MACVLAN_MODE_* of macvlan and macvtap; 0: not said */
};

struct event_address {
	uint32_t ifindex;
	__be32 local;
	__be32 peer; /* at the other end of a point-to-point address, else as local: in the net of prefix_len */
	uint8_t prefix_len;
};

struct event_neighbour {
	uint32_t ifindex;
	struct addr addr;
	uint16_t state;	 /* NUD_* */
	uint8_t flags;	 /* NTF_* */
	uint8_t mac_len; /* 0 or 6 */
	uint8_t mac[6];
};

struct event_leg {
	struct addr gateway; /* family 0: connected, the destination itself is the neighbour */
	uint32_t oif;
	uint16_t weight; /* 1.. */
	uint8_t flags;	 /* RTNH_F_* */
	bool encap;	 /* lightweight tunnel */
};

struct event_member {
	uint32_t id;
	uint16_t weight; /* 1.. */
};

enum nexthop_type {
	NH_TYPE_SINGLE,
	NH_TYPE_GROUP,	   /* hash-threshold multipath */
	NH_TYPE_RESILIENT, /* multipath by a kernel bucket table */
	NH_TYPE_BLACKHOLE,
};

struct event_nexthop {
	uint32_t id;
	uint8_t type; /* enum nexthop_type */
	uint8_t protocol;
	bool fdb;	      /* for vxlan, never used by a route */
	bool unsupported;     /* an attribute that the fast path does not implement */
	struct event_leg leg; /* NH_TYPE_SINGLE */
	uint16_t n_members;
	struct event_member members[EVENT_LEGS_MAX];
};

struct event_route {
	struct prefix dst;
	uint32_t table;
	uint32_t priority;  /* RTA_PRIORITY: the metric */
	uint32_t nhid;	    /* RTA_NH_ID, or 0 */
	uint32_t mtu;	    /* RTAX_MTU, or 0 */
	uint32_t rtm_flags; /* RTM_F_* and RTNH_F_*, as in struct rtmsg */
	uint16_t nl_flags; /* NLM_F_REPLACE, NLM_F_CREATE, NLM_F_APPEND, NLM_F_EXCL: which operation
			      it was */
	uint8_t tos;
	uint8_t type;	  /* RTN_* */
	uint8_t scope;	  /* RT_SCOPE_* */
	uint8_t protocol; /* RTPROT_* */
	bool unsupported; /* an attribute that the fast path does not implement, or too many legs */
	uint16_t n_legs;  /* 0 where the kernel names none (blackhole, or only a nhid) */
	struct event_leg legs[EVENT_LEGS_MAX];
};

struct event_rule {
	uint32_t priority;
	uint32_t table;
	uint32_t fwmark, fwmask;
	uint32_t flags; /* FIB_RULE_* */
	uint8_t action; /* FR_ACT_* */
	uint8_t tos;
	struct prefix src, dst;
	char iif[IFNAMSIZ], oif[IFNAMSIZ];
	bool l3mdev;
	uint8_t protocol;	     /* IPPROTO_*, 0: any */
	uint16_t sport[2], dport[2]; /* first and last, host byte order; last 0: any */
	bool other; /* selects by something else still (uid, tunnel id, ports by mask), or does
		       something else (suppress_*); never matches less than without it */
};

struct event_netconf {
	int32_t ifindex;	 /* or NETCONFA_IFINDEX_ALL, NETCONFA_IFINDEX_DEFAULT */
	int32_t forwarding;	 /* -1: not said */
	int32_t rp_filter;	 /* -1: not said */
	int32_t ignore_linkdown; /* ignore_routes_with_linkdown; -1: not said */
};

/* What a device can do, from the generic netlink family `netdev` (kernel 6.3 and later). */
struct event_features {
	uint32_t ifindex;
	uint64_t xdp_features; /* NETDEV_XDP_ACT_* */
};

struct event {
	uint8_t kind; /* enum event_kind */
	uint8_t op;   /* enum event_op */
	union {
		struct event_link link;
		struct event_address address;
		struct event_neighbour neighbour;
		struct event_nexthop nexthop;
		struct event_route route;
		struct event_rule rule;
		struct event_netconf netconf;
		struct event_features features;
	};
};

typedef int (*event_fn)(void *ctx, const struct event *ev);

#endif
