// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tracepoint programs: frames that were redirected and then lost, with real frames and devices; and
 * that a port whose driver takes none of a bulk is left alone from the next packet on.
 *
 *   test run --router--> lab1 ==veth== lab1peer
 *
 * lab1 takes redirected frames only while lab1peer has an XDP program and is up, and refuses what is
 * longer than lab1peer's MTU allows: all kinds of loss can be had at will.
 */
#include "lab_transmit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <bpf/bpf.h>

/* One batch: later ones would get the same pages again, rewritten. */
enum {
	FRAMES = 64,
	/* DEV_MAP_BULK_SIZE: when one more comes the device is asked, and that one is on its way then. */
	BULK = 16,
};

#ifndef BPF_F_TEST_XDP_LIVE_FRAMES
#define BPF_F_TEST_XDP_LIVE_FRAMES (1U << 1)
#endif

struct sent {
	unsigned long long redirected, lost, left; /* left to the kernel as egress_no_xdp */
};

/* FRAMES frames of 1000 bytes to that destination, by that port. */
static struct sent send_to(const char *dst, int port)
{
	static struct lab_counters before, after;
	const struct recipe recipe = { .dst = dst, .payload = 1000 - ETH_LEN - IP_LEN };
	struct xdp_md ctx = { .data_end = 1000, .ingress_ifindex = lab_ifindex(PORT_IN) };
	const struct counter *no_xdp = &after.port[PORT_IN].verdict[VERDICT_egress_no_xdp];
	struct sent sent;
	struct frame frame;
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame.bytes, .data_size_in = 1000,
		    .ctx_in = &ctx, .ctx_size_in = sizeof(ctx), .repeat = FRAMES,
		    .flags = BPF_F_TEST_XDP_LIVE_FRAMES);

	lab_counters(lab, &before);
	frame_make(&frame, lab_port_mac[PORT_IN], &recipe);
	assert_int_equal(
		bpf_prog_test_run_opts(bpf_program__fd(lab->router->progs.router_xdp), &opts), 0);
	lab_counters(lab, &after);
	sent.redirected =
		after.port[port].redirected.packets - before.port[port].redirected.packets;
	sent.lost = after.port[port].tx_errors - before.port[port].tx_errors;
	sent.left = no_xdp->packets - before.port[PORT_IN].verdict[VERDICT_egress_no_xdp].packets;
	assert_int_equal(sent.redirected + sent.left, FRAMES);
	return sent;
}

/* By PORT_OUT, all redirected; returns what was counted as lost there. */
static unsigned long long send_frames(void)
{
	struct sent sent = send_to("10.1.0.1", PORT_OUT);

	assert_int_equal(sent.redirected, FRAMES);
	return sent.lost;
}

static bool transmits(int port)
{
	return lab->ports[port].flags & PORT_XMIT_NATIVE;
}

static void peer_program(bool on)
{
	int fd = on ? bpf_program__fd(lab->router->progs.router_xdp) : -1;

	assert_int_equal(bpf_xdp_attach(if_nametoindex("lab1peer"), fd, XDP_FLAGS_DRV_MODE, NULL),
			 0);
}

static void run(const char *command)
{
	assert_int_equal(system(command), 0);
}

static int start(void **state)
{
	(void)state;
	lab_reset(lab);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	peer_program(false);
	run("ip link set lab1peer mtu 1500; ip link set lab1peer up; ip link set lab1 up");
	return 0;
}

static void test_lost_frames(void **state)
{
	struct transmit_bpf *transmit = lab_transmit(lab, 0);

	(void)state;
	peer_program(true);
	assert_int_equal(send_frames(), 0);
	/* Too long for the other end: the driver drops them (xdp_devmap_xmit). */
	run("ip link set lab1peer mtu 500");
	assert_int_equal(send_frames(), FRAMES);
	run("ip link set lab1peer mtu 1500");
	assert_int_equal(send_frames(), 0);
	/* Down without the program knowing: not even queued (xdp_redirect_err). */
	run("ip link set lab1 down");
	assert_int_equal(send_frames(), FRAMES);
	/* None of these says that the driver takes nothing. */
	assert_true(transmits(PORT_OUT));
	assert_int_equal(lab_refused(transmit).n, 0);
	transmit_bpf__destroy(transmit);
	assert_int_equal(send_frames(), 0);
}

/* Each time that the port is tried a bulk is lost, and one frame more. */
static void test_refused(void **state)
{
	struct transmit_bpf *transmit = lab_transmit(lab, 0);
	struct lab_refusals refusals;
	struct sent sent;

	(void)state;
	/* The device's features say that it takes frames, the driver does not. */
	peer_program(true);
	run("ip link set lab1peer down");
	for (int i = 0; i < 3; i++) {
		const uint64_t mac_and_flags = ((uint64_t *)&lab->ports[PORT_OUT])[1];

		sent = send_to("10.1.0.1", PORT_OUT);
		assert_int_equal(sent.lost, BULK + 1);
		assert_int_equal(sent.left, FRAMES - BULK - 1);
		refusals = lab_refused(transmit);
		assert_int_equal(refusals.n, 1);
		assert_int_equal(refusals.last.ifindex, lab_ifindex(PORT_OUT));
		assert_int_equal(refusals.last.error, -ENXIO);
		assert_false(transmits(PORT_OUT));
		/* Of what else is known of the port nothing changed. */
		lab->ports[PORT_OUT].flags |= PORT_XMIT_NATIVE;
		assert_int_equal(((uint64_t *)&lab->ports[PORT_OUT])[1], mac_and_flags);
	}
	run("ip link set lab1peer up");
	assert_int_equal(send_frames(), 0);
	assert_true(transmits(PORT_OUT));
	assert_int_equal(lab_refused(transmit).n, 0);
	transmit_bpf__destroy(transmit);
}

/* A device without any such function, as kernels before 6.3 do not tell: each frame is refused. */
static void test_unable(void **state)
{
	int fd = bpf_map__fd(lab->router->maps.tx_ports);
	struct transmit_bpf *transmit = lab_transmit(lab, 0);
	uint32_t port = PORT_JUMBO, lo = if_nametoindex("lo"), lab1 = lab_ifindex(PORT_JUMBO);
	struct sent sent;

	(void)state;
	assert_int_equal(bpf_map_update_elem(fd, &port, &lo, BPF_ANY), 0);
	sent = send_to("10.3.0.1", PORT_JUMBO);
	assert_int_equal(sent.lost, 1);
	assert_int_equal(sent.left, FRAMES - 1);
	assert_int_equal(lab_refused(transmit).last.error, -EOPNOTSUPP);
	assert_false(transmits(PORT_JUMBO));
	assert_true(transmits(PORT_OUT));
	assert_int_equal(bpf_map_update_elem(fd, &port, &lab1, BPF_ANY), 0);
	transmit_bpf__destroy(transmit);
}

static void test_others(void **state)
{
	struct transmit_bpf *transmit = lab_transmit(lab, 1);

	(void)state;
	assert_int_equal(send_frames(), 0); /* another namespace */
	assert_true(transmits(PORT_OUT));
	run("ip link set lab1 down");
	assert_int_equal(send_frames(), 0); /* another devmap */
	transmit_bpf__destroy(transmit);
}

int run_transmit(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_lost_frames, start, stop),
		cmocka_unit_test_setup_teardown(test_refused, start, stop),
		cmocka_unit_test_setup_teardown(test_unable, start, stop),
		cmocka_unit_test_setup_teardown(test_others, start, stop),
	};

	return cmocka_run_group_tests_name("transmit", tests, NULL, NULL);
}
