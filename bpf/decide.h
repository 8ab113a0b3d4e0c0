/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The whole decision about a packet, the same for every hook: parse -> check -> lookup -> check.
 *
 * Everything but "forwarded" and "dropped" is left to the kernel with the frame untouched. The
 * first of these that applies is the one counted, which is what an operator sees:
 *
 *   stale		no port for the ingress interface
 *   any reason		control.hold: the daemon says that everything falls back; but see held_verdict()
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
 *   policy_rule	a firewall mark (TC)
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
 * to leave unchanged, ttl and hairpin are not asked, and the MTU is held against the frame's length.
 */
#ifndef EBPF_ROUTE_BPF_DECIDE_H
#define EBPF_ROUTE_BPF_DECIDE_H

#include "source.h"

#define TCP_DOFF 12 /* the byte with the header's length in words, in its upper half */

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
 * __fib_validate_source() returns).
 */
static __always_inline bool sender_is_redirected(const struct frame *frame,
						 const struct packet *packet,
						 const struct ingress *ingress)
{
	__u32 leaf;

	if (!(ingress->word.flags & PORT_SEND_REDIRECTS))
		return false;
	leaf = packet_leaf_back(frame, packet, ingress->port);
	return leaf < LEAF_FIRST_SLOT || nexthop_read(leaf).nexthop.kind != NEXTHOP_ADJACENCY ||
	       !reverse_holds(reverse_read(leaf), ingress->port);
}

/*
 * Bytes of the longest IP packet that the frame will be on the wire. Of GSO kinds only TCP's packets are
 * known to be what skb_gso_network_seglen() in net/core/gso.c makes of them; others count as whole.
 */
static __always_inline __u32 length_on_wire(const struct frame *frame, const struct packet *packet,
					    const struct way *way)
{
	const struct iphdr *ip = frame->data + ETH_HLEN;
	const __u8 *tcp = frame->data + IP_LINEAR;

	if (frame->gso_size && ip->protocol == IPPROTO_TCP &&
	    (void *)(tcp + TCP_DOFF + 1) <= frame->data_end)
		return sizeof(*ip) + (tcp[TCP_DOFF] >> 4) * 4 + frame->gso_size;
	return way_is_unchanged(way) ? frame->len - ETH_HLEN : packet->tot_len;
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
	if (index == ingress->port && !way_is_unchanged(way) &&
	    sender_is_redirected(frame, packet, ingress))
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

/* The whole decision, the same for every hook. VERDICT_forwarded: *way is filled. */
static __always_inline enum verdict decide(const struct frame *frame, __u64 now,
					   struct packet *packet, struct way *way)
{
	struct ingress ingress = { .port = frame->port };
	const struct port *port;
	enum verdict verdict;

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
	if (frame->marked)
		return VERDICT_policy_rule;
	verdict = route_follow(frame, packet, packet_leaf(frame, packet, &ingress), way);
	if (verdict != VERDICT_forwarded)
		return verdict;
	verdict = source_check(frame, packet, &ingress, way);
	if (verdict != VERDICT_forwarded)
		return verdict;
	if (packet->ttl <= 1 && !way_is_unchanged(way))
		return VERDICT_ttl;
	return egress_check(frame, packet, &ingress, way);
}

/* A firewall, or IPsec, has to see what goes on; of what the user has dropped there is nothing to see. */
static __always_inline bool is_held_for_others(enum verdict verdict)
{
	return verdict == VERDICT_netfilter || verdict == VERDICT_xfrm;
}

/* Did the user say that what is routed to this leaf is dropped? */
static __always_inline bool leaf_is_user_drop(__u32 leaf)
{
	struct nexthop hop;

	if (leaf < LEAF_FIRST_SLOT)
		return false;
	hop = nexthop_read(leaf).nexthop;
	return hop.kind == NEXTHOP_VERDICT && hop.verdict == VERDICT_dropped &&
	       hop.arg & NEXTHOP_COUNTED;
}

/*
 * During a hold for the sake of others (is_held_for_others()): does the user drop the packet? All that
 * decide() checks before it looks at the route is checked, in the same order; policy rules come after user
 * routes, so the engine alone is asked. VERDICT_dropped with the slot that counts it, or `hold`. Apart from
 * decide(), since packets that are forwarded must not pay for it.
 */
static __always_inline enum verdict held_verdict(const struct frame *frame, __u64 now,
						 enum verdict hold, __u32 *ret_slot)
{
	struct ingress ingress = { .port = frame->port };
	const struct port *port = bpf_map_lookup_elem(&ports, &ingress.port);
	struct packet packet = {};
	__u32 leaf;

	if (!port || READ_ONCE(control.lease_until) <= now)
		return hold;
	ingress.word.word = word_read(port->mac);
	if (packet_parse(frame, &ingress, &packet) != VERDICT_forwarded ||
	    source_is_own(packet.src, ingress.word) || frame->marked)
		return hold;
	leaf = leaf_find(packet.dst);
	if (!leaf_is_user_drop(leaf))
		return hold;
	*ret_slot = leaf;
	return VERDICT_dropped;
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
