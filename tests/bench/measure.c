// SPDX-License-Identifier: GPL-2.0-only
/*
 * The measurement: every row, the same packets, in rounds.
 *
 * In each round a row is started once as it is and once with everything on, and all its scenes are run
 * while it is. Each round starts with another row, so that none always follows the same one.
 */
#include <stdlib.h>
#include "tests/bench/bench.h"

#define HOT 4000
#define MID 65536

static struct lab lab;
static bool lab_exists;

const char *const engine_names[ENGINES] = { "dir24", "lpm" };

static uint32_t kind_size(enum traffic_kind kind, uint32_t destinations)
{
	switch (kind) {
	case TRAFFIC_SINGLE:
		return 1;
	case TRAFFIC_MID:
		return MID;
	case TRAFFIC_UNIFORM:
	case TRAFFIC_UNIFORM_ON:
		return destinations;
	case TRAFFIC_NEIGHBOURS:
		return NEIGHBOURS;
	default:
		return HOT;
	}
}

/* Each kind has seeds of its own, the same for all rows and rounds. */
static void draw_traffic(const struct options *options, const struct table *table)
{
	uint32_t room = options->destinations > MID ? options->destinations : MID;
	uint32_t *dsts = calloc(room, sizeof(*dsts)), *srcs = calloc(room, sizeof(*srcs));

	if (!dsts || !srcs)
		die("destinations: out of memory");
	for (enum traffic_kind kind = 0; kind < TRAFFICS; kind++) {
		uint32_t n = kind_size(kind, options->destinations);

		table_draw(table, options->seed + 1 + 2 * kind, dsts, n);
		table_draw(table, options->seed + 2 + 2 * kind, srcs, n);
		for (uint32_t i = 0; kind == TRAFFIC_NEIGHBOURS && i < n; i++)
			dsts[i] = ADDR_NEIGHBOUR(i);
		lab.window[kind] =
			traffic_add(lab.traffic, traffic_is_on(kind) ? srcs : NULL, dsts, n);
	}
	srcs[0] = table_uncovered(table);
	if (srcs[0])
		lab.spoofed = traffic_add(lab.traffic, srcs, dsts, 1);
	free(dsts);
	free(srcs);
}

static void lab_open(const struct options *options, const struct table *table)
{
	uint32_t n_flows = 1;

	for (enum traffic_kind kind = 0; kind < TRAFFICS; kind++)
		n_flows += kind_size(kind, options->destinations);
	lab_exists = true;
	lab.bin = options->bin;
	lab.cpu = options->cpu;
	snprintf(lab.routed.instance, sizeof(lab.routed.instance), "%s", options->name);
	topology_create(&lab.topology, options->name);
	topology_load(&lab.topology, table);
	lab.traffic = traffic_open(&lab.topology, options->cpu, n_flows);
	lab.alone = alone_open(&lab.topology, lab.traffic, options->cpu);
	lab.rival = rival_open(&lab.topology, table);
	draw_traffic(options, table);
}

void measure_cleanup(void)
{
	if (!lab_exists)
		return;
	routed_stop(&lab.routed);
	rival_close(lab.rival);
	alone_close(lab.alone);
	traffic_close(lab.traffic);
	topology_destroy(&lab.topology);
	memset(&lab, 0, sizeof(lab));
	lab_exists = false;
}

static void measure_cell(const struct options *options, enum row_id row, unsigned int scene,
			 bool filters, struct outcome *outcome)
{
	struct cell *cell = &outcome->cells[row][scene];
	struct pass pass;

	cell->broken += !filters;
	cell->broken += !row_run(&lab, row, outcome->scenes[scene], options->packets, &pass);
	cell->sent += pass.sent;
	cell->lost += pass.lost;
	if (!pass.done)
		return;
	cell->ns[cell->n++] = pass.ns;
	outcome->timed++;
	outcome->disturbed += pass.share < CPU_SHARE_WANTED;
	if (pass.share < outcome->cpu_share)
		outcome->cpu_share = pass.share;
}

/* A start with nothing extra also tells how long the daemon takes. */
static void note_sync(enum row_id row, struct outcome *outcome)
{
	unsigned int engine = row == ROW_LPM;

	if (rows[row].proof == PROOF_ROUTED)
		outcome->sync_s[engine][outcome->n_sync[engine]++] = lab.routed.sync_s;
}

static void measure_row(const struct options *options, enum row_id row, bool on,
			struct outcome *outcome)
{
	const char *why = "";
	unsigned int wanted = 0;
	bool filters;

	for (unsigned int i = 0; i < outcome->n_scenes; i++)
		wanted += traffic_is_on(outcome->scenes[i].kind) == on &&
			  row_takes_part(row, outcome->scenes[i]);
	if (!wanted || outcome->skipped[row][0])
		return;
	interrupt_check();
	progress_passing("%u routes: %s%s", outcome->table->n, rows[row].title,
			 on ? ", everything on" : "");
	if (!row_start(&lab, row, on, &why)) {
		snprintf(outcome->skipped[row], sizeof(outcome->skipped[row]), "%s", why);
		row_stop(&lab, row, on);
		return;
	}
	if (!on)
		note_sync(row, outcome);
	filters = !on || row_filters(&lab, row);
	for (unsigned int i = 0; i < outcome->n_scenes; i++)
		if (traffic_is_on(outcome->scenes[i].kind) == on &&
		    row_takes_part(row, outcome->scenes[i]))
			measure_cell(options, row, i, filters, outcome);
	row_stop(&lab, row, on);
}

static void measure_round(const struct options *options, unsigned int round,
			  struct outcome *outcome)
{
	uint32_t routes;

	outcome->dump_s[outcome->n_dump++] = dump_routes(&lab.topology, &routes);
	if (routes < outcome->table->n)
		die("route dump: %u routes, but %u were loaded", routes, outcome->table->n);
	for (unsigned int i = 0; i < ROWS; i++) {
		enum row_id row = (i + round) % ROWS;

		if (!(options->rows & 1u << row))
			continue;
		measure_row(options, row, false, outcome);
		measure_row(options, row, true, outcome);
	}
}

void measure_table(const struct options *options, const struct table *table, bool last_table,
		   struct outcome *outcome)
{
	memset(outcome, 0, sizeof(*outcome));
	outcome->table = table;
	outcome->cpu_share = 1;
	outcome->n_scenes = options_scenes(options, last_table, outcome->scenes);
	progress("table of %u routes (%s)", table->n, table->origin);
	lab_open(options, table);
	for (unsigned int round = 0; round < options->rounds; round++) {
		double start = seconds_now();

		measure_round(options, round, outcome);
		progress("%u routes, round %u of %u: %.1f s", table->n, round + 1, options->rounds,
			 seconds_now() - start);
	}
	measure_cleanup();
}
