/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The whole decision about a packet, the same for every hook: parse -> check -> lookup -> check.
 *
 * Everything but "forwarded" and "dropped" is left to the kernel with the frame untouched. The
 * first of these that applies is the one counted, which is what an operator sees:
 *
 *   stale		no port for the ingress interface
 *   any reason		control.hold: the daemon says that everything falls back
 *   stale		the lease ran out
 *   malformed		no whole Ethernet header
 *   not_ipv4, not_our_mac
 *   malformed		IPv4 header cut short, version, header length below five words
 *   ip_options
 *   malformed		total length, header checksum
 *   forwarding_off
 *   multicast, broadcast, martian	destination
 *   martian		source
 *   martian		source is an address of our own
 *   policy_rule	a firewall mark (TC) while rules ask for marks, where no user route decides
 *   dropped, no_route, local, user_pass, cpu, ...	what the route says
 *   table_full, no_neighbour
 *   martian, rp_filter	where the source is routed to: as in the kernel, after the route, on
 *			whose egress policy rules for the way back may depend
 *   ttl		the kernel looks at it after the route, too: local traffic may have any
 *   egress_down, hairpin, egress_no_xdp, mtu, multi_buffer
 *   observe		in place of forwarded, dropped and cpu (CONTROL_OBSERVE)
 *   egress_down	no device in tx_ports, tc_ports
 *   user_pass		no such CPU in cpus (XDP), in place of cpu (TC)
 *   malformed		the frame could not be trimmed
 *
 * A header that is not in the first buffer is multi_buffer instead of malformed. Where the frame is
 * to leave unchanged, ttl is not asked, hairpin is whatever would leave by the port that it came in by, and the
 * MTU is held against the frame's length. What the user drops is dropped in place of some reasons (user_drop.h).
 */
#ifndef EBPF_ROUTE_BPF_DECIDE_H
#define EBPF_ROUTE_BPF_DECIDE_H

#include "source.h"

#define TCP_DOFF   12 /* the byte with the header's length in words, in its upper half */
#define UDP_HEADER 8

/* What holds for every packet before a byte of it is read. */
static __always_inline enum verdict control_check(__u64 now)
{
	__u32 hold = READ_ONCE(control.hold);

	if (hold)
		return hold >= VERDICT_FIRST_REASON ? verdict_of(hold) : VERDICT_stale;
	if (READ_ONCE(control.lease_until) <= now)
		return VERDICT_stale;
	return VERDICT_forwarded;
}

/*
 * A packet goes back by the port that it came from: would the kernel send its sender a redirect? Only one
 * on a connected net gets it, not one behind a gateway (__mkroute_input() in net/ipv4/route.c, by what
 * __fib_validate_source() returns). Not for the user's routes, of which the kernel does not know: it would route the
 * packet elsewhere.
 */
static __always_inline bool sender_is_redirected(const struct frame *frame,
						 const struct packet *packet,
						 const struct ingress *ingress,
						 const struct way *way)
{
	__u32 leaf;

	if (!(ingress->word.flags & PORT_SEND_REDIRECTS) || way_is_of_user(way))
		return false;
	leaf = packet_leaf_back(frame, packet, ingress->port);
	return leaf < LEAF_FIRST_SLOT || nexthop_read(leaf).nexthop.kind != NEXTHOP_ADJACENCY ||
	       !reverse_holds(reverse_read(leaf), ingress->port);
}

/*
 * Bytes of the longest IP packet that the frame will be on the wire, as skb_gso_network_seglen() in
 * net/core/gso.c has it. Of GSO kinds other than TCP and UDP, and of tunnels, the frame counts as whole.
 */
static __always_inline __u32 length_on_wire(const struct frame *frame, const struct packet *packet,
					    const struct way *way)
{
	const struct iphdr *ip = frame->data + ETH_HLEN;
	const __u8 *tcp = frame->data + IP_LINEAR;

	if (frame->gso_size && ip->protocol == IPPROTO_TCP &&
	    (void *)(tcp + TCP_DOFF + 1) <= frame->data_end)
		return sizeof(*ip) + (tcp[TCP_DOFF] >> 4) * 4 + frame->gso_size;
	if (frame->gso_size && ip->protocol == IPPROTO_UDP && !frame->encapsulated)
		return sizeof(*ip) + UDP_HEADER + frame->gso_size;
	return way_is_unchanged(way) ? frame->len - ETH_HLEN : packet->tot_len;
}

/*
 * Is a packet that would go back by the port that it came from left to the kernel? One that is redirected unchanged
 * always is: its sender, or the switch there, would see its own frame again.
 */
static __always_inline bool is_hairpin(const struct frame *frame, const struct packet *packet,
				       const struct ingress *ingress, const struct way *way)
{
	__u32 egress = way->hop.target.port;

	if (way_is_unchanged(way))
		return egress == ingress->port || egress == frame->port;
	return egress == ingress->port && sender_is_redirected(frame, packet, ingress, way);
}

/* Will the egress port take it? Fills way->egress. */
static __always_inline enum verdict egress_check(const struct frame *frame,
						 const struct packet *packet,
						 const struct ingress *ingress, struct way *way)
{
	__u32 index = way->hop.target.port, length, mtu, xmit;
	const struct port *port = bpf_map_lookup_elem(&ports, &index);

	if (!port)
		return VERDICT_stale;
	way->egress.word = word_read(port->mac);
	if (!(way->egress.flags & PORT_UP))
		return VERDICT_egress_down;
	if (is_hairpin(frame, packet, ingress, way))
		return VERDICT_hairpin;
	xmit = ingress->word.flags & PORT_IN_GENERIC ? PORT_XMIT_GENERIC : PORT_XMIT_NATIVE;
	if (!frame->skb && !(way->egress.flags & xmit))
		return VERDICT_egress_no_xdp;
	mtu = READ_ONCE(port->mtu);
	length = length_on_wire(frame, packet, way);
	if (length > mtu || (way->mtu && length > way->mtu))
		return VERDICT_mtu;
	/* Not every driver transmits frames in several buffers, and trimming would meet the wrong
	 * one. */
	if (multi_buffer && !frame->skb && frame->data_end - frame->data != frame->len)
		return VERDICT_multi_buffer;
	return VERDICT_forwarded;
}

/*
 * Might the kernel route a packet with a firewall mark elsewhere? The table local comes before all rules, and so do
 * the user's routes.
 */
static __always_inline bool mark_decides(__u32 leaf)
{
	if (!(READ_ONCE(control.flags) & CONTROL_MARKS) || leaf_is_of_table_local(leaf))
		return false;
	return leaf < LEAF_FIRST_SLOT || !nexthop_is_user(nexthop_read(leaf).nexthop);
}

/* The whole decision, the same for every hook. VERDICT_forwarded: *way is filled. */
static __always_inline enum verdict decide(const struct frame *frame, __u64 now,
					   struct packet *packet, struct way *way)
{
	struct ingress ingress = { .port = frame->port };
	const struct port *port;
	enum verdict verdict;
	__u32 leaf;

	port = ingress.port ? bpf_map_lookup_elem(&ports, &ingress.port) : NULL;
	if (!port)
		return VERDICT_stale;
	ingress.word.word = word_read(port->mac);
	verdict = control_check(now);
	if (verdict != VERDICT_forwarded)
		return verdict;
	verdict = packet_parse(frame, &ingress, packet);
	if (verdict != VERDICT_forwarded)
		return verdict;
	if (source_is_own(packet->src, ingress.word))
		return VERDICT_martian;
	leaf = packet_leaf(frame, packet, &ingress);
	if (frame->marked && mark_decides(leaf))
		return VERDICT_policy_rule;
	verdict = route_follow(frame, packet, leaf, way);
	if (verdict != VERDICT_forwarded)
		return verdict;
	verdict = source_check(frame, packet, &ingress, way);
	if (verdict != VERDICT_forwarded)
		return verdict;
	if (packet->ttl <= 1 && !way_is_unchanged(way))
		return VERDICT_ttl;
	return egress_check(frame, packet, &ingress, way);
}

/* No packet is taken from the kernel. */
static __always_inline bool observes(void)
{
	return READ_ONCE(control.flags) & CONTROL_OBSERVE;
}

/* What the decision is counted as. */
static __always_inline enum verdict observe(enum verdict verdict)
{
	if ((verdict <= VERDICT_dropped || verdict == VERDICT_cpu) && observes())
		return VERDICT_observe;
	return verdict;
}

#endif
