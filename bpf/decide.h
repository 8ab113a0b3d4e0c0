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
 *   rp_filter
 *   martian		source is not unicast by the table (CONTROL_CHECK_SOURCE)
 *   dropped, no_route, local, ...	what the route says
 *   table_full, no_neighbour
 *   ttl		the kernel looks at it after the route, too: local traffic may have any
 *   egress_down, hairpin, egress_no_xdp, mtu, multi_buffer
 *   observe		in place of forwarded and dropped (CONTROL_OBSERVE)
 *   egress_down	no device in tx_ports
 *   malformed		the frame could not be trimmed
 *
 * A header that is not in the first buffer is multi_buffer instead of malformed.
 */
#ifndef EBPF_ROUTE_BPF_DECIDE_H
#define EBPF_ROUTE_BPF_DECIDE_H

#include "lookup.h"

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

/* Is the sender one that the kernel would accept, on this port? */
static __always_inline enum verdict source_check(__be32 src, union port_word ingress)
{
	if (address_is_own(src))
		return VERDICT_martian;
	if (ingress.flags & PORT_RP_FILTER)
		return VERDICT_rp_filter;
	if (READ_ONCE(control.flags) & CONTROL_CHECK_SOURCE && !source_is_unicast(src))
		return VERDICT_martian;
	return VERDICT_forwarded;
}

/* Will the egress port take it? Fills way->egress. */
static __always_inline enum verdict egress_check(const struct frame *frame,
						 const struct packet *packet,
						 union port_word ingress, struct way *way)
{
	__u32 index = way->hop.target.port, mtu, xmit;
	const struct port *port = bpf_map_lookup_elem(&ports, &index);

	if (!port)
		return VERDICT_stale;
	way->egress.word = word_read(port->mac);
	if (!(way->egress.flags & PORT_UP))
		return VERDICT_egress_down;
	if (index == frame->port && ingress.flags & PORT_SEND_REDIRECTS)
		return VERDICT_hairpin;
	xmit = ingress.flags & PORT_IN_GENERIC ? PORT_XMIT_GENERIC : PORT_XMIT_NATIVE;
	if (!(way->egress.flags & xmit))
		return VERDICT_egress_no_xdp;
	mtu = READ_ONCE(port->mtu);
	if (packet->tot_len > mtu || (way->mtu && packet->tot_len > way->mtu))
		return VERDICT_mtu;
	/* Not every driver transmits frames in several buffers, and trimming would meet the wrong
	 * one. */
	if (multi_buffer && frame->data_end - frame->data != frame->len)
		return VERDICT_multi_buffer;
	return VERDICT_forwarded;
}

/* The whole decision, the same for every hook. VERDICT_forwarded: *way is filled. */
static __always_inline enum verdict decide(const struct frame *frame, __u64 now,
					   struct packet *packet, struct way *way)
{
	__u32 index = frame->port;
	const struct port *port;
	union port_word ingress;
	enum verdict verdict;

	port = index ? bpf_map_lookup_elem(&ports, &index) : NULL;
	if (!port)
		return VERDICT_stale;
	ingress.word = word_read(port->mac);
	verdict = control_check(now);
	if (verdict != VERDICT_forwarded)
		return verdict;
	verdict = packet_parse(frame, ingress, packet);
	if (verdict != VERDICT_forwarded)
		return verdict;
	verdict = source_check(packet->src, ingress);
	if (verdict != VERDICT_forwarded)
		return verdict;
	verdict = route_find(frame, packet, way);
	if (verdict != VERDICT_forwarded)
		return verdict;
	if (packet->ttl <= 1)
		return VERDICT_ttl;
	return egress_check(frame, packet, ingress, way);
}

#endif
