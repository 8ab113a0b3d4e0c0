// SPDX-License-Identifier: GPL-2.0-only
/* Listens until so many routes were announced: when did the kernel have the first one, and the last? */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "tests/scale/scale.h"

enum { BUFFER = 256 << 20 };

static int listen_routes(void)
{
	struct sockaddr_nl address = { .nl_family = AF_NETLINK };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	int size = BUFFER, group = RTNLGRP_IPV4_ROUTE;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) ||
	    bind(fd, (struct sockaddr *)&address, sizeof(address)) ||
	    setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)))
		die("last: %s", strerror(errno));
	return fd;
}

/* Of the wall clock, as the shell has it. */
static double seconds_of_day(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* Routes of the table main that the next notification tells of. */
static uint32_t next_routes(int fd)
{
	char buffer[8192];
	ssize_t len = recv(fd, buffer, sizeof(buffer), 0);
	const struct nlmsghdr *nlh = (void *)buffer;
	uint32_t n = 0;

	if (len <= 0)
		die("last: %s", strerror(errno));
	for (; NLMSG_OK(nlh, len); nlh = NLMSG_NEXT(nlh, len)) {
		const struct rtmsg *route = NLMSG_DATA(nlh);

		n += nlh->nlmsg_type == RTM_NEWROUTE && route->rtm_table == RT_TABLE_MAIN;
	}
	return n;
}

/* last N: listening is said at once, the times (of day, in seconds) in the end. */
int command_last(int argc, char **argv)
{
	uint32_t wanted, n = 0;
	double first = 0;
	int fd;

	if (argc != 2)
		die("last: N is expected");
	wanted = parse_number(argv[1], 1, UINT32_MAX);
	fd = listen_routes();
	printf("{\"listening\":true}\n");
	fflush(stdout);
	while (n < wanted) {
		n += next_routes(fd);
		first = first > 0 ? first : seconds_of_day();
	}
	printf("{\"routes\":%u,\"first\":%.6f,\"last\":%.6f}\n", n, first, seconds_of_day());
	close(fd);
	return 0;
}
