// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tells the daemon what time it is for BPF programs, which know no time namespaces. Nothing calls this but the daemon
 * (BPF_PROG_RUN).
 */
#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>

char _license[] SEC("license") = "GPL";

__u64 monotonic_ns; /* when it ran last */

SEC("raw_tp")
int read_clock(void *ctx)
{
	(void)ctx;
	monotonic_ns = bpf_ktime_get_ns();
	return 0;
}
