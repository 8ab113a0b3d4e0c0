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
	/* Where nothing was found. What has NAT registered without a rule for these: "chain ip nat post", "" none. */
	char nat[64];
	bool tracks; /* legacy iptables: a rule by which conntrack may be on */
	char detail[sizeof((struct guard_state){ 0 }.detail)];
};

/* One look each: 0, or -errno where it cannot be told. */
int guard_look_nft(struct guard *guard, struct guard_finding *ret);
int guard_look_xtables(struct guard *guard, struct guard_finding *ret);
/* `nat`: of a finding, for the detail. `tracks`: conntrack may be on whatever nftables has. */
int guard_look_nat(struct guard *guard, const char *nat, bool tracks, struct guard_finding *ret);
int guard_look_ipvs(struct guard *guard, struct guard_finding *ret);
int guard_look_xfrm(struct guard *guard, struct guard_finding *ret);

/* A chain of nftables, as far as it matters here; the strings point into the message. */
struct guard_chain {
	const char *table, *name;
	uint8_t family;	 /* NFPROTO_ */
	uint32_t use;	 /* rules, and jumps to it */
	bool base;	 /* the rest is of base chains only */
	bool nat;	 /* of type nat */
	uint32_t hook;	 /* NF_INET_, NF_NETDEV_ or NF_BR_, by family */
	uint32_t policy; /* NF_ACCEPT, NF_DROP */
};

/* Pure. 0, -ENOMSG: no chain, -EBADMSG. */
int guard_decode_chain(const struct nlmsghdr *nlh, struct guard_chain *ret);
/* Pure. Of an answer to NFT_MSG_GETGEN; -ENOMSG, -EBADMSG as above. */
int guard_decode_generation(const struct nlmsghdr *nlh, uint32_t *ret);
/* As guard_decode_chain(), of a flowtable: family, table and name. */
int guard_decode_flowtable(const struct nlmsghdr *nlh, struct guard_chain *ret);

/* Do forwarded IPv4 packets pass the hook? Families and hooks that are not known here count. */
bool guard_chain_concerns(const struct guard_chain *chain);

/* Pure. A rule of nftables by which conntrack may be on for IPv4; what is not understood counts. */
bool guard_rule_tracks(const struct nlmsghdr *nlh);
/* Has nftables, on whatever hook, something by which conntrack may be on for IPv4? 0 or -errno. */
int guard_nft_tracks(struct guard *guard, bool *ret_tracks);
/* Does it register NAT for IPv4, on whatever hook? */
bool guard_chain_is_nat(const struct guard_chain *chain);

/* Pure. Of a dump of tracked connections: does NAT change its packets? -ENOMSG, -EBADMSG as above. */
int guard_decode_connection(const struct nlmsghdr *nlh, bool *ret_translated);

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
 * Pure. Has the table a rule, on whatever hook, by which conntrack may be on? One with a match or with another target
 * than a verdict; what is not understood counts.
 */
bool guard_table_tracks(const struct ipt_getinfo *info, const void *entries);
/*
 * Pure. The first hook of a legacy table that has rules or drops by policy ("FORWARD has rules"),
 * NULL: none. `entries` are the info->size bytes of the table. -EBADMSG.
 */
int guard_decode_xtables(const struct ipt_getinfo *info, const void *entries,
			 const char **ret_finding);

#endif
