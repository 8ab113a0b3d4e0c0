// SPDX-License-Identifier: GPL-2.0-only
/*
 * Finds BPF programs on the netfilter hooks that forwarded IPv4 packets pass (bpf_link of type netfilter, Linux
 * 6.4), which no message tells of and which cannot be listed without CAP_SYS_ADMIN.
 *
 * Nothing calls this but the daemon (BPF_PROG_RUN), in the network namespace that is looked at: that of the
 * calling thread. Raw tracepoint programs are run under RCU, so what the hooks name stays there.
 */
#include <linux/bpf.h>
#include <linux/types.h>
#include <stdbool.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

char _license[] SEC("license") = "GPL";

#define CORE __attribute__((preserve_access_index))

enum {
	HOOKS = 5,    /* NF_INET_PRE_ROUTING .. NF_INET_POST_ROUTING */
	LOCAL_IN = 1, /* forwarded packets do not pass these */
	LOCAL_OUT = 3,
	ENTRIES_MAX = 1024, /* MAX_HOOK_COUNT of net/netfilter/core.c */
};

/* What is read of the kernel's structs; the offsets come from the running kernel's BTF. */
enum nf_hook_ops_type {
	NF_HOOK_OP_BPF = 2,
};

struct nf_hook_ops {
	enum nf_hook_ops_type hook_ops_type : 8;
} CORE;

struct nf_hook_entry {
	void *hook;
	void *priv;
} CORE;

/* Behind the entries is a pointer to the nf_hook_ops of each. */
struct nf_hook_entries {
	__u16 num_hook_entries;
	struct nf_hook_entry hooks[];
} CORE;

struct netns_nf {
	struct nf_hook_entries *hooks_ipv4[HOOKS];
} CORE;

struct net {
	struct netns_nf nf;
} CORE;

struct nsproxy {
	struct net *net_ns;
} CORE;

struct task_struct {
	struct nsproxy *nsproxy;
} CORE;

/* The hook that is looked at. */
struct look {
	const void *ops; /* an array of pointers to nf_hook_ops */
	bool has_bpf;
};

/* Of bpf_loop(): 1 ends it. */
static long look_at(__u32 i, struct look *look)
{
	const struct nf_hook_ops *ops = NULL;

	bpf_probe_read_kernel(&ops, sizeof(ops), look->ops + i * sizeof(ops));
	look->has_bpf = ops && BPF_CORE_READ_BITFIELD_PROBED(ops, hook_ops_type) ==
				       bpf_core_enum_value(enum nf_hook_ops_type, NF_HOOK_OP_BPF);
	return look->has_bpf;
}

static __always_inline bool has_bpf(const struct nf_hook_entries *entries)
{
	__u32 n = entries ? BPF_CORE_READ(entries, num_hook_entries) : 0;
	struct look look = {
		.ops = (const void *)entries + bpf_core_field_offset(entries->hooks) +
		       n * bpf_core_type_size(struct nf_hook_entry),
	};

	/* As a plain loop it takes the verifier ten times what the router does. */
	bpf_loop(n < ENTRIES_MAX ? n : ENTRIES_MAX, look_at, &look, 0);
	return look.has_bpf;
}

/* The bit of each hook that has one. */
SEC("raw_tp")
int bpf_hooks(const __u64 *ctx)
{
	const struct task_struct *task = (const void *)bpf_get_current_task();
	const struct net *net = BPF_CORE_READ(task, nsproxy, net_ns);
	__u32 found = 0;

	(void)ctx;
	/* Before Linux 6.4 there are none, and before 5.17 no bpf_loop(): what follows is not looked at then. */
	if (!bpf_core_enum_value_exists(enum nf_hook_ops_type, NF_HOOK_OP_BPF))
		return 0;
	for (__u32 hook = 0; hook < HOOKS; hook++) {
		if (hook == LOCAL_IN || hook == LOCAL_OUT)
			continue;
		if (has_bpf(BPF_CORE_READ(net, nf.hooks_ipv4[hook])))
			found |= 1U << hook;
	}
	return found;
}
