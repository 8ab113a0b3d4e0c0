/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Decodes one rtnetlink message: checks its frame and hands it to the decoder of its object.
 */
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <linux/netconf.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include "decode.h"
#include "netlink.h"

struct object {
	uint8_t kind;
	uint8_t op;
	uint8_t header;
	int (*decode)(const struct nlmsghdr *nlh, struct event *ev, const char **reason);
	const char *cut;
};

#define OBJECT(name, label, KIND, MESSAGE, header_struct)                                          \
	[RTM_NEW##MESSAGE - RTM_BASE] = { EVENT_##KIND, EVENT_NEW, sizeof(header_struct),          \
					  decode_##name, label ": message is short" },             \
			    [RTM_DEL##MESSAGE -                                                    \
				    RTM_BASE] = { EVENT_##KIND, EVENT_DEL, sizeof(header_struct),  \
						  decode_##name, label ": message is short" }

static const struct object objects[] = {
	OBJECT(link, "link", LINK, LINK, struct ifinfomsg),
	OBJECT(address, "address", ADDRESS, ADDR, struct ifaddrmsg),
	OBJECT(neighbour, "neighbour", NEIGHBOUR, NEIGH, struct ndmsg),
	OBJECT(nexthop, "nexthop", NEXTHOP, NEXTHOP, struct nhmsg),
	OBJECT(route, "route", ROUTE, ROUTE, struct rtmsg),
	OBJECT(rule, "rule", RULE, RULE, struct fib_rule_hdr),
	OBJECT(netconf, "netconf", NETCONF, NETCONF, struct netconfmsg),
};

int netlink_decode(const struct nlmsghdr *nlh, size_t len, struct event *ev, const char **reason)
{
	const struct object *object;
	size_t type;

	if (len < NLMSG_HDRLEN || nlh->nlmsg_len < NLMSG_HDRLEN)
		return decode_refuse(reason, "message: header is short");
	if (nlh->nlmsg_len > len)
		return decode_refuse(reason, "message: cut off");
	if (nlh->nlmsg_type < RTM_BASE)
		return -ENOMSG;
	type = nlh->nlmsg_type - RTM_BASE;
	if (type >= sizeof(objects) / sizeof(objects[0]) || !objects[type].decode)
		return -ENOMSG;
	object = &objects[type];
	if (nlh->nlmsg_len < NLMSG_HDRLEN + (uint32_t)object->header)
		return decode_refuse(reason, object->cut);
	ev->kind = object->kind;
	ev->op = object->op;
	return object->decode(nlh, ev, reason);
}
