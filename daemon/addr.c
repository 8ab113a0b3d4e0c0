// SPDX-License-Identifier: GPL-2.0-only
/* Prefixes as users write and read them. */
#include "../include/addr.h"

#include <stdlib.h>

const char *destination_format(struct prefix p, char *buf)
{
	if (p.len == 0)
		return strcpy(buf, "default");
	prefix_format(p, buf);
	if (p.len == 32)
		*strchr(buf, '/') = '\0';
	return buf;
}

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
