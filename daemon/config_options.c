// SPDX-License-Identifier: GPL-2.0-only
/* The table of options: what each is called, what values it takes, where they are kept. */
#include "config_options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../include/control.h"
#include "../include/maps.h"
#include "instance.h"

/* ---- values -------------------------------------------------------------------------- */

static int set_string(struct config *config, const struct option_row *row, const char *value)
{
	char **field = (char **)((char *)config + row->field);
	char *copy = strdup(value);

	if (!copy)
		return -ENOMEM;
	free(*field);
	*field = copy;
	return *value ? 0 : -EINVAL;
}

static int set_instance(struct config *config, const struct option_row *row, const char *value)
{
	size_t len = strlen(value);

	if (!len || len > INSTANCE_NAME_MAX || value[0] == '.' ||
	    strspn(value, INSTANCE_NAME_CHARACTERS) != len)
		return -EINVAL;
	return set_string(config, row, value);
}

static int set_metrics(struct config *config, const struct option_row *row, const char *value)
{
	const char *colon = strrchr(value, ':');
	char *end;
	unsigned long port = colon ? strtoul(colon + 1, &end, 10) : 0;

	if (!port || port > 65535 || *end || colon == value)
		return -EINVAL;
	return set_string(config, row, value);
}

static int set_number(struct config *config, const struct option_row *row, const char *value)
{
	unsigned long number;
	char *end;

	errno = 0;
	number = strtoul(value, &end, 10);
	if (errno || *value < '0' || *value > '9' || *end || number < row->low ||
	    number > row->high)
		return -EINVAL;
	*(uint32_t *)((char *)config + row->field) = number;
	return 0;
}

static int set_flag(struct config *config, const struct option_row *row, const char *value)
{
	bool *field = (bool *)((char *)config + row->field);

	if (!value || strcmp(value, "yes") == 0)
		*field = true;
	else if (strcmp(value, "no") == 0)
		*field = false;
	else
		return -EINVAL;
	return 0;
}

/* --no-X: the flag X of the file. */
static int clear_flag(struct config *config, const struct option_row *row, const char *value)
{
	(void)value;
	*(bool *)((char *)config + row->field) = false;
	return 0;
}

static int set_word(struct config *config, const struct option_row *row, const char *value)
{
	for (int i = 0; row->words[i]; i++) {
		if (strcmp(row->words[i], value) == 0) {
			*(int *)((char *)config + row->field) = i;
			return 0;
		}
	}
	return -EINVAL;
}

static int add_interface(struct config *config, const struct option_row *row, const char *value)
{
	char **grown = reallocarray(config->interfaces, config->n_interfaces + 1, sizeof(*grown));
	char *copy = strdup(value);

	(void)row;
	if (grown)
		config->interfaces = grown;
	if (!grown || !copy) {
		free(copy);
		return -ENOMEM;
	}
	config->interfaces[config->n_interfaces++] = copy;
	return *value ? 0 : -EINVAL;
}

/* ---- the table ----------------------------------------------------------------------- */

static const char *const hook_words[] = { "auto", "xdp", "xdp-generic", "tc", NULL };
static const char *const fib_words[] = { "auto", "dir24", "lpm", NULL };

#define STRING(field_) .set = set_string, .field = offsetof(struct config, field_)
#define FLAG(field_)   .set = set_flag, .field = offsetof(struct config, field_)
#define WORD(field_)   .set = set_word, .field = offsetof(struct config, field_)
#define NUMBER(field_, low_, high_)                                                                \
	.set = set_number, .field = offsetof(struct config, field_), .low = low_, .high = high_
#define SIZE(name_, field_, least, most, text)                                                     \
	{                                                                                          \
		.name = name_, .argument = "N", NUMBER(field_, least, most), .help = text          \
	}

const struct option_row config_options[] = {
	{ .name = "interface",
	  .letter = 'i',
	  .argument = "GLOB",
	  .set = add_interface,
	  .reloads = true,
	  .help = "accelerate interfaces of this name or pattern (repeatable)" },
	{ .name = "hook",
	  .argument = "auto|xdp|xdp-generic|tc",
	  WORD(hook),
	  .words = hook_words,
	  .help = "where the program is attached" },
	{ .name = "fib",
	  .argument = "auto|dir24|lpm",
	  WORD(fib),
	  .words = fib_words,
	  .help = "lookup engine" },
	{ .name = "config",
	  .argument = "FILE",
	  STRING(file),
	  .command_line_only = true,
	  .help = "configuration file (default " CONFIG_FILE ")" },
	{ .name = "instance",
	  .argument = "NAME",
	  .set = set_instance,
	  .field = offsetof(struct config, instance),
	  .help = "names pins and socket (default " DEFAULT_INSTANCE ")" },
	{ .name = "netns",
	  .argument = "NAME",
	  STRING(netns),
	  .help = "work in this network namespace" },
	{ .name = "keep",
	  FLAG(keep),
	  .reloads = true,
	  .help = "leave program and maps in place at the end (they pass everything once the lease is over)" },
	{ .name = "observe",
	  FLAG(observe),
	  .help = "decide and count, but leave every packet to the kernel" },
	{ .name = "ignore-netfilter",
	  FLAG(ignore_netfilter),
	  .reloads = true,
	  .help = "forward although firewall rules or IPsec policies would not see the packets" },
	{ .name = "kernel-routes",
	  FLAG(kernel_routes),
	  .help = "mirror the kernel's routes (the default)" },
	{ .name = "no-kernel-routes",
	  .command_line_only = true,
	  .set = clear_flag,
	  .field = offsetof(struct config, kernel_routes),
	  .help = "do not: user routes alone decide, everything else is left to the kernel" },
	{ .name = "routes-dir",
	  .argument = "DIR",
	  STRING(routes_dir),
	  .help = "files of user routes, *.conf (default " ROUTES_DIR ")" },
	{ .name = "metrics",
	  .argument = "ADDR:PORT",
	  .set = set_metrics,
	  .field = offsetof(struct config, metrics),
	  .help = "serve metrics over HTTP" },
	{ .name = "check-config",
	  FLAG(check_only),
	  .command_line_only = true,
	  .help = "check the configuration and end" },
	{ .name = "lease",
	  .argument = "SECONDS",
	  NUMBER(lease, 1, 3600),
	  .help = "forwarding stops this long after the daemon did (default 5)" },
	{ .name = "verbose", .letter = 'v', FLAG(verbose), .reloads = true, .help = "say more" },
	{ .name = "resync-interval",
	  .argument = "SECONDS",
	  NUMBER(resync_interval, 0, 86400),
	  .help = "compare with a full dump this often, 0: never (default 300)" },
	{ .name = "receive-buffer",
	  .argument = "BYTES",
	  NUMBER(receive_buffer, 4096, 1u << 30),
	  .help = "of the notification socket (default 134217728)" },
	SIZE("max-nexthops", nexthops, 64, LEAF_LIMIT, "next-hop slots"),
	SIZE("max-adjacencies", adjacencies, 2, 1 << 24, "adjacencies"),
	SIZE("max-groups", groups, 1, 1 << 24, "multipath groups"),
	SIZE("max-neighbours", neighbours, 1, 1 << 24, "connected neighbours"),
	SIZE("max-extension-groups", extension_groups, 1, DIR24_EXTENDED,
	     "dir24: /24s that hold longer prefixes"),
	SIZE("max-lpm-routes", lpm_routes, 1, 1 << 24, "lpm: prefixes"),
	SIZE("max-ports", ports, 2, PORT_MOST, "interfaces that packets come in by or go out by"),
	SIZE("max-policy-routes", policy_routes, 1, 1 << 24,
	     "routes of tables that policy rules name"),
	SIZE("cpu-queue", cpu_queue, 1, CPU_QUEUE_LIMIT,
	     "packets that wait for a CPU of user routes (default 2048)"),
	{ .name = "help", .letter = 'h', .command_line_only = true, .help = "this text" },
	{ .name = "version", .letter = 'V', .command_line_only = true, .help = "the version" },
};

const unsigned int n_config_options = sizeof(config_options) / sizeof(config_options[0]);
_Static_assert(sizeof(config_options) / sizeof(config_options[0]) <= OPTIONS_MAX,
	       "room in the command line");

const struct option_row *option_find(const char *name)
{
	for (unsigned int i = 0; i < n_config_options; i++)
		if (strcmp(config_options[i].name, name) == 0)
			return &config_options[i];
	return NULL;
}

/* ---- what is said of them ------------------------------------------------------------- */

void options_help(void)
{
	char left[64];

	puts("Usage: ebpf-routed [OPTION]...\n"
	     "Mirrors the kernel's IPv4 routes and neighbours into an XDP fast path. Runs in the foreground.\n");
	for (unsigned int i = 0; i < n_config_options; i++) {
		const struct option_row *row = &config_options[i];

		snprintf(left, sizeof(left), "%c%c%s --%s%s%s", row->letter ? '-' : ' ',
			 row->letter ? row->letter : ' ', row->letter ? "," : " ", row->name,
			 row->argument ? " " : "", row->argument ? row->argument : "");
		printf("  %-36s %s\n", left, row->help);
	}
}

const char *option_expectation(const struct option_row *row, char *buf, size_t size)
{
	if (row->words)
		snprintf(buf, size, "one of %s", row->argument);
	else if (row->set == set_number)
		snprintf(buf, size, "a number from %u to %u", row->low, row->high);
	else if (row->set == set_flag)
		snprintf(buf, size, "yes or no");
	else if (row->set == set_metrics)
		snprintf(buf, size, "a numeric address, ':' and a port");
	else if (row->set == set_instance)
		snprintf(buf, size, "up to %d letters, digits, '-' and '_'", INSTANCE_NAME_MAX);
	else
		snprintf(buf, size, "not empty");
	return buf;
}

bool option_differs(const struct option_row *row, const struct config *a, const struct config *b)
{
	const void *x = (const char *)a + row->field, *y = (const char *)b + row->field;

	if (row->set == set_number || row->set == set_word)
		return *(const uint32_t *)x != *(const uint32_t *)y;
	if (row->set == set_flag)
		return *(const bool *)x != *(const bool *)y;
	if (row->set == set_string || row->set == set_instance || row->set == set_metrics) {
		const char *s = *(char *const *)x, *t = *(char *const *)y;

		return (s || t) && (!s || !t || strcmp(s, t) != 0);
	}
	return false;
}
