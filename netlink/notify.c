/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Notifications of rtnetlink: subscribes, reads what arrived, decodes it.
 */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include "notify.h"

#define RCVBUF_DEFAULT ((size_t)128 << 20)

static const int groups[] = {
	RTNLGRP_LINK,	   RTNLGRP_NEIGH,	 RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV4_ROUTE,
	RTNLGRP_IPV4_RULE, RTNLGRP_IPV4_NETCONF, RTNLGRP_NEXTHOP,
};

/* What was asked for may be more than this process is granted: what it got is what counts. */
static int set_rcvbuf(struct netlink *nl, int fd, const struct netlink_options *options)
{
	size_t wanted = options && options->rcvbuf ? options->rcvbuf : RCVBUF_DEFAULT;
	bool strict = options && options->strict_rcvbuf;
	int size = wanted > INT32_MAX / 2 ? INT32_MAX / 2 : (int)wanted, got;
	socklen_t len = sizeof(got);

	if (strict || setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size))) {
		if (setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)))
			return -errno;
	}
	if (getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &got, &len))
		return -errno;
	nl->rcvbuf = (size_t)got;
	return 0;
}

static int join_groups(struct nl_sock *sk)
{
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		int err = socket_join(sk, groups[i]);

		/* Kernels before 5.3 have no nexthop objects, and no group of that number. */
		if (err == -EINVAL && groups[i] == RTNLGRP_NEXTHOP)
			continue;
		if (err)
			return err;
	}
	return 0;
}

/* The buffer first: what the groups bring from the moment of joining must find room. */
static int open_notifications(struct netlink *nl, const struct netlink_options *options)
{
	int err;

	err = socket_open(&nl->sk, NETLINK_ROUTE);
	if (err)
		return err;
	nl->fd = nl_socket_get_fd(nl->sk);
	err = set_rcvbuf(nl, nl->fd, options);
	if (err)
		return err;
	err = socket_error(nl_socket_set_nonblocking(nl->sk));
	if (err)
		return err;
	err = receiver_init(&nl->rx, nl->fd, RECEIVER_SLOTS, false);
	if (err)
		return err;
	return join_groups(nl->sk);
}

int netlink_open(struct netlink **ret, const struct netlink_options *options)
{
	struct netlink *nl = calloc(1, sizeof(*nl));
	int err;

	if (!nl)
		return -ENOMEM;
	err = open_notifications(nl, options);
	if (!err)
		err = dumper_open(&nl->dumper, NETLINK_ROUTE);
	if (err) {
		netlink_close(nl);
		return err;
	}
	*ret = nl;
	return 0;
}

void netlink_close(struct netlink *nl)
{
	if (!nl)
		return;
	dumper_close(&nl->dumper);
	receiver_destroy(&nl->rx);
	nl_socket_free(nl->sk);
	nl_socket_free(nl->requests);
	free(nl);
}

int netlink_fd(const struct netlink *nl)
{
	return nl->fd;
}

size_t netlink_rcvbuf(const struct netlink *nl)
{
	return nl->rcvbuf;
}

unsigned long netlink_refused(const struct netlink *nl, const char **ret_reason)
{
	if (ret_reason)
		*ret_reason = nl->reason;
	return nl->refused;
}

void netlink_refuse(struct netlink *nl, const char *reason)
{
	nl->refused++;
	nl->reason = reason;
}

static int receive_datagram(struct netlink *nl, unsigned int *n, event_fn fn, void *ctx)
{
	const struct nlmsghdr *nlh;
	int err;

	while ((err = receiver_message(&nl->rx, &nlh)) > 0) {
		++*n;
		err = netlink_decode(nlh, nlh->nlmsg_len, &nl->event, &nl->reason);
		if (err == -EBADMSG)
			nl->refused++;
		if (err)
			continue;
		err = fn(ctx, &nl->event);
		if (err < 0)
			return err;
	}
	if (err < 0)
		netlink_refuse(nl, "message: a datagram ends inside one");
	return 0;
}

int netlink_receive(struct netlink *nl, unsigned int budget, event_fn fn, void *ctx)
{
	unsigned int n = 0;
	int err;

	/* A datagram may have been left half read where fn failed: it is finished first. */
	do {
		err = receive_datagram(nl, &n, fn, ctx);
		if (err)
			return err;
		if ((budget && n >= budget) || n > INT32_MAX / 2)
			return (int)n;
		err = receiver_datagram(&nl->rx, budget ? budget - n : RECEIVER_SLOTS);
	} while (err > 0);
	if (err != -ENOBUFS && err != -EMSGSIZE)
		return err ? err : (int)n;
	/* What is still queued is older than what was lost: replay would go back in time. */
	receiver_drain(&nl->rx);
	return -ENOBUFS;
}
