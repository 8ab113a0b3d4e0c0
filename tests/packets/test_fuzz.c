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

static uint16_t random_flags(void)
{
	static const uint16_t switches[] = {
		PORT_RP_FILTER, PORT_SEND_REDIRECTS, PORT_IN_GENERIC,
		PORT_RP_LOOSE,	PORT_HAS_ADDRESS,    PORT_ACCEPT_LOCAL
	};
	uint16_t flags = PORT_UP | PORT_XMIT_NATIVE | PORT_XMIT_GENERIC;

	if (any(16))
		flags |= PORT_FORWARDING;
	for (size_t i = 0; i < sizeof(switches) / sizeof(switches[0]); i++) {
		if (any(4) == 0)
			flags |= switches[i];
	}
	return flags;
}

/* Nets that the frames are from and to. */
static void random_net(__be32 *net, __be32 *mask)
{
	static const int lengths[] = { 0, 0, 8, 16, 24, 28, 32 };
	int len = lengths[any(sizeof(lengths) / sizeof(lengths[0]))];

	*mask = htonl(len ? ~0u << (32 - len) : 0);
	*net = htonl(any(2) ? 0xc0000200 + any(256)
			    : 0x0a000000 + (any(24) << 16) + any(2) * (any(256) << 8) + any(4));
	*net &= *mask;
}

static struct policy_step random_step(void)
{
	static const uint32_t tables[] = { 0, 0, 1, 1, 2, 3, 4, 77, POLICY_TABLE_LIMIT - 1 };
	static const uint16_t ports[] = { 0, 0, PORT_IN, PORT_OUT, PORT_UPPER, PORT_JUMBO };
	static const uint8_t uncertain[] = { POLICY_TOS, POLICY_PROTOCOL, POLICY_SPORT,
					     POLICY_DPORT };
	struct policy_step step = {
		.port = ports[any(sizeof(ports) / sizeof(ports[0]))],
		.flags = any(5) ? 0 : POLICY_INVERT,
		.tos = any(8) << 2,
		.protocol = any(2) ? 6 : 17,
		.sport = { any(4), any(6) },
		.dport = { any(4), any(6) },
		.arg = tables[any(sizeof(tables) / sizeof(tables[0]))],
	};

	random_net(&step.src, &step.src_mask);
	random_net(&step.dst, &step.dst_mask);
	if (any(4) == 0) {
		for (size_t i = 0; i < sizeof(uncertain) / sizeof(uncertain[0]); i++)
			step.flags |= any(2) ? uncertain[i] : 0;
		step.flags |= POLICY_VERDICT;
		step.arg = VERDICT_policy_rule;
	} else if (any(8) == 0) {
		step.flags |= POLICY_VERDICT;
		step.arg = any(VERDICT_COUNT + 3);
	}
	return step;
}

static void random_switches(struct lab *l)
{
	static const uint32_t holds[] = { VERDICT_netfilter,   VERDICT_netfilter,
					  VERDICT_xfrm,	       VERDICT_paused,
					  VERDICT_policy_rule, VERDICT_unsupported_route,
					  VERDICT_table_full };
	struct policy_step steps[5];
	uint32_t n = any(8);

	l->ports[PORT_IN].flags = random_flags();
	l->ports[PORT_UPPER].flags = random_flags();
	if (any(4))
		l->ports[PORT_IN].flags |= PORT_HAS_MACS;
	l->control->flags = any(2) ? 0 : any(16);
	l->control->hash_policy = any(2);
	l->control->hold = any(16) ? 0 : holds[any(sizeof(holds) / sizeof(holds[0]))];
	l->control->default_leaf = any(2) ? VERDICT_no_route : SLOT_OUT;
	if (n > 5)
		n = 0;
	for (uint32_t i = 0; i < n; i++)
		steps[i] = random_step();
	lab_policy_set(l, steps, n);
}

static void random_address(char text[16])
{
	static const char *const odd[] = {
		"255.255.255.255", "224.0.0.9",	  "127.0.0.1",	"0.0.0.0",
		"10.10.0.1",	   "10.10.0.2",	  "10.1.7.200", "10.8.0.1",
		"192.0.2.66",	   "192.0.2.255", "10.17.0.1",	"10.1.7.7",
		"10.23.0.1",	   "10.23.0.2",	  "10.21.3.4",	"10.18.0.7",
	};

	if (any(4) == 0)
		snprintf(text, 16, "%s", odd[any(sizeof(odd) / sizeof(odd[0]))]);
	else if (any(8) == 0)
		snprintf(text, 16, "%u.%u.%u.%u", any(256), any(256), any(256), any(256));
	else if (any(4) == 0)
		snprintf(text, 16, "10.%u.%u.%u", 99 + any(3), any(VERDICT_COUNT + 2), any(256));
	else
		snprintf(text, 16, "10.%u.%u.%u", any(24), any(2) * any(256), any(4));
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
	recipe.protocol = any(2) ? any(256) : any(2) ? 6 : 17;
	recipe.sport = any(6);
	recipe.dport = any(6);
	recipe.patch[0] = (struct patch){ AT_IP + 1, any(2) * any(256) };
	if (any(16) == 0) {
		recipe.tags = any(4) ? 1 : any(10);
		recipe.vid = any(8) ? 0 : any(4096);
		recipe.tpid = any(4) ? 0x8100 : 0x88a8;
	}
	if (any(16) == 0)
		recipe.patch[3] = (struct patch){ AT_IP, 0x46 + any(10) };
	for (uint32_t i = any(8) ? 0 : 1 + any(2); i > 0; i--)
		recipe.patch[i] = (struct patch){ any(AT_SRC), any(256) };
	frame_make(frame, lab_port_mac[any(4) ? PORT_IN : PORT_UPPER], &recipe);
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

/* For the TC hook alone. */
static void random_skb(struct lab_skb *skb)
{
	skb->mark = any(8) ? 0 : any(3);
	skb->gso_size = any(4) ? 0 : any(2) ? 1400 + any(100) : 1 + any(1500);
}

static void describe(const struct frame *frame, int number, uint64_t seed)
{
	print_error(
		"frame %d of seed %llu, %zu bytes, switches %x %x %x, %u rules, gso %u mark %u:",
		number, (unsigned long long)seed, frame->len, lab->ports[PORT_IN].flags,
		lab->ports[PORT_UPPER].flags, lab->control->flags, lab->control->policy_steps,
		lab->skb.gso_size, lab->skb.mark);
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

	if (answer.open)
		return true;
	lab_run(lab, in, &outcome);
	if (answer.verdict == VERDICT_forwarded) {
		wanted = XDP_REDIRECT;
		slot = answer.slots[0] == SLOT_REDIRECT ? SLOT_REDIRECT
							: lab_slot_of(&outcome.frame);
		if (!slot || (slot != answer.slots[0] && slot != answer.slots[1]))
			return false;
		lab_forward(&out, slot);
	} else if (answer.verdict == VERDICT_dropped) {
		wanted = XDP_DROP;
	} else if (answer.verdict == VERDICT_cpu) {
		wanted = XDP_REDIRECT;
	}
	if (answer.counted)
		slot = answer.slots[0];
	lab_expect(expected, PORT_IN, answer.verdict, in->len, slot);
	reached[answer.verdict]++;
	return outcome.verdict == wanted && outcome.frame.len == out.len &&
	       memcmp(outcome.frame.bytes, out.bytes, out.len) == 0;
}

static void test_random_frames(void **state)
{
	const char *text = getenv("EBPF_ROUTE_FUZZ_SEED");
	uint64_t seed = text ? strtoull(text, NULL, 0) : SEED;
	const char *count = getenv("EBPF_ROUTE_FUZZ_FRAMES");
	int n = count ? atoi(count) : FRAMES;
	static struct lab_counters expected, is;
	int reached[VERDICT_COUNT] = { 0 };
	struct frame frame;

	(void)state;
	memset(&expected, 0, sizeof(expected));
	random_state = seed | 1;
	lab_reset(lab);
	lab_upper(lab);
	lab_own_address(lab, "192.0.2.66", OWN_ADDRESS);
	lab_own_address(lab, "192.0.2.255", OWN_BROADCAST);
	for (int i = 0; i < n; i++) {
		random_switches(lab);
		random_frame(&frame);
		random_skb(&lab->skb);
		if (!lab_can_run(lab, &frame))
			continue;
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
		if (!reached[v] && v != VERDICT_multi_buffer && !text && !count &&
		    !(lab->tc && v == VERDICT_cpu))
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
