/* SPDX-License-Identifier: GPL-2.0-only */
/* Inside of the datapath: its maps as memory. Only datapath*.c includes this. */
#ifndef EBPF_ROUTE_DATAPATH_MAPS_H
#define EBPF_ROUTE_DATAPATH_MAPS_H

#include "datapath.h"
#include "nfhooks.skel.h"
#include "router.skel.h"
#include "transmit.skel.h"
#include "xtables.skel.h"

/* A map as an array in our memory; several programs read it while we write. */
struct mapped {
	void *memory;
	size_t size;
};

struct datapath {
	struct fib_sink sink; /* first: the sink's ops get their datapath back by a cast */
	struct datapath_options options;
	struct router_bpf *router;
	struct transmit_bpf *transmit; /* NULL: transmit errors are not counted */
	struct xtables_bpf *xtables;   /* NULL: changes of legacy iptables are not told of */
	struct nfhooks_bpf *nfhooks;   /* NULL: BPF programs on netfilter hooks are not seen */
	struct mapped dir24, dir24_groups, nexthops, groups, adjacencies, ports, port_of_ifindex;
	struct control *control;
	uint16_t *own_filter_refs; /* addresses behind each bit of control->own_filter */
	void *counters;		   /* scratch: one value of a per-CPU map */
	int n_cpus;
	uint32_t hash_seed; /* as in control */
};

extern const struct fib_sink_ops datapath_sink_ops;

/* Sets dp->transmit, or says why not. */
void transmit_load(struct datapath *dp);
/* The same with dp->xtables. */
void xtables_load(struct datapath *dp);
/* The same with dp->nfhooks. */
void nfhooks_load(struct datapath *dp);

/* One value of a shared table, read or written at once. */
#define SHARED_READ(value)	   __atomic_load_n(&(value), __ATOMIC_RELAXED)
#define SHARED_WRITE(place, value) __atomic_store_n(&(place), value, __ATOMIC_RELEASE)

#endif
