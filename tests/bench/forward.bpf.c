// SPDX-License-Identifier: GPL-2.0-only
/*
 * What ebpf-routed is compared with, each the least that does its job:
 *   forward_fib_direct, _full  ask the kernel for every packet, as xdp-forward does; direct leaves
 *                              the policy rules out
 *   forward_dir24              DIR-24-8 bare: no checks beyond memory safety, no counters, no lease
 *   forward_fixed              no lookup at all: the floor
 *
 * Of the kind "frags" as the daemon's program is, though frames are in one piece: alone.bpf.c wants it.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include "include/maps.h"
#include "tests/bench/shared.h"

#ifndef AF_INET
#define AF_INET 2
#endif

#define DIR24_ROWS (DIR24_ENTRIES / DIR24_ROW)

struct dir24_row {
	__u16 leaf[DIR24_ROW];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, DIR24_ROWS);
	__type(key, __u32);
	__type(value, struct dir24_row);
} dir24 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, DIR24_GROUP_LIMIT);
	__type(key, __u32);
	__type(value, struct dir24_row);
} dir24_groups SEC(".maps");

/* By leaf - LEAF_FIRST_SLOT; slot 0 is the fixed one too. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, GATEWAYS);
	__type(key, __u32);
	__type(value, struct hop);
} hops SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, TX_LIMIT);
	__type(key, __u32);
	__type(value, __u32);
} tx SEC(".maps");

static __always_inline void decrease_ttl(struct iphdr *ip)
{
	__u32 check = ip->check + bpf_htons(0x0100);

	ip->check = check + (check >= 0xffff);
	ip->ttl--;
}

/* The IPv4 header of a frame that may be forwarded, or NULL. */
static __always_inline struct iphdr *routable(void *data, void *end)
{
	struct ethhdr *eth = data;
	struct iphdr *ip = data + sizeof(*eth);

	if ((void *)(ip + 1) > end || eth->h_proto != bpf_htons(ETH_P_IP) || ip->ttl <= 1)
		return NULL;
	return ip;
}

static __always_inline int send(void *data, struct iphdr *ip, const struct hop *hop)
{
	struct ethhdr *eth = data;

	decrease_ttl(ip);
	__builtin_memcpy(eth->h_dest, hop->dst, ETH_ALEN);
	__builtin_memcpy(eth->h_source, hop->src, ETH_ALEN);
	return bpf_redirect_map(&tx, hop->ifindex, 0);
}

static __always_inline int forward_fib(struct xdp_md *ctx, __u32 flags)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct iphdr *ip = routable(data, end);
	struct bpf_fib_lookup fib = {};
	struct ethhdr *eth = data;

	if (!ip)
		return XDP_PASS;
	fib.family = AF_INET;
	fib.tos = ip->tos;
	fib.l4_protocol = ip->protocol;
	fib.tot_len = bpf_ntohs(ip->tot_len);
	fib.ipv4_src = ip->saddr;
	fib.ipv4_dst = ip->daddr;
	fib.ifindex = ctx->ingress_ifindex;
	if (bpf_fib_lookup(ctx, &fib, sizeof(fib), flags) != BPF_FIB_LKUP_RET_SUCCESS)
		return XDP_PASS;
	if (!bpf_map_lookup_elem(&tx, &fib.ifindex))
		return XDP_PASS;
	decrease_ttl(ip);
	__builtin_memcpy(eth->h_dest, fib.dmac, ETH_ALEN);
	__builtin_memcpy(eth->h_source, fib.smac, ETH_ALEN);
	return bpf_redirect_map(&tx, fib.ifindex, 0);
}

SEC("xdp.frags")
int forward_fib_direct(struct xdp_md *ctx)
{
	return forward_fib(ctx, BPF_FIB_LOOKUP_DIRECT);
}

SEC("xdp.frags")
int forward_fib_full(struct xdp_md *ctx)
{
	return forward_fib(ctx, 0);
}

/* The leaf of an address, or LEAF_DEFAULT. */
static __always_inline __u32 dir24_lookup(__u32 addr)
{
	__u32 key = addr >> 16, leaf;
	struct dir24_row *row = bpf_map_lookup_elem(&dir24, &key);

	if (!row)
		return LEAF_DEFAULT;
	leaf = row->leaf[addr >> 8 & (DIR24_ROW - 1)];
	if (!(leaf & DIR24_EXTENDED))
		return leaf;
	key = leaf & ~DIR24_EXTENDED;
	row = bpf_map_lookup_elem(&dir24_groups, &key);
	return row ? row->leaf[addr & (DIR24_ROW - 1)] : LEAF_DEFAULT;
}

SEC("xdp.frags")
int forward_dir24(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct iphdr *ip = routable(data, end);
	struct hop *hop;
	__u32 key;

	if (!ip)
		return XDP_PASS;
	key = dir24_lookup(bpf_ntohl(ip->daddr)) - LEAF_FIRST_SLOT;
	hop = bpf_map_lookup_elem(&hops, &key);
	return hop ? send(data, ip, hop) : XDP_PASS;
}

SEC("xdp.frags")
int forward_fixed(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct iphdr *ip = routable(data, end);
	struct hop *hop;
	__u32 key = 0;

	hop = bpf_map_lookup_elem(&hops, &key);
	return ip && hop ? send(data, ip, hop) : XDP_PASS;
}

char _license[] SEC("license") = "GPL";
