/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Notifications of links alone, on a socket of their own: they do not wait behind those of routes, nor for
 * the end of a dump.
 */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include "netlink.h"
#include "transport.h"

enum { SLOTS = 4 };

struct netlink_links {
	struct nl_sock *sk;
	struct receiver rx;
	struct event event;
};

static int links_open(struct netlink_links *links)
{
	int err = socket_open(&links->sk, NETLINK_ROUTE);

	if (!err)
		err = socket_error(nl_socket_set_nonblocking(links->sk));
	if (!err)
		err = receiver_init(&links->rx, nl_socket_get_fd(links->sk), SLOTS, false);
	return err ? err : socket_join(links->sk, RTNLGRP_LINK);
}

int netlink_links_open(struct netlink_links **ret)
{
	struct netlink_links *links = calloc(1, sizeof(*links));
	int err;

	if (!links)
		return -ENOMEM;
	err = links_open(links);
	if (err) {
		netlink_links_close(links);
		return err;
	}
	*ret = links;
	return 0;
}

void netlink_links_close(struct netlink_links *links)
{
	if (!links)
		return;
	receiver_destroy(&links->rx);
	nl_socket_free(links->sk);
	free(links);
}

int netlink_links_receive(struct netlink_links *links, event_fn fn, void *ctx)
{
	const struct nlmsghdr *nlh;
	const char *reason;
	int err;

	while ((err = receiver_datagram(&links->rx, SLOTS)) > 0) {
		while (receiver_message(&links->rx, &nlh) > 0)
			if (!netlink_decode(nlh, nlh->nlmsg_len, &links->event, &reason))
				fn(ctx, &links->event);
	}
	if (err != -ENOBUFS && err != -EMSGSIZE)
		return err;
	receiver_drain(&links->rx);
	return -ENOBUFS;
}
