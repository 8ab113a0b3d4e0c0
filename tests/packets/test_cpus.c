// SPDX-License-Identifier: GPL-2.0-only
/*
 * Flows over CPUs: each keeps its own, all get a share, and ports count whatever the policy for groups.
 * A CPU that is not in the map shows which flows were meant for it: they are user_pass. Packets that a
 * full queue does not take are counted.
 */
#include "lab_transmit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <linux/bpf.h>

#ifndef BPF_F_TEST_XDP_LIVE_FRAMES
#define BPF_F_TEST_XDP_LIVE_FRAMES (1U << 1)
#endif

enum {
	FLOWS = 1024,
	BATCH = 64,
	BATCHES = 10,
	QUEUE = 8, /* as long as the bulks that it is filled by */
};

static int start(void **state)
{
	(void)state;
	lab_reset(lab);
	return 0;
}

/* Was the flow handed to a CPU? Both flows and answer are checked against what is counted. */
static bool is_steered(const struct recipe *recipe)
{
	static struct lab_counters before, after;
	struct frame in;
	struct outcome outcome;

	lab_counters(lab, &before);
	frame_make(&in, lab_port_mac[PORT_IN], recipe);
	lab_run(lab, &in, &outcome);
	lab_counters(lab, &after);
	assert_int_equal(outcome.frame.len, in.len);
	assert_memory_equal(outcome.frame.bytes, in.bytes, in.len);
	assert_int_equal(after.slot[SLOT_CPU].forwarded.packets,
			 before.slot[SLOT_CPU].forwarded.packets + 1);
	if (outcome.verdict == XDP_REDIRECT)
		return true;
	assert_int_equal(outcome.verdict, XDP_PASS);
	assert_int_equal(after.port[PORT_IN].verdict[VERDICT_user_pass].packets,
			 before.port[PORT_IN].verdict[VERDICT_user_pass].packets + 1);
	return false;
}

static struct recipe flow(int i)
{
	return (struct recipe){ .dst = "10.22.0.1", .protocol = 6, .sport = 1024 + i, .dport = 80 };
}

/* CPU 0 is the only one: `share` of n flows would be its own. */
static void assert_share(uint32_t first, uint32_t n)
{
	int steered = 0, share = first == 0 ? FLOWS / (int)n : 0;

	lab->nexthops[SLOT_CPU].nexthop.arg = nexthop_cpus(first, n);
	for (int i = 0; i < FLOWS; i++) {
		struct recipe recipe = flow(i);

		steered += is_steered(&recipe);
	}
	if (abs(steered - share) > FLOWS / 16)
		fail_msg("%u CPUs from %u: %d of %d flows, expected about %d", n, first, steered,
			 FLOWS, share);
}

static void test_shares(void **state)
{
	(void)state;
	/* Neither engine nor buffers have a part in this. */
	if (lab->router->rodata->engine != ENGINE_DIR24 || lab->buffers)
		return;
	for (uint32_t policy = 0; policy < 2; policy++) {
		lab->control->hash_policy = policy;
		assert_share(0, 1);
		assert_share(0, 2);
		assert_share(0, 5);
		assert_share(1, 4);
	}
}

static void test_flow_keeps_its_cpu(void **state)
{
	(void)state;
	lab->nexthops[SLOT_CPU].nexthop.arg = nexthop_cpus(0, 2);
	for (int i = 0; i < 64; i++) {
		struct recipe recipe = flow(i);
		bool first = is_steered(&recipe);

		recipe.payload = 900;
		recipe.ttl = 3;
		lab->control->hash_policy ^= 1;
		assert_true(is_steered(&recipe) == first);
	}
}

/* Fragments have no ports: all of a packet go one way. */
static void test_fragments(void **state)
{
	int steered = 0;

	(void)state;
	lab->nexthops[SLOT_CPU].nexthop.arg = nexthop_cpus(0, 2);
	for (int i = 0; i < 64; i++) {
		struct recipe recipe = flow(i);

		recipe.patch[0] = (struct patch){ AT_FRAG + i % 2, 0x20 };
		steered += is_steered(&recipe);
	}
	assert_true(steered == 0 || steered == 64);
}

/* A CPU that comes is used at once, one that goes no longer. */
static void test_coming_and_going(void **state)
{
	static const struct recipe recipe = { .dst = "10.22.0.1" };
	long online = sysconf(_SC_NPROCESSORS_ONLN);

	(void)state;
	if (online < 2)
		skip();
	lab->nexthops[SLOT_CPU].nexthop.arg = nexthop_cpus(1, 1);
	assert_false(is_steered(&recipe));
	lab_cpu(lab, 1, true);
	assert_true(is_steered(&recipe));
	lab_cpu(lab, 1, false);
	assert_false(is_steered(&recipe));
}

/* ---- full queues ----------------------------------------------------------------------- */

/* IPv4 packets that the kernel has received in this namespace. */
static uint64_t received(void)
{
	unsigned long long n = 0;
	char line[1024];
	FILE *file = fopen("/proc/net/snmp", "re");

	assert_non_null(file);
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "Ip: %*u %*u %llu", &n) == 1)
			break;
	fclose(file);
	return n;
}

static void flood_cpu(void)
{
	static const struct recipe recipe = { .dst = "10.22.0.1" };
	struct xdp_md ctx = { .ingress_ifindex = lab_ifindex(PORT_IN) };
	struct frame frame;
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame.bytes, .ctx_in = &ctx,
		    .ctx_size_in = sizeof(ctx), .repeat = BATCH * BATCHES, .batch_size = BATCH,
		    .flags = BPF_F_TEST_XDP_LIVE_FRAMES);

	frame_make(&frame, lab_port_mac[PORT_IN], &recipe);
	opts.data_size_in = ctx.data_end = frame.len;
	assert_int_equal(
		bpf_prog_test_run_opts(bpf_program__fd(lab->router->progs.router_xdp), &opts), 0);
}

/*
 * The CPU that sends is the one that is to receive: in the course of a batch it does not come to that, so
 * that of each batch no more than the queue holds is taken.
 */
static void test_full_queue(void **state)
{
	static struct lab_counters counters;
	struct transmit_bpf *transmit = lab_transmit(lab, 0), *other = lab_transmit(lab, 1);
	uint64_t before, errors = 0, arrived = 0, end = now_ns() + 5000000000ULL;
	cpu_set_t all, one;

	(void)state;
	assert_int_equal(sched_getaffinity(0, sizeof(all), &all), 0);
	CPU_ZERO(&one);
	CPU_SET(0, &one);
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
	assert_int_equal(system("ip link set lab0 address 02:00:00:01:00:01"), 0);
	lab_cpu_queue(lab, 0, QUEUE);
	before = received();
	flood_cpu();
	while (arrived + errors < BATCH * BATCHES && now_ns() < end) {
		usleep(1000);
		arrived = received() - before;
		errors = lab_cpu_errors(transmit, 0);
	}
	assert_int_equal(sched_setaffinity(0, sizeof(all), &all), 0);
	lab_cpu_queue(lab, 0, 64);
	assert_int_equal(arrived + errors, BATCH * BATCHES);
	assert_true(errors >= (BATCH - QUEUE) * BATCHES);
	assert_true(arrived >= QUEUE);
	/* Each of them is inside of `cpu`. */
	lab_counters(lab, &counters);
	assert_int_equal(counters.port[PORT_IN].verdict[VERDICT_cpu].packets, BATCH * BATCHES);
	/* Those of another map are not ours. */
	assert_int_equal(lab_cpu_errors(other, 0), 0);
	transmit_bpf__destroy(transmit);
	transmit_bpf__destroy(other);
}

int run_cpus(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_shares, start),
		cmocka_unit_test_setup(test_flow_keeps_its_cpu, start),
		cmocka_unit_test_setup(test_fragments, start),
		cmocka_unit_test_setup(test_coming_and_going, start),
		cmocka_unit_test_setup(test_full_queue, start),
	};

	return cmocka_run_group_tests_name("cpus", tests, NULL, NULL);
}
