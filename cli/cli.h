/* SPDX-License-Identifier: GPL-2.0-only */
/* What main.c and the commands share: the options of the call, the table of commands, complaints.
 */
#ifndef EBPF_ROUTE_CLI_H
#define EBPF_ROUTE_CLI_H

#include <stdbool.h>

struct command;

/* The call: options that hold for every command. */
struct cli {
	bool json, pretty;
	const char *instance;
	const struct command *command;
};

/*
 * One row of the table in main.c. run() gets the words after the command, checks all of them before
 * it connects, prints its own errors and returns the exit code.
 */
struct command {
	const char *name;
	int (*run)(const struct cli *cli, int argc, char **argv);
	const char *arguments;
	const char *description;
};

/* "ebpf-route: ..." as one line on stderr; control characters are replaced. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Complains about the arguments of cli->command, adds its usage, returns EXIT_USAGE. */
int bad_usage(const struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The end of a program that cannot go on: complains and exits. */
void out_of_memory(void) __attribute__((noreturn));

/* Is the word "show" or "list", or an abbreviation of one, which commands that list skip? */
bool word_is_show(const char *word);

/* A plain decimal number within the limits; false for anything else, *ret is untouched then. */
bool parse_seconds(const char *word, double low, double high, double *ret);

int cmd_status(const struct cli *cli, int argc, char **argv);
int cmd_stats(const struct cli *cli, int argc, char **argv);
int cmd_route(const struct cli *cli, int argc, char **argv);
int cmd_neigh(const struct cli *cli, int argc, char **argv);
int cmd_nexthop(const struct cli *cli, int argc, char **argv);
int cmd_link(const struct cli *cli, int argc, char **argv);
int cmd_get(const struct cli *cli, int argc, char **argv);
int cmd_verify(const struct cli *cli, int argc, char **argv);
int cmd_settle(const struct cli *cli, int argc, char **argv);
int cmd_change(const struct cli *cli, int argc, char **argv); /* add, replace, del */
int cmd_batch(const struct cli *cli, int argc, char **argv);
int cmd_flush(const struct cli *cli, int argc, char **argv);
int cmd_save(const struct cli *cli, int argc, char **argv);

#endif
