/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The program of the XDP hook.
 */
#ifndef EBPF_ROUTE_BPF_HOOK_XDP_H
#define EBPF_ROUTE_BPF_HOOK_XDP_H

#include "hook.h"
#include "length.h"

/* VERDICT_forwarded where it stays on its way, or why the untouched frame goes to the kernel. */
static __always_inline enum verdict xdp_forward(struct xdp_md *ctx, const struct frame *frame,
						const struct packet *packet, const struct way *way)
{
	__u32 trim = padding_of(frame, packet);

	/* This only notes the target, so it comes before everything that cannot be undone. */
	if (bpf_redirect_map(&tx_ports, way->hop.target.port, XDP_PASS) != XDP_REDIRECT)
		return VERDICT_egress_down;
	if (way_is_unchanged(way))
		return VERDICT_forwarded;
	if (trim && bpf_xdp_adjust_tail(ctx, -(int)trim))
		return VERDICT_malformed;
	if ((void *)(long)ctx->data + IP_LINEAR > (void *)(long)ctx->data_end)
		return VERDICT_malformed; /* cannot be, but the verifier does not know */
	frame_rewrite((void *)(long)ctx->data, way);
	return VERDICT_forwarded;
}

/* VERDICT_cpu where the kernel will get it on another CPU. */
static __always_inline enum verdict xdp_steer(struct xdp_md *ctx, __u32 slot)
{
	const struct frame frame = { .data = (void *)(long)ctx->data,
				     .data_end = (void *)(long)ctx->data_end };
	const struct iphdr *ip = frame.data + ETH_HLEN;
	struct packet packet = {};
	enum verdict verdict;
	__u32 cpu = 0;

	if (frame.data + IP_LINEAR > frame.data_end)
		return VERDICT_malformed; /* cannot be, but the verifier does not know */
	packet.src = ip->saddr;
	packet.dst = ip->daddr;
	packet.tot_len = bpf_ntohs(ip->tot_len);
	verdict = cpu_choose(&frame, &packet, slot, &cpu);
	if (verdict == VERDICT_cpu && bpf_redirect_map(&cpus, cpu, XDP_PASS) != XDP_REDIRECT)
		return VERDICT_user_pass;
	return verdict;
}

/*
 * Everything but forwarding. A function of its own that reads the header again: what it needs would be
 * kept at hand for every packet, and that cost those that are forwarded a tenth of their time.
 */
static __noinline int xdp_leave(struct xdp_md *ctx, __u32 port, __u32 len, __u32 slot,
				enum verdict verdict)
{
	if (may_be_user_drop(verdict)) {
		const struct frame frame = { .data = (void *)(long)ctx->data,
					     .data_end = (void *)(long)ctx->data_end,
					     .len = len,
					     .port = port };

		verdict = user_drop(&frame, clock_now(), verdict, &slot);
	}
	verdict = observe(verdict);
	if (verdict == VERDICT_cpu)
		verdict = xdp_steer(ctx, slot);
	book_other(port, len, slot, verdict);
	if (verdict == VERDICT_no_neighbour)
		neighbour_ask((void *)(long)ctx->data, (void *)(long)ctx->data_end, slot);
	if (verdict == VERDICT_cpu)
		return XDP_REDIRECT;
	return verdict == VERDICT_dropped ? XDP_DROP : XDP_PASS;
}

SEC("xdp")
int router_xdp(struct xdp_md *ctx)
{
	struct frame frame = {
		.data = (void *)(long)ctx->data,
		.data_end = (void *)(long)ctx->data_end,
		.port = port_find(ctx->ingress_ifindex),
	};
	__u64 now = clock_now();
	struct packet packet = {};
	struct way way = {};
	enum verdict verdict;

	frame.len = frame_length(ctx);
	verdict = decide(&frame, now, &packet, &way);
	if (verdict == VERDICT_forwarded && !observes()) {
		verdict = xdp_forward(ctx, &frame, &packet, &way);
		if (verdict == VERDICT_forwarded) {
			book_forwarded(&frame, &way, now);
			return XDP_REDIRECT;
		}
	}
	return xdp_leave(ctx, frame.port, frame.len, way.slot, verdict);
}

#endif
