// SPDX-License-Identifier: GPL-2.0-only
/* `route`, `neigh`, `nexthop`, `link`: the daemon's tables, in the words of ip and with the
 * verdict. */
#include <errno.h>
#include <net/if.h>
#include <string.h>
#include "../include/addr.h"
#include "output.h"

/* ---- route --------------------------------------------------------------------------- */

/* One line each, as ip prints them under a multipath route. */
static void add_legs(struct text *t, const json_t *legs)
{
	for (size_t i = 0; i < json_array_size(legs); i++) {
		const json_t *leg = json_array_get(legs, i);

		text_add(t, "\tnexthop");
		text_gateway(t, leg);
		text_field(t, leg, "dev", "dev");
		text_field(t, leg, "lladdr", "lladdr");
		text_field(t, leg, "weight", "weight");
		text_words(t, leg, "flags", ' ');
		text_add(t, "\n");
	}
}

/* What a user route does, in the words that set it. */
static void add_action(struct text *t, const json_t *row)
{
	const char *action = field_string(row, "action");

	if (strcmp(action, "drop") == 0 || strcmp(action, "pass") == 0)
		text_add(t, " %s", action);
	text_gateway(t, row);
	text_field(t, row, "cpus", "cpu");
	text_field(t, row, "dev", strcmp(action, "redirect") == 0 ? "redirect" : "dev");
	text_field(t, row, "lladdr", "lladdr");
	text_words(t, row, "flags", ' ');
}

/* In quotes, as a batch or a file would have it. */
static void add_comment(struct text *t, const char *comment)
{
	text_add(t, " comment \"");
	for (; *comment; comment++)
		text_add(t, *comment == '"' || *comment == '\\' ? "\\%c" : "%c", *comment);
	text_add(t, "\"");
}

static void print_user_route(struct text *t, const json_t *row)
{
	const char *comment = field_string(row, "comment");

	text_field(t, row, "dst", "");
	add_action(t, row);
	text_field(t, row, "protocol", "proto");
	if (json_is_true(json_object_get(row, "override")))
		text_add(t, " override");
	if (*comment)
		add_comment(t, comment);
	text_field(t, row, "packets", "packets");
	text_field(t, row, "bytes", "bytes");
	text_field(t, row, "counters", "counters");
	text_fastpath(t, row);
	text_add(t, "\n");
	add_legs(t, json_object_get(row, "nexthops"));
}

static void print_route(struct text *t, const json_t *row)
{
	if (strcmp(field_string(row, "protocol"), "user") == 0) {
		print_user_route(t, row);
		return;
	}
	text_field(t, row, "type", "");
	text_field(t, row, "dst", "");
	text_field(t, row, "tos", "tos");
	text_field(t, row, "nhid", "nhid");
	text_gateway(t, row);
	text_field(t, row, "dev", "dev");
	if (strcmp(field_string(row, "table"), "main") != 0)
		text_field(t, row, "table", "table");
	text_field(t, row, "protocol", "proto");
	if (strcmp(field_string(row, "scope"), "global") != 0)
		text_field(t, row, "scope", "scope");
	text_field(t, row, "metric", "metric");
	text_words(t, row, "flags", ' ');
	text_field(t, row, "mtu", "mtu");
	text_fastpath(t, row);
	text_add(t, "\n");
	add_legs(t, json_object_get(row, "nexthops"));
}

static json_t *route_args(bool only_user, const char *prefix)
{
	json_t *args = json_object();

	if (!args || (only_user && json_object_set_new(args, "protocol", json_string("user"))) ||
	    (prefix && json_object_set_new(args, "prefix", json_string(prefix))))
		out_of_memory();
	return args;
}

int cmd_route(const struct cli *cli, int argc, char **argv)
{
	char text[PREFIX_STRLEN];
	bool only_user = false;
	struct prefix prefix;
	int err;

	if (argc && word_is_show(argv[0])) {
		argc--;
		argv++;
	}
	if (argc && (strcmp(argv[0], "proto") == 0 || strcmp(argv[0], "protocol") == 0)) {
		if (argc < 2 || strcmp(argv[1], "user") != 0)
			return bad_usage(cli, "route: of protocols only 'user' can be selected");
		only_user = true;
		argc -= 2;
		argv += 2;
	}
	if (argc > 1)
		return bad_usage(cli, "route: superfluous argument '%s'", argv[1]);
	if (!argc)
		return output_list(cli, route_args(only_user, NULL), print_route);
	err = prefix_parse(argv[0], &prefix);
	if (err == -ERANGE)
		return bad_usage(cli, "route: '%s' has bits set beyond its length", argv[0]);
	if (err)
		return bad_usage(cli, "route: '%s' is not an IPv4 prefix", argv[0]);
	return output_list(cli, route_args(only_user, prefix_format(prefix, text)), print_route);
}

/* ---- neigh --------------------------------------------------------------------------- */

static void print_neighbour(struct text *t, const json_t *row)
{
	text_field(t, row, "dst", "");
	text_field(t, row, "dev", "dev");
	text_field(t, row, "lladdr", "lladdr");
	text_words(t, row, "state", ' ');
	text_fastpath(t, row);
	text_add(t, "\n");
}

int cmd_neigh(const struct cli *cli, int argc, char **argv)
{
	json_t *args = NULL;

	if (argc && word_is_show(argv[0])) {
		argc--;
		argv++;
	}
	if (argc && strcmp(argv[0], "dev") == 0) {
		if (argc < 2)
			return bad_usage(cli, "neigh: 'dev' needs a value");
		if (!*argv[1] || strlen(argv[1]) >= IFNAMSIZ)
			return bad_usage(cli, "neigh: '%s' is not an interface name", argv[1]);
		if (argc > 2)
			return bad_usage(cli, "neigh: superfluous argument '%s'", argv[2]);
		args = json_pack("{ss}", "dev", argv[1]);
		if (!args)
			return bad_usage(cli, "neigh: '%s' is not valid UTF-8", argv[1]);
	} else if (argc) {
		return bad_usage(cli, "neigh: superfluous argument '%s'", argv[0]);
	}
	return output_list(cli, args, print_neighbour);
}

/* ---- nexthop ------------------------------------------------------------------------- */

/* " group 1,2/2": members by kernel id and, where it is not 1, their weight, as ip writes them. */
static void add_group(struct text *t, const json_t *group)
{
	for (size_t i = 0; i < json_array_size(group); i++) {
		const json_t *member = json_array_get(group, i);
		json_int_t weight = field_integer(member, "weight");

		text_add(t, "%s%" JSON_INTEGER_FORMAT, i ? "/" : " group ",
			 field_integer(member, "id"));
		if (weight > 1)
			text_add(t, ",%" JSON_INTEGER_FORMAT, weight);
	}
}

static void print_nexthop(struct text *t, const json_t *row)
{
	const json_t *used = json_object_get(row, "used_seconds_ago");
	char buf[FORMAT_LEN];

	text_field(t, row, "id", "id");
	text_field(t, row, "slot", "slot");
	text_field(t, row, "action", "user");
	text_gateway(t, row);
	text_field(t, row, "dev", "dev");
	add_group(t, json_object_get(row, "group"));
	text_field(t, row, "mtu", "mtu");
	text_field(t, row, "routes", "routes");
	text_field(t, row, "packets", "packets");
	text_field(t, row, "bytes", "bytes");
	if (json_is_number(used))
		text_add(t, " used %s ago",
			 format_seconds(field_integer(row, "used_seconds_ago"), buf));
	else
		text_add(t, " used never");
	text_fastpath(t, row);
	text_add(t, "\n");
	add_legs(t, json_object_get(row, "nexthops"));
}

int cmd_nexthop(const struct cli *cli, int argc, char **argv)
{
	int skip = argc && word_is_show(argv[0]);

	if (argc > skip)
		return bad_usage(cli, "nexthop: superfluous argument '%s'", argv[skip]);
	return output_list(cli, NULL, print_nexthop);
}

/* ---- link ---------------------------------------------------------------------------- */

static void cell_word(struct table *t, const json_t *row, const char *key)
{
	char buf[FORMAT_LEN];
	const char *word = value_word(json_object_get(row, key), buf);

	table_cell(t, "%s", word && *word ? word : "-");
}

/* In a direction with no reason against it packets are forwarded. */
static void cell_direction(struct table *t, const json_t *fastpath, const char *key)
{
	const json_t *reason = json_object_get(fastpath, key);

	table_cell(t, "%s",
		   json_is_string(reason) ? json_string_value(reason)
		   : reason		  ? "forward"
					  : "-");
}

static void print_link(struct table *t, const json_t *row)
{
	const json_t *fastpath = json_object_get(row, "fastpath");
	struct text xmit = { 0 };

	cell_word(t, row, "ifindex");
	cell_word(t, row, "ifname");
	cell_word(t, row, "operstate");
	cell_word(t, row, "mtu");
	cell_word(t, row, "address");
	cell_word(t, row, "port");
	cell_word(t, row, "hook");
	cell_word(t, row, "forwarding");
	cell_word(t, row, "rp_filter");
	text_words(&xmit, row, "xmit", ',');
	table_cell(t, "%s", xmit.len ? xmit.data : "-");
	cell_direction(t, fastpath, "ingress");
	cell_direction(t, fastpath, "egress");
	text_free(&xmit);
}

int cmd_link(const struct cli *cli, int argc, char **argv)
{
	static const char *const headings[] = {
		"ifindex", "ifname",	 "state",     "mtu",  "address", "port",
		"hook",	   "forwarding", "rp_filter", "xmit", "ingress", "egress",
	};
	int skip = argc && word_is_show(argv[0]);

	if (argc > skip)
		return bad_usage(cli, "link: superfluous argument '%s'", argv[skip]);
	return output_table(cli, "><<><><<<<<<", headings, print_link);
}
