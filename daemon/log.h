/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Messages to the operator, on stderr: "<object>: what happened: <cause>, <what happens next>".
 *
 * Under systemd each line carries the journal's priority prefix. A function logs or returns its
 * error, never both.
 */
#ifndef EBPF_ROUTE_LOG_H
#define EBPF_ROUTE_LOG_H

#include <stdbool.h>

enum log_level {
	LOG_LEVEL_ERROR = 3, /* as syslog(3) numbers them */
	LOG_LEVEL_WARNING = 4,
	LOG_LEVEL_INFO = 6,
	LOG_LEVEL_DEBUG = 7,
};

void log_open(const char *name, bool verbose);
void log_write(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...)	 log_write(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_write(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...)	 log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)	 log_write(LOG_LEVEL_DEBUG, __VA_ARGS__)

/*
 * For messages that packets or netlink drive: at most `burst` lines in `seconds`, the first line
 * after a pause says how many were left out.
 */
struct log_limit {
	unsigned int burst, seconds;
	unsigned int said, left_out;
	long since;
};

#define LOG_LIMIT(burst_, seconds_)                                                                \
	(struct log_limit)                                                                         \
	{                                                                                          \
		.burst = (burst_), .seconds = (seconds_)                                           \
	}

bool log_allowed(struct log_limit *limit);
/* Would it allow a line now? Counts nothing: for a line that waits until it may be written. */
bool log_would_allow(const struct log_limit *limit);

#endif
