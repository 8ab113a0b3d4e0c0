// SPDX-License-Identifier: GPL-2.0-only
/*
 * How long a running daemon takes from a notification of the kernel to its maps: makes a change by a
 * command, listens as the daemon does, and watches the daemon's maps as the programs see them.
 *
 * It looks many times a millisecond, and before anybody else, but leaves the CPUs to those who are
 * measured. Times are from the first notification on; below zero: the maps were seen first.
 */
#include <errno.h>
#include <getopt.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "include/maps.h"
#include "tests/scale/scale.h"

enum {
	WATCHED = 512, /* entries of each map; numbers are given out from the lowest on */
	PATIENCE_S = 60,
	STEP_NS = 20000,
};

struct watch {
	const char *name;
	size_t bytes;  /* that are looked at */
	size_t stride; /* in words: only the first of so many counts */
	const uint64_t *memory;
	uint64_t before[WATCHED * 2];
	double first, last; /* when a change was seen, 0: never */
	uint32_t changes;   /* of single words */
};

static struct watch watches[] = {
	{ .name = "ports", .bytes = 64 * sizeof(struct port), .stride = 1 },
	{ .name = "nexthops", .bytes = WATCHED * sizeof(struct nexthop_entry), .stride = 1 },
	{ .name = "adjacencies", .bytes = WATCHED * sizeof(struct adjacency), .stride = 2 },
};
enum { WATCHES = sizeof(watches) / sizeof(watches[0]) };

static void look(struct watch *w, double now)
{
	for (size_t i = 0; i < w->bytes / sizeof(uint64_t); i += w->stride) {
		uint64_t word = __atomic_load_n(&w->memory[i], __ATOMIC_RELAXED);

		if (word == w->before[i])
			continue;
		w->before[i] = word;
		w->first = w->first ? w->first : now;
		w->last = now;
		w->changes++;
	}
}

static void look_at_all(double now)
{
	for (unsigned int i = 0; i < WATCHES; i++)
		look(&watches[i], now);
}

static int listen_kernel(void)
{
	static const int groups[] = { RTNLGRP_LINK, RTNLGRP_NEXTHOP, RTNLGRP_IPV4_ROUTE };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	struct sockaddr_nl address = { .nl_family = AF_NETLINK };

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)))
		die("netlink: %s", strerror(errno));
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		if (setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &groups[i], sizeof(int)))
			die("netlink: %s", strerror(errno));
	return fd;
}

static pid_t start(char **argv)
{
	pid_t pid = fork();

	if (pid < 0)
		die("%s: %s", argv[0], strerror(errno));
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	sched_setscheduler(0, SCHED_OTHER, &(struct sched_param){ .sched_priority = 0 });
	execvp(argv[0], argv);
	_exit(127);
}

/* Late wake-ups would count as reaction time. Without the right to do so it measures less exactly. */
static void wake_early(void)
{
	const struct sched_param first = { .sched_priority = 1 };

	sched_setscheduler(0, SCHED_FIFO, &first);
	prctl(PR_SET_TIMERSLACK, 1);
}

/* One notification has come in; what follows is of no interest. */
static bool heard(int fd)
{
	char buffer[64];

	return recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT | MSG_TRUNC) > 0 || errno == ENOBUFS;
}

/* *ret_first: of the notifications; returns when the command was done. */
static double watch(int fd, pid_t pid, double more, double *ret_first)
{
	const struct timespec step = { .tv_nsec = STEP_NS };
	double begin = seconds_now(), now = begin, done = 0;
	int status;

	*ret_first = 0;
	while (!done || now < done + more) {
		nanosleep(&step, NULL);
		if (!*ret_first && heard(fd))
			*ret_first = seconds_now();
		now = seconds_now();
		look_at_all(now);
		if (!done && waitpid(pid, &status, WNOHANG) == pid) {
			if (!WIFEXITED(status) || WEXITSTATUS(status))
				die("react: the command failed");
			done = now;
		}
		if (now > begin + PATIENCE_S)
			die("react: the command does not end");
	}
	if (!*ret_first)
		die("react: the kernel announced nothing");
	return done;
}

static void report(double first, double done)
{
	printf("{\"command_us\":%.1f", (done - first) * 1e6);
	for (unsigned int i = 0; i < WATCHES; i++) {
		const struct watch *w = &watches[i];

		printf(",\"%s\":{\"changes\":%u", w->name, w->changes);
		if (w->changes)
			printf(",\"first_us\":%.1f,\"last_us\":%.1f", (w->first - first) * 1e6,
			       (w->last - first) * 1e6);
		printf("}");
	}
	printf("}\n");
}

/* react PID MILLISECONDS COMMAND...: watches on for so long when the command is done. */
int command_react(int argc, char **argv)
{
	double first, done;
	uint32_t pid;
	int fd;

	if (argc < 4)
		die("react: PID MILLISECONDS COMMAND.. is expected");
	pid = parse_number(argv[1], 1, INT32_MAX);
	for (unsigned int i = 0; i < WATCHES; i++) {
		watches[i].memory = maps_open(pid, watches[i].name, watches[i].bytes);
		memcpy(watches[i].before, watches[i].memory, watches[i].bytes);
	}
	fd = listen_kernel();
	wake_early();
	done = watch(fd, start(argv + 3), parse_number(argv[2], 1, 60000) / 1e3, &first);
	report(first, done);
	return 0;
}
