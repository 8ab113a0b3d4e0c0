/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From an address to the adjacency of its next hop: leaf -> next-hop slot -> adjacency.
 */
#ifndef EBPF_ROUTE_BPF_LOOKUP_H
#define EBPF_ROUTE_BPF_LOOKUP_H

#include "parse.h"

/* Where a packet goes. */
struct way {
	__u32 slot;		     /* the final next-hop slot */
	__u32 mtu;		     /* of the route, 0: none */
	struct adjacency *adjacency; /* to note its use; NULL: none, see way_is_unchanged() */
	union adjacency_word hop;    /* destination MAC address and egress port */
	union port_word egress;	     /* source MAC address and flags */
};

/* A number from a table as a verdict that needs nothing more; nonsense counts as stale. */
static __always_inline enum verdict verdict_of(__u32 number)
{
	return number > VERDICT_forwarded && number < VERDICT_COUNT && number != VERDICT_cpu
		       ? number
		       : VERDICT_stale;
}

static __always_inline __u32 dir24_find(__u32 addr)
{
	__u32 index = addr >> 16;
	const struct dir24_row *row = bpf_map_lookup_elem(&dir24, &index);
	__u32 leaf;

	if (!row)
		return LEAF_DEFAULT;
	leaf = READ_ONCE(row->leaf[addr >> 8 & 255]);
	if (!(leaf & DIR24_EXTENDED))
		return leaf;
	index = leaf & ~DIR24_EXTENDED;
	row = bpf_map_lookup_elem(&dir24_groups, &index);
	return row ? READ_ONCE(row->leaf[addr & 255]) : VERDICT_stale;
}

static __always_inline __u32 lpm_find(__be32 addr)
{
	struct lpm_key key = { .prefixlen = 32, .addr = addr };
	const __u32 *leaf = bpf_map_lookup_elem(&lpm, &key);

	return leaf ? READ_ONCE(*leaf) : LEAF_DEFAULT;
}

/* The leaf of an address: a verdict or a slot, or 0 where the default leaf itself is unset. */
static __always_inline __u32 leaf_find(__be32 addr)
{
	__u32 leaf = engine == ENGINE_DIR24 ? dir24_find(bpf_ntohl(addr)) : lpm_find(addr);

	return leaf == LEAF_DEFAULT ? READ_ONCE(control.default_leaf) : leaf;
}

/* The slot's contents; UNSET where there is no such slot. */
static __always_inline union nexthop_word nexthop_read(__u32 slot)
{
	const struct nexthop_entry *entry = bpf_map_lookup_elem(&nexthops, &slot);

	return (union nexthop_word){ .word = entry ? READ_ONCE(entry->word) : NEXTHOP_UNSET };
}

/*
 * Ports of a flow, 0 where it has none. All fragments of a packet have to choose alike, and only
 * the first one has ports: for them the addresses alone decide. So for a header that is cut short.
 */
static __always_inline __u64 flow_ports(const struct frame *frame, const struct packet *packet)
{
	const struct iphdr *ip = frame->data + ETH_HLEN;
	const __u32 *both = frame->data + IP_LINEAR;

	if ((void *)(both + 1) > frame->data_end || packet->tot_len < sizeof(*ip) + sizeof(*both) ||
	    ip->frag_off & bpf_htons(IP_FRAGMENT))
		return 0;
	switch (ip->protocol) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_DCCP:
	case IPPROTO_SCTP:
	case IPPROTO_UDPLITE:
		return (__u64)ip->protocol << 32 | *both;
	default:
		return (__u64)ip->protocol << 32;
	}
}

/* Multiply and fold: every input bit reaches the upper bits, which choose the bucket. */
static __always_inline __u32 flow_hash(const struct frame *frame, const struct packet *packet,
				       bool by_ports)
{
	__u64 hash = (__u64)packet->src << 32 | packet->dst;

	hash = (hash ^ READ_ONCE(control.hash_seed)) * 0x9e3779b97f4a7c15ULL;
	hash ^= hash >> 32;
	if (by_ports)
		hash ^= flow_ports(frame, packet) * 0xd6e8feb86659fd93ULL;
	hash *= 0xd6e8feb86659fd93ULL;
	hash ^= hash >> 29;
	hash *= 0x9e3779b97f4a7c15ULL;
	return hash >> 32;
}

/* A member of the group for this flow: a leaf, never LEAF_DEFAULT. */
static __always_inline __u32 group_choose(__u32 index, __u32 hash)
{
	const struct group *group = bpf_map_lookup_elem(&groups, &index);

	return group ? READ_ONCE(group->bucket[hash >> 24]) : VERDICT_stale;
}

/* The destination is its own next hop. 0: no neighbour. */
static __always_inline __u32 neighbour_find(__be32 addr, __u32 ifindex)
{
	struct neighbour_key key = { .addr = addr, .ifindex = ifindex };
	const union neighbour_word *entry = bpf_map_lookup_elem(&neighbours, &key);
	union neighbour_word found;

	if (!entry)
		return 0;
	found.word = word_read(entry);
	return found.neighbour.check == neighbour_check(key) ? found.neighbour.adjacency : 0;
}

/* VERDICT_forwarded with the adjacency and hop of *ret filled. */
static __always_inline enum verdict adjacency_read(__u32 index, struct way *ret)
{
	ret->adjacency = bpf_map_lookup_elem(&adjacencies, &index);
	if (!ret->adjacency)
		return VERDICT_stale;
	ret->hop.word = READ_ONCE(ret->adjacency->word);
	return ret->hop.target.port ? VERDICT_forwarded : VERDICT_no_neighbour;
}

/* Does the frame leave as it came, with no neighbour behind it (NEXTHOP_REDIRECT)? Of what is forwarded. */
static __always_inline bool way_is_unchanged(const struct way *way)
{
	return !way->adjacency;
}

/*
 * VERDICT_forwarded with all of *ret but the egress filled, or what the leaf says instead. Of a way that
 * leaves the frame unchanged only the port is filled.
 */
static __always_inline enum verdict
route_follow(const struct frame *frame, const struct packet *packet, __u32 leaf, struct way *ret)
{
	union nexthop_word hop;
	__u32 index;

	if (leaf < LEAF_FIRST_SLOT)
		return verdict_of(leaf);
	hop = nexthop_read(leaf);
	if (hop.nexthop.kind == NEXTHOP_GROUP) {
		leaf = group_choose(hop.nexthop.arg,
				    flow_hash(frame, packet, READ_ONCE(control.hash_policy) == 1));
		if (leaf < LEAF_FIRST_SLOT)
			return verdict_of(leaf);
		hop = nexthop_read(leaf);
	}
	ret->slot = leaf;
	ret->mtu = hop.nexthop.mtu;
	switch (hop.nexthop.kind) {
	case NEXTHOP_ADJACENCY:
		index = hop.nexthop.arg;
		break;
	case NEXTHOP_CONNECTED:
		index = neighbour_find(packet->dst, hop.nexthop.arg);
		/* A full table may have left this neighbour out. */
		if (!index && READ_ONCE(control.flags) & CONTROL_NEIGHBOURS_FULL)
			return VERDICT_table_full;
		break;
	case NEXTHOP_VERDICT:
		return verdict_of(hop.nexthop.verdict);
	case NEXTHOP_REDIRECT:
		ret->hop.target.port = hop.nexthop.arg;
		return VERDICT_forwarded;
	case NEXTHOP_CPU:
		return VERDICT_cpu;
	default:
		/* Unset, or a group in a group: a reference that should not exist. */
		return VERDICT_stale;
	}
	return adjacency_read(index, ret);
}

/* Did the user say where it leads? Of what is forwarded. */
static __always_inline bool way_is_of_user(const struct way *way)
{
	return nexthop_is_user(nexthop_read(way->slot).nexthop);
}

/*
 * VERDICT_cpu with the CPU for this flow, of those that the slot names, whatever the policy for legs of
 * groups. Asked after the decision, so that the plain way does not carry it.
 */
static __always_inline enum verdict
cpu_choose(const struct frame *frame, const struct packet *packet, __u32 slot, __u32 *ret_cpu)
{
	const struct nexthop hop = nexthop_read(slot).nexthop;
	__u32 n = hop.arg >> 16;

	if (hop.kind != NEXTHOP_CPU || !n)
		return VERDICT_stale;
	*ret_cpu = (hop.arg & 0xffff) + flow_hash(frame, packet, true) % n;
	return VERDICT_cpu;
}

#endif
