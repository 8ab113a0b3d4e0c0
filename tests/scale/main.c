// SPDX-License-Identifier: GPL-2.0-only
/* Measures the control plane: one command each, for scripts/bench-control and tests/netns. */
#include <stdio.h>
#include <string.h>
#include "tests/scale/scale.h"

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *usage;
} commands[] = {
	{ "prefixes", command_prefixes,
	  "FILE N\n"
	  "      so many prefixes of a table, spread over all of it" },
	{ "replay", command_replay,
	  "(--table FILE | --recording FILE) [--routes N] [--events N] [--batch N] [--seed N] [--json]\n"
	  "      route messages through decoder, mirror, fib and engine: events a second" },
	{ "record", command_record,
	  "FILE\n"
	  "      the routes of this network namespace, then what is announced of them, until SIGTERM" },
	{ "compare", command_compare,
	  "FILE\n"
	  "      are made messages those that the kernel sends? exit code 3: no" },
	{ "dump", command_dump,
	  "\n"
	  "      a raw dump of the routes, walked and forgotten: seconds" },
	{ "react", command_react,
	  "PID MILLISECONDS COMMAND..\n"
	  "      from the first notification of what the command changes to the maps of that daemon" },
	{ "last", command_last,
	  "N\n"
	  "      listens until so many routes were announced: when the first one was, and the last" },
	{ "feed", command_feed,
	  "TABLE UPDATES SEED\n"
	  "      a long history in a short time, in the kernel of this network namespace; 0: only the table" },
	{ "traffic", command_traffic,
	  "TABLE RATE MOST SOURCE SINK..\n"
	  "      numbered packets to the table's addresses, until SIGTERM: does each arrive once?\n"
	  "      SOURCE: NAMESPACE,IFNAME,MAC of the router there; SINK: NAMESPACE,IFNAME" },
};

static int usage(FILE *out, int code)
{
	fputs("usage:\n", out);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		fprintf(out, "  scale %s %s\n", commands[i].name, commands[i].usage);
	return code;
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "--help") == 0)
		return usage(stdout, 0);
	for (size_t i = 0; argc > 1 && i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(commands[i].name, argv[1]) == 0)
			return commands[i].run(argc - 1, argv + 1);
	return usage(stderr, 1);
}
