// SPDX-License-Identifier: GPL-2.0-only
/* Asks for one device (RTM_GETLINK), without its statistics, what XDP programs it has. */
#include "xdp.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include "transport.h"

static int on_link(void *ctx, const struct nlmsghdr *nlh)
{
	static const struct nla_policy policy[IFLA_XDP_MAX + 1] = {
		[IFLA_XDP_ATTACHED] = { .type = NLA_U8 },
		[IFLA_XDP_DRV_PROG_ID] = { .type = NLA_U32 },
		[IFLA_XDP_SKB_PROG_ID] = { .type = NLA_U32 },
	};
	struct nlattr *attrs[IFLA_XDP_MAX + 1], *xdp;
	struct xdp_programs *ret = ctx;

	if (nlh->nlmsg_type != RTM_NEWLINK || !nlmsg_valid_hdr(nlh, sizeof(struct ifinfomsg)))
		return -EBADMSG;
	xdp = nlmsg_find_attr((struct nlmsghdr *)nlh, sizeof(struct ifinfomsg), IFLA_XDP);
	if (!xdp)
		return 0;
	if (nla_parse_nested(attrs, IFLA_XDP_MAX, xdp, policy))
		return -EBADMSG;
	ret->any = attrs[IFLA_XDP_ATTACHED] &&
		   nla_get_u8(attrs[IFLA_XDP_ATTACHED]) != XDP_ATTACHED_NONE;
	if (attrs[IFLA_XDP_DRV_PROG_ID])
		ret->native = nla_get_u32(attrs[IFLA_XDP_DRV_PROG_ID]);
	if (attrs[IFLA_XDP_SKB_PROG_ID])
		ret->generic = nla_get_u32(attrs[IFLA_XDP_SKB_PROG_ID]);
	return 0;
}

int netlink_xdp_programs(uint32_t ifindex, struct xdp_programs *ret)
{
	struct nl_msg *request = nlmsg_alloc_simple(RTM_GETLINK, NLM_F_REQUEST);
	const struct ifinfomsg head = { .ifi_index = (int)ifindex };
	struct dumper dumper;
	int err;

	*ret = (struct xdp_programs){ 0 };
	if (!request || nlmsg_append(request, (void *)&head, sizeof(head), NLMSG_ALIGNTO) ||
	    nla_put_u32(request, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS)) {
		nlmsg_free(request);
		return -ENOMEM;
	}
	err = dumper_open(&dumper, NETLINK_ROUTE);
	if (!err) {
		err = dumper_run(&dumper, request, on_link, ret);
		dumper_close(&dumper);
	}
	nlmsg_free(request);
	return err;
}
