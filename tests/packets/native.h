/* SPDX-License-Identifier: GPL-2.0-only */
/* Around each run of the program: the daemon's copy of its decision has to agree. */
#ifndef EBPF_ROUTE_TESTS_NATIVE_H
#define EBPF_ROUTE_TESTS_NATIVE_H

#include "lab.h"
#include "daemon/explain_decide.h"

struct native {
	struct decided decided;
	uint64_t counted[VERDICT_COUNT];
};

void native_before(const struct lab *l, struct native *ret, const struct frame *in);
/* Fails the test unless the program counted what was decided. */
void native_after(const struct lab *l, const struct native *native, const struct outcome *outcome);

#endif
