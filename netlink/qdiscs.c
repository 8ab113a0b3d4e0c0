// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dumps qdiscs, and hears of changes of qdiscs and filters. Of what is announced only that it happened
 * matters: the dumps say the rest.
 */
#include "qdiscs.h"

#include <errno.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <stdlib.h>
#include <string.h>
#include "transport.h"

enum { DRAIN_SLOTS = 4 };

struct netlink_qdiscs {
	struct dumper dumper;
	struct nl_sock *events;
	struct receiver rx;
};

static int open_sockets(struct netlink_qdiscs *q)
{
	int err = socket_open(&q->events, NETLINK_ROUTE);

	if (!err)
		err = receiver_init(&q->rx, nl_socket_get_fd(q->events), DRAIN_SLOTS, false);
	if (!err)
		err = socket_join(q->events, RTNLGRP_TC);
	return err ? err : dumper_open(&q->dumper, NETLINK_ROUTE);
}

int netlink_qdiscs_open(struct netlink_qdiscs **ret)
{
	struct netlink_qdiscs *q = calloc(1, sizeof(*q));
	int err;

	if (!q)
		return -ENOMEM;
	err = open_sockets(q);
	if (err) {
		netlink_qdiscs_close(q);
		return err;
	}
	*ret = q;
	return 0;
}

void netlink_qdiscs_close(struct netlink_qdiscs *q)
{
	if (!q)
		return;
	dumper_close(&q->dumper);
	receiver_destroy(&q->rx);
	nl_socket_free(q->events);
	free(q);
}

int netlink_qdiscs_fd(const struct netlink_qdiscs *q)
{
	return nl_socket_get_fd(q->events);
}

void netlink_qdiscs_drain(struct netlink_qdiscs *q)
{
	receiver_drain(&q->rx);
}

struct qdiscs_dump {
	qdisc_fn fn;
	void *ctx;
};

static int on_qdisc(void *ctx, const struct nlmsghdr *nlh)
{
	static const struct nla_policy policy[TCA_MAX + 1] = {
		[TCA_KIND] = { .type = NLA_STRING },
	};
	const struct qdiscs_dump *dump = ctx;
	const struct tcmsg *head = nlmsg_data(nlh);
	struct nlattr *attrs[TCA_MAX + 1];
	struct qdisc qdisc;

	if (nlh->nlmsg_type != RTM_NEWQDISC)
		return 0;
	if (nlmsg_parse((struct nlmsghdr *)nlh, sizeof(*head), attrs, TCA_MAX, policy) ||
	    !attrs[TCA_KIND])
		return -EBADMSG;
	qdisc = (struct qdisc){
		.ifindex = (uint32_t)head->tcm_ifindex,
		.place = head->tcm_parent == TC_H_ROOT	   ? QDISC_ROOT
			 : head->tcm_parent == TC_H_CLSACT ? QDISC_FILTERS
							   : QDISC_INNER,
		.by_kernel = !TC_H_MAJ(head->tcm_handle),
	};
	nla_strlcpy(qdisc.kind, attrs[TCA_KIND], sizeof(qdisc.kind));
	return dump->fn(dump->ctx, &qdisc);
}

int netlink_qdiscs_dump(struct netlink_qdiscs *q, qdisc_fn fn, void *ctx)
{
	struct tcmsg head = { .tcm_family = AF_UNSPEC };
	struct qdiscs_dump dump = { fn, ctx };
	struct nl_msg *request = nlmsg_alloc_simple(RTM_GETQDISC, NLM_F_DUMP);
	int err = -ENOMEM;

	if (request && !nlmsg_append(request, &head, sizeof(head), NLMSG_ALIGNTO))
		err = dumper_run(&q->dumper, request, on_qdisc, &dump);
	nlmsg_free(request);
	return err;
}
