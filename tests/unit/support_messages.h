/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Good netlink messages of every kind, built with libnl, and what each must decode to.
 */
#ifndef EBPF_ROUTE_SUPPORT_MESSAGES_H
#define EBPF_ROUTE_SUPPORT_MESSAGES_H

#include <linux/netlink.h>
#include "../../include/event.h"

struct nl_msg;

struct message_sample {
	const char *name;
	struct nl_msg *(*build)(void);
	void (*check)(const struct event *ev);
	size_t header; /* bytes of the fixed header behind struct nlmsghdr */
};

extern const struct message_sample message_samples[];
extern const size_t message_samples_n;

/* A message of this type with its fixed header; the test fails where memory does. */
struct nl_msg *message_new(int type, int flags, const void *header, size_t len);
/* A route to 192.0.2.0/24 in table main without further attributes. */
struct nl_msg *message_route(void);
/* Decodes and frees it. */
int message_decode(struct nl_msg *msg, struct event *ev, const char **reason);

#endif
