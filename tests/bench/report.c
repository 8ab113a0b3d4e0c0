// SPDX-License-Identifier: GPL-2.0-only
/* The result as tables for people. */
#include <stdio.h>
#include <string.h>
#include "tests/bench/bench.h"

static void print_times(double times)
{
	if (times > 0)
		printf(" %6.2fx", times);
	else
		printf(" %7s", "-");
}

static void print_row(const struct outcome *outcome, enum row_id row, unsigned int scene)
{
	const struct cell *cell = &outcome->cells[row][scene];
	struct figures figures = figures_of(outcome, row, scene);

	if (outcome->skipped[row][0]) {
		printf("  %-28s not measured: %s\n", rows[row].title, outcome->skipped[row]);
		return;
	}
	printf("  %-28s", rows[row].title);
	if (cell->n)
		printf(" %7.1f %7.1f %7.1f", figures.ns, figures.least, figures.most);
	else
		printf(" %7s %7s %7s", "-", "-", "-");
	if (figures.net > 0)
		printf(" %7.1f", figures.net);
	else
		printf(" %7s", "-");
	for (const enum row_id *reference = references; *reference != ROWS; reference++) {
		print_times(figures.times[*reference]);
		print_times(figures.net_times[*reference]);
	}
	if (cell->lost)
		printf("  LOST %llu of %llu", (unsigned long long)cell->lost,
		       (unsigned long long)cell->sent);
	if (cell->broken)
		printf("  BROKEN: not forwarded as named, see above");
	putchar('\n');
}

static void print_traffic(const struct options *options, struct scene scene)
{
	static const char *const texts[TRAFFICS] = {
		[TRAFFIC_SINGLE] = "one destination",
		[TRAFFIC_HOT] = "4,000 destinations",
		[TRAFFIC_MID] = "65,536 destinations",
		[TRAFFIC_NEIGHBOURS] = "4,000 directly connected neighbours",
		[TRAFFIC_HOT_ON] = "4,000 pairs of source and destination, everything on",
	};

	printf("\n  %s, %u bytes, %s: ", method_names[scene.method], size_names[scene.size],
	       traffic_names[scene.kind]);
	if (scene.kind == TRAFFIC_UNIFORM)
		printf("%u destinations", options->destinations);
	else if (scene.kind == TRAFFIC_UNIFORM_ON)
		printf("%u pairs of source and destination, everything on", options->destinations);
	else
		fputs(texts[scene.kind], stdout);
	putchar('\n');
}

static void print_scene(const struct options *options, const struct outcome *outcome,
			unsigned int scene)
{
	print_traffic(options, outcome->scenes[scene]);
	printf("  %-28s %7s %7s %7s %7s %7s %7s %7s %7s %7s %7s\n", "forwarding by", "ns/pkt",
	       "min", "max", "net", "kernel", "net", "direct", "net", "full", "net");
	for (enum row_id row = 0; row < ROWS; row++)
		if (options->rows & 1u << row && row_takes_part(row, outcome->scenes[scene]))
			print_row(outcome, row, scene);
}

static void print_sync(const struct outcome *outcome)
{
	printf("\n  start to ready, table already in the kernel:");
	for (unsigned int i = 0; i < ENGINES; i++)
		if (outcome->n_sync[i])
			printf(" %.3f s with %s,", median(outcome->sync_s[i], outcome->n_sync[i]),
			       engine_names[i]);
	printf(" raw netlink dump of it %.3f s\n", median(outcome->dump_s, outcome->n_dump));
}

void report_text(const struct options *options, const struct outcome *outcome)
{
	struct machine machine;

	figures_machine(&machine);
	printf("\n%u routes (%s) by %u next hops; %s, %s, %ld CPUs; packets on one CPU\n",
	       outcome->table->n, outcome->table->origin, GATEWAYS, machine.kernel, machine.cpu,
	       machine.cpus);
	printf("median, least and most of %u rounds of %u packets; net: less the harness's own row; "
	       "\"kernel\", \"direct\", \"full\": times faster than that row, as measured and net\n",
	       options->rounds, options->packets);
	for (unsigned int scene = 0; scene < outcome->n_scenes; scene++)
		print_scene(options, outcome, scene);
	print_sync(outcome);
	if (outcome->disturbed)
		printf("  DISTURBED: %u of %u timed passes had less than %.0f %% of their CPU, one "
		       "of them %.0f %%; something else was running\n",
		       outcome->disturbed, outcome->timed, CPU_SHARE_WANTED * 100,
		       outcome->cpu_share * 100);
	fflush(stdout);
}
