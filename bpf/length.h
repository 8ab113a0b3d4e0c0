/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The length of a frame that may lie in several buffers. Nearly all lie in one: to see that costs a
 * load from the kernel's own context, to ask the helper costs a twentieth of a packet's time.
 */
#ifndef EBPF_ROUTE_BPF_LENGTH_H
#define EBPF_ROUTE_BPF_LENGTH_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "tables.h"

/* What is read of the kernel's struct; the offset comes from the running kernel's BTF. */
struct xdp_buff {
	__u32 flags;
} __attribute__((preserve_access_index));

#define XDP_BUFF_HAS_FRAGS (1u << 0) /* XDP_FLAGS_HAS_FRAGS in include/net/xdp.h */

extern void *bpf_cast_to_kern_ctx(void *ctx) __ksym __weak; /* kernel 6.2 */

static __always_inline bool lies_in_one_buffer(struct xdp_md *ctx)
{
	const struct xdp_buff *buff;

	if (!multi_buffer)
		return true;
	if (!see_buffers)
		return false;
	buff = bpf_cast_to_kern_ctx(ctx);
	return !(buff->flags & XDP_BUFF_HAS_FRAGS);
}

/* Bytes of the whole frame. */
static __always_inline __u32 frame_length(struct xdp_md *ctx)
{
	return lies_in_one_buffer(ctx) ? ctx->data_end - ctx->data : bpf_xdp_get_buff_len(ctx);
}

#endif
