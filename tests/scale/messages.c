// SPDX-License-Identifier: GPL-2.0-only
/*
 * Route messages in the bytes and the order of attributes of the kernel (fib_dump_info() in
 * net/ipv4/fib_semantics.c). `scale compare` holds them against recorded ones.
 */
#include <linux/rtnetlink.h>
#include <string.h>
#include "tests/scale/scale.h"

static void put_u32(struct nlmsghdr *nlh, uint16_t type, uint32_t value)
{
	struct rtattr *attr = (void *)((char *)nlh + NLMSG_ALIGN(nlh->nlmsg_len));

	attr->rta_type = type;
	attr->rta_len = RTA_LENGTH(sizeof(value));
	memcpy(RTA_DATA(attr), &value, sizeof(value));
	nlh->nlmsg_len += RTA_SPACE(sizeof(value));
}

void message_route(struct stream *stream, uint16_t type, uint16_t flags, const struct route *route)
{
	struct {
		struct nlmsghdr nlh;
		struct rtmsg rtm;
		uint8_t attributes[64];
	} m = {
		.nlh = { .nlmsg_len = NLMSG_LENGTH(sizeof(m.rtm)),
			 .nlmsg_type = type,
			 .nlmsg_flags = flags },
		.rtm = { .rtm_family = AF_INET,
			 .rtm_dst_len = route->dst.len,
			 .rtm_table = RT_TABLE_MAIN,
			 .rtm_protocol = route->protocol,
			 .rtm_scope = RT_SCOPE_UNIVERSE,
			 .rtm_type = RTN_UNICAST },
	};

	put_u32(&m.nlh, RTA_TABLE, RT_TABLE_MAIN);
	if (route->dst.len)
		put_u32(&m.nlh, RTA_DST, htonl(route->dst.addr));
	if (route->priority)
		put_u32(&m.nlh, RTA_PRIORITY, route->priority);
	put_u32(&m.nlh, RTA_GATEWAY, route->gateway);
	put_u32(&m.nlh, RTA_OIF, route->oif);
	stream_add(stream, &m.nlh);
}
