// SPDX-License-Identifier: GPL-2.0-only
/* The forwarders that the daemon is compared with: loads forward.bpf.c, fills its tables, attaches. */
#include <stdlib.h>
#include <unistd.h>
#include <sys/mman.h>
#include <linux/if_link.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "daemon/fib_engine.h"
#include "tests/bench/bench.h"
#include "forward.skel.h"

#define DIR24_SIZE	  ((size_t)DIR24_ENTRIES * sizeof(uint16_t))
#define DIR24_GROUPS_SIZE ((size_t)DIR24_GROUP_LIMIT * DIR24_ROW * sizeof(uint16_t))

struct rival {
	const struct topology *topology;
	struct forward_bpf *bpf;
	int links[2]; /* at r0 and r1; -1: none */
};

/* Bare means without a look-up of neighbours: each one is an entry of its own. */
static int add_neighbours(struct fib_engine *engine)
{
	struct prefix mark;
	int err = 0;

	for (uint32_t i = 0; !err && i < NEIGHBOURS; i++)
		err = engine->ops->set(engine, prefix_make(ADDR_NEIGHBOUR(i), 32), LEAF_FIRST_SLOT,
				       &mark);
	return err;
}

static void fill_dir24(const struct rival *rival, const struct table *table)
{
	struct fib_engine *engine;
	struct prefix mark;
	uint16_t *leaves, *groups;
	int err;

	leaves = mmap(NULL, DIR24_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
		      bpf_map__fd(rival->bpf->maps.dir24), 0);
	groups = mmap(NULL, DIR24_GROUPS_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
		      bpf_map__fd(rival->bpf->maps.dir24_groups), 0);
	if (leaves == MAP_FAILED || groups == MAP_FAILED)
		die("dir24: cannot be mapped: %s", strerror(errno));
	err = fib_dir24_new(&engine, leaves, groups, DIR24_GROUP_LIMIT);
	for (uint32_t i = 0; !err && i < table->n; i++)
		err = engine->ops->set(engine, table->prefixes[i],
				       LEAF_FIRST_SLOT + table_gateway(table->prefixes[i]), &mark);
	if (!err)
		err = add_neighbours(engine);
	if (err)
		die("dir24: the table does not fit: %s", strerror(-err));
	engine->ops->destroy(engine);
	munmap(leaves, DIR24_SIZE);
	munmap(groups, DIR24_GROUPS_SIZE);
}

static void fill_hops(const struct rival *rival)
{
	uint32_t r1 = rival->topology->r1;
	struct hop hop = { .ifindex = r1 };

	memcpy(hop.dst, mac_s0, sizeof(hop.dst));
	memcpy(hop.src, mac_r1, sizeof(hop.src));
	for (uint32_t i = 0; i < GATEWAYS; i++)
		if (bpf_map_update_elem(bpf_map__fd(rival->bpf->maps.hops), &i, &hop, BPF_ANY))
			die("hops: %s", strerror(errno));
	if (bpf_map_update_elem(bpf_map__fd(rival->bpf->maps.tx), &r1, &r1, BPF_ANY))
		die("r1: cannot be transmitted to: %s", strerror(errno));
}

struct rival *rival_open(const struct topology *topology, const struct table *table)
{
	struct rival *rival = calloc(1, sizeof(*rival));

	if (!rival)
		die("rival: out of memory");
	rival->topology = topology;
	rival->links[0] = rival->links[1] = -1;
	topology_enter(topology, SITE_ROUTER);
	rival->bpf = forward_bpf__open_and_load();
	if (!rival->bpf)
		die("forward: the programs did not load: %s", strerror(errno));
	fill_hops(rival);
	topology_enter(topology, SITE_HOME);
	fill_dir24(rival, table);
	return rival;
}

void rival_close(struct rival *rival)
{
	if (!rival)
		return;
	rival_stop(rival);
	forward_bpf__destroy(rival->bpf);
	free(rival);
}

/* On both ports, as a router that forwards in both directions has it. */
void rival_start(struct rival *rival, const char *program)
{
	LIBBPF_OPTS(bpf_link_create_opts, options, .flags = XDP_FLAGS_DRV_MODE);
	const struct topology *topology = rival->topology;
	struct bpf_program *found = bpf_object__find_program_by_name(rival->bpf->obj, program);
	int ports[2] = { (int)topology->r0, (int)topology->r1 };

	if (!found)
		die("%s: no such program", program);
	topology_enter(topology, SITE_ROUTER);
	for (int i = 0; i < 2; i++) {
		rival->links[i] =
			bpf_link_create(bpf_program__fd(found), ports[i], BPF_XDP, &options);
		if (rival->links[i] < 0)
			die("%s: not attached: %s", program, strerror(errno));
	}
	topology_enter(topology, SITE_HOME);
}

void rival_stop(struct rival *rival)
{
	for (int i = 0; i < 2; i++) {
		if (rival->links[i] >= 0)
			close(rival->links[i]);
		rival->links[i] = -1;
	}
}
