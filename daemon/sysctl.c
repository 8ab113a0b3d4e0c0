// SPDX-License-Identifier: GPL-2.0-only
/* Reads the sysctls that the kernel does not announce. */
#include "sysctl.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* The number in net/ipv4/<path>, or -1. */
static int read_number(const char *path)
{
	char name[128], text[32];
	ssize_t n;
	int fd;

	snprintf(name, sizeof(name), "/proc/sys/net/ipv4/%s", path);
	fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return -1;
	text[n] = '\0';
	return atoi(text);
}

/* Redirects are sent if `all` or the device says so (IN_DEV_TX_REDIRECTS,
 * include/linux/inetdevice.h). */
static void read_send_redirects(struct mirror *mirror, const struct mirror_link *link, int all)
{
	char path[64];
	int own;

	snprintf(path, sizeof(path), "conf/%s/send_redirects", link->e.name);
	own = read_number(path);
	if (own >= 0 && all >= 0)
		mirror_set_send_redirects(mirror, link->e.ifindex, own || all);
}

void sysctl_read(struct mirror *mirror)
{
	int policy = read_number("fib_multipath_hash_policy");
	int all = read_number("conf/all/send_redirects");
	const struct mirror_link *link;

	if (policy >= 0)
		mirror_set_hash_policy(mirror, policy);
	for (link = mirror_next_link(mirror, 0); link;
	     link = mirror_next_link(mirror, link->e.ifindex))
		if (link->hook != HOOK_NONE)
			read_send_redirects(mirror, link, all);
}
