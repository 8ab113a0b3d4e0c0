// SPDX-License-Identifier: GPL-2.0-only
/* Holds the made messages against recorded ones: the same bytes but for who asked for the change. */
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include "netlink/netlink.h"
#include "tests/scale/scale.h"

/* The route of a message that messages.c can make; false for others. */
static bool read_route(const struct nlmsghdr *nlh, struct route *ret)
{
	static struct event ev;
	const char *reason;

	if (netlink_decode(nlh, nlh->nlmsg_len, &ev, &reason) || ev.kind != EVENT_ROUTE ||
	    ev.route.type != RTN_UNICAST || ev.route.table != RT_TABLE_MAIN ||
	    ev.route.n_legs != 1 || ev.route.nhid || ev.route.mtu ||
	    ev.route.legs[0].gateway.family != AF_INET)
		return false;
	*ret = (struct route){ .dst = ev.route.dst,
			       .gateway = ev.route.legs[0].gateway.v4,
			       .oif = ev.route.legs[0].oif,
			       .priority = ev.route.priority,
			       .protocol = ev.route.protocol };
	return true;
}

static bool same(const struct nlmsghdr *nlh, const struct route *route)
{
	struct stream made = { .n = 0 };
	struct nlmsghdr *own;
	bool equal;

	message_route(&made, nlh->nlmsg_type, nlh->nlmsg_flags, route);
	own = (void *)made.bytes;
	own->nlmsg_seq = nlh->nlmsg_seq;
	own->nlmsg_pid = nlh->nlmsg_pid;
	equal = own->nlmsg_len == nlh->nlmsg_len && memcmp(own, nlh, own->nlmsg_len) == 0;
	stream_free(&made);
	return equal;
}

int command_compare(int argc, char **argv)
{
	uint32_t compared = 0, different = 0;
	const struct nlmsghdr *nlh;
	struct stream stream;
	struct route route;
	size_t pos = 0;

	if (argc != 2)
		die("compare: FILE is expected");
	stream_read(&stream, argv[1]);
	while ((nlh = stream_next(&stream, &pos))) {
		if (!read_route(nlh, &route))
			continue;
		compared++;
		different += !same(nlh, &route);
	}
	printf("{\"messages\":%u,\"compared\":%u,\"different\":%u}\n", stream.n, compared,
	       different);
	stream_free(&stream);
	return different || !compared ? 3 : 0;
}
