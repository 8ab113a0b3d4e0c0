// SPDX-License-Identifier: GPL-2.0-only
/*
 * Both ends of the line for packets that need not arrive: those that are dropped on their way, and those
 * that another CPU takes over. Every packet is a new live frame, which costs more than one that
 * circulates (traffic.bpf.c), and the same in every row.
 *
 * Frames come in batches of BATCH, and the CPU works off each batch before the next one begins. So the clock
 * is read where a batch begins: everything before has been done, by this CPU.
 */
#include <bpf/bpf_endian.h>
#include "tests/bench/packet.h"
#include "tests/bench/actions.h"

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} out SEC(".maps");

struct journey journey;
struct arrivals arrivals;
struct headers expected;
__u32 frame_len;

/* All packets of a run arrive on one CPU, so plain variables do. */
static __always_inline __u64 arrived(void)
{
	return *(volatile __u64 *)&arrivals.right + *(volatile __u64 *)&arrivals.wrong;
}

/* What went by since it last began to send was spent on packets. */
static __always_inline void stop_sending(__u64 now)
{
	if (journey.sending && journey.first_ns)
		journey.busy_ns += now - journey.since_ns;
	journey.sending = 0;
}

static __always_inline void go_on_sending(__u64 now)
{
	if (!journey.first_ns && journey.sent >= journey.first) {
		journey.first_ns = now;
		journey.since_ns = now;
	}
	if (!journey.sending)
		journey.since_ns = now;
	journey.sending = 1;
}

static __always_inline void begin_batch(void)
{
	__u64 now = bpf_ktime_get_ns(), limit = journey.limit;
	__u64 under_way = limit ? journey.sent - arrived() : 0;

	if (journey.sent >= journey.last) {
		stop_sending(now);
		if (!journey.last_ns && !under_way)
			journey.last_ns = now;
	} else if (limit && under_way > limit - BATCH) {
		stop_sending(now);
	} else {
		go_on_sending(now);
	}
}

SEC("xdp")
int inject(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	const struct flow *flow;

	if (data + sizeof(struct headers) > end)
		return XDP_DROP;
	if (journey.calls++ % BATCH == 0)
		begin_batch();
	if (!journey.sending)
		return XDP_DROP;
	flow = window_next(&journey.window);
	if (!flow)
		return XDP_DROP;
	packet_write(data, flow);
	journey.sent++;
	return bpf_redirect_map(&out, 0, 0);
}

SEC("xdp")
int arrive(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	const struct headers *headers = data;
	__u32 cpu = bpf_get_smp_processor_id();

	if (data + sizeof(*headers) > end || headers->eth.h_proto != expected.eth.h_proto ||
	    headers->ip.id != template.ip.id) {
		arrivals.foreign++;
		return XDP_DROP;
	}
	if (cpu < CPUS)
		arrivals.on_cpu[cpu]++;
	if (same_eth(&headers->eth, &expected.eth) && headers->ip.ttl == expected.ip.ttl &&
	    end - data == frame_len)
		arrivals.right++;
	else
		arrivals.wrong++;
	return XDP_DROP;
}

/* What the harness costs: a frame is made, crosses one veth, and is dropped unread. */
SEC("xdp")
int bare_drop(struct xdp_md *ctx __attribute__((unused)))
{
	arrivals.bare++;
	return XDP_DROP;
}

char _license[] SEC("license") = "GPL";
