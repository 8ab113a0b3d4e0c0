// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tracepoint programs: frames that were redirected and then lost, with real frames and devices.
 *
 *   test run --router--> lab1 ==veth== lab1peer
 *
 * lab1 takes redirected frames only while lab1peer has an XDP program, and refuses what is longer
 * than lab1peer's MTU allows: both kinds of loss can be had at will.
 */
#include "lab.h"
#include "transmit.skel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <sys/stat.h>
#include <bpf/bpf.h>

/* One batch: later ones would get the same pages again, rewritten. */
enum { FRAMES = 64 };

#ifndef BPF_F_TEST_XDP_LIVE_FRAMES
#define BPF_F_TEST_XDP_LIVE_FRAMES (1U << 1)
#endif

static struct transmit_bpf *attach(uint32_t netns_inum, uint32_t tx_ports_id)
{
	struct transmit_bpf *transmit = transmit_bpf__open();

	assert_non_null(transmit);
	transmit->rodata->netns_inum = netns_inum;
	transmit->rodata->tx_ports_id = tx_ports_id;
	bpf_map__reuse_fd(transmit->maps.port_counters,
			  bpf_map__fd(lab->router->maps.port_counters));
	bpf_map__reuse_fd(transmit->maps.port_of_ifindex,
			  bpf_map__fd(lab->router->maps.port_of_ifindex));
	assert_int_equal(transmit_bpf__load(transmit), 0);
	assert_int_equal(transmit_bpf__attach(transmit), 0);
	return transmit;
}

static uint32_t own_netns(void)
{
	struct stat ns;

	assert_int_equal(stat("/proc/self/ns/net", &ns), 0);
	return ns.st_ino;
}

static uint32_t own_tx_ports(void)
{
	struct bpf_map_info info = { 0 };
	uint32_t len = sizeof(info);

	assert_int_equal(
		bpf_obj_get_info_by_fd(bpf_map__fd(lab->router->maps.tx_ports), &info, &len), 0);
	return info.id;
}

/* FRAMES frames of 1000 bytes by PORT_OUT; returns what was counted as lost there. */
static unsigned long long send_frames(void)
{
	static struct lab_counters before, after;
	const struct recipe recipe = { .payload = 1000 - ETH_LEN - IP_LEN };
	struct xdp_md ctx = { .data_end = 1000, .ingress_ifindex = lab_ifindex(PORT_IN) };
	struct frame frame;
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame.bytes, .data_size_in = 1000,
		    .ctx_in = &ctx, .ctx_size_in = sizeof(ctx), .repeat = FRAMES,
		    .flags = BPF_F_TEST_XDP_LIVE_FRAMES);

	lab_counters(lab, &before);
	frame_make(&frame, lab_port_mac[PORT_IN], &recipe);
	assert_int_equal(
		bpf_prog_test_run_opts(bpf_program__fd(lab->router->progs.router_xdp), &opts), 0);
	lab_counters(lab, &after);
	assert_int_equal(after.port[PORT_OUT].redirected.packets -
				 before.port[PORT_OUT].redirected.packets,
			 FRAMES);
	return after.port[PORT_OUT].tx_errors - before.port[PORT_OUT].tx_errors;
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
	run("ip link set lab1peer mtu 1500; ip link set lab1 up");
	return 0;
}

static void test_lost_frames(void **state)
{
	struct transmit_bpf *transmit = attach(own_netns(), own_tx_ports());

	(void)state;
	/* No program at the other end: the device takes none. */
	assert_int_equal(send_frames(), FRAMES);
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
	transmit_bpf__destroy(transmit);
	assert_int_equal(send_frames(), 0);
}

static void test_others(void **state)
{
	struct transmit_bpf *transmit = attach(own_netns() + 1, own_tx_ports() + 1);

	(void)state;
	peer_program(true);
	run("ip link set lab1peer mtu 500");
	assert_int_equal(send_frames(), 0); /* another namespace */
	run("ip link set lab1 down");
	assert_int_equal(send_frames(), 0); /* another devmap */
	transmit_bpf__destroy(transmit);
}

int run_transmit(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_lost_frames, start, stop),
		cmocka_unit_test_setup_teardown(test_others, start, stop),
	};

	return cmocka_run_group_tests_name("transmit", tests, NULL, NULL);
}
