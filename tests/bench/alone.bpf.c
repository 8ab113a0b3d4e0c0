// SPDX-License-Identifier: GPL-2.0-only
/*
 * Feeds a program alone, without any device: writes the next packet into the frame and jumps into the
 * program under test. `back` in its place shows what feeding costs.
 *
 * Both are of the kind "frags", as the daemon's program is: the kernel lets only alike jump to each other.
 */
#include "tests/bench/packet.h"

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} target SEC(".maps");

struct ride ride;

SEC("xdp.frags")
int feed(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	const struct flow *flow = window_next(&ride.window);

	if (data + sizeof(struct headers) > end || !flow)
		return XDP_ABORTED;
	packet_write(data, flow);
	ride.fed++;
	if (ride.fed == ride.start)
		ride.first_ns = bpf_ktime_get_ns();
	else if (ride.fed == ride.last)
		ride.last_ns = bpf_ktime_get_ns();
	bpf_tail_call(ctx, &target, 0);
	return XDP_ABORTED;
}

SEC("xdp.frags")
int back(struct xdp_md *ctx)
{
	(void)ctx;
	return XDP_REDIRECT;
}

char _license[] SEC("license") = "GPL";
