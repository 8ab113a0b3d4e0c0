/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whose network namespace is it? Functions and tracepoints are traced for the whole machine, of which one
 * namespace is ours.
 */
#ifndef EBPF_ROUTE_BPF_NETNS_H
#define EBPF_ROUTE_BPF_NETNS_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>

#define CORE __attribute__((preserve_access_index))

/* Set before loading: the inode number of the namespace (/proc/self/ns/net). */
const volatile __u32 netns_inum = 0;

/* What is read of the kernel's structs; the offsets come from the running kernel's BTF. */
struct ns_common {
	unsigned int inum;
} CORE;

struct net {
	struct ns_common ns;
} CORE;

typedef struct {
	struct net *net;
} CORE possible_net_t;

static __always_inline bool netns_is_ours(const struct net *net)
{
	return net->ns.inum == netns_inum;
}

#endif
