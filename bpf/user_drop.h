/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the user has said to drop is dropped, whatever else there is about the packet that is the kernel's affair: a
 * firewall or IPsec that has to see what goes on, options, a priority tag, a source that the kernel refuses. Of
 * the user's drop the kernel knows nothing: four bytes of options would be enough to get past.
 *
 * Asked after decide(), and apart from it, since packets that are forwarded must not pay for it.
 */
#ifndef EBPF_ROUTE_BPF_USER_DROP_H
#define EBPF_ROUTE_BPF_USER_DROP_H

#include "decide.h"

#define VLAN_TAG      4	     /* bytes */
#define VLAN_ID	      0x0fff /* of its second half, a mask */
#define PRIORITY_TAGS 8	     /* more of them is nothing that anybody sends by mistake */

/*
 * Falling back for this reason, can it be a packet that the user drops? These precede the look-up, or are a
 * hold that drops outlast. Others have looked the destination up, or say that the kernel drops it itself
 * (malformed), does not route it (not_our_mac, forwarding_off, multicast), or that nothing is certain
 * (stale, table_full); `paused` is somebody's word.
 */
static __always_inline bool may_be_user_drop(enum verdict verdict)
{
	switch (verdict) {
	case VERDICT_not_ipv4:
	case VERDICT_ip_options:
	case VERDICT_martian:
		return true;
	default:
		return hold_spares_drops(verdict);
	}
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
 * The IPv4 header, of which the part that is always there can be read; NULL: there is none. Behind tags of
 * the VLAN 0, which the kernel takes off and forgets (__netif_receive_skb_core() in net/core/dev.c).
 */
static __always_inline const struct iphdr *header_find(const struct frame *frame)
{
	const __be16 *word = frame->data + 2 * ETH_ALEN;
	const struct iphdr *ip;
	const __u8 *first;

	if (frame->tagged)
		return NULL;
	for (int i = 0; i < PRIORITY_TAGS; i++, word += VLAN_TAG / sizeof(*word)) {
		if ((void *)(word + 2) > frame->data_end)
			return NULL;
		if (word[0] != bpf_htons(ETH_P_8021Q) && word[0] != bpf_htons(ETH_P_8021AD))
			break;
		if (word[1] & bpf_htons(VLAN_ID))
			return NULL;
	}
	ip = (const void *)(word + 1);
	first = (const void *)ip;
	if ((void *)(ip + 1) > frame->data_end || *word != bpf_htons(ETH_P_IP))
		return NULL;
	return *first >> 4 == 4 && (*first & 15) >= 5 ? ip : NULL;
}

/*
 * VERDICT_dropped with the slot that counts it where the user drops the packet, or `verdict`, which decide()
 * says. The destination alone decides: policy rules come after user routes, and what the kernel would
 * refuse for its source, checksum or length it drops as well.
 */
static __always_inline enum verdict user_drop(const struct frame *frame, __u64 now,
					      enum verdict verdict, __u32 *ret_slot)
{
	struct ingress ingress = { .port = frame->port };
	const struct port *port = bpf_map_lookup_elem(&ports, &ingress.port);
	const struct iphdr *ip;
	__u32 leaf;

	if (!port || READ_ONCE(control.lease_until) <= now)
		return verdict;
	ip = header_find(frame);
	if (!ip || destination_check(bpf_ntohl(ip->daddr)) != VERDICT_forwarded)
		return verdict;
	ingress.word.word = word_read(port->mac);
	if (ingress_check(frame, &ingress) != VERDICT_forwarded ||
	    !(ingress.word.flags & PORT_FORWARDING))
		return verdict;
	leaf = leaf_find(ip->daddr);
	if (!leaf_is_user_drop(leaf))
		return verdict;
	*ret_slot = leaf;
	return VERDICT_dropped;
}

#endif
