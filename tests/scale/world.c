// SPDX-License-Identifier: GPL-2.0-only
/* See world.h. Writes are the stores that the datapath makes into mapped tables. */
#include "tests/scale/world.h"

#include <linux/fib_rules.h>
#include <linux/neighbour.h>
#include <linux/netconf.h>
#include <linux/rtnetlink.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include "daemon/resolve.h"
#include "tests/scale/scale.h"

#define STORE(place, value) __atomic_store_n(&(place), value, __ATOMIC_RELEASE)

static struct memory_sink *memory_of(struct fib_sink *sink)
{
	return (struct memory_sink *)sink;
}

static int set_port(struct fib_sink *sink, uint16_t port, const struct port *value)
{
	(void)sink;
	(void)port;
	(void)value;
	return 0;
}

static int del_port(struct fib_sink *sink, uint16_t port, uint32_t ifindex)
{
	(void)sink;
	(void)port;
	(void)ifindex;
	return 0;
}

static int renew_port(struct fib_sink *sink, uint16_t port, uint32_t ifindex)
{
	(void)sink;
	(void)port;
	(void)ifindex;
	return 0;
}

static int set_adjacency(struct fib_sink *sink, uint32_t index, uint64_t word)
{
	STORE(memory_of(sink)->adjacencies[index], word);
	return 0;
}

static int set_neighbour(struct fib_sink *sink, struct neighbour_key key, uint32_t adjacency)
{
	(void)sink;
	(void)key;
	(void)adjacency;
	return 0;
}

static int del_neighbour(struct fib_sink *sink, struct neighbour_key key)
{
	(void)sink;
	(void)key;
	return 0;
}

static int set_nexthop(struct fib_sink *sink, uint32_t slot, uint64_t word)
{
	STORE(memory_of(sink)->nexthops[slot], word);
	return 0;
}

static int set_reverse(struct fib_sink *sink, uint32_t slot, uint64_t word)
{
	STORE(memory_of(sink)->reverse[slot], word);
	return 0;
}

static int set_group(struct fib_sink *sink, uint32_t index, const struct group *value)
{
	(void)sink;
	(void)index;
	(void)value;
	return 0;
}

static int set_own_address(struct fib_sink *sink, __be32 addr, uint8_t kind)
{
	(void)sink;
	(void)addr;
	(void)kind;
	return 0;
}

static int set_ingress_mac(struct fib_sink *sink, union ingress_mac key, uint16_t port)
{
	(void)sink;
	(void)key;
	(void)port;
	return 0;
}

static int set_default_leaf(struct fib_sink *sink, uint32_t leaf)
{
	STORE(memory_of(sink)->default_leaf, leaf);
	return 0;
}

static int set_policy(struct fib_sink *sink, const struct policy_step *steps, uint32_t n)
{
	(void)sink;
	(void)steps;
	(void)n;
	return 0;
}

static int set_policy_route(struct fib_sink *sink, uint32_t table, struct prefix prefix,
			    uint32_t leaf)
{
	(void)sink;
	(void)table;
	(void)prefix;
	(void)leaf;
	return 0;
}

static int set_control(struct fib_sink *sink, const struct fib_control *control)
{
	(void)sink;
	(void)control;
	return 0;
}

static void grace(struct fib_sink *sink)
{
	(void)sink;
}

static const struct fib_sink_ops memory_ops = {
	.set_port = set_port,
	.del_port = del_port,
	.renew_port = renew_port,
	.set_adjacency = set_adjacency,
	.set_neighbour = set_neighbour,
	.del_neighbour = del_neighbour,
	.set_nexthop = set_nexthop,
	.set_reverse = set_reverse,
	.set_group = set_group,
	.set_own_address = set_own_address,
	.set_ingress_mac = set_ingress_mac,
	.set_policy = set_policy,
	.set_policy_route = set_policy_route,
	.set_default_leaf = set_default_leaf,
	.set_control = set_control,
	.grace = grace,
};

/* Small pages, as a mapped BPF array has. */
static void *zeroed(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		die("router: out of memory");
	madvise(memory, size, MADV_NOHUGEPAGE);
	return memory;
}

void world_new(struct world *world)
{
	struct memory_sink *m = &world->memory;

	memset(world, 0, sizeof(*world));
	m->table = zeroed(DIR24_ENTRIES * sizeof(*m->table));
	m->rows = zeroed((size_t)DIR24_GROUP_LIMIT * DIR24_ROW * sizeof(*m->rows));
	m->nexthops = zeroed((size_t)NEXTHOP_LIMIT * sizeof(uint64_t));
	m->reverse = zeroed((size_t)NEXTHOP_LIMIT * sizeof(uint64_t));
	m->adjacencies = zeroed((size_t)ADJACENCY_LIMIT * sizeof(uint64_t));
	m->sink = (struct fib_sink){ .ops = &memory_ops,
				     .limits = { .ports = PORT_LIMIT,
						 .adjacencies = ADJACENCY_LIMIT,
						 .nexthops = NEXTHOP_LIMIT,
						 .groups = GROUP_LIMIT } };
	if (fib_dir24_new(&m->sink.engine, m->table, m->rows, DIR24_GROUP_LIMIT))
		die("router: no engine");
	world->mirror = mirror_new();
	if (!world->mirror || fib_new(&world->fib, world->mirror, &m->sink))
		die("router: out of memory");
}

void world_free(struct world *world)
{
	struct memory_sink *m = &world->memory;

	fib_destroy(world->fib);
	mirror_destroy(world->mirror);
	m->sink.engine->ops->destroy(m->sink.engine);
	munmap(m->table, DIR24_ENTRIES * sizeof(*m->table));
	munmap(m->rows, (size_t)DIR24_GROUP_LIMIT * DIR24_ROW * sizeof(*m->rows));
	munmap(m->nexthops, (size_t)NEXTHOP_LIMIT * sizeof(uint64_t));
	munmap(m->reverse, (size_t)NEXTHOP_LIMIT * sizeof(uint64_t));
	munmap(m->adjacencies, (size_t)ADJACENCY_LIMIT * sizeof(uint64_t));
}

/* ---- what is there besides routes ---------------------------------------------------- */

static void apply(struct world *world, const struct event *ev)
{
	if (mirror_apply(world->mirror, ev))
		die("router: out of memory");
}

static void add_link(struct world *world, struct event *ev, uint32_t ifindex)
{
	*ev = (struct event){ .kind = EVENT_LINK, .op = EVENT_DUMP };
	ev->link.ifindex = ifindex;
	ev->link.flags = IFF_UP | IFF_RUNNING | 0x10000; /* IFF_LOWER_UP */
	ev->link.mtu = 1500;
	ev->link.type = ARPHRD_ETHER;
	ev->link.mac_len = 6;
	ev->link.mac[0] = 2;
	ev->link.mac[5] = (uint8_t)ifindex;
	snprintf(ev->link.name, sizeof(ev->link.name), "eth%u", ifindex);
	apply(world, ev);
	*ev = (struct event){ .kind = EVENT_NETCONF, .op = EVENT_DUMP };
	ev->netconf = (struct event_netconf){
		.ifindex = (int32_t)ifindex, .forwarding = 1, .rp_filter = 0, .ignore_linkdown = 0
	};
	apply(world, ev);
}

static void add_neighbour(struct world *world, struct event *ev, unsigned int hop)
{
	*ev = (struct event){ .kind = EVENT_NEIGHBOUR, .op = EVENT_DUMP };
	ev->neighbour.ifindex = churn_oif(hop);
	ev->neighbour.addr = addr_v4(churn_gateway(hop));
	ev->neighbour.state = NUD_PERMANENT;
	ev->neighbour.mac_len = 6;
	ev->neighbour.mac[0] = 2;
	ev->neighbour.mac[5] = (uint8_t)(hop + 1);
	apply(world, ev);
}

static void add_rule(struct world *world, struct event *ev, uint32_t priority, uint32_t table)
{
	*ev = (struct event){ .kind = EVENT_RULE, .op = EVENT_DUMP };
	ev->rule.priority = priority;
	ev->rule.table = table;
	ev->rule.action = FR_ACT_TO_TBL;
	apply(world, ev);
}

void world_furnish(struct world *world)
{
	struct event *ev = calloc(1, sizeof(*ev));

	if (!ev)
		die("router: out of memory");
	for (uint32_t i = 0; i < CHURN_LINKS; i++)
		add_link(world, ev, CHURN_FIRST_LINK + i);
	for (unsigned int hop = 0; hop < CHURN_HOPS; hop++)
		add_neighbour(world, ev, hop);
	add_rule(world, ev, 0, RT_TABLE_LOCAL);
	add_rule(world, ev, 32766, RT_TABLE_MAIN);
	add_rule(world, ev, 32767, RT_TABLE_DEFAULT);
	free(ev);
}

void world_hooks(struct world *world)
{
	const struct mirror_link *link = mirror_next_link(world->mirror, 0);

	for (; link; link = mirror_next_link(world->mirror, link->e.ifindex)) {
		mirror_set_hook(world->mirror, link->e.ifindex, HOOK_XDP);
		mirror_set_send_redirects(world->mirror, link->e.ifindex, false);
	}
}

/* ---- is it right? -------------------------------------------------------------------- */

static uint32_t leaf_wanted(const struct world *world, uint32_t addr)
{
	const struct rib_entry *entry;
	struct resolved_route r;

	entry = resolve_lookup(world->mirror, addr, &r);
	if (!entry || !entry->len)
		return LEAF_DEFAULT;
	return r.nexthop ? fib_slot_of(world->fib, r.nexthop) : r.verdict;
}

uint32_t world_check(const struct world *world, uint32_t n, uint64_t seed)
{
	const struct fib_engine *engine = world->memory.sink.engine;
	uint32_t found = 0;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t addr = (uint32_t)random_next(&seed);
		uint32_t leaf = engine->ops->lookup(engine, addr);

		if (leaf != leaf_wanted(world, addr))
			die("address %08x: leaf %u instead of %u", addr, leaf,
			    leaf_wanted(world, addr));
		found += leaf >= LEAF_FIRST_SLOT;
	}
	return found;
}
