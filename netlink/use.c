// SPDX-License-Identifier: GPL-2.0-only
/* Tells the kernel of neighbours in use: what goes by XDP it does not see. */
#include <errno.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include "netlink.h"
#include "notify.h"
#include "transport.h"

/* An entry that went meanwhile is answered by an error, which tells nothing new. */
static void discard_answers(struct nl_sock *sk)
{
	char buffer[512];

	while (recv(nl_socket_get_fd(sk), buffer, sizeof(buffer), MSG_DONTWAIT | MSG_TRUNC) > 0)
		;
}

static struct nl_msg *use_message(uint32_t ifindex, const struct addr *addr, int flags)
{
	struct ndmsg header = {
		.ndm_family = addr->family,
		.ndm_ifindex = (int)ifindex,
		.ndm_flags = NTF_USE,
	};
	struct nl_msg *msg = nlmsg_alloc_simple(RTM_NEWNEIGH, NLM_F_REQUEST | flags);

	if (!msg)
		return NULL;
	if (nlmsg_append(msg, &header, sizeof(header), NLMSG_ALIGNTO) ||
	    nla_put(msg, NDA_DST, addr->family == AF_INET ? 4 : 16, addr->v6)) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

static int send_use(struct netlink *nl, uint32_t ifindex, const struct addr *addr, int flags)
{
	struct nl_msg *msg;
	int err = nl->requests ? 0 : socket_open(&nl->requests, NETLINK_ROUTE);

	if (err)
		return err;
	msg = use_message(ifindex, addr, flags);
	if (!msg)
		return -ENOMEM;
	nl_complete_msg(nl->requests, msg);
	nlmsg_hdr(msg)->nlmsg_flags &= (uint16_t)~NLM_F_ACK;
	err = nl_send(nl->requests, msg);
	nlmsg_free(msg);
	discard_answers(nl->requests);
	return err < 0 ? socket_error(err) : 0;
}

int netlink_use_neighbour(struct netlink *nl, uint32_t ifindex, const struct addr *addr)
{
	return send_use(nl, ifindex, addr, 0);
}

int netlink_ask_neighbour(struct netlink *nl, uint32_t ifindex, const struct addr *addr)
{
	return send_use(nl, ifindex, addr, NLM_F_CREATE);
}
