// SPDX-License-Identifier: GPL-2.0-only
/*
 * What forwarding a packet costs: ebpf-routed against the kernel, against a program that asks the
 * kernel, and against doing no lookup, in one run on one CPU. Run it through scripts/bench.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <bpf/libbpf.h>
#include "tests/bench/bench.h"

static int print_warnings(enum libbpf_print_level level, const char *format, va_list args)
{
	return level == LIBBPF_WARN ? vfprintf(stderr, format, args) : 0;
}

static void make_table(const struct options *options, unsigned int i, struct table *ret)
{
	if (options->files[i])
		table_read(ret, options->files[i]);
	else
		table_generate(ret, options->routes[i], options->seed);
}

int main(int argc, char **argv)
{
	static struct outcome outcomes[TABLE_LIMIT];
	static struct table tables[TABLE_LIMIT];
	struct options options;
	int verdict;

	options_parse(&options, argc, argv);
	if (geteuid() != 0) {
		fputs("bench: needs root for network namespaces and BPF, skipped\n", stderr);
		return EXIT_SKIPPED;
	}
	libbpf_set_print(print_warnings);
	interrupt_setup();
	atexit(measure_cleanup);
	if (!cpu_claim(options.cpu))
		progress("another benchmark uses CPU %d: the figures of both are worth nothing",
			 options.cpu);
	cpu_leave(options.cpu);
	/* A file that cannot be read is noticed before the first table has been measured. */
	for (unsigned int i = 0; i < options.n_tables; i++)
		make_table(&options, i, &tables[i]);
	for (unsigned int i = 0; i < options.n_tables; i++) {
		measure_table(&options, &tables[i], i + 1 == options.n_tables, &outcomes[i]);
		report_text(&options, &outcomes[i]);
	}
	if (options.json)
		report_json(&options, outcomes, options.n_tables);
	for (unsigned int i = 0; i < options.n_tables; i++)
		table_free(&tables[i]);
	verdict = figures_verdict(outcomes, options.n_tables);
	if (verdict == EXIT_BROKEN)
		progress("a row did not forward as named: see BROKEN above");
	else if (verdict == EXIT_LOST)
		progress("packets were lost: see LOST above");
	return verdict;
}
