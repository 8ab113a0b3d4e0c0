// SPDX-License-Identifier: GPL-2.0-only
/* The result as a table for people and as JSON. */
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include "tests/bench/bench.h"

static const char *const engine_names[ENGINES] = { "dir24", "lpm" };

static double lowest(const struct cell *cell)
{
	double result = cell->ns[0];

	for (unsigned int i = 1; i < cell->n; i++)
		result = cell->ns[i] < result ? cell->ns[i] : result;
	return result;
}

static double highest(const struct cell *cell)
{
	double result = cell->ns[0];

	for (unsigned int i = 1; i < cell->n; i++)
		result = cell->ns[i] > result ? cell->ns[i] : result;
	return result;
}

static double typical(const struct cell *cell)
{
	return median(cell->ns, cell->n);
}

/* How many times faster than the row of reference; 0 where either was not measured. */
static double ratio(const struct outcome *outcome, unsigned int reference, enum traffic_kind kind,
		    const struct cell *cell)
{
	double own = typical(cell);

	return own > 0 ? typical(&outcome->cells[reference][kind]) / own : 0;
}

static void print_row(const struct outcome *outcome, unsigned int row, enum traffic_kind kind)
{
	const struct cell *cell = &outcome->cells[row][kind];

	if (outcome->skipped[row][0]) {
		printf("  %-30s not measured: %s\n", rows[row].title, outcome->skipped[row]);
		return;
	}
	printf("  %-30s %7.1f %7.1f %7.1f", rows[row].title, typical(cell), lowest(cell),
	       highest(cell));
	if (rows[row].sink == SINK_ROUTER)
		printf(" %8s %8s", "-", "-");
	else
		printf(" %7.2fx %7.2fx", ratio(outcome, ROW_KERNEL, kind, cell),
		       ratio(outcome, ROW_FIB_LOOKUP, kind, cell));
	printf(" %11llu %6llu", (unsigned long long)cell->sent, (unsigned long long)cell->lost);
	if (cell->lost)
		printf("  LOST PACKETS");
	if (cell->wrong)
		printf("  NOT AS NAMED, see above");
	putchar('\n');
}

static void print_sync(const struct outcome *outcome)
{
	printf("  start to ready, table already in the kernel (raw netlink dump of it: %.3f s):\n",
	       median(outcome->dump_s, outcome->n_dump));
	for (unsigned int i = 0; i < ENGINES; i++) {
		if (outcome->n_sync[i])
			printf("    ebpf-routed --fib %-5s %8.3f s\n", engine_names[i],
			       median(outcome->sync_s[i], outcome->n_sync[i]));
		else
			printf("    ebpf-routed --fib %-5s not measured\n", engine_names[i]);
	}
}

void report_text(const struct options *options, const struct outcome *outcome)
{
	struct utsname kernel;

	uname(&kernel);
	printf("\n%u routes (%s) by %u next hops; Linux %s, one CPU, veth, 64-byte frames in "
	       "batches of %u\n",
	       outcome->table->n, outcome->table->origin, GATEWAYS, kernel.release, BATCH);
	for (enum traffic_kind kind = 0; kind < TRAFFICS; kind++) {
		bool hot = kind == TRAFFIC_HOT;

		printf("\n  %u %sdestinations drawn uniformly over the table; median, least and "
		       "most of %u rounds of %u packets; generator and sink included\n",
		       hot ? hot_destinations : options->destinations, hot ? "hot " : "",
		       options->rounds, options->packets);
		printf("  %-30s %7s %7s %7s %8s %8s %11s %6s\n", "forwarding by", "ns/pkt", "min",
		       "max", "x kernel", "x lookup", "sent", "lost");
		for (unsigned int row = 0; row < n_rows; row++)
			print_row(outcome, row, kind);
	}
	putchar('\n');
	print_sync(outcome);
	if (outcome->cpu_share < 0.97)
		printf("  DISTURBED: a timed pass had only %.0f %% of its CPU; something else was "
		       "running\n",
		       outcome->cpu_share * 100);
	fflush(stdout);
}

static void json_numbers(FILE *file, const char *key, const double *values, unsigned int n)
{
	fprintf(file, "\"%s\":[", key);
	for (unsigned int i = 0; i < n; i++)
		fprintf(file, "%s%.6g", i ? "," : "", values[i]);
	fputc(']', file);
}

static void json_row(FILE *file, const struct outcome *outcome, unsigned int row,
		     enum traffic_kind kind)
{
	const struct cell *cell = &outcome->cells[row][kind];

	fprintf(file, "{\"row\":\"%s\",\"traffic\":\"%s\",\"measured\":%s", rows[row].key,
		kind == TRAFFIC_HOT ? "hot" : "uniform", cell->n ? "true" : "false");
	if (cell->n) {
		fprintf(file,
			",\"ns\":%.2f,\"min\":%.2f,\"max\":%.2f,\"vs_kernel\":%.3f,"
			"\"vs_fib_lookup\":%.3f,\"sent\":%llu,\"lost\":%llu,\"wrong_passes\":%u,",
			typical(cell), lowest(cell), highest(cell),
			ratio(outcome, ROW_KERNEL, kind, cell),
			ratio(outcome, ROW_FIB_LOOKUP, kind, cell), (unsigned long long)cell->sent,
			(unsigned long long)cell->lost, cell->wrong);
		json_numbers(file, "rounds", cell->ns, cell->n);
	}
	fputc('}', file);
}

static void json_outcome(FILE *file, const struct outcome *outcome)
{
	fprintf(file, "{\"routes\":%u,\"table\":\"%s\",\"cpu_share\":%.3f,", outcome->table->n,
		outcome->table->origin, outcome->cpu_share);
	json_numbers(file, "dump_seconds", outcome->dump_s, outcome->n_dump);
	for (unsigned int i = 0; i < ENGINES; i++) {
		char key[32];

		snprintf(key, sizeof(key), "sync_seconds_%s", engine_names[i]);
		fputc(',', file);
		json_numbers(file, key, outcome->sync_s[i], outcome->n_sync[i]);
	}
	fputs(",\"rows\":[", file);
	for (enum traffic_kind kind = 0; kind < TRAFFICS; kind++) {
		for (unsigned int row = 0; row < n_rows; row++) {
			if (kind || row)
				fputs(",\n", file);
			json_row(file, outcome, row, kind);
		}
	}
	fputs("]}", file);
}

void report_json(const struct options *options, const struct outcome *outcomes, unsigned int n,
		 const char *path)
{
	FILE *file = fopen(path, "w");
	struct utsname kernel;

	if (!file)
		die("%s: %s", path, strerror(errno));
	uname(&kernel);
	fprintf(file,
		"{\"kernel\":\"%s\",\"frame_bytes\":64,\"batch\":%u,\"next_hops\":%u,"
		"\"destinations\":%u,\"hot_destinations\":%u,\"packets\":%u,\"tables\":[\n",
		kernel.release, BATCH, GATEWAYS, options->destinations, hot_destinations,
		options->packets);
	for (unsigned int i = 0; i < n; i++) {
		fputs(i ? ",\n" : "", file);
		json_outcome(file, &outcomes[i]);
	}
	fputs("\n]}\n", file);
	if (fclose(file))
		die("%s: %s", path, strerror(errno));
}

int report_verdict(const struct outcome *outcomes, unsigned int n)
{
	int verdict = EXIT_CLEAN;

	for (unsigned int i = 0; i < n; i++) {
		for (unsigned int row = 0; row < n_rows; row++) {
			for (enum traffic_kind kind = 0; kind < TRAFFICS; kind++) {
				if (outcomes[i].cells[row][kind].wrong)
					return EXIT_BROKEN;
				if (outcomes[i].cells[row][kind].lost)
					verdict = EXIT_LOST;
			}
		}
	}
	return verdict;
}
