// SPDX-License-Identifier: GPL-2.0-only
/* Messages, clock, numbers. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include "tests/scale/scale.h"

void die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("scale: ", stderr);
	vfprintf(stderr, format, args);
	fputs(", giving up\n", stderr);
	va_end(args);
	exit(2);
}

static double clock_seconds(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

double seconds_now(void)
{
	return clock_seconds(CLOCK_MONOTONIC);
}

double seconds_of_thread(void)
{
	return clock_seconds(CLOCK_THREAD_CPUTIME_ID);
}

/* splitmix64 */
uint64_t random_next(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

uint32_t parse_number(const char *text, uint32_t lo, uint32_t hi)
{
	unsigned long value;
	char *end;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || end == text || *end || value < lo || value > hi)
		die("'%s': a number from %u to %u is expected", text, lo, hi);
	return (uint32_t)value;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double median(double *values, unsigned int n)
{
	if (!n)
		return 0;
	qsort(values, n, sizeof(*values), compare);
	return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}
