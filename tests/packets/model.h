/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the program has to decide, written a second time: bytes instead of words, a list of routes
 * instead of an engine, and every check on its own.
 */
#ifndef EBPF_ROUTE_TESTS_MODEL_H
#define EBPF_ROUTE_TESTS_MODEL_H

#include "lab.h"

struct answer {
	enum verdict verdict;
	uint32_t slots[2]; /* VERDICT_forwarded: by one of these; 0: no second one */
	bool open;	   /* the verdict hangs on which of them it is */
	bool counted;	   /* not forwarded, but the first of them counts it */
};

/* In the lab's present state, with its ports and control block. */
struct answer model_decide(const struct lab *l, const struct frame *frame);

#endif
