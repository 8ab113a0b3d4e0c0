/* SPDX-License-Identifier: GPL-2.0-only */
/* The tracepoint programs over the lab's tables, and what they tell. */
#ifndef EBPF_ROUTE_TESTS_LAB_TRANSMIT_H
#define EBPF_ROUTE_TESTS_LAB_TRANSMIT_H

#include "lab.h"
#include "transmit.skel.h"

struct lab_refusals {
	unsigned int n;
	struct tx_refusal last;
};

/* Attached for the lab's namespace and maps; with `off` added to their numbers: for those of others. */
struct transmit_bpf *lab_transmit(const struct lab *lab, uint32_t off);
/* Packets lost on the way to a CPU. */
uint64_t lab_cpu_errors(const struct transmit_bpf *transmit, uint32_t cpu);
/* Ports that were refused since the last call. */
struct lab_refusals lab_refused(const struct transmit_bpf *transmit);

#endif
