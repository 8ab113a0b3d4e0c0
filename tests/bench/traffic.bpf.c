// SPDX-License-Identifier: GPL-2.0-only
/*
 * Both ends of the line in one program: a frame that arrives is checked and counted, becomes the next
 * packet, and goes round again. Frames are put into circulation once (`inject`) and taken out when the
 * pass is over: no packet pays for an allocation, and those that the kernel has made an skb of go back
 * as frames, too. It costs 93 ns a packet where a new live frame for each one cost 145; the rows with a
 * program at r0 became 55 ns faster by it, the kernel's 60 to 80 ns.
 *
 * All of it runs on one CPU, so plain variables do for counters.
 */
#include <bpf/bpf_endian.h>
#include "tests/bench/packet.h"

#define LOOK_EVERY 256 /* packets, while waiting for `go` */

/* A devmap keeps the device itself: g0, from whatever namespace the program runs in. */
struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} out SEC(".maps");

struct course course;
struct headers expected; /* at the end of the line: Ethernet header and TTL */
__u32 frame_len;

static __always_inline void look(void)
{
	if (!course.first_ns && !course.go) {
		course.look_at += LOOK_EVERY;
	} else if (!course.first_ns) {
		course.look_at += course.timed;
		course.first_ns = bpf_ktime_get_ns();
	} else {
		course.last_ns = bpf_ktime_get_ns();
		course.stop = 1;
	}
}

static __always_inline int send(struct headers *headers)
{
	const struct flow *flow = window_next(&course.window);

	if (!flow)
		return XDP_DROP;
	packet_write(headers, flow);
	course.sent_sum += (__u64)flow->src + flow->dst;
	if (++course.sent == course.look_at)
		look();
	return bpf_redirect_map(&out, 0, 0);
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

/* Is it one of ours? Then it is counted, as right or wrong. */
static __always_inline int arrive(const struct headers *headers, __u32 len)
{
	if (headers->eth.h_proto != template.eth.h_proto || headers->ip.id != template.ip.id)
		return 0;
	course.arrived_sum += (__u64)headers->ip.saddr + headers->ip.daddr;
	if (same_eth(&headers->eth, &expected.eth) && headers->ip.ttl == expected.ip.ttl &&
	    len == frame_len &&
	    (course.sent >= course.verify_until || checksum_holds(&headers->ip)))
		course.right++;
	else
		course.wrong++;
	return 1;
}

SEC("xdp")
int inject(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;

	if (data + sizeof(struct headers) > end || course.stop)
		return XDP_DROP;
	return send(data);
}

SEC("xdp")
int circulate(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;

	if (data + sizeof(struct headers) > end || !arrive(data, end - data)) {
		course.foreign++;
		return XDP_DROP;
	}
	return course.stop ? XDP_DROP : send(data);
}

char _license[] SEC("license") = "GPL";
