// SPDX-License-Identifier: GPL-2.0-only
/*
 * The transmit side: frames that were redirected and then not taken, which no program sees and no
 * driver has to count.
 *
 * To a port: xdp_redirect_err fires when a frame cannot be queued (device down, frame too long);
 * xdp_devmap_xmit fires for each bulk, with the number that the driver refused. To a CPU:
 * xdp_cpumap_enqueue fires for each bulk, with the number that found its queue full, and
 * xdp_cpumap_kthread there, with those that found no memory. The port tables are the router's, by
 * bpf_map__reuse_fd().
 *
 * A port whose driver takes no frame at all is out at once: the next packet is left to the kernel, whatever
 * the daemon does meanwhile.
 */
#include <linux/bpf.h>
#include <linux/errno.h>
#include <bpf/bpf_helpers.h>
#include "netns.h"
#include "port_tables.h"

char _license[] SEC("license") = "GPL";

/* Tracepoints fire for the whole machine: only these maps are ours. */
const volatile __u32 tx_ports_id = 0;
const volatile __u32 cpus_id = 0;

/* As many as the machine can have CPUs. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} cpu_errors SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, REFUSED_BYTES);
} refused SEC(".maps");

/* What else is read of the kernel's structs. */
struct net_device {
	int ifindex;
	possible_net_t nd_net;
} CORE;

/* ---- ports ----------------------------------------------------------------------------- */

static __always_inline void count_errors(__u32 port, __u64 frames)
{
	struct port_counters *counters = bpf_map_lookup_elem(&port_counters, &port);

	if (counters)
		counters->tx_errors += frames;
}

/*
 * Does this error of a whole bulk say that the driver takes nothing? A full queue does not: there the
 * kernel's packets would be lost, too. Most drivers take fewer frames then, and return no error at all.
 */
static __always_inline bool is_refusal(int error)
{
	switch (error) {
	case -ENOSPC:
	case -ENOBUFS:
	case -ENOMEM:
	case -EAGAIN:
	case -EBUSY:
		return false;
	default:
		return error < 0;
	}
}

/* Told once: until the daemon writes the port again, the flag is not there. */
static __always_inline void port_refuse(__u32 number, int error)
{
	const __u64 native = (union port_word){ .flags = PORT_XMIT_NATIVE }.word;
	struct port *port = bpf_map_lookup_elem(&ports, &number);
	struct tx_refusal refusal = { .error = error };

	if (!port || !(__sync_fetch_and_and((__u64 *)port->mac, ~native) & native))
		return;
	refusal.ifindex = port->ifindex;
	bpf_ringbuf_output(&refused, &refusal, sizeof(refusal), 0);
}

/* Arguments: from, to, frames sent, frames dropped, error. */
SEC("tp_btf/xdp_devmap_xmit")
int transmit_bulk(const __u64 *ctx)
{
	const struct net_device *to = (const void *)ctx[1];
	int sent = ctx[2], dropped = ctx[3], error = ctx[4];
	__u32 port;

	if (dropped <= 0 || !netns_is_ours(to->nd_net.net))
		return 0;
	port = port_find(to->ifindex);
	if (!port)
		return 0;
	count_errors(port, dropped);
	if (sent <= 0 && is_refusal(error))
		port_refuse(port, error);
	return 0;
}

/* ---- CPUs ------------------------------------------------------------------------------ */

static __always_inline void count_cpu_errors(__u32 cpu, __u64 packets)
{
	__u64 *errors = bpf_map_lookup_elem(&cpu_errors, &cpu);

	if (errors)
		__sync_fetch_and_add(errors, packets);
}

/* Arguments: map id, packets queued, packets dropped, CPU. */
SEC("tp_btf/xdp_cpumap_enqueue")
int cpu_bulk(const __u64 *ctx)
{
	__u32 map_id = ctx[0], dropped = ctx[2];

	if (map_id == cpus_id && dropped)
		count_cpu_errors(ctx[3], dropped);
	return 0;
}

/* Arguments: map id, packets, of these dropped, ..; on the CPU itself. */
SEC("tp_btf/xdp_cpumap_kthread")
int cpu_receive(const __u64 *ctx)
{
	__u32 map_id = ctx[0], dropped = ctx[2];

	if (map_id == cpus_id && dropped)
		count_cpu_errors(bpf_get_smp_processor_id(), dropped);
	return 0;
}

/* ---- both ------------------------------------------------------------------------------ */

/*
 * Arguments: from, program, target, error, map type, map id, index: the key in tx_ports, our port, or in
 * cpus. Only a device without any way to transmit such frames is out; one that is down is announced.
 */
SEC("tp_btf/xdp_redirect_err")
int transmit_error(const __u64 *ctx)
{
	__u32 map_id = ctx[5], index = ctx[6];
	int error = ctx[3];

	if (map_id == tx_ports_id) {
		count_errors(index, 1);
		if (error == -EOPNOTSUPP)
			port_refuse(index, error);
	} else if (map_id == cpus_id && error != -ENOSPC) {
		/* That is generic XDP's full queue: xdp_cpumap_enqueue has counted it. */
		count_cpu_errors(index, 1);
	}
	return 0;
}
