// SPDX-License-Identifier: GPL-2.0-only
/*
 * Flows over CPUs: each keeps its own, all get a share, and ports count whatever the policy for groups.
 * A CPU that is not in the map shows which flows were meant for it: they are user_pass.
 */
#include "lab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <unistd.h>
#include <linux/bpf.h>

enum { FLOWS = 1024 };

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

int run_cpus(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_shares, start),
		cmocka_unit_test_setup(test_flow_keeps_its_cpu, start),
		cmocka_unit_test_setup(test_fragments, start),
		cmocka_unit_test_setup(test_coming_and_going, start),
	};

	return cmocka_run_group_tests_name("cpus", tests, NULL, NULL);
}
