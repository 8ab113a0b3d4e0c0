/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The program of the TC hook, ingress side: where the kernel has made a socket buffer of the frame, or of
 * several (GRO), and the device need not know of XDP.
 *
 * Unfinished checksums stay right: what changes is the IP header, whose own checksum is always finished,
 * and both changes cancel out in a sum over the packet.
 */
#ifndef EBPF_ROUTE_BPF_HOOK_TC_H
#define EBPF_ROUTE_BPF_HOOK_TC_H

#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <bpf/bpf_core_read.h>
#include "hook.h"

/* Bytes that may be read: of any packet by decide(), and by user_drop(), behind tags. */
#define TCP_LINEAR  (IP_LINEAR + 20)
#define TAGS_LINEAR (IP_LINEAR + PRIORITY_TAGS * VLAN_TAG)

/* By the two bits of the TOS that ip_tos2prio in net/ipv4/route.c looks at. */
#define TOS_PRIORITIES                                                                             \
	((__u32)TC_PRIO_BESTEFFORT | TC_PRIO_BULK << 8 | TC_PRIO_INTERACTIVE << 16 |               \
	 TC_PRIO_INTERACTIVE_BULK << 24)

/* What is read of the kernel's struct; the offset comes from the running kernel's BTF. */
struct sk_buff {
	__u8 encapsulation : 1;
} __attribute__((preserve_access_index));

/*
 * Of a GSO packet: may it stand for packets in a tunnel, whose headers are unknown here? Only UDP's may be both that
 * and no tunnel, so others are not looked at.
 */
static __always_inline bool tc_encapsulated(struct __sk_buff *skb)
{
	const struct iphdr *ip = (void *)(long)skb->data + ETH_HLEN;
	const struct sk_buff *kernel = (const void *)skb;

	if ((void *)(ip + 1) > (void *)(long)skb->data_end || ip->protocol != IPPROTO_UDP)
		return false;
	return !see_tunnels || BPF_CORE_READ_BITFIELD_PROBED(kernel, encapsulation);
}

/* With so many bytes at hand, if it has them. */
static __always_inline struct frame tc_frame(struct __sk_buff *skb, __u32 need)
{
	__u32 linear = skb->len < need ? skb->len : need;

	/* Where this fails the headers count as cut short. */
	if (skb->data_end - skb->data < linear)
		bpf_skb_pull_data(skb, linear);
	return (struct frame){
		.data = (void *)(long)skb->data,
		.data_end = (void *)(long)skb->data_end,
		.len = skb->len,
		.port = port_find(skb->ifindex),
		.skb = true,
		.tagged = skb->vlan_present,
		.marked = skb->mark,
		.gso_size = skb->gso_size,
		.encapsulated = skb->gso_size && tc_encapsulated(skb),
	};
}

/* As ip_forward() in net/ipv4/ip_forward.c does: qdiscs sort by it. */
static __always_inline void tc_prioritise(struct __sk_buff *skb, const struct iphdr *ip)
{
	if (!READ_ONCE(control.keep_priority))
		skb->priority = TOS_PRIORITIES >> (ip->tos >> 3 & 3) * 8 & 0xff;
}

/* VERDICT_forwarded with the device's ifindex, or why the untouched frame goes to the kernel. */
static __always_inline enum verdict tc_forward(struct __sk_buff *skb, const struct frame *frame,
					       const struct packet *packet, const struct way *way,
					       __u32 *ret_ifindex)
{
	__u32 port = way->hop.target.port, trim = padding_of(frame, packet);
	const __u32 *ifindex = bpf_map_lookup_elem(&tc_ports, &port);
	void *data;

	/* The kernel takes devices out of this map as they go. */
	if (!ifindex)
		return VERDICT_egress_down;
	*ret_ifindex = *ifindex;
	if (way_is_unchanged(way))
		return VERDICT_forwarded;
	/* Trimming would make one packet of them. */
	if (trim && (frame->gso_size || bpf_skb_change_tail(skb, skb->len - trim, 0)))
		return VERDICT_malformed;
	data = (void *)(long)skb->data;
	if (data + IP_LINEAR > (void *)(long)skb->data_end)
		return VERDICT_malformed; /* cannot be, but the verifier does not know */
	frame_rewrite(data, way);
	tc_prioritise(skb, data + ETH_HLEN);
	return VERDICT_forwarded;
}

/* Everything but forwarding, as xdp_leave() does it. */
static __noinline int tc_leave(struct __sk_buff *skb, __u32 port, __u32 len, __u32 slot,
			       enum verdict verdict)
{
	if (may_be_user_drop(verdict)) {
		struct frame frame = tc_frame(skb, TAGS_LINEAR);

		frame.tagged = frame.tagged && skb->vlan_tci & VLAN_ID;
		verdict = user_drop(&frame, clock_now(), verdict, &slot);
	}
	verdict = observe(verdict);
	/* It stays on its CPU: cpumaps take frames of XDP alone. */
	if (verdict == VERDICT_cpu)
		verdict = VERDICT_user_pass;
	book_other(port, len, slot, verdict);
	if (verdict == VERDICT_no_neighbour)
		neighbour_ask((void *)(long)skb->data, (void *)(long)skb->data_end, slot);
	/* To tcx "next": the filters behind this one see what the kernel gets. */
	return verdict == VERDICT_dropped ? TC_ACT_SHOT : TC_ACT_UNSPEC;
}

SEC("tc")
int router_tc(struct __sk_buff *skb)
{
	struct frame frame = tc_frame(skb, TCP_LINEAR);
	__u64 now = clock_now();
	struct packet packet = {};
	struct way way = {};
	enum verdict verdict;
	__u32 ifindex = 0;

	verdict = decide(&frame, now, &packet, &way);
	if (verdict == VERDICT_forwarded && !observes()) {
		verdict = tc_forward(skb, &frame, &packet, &way, &ifindex);
		if (verdict == VERDICT_forwarded) {
			book_forwarded(&frame, &way, now);
			return bpf_redirect(ifindex, 0);
		}
	}
	return tc_leave(skb, frame.port, frame.len, way.slot, verdict);
}

#endif
