// SPDX-License-Identifier: GPL-2.0-only
/* `get`: what the fast path would do with one packet, and why. */
#include <arpa/inet.h>
#include <net/if.h>
#include <string.h>
#include "../include/control.h"
#include "output.h"

static void add_detail(struct text *t, const json_t *row, const char *key, const char *label)
{
	char buf[FORMAT_LEN];
	const char *word = value_word(json_object_get(row, key), buf);

	if (word)
		text_add(t, "  %-8s %s\n", label, word);
}

static void print_get(struct text *t, const json_t *row)
{
	const char *reason = field_string(row, "reason"), *meaning = reason_meaning(reason);
	const json_t *via = json_object_get(row, "via");

	text_field(t, row, "dst", "");
	text_field(t, row, "from", "from");
	text_field(t, row, "iif", "iif");
	text_add(t, ": %s", field_string(row, "verdict"));
	if (*reason)
		text_add(t, " (%s)", reason);
	text_add(t, "%s%s\n", *meaning ? ": " : "", meaning);
	add_detail(t, row, "prefix", "route");
	add_detail(t, row, "gateway", "gateway");
	add_detail(t, via, "host", "gateway");
	add_detail(t, row, "dev", "dev");
	add_detail(t, row, "lladdr", "lladdr");
	add_detail(t, row, "mtu", "mtu");
	if (json_is_true(json_object_get(row, "multipath")))
		text_add(t, "  %-8s one leg of several, other flows may take another\n",
			 "multipath");
	add_detail(t, row, "engine_leaf", "leaf");
}

static bool is_address(const char *word)
{
	struct in_addr in;

	return inet_pton(AF_INET, word, &in) == 1;
}

/* Puts the words into args; EXIT_USAGE after a complaint. */
static int take_words(const struct cli *cli, int argc, char **argv, json_t *args)
{
	if (!argc)
		return bad_usage(cli, "get: no address given");
	if (!is_address(argv[0]))
		return bad_usage(cli, "get: '%s' is not an IPv4 address", argv[0]);
	json_object_set_new(args, "dst", json_string(argv[0]));
	for (int i = 1; i < argc; i += 2) {
		bool from = strcmp(argv[i], "from") == 0;
		const char *value = i + 1 < argc ? argv[i + 1] : NULL;

		if (!from && strcmp(argv[i], "iif") != 0)
			return bad_usage(cli, "get: superfluous argument '%s'", argv[i]);
		if (!value)
			return bad_usage(cli, "get: '%s' needs a value", argv[i]);
		if (json_object_get(args, argv[i]))
			return bad_usage(cli, "get: '%s' is given twice", argv[i]);
		if (from && !is_address(value))
			return bad_usage(cli, "get: '%s' is not an IPv4 address", value);
		if (!from && (!*value || strlen(value) >= IFNAMSIZ))
			return bad_usage(cli, "get: '%s' is not an interface name", value);
		if (json_object_set_new(args, argv[i], json_string(value)))
			return bad_usage(cli, "get: '%s' is not valid UTF-8", value);
	}
	return EXIT_DONE;
}

int cmd_get(const struct cli *cli, int argc, char **argv)
{
	json_t *args = json_object();
	int code;

	if (!args)
		out_of_memory();
	code = take_words(cli, argc, argv, args);
	if (code) {
		json_decref(args);
		return code;
	}
	return output_object(cli, args, print_get);
}
