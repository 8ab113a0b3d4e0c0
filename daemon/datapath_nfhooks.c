// SPDX-License-Identifier: GPL-2.0-only
/* The program that finds BPF programs on netfilter hooks. Worth having, not worth failing for. */
#include "datapath_maps.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include "log.h"

void nfhooks_load(struct datapath *dp)
{
	dp->nfhooks = nfhooks_bpf__open_and_load();
	if (!dp->nfhooks)
		log_info(
			"firewall: BPF programs on netfilter hooks cannot be seen: %s, they are passed by",
			strerror(errno));
}

uint32_t datapath_bpf_hooks(const struct datapath *dp)
{
	LIBBPF_OPTS(bpf_test_run_opts, run);

	if (!dp->nfhooks ||
	    bpf_prog_test_run_opts(bpf_program__fd(dp->nfhooks->progs.bpf_hooks), &run))
		return 0;
	return run.retval;
}
