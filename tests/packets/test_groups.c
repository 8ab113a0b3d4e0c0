// SPDX-License-Identifier: GPL-2.0-only
/*
 * Multipath: a flow keeps its leg, flows spread over the legs by weight, fragments stay together.
 */
#include "lab.h"
#include "daemon/fib_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <linux/bpf.h>

enum { FLOWS = 4096, MANY = 10000 };

static int start(void **state)
{
	(void)state;
	lab_reset(lab);
	return 0;
}

/* The slot that the packet was sent to; its bytes are checked on the way. */
static uint32_t leg(const struct recipe *recipe)
{
	struct frame in, out;
	struct outcome outcome;
	uint32_t slot;

	frame_make(&in, lab_port_mac[PORT_IN], recipe);
	lab_run(lab, &in, &outcome);
	assert_int_equal(outcome.verdict, XDP_REDIRECT);
	slot = lab_slot_of(&outcome.frame);
	assert_true(slot != 0);
	out = in;
	lab_forward(&out, slot);
	assert_int_equal(outcome.frame.len, out.len);
	assert_memory_equal(outcome.frame.bytes, out.bytes, out.len);
	return slot;
}

/* Packets of flow i, each with its own addresses; all to 10.11.0.0/16. */
static struct recipe flow(int i, char text[2][16])
{
	snprintf(text[0], 16, "10.11.%d.%d", i >> 6 & 63, i & 63);
	snprintf(text[1], 16, "192.0.%d.%d", i >> 8 & 255, i & 255);
	return (struct recipe){ .dst = text[0], .src = text[1], .sport = 1000, .dport = 53 };
}

static void fill_buckets(const uint32_t *slots, const int *weights, int n)
{
	int bucket = 0;

	for (int i = 0; i < n; i++) {
		for (int j = 0; j < weights[i]; j++)
			lab->groups[GROUP_HALVES].bucket[bucket++] = slots[i];
	}
	assert_int_equal(bucket, GROUP_BUCKETS);
}

/* Every leg within 3 % of all flows of its share: the spread of a random choice is below 1%. */
static void assert_shares(const uint32_t *slots, const int *weights, int n)
{
	int hits[LAB_SLOTS] = { 0 };
	char text[2][16];

	for (int i = 0; i < FLOWS; i++) {
		struct recipe recipe = flow(i, text);

		hits[leg(&recipe)]++;
	}
	for (int i = 0; i < n; i++) {
		int share = FLOWS * weights[i] / GROUP_BUCKETS;

		if (abs(hits[slots[i]] - share) > FLOWS / 32)
			fail_msg("slot %u: %d of %d flows, expected about %d", slots[i],
				 hits[slots[i]], FLOWS, share);
	}
}

static void test_shares(void **state)
{
	static const uint32_t slots[] = { SLOT_OUT, SLOT_SMALL, SLOT_JUMBO, SLOT_BIG };
	static const int equal[] = { 64, 64, 64, 64 }, weighted[] = { 16, 32, 80, 128 };

	(void)state;
	fill_buckets(slots, equal, 4);
	assert_shares(slots, equal, 4);
	lab->control->hash_policy = 1;
	assert_shares(slots, equal, 4);
	fill_buckets(slots, weighted, 4);
	assert_shares(slots, weighted, 4);
	lab->control->hash_policy = 0;
	assert_shares(slots, weighted, 4);
}

/* The slot of each of MANY flows: between many hosts, or by the ports between two. */
static uint32_t many_flow(int i, bool one_pair)
{
	char dst[16] = "10.11.9.1", src[16] = "192.0.2.7";
	struct recipe recipe = { .dst = dst, .src = src, .sport = 32768, .dport = 443 };

	if (one_pair) {
		recipe.sport = 32768 + i / 4;
		recipe.dport = 8000 + i % 4;
	} else {
		snprintf(dst, sizeof(dst), "10.11.%d.%d", i >> 7, i & 127);
		snprintf(src, sizeof(src), "192.0.%d.%d", i >> 8, i & 255);
	}
	return leg(&recipe);
}

/*
 * Weights as the daemon makes buckets of them: each leg within 5 percentage points of the flows, and
 * those that get a tenth or more within 5 % of their share.
 */
static void assert_weights(const uint16_t *weights, unsigned int n, bool one_pair)
{
	static const uint32_t slots[] = { SLOT_OUT, SLOT_JUMBO, SLOT_SMALL, SLOT_BIG };
	static uint32_t chosen[MANY];
	int hits[LAB_SLOTS] = { 0 };
	uint32_t total = 0;

	fib_group_fill(slots, weights, n, NULL, &lab->groups[GROUP_HALVES]);
	for (unsigned int i = 0; i < n; i++)
		total += weights[i];
	for (int i = 0; i < MANY; i++)
		hits[chosen[i] = many_flow(i, one_pair)]++;
	for (int i = 0; i < MANY; i += 16)
		assert_int_equal(many_flow(i, one_pair), chosen[i]);
	for (unsigned int i = 0; i < n; i++) {
		int share = MANY * weights[i] / total, off = abs(hits[slots[i]] - share);

		if (off > MANY / 20 || (share >= MANY / 10 && off > share / 20))
			fail_msg("weight %u of %u, policy %u%s: %d flows of %d", weights[i], total,
				 lab->control->hash_policy, one_pair ? ", one pair of hosts" : "",
				 hits[slots[i]], MANY);
	}
}

static void test_weights(void **state)
{
	static const struct {
		uint16_t weights[4];
		unsigned int n;
	} groups[] = {
		{ { 1, 1 }, 2 }, { { 1, 2, 3 }, 3 }, { { 10, 1 }, 2 }, { { 3, 4, 5, 4 }, 4 }
	};

	(void)state;
	/* Neither engine nor buffers have a part in this; once is enough of so many packets. */
	if (lab->router->rodata->engine != ENGINE_DIR24 || lab->buffers)
		return;
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		lab->control->hash_policy = 0;
		assert_weights(groups[i].weights, groups[i].n, false);
		lab->control->hash_policy = 1;
		assert_weights(groups[i].weights, groups[i].n, false);
		assert_weights(groups[i].weights, groups[i].n, true);
	}
}

/* Every bucket is reached, so that no leg of weight 1 in 256 starves. */
static void test_all_buckets(void **state)
{
	static const uint32_t slots[] = { SLOT_OUT, SLOT_JUMBO };
	static const int weights[] = { 255, 1 };
	char text[2][16];
	int rare = 0;

	(void)state;
	fill_buckets(slots, weights, 2);
	for (int i = 0; i < FLOWS; i++) {
		struct recipe recipe = flow(i, text);

		rare += leg(&recipe) == SLOT_JUMBO;
	}
	assert_in_range(rare, 1, FLOWS / 64);
}

/* Policy 0 is by addresses: ports and protocol change nothing. Policy 1: they do. */
static void test_policies(void **state)
{
	char text[2][16];

	(void)state;
	for (int policy = 0; policy < 2; policy++) {
		int moved = 0, by_protocol = 0;

		lab->control->hash_policy = policy;
		for (int i = 0; i < 64; i++) {
			struct recipe recipe = flow(i, text);
			uint32_t first = leg(&recipe);

			assert_int_equal(leg(&recipe), first);
			for (int port = 1; port < 9; port++) {
				recipe.sport = 1000 + port;
				moved += leg(&recipe) != first;
			}
			recipe.sport = 1000;
			recipe.protocol = 6;
			by_protocol += leg(&recipe) != first;
		}
		if (policy == 0) {
			assert_int_equal(moved, 0);
			assert_int_equal(by_protocol, 0);
		} else {
			assert_in_range(moved, 64 * 8 / 3, 64 * 8 * 2 / 3);
			assert_in_range(by_protocol, 10, 54);
		}
	}
}

/* The ports count for these protocols alone; others have none. */
static void test_ports_by_protocol(void **state)
{
	static const struct {
		int protocol;
		bool ports;
	} cases[] = { { 6, true },   { 17, true }, { 132, true }, { 33, true },
		      { 136, true }, { 1, false }, { 47, false }, { 50, false } };
	char text[2][16];

	(void)state;
	lab->control->hash_policy = 1;
	for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
		struct recipe recipe = flow(7, text);
		int moved = 0;
		uint32_t first;

		recipe.protocol = cases[c].protocol;
		first = leg(&recipe);
		for (int port = 1; port < 33; port++) {
			recipe.dport = 53 + port;
			moved += leg(&recipe) != first;
		}
		if (cases[c].ports)
			assert_in_range(moved, 4, 28);
		else
			assert_int_equal(moved, 0);
	}
}

static void test_fragments(void **state)
{
	char text[2][16];

	(void)state;
	lab->control->hash_policy = 1;
	for (int i = 0; i < 64; i++) {
		struct recipe recipe = flow(i, text);
		uint32_t first;

		recipe.patch[0] = (struct patch){ AT_FRAG, 0x20 };
		first = leg(&recipe);
		/* Where ports were, later fragments have anything; the last one has no MF. */
		recipe.sport = 7 * i;
		recipe.dport = 3;
		assert_int_equal(leg(&recipe), first);
		recipe.patch[1] = (struct patch){ AT_FRAG + 1, 185 };
		assert_int_equal(leg(&recipe), first);
		recipe.patch[0] = (struct patch){ AT_FRAG, 0 };
		assert_int_equal(leg(&recipe), first);
		recipe.patch[0] = (struct patch){ AT_FRAG, 0x1f };
		recipe.payload = -1;
		assert_int_equal(leg(&recipe), first);
	}
}

/* A packet too short for ports, padded or not: by addresses, and its leg is the same. */
static void test_short(void **state)
{
	char text[2][16];

	(void)state;
	lab->control->hash_policy = 1;
	for (int i = 0; i < 32; i++) {
		struct recipe bare = flow(i, text), padded;

		bare.payload = 3;
		padded = bare;
		padded.padding = 23;
		assert_int_equal(leg(&bare), leg(&padded));
	}
}

/* Buckets may hold verdicts; nonsense counts as stale, never as another group's leg. */
static void test_bucket_verdicts(void **state)
{
	static struct lab_counters is;
	char dst[16];
	unsigned long long unreachable, stale;

	(void)state;
	for (int i = 0; i < 512; i++) {
		struct recipe recipe = { .dst = dst };
		struct outcome outcome;
		struct frame in;

		snprintf(dst, sizeof(dst), "10.12.%d.%d", i >> 8, i & 255);
		frame_make(&in, lab_port_mac[PORT_IN], &recipe);
		lab_run(lab, &in, &outcome);
		assert_int_equal(outcome.verdict, XDP_PASS);
		assert_memory_equal(outcome.frame.bytes, in.bytes, in.len);
	}
	lab_counters(lab, &is);
	unreachable = is.port[PORT_IN].verdict[VERDICT_unreachable].packets;
	stale = is.port[PORT_IN].verdict[VERDICT_stale].packets;
	assert_int_equal(unreachable + stale, 512);
	assert_in_range(stale, 8, 80);
}

/* Another seed, another choice: routers in a row must not all choose alike. */
static void test_seed(void **state)
{
	char text[2][16];
	int moved = 0;

	(void)state;
	for (int i = 0; i < 256; i++) {
		struct recipe recipe = flow(i, text);
		uint32_t first;

		lab->control->hash_seed = 1;
		first = leg(&recipe);
		lab->control->hash_seed = 2;
		moved += leg(&recipe) != first;
	}
	assert_in_range(moved, 64, 192);
}

int run_groups(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_shares, start),
		cmocka_unit_test_setup(test_weights, start),
		cmocka_unit_test_setup(test_all_buckets, start),
		cmocka_unit_test_setup(test_policies, start),
		cmocka_unit_test_setup(test_ports_by_protocol, start),
		cmocka_unit_test_setup(test_fragments, start),
		cmocka_unit_test_setup(test_short, start),
		cmocka_unit_test_setup(test_bucket_verdicts, start),
		cmocka_unit_test_setup(test_seed, start),
	};

	return cmocka_run_group_tests_name("groups", tests, NULL, NULL);
}
