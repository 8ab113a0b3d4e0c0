// SPDX-License-Identifier: GPL-2.0-only
/* What goes to stderr: one line that names the object, the cause and what happens next. */
#include "cli.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include "../include/control.h"

static void complain_list(const char *suffix, const char *format, va_list args)
{
	char line[1024], *c;

	vsnprintf(line, sizeof(line), format, args);
	for (c = line; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = '?';
	fflush(stdout);
	fprintf(stderr, "ebpf-route: %s%s\n", line, suffix);
}

void complain(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	complain_list("", format, args);
	va_end(args);
}

int bad_usage(const struct cli *cli, const char *format, ...)
{
	const struct command *command = cli->command;
	char usage[512];
	va_list args;

	snprintf(usage, sizeof(usage), ", usage: ebpf-route [OPTIONS] %s%s%s", command->name,
		 *command->arguments ? " " : "", command->arguments);
	va_start(args, format);
	complain_list(usage, format, args);
	va_end(args);
	return EXIT_USAGE;
}

void out_of_memory(void)
{
	complain("out of memory, giving up");
	exit(EXIT_FAILED);
}
