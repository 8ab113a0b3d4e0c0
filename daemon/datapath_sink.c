// SPDX-License-Identifier: GPL-2.0-only
/*
 * The fib_sink over the real maps. Each operation is one atomic step for the programs that run
 * meanwhile: aligned 32- or 64-bit stores into mapped tables, or one system call.
 */
#include "datapath_maps.h"

#include <bpf/bpf.h>
#include <errno.h>
#include "grace.h"

static struct datapath *datapath_of(struct fib_sink *sink)
{
	return (struct datapath *)sink;
}

static void clear_counters(struct datapath *dp, const struct bpf_map *map, uint32_t key,
			   size_t size)
{
	memset(dp->counters, 0, dp->n_cpus * ((size + 7) & ~7UL));
	bpf_map_update_elem(bpf_map__fd(map), &key, dp->counters, BPF_ANY);
}

/* A device may be gone before its deletion is announced: then there is nothing to transmit to. */
static int set_tx_port(const struct bpf_map *map, uint32_t port, uint32_t ifindex)
{
	int err = bpf_map_update_elem(bpf_map__fd(map), &port, &ifindex, BPF_ANY);

	if (err && errno != ENODEV && errno != EINVAL)
		return -errno;
	return 0;
}

static int del_tx_port(const struct bpf_map *map, uint32_t port)
{
	return bpf_map_delete_elem(bpf_map__fd(map), &port) && errno != ENOENT ? -errno : 0;
}

static int sink_renew_port(struct fib_sink *sink, uint16_t port, uint32_t ifindex)
{
	struct datapath *dp = datapath_of(sink);
	int err = set_tx_port(dp->router->maps.tx_ports, port, ifindex);

	return err ? err : set_tx_port(dp->router->maps.tc_ports, port, ifindex);
}

static int sink_set_port(struct fib_sink *sink, uint16_t port, const struct port *value)
{
	struct datapath *dp = datapath_of(sink);
	struct port *slot = &((struct port *)dp->ports.memory)[port];
	uint64_t words[2];
	int err;

	memcpy(words, value, sizeof(words));
	if (slot->ifindex != value->ifindex) {
		clear_counters(dp, dp->router->maps.port_counters, port,
			       sizeof(struct port_counters));
		err = sink_renew_port(sink, port, value->ifindex);
		if (err)
			return err;
	}
	SHARED_WRITE(((uint64_t *)slot)[0], words[0]);
	SHARED_WRITE(((uint64_t *)slot)[1], words[1]);
	SHARED_WRITE(((uint64_t *)dp->port_of_ifindex.memory)[value->ifindex], port);
	return 0;
}

static int sink_del_port(struct fib_sink *sink, uint16_t port, uint32_t ifindex)
{
	struct datapath *dp = datapath_of(sink);
	struct port *slot = &((struct port *)dp->ports.memory)[port];
	int err;

	SHARED_WRITE(((uint64_t *)dp->port_of_ifindex.memory)[ifindex], 0);
	SHARED_WRITE(((uint64_t *)slot)[1], 0); /* no flags: falls back as egress_down */
	SHARED_WRITE(((uint64_t *)slot)[0], 0);
	err = del_tx_port(dp->router->maps.tx_ports, port);
	return err ? err : del_tx_port(dp->router->maps.tc_ports, port);
}

static int sink_set_adjacency(struct fib_sink *sink, uint32_t index, uint64_t word)
{
	struct datapath *dp = datapath_of(sink);

	SHARED_WRITE(((struct adjacency *)dp->adjacencies.memory)[index].word, word);
	return 0;
}

static int sink_set_neighbour(struct fib_sink *sink, struct neighbour_key key, uint32_t adjacency)
{
	struct neighbour value = { .adjacency = adjacency, .check = neighbour_check(key) };
	struct datapath *dp = datapath_of(sink);

	if (bpf_map_update_elem(bpf_map__fd(dp->router->maps.neighbours), &key, &value, BPF_ANY))
		return errno == E2BIG ? -ENOSPC : -errno;
	return 0;
}

static int sink_del_neighbour(struct fib_sink *sink, struct neighbour_key key)
{
	struct datapath *dp = datapath_of(sink);

	if (bpf_map_delete_elem(bpf_map__fd(dp->router->maps.neighbours), &key) && errno != ENOENT)
		return -errno;
	return 0;
}

static int sink_set_nexthop(struct fib_sink *sink, uint32_t slot, uint64_t word)
{
	struct datapath *dp = datapath_of(sink);
	struct nexthop_entry *entry = &((struct nexthop_entry *)dp->nexthops.memory)[slot];

	if (!entry->word)
		clear_counters(dp, dp->router->maps.nexthop_counters, slot,
			       sizeof(struct nexthop_counters));
	SHARED_WRITE(entry->word, word);
	return 0;
}

static int sink_set_reverse(struct fib_sink *sink, uint32_t slot, uint64_t word)
{
	struct datapath *dp = datapath_of(sink);

	SHARED_WRITE(((struct nexthop_entry *)dp->nexthops.memory)[slot].reverse, word);
	return 0;
}

static int sink_set_group(struct fib_sink *sink, uint32_t index, const struct group *value)
{
	struct datapath *dp = datapath_of(sink);
	struct group *row = &((struct group *)dp->groups.memory)[index];

	for (int i = 0; i < GROUP_BUCKETS; i++)
		SHARED_WRITE(row->bucket[i], value->bucket[i]);
	return 0;
}

/* The filter may have a bit too many at any time, never one too few. */
static int sink_set_own_address(struct fib_sink *sink, __be32 addr, uint8_t kind)
{
	struct datapath *dp = datapath_of(sink);
	int fd = bpf_map__fd(dp->router->maps.own_addresses);
	uint32_t bit = own_filter_bit(addr);
	uint64_t *word = (uint64_t *)&dp->control->own_filter[bit / 64];
	uint64_t mask = 1ULL << (bit % 64);
	bool known = bpf_map_lookup_elem(fd, &addr, &(uint8_t){ 0 }) == 0;

	if (kind) {
		if (bpf_map_update_elem(fd, &addr, &kind, BPF_ANY))
			return errno == E2BIG ? -ENOSPC : -errno;
		dp->own_filter_refs[bit] += !known;
		SHARED_WRITE(*word, *word | mask);
		return 0;
	}
	if (bpf_map_delete_elem(fd, &addr))
		return errno == ENOENT ? 0 : -errno;
	if (--dp->own_filter_refs[bit] == 0)
		SHARED_WRITE(*word, *word & ~mask);
	return 0;
}

static int sink_set_default_leaf(struct fib_sink *sink, uint32_t leaf)
{
	SHARED_WRITE(datapath_of(sink)->control->default_leaf, leaf);
	return 0;
}

static int sink_set_ingress_mac(struct fib_sink *sink, union ingress_mac key, uint16_t port)
{
	int fd = bpf_map__fd(datapath_of(sink)->router->maps.ingress_macs);
	uint64_t value = port;

	if (!port)
		return bpf_map_delete_elem(fd, &key) && errno != ENOENT ? -errno : 0;
	if (bpf_map_update_elem(fd, &key, &value, BPF_ANY))
		return errno == E2BIG ? -ENOSPC : -errno;
	return 0;
}

static int sink_set_policy(struct fib_sink *sink, const struct policy_step *steps, uint32_t n)
{
	int fd = bpf_map__fd(datapath_of(sink)->router->maps.policy);

	for (uint32_t i = 0; i < n; i++)
		if (bpf_map_update_elem(fd, &i, &steps[i], BPF_ANY))
			return -errno;
	return 0;
}

static int sink_set_policy_route(struct fib_sink *sink, uint32_t table, struct prefix prefix,
				 uint32_t leaf)
{
	struct policy_key key = { .prefixlen = 32 + prefix.len,
				  .table = table,
				  .addr = htonl(prefix.addr) };
	int fd = bpf_map__fd(datapath_of(sink)->router->maps.policy_routes);

	if (leaf == LEAF_DEFAULT)
		return bpf_map_delete_elem(fd, &key) && errno != ENOENT ? -errno : 0;
	if (bpf_map_update_elem(fd, &key, &leaf, BPF_ANY))
		return errno == ENOSPC || errno == E2BIG ? -ENOSPC : -errno;
	return 0;
}

/* The kernel takes any that is possible, also one that is off: the fib does not ask for those. */
static int sink_set_cpu(struct fib_sink *sink, uint32_t cpu, bool in)
{
	struct datapath *dp = datapath_of(sink);
	struct bpf_cpumap_val value = { .qsize = dp->options.cpu_queue };
	int fd = bpf_map__fd(dp->router->maps.cpus);

	if (!in)
		return bpf_map_delete_elem(fd, &cpu) && errno != ENOENT ? -errno : 0;
	if (!bpf_map_update_elem(fd, &cpu, &value, BPF_ANY))
		return 0;
	return errno == E2BIG || errno == EINVAL || errno == EOVERFLOW ? -ENODEV : -errno;
}

static int sink_set_control(struct fib_sink *sink, const struct fib_control *control)
{
	struct datapath *dp = datapath_of(sink);
	uint32_t flags = control->flags;

	if (dp->options.observe)
		flags |= CONTROL_OBSERVE;
	SHARED_WRITE(dp->control->hash_policy, control->hash_policy);
	SHARED_WRITE(dp->control->policy_steps, control->policy_steps);
	SHARED_WRITE(dp->control->flags, flags);
	SHARED_WRITE(dp->control->hold, control->hold);
	return 0;
}

static void sink_add_counter(struct fib_sink *sink, uint32_t slot, struct counter *total)
{
	struct nexthop_counters counters;

	if (datapath_nexthop_counters(datapath_of(sink), slot, &counters))
		return;
	total->packets += counters.forwarded.packets;
	total->bytes += counters.forwarded.bytes;
}

static void sink_grace(struct fib_sink *sink)
{
	(void)sink;
	grace_wait();
}

const struct fib_sink_ops datapath_sink_ops = {
	.set_port = sink_set_port,
	.del_port = sink_del_port,
	.renew_port = sink_renew_port,
	.set_adjacency = sink_set_adjacency,
	.set_neighbour = sink_set_neighbour,
	.del_neighbour = sink_del_neighbour,
	.set_nexthop = sink_set_nexthop,
	.set_reverse = sink_set_reverse,
	.set_group = sink_set_group,
	.set_own_address = sink_set_own_address,
	.set_ingress_mac = sink_set_ingress_mac,
	.set_policy = sink_set_policy,
	.set_policy_route = sink_set_policy_route,
	.set_default_leaf = sink_set_default_leaf,
	.set_cpu = sink_set_cpu,
	.set_control = sink_set_control,
	.add_counter = sink_add_counter,
	.grace = sink_grace,
};
