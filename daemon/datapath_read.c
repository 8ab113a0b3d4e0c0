// SPDX-License-Identifier: GPL-2.0-only
/* What the programs see and count, read back from the maps. */
#include "datapath_maps.h"

#include <bpf/bpf.h>
#include <errno.h>

/* ---- counters ------------------------------------------------------------------------ */

int datapath_port_counters(const struct datapath *dp, uint16_t port, struct port_counters *ret)
{
	const size_t stride = (sizeof(*ret) + 7) & ~7UL;
	uint32_t key = port;

	if (bpf_map_lookup_elem(bpf_map__fd(dp->router->maps.port_counters), &key, dp->counters))
		return -errno;
	memset(ret, 0, sizeof(*ret));
	for (int cpu = 0; cpu < dp->n_cpus; cpu++) {
		const uint64_t *from =
			(const uint64_t *)((const char *)dp->counters + cpu * stride);

		for (size_t i = 0; i < sizeof(*ret) / sizeof(uint64_t); i++)
			((uint64_t *)ret)[i] += from[i];
	}
	return 0;
}

int datapath_nexthop_counters(const struct datapath *dp, uint32_t slot,
			      struct nexthop_counters *ret)
{
	const struct nexthop_counters *from = dp->counters;

	if (bpf_map_lookup_elem(bpf_map__fd(dp->router->maps.nexthop_counters), &slot,
				dp->counters))
		return -errno;
	memset(ret, 0, sizeof(*ret));
	for (int cpu = 0; cpu < dp->n_cpus; cpu++) {
		ret->forwarded.packets += from[cpu].forwarded.packets;
		ret->forwarded.bytes += from[cpu].forwarded.bytes;
		if (from[cpu].used > ret->used)
			ret->used = from[cpu].used;
	}
	return 0;
}

/* ---- tables -------------------------------------------------------------------------- */

uint32_t datapath_lookup(const struct datapath *dp, __be32 addr)
{
	uint32_t leaf = dp->sink.engine->ops->lookup(dp->sink.engine, ntohl(addr));

	return leaf == LEAF_DEFAULT ? SHARED_READ(dp->control->default_leaf) : leaf;
}

union nexthop_word datapath_nexthop(const struct datapath *dp, uint32_t slot)
{
	union nexthop_word word = { 0 };

	if (slot < dp->options.nexthops)
		word.word = SHARED_READ(((struct nexthop_entry *)dp->nexthops.memory)[slot].word);
	return word;
}

union reverse_word datapath_reverse(const struct datapath *dp, uint32_t slot)
{
	union reverse_word word = { 0 };

	if (slot < dp->options.nexthops)
		word.word =
			SHARED_READ(((struct nexthop_entry *)dp->nexthops.memory)[slot].reverse);
	return word;
}

uint32_t datapath_bucket(const struct datapath *dp, uint32_t group, uint32_t bucket)
{
	if (group >= dp->options.groups || bucket >= GROUP_BUCKETS)
		return VERDICT_stale;
	return SHARED_READ(((struct group *)dp->groups.memory)[group].bucket[bucket]);
}

union adjacency_word datapath_adjacency(const struct datapath *dp, uint32_t index)
{
	union adjacency_word word = { 0 };

	if (index < dp->options.adjacencies)
		word.word = SHARED_READ(((struct adjacency *)dp->adjacencies.memory)[index].word);
	return word;
}

uint64_t datapath_adjacency_used(const struct datapath *dp, uint32_t index)
{
	if (index >= dp->options.adjacencies)
		return 0;
	return SHARED_READ(((struct adjacency *)dp->adjacencies.memory)[index].used);
}

uint32_t datapath_neighbour(const struct datapath *dp, struct neighbour_key key)
{
	struct neighbour found;

	if (bpf_map_lookup_elem(bpf_map__fd(dp->router->maps.neighbours), &key, &found))
		return 0;
	return found.adjacency;
}

struct port datapath_port(const struct datapath *dp, uint16_t port)
{
	struct port none = { 0 };

	return port < dp->options.ports ? ((struct port *)dp->ports.memory)[port] : none;
}

uint16_t datapath_ingress_mac(const struct datapath *dp, union ingress_mac key)
{
	uint64_t port;

	if (bpf_map_lookup_elem(bpf_map__fd(dp->router->maps.ingress_macs), &key, &port))
		return 0;
	return port;
}

int datapath_policy_step(const struct datapath *dp, uint32_t i, struct policy_step *ret)
{
	if (i >= datapath_policy_steps(dp))
		return -ENOENT;
	return bpf_map_lookup_elem(bpf_map__fd(dp->router->maps.policy), &i, ret) ? -errno : 0;
}

uint32_t datapath_policy_steps(const struct datapath *dp)
{
	return SHARED_READ(dp->control->policy_steps);
}

uint32_t datapath_control_hold(const struct datapath *dp)
{
	return SHARED_READ(dp->control->hold);
}

uint32_t datapath_control_flags(const struct datapath *dp)
{
	return SHARED_READ(dp->control->flags);
}
