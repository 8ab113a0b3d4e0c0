// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a program costs alone: BPF_PROG_TEST_RUN repeats a feeder that jumps into it. The frame never
 * leaves, so this shows neither the driver nor the redirect's second half.
 */
#include <stdlib.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "tests/bench/bench.h"
#include "alone.skel.h"

#define LOOKED_AT 256 /* packets whose frames are looked at before the timed ones */

struct alone {
	const struct topology *topology;
	struct alone_bpf *bpf;
	int cpu;
	bool forwards; /* the target: all but the one that returns at once */
};

struct alone *alone_open(const struct topology *topology, const struct traffic *traffic, int cpu)
{
	struct alone *alone = calloc(1, sizeof(*alone));

	if (!alone)
		die("alone: out of memory");
	alone->topology = topology;
	alone->cpu = cpu;
	alone->bpf = alone_bpf__open();
	if (!alone->bpf || bpf_map__reuse_fd(alone->bpf->maps.flows, traffic_flows_fd(traffic)) ||
	    alone_bpf__load(alone->bpf))
		die("alone: the programs did not load: %s", strerror(errno));
	alone->bpf->bss->template = *traffic_template(traffic);
	return alone;
}

void alone_close(struct alone *alone)
{
	if (!alone)
		return;
	alone_bpf__destroy(alone->bpf);
	free(alone);
}

void alone_target(struct alone *alone, int program_fd)
{
	int fd = program_fd < 0 ? bpf_program__fd(alone->bpf->progs.back) : program_fd;
	uint32_t key = 0;

	alone->forwards = program_fd >= 0;
	if (bpf_map_update_elem(bpf_map__fd(alone->bpf->maps.target), &key, &fd, BPF_ANY))
		die("alone: the kernel does not let the feeder jump to this program: %s",
		    strerror(errno));
}

/* Feeds `repeat` packets that come in by r0; true where the last one is to be redirected. */
static bool feed(struct alone *alone, uint32_t repeat, uint8_t *frame, uint32_t frame_len)
{
	struct xdp_md context = {
		.data_end = frame_len,
		.ingress_ifindex = alone->topology->r0,
	};
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = frame_len,
		    .data_out = frame, .data_size_out = frame_len, .ctx_in = &context,
		    .ctx_size_in = sizeof(context), .repeat = (int)repeat);
	int err;

	topology_enter(alone->topology, SITE_ROUTER);
	err = bpf_prog_test_run_opts(bpf_program__fd(alone->bpf->progs.feed), &options);
	topology_enter(alone->topology, SITE_HOME);
	if (err)
		die("program alone: %s", strerror(-err));
	return options.retval == XDP_REDIRECT && options.data_size_out == frame_len;
}

/* Did the program hand the frame on as a router has to? */
static bool is_right(const struct alone *alone, const uint8_t *frame)
{
	uint8_t ttl = alone->forwards ? TTL_ARRIVED : TTL_SENT;
	struct headers headers;

	memcpy(&headers, frame, sizeof(headers));
	return !memcmp(headers.eth.h_dest, alone->forwards ? mac_s0 : mac_r0, ETH_ALEN) &&
	       !memcmp(headers.eth.h_source, alone->forwards ? mac_r1 : mac_g0, ETH_ALEN) &&
	       headers.ip.ttl == ttl && !header_checksum(&headers.ip, sizeof(headers.ip));
}

/* One by one, the first packets of the window: returns how many were forwarded as they should be. */
static unsigned int look(struct alone *alone, struct window window, uint8_t *frame, uint32_t len)
{
	unsigned int right = 0;

	alone->bpf->bss->ride = (struct ride){ .window = window };
	for (unsigned int i = 0; i < LOOKED_AT; i++)
		right += feed(alone, 1, frame, len) && is_right(alone, frame);
	return right;
}

void alone_run(struct alone *alone, struct window window, uint32_t packets, struct pass *ret)
{
	uint8_t frame[sizeof(struct ethhdr) + IP_LEN_SMALL] = { 0 };
	uint32_t warm_up = packets / 4;
	double cpu;
	bool last;

	memset(ret, 0, sizeof(*ret));
	ret->right = look(alone, window, frame, sizeof(frame));
	alone->bpf->bss->ride =
		(struct ride){ .window = window, .start = warm_up, .last = warm_up + packets };
	cpu_enter(alone->cpu);
	cpu_realtime(0, true);
	cpu = cpu_seconds_of(0);
	last = feed(alone, warm_up + packets, frame, sizeof(frame)) && is_right(alone, frame);
	cpu = cpu_seconds_of(0) - cpu;
	cpu_realtime(0, false);
	cpu_leave(alone->cpu);
	ret->sent = alone->bpf->bss->ride.fed + LOOKED_AT;
	ret->done = alone->bpf->bss->ride.last_ns;
	ret->intact = ret->done && last && ret->right == LOOKED_AT;
	ret->right = ret->intact ? ret->sent : ret->right;
	ret->ns = ret->done ? (double)(alone->bpf->bss->ride.last_ns -
				       alone->bpf->bss->ride.first_ns) /
				      packets
			    : 0;
	/* Not of the system call, which also waits for RCU. */
	ret->share = ret->done ? cpu * 1e9 / (ret->ns * (warm_up + packets)) : 1;
}
