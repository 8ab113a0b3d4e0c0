// SPDX-License-Identifier: GPL-2.0-only
/*
 * One RCU grace period from user space.
 *
 * membarrier(MEMBARRIER_CMD_GLOBAL) calls synchronize_rcu() (kernel/sched/membarrier.c), but
 * refuses on nohz_full machines. There an update of a map-in-map does, which waits for the programs
 * that may still use the old inner map (maybe_wait_bpf_programs() in kernel/bpf/syscall.c).
 */
#include "grace.h"

#include <bpf/bpf.h>
#include <linux/membarrier.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

static void grace_by_map(void)
{
	LIBBPF_OPTS(bpf_map_create_opts, options);
	int inner = bpf_map_create(BPF_MAP_TYPE_ARRAY, "grace_inner", 4, 4, 1, NULL);
	uint32_t zero = 0;
	int outer;

	options.inner_map_fd = inner;
	outer = bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "grace_outer", 4, 4, 1, &options);
	if (inner < 0 || outer < 0 || bpf_map_update_elem(outer, &zero, &inner, BPF_ANY))
		usleep(200000); /* several times the longest a program may run */
	if (outer >= 0)
		close(outer);
	if (inner >= 0)
		close(inner);
}

void grace_wait(void)
{
	if (syscall(__NR_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) != 0)
		grace_by_map();
}
