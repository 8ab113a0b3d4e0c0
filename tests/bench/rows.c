// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ways to forward that are compared: how each is set up, and what proves that it did the work.
 *
 * The kernel's row has GRO on at r0, as network cards have it: without that, or an XDP program, a veth
 * takes no redirected frames. A program that passes every packet instead was 2 to 3 % faster.
 */
#include <stdlib.h>
#include <unistd.h>
#include <linux/if_link.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "tests/bench/bench.h"

#define EVERYWHERE .end_to_end = true, .alone = true

const struct row rows[ROWS] = {
	[ROW_GENERATOR] = { .key = "generator",
			    .title = "generator alone, back at r0",
			    .end_to_end = true,
			    .on = true,
			    .sink = SINK_ROUTER },
	[ROW_KERNEL] = { .key = "kernel",
			 .title = "kernel ip_forward",
			 .proof = PROOF_KERNEL,
			 .end_to_end = true,
			 .on = true,
			 .sink = SINK_END },
	[ROW_FIB_DIRECT] = { .key = "fib_direct",
			     .title = "XDP + bpf_fib_lookup, direct",
			     EVERYWHERE,
			     .sink = SINK_END,
			     .program = "forward_fib_direct" },
	[ROW_FIB_FULL] = { .key = "fib_full",
			   .title = "XDP + bpf_fib_lookup, full",
			   EVERYWHERE,
			   .sink = SINK_END,
			   .program = "forward_fib_full" },
	[ROW_DIR24] = { .key = "dir24",
			.title = "ebpf-routed --fib dir24",
			.proof = PROOF_ROUTED,
			EVERYWHERE,
			.on = true,
			.sink = SINK_END,
			.engine = "dir24" },
	[ROW_LPM] = { .key = "lpm",
		      .title = "ebpf-routed --fib lpm",
		      .proof = PROOF_ROUTED,
		      EVERYWHERE,
		      .on = true,
		      .sink = SINK_END,
		      .engine = "lpm" },
	[ROW_BARE] = { .key = "bare",
		       .title = "XDP + DIR-24-8, bare",
		       EVERYWHERE,
		       .sink = SINK_END,
		       .program = "forward_dir24" },
	[ROW_FLOOR] = { .key = "floor",
			.title = "XDP, fixed egress, no lookup",
			.end_to_end = true,
			.sink = SINK_END,
			.program = "forward_fixed" },
	[ROW_BASE] = { .key = "base",
		       .title = "feeder alone",
		       .alone = true,
		       .on = true,
		       .program = "forward_fixed" }, /* attached only to have r0 take part */
};

const char *const traffic_names[TRAFFICS] = { "single",	    "hot",    "mid",	   "uniform",
					      "neighbours", "hot-on", "uniform-on" };
const char *const method_names[METHODS] = { "end-to-end", "alone" };
const unsigned int size_names[SIZES] = { 64, 1500 };

bool row_takes_part(enum row_id row, struct scene scene)
{
	if (traffic_is_on(scene.kind) && !rows[row].on)
		return false;
	return scene.method == METHOD_ALONE ? rows[row].alone : rows[row].end_to_end;
}

bool row_start(struct lab *lab, enum row_id row, bool on, const char **ret_why)
{
	const struct row *r = &rows[row];

	traffic_sink(lab->traffic, r->sink);
	if (on)
		topology_rp_filter(&lab->topology, true);
	if (r->program)
		rival_start(lab->rival, r->program);
	if (r->proof == PROOF_KERNEL)
		topology_gro(&lab->topology, SITE_ROUTER, "r0", true);
	if (r->proof != PROOF_ROUTED)
		return true;
	if (!routed_present(lab->bin)) {
		*ret_why = "ebpf-routed is not built";
		return false;
	}
	return routed_start(&lab->routed, &lab->topology, lab->bin, r->engine, lab->cpu, ret_why);
}

void row_stop(struct lab *lab, enum row_id row, bool on)
{
	traffic_sink(lab->traffic, SINK_NONE);
	if (rows[row].program)
		rival_stop(lab->rival);
	if (rows[row].proof == PROOF_KERNEL)
		topology_gro(&lab->topology, SITE_ROUTER, "r0", false);
	if (rows[row].proof == PROOF_ROUTED)
		routed_stop(&lab->routed);
	if (on)
		topology_rp_filter(&lab->topology, false);
}

/* The program that is attached to r0, whoever did it. */
static int program_at_r0(const struct lab *lab)
{
	uint32_t id = 0;
	int fd;

	topology_enter(&lab->topology, SITE_ROUTER);
	if (bpf_xdp_query_id((int)lab->topology.r0, XDP_FLAGS_DRV_MODE, &id))
		id = 0;
	topology_enter(&lab->topology, SITE_HOME);
	fd = id ? bpf_prog_get_fd_by_id(id) : -1;
	if (fd < 0)
		die("r0: its XDP program cannot be had: %s", strerror(errno));
	return fd;
}

static void run_alone(struct lab *lab, enum row_id row, struct window window, uint32_t packets,
		      struct pass *ret)
{
	int fd = row == ROW_BASE ? -1 : program_at_r0(lab);

	alone_target(lab->alone, fd);
	if (fd >= 0)
		close(fd);
	alone_run(lab->alone, window, packets, ret);
}

bool row_filters(struct lab *lab, enum row_id row)
{
	if (rows[row].sink != SINK_END || !lab->spoofed.count)
		return true;
	traffic_size(lab->traffic, IP_LEN_SMALL);
	if (traffic_refused(lab->traffic, lab->spoofed))
		return true;
	progress("BROKEN: %s, everything on: packets from a source without a route arrive",
		 rows[row].title);
	return false;
}

/* Does what was counted agree with the row, the packets lost apart? */
static bool is_proven(enum proof proof, const struct pass *pass, uint64_t kernel, uint64_t routed)
{
	if (!pass->done || pass->wrong || pass->lost >= FRAMES / 4)
		return false;
	if (!pass->intact && !pass->lost)
		return false;
	if (proof == PROOF_KERNEL)
		return kernel >= pass->right && kernel <= pass->sent;
	if (proof == PROOF_ROUTED && (routed < pass->right || routed > pass->sent))
		return false;
	return kernel == 0;
}

static uint64_t routed_count(const struct lab *lab, enum row_id row, char *text, size_t size)
{
	return rows[row].proof == PROOF_ROUTED
		       ? routed_forwarded(&lab->routed, lab->bin, text, size)
		       : 0;
}

bool row_run(struct lab *lab, enum row_id row, struct scene scene, uint32_t packets,
	     struct pass *ret)
{
	static char counters[1 << 16];
	uint64_t routed = routed_count(lab, row, counters, sizeof(counters));
	uint64_t kernel = topology_kernel_forwarded(&lab->topology);

	if (scene.method == METHOD_ALONE) {
		run_alone(lab, row, lab->window[scene.kind], packets, ret);
	} else {
		traffic_size(lab->traffic, scene.size == SIZE_LARGE ? IP_LEN_LARGE : IP_LEN_SMALL);
		traffic_run(lab->traffic, lab->window[scene.kind], packets, ret);
	}
	kernel = topology_kernel_forwarded(&lab->topology) - kernel;
	routed = routed_count(lab, row, counters, sizeof(counters)) - routed;
	if (is_proven(rows[row].proof, ret, kernel, routed))
		return true;
	progress("BROKEN: %s, %s %u %s: sent %llu, right %llu, wrong %llu, lost %llu, foreign "
		 "%llu; the kernel forwarded %llu, ebpf-routed %llu",
		 rows[row].title, method_names[scene.method], size_names[scene.size],
		 traffic_names[scene.kind], (unsigned long long)ret->sent,
		 (unsigned long long)ret->right, (unsigned long long)ret->wrong,
		 (unsigned long long)ret->lost, (unsigned long long)ret->foreign,
		 (unsigned long long)kernel, (unsigned long long)routed);
	if (rows[row].proof == PROOF_ROUTED)
		progress("its counters: %s", counters);
	return false;
}
