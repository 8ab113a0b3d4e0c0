// SPDX-License-Identifier: GPL-2.0-only
/* Reads routing tables. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tests/scale/scale.h"

static bool usable(struct prefix prefix)
{
	const struct prefix labs = { .addr = 0xc6120000, .len = 15 };
	uint32_t first = prefix.addr >> 24;

	return prefix.len && first != 0 && first != 127 && first < 224 &&
	       !prefix_covers(labs, prefix) && !prefix_covers(prefix, labs);
}

static FILE *open_table(const char *path, bool *ret_pipe)
{
	size_t len = strlen(path);
	char command[512];

	*ret_pipe = len > 3 && strcmp(path + len - 3, ".gz") == 0;
	if (!*ret_pipe)
		return fopen(path, "r");
	if (strchr(path, '\''))
		die("%s: a quote in a file name", path);
	snprintf(command, sizeof(command), "exec gzip -dc '%s'", path);
	return popen(command, "r");
}

static void add(struct prefixes *table, uint32_t *room, struct prefix prefix)
{
	if (table->n == *room) {
		*room = *room ? *room * 2 : 1 << 16;
		table->list = realloc(table->list, *room * sizeof(prefix));
		if (!table->list)
			die("table: out of memory");
	}
	table->list[table->n++] = prefix;
}

static void thin_out(struct prefixes *table, uint32_t most)
{
	uint32_t n = table->n;

	if (n <= most)
		return;
	for (uint32_t i = 0; i < most; i++)
		table->list[i] = table->list[(uint64_t)i * n / most];
	table->n = most;
}

void prefixes_read(struct prefixes *table, const char *path, uint32_t most)
{
	uint32_t room = 0, number = 0;
	struct prefix prefix;
	char line[128];
	bool pipe;
	FILE *file = open_table(path, &pipe);

	memset(table, 0, sizeof(*table));
	if (!file)
		die("%s: %s", path, strerror(errno));
	while (fgets(line, sizeof(line), file)) {
		number++;
		line[strcspn(line, " \t\r\n")] = '\0';
		if (!line[0] || line[0] == '#')
			continue;
		if (prefix_parse(line, &prefix) < 0)
			die("%s:%u: %s: not a prefix", path, number, line);
		if (usable(prefix))
			add(table, &room, prefix);
	}
	if ((pipe ? pclose(file) : fclose(file)) != 0 || !table->n)
		die("%s: cannot be read, or holds no prefix", path);
	thin_out(table, most);
}

void prefixes_free(struct prefixes *table)
{
	free(table->list);
	memset(table, 0, sizeof(*table));
}

/* prefixes FILE N: what the other commands take of it, one a line. */
int command_prefixes(int argc, char **argv)
{
	struct prefixes table;
	char text[PREFIX_STRLEN];

	if (argc != 3)
		die("prefixes: FILE N is expected");
	prefixes_read(&table, argv[1], parse_number(argv[2], 1, UINT32_MAX));
	for (uint32_t i = 0; i < table.n; i++)
		puts(prefix_format(table.list[i], text));
	prefixes_free(&table);
	return 0;
}
