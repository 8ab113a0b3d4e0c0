// SPDX-License-Identifier: GPL-2.0-only
/* The one CPU that forwards: who runs there, and how much of it the packets got. */
#include <dirent.h>
#include <sched.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include "tests/bench/bench.h"

int cpu_last(void)
{
	cpu_set_t cpus;

	if (sched_getaffinity(0, sizeof(cpus), &cpus) < 0)
		die("CPU affinity: %s", strerror(errno));
	for (int cpu = CPU_SETSIZE - 1; cpu > 0; cpu--)
		if (CPU_ISSET(cpu, &cpus))
			return cpu;
	return 0;
}

void cpu_enter(int cpu)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(cpu, &cpus);
	if (sched_setaffinity(0, sizeof(cpus), &cpus) < 0)
		die("CPU %d: %s", cpu, strerror(errno));
}

void cpu_leave(int cpu)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	for (int other = 0; other < (int)sysconf(_SC_NPROCESSORS_CONF); other++)
		if (other != cpu)
			CPU_SET(other, &cpus);
	sched_setaffinity(0, sizeof(cpus), &cpus);
}

double cpu_seconds_of(pid_t pid)
{
	clockid_t clock = CLOCK_THREAD_CPUTIME_ID;
	struct timespec now;
	int err = pid ? clock_getcpuclockid(pid, &clock) : 0;

	if (err || clock_gettime(clock, &now) < 0)
		die("CPU time of process %d: %s", (int)pid, strerror(err ? err : errno));
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* An abstract socket is a lock that nothing is left of. */
bool cpu_claim(int cpu)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(name.sun_path + 1, sizeof(name.sun_path) - 1, "ebpf-route-bench-cpu%d", cpu);
	return fd < 0 || !bind(fd, (struct sockaddr *)&name, sizeof(name)) || errno != EADDRINUSE;
}

static bool is_named(const char *pid, const char *wanted)
{
	char path[300], name[32] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%s/comm", pid);
	file = fopen(path, "re");
	if (!file)
		return false;
	if (!fgets(name, sizeof(name), file))
		name[0] = '\0';
	fclose(file);
	name[strcspn(name, "\n")] = '\0';
	return !strcmp(name, wanted);
}

pid_t cpu_softirqd(int cpu)
{
	struct dirent *entry;
	DIR *proc = opendir("/proc");
	char wanted[32];
	pid_t found = 0;

	snprintf(wanted, sizeof(wanted), "ksoftirqd/%d", cpu);
	while (proc && !found && (entry = readdir(proc)))
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' &&
		    is_named(entry->d_name, wanted))
			found = (pid_t)strtol(entry->d_name, NULL, 10);
	if (proc)
		closedir(proc);
	return found;
}

void cpu_realtime(pid_t pid, bool on)
{
	struct sched_param param = { .sched_priority = on };

	if (sched_setscheduler(pid, on ? SCHED_FIFO : SCHED_OTHER, &param) < 0)
		die("scheduling class: %s", strerror(errno));
}
