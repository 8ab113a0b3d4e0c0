// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random frames in random states against the model: the same verdict, the same bytes, counted once.
 *
 * Half of the frames are noise from some byte on, the others are plausible with a few bytes changed:
 * that reaches every check. The seed is fixed; EBPF_ROUTE_FUZZ_SEED takes another.
 */
#include "model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>
#include <linux/bpf.h>

enum { FRAMES = 20000, PAYLOAD_MAX = 1479, SEED = 20240607 };

static uint64_t random_state;

static uint32_t any(uint32_t limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (random_state >> 16) % limit;
}

static void random_switches(struct lab *l)
{
	static const uint16_t switches[] = {
		PORT_RP_FILTER, PORT_SEND_REDIRECTS, PORT_IN_GENERIC,
		PORT_RP_LOOSE,	PORT_HAS_ADDRESS,    PORT_ACCEPT_LOCAL
	};

	l->ports[PORT_IN].flags = PORT_UP | PORT_XMIT_NATIVE | PORT_XMIT_GENERIC;
	if (any(16))
		l->ports[PORT_IN].flags |= PORT_FORWARDING;
	for (size_t i = 0; i < sizeof(switches) / sizeof(switches[0]); i++) {
		if (any(4) == 0)
			l->ports[PORT_IN].flags |= switches[i];
	}
	l->control->flags = any(2) ? 0 : any(8);
	l->control->hash_policy = any(2);
	l->control->default_leaf = any(2) ? VERDICT_no_route : SLOT_OUT;
}

static void random_address(char text[16])
{
	static const char *const odd[] = {
		"255.255.255.255", "224.0.0.9", "127.0.0.1",  "0.0.0.0",
		"10.10.0.1",	   "10.10.0.2", "10.1.7.200", "10.8.0.1"
	};

	if (any(4) == 0)
		snprintf(text, 16, "%s", odd[any(sizeof(odd) / sizeof(odd[0]))]);
	else if (any(8) == 0)
		snprintf(text, 16, "%u.%u.%u.%u", any(256), any(256), any(256), any(256));
	else if (any(4) == 0)
		snprintf(text, 16, "10.%u.%u.%u", 99 + any(3), any(VERDICT_COUNT + 2), any(256));
	else
		snprintf(text, 16, "10.%u.%u.%u", any(18), any(2) * any(256), any(4));
}

/* SLOT_GROUP_MIXED is left out: what its buckets hold is not for the model to know. */
static bool avoided(const char *address)
{
	return strncmp(address, "10.12.", 6) == 0;
}

static void random_frame(struct frame *frame)
{
	static const int lengths[] = { -1, 1, 4, 20, 1380, 1381, PAYLOAD_MAX };
	char dst[16], src[16];
	struct recipe recipe = { .dst = dst, .src = src, .wrong_checksum = any(32) == 0 };

	do {
		random_address(dst);
	} while (avoided(dst));
	if (any(3))
		snprintf(src, sizeof(src), "192.0.2.%u", any(256));
	else
		random_address(src);
	recipe.ttl = any(8) ? 64 : (int)any(4);
	recipe.payload = any(2) ? lengths[any(sizeof(lengths) / sizeof(lengths[0]))]
				: (int)any(1400);
	recipe.padding = any(3) ? 0 : any(100);
	recipe.protocol = any(256);
	for (uint32_t i = any(8) ? 0 : 1 + any(3); i > 0; i--)
		recipe.patch[i] = (struct patch){ any(AT_SRC), any(256) };
	frame_make(frame, lab_port_mac[PORT_IN], &recipe);
	if (any(16) == 0)
		frame->len = ETH_LEN + any(frame->len - ETH_LEN + 1);
	if (any(16) == 0) {
		for (size_t i = any(AT_SRC); i < frame->len; i++)
			frame->bytes[i] = any(256);
		/* Noise with a right checksum gets further. */
		if (any(2) && frame->len >= ETH_LEN + IP_LEN)
			frame_sign(frame);
	}
}

static void describe(const struct frame *frame, int number, uint64_t seed)
{
	print_error("frame %d of seed %llu, %zu bytes, switches %x %x:", number,
		    (unsigned long long)seed, frame->len, lab->ports[PORT_IN].flags,
		    lab->control->flags);
	for (size_t i = 0; i < frame->len && i < ETH_LEN + IP_LEN; i++)
		print_error(" %02x", frame->bytes[i]);
	print_error("\n");
}

/* Runs the frame; false where program and model differ. */
static bool run_frame(const struct frame *in, struct lab_counters *expected, int *reached)
{
	struct answer answer = model_decide(lab, in);
	struct outcome outcome;
	struct frame out = *in;
	uint32_t slot = 0;
	int wanted = XDP_PASS;

	lab_run(lab, in, &outcome);
	if (answer.verdict == VERDICT_forwarded) {
		wanted = XDP_REDIRECT;
		slot = lab_slot_of(&outcome.frame);
		if (!slot || (slot != answer.slots[0] && slot != answer.slots[1]))
			return false;
		lab_forward(&out, slot);
	} else if (answer.verdict == VERDICT_dropped) {
		wanted = XDP_DROP;
	}
	lab_expect(expected, PORT_IN, answer.verdict, in->len, slot);
	reached[answer.verdict]++;
	return outcome.verdict == wanted && outcome.frame.len == out.len &&
	       memcmp(outcome.frame.bytes, out.bytes, out.len) == 0;
}

static void test_random_frames(void **state)
{
	const char *text = getenv("EBPF_ROUTE_FUZZ_SEED");
	uint64_t seed = text ? strtoull(text, NULL, 0) : SEED;
	static struct lab_counters expected, is;
	int reached[VERDICT_COUNT] = { 0 };
	struct frame frame;

	(void)state;
	memset(&expected, 0, sizeof(expected));
	random_state = seed | 1;
	lab_reset(lab);
	for (int i = 0; i < FRAMES; i++) {
		random_switches(lab);
		random_frame(&frame);
		if (!run_frame(&frame, &expected, reached)) {
			describe(&frame, i, seed);
			fail_msg("the model says %s",
				 verdict_name(model_decide(lab, &frame).verdict));
		}
		/* At once, to name the frame: the ingress row tells which verdict it was. */
		lab_counters(lab, &is);
		if (memcmp(&is, &expected, sizeof(is))) {
			describe(&frame, i, seed);
			lab_assert_counters(lab, &expected, "frame counted");
		}
	}
	for (int v = 0; v < VERDICT_COUNT; v++) {
		if (!reached[v] && v != VERDICT_multi_buffer && !text)
			fail_msg("no frame reached %s", verdict_name(v));
	}
}

int run_fuzz(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_frames),
	};

	return cmocka_run_group_tests_name("fuzz", tests, NULL, NULL);
}
