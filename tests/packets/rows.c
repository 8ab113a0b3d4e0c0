// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs rows: the whole frame out and every counter are compared.
 */
#include "rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <linux/bpf.h>

static void assert_frame(const struct frame *is, const struct frame *expected, const char *what)
{
	if (is->len != expected->len)
		fail_msg("%s: frame of %zu bytes, expected %zu", what, is->len, expected->len);
	for (size_t i = 0; i < is->len; i++) {
		if (is->bytes[i] != expected->bytes[i])
			fail_msg("%s: byte %zu is %02x, expected %02x", what, i, is->bytes[i],
				 expected->bytes[i]);
	}
}

static int word_of(enum verdict verdict)
{
	switch (verdict) {
	case VERDICT_forwarded:
	case VERDICT_cpu:
		return XDP_REDIRECT;
	case VERDICT_dropped:
		return XDP_DROP;
	default:
		return XDP_PASS;
	}
}

void row_run(const struct row *row)
{
	bool differs = lab->tc && row->tc_differs;
	enum verdict verdict = differs ? row->tc_verdict : row->verdict;
	uint32_t slot = differs ? row->tc_slot : row->slot;
	static struct lab_counters expected;
	struct frame in, out;
	struct outcome outcome;

	memset(&expected, 0, sizeof(expected));
	lab_reset(lab);
	if (row->change)
		row->change(lab);
	frame_make(&in, lab_port_mac[row->in.to_port ? row->in.to_port : PORT_IN], &row->in);
	if (!lab_can_run(lab, &in))
		return;
	out = in;
	if (verdict == VERDICT_forwarded)
		lab_forward(&out, slot);
	lab_run(lab, &in, &outcome);
	assert_frame(&outcome.frame, &out, row->name);
	if (outcome.verdict != word_of(verdict))
		fail_msg("%s: program returned %d", row->name, outcome.verdict);
	lab_expect(&expected, PORT_IN, verdict, in.len, slot);
	lab_assert_counters(lab, &expected, row->name);
}

void rows_run(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		row_run(&rows[i]);
}
