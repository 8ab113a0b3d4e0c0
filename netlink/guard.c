// SPDX-License-Identifier: GPL-2.0-only
/* The sockets of a guard, one question over netlink, and the answer put together. */
#include "guard_internal.h"

#include <ctype.h>
#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/xfrm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { DRAIN_SLOTS = 4 };

static void close_channel(struct guard_channel *channel)
{
	dumper_close(&channel->dumper);
	receiver_destroy(&channel->rx);
	nl_socket_free(channel->events);
	channel->events = NULL;
}

/* Complete or, where the kernel does not know the protocol, empty; cleaned up by guard_close(). */
static int open_channel(struct guard_channel *channel, int protocol, int group)
{
	int err = socket_open(&channel->events, protocol);

	if (err == -EPROTONOSUPPORT)
		return 0;
	if (!err)
		err = socket_join(channel->events, group);
	if (!err)
		err = receiver_init(&channel->rx, nl_socket_get_fd(channel->events), DRAIN_SLOTS,
				    false);
	return err ? err : dumper_open(&channel->dumper, protocol);
}

int guard_open(struct guard **ret)
{
	struct guard *guard = calloc(1, sizeof(*guard));
	int err;

	if (!guard)
		return -ENOMEM;
	guard->names_fd = -1;
	guard->xtables_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	err = guard->xtables_fd < 0 ? -errno : 0;
	if (!err)
		err = open_channel(&guard->nft, NETLINK_NETFILTER, NFNLGRP_NFTABLES);
	if (!err)
		err = open_channel(&guard->xfrm, NETLINK_XFRM, XFRMNLGRP_POLICY);
	if (err)
		guard_close(guard);
	else
		*ret = guard;
	return err;
}

void guard_close(struct guard *guard)
{
	if (!guard)
		return;
	close_channel(&guard->nft);
	close_channel(&guard->xfrm);
	if (guard->xtables_fd >= 0)
		close(guard->xtables_fd);
	if (guard->names_fd >= 0)
		close(guard->names_fd);
	free(guard);
}

/* Opening a socket would tell as well, but have the kernel look for the module each time. */
static bool is_loaded(const char *module)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/module/%s", module);
	return access(path, F_OK) == 0;
}

bool guard_is_outdated(const struct guard *guard)
{
	return (!guard->nft.events && is_loaded("nfnetlink")) ||
	       (!guard->xfrm.events && is_loaded("xfrm_user"));
}

unsigned int guard_fds(const struct guard *guard, int fds[GUARD_FDS_MAX])
{
	unsigned int n = 0;

	if (guard->nft.events)
		fds[n++] = nl_socket_get_fd(guard->nft.events);
	if (guard->xfrm.events)
		fds[n++] = nl_socket_get_fd(guard->xfrm.events);
	return n;
}

/* What notifications say does not matter, only that there were some; lost ones are some, too. */
static void drain(struct guard_channel *channel)
{
	if (channel->events)
		receiver_drain(&channel->rx);
}

/* Names in it were chosen by whoever owns the namespace: nothing that could forge a line. */
static void make_printable(char *text)
{
	for (; *text; text++)
		if (!isprint((unsigned char)*text))
			*text = '?';
}

static void cannot_be_read(struct guard_finding *ret, const char *object, int err)
{
	ret->found = true;
	snprintf(ret->detail, sizeof(ret->detail), "%s: cannot be read: %s", object,
		 err == -EAGAIN ? "changes all the time" : strerror(-err));
}

static struct guard_finding look(struct guard *guard, const char *object,
				 int (*fn)(struct guard *guard, struct guard_finding *ret))
{
	struct guard_finding finding = { 0 };
	int err = fn(guard, &finding);

	if (err)
		cannot_be_read(&finding, object, err);
	make_printable(finding.detail);
	return finding;
}

/* Of translated connections, where the kernel may go on with them though their rules are gone. */
static void look_nat(struct guard *guard, const struct guard_finding *nft,
		     const struct guard_finding *xtables, struct guard_finding *ret)
{
	const char *nat = nft->nat[0] ? nft->nat : xtables->nat;
	int err;

	*ret = (struct guard_finding){ 0 };
	if (!nat[0])
		return;
	err = guard_look_nat(guard, nat, xtables->tracks, ret);
	if (err)
		cannot_be_read(ret, "connections", err);
	make_printable(ret->detail);
}

void guard_check(struct guard *guard, struct guard_state *ret)
{
	struct guard_finding nft, netfilter, xfrm, nat = { 0 };

	/* Before the questions, so that a change after the answer is announced again. */
	drain(&guard->nft);
	drain(&guard->xfrm);
	netfilter = nft = look(guard, "nftables", guard_look_nft);
	if (!netfilter.found) {
		netfilter = look(guard, "iptables", guard_look_xtables);
		if (!netfilter.found)
			look_nat(guard, &nft, &netfilter, &nat);
	}
	if (!netfilter.found)
		netfilter = look(guard, "ipvs", guard_look_ipvs);
	if (!netfilter.found)
		netfilter = nat;
	xfrm = look(guard, "xfrm", guard_look_xfrm);
	*ret = (struct guard_state){ .netfilter = netfilter.found,
				     .xfrm = xfrm.found,
				     .only_nat = nat.found && netfilter.found,
				     .generation = nft.generation };
	snprintf(ret->detail, sizeof(ret->detail), "%s",
		 netfilter.found ? netfilter.detail : xfrm.detail);
}
