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
	if (way->unchanged)
		return VERDICT_forwarded;
	if (trim && bpf_xdp_adjust_tail(ctx, -(int)trim))
		return VERDICT_malformed;
	if ((void *)(long)ctx->data + IP_LINEAR > (void *)(long)ctx->data_end)
		return VERDICT_malformed; /* cannot be, but the verifier does not know */
	frame_rewrite((void *)(long)ctx->data, way);
	return VERDICT_forwarded;
}

/* VERDICT_cpu where the kernel will get it on another CPU. */
static __always_inline enum verdict xdp_steer(const struct way *way)
{
	return bpf_redirect_map(&cpus, way->cpu, XDP_PASS) == XDP_REDIRECT ? VERDICT_cpu
									   : VERDICT_user_pass;
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
	verdict = observe(decide(&frame, now, &packet, &way));
	if (verdict == VERDICT_forwarded)
		verdict = xdp_forward(ctx, &frame, &packet, &way);
	if (verdict == VERDICT_forwarded) {
		book_forwarded(&frame, &way, now);
		return XDP_REDIRECT;
	}
	if (verdict == VERDICT_cpu)
		verdict = xdp_steer(&way);
	book_other(&frame, &packet, &way, verdict, now);
	if (verdict == VERDICT_cpu)
		return XDP_REDIRECT;
	return verdict == VERDICT_dropped ? XDP_DROP : XDP_PASS;
}

#endif
