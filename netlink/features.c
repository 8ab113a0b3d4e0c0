/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Asks what devices can do with XDP: notifications and dump of the generic netlink family `netdev`.
 */
#include "transport.h"
#include <errno.h>
#include <netlink/errno.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <stdlib.h>
#include "decode.h"
#include "netdev.h"
#include "netlink.h"

struct netlink_features {
	struct nl_sock *sk; /* notifications */
	uint16_t family;
	struct receiver rx;
	struct dumper dumper;
	struct event event;
};

/* Kernels before 6.3 do not know the family: that is an answer, not a failure. */
static int resolve_family(struct netlink_features *nf, int *ret_group)
{
	int family, group;

	family = genl_ctrl_resolve(nf->sk, NETDEV_FAMILY_NAME);
	if (family == -NLE_OBJ_NOTFOUND)
		return -EOPNOTSUPP;
	if (family < 0)
		return socket_error(family);
	group = genl_ctrl_resolve_grp(nf->sk, NETDEV_FAMILY_NAME, NETDEV_MCGRP_MGMT);
	if (group == -NLE_OBJ_NOTFOUND)
		return -EOPNOTSUPP;
	if (group < 0)
		return socket_error(group);
	nf->family = (uint16_t)family;
	*ret_group = group;
	return 0;
}

static int features_open(struct netlink_features *nf)
{
	int group = 0, err;

	err = socket_open(&nf->sk, NETLINK_GENERIC);
	if (err)
		return err;
	err = resolve_family(nf, &group);
	if (err)
		return err;
	err = socket_error(nl_socket_set_nonblocking(nf->sk));
	if (err)
		return err;
	err = receiver_init(&nf->rx, nl_socket_get_fd(nf->sk), 1, false);
	if (err)
		return err;
	err = socket_join(nf->sk, group);
	if (err)
		return err;
	return dumper_open(&nf->dumper, NETLINK_GENERIC);
}

int netlink_features_open(struct netlink_features **ret)
{
	struct netlink_features *nf = calloc(1, sizeof(*nf));
	int err;

	if (!nf)
		return -ENOMEM;
	err = features_open(nf);
	if (err) {
		netlink_features_close(nf);
		return err;
	}
	*ret = nf;
	return 0;
}

void netlink_features_close(struct netlink_features *nf)
{
	if (!nf)
		return;
	dumper_close(&nf->dumper);
	receiver_destroy(&nf->rx);
	nl_socket_free(nf->sk);
	free(nf);
}

int netlink_features_fd(const struct netlink_features *nf)
{
	return nl_socket_get_fd(nf->sk);
}

/* A message that does not decode is skipped: the device then counts as one without features. */
static int features_message(struct netlink_features *nf, const struct nlmsghdr *nlh, bool dump,
			    event_fn fn, void *ctx)
{
	const char *reason;

	if (decode_features(nlh, nlh->nlmsg_len, nf->family, &nf->event, &reason))
		return 0;
	if (dump)
		nf->event.op = EVENT_DUMP;
	return fn(ctx, &nf->event);
}

int netlink_features_receive(struct netlink_features *nf, event_fn fn, void *ctx)
{
	const struct nlmsghdr *nlh;
	int err, n = 0;

	do {
		while (receiver_message(&nf->rx, &nlh) > 0) {
			n++;
			err = features_message(nf, nlh, false, fn, ctx);
			if (err < 0)
				return err;
		}
		err = receiver_datagram(&nf->rx, 1);
	} while (err > 0);
	if (err != -ENOBUFS && err != -EMSGSIZE)
		return err ? err : n;
	receiver_drain(&nf->rx);
	return -ENOBUFS;
}

struct features_dump {
	struct netlink_features *nf;
	event_fn fn;
	void *ctx;
};

static int dump_message(void *arg, const struct nlmsghdr *nlh)
{
	struct features_dump *dump = arg;

	return features_message(dump->nf, nlh, true, dump->fn, dump->ctx);
}

int netlink_features_dump(struct netlink_features *nf, event_fn fn, void *ctx)
{
	struct features_dump dump = { nf, fn, ctx };
	struct nl_msg *request = nlmsg_alloc();
	int err = -ENOMEM;

	if (!request)
		return -ENOMEM;
	if (genlmsg_put(request, NL_AUTO_PORT, NL_AUTO_SEQ, nf->family, 0, NLM_F_DUMP,
			NETDEV_CMD_DEV_GET, NETDEV_FAMILY_VERSION))
		err = dumper_run(&nf->dumper, request, dump_message, &dump);
	nlmsg_free(request);
	return err;
}
