/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Decodes IPv4 addresses of interfaces (RTM_NEWADDR, RTM_DELADDR).
 */
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include "decode.h"

static const struct attr_policy address_policy[] = {
	ATTR_POLICY("address", IFA_ADDRESS, 4, 4),
	ATTR_POLICY("address", IFA_LOCAL, 4, 4),
};

/* IFA_LOCAL is the interface's own address, IFA_ADDRESS on point-to-point links the peer's, else the same. */
int decode_address(const struct nlmsghdr *nlh, struct event *ev, const char **reason)
{
	struct attr_walk walk = ATTR_WALK(address_policy, "address: an attribute is cut off");
	const struct ifaddrmsg *header = NLMSG_DATA(nlh);
	struct event_address *address = &ev->address;
	const struct nlattr *nla;
	bool has_local = false, has_peer = false;
	int err;

	if (header->ifa_family != AF_INET)
		return -ENOMSG;
	if (header->ifa_prefixlen > 32)
		return decode_refuse(reason, "address: prefix length is over 32");
	if (!header->ifa_index || header->ifa_index > INT32_MAX)
		return decode_refuse(reason, "address: interface index is not positive");
	memset(address, 0, sizeof(*address));
	address->ifindex = header->ifa_index;
	address->prefix_len = header->ifa_prefixlen;
	attr_walk_message(&walk, nlh, sizeof(*header));
	while ((err = attr_next(&walk, &nla, reason)) > 0) {
		if (attr_type(nla) == IFA_ADDRESS) {
			address->peer = attr_u32(nla);
			has_peer = true;
		} else if (attr_type(nla) == IFA_LOCAL) {
			address->local = attr_u32(nla);
			has_local = true;
		}
	}
	if (err)
		return err;
	if (!has_peer)
		address->peer = address->local;
	return has_local ? 0 : decode_refuse(reason, "address: IFA_LOCAL is missing");
}
