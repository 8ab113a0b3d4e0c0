// SPDX-License-Identifier: GPL-2.0-only
/* The daemon's part of `verify`: reads the request, forks, reaps, says how it ended. */
#include "verify.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "../include/control.h"
#include "audit.h"
#include "log.h"
#include "verify_run.h"

enum {
	SAMPLES_DEFAULT = 20000,
	SAMPLES_MAX = 1000000,
	NICENESS = 10, /* the daemon first */
};

struct verify_child {
	struct reply *reply;	      /* NULL: the client is gone */
	struct verify_result *result; /* shared with the child */
	struct verify_options options;
	pid_t pid; /* 0: the maps are being repaired first */
	int pidfd;
	struct event *event;
};

/* ---- the request ----------------------------------------------------------------------- */

static int parse_addresses(const json_t *list, struct reply *reply, struct verify_options *ret)
{
	size_t n = json_array_size(list);
	struct in_addr addr;

	ret->addresses = n ? calloc(n, sizeof(*ret->addresses)) : NULL;
	if (n && !ret->addresses)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		const char *text = json_string_value(json_array_get(list, i));

		if (!text || inet_pton(AF_INET, text, &addr) != 1)
			return reply_error(reply, EXIT_USAGE, "'%.64s': not an IPv4 address",
					   text ? text : "");
		ret->addresses[i] = ntohl(addr.s_addr);
	}
	ret->n_addresses = n;
	return 0;
}

static int parse_request(const json_t *args, struct reply *reply, struct verify_options *ret)
{
	const json_t *samples = json_object_get(args, "samples");

	ret->samples = SAMPLES_DEFAULT;
	ret->repair = json_is_true(json_object_get(args, "repair"));
	if (samples && (!json_is_integer(samples) || json_integer_value(samples) < 0 ||
			json_integer_value(samples) > SAMPLES_MAX))
		return reply_error(reply, EXIT_USAGE, "samples: not a number up to %d",
				   SAMPLES_MAX);
	if (samples)
		ret->samples = json_integer_value(samples);
	return parse_addresses(json_object_get(args, "addresses"), reply, ret);
}

/* ---- the child ------------------------------------------------------------------------- */

static void forget(struct daemon *d)
{
	struct verify_child *child = d->verify;

	if (child->event)
		event_free(child->event);
	if (child->pidfd >= 0)
		close(child->pidfd);
	if (child->result)
		munmap(child->result, sizeof(*child->result));
	free(child->options.addresses);
	free(child);
	d->verify = NULL;
}

static void on_client_gone(struct daemon *d)
{
	d->verify->reply = NULL; /* the child notices by itself */
}

/* The end of the answer: then the next one may begin. */
static void finish(struct daemon *d, int status)
{
	struct verify_child *child = d->verify;
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILED;

	if (WIFSIGNALED(status)) {
		log_error("verify: ended by signal %d, nothing is known", WTERMSIG(status));
		snprintf(child->result->error, sizeof(child->result->error),
			 "verify: ended by signal %d, nothing is known", WTERMSIG(status));
	}
	if (!child->reply)
		return;
	if (code == EXIT_FAILED)
		reply_error(child->reply, code, "%s", child->result->error);
	else
		reply_exit(child->reply, code);
	reply_resume(child->reply, true);
}

static void on_ended(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *d = arg;
	int status = 0;

	(void)fd;
	(void)what;
	if (waitpid(d->verify->pid, &status, 0) == d->verify->pid)
		finish(d, status);
	forget(d);
}

/* The daemon's handlers must not run here: they write into its event loop's pipe. */
static void become_child(pid_t parent)
{
	const int caught[] = { SIGTERM, SIGINT, SIGHUP };
	sigset_t none;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(EXIT_FAILED);
	for (size_t i = 0; i < sizeof(caught) / sizeof(caught[0]); i++)
		signal(caught[i], SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (nice(NICENESS) == -1)
		errno = 0; /* then at the daemon's own priority */
}

static pid_t fork_child(struct daemon *d, int fd)
{
	pid_t parent = getpid(), pid;
	sigset_t all, before;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	pid = fork();
	if (pid == 0) {
		become_child(parent);
		_exit(verify_run(d, &d->verify->options, fd, d->verify->result));
	}
	if (pid < 0)
		pid = -errno;
	sigprocmask(SIG_SETMASK, &before, NULL);
	return pid;
}

static int watch(struct daemon *d)
{
	struct verify_child *child = d->verify;

	child->pidfd = (int)syscall(SYS_pidfd_open, child->pid, 0);
	if (child->pidfd < 0)
		return -errno;
	child->event = event_new(d->base, child->pidfd, EV_READ, on_ended, d);
	return child->event && !event_add(child->event, NULL) ? 0 : -ENOMEM;
}

static void stop(struct daemon *d)
{
	kill(d->verify->pid, SIGKILL);
	waitpid(d->verify->pid, NULL, 0);
	forget(d);
}

/* Nothing is left of it after a failure. */
static int start(struct daemon *d, struct reply *reply)
{
	pid_t pid;
	int err;

	d->verify->result->user_changed = false;
	pid = fork_child(d, reply_fd(reply));
	if (pid < 0) {
		forget(d);
		return pid;
	}
	d->verify->pid = pid;
	err = watch(d);
	if (err)
		stop(d);
	return err;
}

static void on_repaired(struct daemon *d)
{
	struct reply *reply = d->verify->reply;
	int err;

	if (!reply) {
		forget(d);
		return;
	}
	err = start(d, reply);
	if (!err)
		return;
	reply_error(reply, EXIT_FAILED, "verify: %s, nothing is known", strerror(-err));
	reply_resume(reply, false);
}

void verify_user_changed(struct daemon *d)
{
	if (d->verify)
		__atomic_store_n(&d->verify->result->user_changed, true, __ATOMIC_RELAXED);
}

void verify_stop(struct daemon *d)
{
	if (!d->verify)
		return;
	audit_forget(d, on_repaired);
	if (d->verify->pid) {
		kill(d->verify->pid, SIGKILL);
		waitpid(d->verify->pid, NULL, 0);
	}
	if (d->verify->reply)
		reply_defer(d->verify->reply, NULL);
	forget(d);
}

/* The options are the child's from here on. */
static int prepare(struct daemon *d, struct verify_options *options)
{
	d->verify = calloc(1, sizeof(*d->verify));
	if (!d->verify)
		return -ENOMEM;
	d->verify->options = *options;
	options->addresses = NULL;
	d->verify->pidfd = -1;
	d->verify->result = mmap(NULL, sizeof(*d->verify->result), PROT_READ | PROT_WRITE,
				 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (d->verify->result != MAP_FAILED)
		return 0;
	d->verify->result = NULL;
	forget(d);
	return -ENOMEM;
}

/* Everything there is about the maps, from the kernel's side. Then the audit goes over the maps. */
static int repair_first(struct daemon *d, struct reply *reply)
{
	int err = sync_resync(d, "repair");

	if (err) {
		forget(d);
		return err;
	}
	d->verify->reply = reply;
	reply_defer(reply, on_client_gone);
	audit_run(d, on_repaired);
	return 0;
}

int verify_request(struct daemon *d, const json_t *args, struct reply *reply)
{
	struct verify_options options = { 0 };
	int err;

	if (d->verify)
		return reply_error(reply, EXIT_FAILED,
				   "verify: another one is running, try again later");
	err = parse_request(args, reply, &options);
	if (!err)
		err = prepare(d, &options);
	free(options.addresses);
	if (err)
		return err;
	if (d->verify->options.repair)
		return repair_first(d, reply);
	err = start(d, reply);
	if (err)
		return err;
	d->verify->reply = reply;
	reply_defer(reply, on_client_gone);
	return 0;
}
