/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Is the sender one that the kernel would accept on this port? fib_validate_source() and
 * __fib_validate_source() in net/ipv4/fib_frontend.c decide.
 */
#ifndef EBPF_ROUTE_BPF_SOURCE_H
#define EBPF_ROUTE_BPF_SOURCE_H

#include "policy.h"

/* enum own_kind of an address, 0: not ours. */
static __always_inline __u8 own_kind_find(__be32 addr)
{
	__u32 bit = own_filter_bit(addr), word = bit / 64;
	const __u8 *kind;

	/* Known to be in bounds, but verifiers before Linux 6.8 lose it over the xor. */
	barrier_var(word);
	word &= OWN_FILTER_BITS / 64 - 1;
	if (!(READ_ONCE(control.own_filter[word]) >> (bit & 63) & 1))
		return 0;
	kind = bpf_map_lookup_elem(&own_addresses, &addr);
	return kind ? READ_ONCE(*kind) : 0;
}

/* An own address that the kernel would not accept here. With accept_local alone it does not ask. */
static __always_inline bool source_is_own(__be32 src, union port_word ingress)
{
	__u8 kind = own_kind_find(src);

	if (!kind)
		return false;
	return kind != OWN_ADDRESS || !(ingress.flags & PORT_ACCEPT_LOCAL) ||
	       ingress.flags & PORT_RP_FILTER || READ_ONCE(control.flags) & CONTROL_CHECK_SOURCE;
}

/* union reverse_word of a slot, 0 where there is no such slot. */
static __always_inline __u64 reverse_read(__u32 slot)
{
	const struct nexthop_entry *entry = bpf_map_lookup_elem(&nexthops, &slot);

	return entry ? READ_ONCE(entry->reverse) : 0;
}

static __always_inline bool reverse_holds(__u64 word, __u32 port)
{
	for (int i = 0; i < REVERSE_PORTS; i++, word >>= 16) {
		if ((word & 0xffff) == port)
			return true;
	}
	return false;
}

/* A reverse path filter is in force: does the source have a route, and by this port? */
static __always_inline enum verdict reverse_check(__u32 leaf, const struct ingress *ingress)
{
	__u64 reverse;

	if (leaf_is_of_table_local(leaf))
		return VERDICT_martian;
	reverse = leaf < LEAF_FIRST_SLOT ? 0 : reverse_read(leaf);
	if (!reverse)
		return VERDICT_rp_filter;
	if (reverse_holds(reverse, ingress->port))
		return VERDICT_forwarded;
	/* By another port: the loose filter is content, if the port has an address at all. */
	if (ingress->word.flags & PORT_RP_LOOSE && ingress->word.flags & PORT_HAS_ADDRESS)
		return VERDICT_forwarded;
	return VERDICT_rp_filter;
}

/* Is it an address of the table local, or one of which the engine cannot tell? */
static __always_inline bool may_be_local(__u32 leaf)
{
	return leaf_is_of_table_local(leaf) || leaf == VERDICT_table_full || leaf == VERDICT_stale;
}

/* The whole check by the route of the source, for which the packet's own way has to be known. */
static __always_inline enum verdict source_check(const struct frame *frame,
						 const struct packet *packet,
						 const struct ingress *ingress,
						 const struct way *way)
{
	__u32 filter = ingress->word.flags & PORT_RP_FILTER, leaf;

	if (!(filter | (READ_ONCE(control.flags) & CONTROL_CHECK_SOURCE)))
		return VERDICT_forwarded;
	/* By its mark the kernel may look the source up elsewhere (src_valid_mark). */
	if (frame->marked && READ_ONCE(control.flags) & CONTROL_MARKS)
		return VERDICT_policy_rule;
	leaf = packet_leaf_back(frame, packet, way->hop.target.port);
	if (filter)
		return reverse_check(leaf, ingress);
	/*
	 * Custom local routes or rules: own_addresses no longer tells all that the kernel takes as its
	 * own, so the source has to be an address that would be routed, or unknown.
	 */
	if (leaf == VERDICT_no_route || (leaf >= LEAF_FIRST_SLOT && reverse_read(leaf)))
		return VERDICT_forwarded;
	/* The kernel would send it elsewhere than the user says, so that is left to it of which the source is in doubt. */
	return way_is_of_user(way) && !may_be_local(leaf) ? VERDICT_forwarded : VERDICT_martian;
}

#endif
