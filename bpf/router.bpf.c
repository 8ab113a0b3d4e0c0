// SPDX-License-Identifier: GPL-2.0-only
/*
 * The packet's way: decide (parse, check, look up, check), then redirect and rewrite, or count and pass.
 */
#include "clock.h"
#include "count.h"
#include "decide.h"
#include "length.h"
#include "rewrite.h"

char _license[] SEC("license") = "GPL";

/* VERDICT_forwarded where it stays on its way, or why the untouched frame goes to the kernel. */
static __always_inline enum verdict xdp_forward(struct xdp_md *ctx, const struct frame *frame,
						const struct packet *packet, const struct way *way)
{
	__u32 trim = frame->len - ETH_HLEN - packet->tot_len;

	/* This only notes the target, so it comes before everything that cannot be undone. */
	if (bpf_redirect_map(&tx_ports, way->hop.target.port, XDP_PASS) != XDP_REDIRECT)
		return VERDICT_egress_down;
	/* The kernel sends no more than the IP packet: Ethernet padding ends here. */
	if (trim && bpf_xdp_adjust_tail(ctx, -(int)trim))
		return VERDICT_malformed;
	if ((void *)(long)ctx->data + IP_LINEAR > (void *)(long)ctx->data_end)
		return VERDICT_malformed; /* cannot be, but the verifier does not know */
	frame_rewrite((void *)(long)ctx->data, way);
	return VERDICT_forwarded;
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
		count_ingress(frame.port, VERDICT_forwarded, frame.len);
		count_egress(way.hop.target.port, frame.len);
		count_nexthop(way.slot, frame.len, now);
		adjacency_stamp(way.adjacency, now);
		return XDP_REDIRECT;
	}
	count_ingress(frame.port, verdict, frame.len);
	return verdict == VERDICT_dropped ? XDP_DROP : XDP_PASS;
}
