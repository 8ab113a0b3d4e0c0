/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The parts of the benchmark. A failure that leaves nothing to measure ends the program with a
 * message (`die`); what has been set up is taken down on every way out.
 */
#ifndef EBPF_ROUTE_BENCH_H
#define EBPF_ROUTE_BENCH_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include "include/addr.h"
#include "tests/bench/shared.h"

struct forward_bpf;
struct traffic;

/* util.c */
enum { EXIT_CLEAN = 0, EXIT_BAD_USAGE = 1, EXIT_BROKEN = 2, EXIT_LOST = 3, EXIT_SKIPPED = 4 };

void die(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
void progress(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* A line that the next one takes the place of; nothing where stderr is not a terminal. */
void progress_passing(const char *format, ...) __attribute__((format(printf, 1, 2)));
void interrupt_setup(void);
void interrupt_check(void); /* dies where SIGINT, SIGTERM or SIGHUP has come in */
double seconds_now(void);   /* CLOCK_MONOTONIC */
uint64_t random_next(uint64_t *state);
uint16_t header_checksum(const void *header, size_t len);
double median(const double *values, unsigned int n); /* 0 where there are none */

/* cpu.c: the one CPU that forwards */
int cpu_last(void); /* the last one that we may use */
/* False where another benchmark forwards on it: both would count as softirqs and not be told apart. */
bool cpu_claim(int cpu);
void cpu_enter(int cpu);
void cpu_leave(int cpu);	  /* to any other, if there is one */
double cpu_seconds_of(pid_t pid); /* CPU time; 0: this thread */
/* The thread that runs the softirqs of a busy CPU; 0 where a PID namespace hides it. */
pid_t cpu_softirqd(int cpu);
/* The thread (0: this one) before all others on its CPU. */
void cpu_realtime(pid_t pid, bool on);

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
/* An address that no prefix covers, host byte order; 0 where none was found. */
uint32_t table_uncovered(const struct table *table);
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
#define NEIGHBOURS	  4000
#define ADDR_GENERATOR	  0xc6120002u	      /* 198.18.0.2, host byte order */
#define ADDR_GATEWAY(i)	  (0xc6120102u + (i)) /* 198.18.1.2 and on */
#define ADDR_NEIGHBOUR(i) (0xc6130002u + (i)) /* 198.19.0.2 and on, of 198.19.0.0/20 */

void topology_create(struct topology *topology, const char *name);
void topology_destroy(struct topology *topology);
void topology_enter(const struct topology *topology, enum site site);
void topology_load(const struct topology *topology, const struct table *table);
/* Packets that the router's IP stack forwarded so far. */
uint64_t topology_kernel_forwarded(const struct topology *topology);
/* Generic receive offload of an interface: what gives a veth its NAPI without an XDP program. */
void topology_gro(const struct topology *topology, enum site site, const char *ifname, bool on);
/* The loose reverse path filter of r0. */
void topology_rp_filter(const struct topology *topology, bool on);

/* traffic.c */
enum sink {
	SINK_NONE,
	SINK_END,    /* at s0, behind the router */
	SINK_ROUTER, /* at r0, before the router: what the harness itself costs */
};

enum { IP_LEN_SMALL = 46, IP_LEN_LARGE = 1500, FRAMES = 192 /* in circulation */ };

struct pass {
	uint64_t sent, right, wrong, foreign, lost;
	bool done;    /* all packets that were wanted went round */
	bool intact;  /* each packet sent arrived once, rewritten as it has to be */
	double ns;    /* a packet; only where it is done */
	double share; /* of its CPU that it had; 1 where that cannot be told */
};

struct traffic *traffic_open(const struct topology *topology, int cpu, uint32_t n_flows);
void traffic_close(struct traffic *traffic); /* NULL is fine */
/* From these addresses, host byte order; srcs NULL: all from the generator's. */
struct window traffic_add(struct traffic *traffic, const uint32_t *srcs, const uint32_t *dsts,
			  uint32_t n);
/* Length of the IP packets; traffic_open() leaves IP_LEN_SMALL. */
void traffic_size(struct traffic *traffic, unsigned int ip_len);
void traffic_sink(struct traffic *traffic, enum sink sink);
/* A quarter as many packets come first, to warm up, and have their header checksums verified. */
void traffic_run(struct traffic *traffic, struct window window, uint32_t packets, struct pass *ret);
/* Sends FRAMES packets that are to be dropped on their way: none of them arrives? */
bool traffic_refused(struct traffic *traffic, struct window window);
/* For whoever makes packets of the same flows. */
int traffic_flows_fd(const struct traffic *traffic);
const struct headers *traffic_template(const struct traffic *traffic);

/* alone.c: a program alone, under BPF_PROG_TEST_RUN */
struct alone;

struct alone *alone_open(const struct topology *topology, const struct traffic *traffic, int cpu);
void alone_close(struct alone *alone); /* NULL is fine */
/* Which program; program_fd -1: one that returns at once. */
void alone_target(struct alone *alone, int program_fd);
/* *ret as of traffic_run: `right` counts all packets where the ones looked at were. */
void alone_run(struct alone *alone, struct window window, uint32_t packets, struct pass *ret);

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

/* rows.c: the ways to forward */
enum method { METHOD_END_TO_END, METHOD_ALONE, METHODS };
enum size { SIZE_SMALL, SIZE_LARGE, SIZES };
enum traffic_kind {
	TRAFFIC_SINGLE,
	TRAFFIC_HOT,
	TRAFFIC_MID,
	TRAFFIC_UNIFORM,
	TRAFFIC_NEIGHBOURS,
	TRAFFIC_HOT_ON, /* from here: everything switched on, and sources drawn, too */
	TRAFFIC_UNIFORM_ON,
	TRAFFICS,
};

/* What decides that a packet took the way that its row names. */
enum proof {
	PROOF_ARRIVAL, /* the kernel forwarded none of them, so the attached program did */
	PROOF_KERNEL,  /* the kernel's ForwDatagrams counted all of them */
	PROOF_ROUTED,  /* the kernel forwarded none, and ebpf-route's counters show them all */
};

enum row_id {
	ROW_GENERATOR, /* what the harness costs, end to end */
	ROW_KERNEL,
	ROW_FIB_DIRECT,
	ROW_FIB_FULL,
	ROW_DIR24,
	ROW_LPM,
	ROW_BARE,
	ROW_FLOOR,
	ROW_BASE, /* what the harness costs, alone */
	ROWS,
};

struct row {
	const char *key, *title;
	enum proof proof;
	bool end_to_end, alone, on; /* where it is measured */
	enum sink sink;
	const char *program; /* of forward.bpf.c, at r0 and r1 */
	const char *engine;  /* of ebpf-routed */
};

extern const struct row rows[ROWS];
extern const char *const traffic_names[TRAFFICS], *const method_names[METHODS];
extern const unsigned int size_names[SIZES];

static inline bool traffic_is_on(enum traffic_kind kind)
{
	return kind >= TRAFFIC_HOT_ON;
}

/* What is measured of every row that can: a method, a size and a kind of traffic. */
struct scene {
	enum method method;
	enum size size;
	enum traffic_kind kind;
};

/* The row that is subtracted to get net figures. */
static inline enum row_id scene_harness(struct scene scene)
{
	return scene.method == METHOD_ALONE ? ROW_BASE : ROW_GENERATOR;
}

bool row_takes_part(enum row_id row, struct scene scene);

/* What is set up for one table. */
struct lab {
	const char *bin;
	int cpu;
	struct topology topology;
	struct traffic *traffic;
	struct alone *alone;
	struct rival *rival;
	struct routed routed;
	struct window window[TRAFFICS];
	struct window spoofed; /* a source without a route; count 0: there is none */
};

/* False where it cannot be measured; *ret_why then says why. */
bool row_start(struct lab *lab, enum row_id row, bool on, const char **ret_why);
void row_stop(struct lab *lab, enum row_id row, bool on);
/* Does the reverse path filter drop a source without a route? A message where it does not. */
bool row_filters(struct lab *lab, enum row_id row);
/* Sends, and compares what arrived with the row's proof. False, after a message, if it does not hold. */
bool row_run(struct lab *lab, enum row_id row, struct scene scene, uint32_t packets,
	     struct pass *ret);

/* options.c */
enum { ROUND_LIMIT = 64, TABLE_LIMIT = 8, SCENE_LIMIT = METHODS * SIZES * TRAFFICS };

struct options {
	const char *name; /* of the namespaces and of the instance */
	const char *bin;  /* where ebpf-routed and ebpf-route are */
	const char *json; /* file, NULL: none */
	unsigned int rounds;
	uint32_t packets;      /* of a timed pass */
	uint32_t destinations; /* of uniform traffic */
	uint64_t seed;
	int cpu;
	uint32_t asked; /* bits: rows without the harness's, unless it was named */
	uint32_t rows, kinds, sizes, methods; /* bits: what is measured */
	bool large_for_all;		      /* 1500 bytes for all tables and kinds of traffic */
	const char *files[TABLE_LIMIT];	      /* of each table either a file */
	uint32_t routes[TABLE_LIMIT];	      /* or a number of generated routes */
	unsigned int n_tables;
};

/* Ends the program for --help and where something is not understood. */
void options_parse(struct options *options, int argc, char **argv);
/* Scenes for a table; returns how many. */
unsigned int options_scenes(const struct options *options, bool last_table,
			    struct scene scenes[SCENE_LIMIT]);

/* measure.c */
enum { ENGINES = 2 };

struct cell {
	double ns[ROUND_LIMIT]; /* a packet */
	unsigned int n;
	uint64_t sent, lost;
	unsigned int broken; /* passes that were not forwarded as named */
};

struct outcome {
	const struct table *table;
	struct scene scenes[SCENE_LIMIT];
	unsigned int n_scenes;
	struct cell cells[ROWS][SCENE_LIMIT];
	char skipped[ROWS][256]; /* why a row was not measured */
	double sync_s[ENGINES][ROUND_LIMIT], dump_s[ROUND_LIMIT];
	unsigned int n_sync[ENGINES], n_dump;
	double cpu_share;	       /* lowest share of the CPU that a timed pass got */
	unsigned int disturbed, timed; /* passes with too small a share, all passes */
};

#define CPU_SHARE_WANTED 0.97

void measure_table(const struct options *options, const struct table *table, bool last_table,
		   struct outcome *outcome);
void measure_cleanup(void); /* what measure_table had set up, if anything is left */

/* figures.c: what the reports have in common */
struct figures {
	double ns, least, most;		     /* of all rounds; 0: not measured */
	double net;			     /* ns without what the harness costs; 0: not known */
	double times[ROWS], net_times[ROWS]; /* how often faster than that row; 0: not known */
};

struct machine {
	char cpu[128], kernel[160], date[32];
	long cpus;
};

struct figures figures_of(const struct outcome *outcome, enum row_id row, unsigned int scene);
/* Rows that the others are compared with, ROWS at the end. */
extern const enum row_id references[];
extern const char *const engine_names[ENGINES];
void figures_machine(struct machine *ret);
/* EXIT_CLEAN, EXIT_BROKEN where a row is not what it says, EXIT_LOST where packets were lost. */
int figures_verdict(const struct outcome *outcomes, unsigned int n);

/* report.c, report_json.c */
void report_text(const struct options *options, const struct outcome *outcome);
/* All tables in options->json. */
void report_json(const struct options *options, const struct outcome *outcomes, unsigned int n);

/* dump.c */
/* Seconds that reading and walking a dump of the main table takes; *ret_routes seen. */
double dump_routes(const struct topology *topology, uint32_t *ret_routes);

#endif
