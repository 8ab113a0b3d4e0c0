// SPDX-License-Identifier: GPL-2.0-only
/*
 * Both ends of the benchmark: a generator that turns a recycled frame into the next packet, and the
 * sink that counts what arrived, and whether it arrived as a router has to hand it on.
 *
 * All of it runs on one CPU, so plain variables do for counters.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include "tests/bench/shared.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, DESTINATION_LIMIT);
	__type(key, __u32);
	__type(value, struct destination);
} destinations SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} out SEC(".maps");

/* Sent: a window of `destinations`, from its start and round and round. */
__u32 window_start, window_count, window_next;
__u64 sent, last; /* packets of this pass so far, and the number of its last one */
__u64 first_ns, last_ns;
struct headers template;

/* Expected at the sink. */
struct ethhdr expected_eth;
__u8 expected_ttl;
__u32 verify;
struct arrivals arrivals;

SEC("xdp")
int generate(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct headers *headers = data;
	struct destination *dst;
	__u32 next = window_next, key = window_start + next;

	if (data + sizeof(*headers) > end)
		return XDP_DROP;
	dst = bpf_map_lookup_elem(&destinations, &key);
	if (!dst)
		return XDP_DROP;
	next++;
	window_next = next == window_count ? 0 : next;
	if (!sent)
		first_ns = bpf_ktime_get_ns();
	if (++sent == last)
		last_ns = bpf_ktime_get_ns();

	*headers = template;
	headers->ip.daddr = dst->addr;
	headers->ip.check = dst->check;
	return bpf_redirect_map(&out, 0, 0);
}

static __always_inline int same_eth(const struct ethhdr *a, const struct ethhdr *b)
{
	const __u16 *x = (const void *)a, *y = (const void *)b;

	return !((x[0] ^ y[0]) | (x[1] ^ y[1]) | (x[2] ^ y[2]) | (x[3] ^ y[3]) | (x[4] ^ y[4]) |
		 (x[5] ^ y[5]) | (x[6] ^ y[6]));
}

/* Does the header sum up, as RFC 791 wants it? */
static __always_inline int checksum_holds(const struct iphdr *ip)
{
	const __u16 *half = (const void *)ip;
	__u32 sum = 0;

#pragma unroll
	for (unsigned int i = 0; i < sizeof(*ip) / 2; i++)
		sum += half[i];
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return sum == 0xffff;
}

static __always_inline void count(void *data, void *end)
{
	struct headers *headers = data;

	if (data + sizeof(*headers) > end || headers->eth.h_proto != bpf_htons(ETH_P_IP) ||
	    headers->ip.saddr != template.ip.saddr) {
		arrivals.foreign++;
		return;
	}
	if (!same_eth(&headers->eth, &expected_eth) || headers->ip.ttl != expected_ttl ||
	    (verify && !checksum_holds(&headers->ip))) {
		arrivals.wrong++;
		return;
	}
	arrivals.packets++;
	if (verify)
		arrivals.addr_sum += bpf_ntohl(headers->ip.daddr);
}

SEC("xdp")
int sink(struct xdp_md *ctx)
{
	count((void *)(long)ctx->data, (void *)(long)ctx->data_end);
	return XDP_DROP;
}

char _license[] SEC("license") = "GPL";
