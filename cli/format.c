// SPDX-License-Identifier: GPL-2.0-only
/* Numbers, durations and reasons as people read them. */
#include "text.h"

#include <string.h>
#include "../include/reasons.h"

const char *reason_meaning(const char *reason)
{
	static const struct {
		const char *name, *meaning;
	} verdicts[] = {
#define X(name, meaning) { #name, meaning },
		VERDICTS(X)
#undef X
	};

	for (size_t i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++)
		if (strcmp(verdicts[i].name, reason) == 0)
			return verdicts[i].meaning;
	return "";
}

static const char *format_scaled(double value, char *buf)
{
	static const char units[] = " kMGTPE";
	int unit = 0;

	while (value >= 999.95 && unit < 6) {
		value /= 1000;
		unit++;
	}
	snprintf(buf, FORMAT_LEN, "%.*f%c",
		 value < 9.9995	  ? 3
		 : value < 99.995 ? 2
				  : 1,
		 value, units[unit]);
	return buf;
}

const char *format_count(uint64_t count, char *buf)
{
	if (count >= 10000000)
		return format_scaled(count, buf);
	snprintf(buf, FORMAT_LEN, "%llu", (unsigned long long)count);
	return buf;
}

const char *format_rate(double rate, char *buf)
{
	if (rate >= 10000000)
		return format_scaled(rate, buf);
	snprintf(buf, FORMAT_LEN, "%.*f", rate > 0 && rate < 99.95 ? 1 : 0, rate);
	return buf;
}

const char *format_seconds(json_int_t seconds, char *buf)
{
	long long s = seconds < 0 ? 0 : seconds;

	if (s >= 86400)
		snprintf(buf, FORMAT_LEN, "%lldd %lldh", s / 86400, s / 3600 % 24);
	else if (s >= 3600)
		snprintf(buf, FORMAT_LEN, "%lldh %lldm", s / 3600, s / 60 % 60);
	else if (s >= 60)
		snprintf(buf, FORMAT_LEN, "%lldm %llds", s / 60, s % 60);
	else
		snprintf(buf, FORMAT_LEN, "%llds", s);
	return buf;
}

const char *format_microseconds(json_int_t microseconds, char *buf)
{
	if (microseconds >= 1000000)
		snprintf(buf, FORMAT_LEN, "%.2f s", microseconds / 1e6);
	else if (microseconds >= 1000)
		snprintf(buf, FORMAT_LEN, "%.1f ms", microseconds / 1e3);
	else
		snprintf(buf, FORMAT_LEN, "%" JSON_INTEGER_FORMAT " us", microseconds);
	return buf;
}
