// SPDX-License-Identifier: GPL-2.0-only
/*
 * `add`, `replace`, `del`, `batch`, `flush`, `save`: changes of user routes.
 *
 * The words go to the daemon as they are: it has the only parser, for the command line, for batches and for
 * files.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../include/addr.h"
#include "../include/control.h"
#include "output.h"

/* {"words":[..]} of the command line, with `first` before them where it is given; NULL after a complaint. */
static json_t *words_of(const struct cli *cli, const char *first, int argc, char **argv)
{
	json_t *words = json_array();

	if (first)
		json_array_append_new(words, json_string(first));
	for (int i = 0; i < argc; i++) {
		if (json_array_append_new(words, json_string(argv[i])) == 0)
			continue;
		json_decref(words);
		bad_usage(cli, "%s: '%s' is not valid UTF-8", cli->command->name, argv[i]);
		return NULL;
	}
	return json_pack("{so}", "words", words);
}

/* What to do about the reason for which everything is left to the kernel. */
static const char *remedy(const char *hold)
{
	static const struct {
		const char *hold, *text;
	} rows[] = {
		{ "netfilter",
		  "remove its rules for forwarded packets, or start ebpf-routed with --ignore-netfilter" },
		{ "xfrm", "remove the policies, or start ebpf-routed with --ignore-netfilter" },
		{ "policy_rule", "'ip rule' shows which" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcmp(rows[i].hold, hold) == 0)
			return rows[i].text;
	return "'ebpf-route status' tells when that is over";
}

/* Routes that were accepted, but are of no effect now. */
static void say_held(const json_t *row)
{
	const char *hold = field_string(row, "hold");
	json_int_t held = field_integer(row, "held");

	if (*hold)
		complain("accepted, but %" JSON_INTEGER_FORMAT
			 " %s not in force while everything is "
			 "left to the kernel (%s: %s): %s",
			 held, held == 1 ? "route is" : "routes are", hold, reason_meaning(hold),
			 remedy(hold));
}

/* ip says nothing either where all went well. */
static void print_change(struct text *t, const json_t *row)
{
	(void)t;
	say_held(row);
}

int cmd_change(const struct cli *cli, int argc, char **argv)
{
	json_t *args;

	if (!argc)
		return bad_usage(cli, "%s: no prefix", cli->command->name);
	args = words_of(cli, cli->command->name, argc, argv);
	return args ? output_request(cli, "user", args, print_change) : EXIT_USAGE;
}

static void print_counts(struct text *t, const json_t *row)
{
	static const char *const counts[] = { "added", "replaced", "deleted", "unchanged" };
	bool any = false;

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		json_int_t n = field_integer(row, counts[i]);

		if (n)
			text_add(t, "%s%" JSON_INTEGER_FORMAT " %s", any ? ", " : "", n, counts[i]);
		any |= n != 0;
	}
	text_add(t, "%s\n", any ? "" : "nothing to change");
	say_held(row);
}

int cmd_flush(const struct cli *cli, int argc, char **argv)
{
	json_t *args;

	if (!argc)
		return bad_usage(cli, "flush: no selector, 'all' is all user routes");
	args = words_of(cli, NULL, argc, argv);
	return args ? output_object(cli, args, print_counts) : EXIT_USAGE;
}

/* ---- batch --------------------------------------------------------------------------- */

/* The whole file as a string, which fits into a request; NULL after a complaint. */
static char *read_file(FILE *file, const char *name)
{
	char *text = malloc(CONTROL_REQUEST_MAX);
	size_t size;

	if (!text)
		out_of_memory();
	size = fread(text, 1, CONTROL_REQUEST_MAX, file);
	if (ferror(file))
		complain("%s: cannot be read: %s, nothing is changed", name, strerror(errno));
	else if (size == CONTROL_REQUEST_MAX)
		complain("%s: longer than %d MiB, nothing is changed", name,
			 CONTROL_REQUEST_MAX >> 20);
	else if (memchr(text, '\0', size))
		complain("%s: contains a 0 byte, nothing is changed", name);
	else {
		text[size] = '\0';
		return text;
	}
	free(text);
	return NULL;
}

static char *read_batch(const char *name)
{
	FILE *file = strcmp(name, "-") == 0 ? stdin : fopen(name, "re");
	char *text;

	if (!file) {
		complain("%s: cannot be opened: %s, nothing is changed", name, strerror(errno));
		return NULL;
	}
	text = read_file(file, name);
	if (file != stdin)
		fclose(file);
	return text;
}

int cmd_batch(const struct cli *cli, int argc, char **argv)
{
	json_t *args;
	char *text;

	if (!argc)
		return bad_usage(cli, "batch: no file");
	if (argc > 1)
		return bad_usage(cli, "batch: superfluous argument '%s'", argv[1]);
	text = read_batch(argv[0]);
	if (!text)
		return EXIT_FAILED;
	args = json_pack("{ssss}", "text", text, "name",
			 strcmp(argv[0], "-") == 0 ? "standard input" : argv[0]);
	free(text);
	if (!args) {
		complain("%s: not valid UTF-8, nothing is changed", argv[0]);
		return EXIT_FAILED;
	}
	return output_object(cli, args, print_counts);
}

/* ---- save ---------------------------------------------------------------------------- */

static void print_saved(struct text *t, const json_t *row)
{
	json_int_t differs = field_integer(row, "differs");

	text_add(t, "%s: %" JSON_INTEGER_FORMAT " user routes\n", field_string(row, "file"),
		 field_integer(row, "routes"));
	if (differs)
		complain("%" JSON_INTEGER_FORMAT " user routes, %s among them: another file says "
			 "something else, which is in force after the next start",
			 differs, field_string(row, "first"));
}

int cmd_save(const struct cli *cli, int argc, char **argv)
{
	const char *name = NULL;
	bool force = false;
	json_t *args;

	for (int i = 0; i < argc; i++) {
		if (strcmp(argv[i], "--force") == 0)
			force = true;
		else if (name || argv[i][0] == '-')
			return bad_usage(cli, "save: superfluous argument '%s'", argv[i]);
		else
			name = argv[i];
	}
	args = json_object();
	if (!args || (force && json_object_set_new(args, "force", json_true())))
		out_of_memory();
	if (name && json_object_set_new(args, "file", json_string(name))) {
		json_decref(args);
		return bad_usage(cli, "save: '%s' is not valid UTF-8", name);
	}
	return output_object(cli, args, print_saved);
}
