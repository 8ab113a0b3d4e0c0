// SPDX-License-Identifier: GPL-2.0-only
/*
 * What forwarding a packet costs: ebpf-routed against the kernel, against a program that asks the
 * kernel, and against doing no lookup, in one run on one CPU. Run it through scripts/bench.
 */
#include <getopt.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <bpf/libbpf.h>
#include "tests/bench/bench.h"

#define TABLE_LIMIT 8

static const struct option long_options[] = {
	{ "quick", no_argument, NULL, 'q' },
	{ "table", required_argument, NULL, 't' },
	{ "routes", required_argument, NULL, 'n' },
	{ "rounds", required_argument, NULL, 'r' },
	{ "packets", required_argument, NULL, 'p' },
	{ "destinations", required_argument, NULL, 'd' },
	{ "seed", required_argument, NULL, 's' },
	{ "cpu", required_argument, NULL, 'c' },
	{ "json", required_argument, NULL, 'j' },
	{ "bin", required_argument, NULL, 'b' },
	{ "name", required_argument, NULL, 'N' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

static const char usage[] =
	"usage: bench [OPTION]...\n"
	"  --quick           3 rounds of 2^17 packets, tables of 1,000 and 100,000 routes\n"
	"  --routes N        a generated table of N routes; repeat for more (1000, 900000)\n"
	"  --table FILE      the table in FILE, one prefix a line, plain or .gz; repeat for more\n"
	"  --rounds N        rounds (5)\n"
	"  --packets N       packets of a timed pass (2^20)\n"
	"  --destinations N  random destinations, besides the 4,000 hot ones (2^20)\n"
	"  --seed N          of the generated tables and the destinations (1)\n"
	"  --cpu N           where the packets go (the last CPU); the daemon runs elsewhere\n"
	"  --json FILE       the result as JSON too\n"
	"  --bin DIR         where ebpf-routed and ebpf-route are (build)\n"
	"  --name NAME       of the namespaces and of the daemon's instance (benchPID)\n"
	"exit: 0 clean, 1 usage, 2 failed, 3 packets were lost, 4 cannot run here\n";

struct wanted {
	struct options options;
	const char *files[TABLE_LIMIT];
	uint32_t sizes[TABLE_LIMIT];
	unsigned int n; /* of each pair one is set */
	const char *json;
};

static void usage_exit(const char *why, const char *value)
{
	fprintf(stderr, "bench: %s: %s\n%s", value, why, usage);
	exit(EXIT_BAD_USAGE);
}

static uint32_t number(const char *text, uint32_t least, uint32_t most)
{
	unsigned long value;
	char *end;

	errno = 0;
	value = strtoul(text, &end, 0);
	if (errno || *end || end == text || value < least || value > most)
		usage_exit("not a number in the range allowed", text);
	return (uint32_t)value;
}

static void add_table(struct wanted *wanted, const char *file, uint32_t size)
{
	if (wanted->n == TABLE_LIMIT)
		usage_exit("too many tables", file ? file : "--routes");
	wanted->files[wanted->n] = file;
	wanted->sizes[wanted->n++] = size;
}

static void parse_option(struct wanted *wanted, int option, const char *value, bool *quick)
{
	struct options *options = &wanted->options;

	if (option == 'q')
		*quick = true;
	else if (option == 't')
		add_table(wanted, value, 0);
	else if (option == 'n')
		add_table(wanted, NULL, number(value, 100, 4000000));
	else if (option == 'r')
		options->rounds = number(value, 1, ROUND_LIMIT);
	else if (option == 'p')
		options->packets = number(value, 16 * BATCH, 1u << 30);
	else if (option == 'd')
		options->destinations = number(value, 1, 1u << 20);
	else if (option == 's')
		options->seed = number(value, 0, UINT32_MAX);
	else if (option == 'c')
		options->cpu = (int)number(value, 0, CPU_SETSIZE - 1);
	else if (option == 'j')
		wanted->json = value;
	else if (option == 'b')
		options->bin = value;
	else if (option == 'N')
		options->name = value;
	else if (option == 'h')
		exit(printf("%s", usage) < 0);
	else
		usage_exit("not understood", "option");
}

static void parse(struct wanted *wanted, int argc, char **argv)
{
	struct options *options = &wanted->options;
	bool quick = false;
	int option;

	options->bin = "build";
	options->seed = 1;
	options->cpu = -1;
	options->destinations = 1 << 20;
	opterr = 0;
	while ((option = getopt_long(argc, argv, "h", long_options, NULL)) >= 0)
		parse_option(wanted, option, optarg, &quick);
	if (optind < argc)
		usage_exit("not an option", argv[optind]);
	options->rounds = options->rounds ? options->rounds : quick ? 3 : 5;
	options->packets = options->packets ? options->packets : quick ? 1 << 17 : 1 << 20;
	if (!wanted->n) {
		add_table(wanted, NULL, 1000);
		add_table(wanted, NULL, quick ? 100000 : 900000);
	}
}

/* The packets' softirqs run where they were raised: this is the one CPU that forwards. */
static void pin(struct options *options)
{
	cpu_set_t cpus;

	if (sched_getaffinity(0, sizeof(cpus), &cpus) < 0)
		die("CPU affinity: %s", strerror(errno));
	for (int cpu = 0; cpu < CPU_SETSIZE && options->cpu < 0; cpu++)
		if (CPU_ISSET(CPU_SETSIZE - 1 - cpu, &cpus))
			options->cpu = CPU_SETSIZE - 1 - cpu;
	CPU_ZERO(&cpus);
	CPU_SET(options->cpu, &cpus);
	if (sched_setaffinity(0, sizeof(cpus), &cpus) < 0)
		die("CPU %d: %s", options->cpu, strerror(errno));
}

static int print_warnings(enum libbpf_print_level level, const char *format, va_list args)
{
	return level == LIBBPF_WARN ? vfprintf(stderr, format, args) : 0;
}

int main(int argc, char **argv)
{
	static struct outcome outcomes[TABLE_LIMIT];
	static struct table tables[TABLE_LIMIT];
	static struct wanted wanted;
	static char name[32];

	parse(&wanted, argc, argv);
	if (geteuid() != 0) {
		fputs("bench: needs root for network namespaces and BPF, skipped\n", stderr);
		return EXIT_SKIPPED;
	}
	snprintf(name, sizeof(name), "bench%d", (int)getpid());
	if (!wanted.options.name)
		wanted.options.name = name;
	libbpf_set_print(print_warnings);
	interrupt_setup();
	atexit(measure_cleanup);
	pin(&wanted.options);
	for (unsigned int i = 0; i < wanted.n; i++) {
		if (wanted.files[i])
			table_read(&tables[i], wanted.files[i]);
		else
			table_generate(&tables[i], wanted.sizes[i], wanted.options.seed);
		measure_table(&wanted.options, &tables[i], &outcomes[i]);
		report_text(&wanted.options, &outcomes[i]);
	}
	if (wanted.json)
		report_json(&wanted.options, outcomes, wanted.n, wanted.json);
	for (unsigned int i = 0; i < wanted.n; i++)
		table_free(&tables[i]);
	return report_verdict(outcomes, wanted.n);
}
