// SPDX-License-Identifier: GPL-2.0-only
#include "descriptors.h"

#include <event2/event.h>
#include <event2/listener.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include "log.h"

enum { PAUSE_US = 200 * 1000 };

/* The most that the kernel allows anyone. */
static rlim_t system_limit(void)
{
	FILE *file = fopen("/proc/sys/fs/nr_open", "re");
	unsigned int limit = 0;

	if (file) {
		if (fscanf(file, "%u", &limit) != 1)
			limit = 0;
		fclose(file);
	}
	return limit ? limit : UINT_MAX;
}

unsigned int descriptors_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur > INT_MAX)
		return INT_MAX;
	return limit.rlim_cur;
}

unsigned int descriptors_raise(unsigned int ports)
{
	rlim_t wanted = (rlim_t)ports + DESCRIPTORS_EXTRA, most = system_limit();
	struct rlimit limit, raised;

	if (wanted > most)
		wanted = most;
	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur >= wanted)
		return descriptors_limit();
	raised.rlim_cur = wanted;
	raised.rlim_max = limit.rlim_max > wanted ? limit.rlim_max : wanted;
	if (setrlimit(RLIMIT_NOFILE, &raised)) {
		/* Not allowed: as far as anybody may go. */
		raised.rlim_max = limit.rlim_max;
		raised.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
		setrlimit(RLIMIT_NOFILE, &raised);
	}
	return descriptors_limit();
}

bool descriptors_left(unsigned int beside)
{
	int lowest = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);

	if (lowest < 0)
		return errno == EBADF; /* without stdin there is no telling */
	close(lowest);
	return (unsigned int)lowest + beside < descriptors_limit();
}

static void pause_until(struct evconnlistener *listener, event_callback_fn again)
{
	const struct timeval pause = { .tv_usec = PAUSE_US };

	evconnlistener_disable(listener);
	if (event_base_once(evconnlistener_get_base(listener), -1, EV_TIMEOUT, again, listener,
			    &pause))
		evconnlistener_enable(listener);
}

static void go_on(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	evconnlistener_enable(arg);
}

static void go_on_with_room(evutil_socket_t fd, short what, void *arg)
{
	if (descriptors_left(DESCRIPTORS_BESIDE_CLIENTS))
		go_on(fd, what, arg);
	else
		pause_until(arg, go_on_with_room);
}

void descriptors_wait(struct evconnlistener *listener)
{
	pause_until(listener, go_on_with_room);
}

static void on_error(struct evconnlistener *listener, void *arg)
{
	static struct log_limit limit = { .burst = 1, .seconds = 60 };
	int err = EVUTIL_SOCKET_ERROR();

	(void)arg;
	if (log_allowed(&limit))
		log_warning("daemon: a client cannot be accepted: %s, trying again until it can",
			    strerror(err));
	pause_until(listener, go_on);
}

void descriptors_spare(struct evconnlistener *listener)
{
	evconnlistener_set_error_cb(listener, on_error);
}
