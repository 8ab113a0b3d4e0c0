// SPDX-License-Identifier: GPL-2.0-only
/*
 * The bytes of forwarded frames: every TTL with checksums of all kinds, and Ethernet padding.
 *
 * The expected checksum is computed in full. That is also the kernel's: its incremental update never
 * yields 0xffff, as a full computation never does.
 */
#include "lab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <linux/bpf.h>

static struct lab_counters expected;

static int start(void **state)
{
	(void)state;
	memset(&expected, 0, sizeof(expected));
	lab_reset(lab);
	return 0;
}

static void forward(const struct frame *in)
{
	struct frame out = *in;
	struct outcome outcome;

	lab_forward(&out, SLOT_OUT);
	lab_run(lab, in, &outcome);
	if (outcome.verdict != XDP_REDIRECT || outcome.frame.len != out.len ||
	    memcmp(outcome.frame.bytes, out.bytes, out.len))
		fail_msg("ttl %u, checksum %02x%02x: got %d, %zu bytes, %02x%02x, not %02x%02x",
			 in->bytes[AT_TTL], in->bytes[AT_CHECK], in->bytes[AT_CHECK + 1],
			 outcome.verdict, outcome.frame.len, outcome.frame.bytes[AT_CHECK],
			 outcome.frame.bytes[AT_CHECK + 1], out.bytes[AT_CHECK],
			 out.bytes[AT_CHECK + 1]);
	lab_expect(&expected, PORT_IN, VERDICT_forwarded, in->len, SLOT_OUT);
}

/* Gives the frame this checksum by its id field. false: no id does. */
static bool frame_aim(struct frame *frame, unsigned int checksum)
{
	unsigned int id;

	frame->bytes[AT_ID] = frame->bytes[AT_ID + 1] = 0;
	frame_sign(frame);
	id = (frame->bytes[AT_CHECK] << 8 | frame->bytes[AT_CHECK + 1]) + (~checksum & 0xffff);
	id = (id & 0xffff) + (id >> 16);
	frame->bytes[AT_ID] = id >> 8;
	frame->bytes[AT_ID + 1] = id;
	frame->bytes[AT_CHECK] = checksum >> 8;
	frame->bytes[AT_CHECK + 1] = checksum;
	return frame_is_signed(frame);
}

static void test_checksums(void **state)
{
	static const unsigned int corners[] = { 0x0000, 0x0001, 0x00fe, 0x00ff, 0x0100, 0x0101,
						0xfdff, 0xfeff, 0xfefe, 0xff00, 0xff01, 0xfffe,
						0xffff, 0x7fff, 0x8000, 0xfe00 };
	const size_t n_corners = sizeof(corners) / sizeof(corners[0]);
	const struct recipe plain = { .payload = -1 };
	struct frame frame;

	(void)state;
	for (int ttl = 2; ttl < 256; ttl++) {
		frame_make(&frame, lab_port_mac[PORT_IN], &plain);
		frame.bytes[AT_TTL] = ttl;
		for (size_t i = 0; i < n_corners; i++) {
			assert_true(frame_aim(&frame, corners[i]));
			forward(&frame);
		}
		/* All upper bytes, with lower bytes that wander. */
		for (unsigned int i = 0; i < 64; i++) {
			unsigned int aim = (i << 10) ^ (i * 37 + ttl * 11) % 1024;

			assert_true(frame_aim(&frame, aim));
			forward(&frame);
		}
	}
	lab_assert_counters(lab, &expected, "checksums");
}

/* A wrong checksum of any kind is never repaired. */
static void test_wrong_checksums(void **state)
{
	const struct recipe plain = { .payload = -1 };
	struct frame frame, good;
	struct outcome outcome;

	(void)state;
	frame_make(&good, lab_port_mac[PORT_IN], &plain);
	for (int bit = 0; bit < 8 * IP_LEN; bit++) {
		frame = good;
		frame.bytes[AT_IP + bit / 8] ^= 1 << bit % 8;
		lab_run(lab, &frame, &outcome);
		assert_int_equal(outcome.verdict, XDP_PASS);
		assert_memory_equal(outcome.frame.bytes, frame.bytes, frame.len);
	}
}

static void test_padding(void **state)
{
	struct frame frame;

	(void)state;
	for (int tot_len = 20; tot_len <= 46; tot_len++) {
		const struct recipe padded = { .payload = tot_len > 20 ? tot_len - 20 : -1,
					       .padding = 46 - tot_len };

		frame_make(&frame, lab_port_mac[PORT_IN], &padded);
		assert_int_equal(frame.len, 60);
		forward(&frame);
		lab_assert_counters(lab, &expected, "padding");
	}
}

/* What follows the packet is gone, however much it is. */
static void test_trailer(void **state)
{
	const struct recipe trailer = { .payload = 100, .padding = 2000 };
	struct frame frame;

	(void)state;
	frame_make(&frame, lab_port_mac[PORT_IN], &trailer);
	forward(&frame);
	lab_assert_counters(lab, &expected, "trailer");
}

int run_rewrite(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_checksums, start),
		cmocka_unit_test_setup(test_wrong_checksums, start),
		cmocka_unit_test_setup(test_padding, start),
		cmocka_unit_test_setup(test_trailer, start),
	};

	return cmocka_run_group_tests_name("rewrite", tests, NULL, NULL);
}
