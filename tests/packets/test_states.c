// SPDX-License-Identifier: GPL-2.0-only
/*
 * What one packet cannot show: a lease that is renewed, marks of use, unknown ports, several buffers.
 */
#include "lab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <time.h>
#include <linux/bpf.h>
#include <bpf/bpf.h>

enum { PAGE = 4096 };

static struct lab_counters expected;

static int start(void **state)
{
	(void)state;
	memset(&expected, 0, sizeof(expected));
	lab_reset(lab);
	return 0;
}

/* One packet by this recipe, and what has to be counted for it at that port. */
static void step(const struct recipe *recipe, int port, enum verdict verdict, uint32_t slot,
		 const char *what)
{
	struct frame in, out;
	struct outcome outcome;

	frame_make(&in, lab_port_mac[recipe->to_port ? recipe->to_port : PORT_IN], recipe);
	out = in;
	if (verdict == VERDICT_forwarded)
		lab_forward(&out, slot);
	lab_run(lab, &in, &outcome);
	assert_int_equal(outcome.verdict, verdict == VERDICT_forwarded ? XDP_REDIRECT : XDP_PASS);
	assert_int_equal(outcome.frame.len, out.len);
	assert_memory_equal(outcome.frame.bytes, out.bytes, out.len);
	lab_expect(&expected, port, verdict, in.len, slot);
	lab_assert_counters(lab, &expected, what);
}

static void test_lease(void **state)
{
	static const struct recipe plain;
	const struct timespec longer = { .tv_nsec = 100000000 };

	(void)state;
	lab->control->lease_until = 0;
	step(&plain, PORT_IN, VERDICT_stale, 0, "never leased");
	lab->control->lease_until = now_ns() + 600000000000ULL;
	step(&plain, PORT_IN, VERDICT_forwarded, SLOT_OUT, "leased");
	/* The clock of the programs moves by itself. */
	lab->control->lease_until = now_ns() + 20000000;
	nanosleep(&longer, NULL);
	step(&plain, PORT_IN, VERDICT_stale, 0, "over");
	lab->control->lease_until = now_ns() + 600000000000ULL;
	step(&plain, PORT_IN, VERDICT_forwarded, SLOT_OUT, "renewed");
}

static void test_unknown_port(void **state)
{
	static const struct recipe plain;

	(void)state;
	lab->port_of_ifindex[lab_ifindex(PORT_IN)] = PORT_NONE;
	step(&plain, PORT_NONE, VERDICT_stale, 0, "no port");
	lab->control->hold = VERDICT_paused;
	step(&plain, PORT_NONE, VERDICT_stale, 0, "no port, held");
}

/* A macvlan device is known on PORT_IN alone; then the wire becomes that of another port. */
static void test_other_port(void **state)
{
	static const struct recipe upper = { .to_port = PORT_UPPER };
	union ingress_mac key = { .port = PORT_JUMBO };
	uint64_t port = PORT_UPPER;
	int fd = bpf_map__fd(lab->router->maps.ingress_macs);

	(void)state;
	memcpy(key.mac, lab_port_mac[PORT_UPPER], sizeof(key.mac));
	lab_upper(lab);
	step(&upper, PORT_IN, VERDICT_forwarded, SLOT_OUT, "by the port");
	lab->port_of_ifindex[lab_ifindex(PORT_IN)] = PORT_JUMBO;
	lab->ports[PORT_JUMBO].flags |= PORT_HAS_MACS;
	step(&upper, PORT_JUMBO, VERDICT_not_our_mac, 0, "by another");
	bpf_map_update_elem(fd, &key, &port, BPF_ANY);
	step(&upper, PORT_JUMBO, VERDICT_forwarded, SLOT_OUT, "by another, known there");
	bpf_map_delete_elem(fd, &key);
}

static void test_used(void **state)
{
	static const struct recipe plain, multicast = { .dst = "224.0.0.1" },
					  small = { .dst = "10.2.0.1", .payload = 1400 };
	__u64 *used = &lab->adjacencies[SLOT_OUT].used, start_ns = now_ns();
	uint64_t recent;
	const uint64_t second = 1000000000;

	(void)state;
	step(&plain, PORT_IN, VERDICT_forwarded, SLOT_OUT, "first use");
	/* The clock of the programs moves with the tick. */
	assert_true(*used + second / 10 > start_ns && *used <= now_ns());
	*used = recent = now_ns() - second / 2;
	step(&plain, PORT_IN, VERDICT_forwarded, SLOT_OUT, "half a second ago");
	assert_true(*used == recent);
	*used = now_ns() - 2 * second;
	step(&plain, PORT_IN, VERDICT_forwarded, SLOT_OUT, "two seconds ago");
	assert_true(*used + second / 10 > start_ns && *used <= now_ns());
	step(&multicast, PORT_IN, VERDICT_multicast, 0, "no use");
	step(&small, PORT_IN, VERDICT_mtu, 0, "a fallback is no use");
	assert_true(lab->adjacencies[SLOT_SMALL].used == 0);
	lab->control->flags = CONTROL_OBSERVE;
	*used = 0;
	step(&plain, PORT_IN, VERDICT_observe, 0, "observing is no use");
	assert_true(*used == 0);
}

/* A jumbo frame over several buffers; without support the kernel lets no such frame near. */
static void test_multi_buffer(void **state)
{
	static const struct {
		const char *name;
		struct recipe in;
		enum verdict verdict;
	} steps[] = {
		{ "9000 bytes", { .dst = "10.3.0.1", .payload = 8980 }, VERDICT_multi_buffer },
		{ "9000 bytes, mtu 1500", { .payload = 8980 }, VERDICT_mtu },
		{ "9000 bytes, ttl 1", { .payload = 8980, .ttl = 1 }, VERDICT_ttl },
		{ "only padding beyond the first buffer",
		  { .payload = 40, .padding = PAGE },
		  VERDICT_multi_buffer },
		{ "longer than all buffers", { .payload = 8980, .cut = 9013 }, VERDICT_malformed },
		{ "not for us", { .payload = 8980, .patch = { { 0, 4 } } }, VERDICT_not_our_mac },
		{ "dropped by no_route",
		  { .payload = 8980, .dst = "203.0.113.1" },
		  VERDICT_no_route },
	};

	(void)state;
	if (!lab->buffers || lab->tc)
		return;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		step(&steps[i].in, PORT_IN, steps[i].verdict, 0, steps[i].name);
}

int run_states(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_lease, start),
		cmocka_unit_test_setup(test_unknown_port, start),
		cmocka_unit_test_setup(test_other_port, start),
		cmocka_unit_test_setup(test_used, start),
		cmocka_unit_test_setup(test_multi_buffer, start),
	};

	return cmocka_run_group_tests_name("states", tests, NULL, NULL);
}
