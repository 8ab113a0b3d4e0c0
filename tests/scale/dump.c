// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dumps and recordings. `dump` is the least that learning a kernel's routes can cost: read and walked,
 * then forgotten. `record` writes a dump of routes, then what is announced, as it comes.
 */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "tests/scale/scale.h"

#define BUFFER_SIZE (1 << 18)

static int open_netlink(void)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (fd < 0)
		die("netlink: %s", strerror(errno));
	return fd;
}

static void ask(int fd)
{
	struct {
		struct nlmsghdr header;
		struct rtmsg route;
	} request = {
		.header = { .nlmsg_len = sizeof(request),
			    .nlmsg_type = RTM_GETROUTE,
			    .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
		.route = { .rtm_family = AF_INET },
	};

	if (send(fd, &request, sizeof(request), 0) != sizeof(request))
		die("dump: %s", strerror(errno));
}

/* Calls fn for each message of the answer. */
static void dump_routes(void (*fn)(void *ctx, const struct nlmsghdr *nlh), void *ctx)
{
	char *buffer = malloc(BUFFER_SIZE);
	int fd = open_netlink();
	bool done = false;

	if (!buffer)
		die("dump: out of memory");
	ask(fd);
	while (!done) {
		ssize_t len = recv(fd, buffer, BUFFER_SIZE, 0);
		const struct nlmsghdr *nlh = (void *)buffer;

		if (len <= 0)
			die("dump: %s", strerror(errno));
		for (; NLMSG_OK(nlh, len); nlh = NLMSG_NEXT(nlh, len)) {
			if (nlh->nlmsg_type == NLMSG_ERROR)
				die("dump: the kernel refused it");
			done = done || nlh->nlmsg_type == NLMSG_DONE;
			if (!done)
				fn(ctx, nlh);
		}
	}
	close(fd);
	free(buffer);
}

struct walked {
	uint32_t routes;
	uint32_t sum; /* of what was read: the reading cannot be left out */
};

static void walk(void *ctx, const struct nlmsghdr *nlh)
{
	struct rtmsg *message = NLMSG_DATA(nlh);
	int left = (int)RTM_PAYLOAD(nlh);
	struct walked *walked = ctx;

	for (struct rtattr *attr = RTM_RTA(message); RTA_OK(attr, left);
	     attr = RTA_NEXT(attr, left)) {
		uint32_t value;

		if (RTA_PAYLOAD(attr) != sizeof(value))
			continue;
		memcpy(&value, RTA_DATA(attr), sizeof(value));
		walked->sum += value;
	}
	walked->routes += message->rtm_table == RT_TABLE_MAIN;
}

int command_dump(int argc, char **argv)
{
	struct walked walked = { 0 };
	double start = seconds_now();

	(void)argv;
	if (argc != 1)
		die("dump: takes no arguments");
	dump_routes(walk, &walked);
	printf("{\"routes\":%u,\"seconds\":%.6f,\"sum\":%u}\n", walked.routes,
	       seconds_now() - start, walked.sum);
	return 0;
}

/* ---- recording ----------------------------------------------------------------------- */

static volatile sig_atomic_t stopped;

static void on_signal(int number)
{
	stopped = number;
}

static void write_message(void *ctx, const struct nlmsghdr *nlh)
{
	static const char padding[NLMSG_ALIGNTO];
	size_t odd = NLMSG_ALIGN((size_t)nlh->nlmsg_len) - nlh->nlmsg_len;

	if (fwrite(nlh, nlh->nlmsg_len, 1, ctx) != 1 || (odd && fwrite(padding, odd, 1, ctx) != 1))
		die("record: %s", strerror(errno));
}

/* Until a signal comes; then what is in the socket still. */
static void record(int fd, FILE *file)
{
	char *buffer = malloc(BUFFER_SIZE);
	ssize_t len;

	if (!buffer)
		die("record: out of memory");
	for (;;) {
		const struct nlmsghdr *nlh = (void *)buffer;

		len = recv(fd, buffer, BUFFER_SIZE, stopped ? MSG_DONTWAIT : 0);
		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0 && errno == EAGAIN && stopped)
			break;
		if (len <= 0)
			die("record: %s", strerror(errno));
		for (; NLMSG_OK(nlh, len); nlh = NLMSG_NEXT(nlh, len))
			write_message(file, nlh);
	}
	free(buffer);
}

int command_record(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = on_signal };
	int fd = open_netlink(), size = 256 << 20, group = RTNLGRP_IPV4_ROUTE;
	struct sockaddr_nl address = { .nl_family = AF_NETLINK };
	FILE *file;

	if (argc != 2)
		die("record: FILE is expected");
	file = fopen(argv[1], "w");
	if (!file)
		die("%s: %s", argv[1], strerror(errno));
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) ||
	    setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)))
		die("record: %s", strerror(errno));
	dump_routes(write_message, file);
	printf("recording\n");
	fflush(stdout);
	record(fd, file);
	if (fclose(file))
		die("%s: %s", argv[1], strerror(errno));
	return 0;
}
