// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does IPVS have to see forwarded packets?
 *
 * It gets packets to its services at the hook of local ones, but the answers of real servers are forwarded, and
 * translated on the way (ip_vs_reply4() on NF_INET_FORWARD). Without services it looks at nothing. The
 * file has the services of the namespace and below each its servers; anybody may read it, and without the module it
 * is not there.
 */
#include "guard_internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static bool begins_with(const char *line, const char *prefix)
{
	return strncmp(line, prefix, strlen(prefix)) == 0;
}

bool guard_decode_ipvs(const char *line, char *name, size_t size)
{
	char protocol[8], place[64], text[INET_ADDRSTRLEN];
	unsigned int addr, port, mark;
	struct in_addr in;

	/* The head of the table, and servers, which are indented. */
	if (begins_with(line, "IP Virtual Server") || begins_with(line, "Prot ") ||
	    begins_with(line, " "))
		return false;
	if (sscanf(line, "%7s %63s", protocol, place) == 2 && place[0] == '[')
		return false; /* IPv6 */
	if (sscanf(line, "FWM %x", &mark) == 1) {
		snprintf(name, size, "mark %u", mark);
	} else if (sscanf(line, "%7s %8x:%4x", protocol, &addr, &port) == 3) {
		in.s_addr = htonl(addr);
		snprintf(name, size, "%s %s:%u", protocol,
			 inet_ntop(AF_INET, &in, text, sizeof(text)), port);
	} else {
		snprintf(name, size, "%.*s", (int)strcspn(line, "\n"), line);
	}
	return true;
}

int guard_look_ipvs(struct guard *guard, struct guard_finding *ret)
{
	FILE *file = fopen("/proc/thread-self/net/ip_vs", "re");
	char line[256], name[64];
	int err;

	(void)guard;
	if (!file)
		return errno == ENOENT ? 0 : -errno;
	while (!ret->found && fgets(line, sizeof(line), file)) {
		ret->found = guard_decode_ipvs(line, name, sizeof(name));
		if (ret->found)
			snprintf(ret->detail, sizeof(ret->detail), "ipvs: service %s", name);
	}
	err = ferror(file) ? -EIO : 0;
	fclose(file);
	return err;
}

bool guard_has_ipvs(struct guard *guard)
{
	struct guard_finding finding = { 0 };

	return guard_look_ipvs(guard, &finding) || finding.found;
}
