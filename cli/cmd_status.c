// SPDX-License-Identifier: GPL-2.0-only
/* `status`: the daemon as a whole, one property a line, and the interfaces it is attached to. */
#include <string.h>
#include "output.h"

/* "LABEL N" and, where some of them are, what else is to be said. */
static void add_count(struct text *t, const json_t *row, const char *key, const char *label)
{
	char buf[FORMAT_LEN];

	if (json_object_get(row, key))
		text_add(t, "%-13s %s\n", label, format_count(field_integer(row, key), buf));
}

static void add_routes(struct text *t, const json_t *row)
{
	json_int_t fallback = field_integer(row, "fallback_routes"),
		   full = field_integer(row, "full");
	char routes[FORMAT_LEN], buf[FORMAT_LEN];

	text_add(t, "%-13s %s", "routes", format_count(field_integer(row, "routes"), routes));
	if (fallback)
		text_add(t, ", of these left to the kernel: %s", format_count(fallback, buf));
	if (full)
		text_add(t, ", no room for %s", format_count(full, buf));
	text_add(t, "\n");
}

/* Also why there are none, where files of them could not be read. */
static void add_user_routes(struct text *t, const json_t *row)
{
	const char *error = field_string(row, "user_error");

	add_count(t, row, "user_routes", "user routes");
	if (*error)
		text_add(t, "%-13s NOT AS THE FILES SAY: %s\n", "", error);
	if (json_is_false(json_object_get(row, "kernel_routes")))
		text_add(t, "%-13s not mirrored, user routes alone decide\n", "kernel routes");
}

static void add_netlink(struct text *t, const json_t *netlink)
{
	static const char *const counts[] = { "events", "overruns", "resyncs", "refused" };
	char buf[FORMAT_LEN];

	if (!json_is_object(netlink))
		return;
	text_add(t, "%-13s ", "netlink");
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		text_add(t, "%s%s %s", i ? ", " : "", counts[i],
			 format_count(field_integer(netlink, counts[i]), buf));
	if (json_object_get(netlink, "lag_us"))
		text_add(t, ", lag %s", format_microseconds(field_integer(netlink, "lag_us"), buf));
	if (field_integer(netlink, "last_resync_us"))
		text_add(t, ", last resync took %s",
			 format_microseconds(field_integer(netlink, "last_resync_us"), buf));
	text_add(t, "\n");
}

/* What does not see forwarded packets, as one cell of the table. */
static void add_bypassed(struct table *table, const json_t *list)
{
	char names[256] = "";
	size_t len = 0;

	for (size_t i = 0; i < json_array_size(list) && len < sizeof(names); i++) {
		const char *name = json_string_value(json_array_get(list, i));

		if (name)
			len += snprintf(names + len, sizeof(names) - len, "%s%s",
					len ? ", " : "BYPASSED: ", name);
	}
	table_cell(table, "%s", names);
}

/* Ports that take no redirected frames, or are on trial after that. */
static void add_refusals(struct text *t, const json_t *list)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *row = json_array_get(list, i);
		const char *state = field_string(row, "state");
		char buf[FORMAT_LEN];

		if (strcmp(state, "over") == 0)
			continue;
		text_add(t, "%-13s %s: %s (%s; refused %s times)\n", "refused",
			 field_string(row, "ifname"),
			 strcmp(state, "out") == 0
				 ? "its driver takes no redirected frames, left to the kernel"
				 : "to be tried again with the next packets",
			 field_string(row, "error"),
			 format_count(field_integer(row, "refusals"), buf));
	}
}

/* Of the maps against what was written. */
static void add_audit(struct text *t, const json_t *audit)
{
	json_int_t failed = field_integer(audit, "failed");
	char buf[FORMAT_LEN];

	if (!json_is_object(audit))
		return;
	text_add(t, "%-13s runs %s", "audit", format_count(field_integer(audit, "runs"), buf));
	text_add(t, ", repairs %s", format_count(field_integer(audit, "repairs"), buf));
	if (failed)
		text_add(t, ", NOT repaired %s", format_count(failed, buf));
	if (field_integer(audit, "runs"))
		text_add(t, ", last took %s",
			 format_microseconds(field_integer(audit, "last_us"), buf));
	text_add(t, "\n");
}

static void add_interfaces(struct text *t, const json_t *list)
{
	struct table table = { .columns = "<<<<" };

	if (!json_array_size(list)) {
		text_add(t, "%-13s none\n", "interfaces");
		return;
	}
	text_add(t, "interfaces\n");
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *row = json_array_get(list, i);

		table_cell(&table, "%s", field_string(row, "ifname"));
		table_cell(&table, "%s", field_string(row, "hook"));
		table_cell(&table, "%s",
			   json_is_true(json_object_get(row, "attached")) ? "attached"
									  : "not attached");
		add_bypassed(&table, json_object_get(row, "bypassed"));
	}
	table_print(&table, t, "  ");
}

static void print_status(struct text *t, const json_t *row)
{
	const char *hold = field_string(row, "hold");
	char buf[FORMAT_LEN];

	text_add(t, "%-13s %s, version %s, up %s\n", "instance", field_string(row, "instance"),
		 field_string(row, "version"),
		 format_seconds(field_integer(row, "uptime_seconds"), buf));
	text_add(t, "%-13s %s\n", "state", field_string(row, "state"));
	if (*hold)
		text_add(t, "%-13s everything goes to the kernel: %s, %s\n", "hold", hold,
			 reason_meaning(hold));
	if (json_is_true(json_object_get(row, "ignore_netfilter")))
		text_add(
			t,
			"%-13s IGNORED (--ignore-netfilter): no rule and no IPsec policy sees what is forwarded\n",
			"firewall");
	text_add(t, "%-13s %s\n", "engine", field_string(row, "engine"));
	add_routes(t, row);
	add_user_routes(t, row);
	add_count(t, row, "neighbours", "neighbours");
	add_count(t, row, "nexthops", "next hops");
	add_count(t, row, "groups", "groups");
	add_netlink(t, json_object_get(row, "netlink"));
	add_audit(t, json_object_get(row, "audit"));
	text_add(t, "%-13s %" JSON_INTEGER_FORMAT " s\n", "lease",
		 field_integer(row, "lease_seconds"));
	add_refusals(t, json_object_get(row, "refusals"));
	add_interfaces(t, json_object_get(row, "interfaces"));
}

int cmd_status(const struct cli *cli, int argc, char **argv)
{
	if (argc)
		return bad_usage(cli, "status: superfluous argument '%s'", argv[0]);
	return output_object(cli, NULL, print_status);
}
