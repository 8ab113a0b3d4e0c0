// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tells that rules of legacy iptables changed, which the kernel announces to nobody. By one of two ways:
 *
 * With several CPUs the counters of a table are per-CPU memory in aligned blocks (xt_percpu_counter_alloc()). Who
 * replaces a table takes blocks for the new one, and frees those of the old one, which has at least one, once
 * the new one is in force.
 *
 * With a single CPU there are no such blocks, and the function is traced by which tables are set: every change comes by
 * setsockopt(IPT_SO_SET_REPLACE), also those of the compat ABI. nf_setsockopt() is part of the kernel where
 * ip_tables is a module that comes later, and is called for no option that is frequent.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "netns.h"

char _license[] SEC("license") = "GPL";

/* linux/socket.h and linux/netfilter_ipv4/ip_tables.h, which do not compile for this target. */
#define PF_INET		   2
#define IPT_SO_SET_REPLACE 64

/* XT_PCPU_BLOCK_SIZE of net/netfilter/x_tables.c, since 4.10. */
#define COUNTER_BLOCK 4096

/* What is in it does not matter: one change that is not read yet says as much as many. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 64 << 10); /* a multiple of the page size, whichever that is */
} changes SEC(".maps");

/* Who has taken counters and not freed any yet: threads that replace a table, by process and thread id. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 256);
	__type(key, __u64);
	__type(value, __u8);
} replacing SEC(".maps");

static __always_inline void tell(void)
{
	__u32 change = 1;

	bpf_ringbuf_output(&changes, &change, sizeof(change), 0);
}

/* What else is read of the kernel's structs. */
struct sock_common {
	possible_net_t skc_net;
} CORE;

struct sock {
	struct sock_common __sk_common;
} CORE;

/* Arguments: socket, protocol family, option, value, its length; after it has returned. */
SEC("fexit/nf_setsockopt")
int table_replaced(__u64 *ctx)
{
	const struct sock *sk = (const void *)ctx[0];
	__u8 family = ctx[1];
	__s32 option = ctx[2];
	__u64 result = 0;

	if (family != PF_INET || option != IPT_SO_SET_REPLACE ||
	    !netns_is_ours(sk->__sk_common.skc_net.net))
		return 0;
	if (!bpf_get_func_ret(ctx, &result) && !(__s32)result)
		tell();
	return 0;
}

/* Arguments: (caller, since 6.0,) reserved, atomic, size, alignment, .. */
SEC("tp_btf/percpu_alloc_percpu")
int counters_taken(const __u64 *ctx)
{
	__u64 task = bpf_get_current_pid_tgid();
	__u8 yes = 1;

	if (ctx[3] == COUNTER_BLOCK && (ctx[2] == COUNTER_BLOCK || ctx[4] == COUNTER_BLOCK))
		bpf_map_update_elem(&replacing, &task, &yes, BPF_ANY);
	return 0;
}

/* Arguments: chunk, offset in it, what is freed. Whose table it was is not known: the daemon looks. */
SEC("tp_btf/percpu_free_percpu")
int counters_freed(const __u64 *ctx)
{
	__u64 task = bpf_get_current_pid_tgid();

	if (!(ctx[2] % COUNTER_BLOCK) && !bpf_map_delete_elem(&replacing, &task))
		tell();
	return 0;
}
