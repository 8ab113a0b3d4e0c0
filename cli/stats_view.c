// SPDX-License-Identifier: GPL-2.0-only
/* One picture of `stats`: a table with a section per interface and one for all of them. */
#include "stats_view.h"

#include <string.h>

struct tally {
	uint64_t packets, bytes;
	bool has_packets, has_bytes; /* false: the daemon does not know */
};

/* What a section is made of: two samples of one interface, and what a share is a share of. */
struct section {
	struct table *table;
	const json_t *now, *before;
	double seconds; /* 0: counters, not rates */
	uint64_t rx;
};

static struct tally tally_of(const json_t *object)
{
	const json_t *packets = json_object_get(object, "packets");
	const json_t *bytes = json_object_get(object, "bytes");

	return (struct tally){
		.packets = json_integer_value(packets),
		.bytes = json_integer_value(bytes),
		.has_packets = json_is_integer(packets),
		.has_bytes = json_is_integer(bytes),
	};
}

/* A counter, or what it grew by. One that was not there before, a reason say, began at 0. */
static struct tally tally_get(const struct section *s, const json_t *now, const json_t *before)
{
	struct tally t = tally_of(now), was = tally_of(before);

	if (s->seconds > 0) {
		t.packets -= was.packets < t.packets ? was.packets : t.packets;
		t.bytes -= was.bytes < t.bytes ? was.bytes : t.bytes;
	}
	return t;
}

static const json_t *find_interface(const json_t *sample, const char *ifname)
{
	const json_t *list = json_object_get(sample, "interfaces");

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *row = json_array_get(list, i);

		if (strcmp(field_string(row, "ifname"), ifname) == 0)
			return row;
	}
	return NULL;
}

/* ---- cells --------------------------------------------------------------------------- */

static void cell_amount(const struct section *s, bool known, uint64_t amount, unsigned int factor)
{
	char buf[FORMAT_LEN];

	if (!known)
		table_cell(s->table, "-");
	else if (s->seconds > 0)
		table_cell(s->table, "%s", format_rate((double)amount * factor / s->seconds, buf));
	else
		table_cell(s->table, "%s", format_count(amount, buf));
}

static void add_line(const struct section *s, const char *indent, const char *label, struct tally t,
		     bool share)
{
	table_cell(s->table, "%s%s", indent, label);
	cell_amount(s, t.has_packets, t.packets, 1);
	cell_amount(s, t.has_bytes, t.bytes, s->seconds > 0 ? 8 : 1);
	if (share && s->rx)
		table_cell(s->table, "%.1f%%", 100.0 * (double)t.packets / (double)s->rx);
	else
		table_cell(s->table, "%s", share ? "-" : "");
}

static void add_reasons(const struct section *s, const json_t *now, const json_t *before)
{
	const char *reason;
	json_t *value;

	json_object_foreach((json_t *)now, reason, value) {
		struct tally t = tally_get(s, value, json_object_get(before, reason));

		if (!t.packets)
			continue;
		add_line(s, "    ", reason, t, true);
		table_cell(s->table, "%s", reason_meaning(reason));
		table_end_row(s->table);
	}
}

static void add_section(struct section *s)
{
	static const struct {
		const char *key, *label;
		bool share; /* of the packets received */
	} lines[] = {
		{ "rx", "rx", false },
		{ "forwarded", "forwarded", true },
		{ "dropped", "dropped", true },
		{ "fallback", "fallback", true },
		{ "tx", "tx", false },
		{ "tx_errors", "tx errors", false },
		{ "cpu_errors", "cpu errors", false },
	};

	s->rx = tally_get(s, json_object_get(s->now, "rx"), json_object_get(s->before, "rx"))
			.packets;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		const json_t *now = json_object_get(s->now, lines[i].key);
		const json_t *before = json_object_get(s->before, lines[i].key);

		/* Of the total alone, and worth a line only where there are some. */
		if (strcmp(lines[i].key, "cpu_errors") == 0 && !tally_of(now).packets)
			continue;
		add_line(s, "  ", lines[i].label, tally_get(s, now, before), lines[i].share);
		table_end_row(s->table);
		if (json_object_get(now, "reasons"))
			add_reasons(s, json_object_get(now, "reasons"),
				    json_object_get(before, "reasons"));
	}
}

/* ---- the picture --------------------------------------------------------------------- */

static void add_interface(struct section *s, const json_t *before)
{
	const char *ifname = field_string(s->now, "ifname"), *hook = field_string(s->now, "hook");

	/* An interface that has just appeared has no rates yet. */
	s->before = find_interface(before, ifname);
	if (!s->before)
		s->before = s->now;
	table_cell(s->table, "%s%s%s%s", ifname, *hook ? " (" : "", hook, *hook ? ")" : "");
	table_end_row(s->table);
	add_section(s);
}

void stats_view(struct text *t, const json_t *now, const json_t *before, double seconds)
{
	struct table table = { .columns = "<>>><" };
	struct section s = { .table = &table, .seconds = before ? seconds : 0 };
	const json_t *list = json_object_get(now, "interfaces");

	table_cell(&table, "%s", "");
	table_cell(&table, "%s", before ? "packets/s" : "packets");
	table_cell(&table, "%s", before ? "bit/s" : "bytes");
	table_cell(&table, "share");
	table_end_row(&table);
	for (size_t i = 0; i < json_array_size(list); i++) {
		s.now = json_array_get(list, i);
		add_interface(&s, before);
	}
	table_cell(&table, "total");
	table_end_row(&table);
	s.now = json_object_get(now, "total");
	s.before = json_object_get(before, "total");
	add_section(&s);
	table_print(&table, t, "");
}

static bool went_backwards(const json_t *now, const json_t *before)
{
	static const char *const keys[] = { "rx",	"forwarded", "dropped",
					    "fallback", "tx",	     "tx_errors" };

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		struct tally is = tally_of(json_object_get(now, keys[i]));
		struct tally was = tally_of(json_object_get(before, keys[i]));

		if (is.packets < was.packets)
			return true;
	}
	return false;
}

bool stats_restarted(const json_t *now, const json_t *before)
{
	const json_t *list = json_object_get(now, "interfaces");

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *row = json_array_get(list, i);
		const json_t *was = find_interface(before, field_string(row, "ifname"));

		if (was && went_backwards(row, was))
			return true;
	}
	return went_backwards(json_object_get(now, "total"), json_object_get(before, "total"));
}
