// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs ebpf-routed for the router's namespace, on the CPUs that do not forward, and asks
 * ebpf-route for its counters.
 */
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include "tests/bench/bench.h"

#define READY_PATIENCE_S 120
#define STOP_PATIENCE_S	 15

bool routed_present(const char *bin)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/ebpf-routed", bin);
	if (access(path, X_OK))
		return false;
	snprintf(path, sizeof(path), "%s/ebpf-route", bin);
	return !access(path, X_OK);
}

static void leave_cpu(int busy_cpu)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	for (int cpu = 0; cpu < (int)sysconf(_SC_NPROCESSORS_CONF); cpu++)
		if (cpu != busy_cpu)
			CPU_SET(cpu, &cpus);
	sched_setaffinity(0, sizeof(cpus), &cpus);
}

static void exec_routed(const struct routed *routed, const struct topology *topology,
			const char *bin, const char *engine, int out)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/ebpf-routed", bin);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	dup2(out, STDOUT_FILENO);
	dup2(routed->messages, STDERR_FILENO);
	execl(path, path, "--netns", topology->name[SITE_ROUTER], "--instance", routed->instance,
	      "-i", "r0", "-i", "r1", "--hook", "xdp", "--fib", engine, NULL);
	_exit(127);
}

/* Waits for one line. */
static bool read_line(int fd, char *line, size_t size)
{
	double deadline = seconds_now() + READY_PATIENCE_S;
	struct pollfd event = { .fd = fd, .events = POLLIN };
	size_t len = 0;

	while (len + 1 < size && seconds_now() < deadline) {
		interrupt_check();
		if (poll(&event, 1, 1000) <= 0)
			continue;
		if (read(fd, line + len, 1) != 1)
			return false;
		if (line[len] == '\n') {
			line[len] = '\0';
			return true;
		}
		len++;
	}
	return false;
}

/* The last line that the daemon wrote to stderr. */
static const char *last_message(const struct routed *routed)
{
	static char text[4096];
	off_t end = lseek(routed->messages, 0, SEEK_END);
	off_t start = end > (off_t)sizeof(text) - 1 ? end - (off_t)sizeof(text) + 1 : 0;
	ssize_t len = pread(routed->messages, text, sizeof(text) - 1, start);
	char *line;

	if (len <= 0)
		return "it said nothing";
	while (len > 0 && text[len - 1] == '\n')
		len--;
	text[len] = '\0';
	line = strrchr(text, '\n');
	return line ? line + 1 : text;
}

bool routed_start(struct routed *routed, const struct topology *topology, const char *bin,
		  const char *engine, int busy_cpu, const char **ret_why)
{
	char line[256];
	int pipe_fds[2];
	double start;

	routed->messages = memfd_create("messages", MFD_CLOEXEC);
	if (routed->messages < 0 || pipe2(pipe_fds, O_CLOEXEC) < 0)
		die("ebpf-routed: %s", strerror(errno));
	start = seconds_now();
	routed->pid = fork();
	if (routed->pid < 0)
		die("ebpf-routed: cannot be started: %s", strerror(errno));
	if (!routed->pid) {
		leave_cpu(busy_cpu);
		exec_routed(routed, topology, bin, engine, pipe_fds[1]);
	}
	close(pipe_fds[1]);
	if (read_line(pipe_fds[0], line, sizeof(line))) {
		routed->sync_s = seconds_now() - start;
		routed->ready = pipe_fds[0];
		return true;
	}
	close(pipe_fds[0]);
	*ret_why = last_message(routed);
	routed_stop(routed);
	return false;
}

uint64_t routed_forwarded(const struct routed *routed, const char *bin, char *text, size_t size)
{
	const char *total, *forwarded;
	char command[512];
	size_t len;
	FILE *pipe;

	snprintf(command, sizeof(command), "exec %s/ebpf-route -j --instance %s stats", bin,
		 routed->instance);
	pipe = popen(command, "r");
	if (!pipe)
		die("ebpf-route stats: %s", strerror(errno));
	len = fread(text, 1, size - 1, pipe);
	text[len] = '\0';
	if (pclose(pipe) != 0)
		die("ebpf-route stats: failed");
	total = strstr(text, "\"total\"");
	forwarded = total ? strstr(total, "\"forwarded\"") : NULL;
	forwarded = forwarded ? strstr(forwarded, "\"packets\"") : NULL;
	forwarded = forwarded ? strchr(forwarded, ':') : NULL;
	if (!forwarded)
		die("ebpf-route stats: no total of the packets forwarded in its answer");
	return strtoull(forwarded + 1, NULL, 10);
}

void routed_stop(struct routed *routed)
{
	double deadline = seconds_now() + STOP_PATIENCE_S;

	if (routed->pid <= 0)
		return;
	kill(routed->pid, SIGTERM);
	while (waitpid(routed->pid, NULL, WNOHANG) == 0) {
		if (seconds_now() > deadline) {
			progress("ebpf-routed: does not stop on SIGTERM, killed");
			kill(routed->pid, SIGKILL);
			waitpid(routed->pid, NULL, 0);
			break;
		}
		usleep(10000);
	}
	routed->pid = 0;
	if (routed->ready > 0)
		close(routed->ready);
	routed->ready = 0;
	close(routed->messages);
}
