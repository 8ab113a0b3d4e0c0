// SPDX-License-Identifier: GPL-2.0-only
/*
 * Loads the programs, maps their tables into memory; the lease.
 *
 * open -> rodata and sizes -> load -> mmap -> engine. The router program and the tracepoint
 * programs share the counters by descriptor.
 */
#include "datapath_maps.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include "clock.h"

#define BPF_FLAG_XDP_HAS_FRAGS (1U << 5) /* BPF_F_XDP_HAS_FRAGS, kernel 5.18 */

static void size_maps(struct router_bpf *router, const struct datapath_options *options)
{
	bool dir24 = options->engine == ENGINE_DIR24;

	bpf_map__set_max_entries(router->maps.ports, options->ports);
	bpf_map__set_max_entries(router->maps.port_counters, options->ports);
	bpf_map__set_max_entries(router->maps.tx_ports, options->ports);
	bpf_map__set_max_entries(router->maps.tc_ports, options->ports);
	bpf_map__set_max_entries(router->maps.nexthops, options->nexthops);
	bpf_map__set_max_entries(router->maps.nexthop_counters, options->nexthops);
	bpf_map__set_max_entries(router->maps.adjacencies, options->adjacencies);
	bpf_map__set_max_entries(router->maps.groups, options->groups);
	bpf_map__set_max_entries(router->maps.cpus, libbpf_num_possible_cpus());
	bpf_map__set_max_entries(router->maps.neighbours, options->neighbours);
	bpf_map__set_max_entries(router->maps.dir24, dir24 ? DIR24_ENTRIES / DIR24_ROW : 1);
	bpf_map__set_max_entries(router->maps.dir24_groups, dir24 ? options->extension_groups : 1);
	/* As with lpm: a replacement counts as an addition on older kernels. */
	bpf_map__set_max_entries(router->maps.policy_routes, options->policy_routes + LPM_SLACK);
	bpf_map__set_max_entries(router->maps.lpm, dir24 ? 1 : options->lpm_routes + LPM_SLACK);
}

/* How frames in several buffers are treated: what newer kernels allow is tried first. */
struct buffer_support {
	bool multi_buffer, see_buffers; /* as in bpf/tables.h */
};

static const struct buffer_support buffer_supports[] = {
	{ .multi_buffer = true, .see_buffers = true },
	{ .multi_buffer = true },
	{ 0 },
};

/* One attempt to load. */
static int load_router(struct datapath *dp, const struct buffer_support *support)
{
	struct router_bpf *router = router_bpf__open();
	int err;

	if (!router)
		return errno ? -errno : -ENOMEM;
	router->rodata->engine = dp->options.engine;
	router->rodata->multi_buffer = support->multi_buffer;
	router->rodata->see_buffers = support->see_buffers;
	router->rodata->see_tunnels = libbpf_probe_bpf_helper(BPF_PROG_TYPE_SCHED_CLS,
							      BPF_FUNC_probe_read_kernel,
							      NULL) == 1;
	router->rodata->count_nexthops = true;
	size_maps(router, &dp->options);
	err = bpf_program__set_flags(router->progs.router_xdp,
				     support->multi_buffer ? BPF_FLAG_XDP_HAS_FRAGS : 0);
	if (!err)
		err = router_bpf__load(router);
	if (err) {
		router_bpf__destroy(router);
		return err;
	}
	dp->router = router;
	return 0;
}

static int map_memory(struct mapped *mapped, const struct bpf_map *map)
{
	size_t page = sysconf(_SC_PAGESIZE);
	size_t value = (bpf_map__value_size(map) + 7) & ~7UL; /* kernel/bpf/arraymap.c: elem_size */

	mapped->size = (value * bpf_map__max_entries(map) + page - 1) & ~(page - 1);
	mapped->memory =
		mmap(NULL, mapped->size, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);
	if (mapped->memory == MAP_FAILED) {
		mapped->memory = NULL;
		return -errno;
	}
	return 0;
}

static int map_all(struct datapath *dp)
{
	const struct {
		struct mapped *mapped;
		const struct bpf_map *map;
	} all[] = {
		{ &dp->dir24, dp->router->maps.dir24 },
		{ &dp->dir24_groups, dp->router->maps.dir24_groups },
		{ &dp->nexthops, dp->router->maps.nexthops },
		{ &dp->groups, dp->router->maps.groups },
		{ &dp->adjacencies, dp->router->maps.adjacencies },
		{ &dp->ports, dp->router->maps.ports },
		{ &dp->port_of_ifindex, dp->router->maps.port_of_ifindex },
	};
	int err;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		err = map_memory(all[i].mapped, all[i].map);
		if (err)
			return err;
	}
	return 0;
}

static int make_engine(struct datapath *dp)
{
	if (dp->options.engine == ENGINE_DIR24)
		return fib_dir24_new(&dp->sink.engine, dp->dir24.memory, dp->dir24_groups.memory,
				     dp->options.extension_groups);
	return fib_lpm_new(&dp->sink.engine, bpf_map__fd(dp->router->maps.lpm),
			   dp->options.lpm_routes);
}

/*
 * Flows stay with their next hops over restarts: the same number until the machine boots the next time.
 * Of several routers in a row each has one of its own.
 */
static uint32_t hash_seed(void)
{
	uint32_t hash = 2166136261u; /* FNV-1a */
	char id[64] = "";
	FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");

	if (file) {
		if (!fgets(id, sizeof(id), file))
			id[0] = '\0';
		fclose(file);
	}
	for (const char *c = id; *c; c++)
		hash = (hash ^ (uint8_t)*c) * 16777619u;
	return hash;
}

static void prepare_control(struct datapath *dp)
{
	struct control *control = dp->control;

	control->layout = LAYOUT_VERSION;
	control->default_leaf = VERDICT_no_route;
	control->flags = dp->options.observe ? CONTROL_OBSERVE : 0;
	dp->hash_seed = hash_seed();
	control->hash_seed = dp->hash_seed;
}

int datapath_open(struct datapath **ret, const struct datapath_options *options,
		  const char **ret_what)
{
	struct datapath *dp = calloc(1, sizeof(*dp));
	int err = -ENOMEM;

	*ret_what = "out of memory";
	if (!dp)
		return -ENOMEM;
	dp->options = *options;
	dp->n_cpus = libbpf_num_possible_cpus();
	dp->own_filter_refs = calloc(OWN_FILTER_BITS, sizeof(*dp->own_filter_refs));
	if (dp->n_cpus > 0)
		dp->counters = calloc(dp->n_cpus, (sizeof(struct port_counters) + 7) & ~7UL);
	if (!dp->own_filter_refs || !dp->counters)
		goto fail;

	*ret_what = "loading the programs";
	for (size_t i = 0; i < sizeof(buffer_supports) / sizeof(buffer_supports[0]); i++) {
		err = load_router(dp, &buffer_supports[i]);
		if (!err)
			break;
	}
	if (err || !dp->router)
		goto fail;
	dp->control = &dp->router->data_control->control;
	prepare_control(dp);

	*ret_what = "mapping its tables";
	err = map_all(dp);
	if (err)
		goto fail;
	*ret_what = "setting up the lookup engine";
	err = make_engine(dp);
	if (err)
		goto fail;
	dp->sink.ops = &datapath_sink_ops;
	dp->sink.limits = (struct fib_limits){ .ports = options->ports,
					       .adjacencies = options->adjacencies,
					       .nexthops = options->nexthops,
					       .groups = options->groups,
					       .policy_routes = options->policy_routes };
	transmit_load(dp);
	xtables_load(dp);
	nfhooks_load(dp);
	*ret = dp;
	return 0;
fail:
	datapath_close(dp);
	return err;
}

static void unmap(struct mapped *mapped)
{
	if (mapped->memory)
		munmap(mapped->memory, mapped->size);
}

void datapath_close(struct datapath *dp)
{
	if (!dp)
		return;
	if (dp->sink.engine)
		dp->sink.engine->ops->destroy(dp->sink.engine);
	unmap(&dp->dir24);
	unmap(&dp->dir24_groups);
	unmap(&dp->nexthops);
	unmap(&dp->groups);
	unmap(&dp->adjacencies);
	unmap(&dp->ports);
	unmap(&dp->port_of_ifindex);
	nfhooks_bpf__destroy(dp->nfhooks);
	xtables_bpf__destroy(dp->xtables);
	transmit_bpf__destroy(dp->transmit);
	router_bpf__destroy(dp->router);
	free(dp->own_filter_refs);
	free(dp->counters);
	free(dp);
}

struct fib_sink *datapath_sink(struct datapath *dp)
{
	return &dp->sink;
}

const char *datapath_engine_name(const struct datapath *dp)
{
	return dp->sink.engine->ops->name;
}

uint32_t datapath_engine_used(const struct datapath *dp)
{
	return dp->sink.engine->ops->used(dp->sink.engine);
}

int datapath_wanted_fd(const struct datapath *dp)
{
	return bpf_map__fd(dp->router->maps.wanted);
}

int datapath_program_fd(const struct datapath *dp)
{
	return bpf_program__fd(dp->router->progs.router_xdp);
}

int datapath_tc_program_fd(const struct datapath *dp)
{
	return bpf_program__fd(dp->router->progs.router_tc);
}

/* ---- lease --------------------------------------------------------------------------- */

void datapath_grant_lease(struct datapath *dp, uint64_t from_ns, uint32_t seconds)
{
	SHARED_WRITE(dp->control->lease_until, from_ns + seconds * 1000000000ULL);
}

/* One look at the clock: a daemon that is stopped in between grants nothing when it goes on. */
bool datapath_extend_lease(struct datapath *dp, uint32_t seconds)
{
	uint64_t now = now_ns();

	if (SHARED_READ(dp->control->lease_until) <= now)
		return false;
	datapath_grant_lease(dp, now, seconds);
	return true;
}

bool datapath_lease_valid(const struct datapath *dp)
{
	return SHARED_READ(dp->control->lease_until) > now_ns();
}

void datapath_keep_priority(struct datapath *dp, bool keep)
{
	SHARED_WRITE(dp->control->keep_priority, (uint32_t)keep);
}
