/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Decodes the IPv4 settings of devices (RTM_NEWNETCONF, RTM_DELNETCONF). A notification names only
 * what has changed.
 */
#include <linux/netconf.h>
#include "decode.h"

static const struct attr_policy netconf_policy[] = {
	ATTR_POLICY("netconf", NETCONFA_IFINDEX, 4, 4),
	ATTR_POLICY("netconf", NETCONFA_FORWARDING, 4, 4),
	ATTR_POLICY("netconf", NETCONFA_RP_FILTER, 4, 4),
	ATTR_POLICY("netconf", NETCONFA_IGNORE_ROUTES_WITH_LINKDOWN, 4, 4),
};

int decode_netconf(const struct nlmsghdr *nlh, struct event *ev, const char **reason)
{
	struct attr_walk walk = ATTR_WALK(netconf_policy, "netconf: an attribute is cut off");
	const struct netconfmsg *header = NLMSG_DATA(nlh);
	struct event_netconf *netconf = &ev->netconf;
	const struct nlattr *nla;
	int err;

	if (header->ncm_family != AF_INET)
		return -ENOMSG;
	*netconf = (struct event_netconf){ 0, -1, -1, -1 };
	attr_walk_message(&walk, nlh, sizeof(*header));
	while ((err = attr_next(&walk, &nla, reason)) > 0) {
		switch (attr_type(nla)) {
		case NETCONFA_IFINDEX:
			netconf->ifindex = (int32_t)attr_u32(nla);
			break;
		case NETCONFA_FORWARDING:
			netconf->forwarding = (int32_t)attr_u32(nla);
			break;
		case NETCONFA_RP_FILTER:
			netconf->rp_filter = (int32_t)attr_u32(nla);
			break;
		case NETCONFA_IGNORE_ROUTES_WITH_LINKDOWN:
			netconf->ignore_linkdown = (int32_t)attr_u32(nla);
			break;
		}
	}
	if (err)
		return err;
	if (!netconf->ifindex || netconf->ifindex < NETCONFA_IFINDEX_DEFAULT)
		return decode_refuse(reason, "netconf: NETCONFA_IFINDEX is missing or invalid");
	return 0;
}
