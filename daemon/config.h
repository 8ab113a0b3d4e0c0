/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the operator asked for: command line and configuration file, one table of options for both.
 */
#ifndef EBPF_ROUTE_CONFIG_H
#define EBPF_ROUTE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONFIG_FILE "/etc/ebpf-route/ebpf-route.conf"
#define ROUTES_DIR  "/etc/ebpf-route/routes.d"

enum hook_choice {
	HOOK_CHOICE_AUTO,    /* native where the driver has it and it is safe, else tc */
	HOOK_CHOICE_XDP,     /* native only */
	HOOK_CHOICE_GENERIC, /* generic only */
	HOOK_CHOICE_TC,	     /* tc only */
};

enum fib_choice {
	FIB_CHOICE_AUTO, /* dir24, lpm where memory is short */
	FIB_CHOICE_DIR24,
	FIB_CHOICE_LPM,
};

struct config {
	char **interfaces; /* patterns as in glob(7); none: every interface that forwards and can */
	size_t n_interfaces;
	enum hook_choice hook;
	enum fib_choice fib;
	char *file; /* of the configuration, NULL: CONFIG_FILE if it is there */
	char *instance;
	char *netns;	  /* NULL: the one it was started in */
	char *metrics;	  /* ADDR:PORT, NULL: none */
	char *routes_dir; /* of the files of user routes, NULL: ROUTES_DIR if it is there */
	bool keep, observe, ignore_netfilter, verbose, check_only;
	bool kernel_routes;	  /* mirrored; if not, the user's alone decide */
	uint32_t lease;		  /* seconds */
	uint32_t resync_interval; /* seconds between periodic re-dumps, 0: never */
	uint32_t receive_buffer;  /* bytes of the notification socket */
	uint32_t nexthops, adjacencies, groups, neighbours, extension_groups, lpm_routes, ports,
		policy_routes; /* map sizes */
	uint32_t cpu_queue;    /* packets */
};

/*
 * Reads the command line, and before it the configuration file that it names. 0; 1 where it asked
 * for help or the version, which has been printed; -EINVAL where something is wrong, after one line
 * on stderr that names it. config_free() in any case.
 */
int config_read(struct config *config, int argc, char **argv);
void config_free(struct config *config);

/*
 * Takes over from `fresh` the settings that can change while running. Returns the names of the others
 * that differ, separated by commas, in buf; an empty string if there are none.
 */
const char *config_adopt(struct config *config, struct config *fresh, char *buf, size_t size);

#endif
