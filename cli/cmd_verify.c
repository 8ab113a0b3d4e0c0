// SPDX-License-Identifier: GPL-2.0-only
/* `verify`: the daemon's audit of its maps against the kernel, each difference a line. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include "../include/control.h"
#include "output.h"

#define SAMPLES_MAX 1000000

/* "repaired: port 2 (r2)" */
static void print_repaired(struct text *t, const json_t *row)
{
	const char *error = field_string(row, "error");

	if (*error)
		text_add(t, "NOT repaired: %s: %s\n", field_string(row, "object"), error);
	else
		text_add(t, "repaired: %s\n", field_string(row, "object"));
}

static void print_summary(struct text *t, const json_t *row)
{
	json_int_t differences = field_integer(row, "differences");
	json_int_t full = field_integer(row, "full"), in_flight = field_integer(row, "in_flight");

	if (differences)
		text_add(t, "different: %s%" JSON_INTEGER_FORMAT " difference%s",
			 json_is_true(json_object_get(row, "more")) ? "more than " : "",
			 differences, differences == 1 ? "" : "s");
	else
		text_add(t, "equal");
	text_add(t,
		 ": %" JSON_INTEGER_FORMAT " prefixes, %" JSON_INTEGER_FORMAT
		 " neighbours, %" JSON_INTEGER_FORMAT " ports, %" JSON_INTEGER_FORMAT
		 " own addresses, %" JSON_INTEGER_FORMAT " addresses and %" JSON_INTEGER_FORMAT
		 " packets asked of the kernel in %.2f s\n",
		 field_integer(row, "prefixes"), field_integer(row, "neighbours"),
		 field_integer(row, "ports"), field_integer(row, "own_addresses"),
		 field_integer(row, "queries"), field_integer(row, "packets"),
		 json_number_value(json_object_get(row, "seconds")));
	if (full)
		text_add(
			t,
			"%" JSON_INTEGER_FORMAT
			" ranges of addresses are left to the kernel for want of room (table_full)\n",
			full);
	if (in_flight)
		text_add(t, "%" JSON_INTEGER_FORMAT " differences were on their way, and went\n",
			 in_flight);
}

/* What it is about: a destination, a source, a device, a field. */
static void print_subject(struct text *t, const json_t *row)
{
	const char *kind = field_string(row, "kind");

	if (strcmp(kind, "packet") == 0) {
		text_add(t, "packet to %s from %s iif %s", field_string(row, "dst"),
			 field_string(row, "src"), field_string(row, "dev"));
		return;
	}
	if (strcmp(kind, "route") != 0 && strcmp(kind, "query") != 0)
		text_add(t, "%s", kind);
	text_field(t, row, "dst", "");
	text_field(t, row, "src", "");
	text_field(t, row, "field", "");
	text_field(t, row, "port", "number");
	text_field(t, row, "dev", strcmp(kind, "port") == 0 ? "" : "dev");
}

static void print_verify(struct text *t, const json_t *row)
{
	const char *kind = field_string(row, "kind"), *prefix = field_string(row, "prefix");

	if (strcmp(kind, "summary") == 0) {
		print_summary(t, row);
		return;
	}
	if (json_object_get(row, "more")) {
		text_add(t, "%s: %" JSON_INTEGER_FORMAT " more\n", kind,
			 field_integer(row, "more"));
		return;
	}
	if (strcmp(kind, "repaired") == 0) {
		print_repaired(t, row);
		return;
	}
	print_subject(t, row);
	text_add(t, ": kernel: %s%s%s; fast path: %s (cause: %s)\n", prefix, *prefix ? " " : "",
		 field_string(row, "kernel"), field_string(row, "fastpath"),
		 field_string(row, "cause"));
}

/* ---- words ----------------------------------------------------------------------------- */

static int take_samples(const struct cli *cli, const char *value, json_t *args)
{
	char *end;
	long n;

	if (!value)
		return bad_usage(cli, "verify: '--samples' needs a value");
	n = strtol(value, &end, 10);
	if (!*value || strspn(value, "0123456789") != strlen(value) || *end || n > SAMPLES_MAX)
		return bad_usage(cli, "verify: '%s' is not a number up to %d", value, SAMPLES_MAX);
	json_object_set_new(args, "samples", json_integer(n));
	return EXIT_DONE;
}

static int take_words(const struct cli *cli, int argc, char **argv, json_t *args)
{
	json_t *addresses = NULL;
	struct in_addr in;
	int code = EXIT_DONE;

	for (int i = 0; i < argc && !code; i++) {
		if (strncmp(argv[i], "--samples=", 10) == 0)
			code = take_samples(cli, argv[i] + 10, args);
		else if (strcmp(argv[i], "--samples") == 0)
			code = take_samples(cli, ++i < argc ? argv[i] : NULL, args);
		else if (strcmp(argv[i], "--repair") == 0)
			json_object_set_new(args, "repair", json_true());
		else if (inet_pton(AF_INET, argv[i], &in) != 1)
			code = bad_usage(cli, "verify: '%s' is not an IPv4 address", argv[i]);
		else if (addresses || (addresses = json_array()))
			json_array_append_new(addresses, json_string(argv[i]));
	}
	if (addresses)
		json_object_set_new(args, "addresses", addresses);
	return code;
}

static bool ignore_row(void *ctx, const struct client_row *row)
{
	(void)ctx;
	(void)row;
	return true;
}

/* What the kernel has announced by now shall not count as a difference. */
static int settle_first(const struct cli *cli)
{
	struct client_request rq = { .instance = cli->instance,
				     .command = "settle",
				     .patience = CLIENT_PATIENCE,
				     .row = ignore_row };
	int code = client_run(&rq);

	if (rq.error[0])
		complain("%s", rq.error);
	return code == EXIT_DIFFERENT ? EXIT_DONE : code; /* it never rests: verify copes */
}

int cmd_verify(const struct cli *cli, int argc, char **argv)
{
	json_t *args = json_object();
	int code;

	if (!args)
		out_of_memory();
	code = take_words(cli, argc, argv, args);
	if (!code)
		code = settle_first(cli);
	if (code) {
		json_decref(args);
		return code;
	}
	return output_list(cli, args, print_verify);
}
