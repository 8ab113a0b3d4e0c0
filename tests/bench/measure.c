// SPDX-License-Identifier: GPL-2.0-only
/*
 * The measurement: every way of forwarding, the same packets, in rounds.
 *
 * A row is measured in two passes: one that verifies every packet and warms the caches, one that is
 * timed. Both count what arrives, and ask the kernel whether it was the one that forwarded.
 *
 * The kernel's row has GRO on at r0, as network cards have it: without that, or an XDP program, a
 * veth takes no redirected frames. A program that passes every packet instead was 2 to 3 % faster;
 * a sink in tc instead of XDP, with or without GRO, 6 to 10 % slower.
 */
#include <stdlib.h>
#include "tests/bench/bench.h"

#define VERIFY_PACKETS (1u << 16)

const uint32_t hot_destinations = 4000;

const struct row rows[] = {
	{ "generator", "generator alone, dropped at r0", PROOF_ARRIVAL, SINK_ROUTER, NULL, NULL },
	{ "kernel", "kernel ip_forward", PROOF_KERNEL, SINK_END, NULL, NULL },
	{ "fib_lookup", "XDP + bpf_fib_lookup", PROOF_ARRIVAL, SINK_END, "forward_fib", NULL },
	{ "routed_dir24", "ebpf-routed --fib dir24", PROOF_ROUTED, SINK_END, NULL, "dir24" },
	{ "routed_lpm", "ebpf-routed --fib lpm", PROOF_ROUTED, SINK_END, NULL, "lpm" },
	{ "bare_dir24", "XDP + DIR-24-8, bare", PROOF_ARRIVAL, SINK_END, "forward_dir24", NULL },
	{ "floor", "XDP, fixed egress, no lookup", PROOF_ARRIVAL, SINK_END, "forward_fixed", NULL },
};
const unsigned int n_rows = sizeof(rows) / sizeof(rows[0]);

static struct {
	const struct options *options;
	struct topology topology;
	struct traffic *traffic;
	struct rival *rival;
	struct routed routed;
	struct window window[TRAFFICS];
	struct outcome *outcome;
} bench;

static const char *const traffic_names[TRAFFICS] = { "uniform", "hot" };

static unsigned int engine_of(const struct row *row)
{
	return strcmp(row->engine, "dir24") != 0;
}

/* False where the row cannot be measured; the reason is in the outcome then. */
static bool row_start(const struct row *row)
{
	char *skipped = bench.outcome->skipped[row - rows];
	unsigned int engine;
	const char *why;

	traffic_sink(bench.traffic, row->sink);
	if (row->program)
		rival_start(bench.rival, row->program);
	if (row->proof == PROOF_KERNEL)
		topology_gro(&bench.topology, SITE_ROUTER, "r0", true);
	if (row->proof != PROOF_ROUTED)
		return true;
	if (!routed_present(bench.options->bin)) {
		snprintf(skipped, 256, "ebpf-routed is not built");
		return false;
	}
	if (!routed_start(&bench.routed, &bench.topology, bench.options->bin, row->engine,
			  bench.options->cpu, &why)) {
		snprintf(skipped, 256, "ebpf-routed did not get ready: %s", why);
		return false;
	}
	engine = engine_of(row);
	bench.outcome->sync_s[engine][bench.outcome->n_sync[engine]++] = bench.routed.sync_s;
	return true;
}

static void row_stop(const struct row *row)
{
	if (row->program)
		rival_stop(bench.rival);
	if (row->proof == PROOF_KERNEL)
		topology_gro(&bench.topology, SITE_ROUTER, "r0", false);
	if (row->proof == PROOF_ROUTED)
		routed_stop(&bench.routed);
}

/* Sends, and compares what arrived with what the row's proof says. */
static void run_pass(const struct row *row, enum traffic_kind kind, uint32_t packets, bool verify,
		     struct pass *pass)
{
	struct cell *cell = &bench.outcome->cells[row - rows][kind];
	uint64_t kernel = topology_kernel_forwarded(&bench.topology), routed = 0;
	static char counters[1 << 16];
	bool proven = true;

	if (row->proof == PROOF_ROUTED)
		routed = routed_forwarded(&bench.routed, bench.options->bin, counters,
					  sizeof(counters));
	traffic_run(bench.traffic, bench.window[kind], packets, verify, pass);
	kernel = topology_kernel_forwarded(&bench.topology) - kernel;
	cell->sent += pass->sent;
	if (pass->arrivals.packets + pass->arrivals.wrong < pass->sent)
		cell->lost += pass->sent - pass->arrivals.packets - pass->arrivals.wrong;
	if (row->proof == PROOF_KERNEL)
		proven = kernel >= pass->arrivals.packets && kernel <= pass->sent;
	else
		proven = kernel == 0;
	if (row->proof == PROOF_ROUTED) {
		routed = routed_forwarded(&bench.routed, bench.options->bin, counters,
					  sizeof(counters)) -
			 routed;
		proven &= routed >= pass->arrivals.packets && routed <= pass->sent;
	}
	if (proven && pass->arrivals.wrong == 0 && (pass->intact || cell->lost))
		return;
	cell->wrong++;
	progress("%s, %s: sent %llu, arrived %llu, wrong %llu, foreign %llu; the kernel forwarded "
		 "%llu, ebpf-routed %llu",
		 row->title, traffic_names[kind], (unsigned long long)pass->sent,
		 (unsigned long long)pass->arrivals.packets,
		 (unsigned long long)pass->arrivals.wrong,
		 (unsigned long long)pass->arrivals.foreign, (unsigned long long)kernel,
		 (unsigned long long)routed);
	if (row->proof == PROOF_ROUTED)
		progress("its counters: %s", counters);
}

static void measure_row(const struct row *row, enum traffic_kind kind)
{
	struct cell *cell = &bench.outcome->cells[row - rows][kind];
	struct pass pass;
	double share;

	run_pass(row, kind, VERIFY_PACKETS, true, &pass);
	run_pass(row, kind, bench.options->packets, false, &pass);
	cell->ns[cell->n++] = pass.ns;
	share = pass.cpu_s * 1e9 / (pass.ns * (double)pass.sent);
	if (share < bench.outcome->cpu_share)
		bench.outcome->cpu_share = share;
}

/* Each round starts with another row, so that none always follows the same one. */
static void measure_round(unsigned int round)
{
	struct outcome *outcome = bench.outcome;
	uint32_t routes;

	outcome->dump_s[outcome->n_dump++] = dump_routes(&bench.topology, &routes);
	if (routes < outcome->table->n)
		die("route dump: %u routes, but %u were loaded", routes, outcome->table->n);
	for (unsigned int i = 0; i < n_rows; i++) {
		const struct row *row = &rows[(i + round) % n_rows];

		if (outcome->skipped[row - rows][0])
			continue;
		interrupt_check();
		if (row_start(row))
			for (enum traffic_kind kind = 0; kind < TRAFFICS; kind++)
				measure_row(row, kind);
		row_stop(row);
	}
}

static void draw_traffic(const struct table *table)
{
	uint32_t n = bench.options->destinations;
	uint32_t *addrs = calloc(n > hot_destinations ? n : hot_destinations, sizeof(*addrs));

	if (!addrs)
		die("destinations: out of memory");
	table_draw(table, bench.options->seed + 1, addrs, n);
	bench.window[TRAFFIC_UNIFORM] = traffic_add(bench.traffic, addrs, n);
	table_draw(table, bench.options->seed + 2, addrs, hot_destinations);
	bench.window[TRAFFIC_HOT] = traffic_add(bench.traffic, addrs, hot_destinations);
	free(addrs);
}

void measure_table(const struct options *options, const struct table *table,
		   struct outcome *outcome)
{
	memset(outcome, 0, sizeof(*outcome));
	outcome->table = table;
	outcome->cpu_share = 1;
	bench.options = options;
	bench.outcome = outcome;
	snprintf(bench.routed.instance, sizeof(bench.routed.instance), "%s", options->name);
	progress("table of %u routes (%s)", table->n, table->origin);
	topology_create(&bench.topology, options->name);
	topology_load(&bench.topology, table);
	bench.traffic = traffic_open(&bench.topology);
	bench.rival = rival_open(&bench.topology, table);
	draw_traffic(table);
	for (unsigned int round = 0; round < options->rounds; round++) {
		double start = seconds_now();

		measure_round(round);
		progress("round %u of %u: %.1f s", round + 1, options->rounds,
			 seconds_now() - start);
	}
	measure_cleanup();
}

void measure_cleanup(void)
{
	routed_stop(&bench.routed);
	rival_close(bench.rival);
	bench.rival = NULL;
	traffic_close(bench.traffic);
	bench.traffic = NULL;
	topology_destroy(&bench.topology);
}
