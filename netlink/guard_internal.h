/* SPDX-License-Identifier: GPL-2.0-only */
/* What guard*.c share: the sockets, one way to ask over netlink, and the pure decoders. */
#ifndef EBPF_ROUTE_GUARD_INTERNAL_H
#define EBPF_ROUTE_GUARD_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "guard.h"
#include "transport.h"

/* One netlink protocol: notifications and questions. No events: the kernel does not know it. */
struct guard_channel {
	struct nl_sock *events;
	struct receiver rx;
	struct dumper dumper;
};

struct guard {
	struct guard_channel nft, xfrm;
	int xtables_fd; /* any IPv4 socket: legacy iptables answers to getsockopt() */
	int names_fd;	/* /proc/net/ip_tables_names, -1: not there */
};

struct guard_finding {
	bool found;
	uint32_t generation; /* nftables: at the look */
	char detail[sizeof((struct guard_state){ 0 }.detail)];
};

/* One look each: 0, or -errno where it cannot be told. */
int guard_look_nft(struct guard *guard, struct guard_finding *ret);
int guard_look_xtables(struct guard *guard, struct guard_finding *ret);
int guard_look_ipvs(struct guard *guard, struct guard_finding *ret);
int guard_look_xfrm(struct guard *guard, struct guard_finding *ret);

/* A chain of nftables, as far as it matters here; the strings point into the message. */
struct guard_chain {
	const char *table, *name;
	uint8_t family;	 /* NFPROTO_ */
	bool base;	 /* the rest is of base chains only */
	uint32_t hook;	 /* NF_INET_, NF_NETDEV_ or NF_BR_, by family */
	uint32_t policy; /* NF_ACCEPT, NF_DROP */
	uint32_t use;
};

/* Pure. 0, -ENOMSG: no chain, -EBADMSG. */
int guard_decode_chain(const struct nlmsghdr *nlh, struct guard_chain *ret);
/* Pure. Of an answer to NFT_MSG_GETGEN; -ENOMSG, -EBADMSG as above. */
int guard_decode_generation(const struct nlmsghdr *nlh, uint32_t *ret);
/* As guard_decode_chain(), of a flowtable: family, table and name. */
int guard_decode_flowtable(const struct nlmsghdr *nlh, struct guard_chain *ret);

/* Do forwarded IPv4 packets pass the hook? Families and hooks that are not known here count. */
bool guard_chain_concerns(const struct guard_chain *chain);

/* Pure. Of a dump of policies: does this one concern forwarded IPv4? -ENOMSG, -EBADMSG as above. */
int guard_decode_policy(const struct nlmsghdr *nlh, bool *ret_concerns);
/* The same of the default policies: does one of them block? */
int guard_decode_default(const struct nlmsghdr *nlh, bool *ret_blocks);

/*
 * Pure. A line of /proc/net/ip_vs: is it a service that forwarded IPv4 packets may belong to? Then its name is in
 * `name`: "TCP 192.0.2.1:80", "mark 7". Lines that are not known here count.
 */
bool guard_decode_ipvs(const char *line, char *name, size_t size);

struct ipt_getinfo;
/*
 * Pure. The first hook of a legacy table that has rules or drops by policy ("FORWARD has rules"),
 * NULL: none. `entries` are the info->size bytes of the table. -EBADMSG.
 */
int guard_decode_xtables(const struct ipt_getinfo *info, const void *entries,
			 const char **ret_finding);

#endif
