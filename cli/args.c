// SPDX-License-Identifier: GPL-2.0-only
/* Words on the command line that several commands understand. */
#include "cli.h"

#include <stdlib.h>
#include <string.h>

bool word_is_show(const char *word)
{
	size_t len = strlen(word);

	return len && (strncmp("show", word, len) == 0 || strncmp("list", word, len) == 0);
}

bool parse_seconds(const char *word, double low, double high, double *ret)
{
	size_t len = strlen(word);
	double value;
	char *end;

	if (!len || strspn(word, "0123456789.") != len)
		return false;
	value = strtod(word, &end);
	if (*end || value < low || value > high)
		return false;
	*ret = value;
	return true;
}
