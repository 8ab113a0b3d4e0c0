// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tracepoint programs: what was handed on and then lost, and ports that take nothing. Worth having,
 * not worth failing for.
 */
#include "datapath_maps.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <sys/stat.h>
#include "log.h"

static int map_id(const struct bpf_map *map, __u32 *ret)
{
	struct bpf_map_info info = { 0 };
	uint32_t len = sizeof(info);

	if (bpf_obj_get_info_by_fd(bpf_map__fd(map), &info, &len))
		return -errno;
	*ret = info.id;
	return 0;
}

/* Which packets are ours. */
static int set_constants(const struct router_bpf *router, struct transmit_bpf *transmit)
{
	struct stat ns;
	int err;

	if (stat("/proc/thread-self/ns/net", &ns))
		return -errno;
	transmit->rodata->netns_inum = ns.st_ino;
	err = map_id(router->maps.tx_ports, &transmit->rodata->tx_ports_id);
	return err ? err : map_id(router->maps.cpus, &transmit->rodata->cpus_id);
}

static int share_maps(const struct router_bpf *router, struct transmit_bpf *transmit, int n_cpus)
{
	const struct {
		struct bpf_map *to, *from;
	} shared[] = {
		{ transmit->maps.ports, router->maps.ports },
		{ transmit->maps.port_counters, router->maps.port_counters },
		{ transmit->maps.port_of_ifindex, router->maps.port_of_ifindex },
	};
	int err = bpf_map__set_max_entries(transmit->maps.cpu_errors, n_cpus);

	for (size_t i = 0; i < sizeof(shared) / sizeof(shared[0]) && !err; i++)
		err = bpf_map__reuse_fd(shared[i].to, bpf_map__fd(shared[i].from));
	return err;
}

void transmit_load(struct datapath *dp)
{
	struct transmit_bpf *transmit = transmit_bpf__open();
	int err = transmit ? set_constants(dp->router, transmit) : -errno;

	if (!err)
		err = share_maps(dp->router, transmit, dp->n_cpus);
	if (!err)
		err = transmit_bpf__load(transmit);
	if (!err)
		err = transmit_bpf__attach(transmit);
	if (err) {
		log_warning("tracepoint programs: not loaded: %s, transmit errors are neither "
			    "counted nor acted on",
			    strerror(-err));
		transmit_bpf__destroy(transmit);
		return;
	}
	dp->transmit = transmit;
}

bool datapath_counts_transmit(const struct datapath *dp)
{
	return dp->transmit;
}

int datapath_refused_fd(const struct datapath *dp)
{
	return dp->transmit ? bpf_map__fd(dp->transmit->maps.refused) : -1;
}

uint32_t datapath_cpus(const struct datapath *dp)
{
	return dp->n_cpus;
}

int datapath_cpu_errors(const struct datapath *dp, uint32_t cpu, uint64_t *ret)
{
	if (!dp->transmit)
		return -EOPNOTSUPP;
	return bpf_map_lookup_elem(bpf_map__fd(dp->transmit->maps.cpu_errors), &cpu, ret) ? -errno
											  : 0;
}
