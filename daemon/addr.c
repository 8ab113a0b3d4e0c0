// SPDX-License-Identifier: GPL-2.0-only
/* Parsing of prefixes as users write them. */
#include "../include/addr.h"

#include <stdlib.h>

int prefix_parse(const char *text, struct prefix *ret)
{
	char buf[PREFIX_STRLEN + 1];
	unsigned long len = 32;
	struct in_addr in;
	char *slash, *end;

	if (strcmp(text, "default") == 0) {
		*ret = prefix_make(0, 0);
		return 0;
	}
	if (snprintf(buf, sizeof(buf), "%s", text) >= (int)sizeof(buf))
		return -EINVAL;
	slash = strchr(buf, '/');
	if (slash) {
		*slash++ = '\0';
		if (*slash < '0' || *slash > '9')
			return -EINVAL;
		len = strtoul(slash, &end, 10);
		if (*end || len > 32)
			return -EINVAL;
	}
	if (inet_pton(AF_INET, buf, &in) != 1)
		return -EINVAL;
	if (ntohl(in.s_addr) & ~prefix_mask(len))
		return -ERANGE;
	*ret = prefix_make(ntohl(in.s_addr), len);
	return 0;
}
