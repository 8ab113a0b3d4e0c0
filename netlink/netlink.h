/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Kernel -> events. The one seam to rtnetlink; returns errors, never logs, knows nothing of BPF.
 *
 * All functions return 0 or a negative errno (libnl's own codes are translated where they enter).
 */
#ifndef EBPF_ROUTE_NETLINK_H
#define EBPF_ROUTE_NETLINK_H

#include <linux/netlink.h>
#include <stddef.h>
#include "../include/event.h"

struct netlink;

struct netlink_options {
	size_t rcvbuf; /* wanted receive buffer of the notification socket in bytes, 0: 128 MiB */
	bool strict_rcvbuf; /* tests only: use SO_RCVBUF with this size, not SO_RCVBUFFORCE */
};

/*
 * Opens two sockets, one subscribed to every group the mirror depends on (LINK, NEIGH, IPV4_IFADDR,
 * IPV4_ROUTE, IPV4_RULE, IPV4_NETCONF, NEXTHOP), one for dumps, in the current network namespace.
 * -EPERM, -EMFILE, -EPROTONOSUPPORT ..
 */
int netlink_open(struct netlink **ret, const struct netlink_options *options);
void netlink_close(struct netlink *nl); /* NULL is fine */

/* The notification socket, for poll(); readable means netlink_receive() has work. */
int netlink_fd(const struct netlink *nl);
/* Receive buffer really got, in the kernel's accounting (twice what SO_RCVBUF was asked), bytes. */
size_t netlink_rcvbuf(const struct netlink *nl);

/*
 * Reads and decodes notifications until the socket is empty or `budget` messages are done (0: no
 * limit), calling fn for each event. A message that does not decode is counted (netlink_refused)
 * and skipped. Returns the number of messages read, -ENOBUFS after an overrun (messages are lost:
 * resync), or another error, also what fn returned if negative.
 */
int netlink_receive(struct netlink *nl, unsigned int budget, event_fn fn, void *ctx);

/*
 * Dumps everything in the order that lets each object find what it refers to: links, netconf,
 * addresses, rules, next hops, neighbours (IPv4 and IPv6), routes of all tables. Every event has op EVENT_DUMP.
 * A dump that the kernel marks as interrupted (NLM_F_DUMP_INTR) is repeated, -EAGAIN after several
 * tries. Objects the running kernel does not know (nexthops before 5.3) are left out.
 */
int netlink_dump(struct netlink *nl, event_fn fn, void *ctx);

/*
 * Does the kernel hold another gateway than its routes name, for any destination? It shows what a packet
 * has used since it was learnt from a redirect. The kernel walks through all routes: 900,000 take it 0.11 s.
 */
int netlink_dump_redirected(struct netlink *nl, bool *ret);

/*
 * Tells the kernel that a neighbour entry carries traffic (NTF_USE): as a transmit would, this has a
 * STALE one checked and a FAILED one resolved anew. Nothing happens where there is no such entry. 0,
 * or the error of sending.
 */
int netlink_use_neighbour(struct netlink *nl, uint32_t ifindex, const struct addr *addr);
/* The same, and where there is no such entry it is made and resolved, as for a packet to be sent there. */
int netlink_ask_neighbour(struct netlink *nl, uint32_t ifindex, const struct addr *addr);

/* How many messages did not decode, and why the last one did not ("route: RTA_GATEWAY has 3 bytes"). */
unsigned long netlink_refused(const struct netlink *nl, const char **ret_reason);

/*
 * Pure: one message of `len` bytes (header included) to an event. 0; -ENOMSG for a message that is
 * of no concern (another family or type); -EBADMSG for one that is short, oversized or
 * nonsensical, with *reason naming object and attribute (static text). *ev is undefined on failure.
 */
int netlink_decode(const struct nlmsghdr *nlh, size_t len, struct event *ev, const char **reason);

/*
 * What the kernel itself would do with a destination: RTM_GETROUTE that names the route it took. Without
 * iif the look-up is that of a packet sent by this machine: no rule by iif applies, and no check of the
 * source; with it, src has to be a valid sender there.
 */
struct netlink_queries;
struct route_query {
	__be32 dst;
	__be32 src;   /* 0: none */
	uint32_t iif; /* 0: none */
};
/*
 * Answer to question number i. err: 0 with the route that matched; -EINVAL for a blackhole,
 * -EHOSTUNREACH for unreachable, -EACCES for prohibit, -ENETUNREACH where there is no route;
 * -EBADMSG for one that does not decode. A negative return value ends it.
 */
typedef int (*route_answer_fn)(void *ctx, size_t i, int err, const struct event_route *route);

int netlink_queries_open(struct netlink_queries **ret);
void netlink_queries_close(struct netlink_queries *q); /* NULL is fine */
/* 0 once all n are answered, in any order; an error of the socket; or what fn returned. */
int netlink_queries_ask(struct netlink_queries *q, const struct route_query *queries, size_t n,
			route_answer_fn fn, void *ctx);

/*
 * Link notifications once more, on a socket of their own that nothing else delays. Calls fn for each that
 * has arrived; 0, -ENOBUFS where some were lost (netlink_receive() brings them too), or another error.
 */
struct netlink_links;
int netlink_links_open(struct netlink_links **ret);
void netlink_links_close(struct netlink_links *links); /* NULL is fine */
int netlink_links_receive(struct netlink_links *links, event_fn fn, void *ctx);

/*
 * Device features over generic netlink (family `netdev`, kernel 6.3+): a notification socket and a
 * dump, as above with EVENT_FEATURES. -EOPNOTSUPP where the kernel has no such family.
 */
struct netlink_features;
int netlink_features_open(struct netlink_features **ret);
void netlink_features_close(struct netlink_features *nf); /* NULL is fine */
int netlink_features_fd(const struct netlink_features *nf);
int netlink_features_receive(struct netlink_features *nf, event_fn fn, void *ctx);
int netlink_features_dump(struct netlink_features *nf, event_fn fn, void *ctx);

#endif
