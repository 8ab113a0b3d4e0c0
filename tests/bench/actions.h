/* SPDX-License-Identifier: GPL-2.0-only */
/* What actions.bpf.c and actions.c agree on. Only kernel types here. */
#ifndef EBPF_ROUTE_BENCH_ACTIONS_H
#define EBPF_ROUTE_BENCH_ACTIONS_H

#include "tests/bench/shared.h"

enum {
	BATCH = 64, /* frames that are made at once */
	CPUS = 64,  /* that are told apart at the end of the line */
};

/* The sender's: one run. Numbers of packets are multiples of BATCH. */
struct journey {
	struct window window;
	__u32 sending;	   /* this batch is sent */
	__u64 limit;	   /* never more packets under way; 0: no matter */
	__u64 first, last; /* packets at which the clock starts and stops */
	__u64 calls, sent;
	__u64 first_ns, last_ns;
	__u64 since_ns; /* when it last began to send */
	__u64 busy_ns; /* of the clock's time, what went to sending, and to what this CPU does with it */
};

/* The other end's. */
struct arrivals {
	__u64 right, wrong, foreign;
	__u64 bare; /* dropped by bare_drop */
	__u64 on_cpu[CPUS];
};

#endif
