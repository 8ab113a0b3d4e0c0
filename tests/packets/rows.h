/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Rows of packet tests: a packet in, in some state; its verdict, whole frame out and counters.
 */
#ifndef EBPF_ROUTE_TESTS_ROWS_H
#define EBPF_ROUTE_TESTS_ROWS_H

#include "lab.h"

struct row {
	const char *name;
	struct recipe in;
	enum verdict verdict;
	uint32_t slot;		      /* VERDICT_forwarded: the final next-hop slot */
	void (*change)(struct lab *); /* of the state, before the packet */
	/* At the TC hook, where that is something else: */
	bool tc_differs;
	enum verdict tc_verdict;
	uint32_t tc_slot;
};

#define TO(address)   .in = { .dst = address }
#define FROM(address) .in = { .src = address }
#define PATCH(...)    .in = { .patch = { __VA_ARGS__ } }
#define FORWARDED(to) .verdict = VERDICT_forwarded, .slot = to
/* A reason, or dropped, that the slot counts all the same. */
#define COUNTED(as, at)	   .verdict = VERDICT_##as, .slot = at
#define TC_FORWARDED(to)   .tc_differs = true, .tc_slot = to
#define TC_COUNTED(as, at) .tc_differs = true, .tc_verdict = VERDICT_##as, .tc_slot = at

/* In the state of lab_reset(); fails the test that runs unless all is as the row says. */
void row_run(const struct row *row);
void rows_run(const struct row *rows, size_t n);

#endif
