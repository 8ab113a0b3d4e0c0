/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The parts of the benchmark. A failure that leaves nothing to measure ends the program with a
 * message (`die`); what has been set up is taken down on every way out.
 */
#ifndef EBPF_ROUTE_BENCH_H
#define EBPF_ROUTE_BENCH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "include/addr.h"
#include "tests/bench/shared.h"

struct forward_bpf;
struct traffic;

/* util.c */
enum { EXIT_CLEAN = 0, EXIT_BAD_USAGE = 1, EXIT_BROKEN = 2, EXIT_LOST = 3, EXIT_SKIPPED = 4 };

void die(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
void progress(const char *format, ...) __attribute__((format(printf, 1, 2)));
void interrupt_setup(void);
void interrupt_check(void);	/* dies where SIGINT, SIGTERM or SIGHUP has come in */
double seconds_now(void);	/* CLOCK_MONOTONIC */
double seconds_of_thread(void); /* CPU time of this thread, its softirqs included */
uint64_t random_next(uint64_t *state);
uint16_t header_checksum(const void *header, size_t len);
double median(const double *values, unsigned int n); /* 0 where there are none */

/* table.c */
struct table {
	struct prefix *prefixes;
	uint32_t n;
	char origin[256]; /* for the report */
};

void table_read(struct table *table, const char *path); /* one prefix a line; gzip if *.gz */
void table_generate(struct table *table, uint32_t n, uint64_t seed);
void table_free(struct table *table);
/* Random addresses below randomly drawn prefixes, host byte order. */
void table_draw(const struct table *table, uint64_t seed, uint32_t *addrs, uint32_t n);
/* The next hop of a prefix, 0..GATEWAYS-1: without a pattern, but always the same. */
unsigned int table_gateway(struct prefix prefix);

/* topology.c: namespace gen (g0) -- (r0) namespace router (r1) -- (s0) namespace sink */
enum site { SITE_GEN, SITE_ROUTER, SITE_SINK, SITE_HOME, SITES };

struct topology {
	char name[SITES][48]; /* namespaces */
	int ns[SITES];	      /* SITE_HOME: where we came from */
	uint32_t g0, r0, r1, s0;
	int snmp; /* the router's /proc/net/snmp */
};

extern const uint8_t mac_g0[6], mac_r0[6], mac_r1[6], mac_s0[6];
#define ADDR_GENERATOR	0xc6120002u	    /* 198.18.0.2, host byte order */
#define ADDR_GATEWAY(i) (0xc6120102u + (i)) /* 198.18.1.2 and on */

void topology_create(struct topology *topology, const char *name);
void topology_destroy(struct topology *topology);
void topology_enter(const struct topology *topology, enum site site);
void topology_load(const struct topology *topology, const struct table *table);
/* Packets that the router's IP stack forwarded so far. */
uint64_t topology_kernel_forwarded(const struct topology *topology);
/* Generic receive offload of an interface: what gives a veth its NAPI without an XDP program. */
void topology_gro(const struct topology *topology, enum site site, const char *ifname, bool on);

/* traffic.c */
enum sink {
	SINK_END,    /* at s0, behind the router */
	SINK_ROUTER, /* at r0, before the router: what the generator itself costs */
};

struct window {
	uint32_t start, count;
};

struct pass {
	uint64_t sent;
	struct arrivals arrivals;
	bool intact;  /* each packet sent arrived once, rewritten as it has to be */
	double ns;    /* a packet */
	double cpu_s; /* CPU time that we had, softirqs included */
};

struct traffic *traffic_open(const struct topology *topology);
void traffic_close(struct traffic *traffic); /* NULL is fine */
struct window traffic_add(struct traffic *traffic, const uint32_t *addrs, uint32_t n);
void traffic_sink(struct traffic *traffic, enum sink sink);
/* `verify` also checks the header checksums and that each destination arrived. */
void traffic_run(struct traffic *traffic, struct window window, uint32_t packets, bool verify,
		 struct pass *ret);

/* rival.c: the programs of forward.bpf.c */
struct rival;

struct rival *rival_open(const struct topology *topology, const struct table *table);
void rival_close(struct rival *rival); /* NULL is fine */
void rival_start(struct rival *rival, const char *program);
void rival_stop(struct rival *rival);

/* routed.c: the daemon as a child process */
struct routed {
	char instance[48];
	pid_t pid;     /* 0: not running */
	int ready;     /* its stdout, kept open */
	int messages;  /* its stderr, in memory */
	double sync_s; /* from its start until its ready line */
};

bool routed_present(const char *bin);
/* False, and *ret_why says why, where it did not become ready. */
bool routed_start(struct routed *routed, const struct topology *topology, const char *bin,
		  const char *engine, int busy_cpu, const char **ret_why);
/* Packets forwarded since its start, by its own counters; all counters as text if wanted. */
uint64_t routed_forwarded(const struct routed *routed, const char *bin, char *text, size_t size);
void routed_stop(struct routed *routed);

/* measure.c */
enum traffic_kind { TRAFFIC_UNIFORM, TRAFFIC_HOT, TRAFFICS };
enum { ROUND_LIMIT = 64, ROW_LIMIT = 16, ENGINES = 2 };

struct options {
	const char *name; /* of the namespaces and of the instance */
	const char *bin;  /* where ebpf-routed and ebpf-route are */
	unsigned int rounds;
	uint32_t packets;      /* of a timed pass */
	uint32_t destinations; /* uniformly random ones */
	uint64_t seed;
	int cpu;
};

/* What decides that a packet took the way that its row names. */
enum proof {
	PROOF_ARRIVAL, /* the kernel forwarded none of them, so the attached program did */
	PROOF_KERNEL,  /* the kernel's ForwDatagrams counted all of them */
	PROOF_ROUTED,  /* the kernel forwarded none, and ebpf-route's counters show them all */
};

struct row {
	const char *key, *title;
	enum proof proof;
	enum sink sink;
	const char *program; /* of forward.bpf.c, at r0 and r1 */
	const char *engine;  /* of ebpf-routed */
};

extern const struct row rows[];
extern const unsigned int n_rows;
#define ROW_KERNEL     1 /* what the ratios refer to */
#define ROW_FIB_LOOKUP 2

struct cell {
	double ns[ROUND_LIMIT]; /* a packet */
	unsigned int n;
	uint64_t sent, lost; /* in the timed passes and those that verify */
	unsigned int wrong;  /* passes that were not forwarded as they should have been */
};

struct outcome {
	const struct table *table;
	struct cell cells[ROW_LIMIT][TRAFFICS];
	char skipped[ROW_LIMIT][256]; /* why a row was not measured */
	double sync_s[ENGINES][ROUND_LIMIT], dump_s[ROUND_LIMIT];
	unsigned int n_sync[ENGINES], n_dump;
	double cpu_share; /* lowest share of the CPU that a timed pass got */
};

extern const uint32_t hot_destinations;

void measure_table(const struct options *options, const struct table *table,
		   struct outcome *outcome);
void measure_cleanup(void); /* what measure_table had set up, if anything is left */

/* report.c */
void report_text(const struct options *options, const struct outcome *outcome);
/* All tables in one file. */
void report_json(const struct options *options, const struct outcome *outcomes, unsigned int n,
		 const char *path);
/* EXIT_CLEAN, EXIT_BROKEN where a row is not what it says, EXIT_LOST where packets were lost. */
int report_verdict(const struct outcome *outcomes, unsigned int n);

/* dump.c */
/* Seconds that reading and walking a dump of the main table takes; *ret_routes seen. */
double dump_routes(const struct topology *topology, uint32_t *ret_routes);

#endif
