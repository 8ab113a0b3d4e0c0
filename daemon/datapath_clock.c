// SPDX-License-Identifier: GPL-2.0-only
/*
 * The daemon's clock and the programs': the lease and times of use are told between them. They differ in a time
 * namespace, whose offset /proc/self/timens_offsets tells of the children's namespace only; so it is measured.
 */
#include "datapath.h"

#include <bpf/bpf.h>
#include <errno.h>
#include "clock.h"
#include "monotonic.skel.h"

enum {
	ATTEMPTS = 8,	       /* the shortest of them counts */
	SAME_NS = 1000 * 1000, /* the two reads of one clock are not at the same time */
};

/* How far the programs' clock is ahead: what it showed against the middle of ours before and after. */
static int measure(struct monotonic_bpf *program, int64_t *ret_ahead)
{
	int fd = bpf_program__fd(program->progs.read_clock);
	uint64_t shortest = UINT64_MAX;

	for (int i = 0; i < ATTEMPTS; i++) {
		LIBBPF_OPTS(bpf_test_run_opts, run);
		uint64_t before = now_ns(), took;
		int err = bpf_prog_test_run_opts(fd, &run);

		if (err)
			return err;
		took = now_ns() - before;
		if (took >= shortest)
			continue;
		shortest = took;
		*ret_ahead = (int64_t)(program->bss->monotonic_ns - before - took / 2);
	}
	return 0;
}

int datapath_match_clock(void)
{
	struct monotonic_bpf *program = monotonic_bpf__open_and_load();
	int64_t ahead = 0;
	int err;

	if (!program)
		return errno ? -errno : -ENOMEM;
	err = measure(program, &ahead);
	monotonic_bpf__destroy(program);
	if (!err && (ahead > SAME_NS || ahead < -SAME_NS))
		clock_ahead_ns += ahead;
	return err;
}
