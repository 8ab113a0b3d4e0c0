// SPDX-License-Identifier: GPL-2.0-only
/* Messages on stderr, with journal priorities where systemd reads them. */
#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *log_name = "ebpf-routed";
static enum log_level log_most = LOG_LEVEL_INFO;
static bool log_journal;

void log_open(const char *name, bool verbose)
{
	log_name = name;
	log_most = verbose ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO;
	log_journal = getenv("JOURNAL_STREAM") != NULL;
}

void log_write(enum log_level level, const char *format, ...)
{
	char line[1024];
	va_list args;

	if (level > log_most)
		return;
	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (log_journal)
		fprintf(stderr, "<%d>%s\n", level, line);
	else
		fprintf(stderr, "%s: %s\n", log_name, line);
}

static bool is_past(const struct log_limit *limit, const struct timespec *now)
{
	return !limit->said || now->tv_sec - limit->since >= (long)limit->seconds;
}

bool log_would_allow(const struct log_limit *limit)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return is_past(limit, &now) || limit->said < limit->burst;
}

bool log_allowed(struct log_limit *limit)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	if (is_past(limit, &now)) {
		if (limit->left_out)
			log_info("log: %u similar lines left out", limit->left_out);
		limit->since = now.tv_sec;
		limit->said = 0;
		limit->left_out = 0;
	}
	if (limit->said >= limit->burst) {
		limit->left_out++;
		return false;
	}
	limit->said++;
	return true;
}
