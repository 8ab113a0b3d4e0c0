// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs one frame through the program, and compares what was counted.
 */
#include "native.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf.h>

enum { CPUS_MAX = 256 };

static int run_xdp(struct lab *l, const struct frame *in, struct outcome *ret)
{
	struct xdp_md ctx = { .data_end = in->len, .ingress_ifindex = lab_ifindex(PORT_IN) };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = in->bytes, .data_size_in = in->len,
		    .data_out = ret->frame.bytes, .data_size_out = sizeof(ret->frame.bytes),
		    .ctx_in = &ctx, .ctx_size_in = sizeof(ctx), .repeat = 1);
	int err = bpf_prog_test_run_opts(bpf_program__fd(l->router->progs.router_xdp), &opts);

	ret->verdict = opts.retval;
	ret->frame.len = opts.data_size_out;
	return err;
}

static int xdp_word(uint32_t tc_action)
{
	switch (tc_action) {
	case TC_ACT_REDIRECT:
		return XDP_REDIRECT;
	case TC_ACT_SHOT:
		return XDP_DROP;
	case (uint32_t)TC_ACT_UNSPEC:
		return XDP_PASS;
	default:
		return -1;
	}
}

static int run_tc_hook(struct lab *l, const struct frame *in, struct outcome *ret)
{
	struct __sk_buff ctx = { .ifindex = lab_ifindex(PORT_IN),
				 .mark = l->skb.mark,
				 .priority = l->skb.priority,
				 .gso_size = l->skb.gso_size };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = in->bytes, .data_size_in = in->len,
		    .data_out = ret->frame.bytes, .data_size_out = sizeof(ret->frame.bytes),
		    .ctx_in = &ctx, .ctx_size_in = sizeof(ctx), .ctx_out = &ctx,
		    .ctx_size_out = sizeof(ctx), .repeat = 1);
	int err = bpf_prog_test_run_opts(bpf_program__fd(l->router->progs.router_tc), &opts);

	ret->verdict = xdp_word(opts.retval);
	ret->frame.len = opts.data_size_out;
	l->skb.priority = ctx.priority;
	return err;
}

bool lab_can_run(const struct lab *l, const struct frame *frame)
{
	return !l->tc || (frame->len >= ETH_LEN + IP_LEN && frame->len <= 3600);
}

void lab_run(struct lab *l, const struct frame *in, struct outcome *ret)
{
	struct native native;
	int err;

	native_before(l, &native, in);
	err = l->tc ? run_tc_hook(l, in, ret) : run_xdp(l, in, ret);
	if (err)
		fail_msg("test run of %zu bytes: %s", in->len, strerror(-err));
	native_after(l, &native, ret);
}

void lab_counters(const struct lab *l, struct lab_counters *ret)
{
	static struct port_counters ports[CPUS_MAX];
	static struct nexthop_counters slots[CPUS_MAX];
	int ports_fd = bpf_map__fd(l->router->maps.port_counters);
	int slots_fd = bpf_map__fd(l->router->maps.nexthop_counters);

	assert_true(l->n_cpus <= CPUS_MAX);
	memset(ret, 0, sizeof(*ret));
	for (uint32_t port = 0; port < LAB_PORTS; port++) {
		uint64_t *sum = (uint64_t *)&ret->port[port];

		assert_int_equal(bpf_map_lookup_elem(ports_fd, &port, ports), 0);
		for (int cpu = 0; cpu < l->n_cpus; cpu++) {
			for (size_t i = 0; i < sizeof(*ports) / sizeof(*sum); i++)
				sum[i] += ((uint64_t *)&ports[cpu])[i];
		}
	}
	for (uint32_t slot = 0; slot < LAB_SLOTS; slot++) {
		struct nexthop_counters *sum = &ret->slot[slot];

		assert_int_equal(bpf_map_lookup_elem(slots_fd, &slot, slots), 0);
		for (int cpu = 0; cpu < l->n_cpus; cpu++) {
			sum->forwarded.packets += slots[cpu].forwarded.packets;
			sum->forwarded.bytes += slots[cpu].forwarded.bytes;
			sum->used |= slots[cpu].used != 0;
		}
	}
}

void lab_counters_zero(struct lab *l)
{
	static const struct port_counters ports[CPUS_MAX];
	static const struct nexthop_counters slots[CPUS_MAX];
	int ports_fd = bpf_map__fd(l->router->maps.port_counters);
	int slots_fd = bpf_map__fd(l->router->maps.nexthop_counters);

	for (uint32_t port = 0; port < LAB_PORTS; port++)
		bpf_map_update_elem(ports_fd, &port, ports, BPF_ANY);
	for (uint32_t slot = 0; slot < LAB_SLOTS; slot++)
		bpf_map_update_elem(slots_fd, &slot, slots, BPF_ANY);
}

static void count(struct counter *counter, size_t bytes)
{
	counter->packets++;
	counter->bytes += bytes;
}

void lab_expect(struct lab_counters *counters, int ingress, enum verdict verdict, size_t bytes,
		uint32_t slot)
{
	count(&counters->port[ingress].rx, bytes);
	count(&counters->port[ingress].verdict[verdict], bytes);
	if (verdict == VERDICT_forwarded)
		count(&counters->port[lab_hop_port(slot)].redirected, bytes);
	if (!slot)
		return;
	count(&counters->slot[slot].forwarded, bytes);
	counters->slot[slot].used = 1;
}

/* Names the counters that differ: a bare "not equal" helps nobody. */
static void tell(const struct lab_counters *is, const struct lab_counters *expected)
{
	for (int p = 0; p < LAB_PORTS; p++) {
		const struct port_counters *a = &is->port[p], *b = &expected->port[p];

		if (memcmp(&a->rx, &b->rx, sizeof(a->rx)))
			print_error("port %d rx %llu/%llu, expected %llu/%llu\n", p, a->rx.packets,
				    a->rx.bytes, b->rx.packets, b->rx.bytes);
		for (int v = 0; v < VERDICT_COUNT; v++) {
			if (memcmp(&a->verdict[v], &b->verdict[v], sizeof(a->verdict[v])))
				print_error("port %d %s %llu/%llu, expected %llu/%llu\n", p,
					    verdict_name(v), a->verdict[v].packets,
					    a->verdict[v].bytes, b->verdict[v].packets,
					    b->verdict[v].bytes);
		}
		if (memcmp(&a->redirected, &b->redirected, sizeof(a->redirected)))
			print_error("port %d redirected %llu/%llu, expected %llu/%llu\n", p,
				    a->redirected.packets, a->redirected.bytes,
				    b->redirected.packets, b->redirected.bytes);
	}
	for (int slot = 0; slot < LAB_SLOTS; slot++) {
		const struct counter *a = &is->slot[slot].forwarded;
		const struct counter *b = &expected->slot[slot].forwarded;

		if (memcmp(&is->slot[slot], &expected->slot[slot], sizeof(is->slot[slot])))
			print_error("slot %d %llu/%llu, expected %llu/%llu\n", slot, a->packets,
				    a->bytes, b->packets, b->bytes);
	}
}

void lab_assert_counters(const struct lab *l, const struct lab_counters *expected, const char *what)
{
	static struct lab_counters is;

	lab_counters(l, &is);
	if (memcmp(&is, expected, sizeof(is)) == 0)
		return;
	tell(&is, expected);
	fail_msg("%s: counters differ", what);
}
