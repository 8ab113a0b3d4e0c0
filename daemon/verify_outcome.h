/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What becomes of packets to a destination, in words that need no numbers of a map: devices, MAC
 * addresses, verdicts. Made from a mirror on one side and from the maps on the other, and compared.
 */
#ifndef EBPF_ROUTE_VERIFY_OUTCOME_H
#define EBPF_ROUTE_VERIFY_OUTCOME_H

#include "datapath.h"
#include "resolve.h"

enum hop_kind {
	HOP_VERDICT,	/* dropped, or left to the kernel */
	HOP_NEIGHBOUR,	/* to this MAC address on this device */
	HOP_UNRESOLVED, /* a gateway without a valid neighbour: left to the kernel */
	HOP_CONNECTED,	/* the destination is the neighbour, on this device */
	HOP_REDIRECT,	/* unchanged, out of this device */
	HOP_CPU,	/* left to the kernel, on one of these CPUs */
};

struct hop {
	uint8_t kind; /* enum hop_kind */
	uint8_t verdict;
	uint8_t mac[6];
	union {
		uint32_t ifindex;
		uint32_t cpus; /* HOP_CPU: nexthop_cpus() */
	};
	uint16_t mtu;
	uint16_t user;	/* 1: a user route's, which policy rules do not come before */
	uint32_t share; /* of a group: weight, or buckets; not compared by itself */
	uint32_t legs;	/* that lead here; neither */
};

/* Packets whose source is routed so are accepted by a reverse path check on these devices. */
struct reverse {
	bool known; /* false: the kernel has to look */
	unsigned int n;
	uint32_t ifindex[REVERSE_PORTS]; /* ascending; none that is no port */
};

struct outcome {
	struct reverse reverse;
	bool group;
	uint32_t mtu;	/* of a group */
	uint32_t total; /* of the shares */
	unsigned int n; /* 1 where it is no group; those of a group all differ */
	struct hop hops[GROUP_BUCKETS];
};

/* What the route asks for, the kernel's or the user's, by that mirror. */
void outcome_of_route(const struct mirror *mirror, const struct resolved_route *route,
		      struct outcome *ret);
/* What a leaf leads to in the maps. Never LEAF_DEFAULT. */
void outcome_of_leaf(const struct datapath *dp, uint32_t leaf, struct outcome *ret);

enum agreement {
	AGREED,
	AGREED_FULL, /* left to the kernel for want of room */
	DISAGREED,
};
/* All but the reverse path check. */
enum agreement outcome_compare_ways(const struct outcome *kernel, const struct outcome *fast);
enum agreement outcome_compare(const struct outcome *kernel, const struct outcome *fast);

/* The same for the same outcome, whatever mirror or map it is from. */
uint32_t outcome_hash(const struct outcome *outcome);

/* Does any of it leave by the fast path, or is dropped there? */
bool outcome_is_fast(const struct outcome *outcome);

/* "via 192.0.2.1 dev eth0 lladdr .."; the mirror names devices and who has that MAC address. */
#define OUTCOME_LEN 320
const char *outcome_format(const struct mirror *mirror, const struct outcome *outcome,
			   char buf[OUTCOME_LEN]);
bool reverse_equal(const struct reverse *a, const struct reverse *b);
/* "sources by eth0,eth1", "sources unknown" */
const char *reverse_format(const struct mirror *mirror, const struct reverse *reverse,
			   char buf[OUTCOME_LEN]);
/* "eth0", or "if12" for one that the mirror does not know. */
const char *device_format(const struct mirror *mirror, uint32_t ifindex, char buf[IFNAMSIZ]);
#define MAC_LEN 18
const char *mac_format(const uint8_t mac[6], char buf[MAC_LEN]);

#endif
