/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Decodes links (RTM_NEWLINK, RTM_DELLINK).
 *
 * Bridges report their ports, and wireless drivers their scans, in the same messages: those carry
 * another family or no name, and say nothing about the link itself.
 */
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include "decode.h"

#define LINK_ADDR_MAX 32 /* MAX_ADDR_LEN of the kernel */

static const struct attr_policy link_policy[] = {
	ATTR_POLICY("link", IFLA_ADDRESS, 0, LINK_ADDR_MAX),
	ATTR_POLICY("link", IFLA_IFNAME, 2, IFNAMSIZ),
	ATTR_POLICY("link", IFLA_MTU, 4, 4),
	ATTR_POLICY("link", IFLA_LINK, 4, 4),
	ATTR_POLICY("link", IFLA_MASTER, 4, 4),
	ATTR_POLICY("link", IFLA_LINKINFO, 0, ATTR_ANY),
};

static const struct attr_policy info_policy[] = {
	ATTR_POLICY("link", IFLA_INFO_KIND, 1, ATTR_ANY),
	ATTR_POLICY("link", IFLA_INFO_DATA, 0, ATTR_ANY),
};

static const struct attr_policy macvlan_policy[] = {
	ATTR_POLICY("link", IFLA_MACVLAN_MODE, 4, 4),
};

/* The attributes of macvlan, which macvtap has, too. */
static int decode_macvlan(const struct nlattr *data, struct event_link *link, const char **reason)
{
	struct attr_walk walk = ATTR_WALK(macvlan_policy, "link: IFLA_INFO_DATA is cut off");
	const struct nlattr *nla;
	int err;

	attr_walk_nested(&walk, data);
	while ((err = attr_next(&walk, &nla, reason)) > 0)
		if (attr_type(nla) == IFLA_MACVLAN_MODE)
			link->macvlan_mode = attr_u32(nla);
	return err;
}

static bool is_macvlan(const struct event_link *link)
{
	return strncmp(link->kind, "macvlan", sizeof(link->kind)) == 0 ||
	       strncmp(link->kind, "macvtap", sizeof(link->kind)) == 0;
}

/* A kind that does not fit is cut: nobody compares with a name that long. */
static int decode_link_info(const struct nlattr *info, struct event_link *link, const char **reason)
{
	struct attr_walk walk = ATTR_WALK(info_policy, "link: IFLA_LINKINFO is cut off");
	const struct nlattr *nla, *data = NULL;
	int err;

	attr_walk_nested(&walk, info);
	while ((err = attr_next(&walk, &nla, reason)) > 0) {
		size_t len = attr_len(nla);

		if (attr_type(nla) == IFLA_INFO_DATA)
			data = nla;
		if (attr_type(nla) != IFLA_INFO_KIND)
			continue;
		if (len >= sizeof(link->kind))
			len = sizeof(link->kind) - 1;
		memset(link->kind, 0, sizeof(link->kind));
		memcpy(link->kind, attr_data(nla), strnlen(attr_data(nla), len));
	}
	return !err && data && is_macvlan(link) ? decode_macvlan(data, link, reason) : err;
}

static int decode_link_attribute(const struct nlattr *nla, struct event_link *link,
				 const char **reason)
{
	switch (attr_type(nla)) {
	case IFLA_ADDRESS:
		link->mac_len = attr_len(nla) == sizeof(link->mac) ? sizeof(link->mac) : 0;
		memcpy(link->mac, attr_data(nla), link->mac_len);
		return 0;
	case IFLA_IFNAME:
		memset(link->name, 0, sizeof(link->name));
		if (!attr_string(nla, link->name, sizeof(link->name)))
			return decode_refuse(reason, "link: IFLA_IFNAME is not terminated");
		if (!link->name[0])
			return decode_refuse(reason, "link: IFLA_IFNAME is empty");
		return 0;
	case IFLA_MTU:
		link->mtu = attr_u32(nla);
		return 0;
	case IFLA_LINK:
		link->lower = attr_u32(nla);
		return 0;
	case IFLA_MASTER:
		link->master = attr_u32(nla);
		return 0;
	case IFLA_LINKINFO:
		return decode_link_info(nla, link, reason);
	default:
		return 0;
	}
}

int decode_link(const struct nlmsghdr *nlh, struct event *ev, const char **reason)
{
	struct attr_walk walk = ATTR_WALK(link_policy, "link: an attribute is cut off");
	const struct ifinfomsg *header = NLMSG_DATA(nlh);
	struct event_link *link = &ev->link;
	const struct nlattr *nla;
	bool has_mtu = false, is_elsewhere = false;
	int err;

	if (header->ifi_family != AF_UNSPEC)
		return -ENOMSG;
	if (header->ifi_index <= 0)
		return decode_refuse(reason, "link: interface index is not positive");
	memset(link, 0, sizeof(*link));
	link->ifindex = (uint32_t)header->ifi_index;
	link->flags = header->ifi_flags;
	link->type = header->ifi_type;
	attr_walk_message(&walk, nlh, sizeof(*header));
	while ((err = attr_next(&walk, &nla, reason)) > 0) {
		err = decode_link_attribute(nla, link, reason);
		if (err)
			return err;
		has_mtu = has_mtu || attr_type(nla) == IFLA_MTU;
		is_elsewhere = is_elsewhere || attr_type(nla) == IFLA_LINK_NETNSID;
	}
	/* The other namespace's numbers mean nothing here. */
	if (is_elsewhere)
		link->lower = 0;
	if (err || nlh->nlmsg_type == RTM_DELLINK)
		return err;
	if (!link->name[0])
		return -ENOMSG;
	return has_mtu ? 0 : decode_refuse(reason, "link: IFLA_MTU is missing");
}
