// SPDX-License-Identifier: GPL-2.0-only
/* A small router for what is checked against one, and a log that says nothing but has to be sound. */
#include "fuzz.h"

#include <stdarg.h>
#include "../../daemon/log.h"
#include "../../daemon/mirror.h"
#include "../unit/support_events.h"

struct mirror *fuzz_mirror(void)
{
	static struct mirror *mirror;

	if (mirror)
		return mirror;
	mirror = mirror_new();
	if (!mirror)
		abort();
	for (uint32_t i = 1; i <= 2; i++) {
		struct event *link = ev_link(EVENT_NEW, i, LINK_RUNS);
		char address[16];

		snprintf(link->link.name, sizeof(link->link.name), "eth%u", i - 1);
		mirror_apply(mirror, link);
		snprintf(address, sizeof(address), "198.18.%u.1", i);
		mirror_apply(mirror, ev_address(EVENT_NEW, i, address, 24));
	}
	return mirror;
}

/* In place of daemon/log.c. What is said is one line, whatever was in the input. */
void log_write(enum log_level level, const char *format, ...)
{
	char line[2048];
	va_list args;

	(void)level;
	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (strchr(line, '\n'))
		FINDING("a message of several lines: %s", line);
}

bool log_allowed(struct log_limit *limit)
{
	(void)limit;
	return true;
}
