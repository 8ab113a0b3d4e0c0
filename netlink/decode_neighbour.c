/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Decodes IPv4 and IPv6 neighbours (RTM_NEWNEIGH, RTM_DELNEIGH).
 *
 * Proxy entries come in the same messages and may bear the address of a real neighbour: they are
 * left out, as bridge forwarding entries are.
 */
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include "decode.h"

#define LINK_ADDR_MAX 32 /* MAX_ADDR_LEN of the kernel */

static const struct attr_policy neighbour_policy[] = {
	ATTR_POLICY("neighbour", NDA_DST, 4, 16),
	ATTR_POLICY("neighbour", NDA_LLADDR, 0, LINK_ADDR_MAX),
};

int decode_neighbour(const struct nlmsghdr *nlh, struct event *ev, const char **reason)
{
	struct attr_walk walk = ATTR_WALK(neighbour_policy, "neighbour: an attribute is cut off");
	const struct ndmsg *header = NLMSG_DATA(nlh);
	struct event_neighbour *neighbour = &ev->neighbour;
	const struct nlattr *nla;
	int err;

	if (header->ndm_family != AF_INET && header->ndm_family != AF_INET6)
		return -ENOMSG;
	if (header->ndm_flags & NTF_PROXY)
		return -ENOMSG;
	/* The kernel has entries without a device, too; no packet goes by them. */
	if (header->ndm_ifindex == 0)
		return -ENOMSG;
	if (header->ndm_ifindex < 0)
		return decode_refuse(reason, "neighbour: interface index is negative");
	memset(neighbour, 0, sizeof(*neighbour));
	neighbour->ifindex = (uint32_t)header->ndm_ifindex;
	neighbour->state = header->ndm_state;
	neighbour->flags = header->ndm_flags;
	attr_walk_message(&walk, nlh, sizeof(*header));
	while ((err = attr_next(&walk, &nla, reason)) > 0) {
		switch (attr_type(nla)) {
		case NDA_DST:
			if (!attr_address(header->ndm_family, attr_data(nla), attr_len(nla),
					  &neighbour->addr))
				return decode_refuse(reason,
						     "neighbour: NDA_DST has the wrong length");
			break;
		case NDA_LLADDR:
			neighbour->mac_len = attr_len(nla) == 6 ? 6 : 0;
			memcpy(neighbour->mac, attr_data(nla), neighbour->mac_len);
			break;
		}
	}
	if (err)
		return err;
	return neighbour->addr.family ? 0 : decode_refuse(reason, "neighbour: NDA_DST is missing");
}
