// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the operator says, read into a struct config. The options are one table (config_options.c), which
 * gives the command line, the keys of the configuration file and --help.
 *
 * The file is read first (inih: `key = value` lines, # comments), then the command line. Interfaces
 * on the command line replace those of the file.
 */
#include "config_options.h"

#include <errno.h>
#include <getopt.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../include/control.h"
#include "../include/maps.h"
#include "log.h"

struct file_reader {
	struct config *config;
	char message[256]; /* about the first error */
};

static int file_key(void *user, const char *section, const char *name, const char *value)
{
	struct file_reader *reader = user;
	const struct option_row *row = option_find(name);
	char expected[128];

	if (reader->message[0])
		return 1;
	if (*section)
		snprintf(reader->message, sizeof(reader->message),
			 "section '[%.64s]' is unknown, the file has none", section);
	else if (!row || !row->set || row->command_line_only)
		snprintf(reader->message, sizeof(reader->message), "unknown key '%.64s'", name);
	else if (row->set(reader->config, row, value))
		snprintf(reader->message, sizeof(reader->message),
			 "%s: value '%.64s' is not valid, expected %s", name, value,
			 option_expectation(row, expected, sizeof(expected)));
	return !reader->message[0];
}

static int read_file(struct config *config)
{
	const char *path = config->file ? config->file : CONFIG_FILE;
	struct file_reader reader = { .config = config };
	FILE *file = fopen(path, "re");
	int line;

	if (!file && errno == ENOENT && !config->file)
		return 0;
	if (!file) {
		log_error("%s: cannot be read: %s, not started", path, strerror(errno));
		return -EINVAL;
	}
	line = ini_parse_file(file, file_key, &reader);
	fclose(file);
	if (!line)
		return 0;
	log_error("%s:%d: %s, not started", path, line,
		  reader.message[0] ? reader.message : "not of the form 'key = value'");
	return -EINVAL;
}

enum {
	FIRST_LONG = 256, /* what getopt_long() returns for the first row; below it are letters */
};

/* NULL where it is ':' or '?'. */
static const struct option_row *row_of(int index)
{
	for (unsigned int i = 0; i < n_config_options; i++)
		if (index == FIRST_LONG + (int)i ||
		    (index < FIRST_LONG && index == config_options[i].letter))
			return &config_options[i];
	return NULL;
}

static int apply_command_line(struct config *config, int argc, char **argv, bool only_file)
{
	struct option longs[OPTIONS_MAX + 1] = { 0 };
	char shorts[2 * OPTIONS_MAX + 2] = ":", *s = shorts + 1, expected[128];
	bool first_interface = true;
	int index;

	for (unsigned int i = 0; i < n_config_options; i++) {
		longs[i] = (struct option){ .name = config_options[i].name,
					    .has_arg = !!config_options[i].argument,
					    .val = FIRST_LONG + i };
		if (config_options[i].letter) {
			*s++ = config_options[i].letter;
			if (config_options[i].argument)
				*s++ = ':';
		}
	}
	optind = 0; /* scan from the start, also the second time */
	while ((index = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		const struct option_row *row = row_of(index);

		if (!row) {
			log_error("option '%s': %s, see --help", argv[optind - 1],
				  index == ':' ? "needs a value" : "not known");
			return -EINVAL;
		}
		if (!row->set) {
			if (row->letter == 'h')
				options_help();
			else
				puts("ebpf-routed " VERSION);
			return 1;
		}
		if (only_file != (strcmp(row->name, "config") == 0))
			continue;
		if (strcmp(row->name, "interface") == 0 && first_interface) {
			while (config->n_interfaces)
				free(config->interfaces[--config->n_interfaces]);
			first_interface = false;
		}
		if (row->set(config, row, optarg)) {
			log_error("--%s: value '%s' is not valid, expected %s, not started",
				  row->name, optarg ? optarg : "",
				  option_expectation(row, expected, sizeof(expected)));
			return -EINVAL;
		}
	}
	if (optind < argc) {
		log_error("argument '%s': not expected, see --help", argv[optind]);
		return -EINVAL;
	}
	return 0;
}

int config_read(struct config *config, int argc, char **argv)
{
	int err;

	*config = (struct config){
		.kernel_routes = true,
		.lease = 5,
		.resync_interval = 300,
		.receive_buffer = 128 << 20,
		.nexthops = NEXTHOP_LIMIT,
		.adjacencies = ADJACENCY_LIMIT,
		.groups = GROUP_LIMIT,
		.neighbours = NEIGHBOUR_LIMIT,
		.extension_groups = DIR24_GROUP_LIMIT,
		.lpm_routes = LPM_LIMIT,
		.ports = PORT_LIMIT,
		.policy_routes = POLICY_ROUTE_LIMIT,
		.cpu_queue = CPU_QUEUE,
	};
	config->instance = strdup(DEFAULT_INSTANCE);
	if (!config->instance) {
		log_error("daemon: out of memory, not started");
		return -ENOMEM;
	}
	opterr = 0;
	err = apply_command_line(config, argc, argv, true);
	if (!err)
		err = read_file(config);
	if (!err)
		err = apply_command_line(config, argc, argv, false);
	return err;
}

#define EXCHANGE(field)                                                                            \
	do {                                                                                       \
		__typeof__(config->field) held = config->field;                                    \
                                                                                                   \
		config->field = fresh->field;                                                      \
		fresh->field = held;                                                               \
	} while (0)

const char *config_adopt(struct config *config, struct config *fresh, char *buf, size_t size)
{
	size_t len = 0;

	EXCHANGE(interfaces);
	EXCHANGE(n_interfaces);
	EXCHANGE(keep);
	EXCHANGE(verbose);
	EXCHANGE(ignore_netfilter);
	buf[0] = '\0';
	for (unsigned int i = 0; i < n_config_options; i++)
		if (!config_options[i].reloads &&
		    option_differs(&config_options[i], config, fresh) && len < size)
			len += (size_t)snprintf(buf + len, size - len, "%s%s", len ? ", " : "",
						config_options[i].name);
	return buf;
}

void config_free(struct config *config)
{
	while (config->n_interfaces)
		free(config->interfaces[--config->n_interfaces]);
	free(config->interfaces);
	free(config->file);
	free(config->instance);
	free(config->netns);
	free(config->metrics);
	free(config->routes_dir);
}
