/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What bpf/decide.h finds in the daemon in place of the kernel: the names of bpf/tables.h, each leading
 * to a map of the running datapath. A map that the decision uses and this does not know is an error of
 * the compiler.
 *
 * Only explain_decide.c includes this; the handles are its own. Map elements are found as in the kernel:
 * in place where the map is memory of ours, else copied by a system call, one copy for each map.
 */
#ifndef EBPF_ROUTE_EXPLAIN_HOST_H
#define EBPF_ROUTE_EXPLAIN_HOST_H

#include "datapath_maps.h"
#include <bpf/bpf.h>

/* Of bpf_helpers.h, whose other half declares the kernel's functions. */
#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif
#ifndef __noinline
#define __noinline __attribute__((noinline))
#endif
#ifndef __weak
#define __weak __attribute__((weak))
#endif
#ifndef barrier_var
#define barrier_var(var) __asm__ volatile("" : "=r"(var) : "0"(var))
#endif

struct host_map {
	char *memory; /* NULL: by system call */
	size_t stride;
	uint32_t entries;
	int fd;
	uint64_t copy[8]; /* of the element found last */
};

/* Port numbers end before this one: the ingress of a packet that comes in nowhere in particular. */
static uint32_t port_any;
#define PORT_ANY port_any

static struct host_map dir24, dir24_groups, lpm, nexthops, groups, adjacencies, neighbours, ports,
	tx_ports, tc_ports, cpus, own_addresses, ingress_macs, policy, policy_routes;

static enum engine engine;
static bool multi_buffer;

/* Copies: a question may leave out checks, see explain_decide(). */
static struct control control;
static struct port port_copies[PORT_MOST + 1];

static void *host_find(struct host_map *map, const void *key)
{
	uint32_t index;

	if (!map->memory)
		return bpf_map_lookup_elem(map->fd, key, map->copy) ? NULL : map->copy;
	memcpy(&index, key, sizeof(index));
	return index < map->entries ? map->memory + index * map->stride : NULL;
}

#define bpf_map_lookup_elem(map, key) host_find(map, key)

static void host_by_call(struct host_map *map, const struct bpf_map *from)
{
	map->memory = NULL;
	/* Nothing is found in a map that does not fit. */
	map->fd = bpf_map__value_size(from) <= sizeof(map->copy) ? bpf_map__fd(from) : -1;
}

static void host_in_memory(struct host_map *map, const struct bpf_map *from,
			   const struct mapped *mapped)
{
	map->memory = mapped->memory;
	map->stride = (bpf_map__value_size(from) + 7) & ~7UL; /* kernel/bpf/arraymap.c: elem_size */
	map->entries = bpf_map__max_entries(from);
}

/* The datapath as it is now. */
static void host_enter(const struct datapath *dp)
{
	const struct router_bpf *router = dp->router;

	engine = router->rodata->engine;
	multi_buffer = router->rodata->multi_buffer;
	control = *dp->control;
	host_in_memory(&dir24, router->maps.dir24, &dp->dir24);
	host_in_memory(&dir24_groups, router->maps.dir24_groups, &dp->dir24_groups);
	host_in_memory(&nexthops, router->maps.nexthops, &dp->nexthops);
	host_in_memory(&groups, router->maps.groups, &dp->groups);
	host_in_memory(&adjacencies, router->maps.adjacencies, &dp->adjacencies);
	host_by_call(&lpm, router->maps.lpm);
	host_by_call(&neighbours, router->maps.neighbours);
	host_by_call(&tx_ports, router->maps.tx_ports);
	host_by_call(&tc_ports, router->maps.tc_ports);
	host_by_call(&cpus, router->maps.cpus);
	host_by_call(&own_addresses, router->maps.own_addresses);
	host_by_call(&ingress_macs, router->maps.ingress_macs);
	host_by_call(&policy, router->maps.policy);
	host_by_call(&policy_routes, router->maps.policy_routes);
	port_any = dp->options.ports;
	memcpy(port_copies, dp->ports.memory, dp->options.ports * sizeof(*port_copies));
	port_copies[PORT_ANY] = (struct port){ .flags = PORT_FORWARDING };
	ports = (struct host_map){ .memory = (char *)port_copies,
				   .stride = sizeof(*port_copies),
				   .entries = PORT_ANY + 1 };
}

#endif
