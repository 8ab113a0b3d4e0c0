/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Dumps what the kernel has, object by object, each after what it refers to.
 */
#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/in_route.h>
#include <linux/neighbour.h>
#include <linux/netconf.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include "notify.h"

/* The fixed header of every request begins with the family; of the rest only flags are not zero. */
static const struct dump {
	uint16_t type;
	uint8_t family;
	uint8_t header;	   /* bytes */
	uint32_t ext_mask; /* IFLA_EXT_MASK, 0: none */
	uint32_t rtm_flags;
	bool optional; /* kernels without it exist */
} dumps[] = {
	{ .type = RTM_GETLINK,
	  .header = sizeof(struct ifinfomsg),
	  .ext_mask = RTEXT_FILTER_SKIP_STATS },
	{ .type = RTM_GETNETCONF, .family = AF_INET, .header = sizeof(struct netconfmsg) },
	{ .type = RTM_GETADDR, .family = AF_INET, .header = sizeof(struct ifaddrmsg) },
	{ .type = RTM_GETRULE,
	  .family = AF_INET,
	  .header = sizeof(struct fib_rule_hdr),
	  .optional = true },
	{ .type = RTM_GETNEXTHOP, .header = sizeof(struct nhmsg), .optional = true },
	{ .type = RTM_GETNEIGH, .family = AF_INET, .header = sizeof(struct ndmsg) },
	{ .type = RTM_GETNEIGH, .family = AF_INET6, .header = sizeof(struct ndmsg) },
	{ .type = RTM_GETROUTE, .family = AF_INET, .header = sizeof(struct rtmsg) },
};

/*
 * What was learnt beside the routes, which is all that the flag brings under strict checks
 * (ip_valid_fib_dump_req() in net/ipv4/fib_frontend.c).
 */
static const struct dump exceptions = { .type = RTM_GETROUTE,
					.family = AF_INET,
					.header = sizeof(struct rtmsg),
					.rtm_flags = RTM_F_CLONED };

struct dump_context {
	struct netlink *nl;
	event_fn fn;
	void *ctx;
};

static int dump_message(void *arg, const struct nlmsghdr *nlh)
{
	struct dump_context *context = arg;
	struct netlink *nl = context->nl;
	const char *reason;
	int err;

	err = netlink_decode(nlh, nlh->nlmsg_len, &nl->event, &reason);
	if (err == -EBADMSG)
		netlink_refuse(nl, reason);
	if (err)
		return 0;
	nl->event.op = EVENT_DUMP;
	return context->fn(context->ctx, &nl->event);
}

static struct nl_msg *dump_request(const struct dump *dump)
{
	struct nl_msg *request = nlmsg_alloc_simple(dump->type, NLM_F_DUMP);
	uint8_t *header;

	if (!request)
		return NULL;
	header = nlmsg_reserve(request, dump->header, NLMSG_ALIGNTO);
	if (!header)
		goto fail;
	memset(header, 0, dump->header);
	header[0] = dump->family;
	if (dump->rtm_flags)
		((struct rtmsg *)header)->rtm_flags = dump->rtm_flags;
	if (dump->ext_mask && nla_put_u32(request, IFLA_EXT_MASK, dump->ext_mask) < 0)
		goto fail;
	return request;
fail:
	nlmsg_free(request);
	return NULL;
}

static bool is_unknown(const struct dump *dump, int err)
{
	return dump->optional && (err == -EOPNOTSUPP || err == -EINVAL || err == -EAFNOSUPPORT);
}

int netlink_dump(struct netlink *nl, event_fn fn, void *ctx)
{
	struct dump_context context = { nl, fn, ctx };

	for (size_t i = 0; i < sizeof(dumps) / sizeof(dumps[0]); i++) {
		struct nl_msg *request = dump_request(&dumps[i]);
		int err;

		if (!request)
			return -ENOMEM;
		err = dumper_run(&nl->dumper, request, dump_message, &context);
		nlmsg_free(request);
		if (err && !is_unknown(&dumps[i], err))
			return err;
	}
	return 0;
}

static int exception_message(void *arg, const struct nlmsghdr *nlh)
{
	const struct rtmsg *route = NLMSG_DATA(nlh);
	bool *redirected = arg;

	if (nlh->nlmsg_type == RTM_NEWROUTE && nlh->nlmsg_len >= NLMSG_LENGTH(sizeof(*route)) &&
	    route->rtm_flags & RTCF_REDIRECTED)
		*redirected = true;
	return 0;
}

int netlink_dump_redirected(struct netlink *nl, bool *ret)
{
	struct nl_msg *request = dump_request(&exceptions);
	bool redirected = false;
	int err;

	if (!request)
		return -ENOMEM;
	err = dumper_run(&nl->dumper, request, exception_message, &redirected);
	nlmsg_free(request);
	if (!err)
		*ret = redirected;
	return err;
}
