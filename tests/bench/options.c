// SPDX-License-Identifier: GPL-2.0-only
/* The command line, and which scenes it asks for. */
#include <getopt.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "tests/bench/bench.h"

static const struct option long_options[] = {
	{ "quick", no_argument, NULL, 'q' },
	{ "table", required_argument, NULL, 't' },
	{ "routes", required_argument, NULL, 'n' },
	{ "rows", required_argument, NULL, 'R' },
	{ "traffic", required_argument, NULL, 'T' },
	{ "size", required_argument, NULL, 'S' },
	{ "end-to-end", no_argument, NULL, 'e' },
	{ "alone", no_argument, NULL, 'a' },
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
	"What forwarding a packet costs: ebpf-routed against the kernel and against bpf_fib_lookup, on\n"
	"one CPU, between network namespaces of its own. docs/BENCHMARKS.md says how to read it.\n"
	"\n"
	"usage: scripts/bench [OPTION]...\n"
	"  --quick           about a minute: 3 rounds of 2^18 packets, 1,000 and 100,000 routes, 64 bytes,\n"
	"                    traffic hot, uniform and uniform-on\n"
	"  --table FILE      the full table: one prefix a line, plain or .gz (else 900,000 are generated)\n"
	"  --routes LIST     generated tables of these sizes (1000,10000,100000), or none\n"
	"  --rows LIST       kernel fib_direct fib_full dir24 lpm bare floor (all)\n"
	"  --traffic LIST    single hot mid uniform neighbours hot-on uniform-on (all): one destination,\n"
	"                    4,000, 65,536 and 2^20 of them drawn uniformly over the routes, 4,000\n"
	"                    neighbours; -on: sources drawn, too, rp_filter loose, next-hop counters\n"
	"  --size LIST       64 1500 (64 everywhere; 1500 with the last table, end to end, single and\n"
	"                    uniform; what is given here is measured everywhere)\n"
	"  --end-to-end      only through the devices: generator - veth - router - veth - sink\n"
	"  --alone           only the programs alone (BPF_PROG_TEST_RUN, 64 bytes)\n"
	"  --rounds N        rounds, each over all rows (5)\n"
	"  --packets N       packets of a timed pass (2^20); a quarter as many come before\n"
	"  --destinations N  of uniform traffic (2^20)\n"
	"  --seed N          of the generated tables and the destinations (1)\n"
	"  --cpu N           where the packets go (the last CPU); the daemon runs elsewhere\n"
	"  --json FILE       the result as JSON too\n"
	"  --plot DIR        pictures: DIR/bench.svg and DIR/bench-sync.svg; installs gnuplot\n"
	"  --fill FILE       puts the result between the marks in FILE (docs/BENCHMARKS.md)\n"
	"  --bin DIR         where ebpf-routed and ebpf-route are (build)\n"
	"  --name NAME       of the namespaces and of the daemon's instance (benchPID)\n"
	"Lists are separated by commas. Without options it takes about 15 minutes.\n"
	"exit: 0 clean, 1 usage, 2 failed or a row did not forward as named, 3 packets were lost,\n"
	"      4 cannot run here\n";

static void refuse(const char *option, const char *value, const char *why)
	__attribute__((noreturn));
static void refuse(const char *option, const char *value, const char *why)
{
	fprintf(stderr, "bench: %s%s%s: %s, see --help\n", option, *value ? " " : "", value, why);
	exit(EXIT_BAD_USAGE);
}

static uint32_t number(const char *option, const char *text, uint32_t least, uint32_t most)
{
	unsigned long value = 0;
	char *end = NULL, why[64];

	errno = 0;
	if (*text >= '0' && *text <= '9')
		value = strtoul(text, &end, 10);
	if (!end || errno || *end || value < least || value > most) {
		snprintf(why, sizeof(why), "expected a number from %u to %u", least, most);
		refuse(option, text, why);
	}
	return (uint32_t)value;
}

/* Calls `take` with each word of a list; where it returns false the word is refused. */
static void each_word(const char *option, const char *list, void *data,
		      bool (*take)(void *data, const char *word))
{
	char *copy = strdup(list), *rest = copy, *word;
	bool any = false;

	if (!copy)
		die("options: out of memory");
	while ((word = strsep(&rest, ", "))) {
		if (!*word)
			continue;
		if (!take(data, word))
			refuse(option, word, "not known");
		any = true;
	}
	free(copy);
	if (!any)
		refuse(option, list, "an empty list");
}

static bool take_row(void *data, const char *word)
{
	for (enum row_id row = 0; row < ROWS; row++) {
		if (!strcmp(word, rows[row].key)) {
			*(uint32_t *)data |= 1u << row;
			return true;
		}
	}
	return false;
}

static bool take_traffic(void *data, const char *word)
{
	for (enum traffic_kind kind = 0; kind < TRAFFICS; kind++) {
		if (!strcmp(word, traffic_names[kind])) {
			*(uint32_t *)data |= 1u << kind;
			return true;
		}
	}
	return false;
}

static bool take_size(void *data, const char *word)
{
	for (enum size size = 0; size < SIZES; size++) {
		if (strtoul(word, NULL, 10) == size_names[size]) {
			*(uint32_t *)data |= 1u << size;
			return true;
		}
	}
	return false;
}

static void add_table(struct options *options, const char *file, uint32_t routes)
{
	if (options->n_tables == TABLE_LIMIT)
		refuse(file ? "--table" : "--routes", file ? file : "", "too many tables");
	options->files[options->n_tables] = file;
	options->routes[options->n_tables++] = routes;
}

static bool take_routes(void *data, const char *word)
{
	if (strcmp(word, "none") != 0)
		add_table(data, NULL, number("--routes", word, 100, 4000000));
	return true;
}

struct command_line {
	struct options *options;
	const char *table, *routes;
	bool quick;
};

static void take_option(struct command_line *line, int letter, const char *value)
{
	struct options *options = line->options;

	if (letter == 'q')
		line->quick = true;
	else if (letter == 't')
		line->table = value;
	else if (letter == 'n')
		line->routes = value;
	else if (letter == 'R')
		each_word("--rows", value, &options->rows, take_row);
	else if (letter == 'T')
		each_word("--traffic", value, &options->kinds, take_traffic);
	else if (letter == 'S')
		each_word("--size", value, &options->sizes, take_size);
	else if (letter == 'e')
		options->methods |= 1u << METHOD_END_TO_END;
	else if (letter == 'a')
		options->methods |= 1u << METHOD_ALONE;
	else if (letter == 'r')
		options->rounds = number("--rounds", value, 1, ROUND_LIMIT);
	else if (letter == 'p')
		options->packets = number("--packets", value, 4096, 1u << 30);
	else if (letter == 'd')
		options->destinations = number("--destinations", value, 1, 1u << 22);
	else if (letter == 's')
		options->seed = number("--seed", value, 0, UINT32_MAX);
	else if (letter == 'c')
		options->cpu = (int)number("--cpu", value, 0, CPU_SETSIZE - 1);
	else if (letter == 'j')
		options->json = value;
	else if (letter == 'b')
		options->bin = value;
	else
		options->name = value;
}

/* Generated tables first, the full one last. */
static void choose_tables(struct command_line *line)
{
	const char *routes = line->routes;

	if (!routes)
		routes = line->quick ? "1000,100000" : "1000,10000,100000";
	each_word("--routes", routes, line->options, take_routes);
	if (line->table)
		add_table(line->options, line->table, 0);
	else if (!line->routes && !line->quick)
		add_table(line->options, NULL, 900000);
	if (!line->options->n_tables)
		refuse("--routes", "none", "then a --table is needed");
}

static void choose_rest(struct options *options, bool quick)
{
	const uint32_t harness = 1u << ROW_GENERATOR | 1u << ROW_BASE;
	const uint32_t quick_kinds = 1u << TRAFFIC_HOT | 1u << TRAFFIC_UNIFORM |
				     1u << TRAFFIC_UNIFORM_ON;
	static char name[32];

	options->rounds = options->rounds ? options->rounds : quick ? 3 : 5;
	options->packets = options->packets ? options->packets : quick ? 1 << 18 : 1 << 20;
	options->asked = options->rows ? options->rows : ((1u << ROWS) - 1) & ~harness;
	options->rows = options->asked | harness;
	options->large_for_all = options->sizes;
	if (!options->sizes)
		options->sizes = 1u << SIZE_SMALL | (quick ? 0 : 1u << SIZE_LARGE);
	if (!options->kinds)
		options->kinds = quick ? quick_kinds : (1u << TRAFFICS) - 1;
	if (!options->methods)
		options->methods = 1u << METHOD_END_TO_END | 1u << METHOD_ALONE;
	if (options->cpu < 0)
		options->cpu = cpu_last();
	snprintf(name, sizeof(name), "bench%d", (int)getpid());
	if (!options->name)
		options->name = name;
}

void options_parse(struct options *options, int argc, char **argv)
{
	struct command_line line = { .options = options };
	int letter;

	*options = (struct options){
		.bin = "build",
		.destinations = 1 << 20,
		.seed = 1,
		.cpu = -1,
	};
	opterr = 0;
	while ((letter = getopt_long(argc, argv, ":h", long_options, NULL)) >= 0) {
		if (letter == 'h') {
			fputs(usage, stdout);
			exit(EXIT_CLEAN);
		}
		if (letter == '?' || letter == ':')
			refuse(argv[optind - 1], "", letter == ':' ? "needs a value" : "not known");
		take_option(&line, letter, optarg);
	}
	if (optind < argc)
		refuse(argv[optind], "", "not expected");
	choose_tables(&line);
	choose_rest(options, line.quick);
}

static bool scene_is_wanted(const struct options *options, bool last_table, struct scene scene)
{
	bool asked = false;

	if (!(options->methods & 1u << scene.method) || !(options->sizes & 1u << scene.size) ||
	    !(options->kinds & 1u << scene.kind))
		return false;
	for (enum row_id row = 0; row < ROWS; row++)
		asked |= options->asked & 1u << row && row_takes_part(row, scene);
	if (!asked)
		return false;
	if (scene.size == SIZE_SMALL)
		return true;
	if (scene.method == METHOD_ALONE)
		return false;
	return options->large_for_all ||
	       (last_table && (scene.kind == TRAFFIC_SINGLE || scene.kind == TRAFFIC_UNIFORM));
}

unsigned int options_scenes(const struct options *options, bool last_table,
			    struct scene scenes[SCENE_LIMIT])
{
	unsigned int n = 0;

	for (enum method method = 0; method < METHODS; method++) {
		for (enum size size = 0; size < SIZES; size++) {
			for (enum traffic_kind kind = 0; kind < TRAFFICS; kind++) {
				struct scene scene = { method, size, kind };

				if (scene_is_wanted(options, last_table, scene))
					scenes[n++] = scene;
			}
		}
	}
	return n;
}
