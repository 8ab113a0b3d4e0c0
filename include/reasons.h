/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What becomes of a packet: the verdicts, and the reasons for which the kernel gets it.
 *
 * One append-only X-macro, shared by the programs, the daemon, the command and the tests. Every
 * packet is counted under exactly one of these. The position is part of the kernel/user contract:
 * add at the end, never reorder.
 */
#ifndef EBPF_ROUTE_REASONS_H
#define EBPF_ROUTE_REASONS_H

/* X(name, meaning): the first two are final verdicts, all others mean "left to the kernel". */
#define VERDICTS(X)                                                                                \
	X(forwarded, "rewritten and handed to the egress interface")                               \
	X(dropped, "dropped as the route says (blackhole)")                                        \
	X(not_ipv4, "not an untagged Ethernet frame that carries IPv4")                            \
	X(malformed, "IPv4 header or length that the kernel would refuse")                         \
	X(ip_options, "IPv4 options")                                                              \
	X(ttl, "time to live 1 or 0")                                                              \
	X(not_our_mac, "destination MAC address is not this interface's")                          \
	X(multicast, "destination is a multicast group")                                           \
	X(broadcast, "destination is a broadcast address")                                         \
	X(local, "destination is an address of this machine")                                      \
	X(martian, "source or destination that may not appear on a wire, or our own source")       \
	X(rp_filter, "source fails the reverse path filter, or may fail it")                       \
	X(forwarding_off, "forwarding is off on the ingress interface, or it is enslaved")         \
	X(no_route, "no route to the destination")                                                 \
	X(no_neighbour, "next hop has no valid neighbour entry yet")                               \
	X(unreachable, "unreachable route: the kernel answers with ICMP")                          \
	X(prohibit, "prohibit route: the kernel answers with ICMP")                                \
	X(throw, "throw route: the lookup goes on with the next rule")                             \
	X(mtu, "longer than the MTU of the route or the egress interface")                         \
	X(hairpin, "egress is ingress: a user redirects, or an ICMP redirect would be sent")       \
	X(egress_down, "egress interface is down or has no carrier")                               \
	X(egress_no_xdp, "egress interface cannot transmit redirected frames")                     \
	X(unsupported_route, "route with a property that the fast path does not implement")        \
	X(policy_rule, "a policy rule decides that the fast path cannot follow")                   \
	X(netfilter, "the firewall has to see it")                                                 \
	X(xfrm, "IPsec policies have to see it")                                                   \
	X(table_full, "a table of the fast path is full")                                          \
	X(stale, "the daemon has not renewed its lease, or has not finished its first sync")       \
	X(paused, "paused by the operator")                                                        \
	X(observe, "would have been forwarded; the daemon only observes")                          \
	X(multi_buffer, "frame spread over several buffers")                                       \
	X(user_pass, "a user route leaves it to the kernel")                                       \
	X(cpu, "handed to the kernel on the CPU that a user route names")

enum verdict {
#define X(name, meaning) VERDICT_##name,
	VERDICTS(X)
#undef X
		VERDICT_COUNT,
};

/* The first verdict that is a reason to fall back. */
#define VERDICT_FIRST_REASON VERDICT_not_ipv4

#endif
