// SPDX-License-Identifier: GPL-2.0-only
/*
 * Follows CPUs that go offline or come online, see sync_cpus.h: by a look at the list in /sys with every
 * renewal of the lease, and as soon as the kernel says so (a uevent, which is no more than a hint).
 *
 * A CPU that is off takes packets into its queue as any other one does, so it must not be in the map.
 */
#include "sync_cpus.h"

#include <errno.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include "daemon.h"
#include "log.h"
#include "user_check.h"

#define ONLINE_LIST "/sys/devices/system/cpu/online"

struct cpus_watch {
	int fd;
	struct event *event;
};

void cpus_look(struct daemon *d)
{
	static struct user_cpus online; /* 8 KiB */
	int err;

	/* Without the list it stays as it was; at first all count as online. */
	if (!user_cpus_read(ONLINE_LIST, &online))
		return;
	err = fib_cpus_online(d->fib, &online);
	if (err)
		log_debug("CPUs: not all followed: %s, trying again", strerror(-err));
}

static void on_uevent(evutil_socket_t fd, short what, void *arg)
{
	static const char cpu[] = "/devices/system/cpu/cpu";
	char message[4096], *path;
	bool concerned = false;
	ssize_t n;

	(void)what;
	/* "offline@/devices/system/cpu/cpu1", then variables; events that were lost count as ours. */
	while ((n = recv(fd, message, sizeof(message) - 1, MSG_DONTWAIT)) > 0 || errno == ENOBUFS) {
		if (n <= 0) {
			concerned = true;
			continue;
		}
		message[n] = '\0';
		path = strchr(message, '@');
		concerned |= path && strncmp(path + 1, cpu, sizeof(cpu) - 1) == 0;
	}
	if (concerned)
		cpus_look(arg);
}

void cpus_watch(struct daemon *d)
{
	const struct sockaddr_nl group = { .nl_family = AF_NETLINK, .nl_groups = 1 };
	struct cpus_watch *w = calloc(1, sizeof(*w));

	if (!w)
		return;
	w->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT);
	if (w->fd >= 0 && !bind(w->fd, (const struct sockaddr *)&group, sizeof(group)))
		w->event = event_new(d->base, w->fd, EV_READ | EV_PERSIST, on_uevent, d);
	if (!w->event || event_add(w->event, NULL))
		log_debug("CPUs: uevents are not to be had: %s, looking now and then",
			  strerror(errno));
	d->cpus = w;
}

void cpus_unwatch(struct daemon *d)
{
	struct cpus_watch *w = d->cpus;

	if (!w)
		return;
	if (w->event)
		event_free(w->event);
	if (w->fd >= 0)
		close(w->fd);
	free(w);
	d->cpus = NULL;
}
