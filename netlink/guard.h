/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Is there a firewall or an IPsec policy that has to see forwarded IPv4 packets?
 *
 * XDP runs before netfilter and xfrm, so the fast path steps aside while the answer is yes. Asked
 * are nftables, the tables of legacy iptables that exist already, the services of IPVS, and the IPsec
 * policy database of one network namespace. What cannot be told counts as "yes". Returns errors, never logs.
 */
#ifndef EBPF_ROUTE_GUARD_H
#define EBPF_ROUTE_GUARD_H

#include <stdbool.h>
#include <stdint.h>

struct guard;

struct guard_state {
	/*
	 * A base chain of family ip, inet, netdev or bridge on any hook but input and output has a
	 * rule or the policy drop; or there is a flowtable; or a legacy iptables table has a rule
	 * or another policy than ACCEPT in PREROUTING, FORWARD or POSTROUTING; or IPVS has a service
	 * that is not of IPv6. Tables that are dormant count as active. Or NAT is registered without a rule,
	 * conntrack may be on, and there is an IPv4 connection that was translated.
	 */
	bool netfilter;
	bool only_nat; /* of netfilter: the last of these is all */
	/* An IPv4 policy that is not of a single socket, or a default policy that blocks. */
	bool xfrm;
	uint32_t generation; /* of the nftables looked at: another one after every change */
	char detail[96]; /* what was found first: "nftables: chain inet filter forward has rules" */
};

enum { GUARD_FDS_MAX = 2 };

/*
 * Opens the sockets in the current network namespace. -EPERM, -EMFILE ..; that the kernel has
 * neither nf_tables nor xfrm is no error. Opening may load nf_tables and xfrm_user where they are
 * modules, which is needed to hear of rules; legacy iptables is never loaded.
 */
int guard_open(struct guard **ret);
void guard_close(struct guard *guard); /* NULL is fine */

/*
 * Has the kernel come to know nf_tables or xfrm since the guard was opened, by a module that was loaded? Another
 * one has to be opened then. Cheap; loads nothing.
 */
bool guard_is_outdated(const struct guard *guard);

/* Does IPVS have a service that forwarded IPv4 packets may belong to? Nothing announces it. Cheap. */
bool guard_has_ipvs(struct guard *guard);

/*
 * Does the namespace track any connection, of whatever family? With the last of them guard_state.only_nat ends; nothing
 * announces it. Cheap.
 */
bool guard_has_connections(void);

/* The notification sockets, for poll(); readable means that guard_check() has work. Their number. */
unsigned int guard_fds(const struct guard *guard, int fds[GUARD_FDS_MAX]);

/*
 * Empties the notification sockets and asks the kernel. There is always an answer: a question that
 * failed counts as "yes", and detail says why. Legacy iptables announces nothing: call it when its
 * tables may have changed, and now and then as well; and when guard_has_ipvs() says something else.
 */
void guard_check(struct guard *guard, struct guard_state *ret);

#endif
