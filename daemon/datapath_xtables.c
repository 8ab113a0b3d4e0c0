// SPDX-License-Identifier: GPL-2.0-only
/* The tracing program that tells of changes of legacy iptables. Worth having, not worth failing for. */
#include "datapath_maps.h"

#include <errno.h>
#include <sys/stat.h>
#include "log.h"

static int load(struct xtables_bpf **ret, bool by_function)
{
	struct xtables_bpf *xtables = xtables_bpf__open();
	struct stat ns;
	int err;

	if (!xtables)
		return errno ? -errno : -ENOMEM;
	err = stat("/proc/thread-self/ns/net", &ns) ? -errno : 0;
	if (!err) {
		xtables->rodata->netns_inum = ns.st_ino;
		bpf_program__set_autoload(xtables->progs.table_replaced, by_function);
		bpf_program__set_autoload(xtables->progs.counters_taken, !by_function);
		bpf_program__set_autoload(xtables->progs.counters_freed, !by_function);
		err = xtables_bpf__load(xtables);
	}
	if (!err)
		err = xtables_bpf__attach(xtables);
	if (err)
		xtables_bpf__destroy(xtables);
	else
		*ret = xtables;
	return err;
}

void xtables_load(struct datapath *dp)
{
	/* Tracing a function changes the kernel's text, which not every machine can do, or allows. */
	int err = load(&dp->xtables, dp->n_cpus == 1);

	if (err)
		log_info("iptables: its changes cannot be followed: %s, looking at legacy tables "
			 "with each renewal of the lease",
			 strerror(-err));
}

int datapath_xtables_fd(const struct datapath *dp)
{
	return dp->xtables ? bpf_map__fd(dp->xtables->maps.changes) : -1;
}
