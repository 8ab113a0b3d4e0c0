/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Decodes device features (generic netlink family `netdev`).
 */
#include <linux/genetlink.h>
#include "decode.h"
#include "netdev.h"

static const struct attr_policy features_policy[] = {
	ATTR_POLICY("features", NETDEV_A_DEV_IFINDEX, 4, 4),
	ATTR_POLICY("features", NETDEV_A_DEV_XDP_FEATURES, 8, 8),
};

int decode_features(const struct nlmsghdr *nlh, size_t len, uint16_t family, struct event *ev,
		    const char **reason)
{
	struct attr_walk walk = ATTR_WALK(features_policy, "features: an attribute is cut off");
	const struct genlmsghdr *header = NLMSG_DATA(nlh);
	struct event_features *features = &ev->features;
	const struct nlattr *nla;
	int err;

	if (len < NLMSG_HDRLEN || nlh->nlmsg_len < NLMSG_HDRLEN)
		return decode_refuse(reason, "message: header is short");
	if (nlh->nlmsg_len > len)
		return decode_refuse(reason, "message: cut off");
	if (nlh->nlmsg_type != family)
		return -ENOMSG;
	if (nlh->nlmsg_len < NLMSG_HDRLEN + GENL_HDRLEN)
		return decode_refuse(reason, "features: message is short");
	if (header->cmd < NETDEV_CMD_DEV_GET || header->cmd > NETDEV_CMD_DEV_CHANGE_NTF)
		return -ENOMSG;
	ev->kind = EVENT_FEATURES;
	ev->op = header->cmd == NETDEV_CMD_DEV_DEL_NTF ? EVENT_DEL : EVENT_NEW;
	memset(features, 0, sizeof(*features));
	attr_walk_message(&walk, nlh, GENL_HDRLEN);
	while ((err = attr_next(&walk, &nla, reason)) > 0) {
		if (attr_type(nla) == NETDEV_A_DEV_IFINDEX)
			features->ifindex = attr_u32(nla);
		else if (attr_type(nla) == NETDEV_A_DEV_XDP_FEATURES)
			memcpy(&features->xdp_features, attr_data(nla), 8);
	}
	if (err)
		return err;
	if (!features->ifindex || features->ifindex > INT32_MAX)
		return decode_refuse(reason,
				     "features: NETDEV_A_DEV_IFINDEX is missing or invalid");
	return 0;
}
