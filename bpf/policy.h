/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From a packet to its leaf: by the destination alone, or by policy rules where there are any.
 *
 * As in the kernel the table local, whose answers the engine shows as local, broadcast or multicast,
 * comes first, then the rules in order until one finds a route (fib_rules_lookup() in
 * net/core/fib_rules.c).
 */
#ifndef EBPF_ROUTE_BPF_POLICY_H
#define EBPF_ROUTE_BPF_POLICY_H

#include "lookup.h"

#ifndef __noinline
#define __noinline __attribute__((noinline))
#endif

#define POLICY_POSSIBLE (POLICY_TOS | POLICY_PROTOCOL | POLICY_SPORT | POLICY_DPORT)

/* What rules look at beside the addresses, in one argument. */
union policy_traits {
	struct {
		__u16 port; /* by which the packet came in */
		__u8 tos, protocol;
		__u16 sport, dport; /* host byte order; 0: not known, may be any */
	};
	__u64 word;
};

static __always_inline bool range_may_hold(const __u16 range[2], __u16 port)
{
	return !port || (port >= range[0] && port <= range[1]);
}

/* Could the kernel find that these apply? */
static __always_inline bool policy_step_may_match(const struct policy_step *step,
						  union policy_traits traits)
{
	if (step->flags & POLICY_TOS && (step->tos ^ traits.tos) & POLICY_TOS_MASK)
		return false;
	if (step->flags & POLICY_PROTOCOL && step->protocol != traits.protocol)
		return false;
	if (step->flags & POLICY_SPORT && !range_may_hold(step->sport, traits.sport))
		return false;
	return !(step->flags & POLICY_DPORT) || range_may_hold(step->dport, traits.dport);
}

static __always_inline bool policy_step_matches(const struct policy_step *step, __be32 dst,
						__be32 src, union policy_traits traits)
{
	bool matches = (src & step->src_mask) == step->src && (dst & step->dst_mask) == step->dst &&
		       (!step->port || step->port == traits.port);

	/* The opposite of what is only possible is possible everywhere. */
	if (step->flags & POLICY_POSSIBLE)
		return step->flags & POLICY_INVERT ||
		       (matches && policy_step_may_match(step, traits));
	return matches != !!(step->flags & POLICY_INVERT);
}

/* The leaf of an address in one of the tables that rules name; no_route: none. */
static __always_inline __u32 policy_route_find(__u32 table, __be32 addr)
{
	struct policy_key key = { .prefixlen = 64, .table = table, .addr = addr };
	const __u32 *leaf = bpf_map_lookup_elem(&policy_routes, &key);

	return leaf ? READ_ONCE(*leaf) : VERDICT_no_route;
}

static __always_inline bool leaf_is_of_table_local(__u32 leaf)
{
	return leaf == VERDICT_local || leaf == VERDICT_broadcast || leaf == VERDICT_multicast;
}

__u32 policy_find(__be32 dst, __be32 src, __u64 word);

/*
 * The leaf of a packet by the rules. traits: union policy_traits. A function of its own, which the
 * verifier looks at once and apart from its callers.
 */
__noinline __u32 policy_find(__be32 dst, __be32 src, __u64 word)
{
	const __u32 steps = READ_ONCE(control.policy_steps), plain = leaf_find(dst);
	const union policy_traits traits = { .word = word };

	/* Where the engine has no answer of its own, it may lack one of the table local. */
	if (leaf_is_of_table_local(plain) || plain == VERDICT_table_full || plain == VERDICT_stale)
		return plain;
	/* The user's routes come before all rules. */
	if (plain >= LEAF_FIRST_SLOT && nexthop_is_user(nexthop_read(plain).nexthop))
		return plain;
	for (__u32 i = 0; i < POLICY_STEPS && i < steps; i++) {
		__u32 index = i, leaf;
		const struct policy_step *step = bpf_map_lookup_elem(&policy, &index);

		if (!step)
			break;
		if (!policy_step_matches(step, dst, src, traits))
			continue;
		if (step->flags & POLICY_VERDICT)
			return verdict_of(step->arg);
		leaf = step->arg ? policy_route_find(step->arg, dst) : plain;
		if (leaf != VERDICT_no_route && leaf != VERDICT_throw)
			return leaf;
	}
	return VERDICT_no_route;
}

static __always_inline union policy_traits policy_traits_of(const struct frame *frame,
							    const struct packet *packet, __u32 port)
{
	const struct iphdr *ip = frame->data + ETH_HLEN;
	__u32 both = flow_ports(frame, packet);

	return (union policy_traits){
		.port = port,
		.tos = ip->tos,
		.protocol = ip->protocol,
		.sport = bpf_ntohl(both) >> 16,
		.dport = bpf_ntohl(both),
	};
}

/* Where the packet is routed to. */
static __always_inline __u32 packet_leaf(const struct frame *frame, const struct packet *packet,
					 const struct ingress *ingress)
{
	if (!READ_ONCE(control.policy_steps))
		return leaf_find(packet->dst);
	return policy_find(packet->dst, packet->src,
			   policy_traits_of(frame, packet, ingress->port).word);
}

/*
 * Where the answer would be routed to: the kernel asks with addresses and ports exchanged and, in place
 * of the device that the answer would come in by, that by which the packet leaves.
 */
static __always_inline __u32 packet_leaf_back(const struct frame *frame,
					      const struct packet *packet, __u32 egress)
{
	union policy_traits there, back;

	if (!READ_ONCE(control.policy_steps))
		return leaf_find(packet->src);
	back = there = policy_traits_of(frame, packet, egress);
	back.sport = there.dport;
	back.dport = there.sport;
	return policy_find(packet->src, packet->dst, back.word);
}

#endif
