/* SPDX-License-Identifier: GPL-2.0-only */
/* Inside of the configuration: the options as data. Only config*.c includes this. */
#ifndef EBPF_ROUTE_CONFIG_OPTIONS_H
#define EBPF_ROUTE_CONFIG_OPTIONS_H

#include "config.h"

enum {
	OPTIONS_MAX = 64,
};

struct option_row;
/* 0, -EINVAL where the value is not valid, or -ENOMEM. The value of a flag may be NULL: yes. */
typedef int (*option_set)(struct config *config, const struct option_row *row, const char *value);

struct option_row {
	const char *name;     /* long option and key of the file */
	char letter;	      /* short option, or 0 */
	const char *argument; /* its name in --help, NULL: takes none (in the file: yes or no) */
	bool command_line_only;
	option_set set;
	size_t field; /* offset in struct config */
	uint32_t low, high;
	const char *const *words; /* for set_word, NULL-terminated */
	const char *help;
	bool reloads; /* takes effect on SIGHUP */
};

extern const struct option_row config_options[];
extern const unsigned int n_config_options;

/* NULL where there is no option of this name. */
const struct option_row *option_find(const char *name);
/* What a value should have been, for messages, in buf. Returns buf. */
const char *option_expectation(const struct option_row *row, char *buf, size_t size);
/* Is its value in the one another than in the other? Lists are not compared. */
bool option_differs(const struct option_row *row, const struct config *a, const struct config *b);
/* Prints --help. */
void options_help(void);

#endif
