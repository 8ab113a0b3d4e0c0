// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does the kernel go on translating connections whose NAT rules are gone?
 *
 * What becomes of a connection was decided at its first packet. Later ones are translated by what conntrack knows,
 * as long as NAT is registered (one chain of type nat on whatever hook, or the legacy table nat, registers all
 * hooks of it: nf_nat_register_fn() in net/netfilter/nf_nat_core.c) and conntrack is on, which something else than
 * NAT may ask for (nf_ct_netns_get(): rules mostly). Without a NAT rule no connection joins these, so they
 * are looked for themselves: a host that tracks its own ones beside an empty table goes on.
 */
#include "guard_internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <netlink/attr.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { LOOK_MOST = 10000 }; /* connections, some 20 ms; more count as translated */

#define CONNTRACK_TYPE(type) (NFNL_SUBSYS_CTNETLINK << 8 | (type))

int guard_decode_connection(const struct nlmsghdr *nlh, bool *ret_translated)
{
	static const struct nla_policy policy[CTA_MAX + 1] = {
		[CTA_STATUS] = { .type = NLA_U32 },
	};
	struct nlattr *attrs[CTA_MAX + 1];

	if (nlh->nlmsg_type != CONNTRACK_TYPE(IPCTNL_MSG_CT_NEW))
		return -ENOMSG;
	if (!nlmsg_valid_hdr(nlh, sizeof(struct nfgenmsg)) ||
	    nla_parse(attrs, CTA_MAX, nlmsg_attrdata(nlh, sizeof(struct nfgenmsg)),
		      nlmsg_attrlen(nlh, sizeof(struct nfgenmsg)), policy) ||
	    !attrs[CTA_STATUS])
		return -EBADMSG;
	*ret_translated = ntohl(nla_get_u32(attrs[CTA_STATUS])) & IPS_NAT_MASK;
	return 0;
}

/* How many connections the namespace tracks, IPv6 included; INT_MAX: cannot be told. */
static int count_tracked(void)
{
	char text[32];
	ssize_t n;
	int fd;

	fd = open("/proc/sys/net/netfilter/nf_conntrack_count", O_RDONLY | O_CLOEXEC);
	if (fd < 0) /* a namespace of another user may have conntrack and not the file */
		return errno == ENOENT && access("/sys/module/nf_conntrack", F_OK) ? 0 : INT_MAX;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return INT_MAX;
	text[n] = '\0';
	return atoi(text);
}

bool guard_has_connections(void)
{
	return count_tracked() != 0;
}

static int on_connection(void *ctx, const struct nlmsghdr *nlh)
{
	bool *ret_any = ctx, translated = false;
	int err = guard_decode_connection(nlh, &translated);

	*ret_any |= translated;
	return err == -ENOMSG ? 0 : err;
}

/* Of IPv4 only. That the kernel cannot list them is an error, too. */
static int ask(struct guard *guard, bool *ret_any)
{
	struct nfgenmsg head = { .nfgen_family = NFPROTO_IPV4, .version = NFNETLINK_V0 };
	struct nl_msg *msg = nlmsg_alloc_simple(CONNTRACK_TYPE(IPCTNL_MSG_CT_GET), NLM_F_DUMP);
	int err = -ENOMEM;

	if (msg && !nlmsg_append(msg, &head, sizeof(head), NLMSG_ALIGNTO))
		err = dumper_run(&guard->nft.dumper, msg, on_connection, ret_any);
	nlmsg_free(msg);
	return err;
}

int guard_look_nat(struct guard *guard, const char *nat, bool tracks, struct guard_finding *ret)
{
	int count = count_tracked(), err = 0;

	if (!count)
		return 0;
	if (!tracks && guard->nft.events)
		err = guard_nft_tracks(guard, &tracks);
	if (err || !tracks)
		return err;
	if (count > LOOK_MOST || !guard->nft.events)
		ret->found = true;
	else
		err = ask(guard, &ret->found);
	if (ret->found)
		snprintf(ret->detail, sizeof(ret->detail),
			 "NAT: connections may still be translated (%s)", nat);
	return err;
}
