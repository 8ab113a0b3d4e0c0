// SPDX-License-Identifier: GPL-2.0-only
/*
 * The TC program at a device, with socket buffers that no test run can make: VLAN tags beside the data,
 * headers not at hand, segments with an unfinished checksum, frames of no whole header.
 *
 *   lab0peer ==veth== lab0 --router_tc--> lab1 ==veth== lab1peer
 *
 * Frames are sent into lab0peer and read at lab1peer, both with the header that tells of GSO.
 */
#include "lab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>
#include <bpf/libbpf.h>

enum { ETH_P_ALL_ = 3, TCP_CHECK = 16, WAIT_MS = 2000, DOFF = AT_PORTS + 12, LONG_FRAME = 9014 };

static int in_fd, out_fd;
static struct bpf_tc_hook hook;

/* A packet socket at a device, frames with struct virtio_net_hdr in front. */
static int open_at(const char *device)
{
	struct sockaddr_ll address = { .sll_family = AF_PACKET,
				       .sll_protocol = htons(ETH_P_ALL_),
				       .sll_ifindex = if_nametoindex(device) };
	int fd = socket(AF_PACKET, SOCK_RAW, 0), on = 1;

	assert_true(fd >= 0);
	assert_int_equal(setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof(on)), 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static int group_start(void **state)
{
	LIBBPF_OPTS(bpf_tc_opts, opts, .prog_fd = bpf_program__fd(lab->router->progs.router_tc));

	(void)state;
	hook = (struct bpf_tc_hook){ .sz = sizeof(hook),
				     .ifindex = lab_ifindex(PORT_IN),
				     .attach_point = BPF_TC_INGRESS };
	if (bpf_tc_hook_create(&hook) || bpf_tc_attach(&hook, &opts))
		return -1;
	in_fd = open_at("lab0peer");
	out_fd = open_at("lab1peer");
	return 0;
}

static int group_stop(void **state)
{
	(void)state;
	close(in_fd);
	close(out_fd);
	hook.attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS;
	return bpf_tc_hook_destroy(&hook);
}

/* What comes by itself (IPv6, ARP) is drained, and told from ours by its sender. */
static int start(void **state)
{
	char byte;

	(void)state;
	lab_reset(lab);
	while (recv(out_fd, &byte, 1, MSG_DONTWAIT) > 0)
		;
	return 0;
}

static uint64_t counted(enum verdict verdict)
{
	static struct lab_counters counters;

	lab_counters(lab, &counters);
	return counters.port[PORT_IN].verdict[verdict].packets;
}

static void send_frame(const struct virtio_net_hdr *header, const struct frame *frame)
{
	struct iovec parts[] = { { (void *)header, sizeof(*header) },
				 { (void *)frame->bytes, frame->len } };

	assert_int_equal(writev(in_fd, parts, 2), sizeof(*header) + frame->len);
}

static void assert_counted(enum verdict verdict, uint64_t before)
{
	uint64_t end = now_ns() + WAIT_MS * 1000000ULL;

	while (counted(verdict) == before)
		if (now_ns() > end)
			fail_msg("no packet counted as %s", verdict_name(verdict));
}

/* The next frame at the other end that one of our next hops is meant to get. */
static void receive(struct virtio_net_hdr *header, struct frame *frame)
{
	struct pollfd readable = { .fd = out_fd, .events = POLLIN };
	struct iovec parts[] = { { header, sizeof(*header) },
				 { frame->bytes, sizeof(frame->bytes) } };

	do {
		ssize_t size;

		if (poll(&readable, 1, WAIT_MS) != 1)
			fail_msg("no frame at the other end");
		size = readv(out_fd, parts, 2);
		assert_true(size > (ssize_t)sizeof(*header));
		frame->len = size - sizeof(*header);
	} while (!lab_slot_of(frame));
}

static void assert_same(const struct frame *is, const struct frame *expected)
{
	assert_int_equal(is->len, expected->len);
	assert_memory_equal(is->bytes, expected->bytes, is->len);
}

/* One frame in, the same frame forwarded out. */
static void assert_forwarded(const struct recipe *recipe)
{
	struct virtio_net_hdr header = { 0 };
	struct frame in, out, expected;

	frame_make(&in, lab_port_mac[PORT_IN], recipe);
	expected = in;
	lab_forward(&expected, SLOT_OUT);
	send_frame(&header, &in);
	receive(&header, &out);
	assert_same(&out, &expected);
}

static void test_plain(void **state)
{
	static const struct recipe plain, padded = { .payload = 1, .padding = 25 },
					  full = { .payload = 1480, .protocol = 6 };

	(void)state;
	assert_forwarded(&plain);
	assert_forwarded(&padded);
	assert_forwarded(&full);
}

/* The kernel takes the tag out of the data before this hook: what is left looks like any other frame. */
static void test_vlan(void **state)
{
	static const struct recipe plain;
	const struct virtio_net_hdr header = { 0 };
	uint64_t before = counted(VERDICT_not_ipv4);
	struct frame frame;

	(void)state;
	frame_make(&frame, lab_port_mac[PORT_IN], &plain);
	memmove(frame.bytes + AT_ETHERTYPE + 4, frame.bytes + AT_ETHERTYPE,
		frame.len - AT_ETHERTYPE);
	memcpy(frame.bytes + AT_ETHERTYPE, (uint8_t[]){ 0x81, 0, 0, 7 }, 4);
	frame.len += 4;
	send_frame(&header, &frame);
	assert_counted(VERDICT_not_ipv4, before);
	assert_int_equal(counted(VERDICT_forwarded), 0);
}

static void test_short(void **state)
{
	static const size_t lengths[] = { 15, 33 };
	const struct virtio_net_hdr header = { 0 };
	struct frame frame;

	(void)state;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		const struct recipe recipe = { .cut = lengths[i] };
		uint64_t before = counted(VERDICT_malformed);

		frame_make(&frame, lab_port_mac[PORT_IN], &recipe);
		send_frame(&header, &frame);
		assert_counted(VERDICT_malformed, before);
	}
}

static struct virtio_net_hdr segments(uint16_t gso_size)
{
	return (struct virtio_net_hdr){ .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
					.gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
					.hdr_len = AT_PORTS + 20,
					.gso_size = gso_size,
					.csum_start = AT_PORTS,
					.csum_offset = TCP_CHECK };
}

/* A long TCP packet of 9,000 bytes, headers of 20 bytes each. */
static void make_long(struct frame *frame)
{
	static const struct recipe recipe = { .protocol = 6,
					      .payload = LONG_FRAME - ETH_LEN - IP_LEN,
					      .patch = { { DOFF, 0x50 } } };

	frame_make(frame, lab_port_mac[PORT_IN], &recipe);
}

/* What a container sends: whole, its checksum left to the device, and so it has to arrive. */
static void test_segments(void **state)
{
	struct virtio_net_hdr sent = segments(1460), got;
	static struct frame in, out, expected;

	(void)state;
	make_long(&in);
	expected = in;
	lab_forward(&expected, SLOT_OUT);
	send_frame(&sent, &in);
	receive(&got, &out);
	assert_same(&out, &expected);
	assert_int_equal(got.gso_type & ~VIRTIO_NET_HDR_GSO_ECN, VIRTIO_NET_HDR_GSO_TCPV4);
	assert_int_equal(got.gso_size, 1460);
	assert_true(got.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM);
	assert_int_equal(got.csum_start, AT_PORTS);
	assert_int_equal(got.csum_offset, TCP_CHECK);
}

static void test_segments_too_long(void **state)
{
	struct virtio_net_hdr sent = segments(1461);
	uint64_t before = counted(VERDICT_mtu);
	static struct frame in;

	(void)state;
	make_long(&in);
	send_frame(&sent, &in);
	assert_counted(VERDICT_mtu, before);
	assert_int_equal(counted(VERDICT_forwarded), 0);
}

static void set_mtu(int mtu)
{
	char command[160];

	snprintf(
		command, sizeof(command),
		"for device in lab0 lab0peer lab1 lab1peer; do ip link set $device mtu %d || exit 1; done",
		mtu);
	assert_int_equal(system(command), 0);
}

/* A long frame whose buffer begins with no more than the Ethernet header. */
static void test_headers_elsewhere(void **state)
{
	struct virtio_net_hdr sent = { .hdr_len = ETH_LEN }, got;
	static struct frame in, out, expected;

	(void)state;
	lab->ports[PORT_OUT].mtu = 9000;
	set_mtu(9000);
	make_long(&in);
	expected = in;
	lab_forward(&expected, SLOT_OUT);
	send_frame(&sent, &in);
	receive(&got, &out);
	assert_same(&out, &expected);
	set_mtu(1500);
}

/* The same behind as many priority tags as are looked behind, of which the kernel has taken off the first. */
static void test_tags_elsewhere(void **state)
{
	static const struct recipe recipe = { .dst = "10.19.0.1", .payload = 8000, .tags = 8 };
	const struct virtio_net_hdr header = { .hdr_len = ETH_LEN };
	uint64_t dropped = counted(VERDICT_dropped), not_ipv4 = counted(VERDICT_not_ipv4);
	static struct frame frame;

	(void)state;
	set_mtu(9000);
	frame_make(&frame, lab_port_mac[PORT_IN], &recipe);
	send_frame(&header, &frame);
	assert_counted(VERDICT_dropped, dropped);
	assert_int_equal(counted(VERDICT_not_ipv4), not_ipv4);
	set_mtu(1500);
}

/* Dropped is not seen by the kernel; what is left to it is. */
static void test_actions(void **state)
{
	static const struct recipe drop = { .dst = "10.19.0.1" }, pass = { .dst = "10.20.0.1" };
	const struct virtio_net_hdr header = { 0 };
	uint64_t dropped = counted(VERDICT_dropped), passed = counted(VERDICT_user_pass);
	struct frame frame;

	(void)state;
	frame_make(&frame, lab_port_mac[PORT_IN], &drop);
	send_frame(&header, &frame);
	assert_counted(VERDICT_dropped, dropped);
	frame_make(&frame, lab_port_mac[PORT_IN], &pass);
	send_frame(&header, &frame);
	assert_counted(VERDICT_user_pass, passed);
}

int run_live(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_plain, start),
		cmocka_unit_test_setup(test_vlan, start),
		cmocka_unit_test_setup(test_short, start),
		cmocka_unit_test_setup(test_segments, start),
		cmocka_unit_test_setup(test_segments_too_long, start),
		cmocka_unit_test_setup(test_headers_elsewhere, start),
		cmocka_unit_test_setup(test_tags_elsewhere, start),
		cmocka_unit_test_setup(test_actions, start),
	};

	return cmocka_run_group_tests_name("live", tests, group_start, group_stop);
}
