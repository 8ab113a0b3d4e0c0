/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The loaded BPF programs and their maps: the fib_sink that really forwards.
 *
 * datapath_open() loads but attaches nothing: the maps are filled through the sink first, and then
 * the program is attached (attach.h).
 */
#ifndef EBPF_ROUTE_DATAPATH_H
#define EBPF_ROUTE_DATAPATH_H

#include "fib.h"

struct datapath;

struct datapath_options {
	enum engine engine;
	uint32_t nexthops, adjacencies, groups, neighbours, extension_groups, lpm_routes;
	uint32_t ports, policy_routes;
	uint32_t cpu_queue; /* packets that wait for each CPU that user routes steer to */
	bool observe;
};

/*
 * 0 or -errno with *ret_what naming the step that failed (static text): -EPERM without the
 * privileges, -EOPNOTSUPP or -EINVAL where the kernel is too old.
 */
int datapath_open(struct datapath **ret, const struct datapath_options *options,
		  const char **ret_what);
void datapath_close(struct datapath *dp); /* NULL is fine; what is pinned or attached stays */

struct fib_sink *datapath_sink(struct datapath *dp);
const char *datapath_engine_name(const struct datapath *dp);
uint32_t datapath_engine_used(const struct datapath *dp); /* rows (dir24), prefixes (lpm) */
int datapath_program_fd(const struct datapath *dp);	  /* of the XDP hook */
int datapath_tc_program_fd(const struct datapath *dp);	  /* of the TC hook, ingress */
/* The ring buffer of struct neighbour_key: neighbours that the programs went without. */
int datapath_wanted_fd(const struct datapath *dp);

/* The ring buffer that becomes readable when legacy iptables changed; -1: cannot be told. */
int datapath_xtables_fd(const struct datapath *dp);
/*
 * On which hooks that forwarded IPv4 packets pass there are BPF programs now, by links of type netfilter: 1 <<
 * NF_INET_.., as bits. Of the calling thread's network namespace; 0 where it cannot be told.
 */
uint32_t datapath_bpf_hooks(const struct datapath *dp);

/* Are transmit errors counted (the tracepoint programs are loaded)? */
bool datapath_counts_transmit(const struct datapath *dp);
/* The ring buffer of struct tx_refusal; -1 where they are not. */
int datapath_refused_fd(const struct datapath *dp);
uint32_t datapath_cpus(const struct datapath *dp); /* that the machine can have */
/* Packets handed to that CPU and lost on the way; -EOPNOTSUPP where they are not counted. */
int datapath_cpu_errors(const struct datapath *dp, uint32_t cpu, uint64_t *ret);

/*
 * Is there anything at the places of our pins that is not ours? 0, or -EEXIST, or another -errno where that
 * cannot be told; then why[] has the line for the operator, which begins with the path.
 */
int datapath_check_pins(const struct datapath *dp, const char *dir, char *why, size_t size);
/*
 * Pins maps and programs (mode 0600) in a directory that exists, each in one step in the place of that of an
 * earlier run; what else earlier runs left there goes. As above: 0, or -errno and why[].
 */
int datapath_pin(const struct datapath *dp, const char *dir, char *why, size_t size);
/* Removes those pins, and no others. */
void datapath_unpin(const struct datapath *dp, const char *dir);

/*
 * Has now_ns() tell the programs' time from now on. To be called once, before anyone keeps a time, and before the
 * capabilities go. 0, or -errno where BPF programs cannot be loaded or run.
 */
int datapath_match_clock(void);

/* The programs forward until then: some time (now_ns()) and so many seconds more. */
void datapath_grant_lease(struct datapath *dp, uint64_t from_ns, uint32_t seconds);
/* Until now + seconds, if the lease has not run out; else false. */
bool datapath_extend_lease(struct datapath *dp, uint32_t seconds);
bool datapath_lease_valid(const struct datapath *dp);

/* At the TC hook, as sysctl_keeps_priority() has it. */
void datapath_keep_priority(struct datapath *dp, bool keep);

/* Counters summed over the CPUs. -errno from the map look-up. */
int datapath_port_counters(const struct datapath *dp, uint16_t port, struct port_counters *ret);
int datapath_nexthop_counters(const struct datapath *dp, uint32_t slot,
			      struct nexthop_counters *ret);

/* What the programs see now, read back from the maps. */
uint32_t datapath_lookup(const struct datapath *dp,
			 __be32 addr); /* leaf; the default leaf resolved */
union nexthop_word datapath_nexthop(const struct datapath *dp, uint32_t slot);
union reverse_word datapath_reverse(const struct datapath *dp, uint32_t slot);
uint32_t datapath_bucket(const struct datapath *dp, uint32_t group, uint32_t bucket);
union adjacency_word datapath_adjacency(const struct datapath *dp, uint32_t index);
uint64_t datapath_adjacency_used(const struct datapath *dp, uint32_t index);	  /* ns, 0: never */
uint32_t datapath_neighbour(const struct datapath *dp, struct neighbour_key key); /* 0: none */
struct port datapath_port(const struct datapath *dp, uint16_t port);
uint16_t datapath_ingress_mac(const struct datapath *dp, union ingress_mac key); /* port, 0: none */
uint32_t datapath_policy_steps(const struct datapath *dp);
/* 0, or -errno; -ENOENT behind the last one. */
int datapath_policy_step(const struct datapath *dp, uint32_t i, struct policy_step *ret);
uint32_t datapath_control_hold(const struct datapath *dp);
uint32_t datapath_control_flags(const struct datapath *dp);

#endif
