/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Inside netlink/: the object behind netlink.h.
 */
#ifndef EBPF_ROUTE_NOTIFY_H
#define EBPF_ROUTE_NOTIFY_H

#include "netlink.h"
#include "transport.h"

struct netlink {
	struct nl_sock *sk; /* notifications */
	int fd;
	size_t rcvbuf;
	struct receiver rx;
	struct dumper dumper;
	struct nl_sock *requests; /* what nobody waits for an answer to; NULL: not opened yet */
	unsigned long refused;
	const char *reason; /* why the last one was, or NULL */
	struct event event; /* too large to be made anew for each message */
};

void netlink_refuse(struct netlink *nl, const char *reason);

#endif
