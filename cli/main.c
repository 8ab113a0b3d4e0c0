// SPDX-License-Identifier: GPL-2.0-only
/* ebpf-route: the options of the call and the table of commands, from which usage is printed. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include "../include/control.h"
#include "output.h"

#define ACTION                                                                                     \
	"PREFIX drop | pass | via GATEWAY [dev DEV] [lladdr MAC] [onlink] | "                      \
	"nexthop via .. [weight N].. | dev DEV | redirect DEV | cpu N[-M] "                        \
	"[override] [comment TEXT]"

static const struct command commands[] = {
	{ "status", cmd_status, "", "the daemon: state, engine, routes, netlink, interfaces" },
	{ "stats", cmd_stats, "[-w [SECONDS]]",
	  "packets by interface and reason; -w: rates, repeatedly" },
	{ "route", cmd_route, "[show] [proto user] [PREFIX]",
	  "routes, mirrored and of the user, with what the fast path does" },
	{ "neigh", cmd_neigh, "[show] [dev DEV]", "neighbours, with what the fast path does" },
	{ "nexthop", cmd_nexthop, "[show]", "next hops, with their routes and traffic" },
	{ "link", cmd_link, "[show]", "interfaces, and what holds them off the fast path" },
	{ "get", cmd_get,
	  "ADDR [from SRC] [iif DEV] [tos TOS] [ipproto PROTO] [sport PORT] [dport PORT] "
	  "[ttl N] [size BYTES] [mac MAC] | frame HEX iif DEV",
	  "what would be done with that packet or frame, and why" },
	{ "verify", cmd_verify, "[--samples N] [--repair] [ADDR...]",
	  "compare the maps with the kernel, print each difference" },
	{ "settle", cmd_settle, "[--timeout SECONDS]", "wait until the maps equal the kernel" },
	{ "add", cmd_change, ACTION, "a user route, which goes before the kernel's" },
	{ "replace", cmd_change, ACTION, "the same, or in place of the user route that is there" },
	{ "del", cmd_change, "PREFIX [ACTION]", "take that user route away" },
	{ "flush", cmd_flush, "all | [PREFIX [longer]] [action ACTION] [dev DEV] [comment GLOB]",
	  "take all these user routes away" },
	{ "batch", cmd_batch, "FILE", "add, replace and del, a line each: all of them or none" },
	{ "save", cmd_save, "[--force] [FILE]", "user routes into routes.d, for the next start" },
};

enum {
	N_COMMANDS = sizeof(commands) / sizeof(commands[0]),
	COLUMN = 30, /* where descriptions begin */
};

static void print_command(FILE *out, const struct command *command)
{
	char words[512];
	int len = snprintf(words, sizeof(words), "%s %s", command->name, command->arguments);

	if (len <= COLUMN)
		fprintf(out, "  %-*s %s\n", COLUMN, words, command->description);
	else
		fprintf(out, "  %s\n  %-*s %s\n", words, COLUMN, "", command->description);
}

static void print_usage(FILE *out)
{
	fprintf(out, "Usage: ebpf-route [OPTIONS] COMMAND [ARGUMENTS]\n\n"
		     "Commands, which may be abbreviated as long as they stay unique:\n");
	for (size_t i = 0; i < N_COMMANDS; i++)
		print_command(out, &commands[i]);
	fprintf(out,
		"\nOptions, before or after the command:\n"
		"  -j, --json                     the daemon's rows as JSON\n"
		"  -p, --pretty                   with -j: indented\n"
		"      --instance NAME            another daemon than '" DEFAULT_INSTANCE "'\n"
		"  -b, --batch FILE               the same as: batch FILE; - is standard input\n"
		"  -h, --help                     this text, or a command's usage\n"
		"  -V, --version\n\n"
		"Exit codes: 0 done, 1 usage, 2 failure, 3 verify found differences,\n"
		"settle timed out.\n");
}

static int print_version(void)
{
	printf("ebpf-route %s\n", VERSION);
	return output_finish(EXIT_DONE);
}

/* ---- options ------------------------------------------------------------------------- */

struct call {
	struct cli cli;
	bool help, version;
};

static bool instance_is_valid(const char *name)
{
	size_t len = strlen(name);

	return len && len <= INSTANCE_NAME_MAX &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") ==
		       len;
}

static bool take_letters(struct call *call, const char *letters)
{
	if (!*letters || strspn(letters, "jphV") != strlen(letters))
		return false;
	call->cli.json |= strchr(letters, 'j') != NULL;
	call->cli.pretty |= strchr(letters, 'p') != NULL;
	call->help |= strchr(letters, 'h') != NULL;
	call->version |= strchr(letters, 'V') != NULL;
	return true;
}

static bool take_flag(struct call *call, const char *word)
{
	const struct {
		const char *name;
		bool *flag;
	} flags[] = {
		{ "--json", &call->cli.json },
		{ "--pretty", &call->cli.pretty },
		{ "--help", &call->help },
		{ "--version", &call->version },
	};

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		if (strcmp(word, flags[i].name) != 0)
			continue;
		*flags[i].flag = true;
		return true;
	}
	return word[0] == '-' && take_letters(call, word + 1);
}

/* Takes an option of the call, and its value. The number of words taken, or -1 after a complaint.
 */
static int take_option(struct call *call, char **words)
{
	const char *value = NULL;
	int taken = 1;

	if (take_flag(call, words[0]))
		return 1;
	if (strncmp(words[0], "--instance=", 11) == 0) {
		value = words[0] + 11;
	} else if (strcmp(words[0], "--instance") == 0) {
		value = words[1];
		taken = 2;
	} else {
		return 0;
	}
	if (!value || !instance_is_valid(value)) {
		complain("--instance: '%s' is not a name of at most %d letters, digits, - and _, "
			 "'ebpf-route -h' tells the usage",
			 value ? value : "", INSTANCE_NAME_MAX);
		return -1;
	}
	call->cli.instance = value;
	return taken;
}

/* ---- commands ------------------------------------------------------------------------ */

/* The command of that name, or the only one that begins so; NULL after a complaint. */
static const struct command *find_command(const char *word)
{
	const struct command *found = NULL, *second = NULL;

	for (size_t i = 0; i < N_COMMANDS; i++) {
		if (strcmp(commands[i].name, word) == 0)
			return &commands[i];
		if (!*word || strncmp(commands[i].name, word, strlen(word)) != 0)
			continue;
		second = found;
		found = &commands[i];
		if (second)
			break;
	}
	if (second)
		complain("'%s' is ambiguous: '%s' or '%s', 'ebpf-route -h' lists the commands",
			 word, second->name, found->name);
	else if (!found)
		complain("'%s' is not a command, 'ebpf-route -h' lists them", word);
	return second ? NULL : found;
}

static int run_command(struct call *call, int argc, char **argv)
{
	const struct command *command = find_command(argv[0]);
	int rest = 0;

	if (!command)
		return EXIT_USAGE;
	call->cli.command = command;
	for (int i = 1; i < argc;) {
		int taken = take_option(call, &argv[i]);

		if (taken < 0)
			return EXIT_USAGE;
		if (!taken)
			argv[rest++] = argv[i++];
		i += taken;
	}
	if (call->version)
		return print_version();
	if (call->help) {
		printf("Usage: ebpf-route [OPTIONS] COMMAND [ARGUMENTS]\n");
		print_command(stdout, command);
		return output_finish(EXIT_DONE);
	}
	return command->run(&call->cli, rest, argv);
}

/* -b FILE is a command in the shape of an option. */
static bool is_batch(const char *word)
{
	return strcmp(word, "-b") == 0 || strcmp(word, "-batch") == 0 ||
	       strcmp(word, "--batch") == 0;
}

int main(int argc, char **argv)
{
	static char batch[] = "batch";
	struct call call = { .cli.instance = DEFAULT_INSTANCE };
	int i = 1;

	signal(SIGPIPE, SIG_IGN); /* output_finish() sees to it */
	while (i < argc) {
		int taken = take_option(&call, &argv[i]);

		if (taken < 0)
			return EXIT_USAGE;
		if (!taken)
			break;
		i += taken;
	}
	if (call.version)
		return print_version();
	if (i < argc && is_batch(argv[i]))
		argv[i] = batch;
	if (i < argc && argv[i][0] == '-') {
		complain("'%s' is not an option, 'ebpf-route -h' lists them", argv[i]);
		return EXIT_USAGE;
	}
	if (i < argc)
		return run_command(&call, argc - i, &argv[i]);
	print_usage(call.help ? stdout : stderr);
	return call.help ? output_finish(EXIT_DONE) : EXIT_USAGE;
}
