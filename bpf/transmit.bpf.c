// SPDX-License-Identifier: GPL-2.0-only
/*
 * The transmit side: frames that were redirected and then not taken, which no program sees and no
 * driver has to count.
 *
 * xdp_redirect_err fires when a frame cannot be queued (device down, frame too long);
 * xdp_devmap_xmit fires for each bulk, with the number that the driver refused. The tables are the
 * router's, by bpf_map__reuse_fd().
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "port_tables.h"

char _license[] SEC("license") = "GPL";

/* Tracepoints fire for the whole machine: only this namespace and this devmap are ours. */
const volatile __u32 netns_inum = 0;
const volatile __u32 tx_ports_id = 0;

#define CORE __attribute__((preserve_access_index))

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

struct net_device {
	int ifindex;
	possible_net_t nd_net;
} CORE;

static __always_inline void count_errors(__u32 port, __u64 frames)
{
	struct port_counters *counters = bpf_map_lookup_elem(&port_counters, &port);

	if (counters)
		counters->tx_errors += frames;
}

/* Arguments: from, to, frames sent, frames dropped, error. */
SEC("tp_btf/xdp_devmap_xmit")
int transmit_bulk(const __u64 *ctx)
{
	const struct net_device *to = (const void *)ctx[1];
	int dropped = ctx[3];
	__u32 port;

	if (dropped <= 0 || to->nd_net.net->ns.inum != netns_inum)
		return 0;
	port = port_find(to->ifindex);
	if (port)
		count_errors(port, dropped);
	return 0;
}

/* Arguments: from, program, target, error, map type, map id, index: the key in tx_ports, our port.
 */
SEC("tp_btf/xdp_redirect_err")
int transmit_error(const __u64 *ctx)
{
	__u32 map_id = ctx[5];

	if (map_id == tx_ports_id)
		count_errors(ctx[6], 1);
	return 0;
}
