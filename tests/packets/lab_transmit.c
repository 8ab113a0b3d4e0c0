// SPDX-License-Identifier: GPL-2.0-only
/* The tracepoint programs over the lab's tables, and what they tell. */
#include "lab_transmit.h"

#include <assert.h>
#include <bpf/bpf.h>
#include <sys/stat.h>

static uint32_t own_netns(void)
{
	struct stat ns;
	int err = stat("/proc/self/ns/net", &ns);

	assert(!err);
	(void)err;
	return ns.st_ino;
}

static uint32_t id_of(const struct bpf_map *map)
{
	struct bpf_map_info info = { 0 };
	uint32_t len = sizeof(info);
	int err = bpf_obj_get_info_by_fd(bpf_map__fd(map), &info, &len);

	assert(!err);
	(void)err;
	return info.id;
}

struct transmit_bpf *lab_transmit(const struct lab *l, uint32_t off)
{
	struct transmit_bpf *transmit = transmit_bpf__open();
	int err;

	assert(transmit);
	transmit->rodata->netns_inum = own_netns() + off;
	transmit->rodata->tx_ports_id = id_of(l->router->maps.tx_ports) + off;
	transmit->rodata->cpus_id = id_of(l->router->maps.cpus) + off;
	bpf_map__set_max_entries(transmit->maps.cpu_errors, l->n_cpus);
	bpf_map__reuse_fd(transmit->maps.ports, bpf_map__fd(l->router->maps.ports));
	bpf_map__reuse_fd(transmit->maps.port_counters, bpf_map__fd(l->router->maps.port_counters));
	bpf_map__reuse_fd(transmit->maps.port_of_ifindex,
			  bpf_map__fd(l->router->maps.port_of_ifindex));
	err = transmit_bpf__load(transmit);
	if (!err)
		err = transmit_bpf__attach(transmit);
	assert(!err);
	(void)err;
	return transmit;
}

uint64_t lab_cpu_errors(const struct transmit_bpf *transmit, uint32_t cpu)
{
	uint64_t errors = 0;
	int err = bpf_map_lookup_elem(bpf_map__fd(transmit->maps.cpu_errors), &cpu, &errors);

	assert(!err);
	(void)err;
	return errors;
}

static int refusal_one(void *ctx, void *data, size_t size)
{
	struct lab_refusals *refusals = ctx;

	assert(size == sizeof(refusals->last));
	memcpy(&refusals->last, data, sizeof(refusals->last));
	refusals->n++;
	return 0;
}

struct lab_refusals lab_refused(const struct transmit_bpf *transmit)
{
	struct lab_refusals refusals = { 0 };
	struct ring_buffer *ring =
		ring_buffer__new(bpf_map__fd(transmit->maps.refused), refusal_one, &refusals, NULL);

	assert(ring);
	ring_buffer__consume(ring);
	ring_buffer__free(ring);
	return refusals;
}
