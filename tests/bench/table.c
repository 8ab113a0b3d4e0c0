// SPDX-License-Identifier: GPL-2.0-only
/*
 * Routing tables: read from a file, or generated with the prefix lengths of the Internet's.
 *
 * A generated table nests as the real one does: about half of its prefixes lie below a shorter one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tests/bench/bench.h"

/* Prefixes by length in the IPv4 table of the default-free zone, January 2024. */
static const uint32_t dfz_lengths[33] = {
	[8] = 16,     [9] = 13,	     [10] = 38,	   [11] = 103,	 [12] = 299,
	[13] = 581,   [14] = 1203,   [15] = 2100,  [16] = 13490, [17] = 8235,
	[18] = 13798, [19] = 24870,  [20] = 42611, [21] = 50750, [22] = 108623,
	[23] = 96510, [24] = 537698, [25] = 11,	   [26] = 11,	 [27] = 11,
	[28] = 11,    [29] = 11,     [30] = 10,	   [31] = 10,	 [32] = 886,
};
#define DFZ_TOTAL 901899

struct set {
	uint64_t *slots; /* prefix + 1, or 0 */
	uint32_t mask;
};

static const struct prefix bench_net = { .addr = 0xc6120000, .len = 15 }; /* 198.18.0.0/15 */

/* May the address be a unicast destination, and not one of the benchmark's own? */
static bool usable(uint32_t addr)
{
	uint32_t first = addr >> 24;

	return first != 0 && first != 127 && first < 224 &&
	       !prefix_covers(bench_net, prefix_make(addr, 32));
}

static void allocate(struct table *table, uint32_t n)
{
	table->prefixes = calloc(n ? n : 1, sizeof(*table->prefixes));
	if (!table->prefixes)
		die("table: out of memory");
	table->n = 0;
}

static void append(struct table *table, uint32_t *room, struct prefix prefix)
{
	if (table->n == *room) {
		*room = *room ? *room * 2 : 1 << 16;
		table->prefixes = realloc(table->prefixes, *room * sizeof(prefix));
		if (!table->prefixes)
			die("table: out of memory");
	}
	table->prefixes[table->n++] = prefix;
}

static FILE *open_table(const char *path, bool *ret_pipe)
{
	size_t len = strlen(path);
	char command[512];

	*ret_pipe = len > 3 && !strcmp(path + len - 3, ".gz");
	if (!*ret_pipe)
		return fopen(path, "r");
	if (strchr(path, '\''))
		die("%s: a quote in a file name", path);
	snprintf(command, sizeof(command), "exec gzip -dc '%s'", path);
	return popen(command, "r");
}

void table_read(struct table *table, const char *path)
{
	uint32_t room = 0, line_number = 0, skipped = 0;
	struct prefix prefix;
	const char *base = strrchr(path, '/');
	char line[128];
	bool pipe;
	FILE *file = open_table(path, &pipe);

	memset(table, 0, sizeof(*table));
	if (!file)
		die("%s: %s", path, strerror(errno));
	while (fgets(line, sizeof(line), file)) {
		line_number++;
		line[strcspn(line, " \t\r\n")] = '\0';
		if (!line[0] || line[0] == '#')
			continue;
		if (prefix_parse(line, &prefix) < 0)
			die("%s:%u: %s: not a prefix", path, line_number, line);
		if (prefix.len == 0 || !usable(prefix.addr) || prefix_covers(bench_net, prefix))
			skipped++;
		else
			append(table, &room, prefix);
	}
	if ((pipe ? pclose(file) : fclose(file)) != 0 || !table->n)
		die("%s: cannot be read, or holds no prefix", path);
	if (skipped)
		progress("%s: %u prefixes left out: default, not unicast, or our own", path,
			 skipped);
	snprintf(table->origin, sizeof(table->origin), "%s", base ? base + 1 : path);
	for (char *c = table->origin; *c; c++) /* it goes into JSON */
		if (*c == '"' || *c == '\\' || *c < ' ')
			*c = '_';
}

/* True where it is new. */
static bool set_add(struct set *set, struct prefix prefix)
{
	uint64_t key = ((uint64_t)prefix.addr << 8 | prefix.len) + 1, hash = key;

	for (uint64_t i = random_next(&hash);; i++) {
		uint64_t *slot = &set->slots[i & set->mask];

		if (*slot == key)
			return false;
		if (!*slot) {
			*slot = key;
			return true;
		}
	}
}

static struct prefix random_prefix(const struct table *table, uint32_t shorter, uint8_t len,
				   uint64_t *seed)
{
	uint32_t addr = (uint32_t)random_next(seed), mask;

	if (shorter && random_next(seed) & 1) {
		const struct prefix *cover = &table->prefixes[random_next(seed) % shorter];

		mask = prefix_mask(cover->len);
		addr = (cover->addr & mask) | (addr & ~mask);
	}
	return prefix_make(addr, len);
}

static int compare_prefixes(const void *a, const void *b)
{
	const struct prefix *x = a, *y = b;

	if (x->addr != y->addr)
		return x->addr < y->addr ? -1 : 1;
	return x->len - y->len;
}

/* Sorted as files are: routes entered in that order lie closer together in the kernel's memory. */
void table_generate(struct table *table, uint32_t n, uint64_t seed)
{
	struct set set = { .mask = 1 };
	uint32_t quota[33], total = 0;

	while (set.mask < 2 * n)
		set.mask = set.mask << 1 | 1;
	set.slots = calloc((size_t)set.mask + 1, sizeof(*set.slots));
	if (!set.slots)
		die("table: out of memory");
	allocate(table, n);
	for (unsigned int len = 0; len <= 32; len++) {
		quota[len] = (uint32_t)((uint64_t)dfz_lengths[len] * n / DFZ_TOTAL);
		total += quota[len];
	}
	quota[24] += n - total;
	snprintf(table->origin, sizeof(table->origin), "generated, seed %llu",
		 (unsigned long long)seed);
	for (uint8_t len = 8; len <= 32; len++) {
		uint32_t shorter = table->n;

		while (quota[len]) {
			struct prefix prefix = random_prefix(table, shorter, len, &seed);

			if (!usable(prefix.addr) || !usable(prefix.addr | ~prefix_mask(len)) ||
			    !set_add(&set, prefix))
				continue;
			table->prefixes[table->n++] = prefix;
			quota[len]--;
		}
	}
	free(set.slots);
	qsort(table->prefixes, table->n, sizeof(*table->prefixes), compare_prefixes);
}

void table_free(struct table *table)
{
	free(table->prefixes);
	table->prefixes = NULL;
	table->n = 0;
}

void table_draw(const struct table *table, uint64_t seed, uint32_t *addrs, uint32_t n)
{
	for (uint32_t i = 0; i < n;) {
		const struct prefix *prefix = &table->prefixes[random_next(&seed) % table->n];
		uint32_t host = (uint32_t)random_next(&seed) & ~prefix_mask(prefix->len);

		if (usable(prefix->addr | host))
			addrs[i++] = prefix->addr | host;
	}
}

static bool is_covered(const struct table *table, uint32_t addr)
{
	for (uint32_t i = 0; i < table->n; i++)
		if (prefix_covers(table->prefixes[i], prefix_make(addr, 32)))
			return true;
	return false;
}

uint32_t table_uncovered(const struct table *table)
{
	uint64_t seed = 0;

	for (unsigned int tries = 0; tries < 1000; tries++) {
		uint32_t addr = (uint32_t)random_next(&seed);

		if (usable(addr) && !is_covered(table, addr))
			return addr;
	}
	return 0;
}

unsigned int table_gateway(struct prefix prefix)
{
	uint64_t state = (uint64_t)prefix.addr << 8 | prefix.len;

	return random_next(&state) % GATEWAYS;
}
