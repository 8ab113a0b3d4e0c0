// SPDX-License-Identifier: GPL-2.0-only
/* From the rounds to figures: medians, ratios, verdict, and where all this was measured. */
#include <stdio.h>
#include <time.h>
#include <unistd.h>
#include <sys/utsname.h>
#include "tests/bench/bench.h"

#define NET_LEAST 1.0 /* ns; less than this is noise, not a divisor */

const enum row_id references[] = { ROW_KERNEL, ROW_FIB_DIRECT, ROW_FIB_FULL, ROWS };

static double typical(const struct cell *cell)
{
	return median(cell->ns, cell->n);
}

struct figures figures_of(const struct outcome *outcome, enum row_id row, unsigned int scene)
{
	const struct cell *cell = &outcome->cells[row][scene];
	enum row_id harness_row = scene_harness(outcome->scenes[scene]);
	double harness = typical(&outcome->cells[harness_row][scene]);
	struct figures figures = { .ns = typical(cell) };

	for (unsigned int i = 0; i < cell->n; i++) {
		if (!i || cell->ns[i] < figures.least)
			figures.least = cell->ns[i];
		if (cell->ns[i] > figures.most)
			figures.most = cell->ns[i];
	}
	if (!cell->n || row == harness_row)
		return figures;
	figures.net = harness > 0 && figures.ns > harness ? figures.ns - harness : 0;
	for (const enum row_id *reference = references; *reference != ROWS; reference++) {
		double ns = typical(&outcome->cells[*reference][scene]);

		figures.times[*reference] = ns / figures.ns;
		if (ns > harness && figures.net >= NET_LEAST)
			figures.net_times[*reference] = (ns - harness) / figures.net;
	}
	return figures;
}

void figures_machine(struct machine *ret)
{
	FILE *file = fopen("/proc/cpuinfo", "re");
	struct utsname kernel;
	time_t now = time(NULL);
	char line[256], *value;

	snprintf(ret->cpu, sizeof(ret->cpu), "unknown CPU");
	while (file && fgets(line, sizeof(line), file)) {
		value = strstr(line, ": ");
		if (strncmp(line, "model name", 10) || !value)
			continue;
		value[strcspn(value, "\n\"\\")] = '\0';
		snprintf(ret->cpu, sizeof(ret->cpu), "%.100s", value + 2);
		break;
	}
	if (file)
		fclose(file);
	uname(&kernel);
	snprintf(ret->kernel, sizeof(ret->kernel), "%s %s", kernel.sysname, kernel.release);
	ret->cpus = sysconf(_SC_NPROCESSORS_ONLN);
	strftime(ret->date, sizeof(ret->date), "%Y-%m-%d", gmtime(&now));
}

int figures_verdict(const struct outcome *outcomes, unsigned int n)
{
	int verdict = EXIT_CLEAN;

	for (unsigned int i = 0; i < n; i++) {
		for (enum row_id row = 0; row < ROWS; row++) {
			for (unsigned int scene = 0; scene < outcomes[i].n_scenes; scene++) {
				if (outcomes[i].cells[row][scene].broken)
					return EXIT_BROKEN;
				if (outcomes[i].cells[row][scene].lost)
					verdict = EXIT_LOST;
			}
		}
	}
	return verdict;
}
