// SPDX-License-Identifier: GPL-2.0-only
/* The result as JSON: docs/BENCHMARKS.md describes it, tests/bench/plot.py reads it. */
#include <stdio.h>
#include "tests/bench/bench.h"

static void print_numbers(FILE *file, const char *key, const double *values, unsigned int n)
{
	fprintf(file, "\"%s\":[", key);
	for (unsigned int i = 0; i < n; i++)
		fprintf(file, "%s%.6g", i ? "," : "", values[i]);
	fputc(']', file);
}

static void print_figures(FILE *file, const struct outcome *outcome, enum row_id row,
			  unsigned int scene)
{
	struct figures figures = figures_of(outcome, row, scene);

	fprintf(file, "\"ns\":%.2f,\"min\":%.2f,\"max\":%.2f,", figures.ns, figures.least,
		figures.most);
	if (figures.net > 0)
		fprintf(file, "\"net\":%.2f,", figures.net);
	for (const enum row_id *reference = references; *reference != ROWS; reference++) {
		if (figures.times[*reference] > 0)
			fprintf(file, "\"vs_%s\":%.3f,", rows[*reference].key,
				figures.times[*reference]);
		if (figures.net_times[*reference] > 0)
			fprintf(file, "\"vs_%s_net\":%.3f,", rows[*reference].key,
				figures.net_times[*reference]);
	}
}

static void print_cell(FILE *file, const struct outcome *outcome, enum row_id row,
		       unsigned int scene)
{
	const struct cell *cell = &outcome->cells[row][scene];
	struct scene s = outcome->scenes[scene];

	fprintf(file,
		"{\"row\":\"%s\",\"title\":\"%s\",\"method\":\"%s\",\"size\":%u,\"traffic\":\"%s\","
		"\"everything_on\":%s,\"measured\":%s,\"proven\":%s,\"sent\":%llu,\"lost\":%llu,",
		rows[row].key, rows[row].title, method_names[s.method], size_names[s.size],
		traffic_names[s.kind], traffic_is_on(s.kind) ? "true" : "false",
		cell->n ? "true" : "false", cell->n && !cell->broken ? "true" : "false",
		(unsigned long long)cell->sent, (unsigned long long)cell->lost);
	if (cell->n)
		print_figures(file, outcome, row, scene);
	print_numbers(file, "rounds", cell->ns, cell->n);
	fputc('}', file);
}

static void print_outcome(FILE *file, const struct options *options, const struct outcome *outcome)
{
	const char *separator = "";

	fprintf(file,
		"{\"routes\":%u,\"table\":\"%s\",\"cpu_share\":%.3f,\"passes\":%u,"
		"\"passes_disturbed\":%u,",
		outcome->table->n, outcome->table->origin, outcome->cpu_share, outcome->timed,
		outcome->disturbed);
	print_numbers(file, "dump_seconds", outcome->dump_s, outcome->n_dump);
	for (unsigned int i = 0; i < ENGINES; i++) {
		char key[32];

		snprintf(key, sizeof(key), "sync_seconds_%s", engine_names[i]);
		fputc(',', file);
		print_numbers(file, key, outcome->sync_s[i], outcome->n_sync[i]);
	}
	fputs(",\"cells\":[\n", file);
	for (unsigned int scene = 0; scene < outcome->n_scenes; scene++) {
		for (enum row_id row = 0; row < ROWS; row++) {
			if (!(options->rows & 1u << row) ||
			    !row_takes_part(row, outcome->scenes[scene]))
				continue;
			fputs(separator, file);
			print_cell(file, outcome, row, scene);
			separator = ",\n";
		}
	}
	fputs("]}", file);
}

void report_json(const struct options *options, const struct outcome *outcomes, unsigned int n)
{
	FILE *file = fopen(options->json, "we");
	struct machine machine;

	if (!file)
		die("%s: %s", options->json, strerror(errno));
	figures_machine(&machine);
	fprintf(file,
		"{\"date\":\"%s\",\"kernel\":\"%s\",\"cpu\":\"%s\",\"cpus\":%ld,\"rounds\":%u,"
		"\"packets\":%u,\"destinations\":%u,\"next_hops\":%u,\"tables\":[\n",
		machine.date, machine.kernel, machine.cpu, machine.cpus, options->rounds,
		options->packets, options->destinations, GATEWAYS);
	for (unsigned int i = 0; i < n; i++) {
		fputs(i ? ",\n" : "", file);
		print_outcome(file, options, &outcomes[i]);
	}
	fputs("\n]}\n", file);
	if (fclose(file))
		die("%s: %s", options->json, strerror(errno));
}
