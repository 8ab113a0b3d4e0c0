// SPDX-License-Identifier: GPL-2.0-only
/*
 * ebpf-routed: start, run, end.
 *
 * Exit code 0 after SIGTERM or SIGINT, 1 for a wrong command line or configuration, 2 where the
 * start failed; then nothing is left attached, pinned or listening.
 */
#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include "clock.h"
#include "log.h"
#include "notify.h"
#include "route_files.h"
#include "route_state.h"
#include "start.h"
#include "sync_guard.h"

#define N_SIGNALS 3

static void say_libevent(int severity, const char *text)
{
	(void)severity;
	log_debug("libevent: %s", text);
}

static void say_ready(const struct daemon *d)
{
	struct fib_counts fib;
	unsigned int attached = 0;

	fib_counts(d->fib, &fib);
	for (uint32_t i = attach_next(d->attachments, 0); i; i = attach_next(d->attachments, i))
		attached += attach_hook(d->attachments, i) != HOOK_NONE;
	printf("ebpf-routed " VERSION
	       " ready: instance %s, engine %s, %u routes, %u neighbours, %u interfaces, %.3f s\n",
	       d->instance.name, datapath_engine_name(d->datapath), fib.routes, fib.neighbours,
	       attached, (now_ns() - d->started_ns) / 1e9);
	fflush(stdout);
	notify_manager("READY=1");
	if (!attached)
		log_warning("daemon: no interface attached, waiting for one that fits");
}

/* ---- signals ------------------------------------------------------------------------- */

static void on_end(evutil_socket_t signal_number, short what, void *arg)
{
	struct daemon *d = arg;
	const char *name = signal_number == SIGTERM ? "SIGTERM" : "SIGINT";
	uint32_t going = d->config.keep ? 0 : route_files_beside(d);

	(void)what;
	if (going)
		log_info(
			"%s: ending, %u user routes set at run time go with it; `ebpf-route save` keeps them",
			name, going);
	else
		log_info("%s: ending", name);
	event_base_loopbreak(d->base);
}

/* SIGHUP: the settings that can change while running take effect, the others are named. */
static void on_reload(evutil_socket_t signal_number, short what, void *arg)
{
	struct daemon *d = arg;
	struct config fresh;
	char others[256];

	(void)signal_number;
	(void)what;
	notify_manager("RELOADING=1");
	if (config_read(&fresh, d->argc, d->argv)) {
		log_error("reload: the configuration is not valid, keeping the one in force");
	} else {
		bool ignored = d->config.ignore_netfilter;

		if (*config_adopt(&d->config, &fresh, others, sizeof(others)))
			log_warning("reload: %s: changed, takes effect at the next start only",
				    others);
		log_open("ebpf-routed", d->config.verbose);
		if (d->config.ignore_netfilter != ignored) {
			guard_stop(d);
			mirror_set_hold(d->mirror, 0);
			if (guard_start(d))
				mirror_set_hold(d->mirror, VERDICT_netfilter);
		}
		attach_reconsider(d->attachments, d->mirror);
		sync_links_changed(d);
		sync_resync(d, "reload");
		route_files_reload(d);
		route_state_rewrite(d);
		log_info("reload: done%s",
			 route_files_error(d) ? ", but for the user routes, which are as before"
					      : "");
	}
	config_free(&fresh);
	notify_manager("READY=1");
}

/* From here on a signal waits for the loop, so that a start is never left half done. */
static int catch_signals(struct daemon *d, struct event *events[N_SIGNALS])
{
	const struct {
		int number;
		event_callback_fn function;
	} signals[N_SIGNALS] = { { SIGTERM, on_end }, { SIGINT, on_end }, { SIGHUP, on_reload } };

	for (int i = 0; i < N_SIGNALS; i++) {
		events[i] = evsignal_new(d->base, signals[i].number, signals[i].function, d);
		if (!events[i] || event_add(events[i], NULL)) {
			log_error("daemon: signals cannot be caught, not started");
			return -ENOMEM;
		}
	}
	return 0;
}

static int run(struct daemon *d)
{
	struct event *events[N_SIGNALS] = { NULL };
	int err = catch_signals(d, events);

	if (!err)
		err = daemon_start(d);
	if (!err) {
		route_files_ready(d);
		say_ready(d);
		err = event_base_dispatch(d->base) < 0 ? -EIO : 0;
		if (!err && !d->config.keep)
			route_state_forget(d);
	}
	for (int i = 0; i < N_SIGNALS; i++)
		if (events[i])
			event_free(events[i]);
	return err;
}

/* ---- main ---------------------------------------------------------------------------- */

/*
 * Long lists go back to the system when they are freed. Left alone, malloc() would take them from the
 * heap once the first of them was freed, where what is allocated behind them keeps their room for good.
 */
static void keep_heap_small(void)
{
	enum { LONG_LIST = 256 << 10 }; /* bytes */

	mallopt(M_MMAP_THRESHOLD, LONG_LIST);
}

int main(int argc, char **argv)
{
	struct daemon d = {
		.argc = argc, .argv = argv, .instance.lock_fd = -1, .started_ns = now_ns()
	};
	int err;

	keep_heap_small();
	log_open("ebpf-routed", false);
	signal(SIGPIPE, SIG_IGN);
	err = config_read(&d.config, argc, argv);
	if (!err && d.config.check_only)
		err = route_files_check(&d);
	if (err || d.config.check_only) {
		config_free(&d.config);
		return err < 0 ? EXIT_USAGE : EXIT_DONE;
	}
	log_open("ebpf-routed", d.config.verbose);
	event_set_log_callback(say_libevent);
	d.base = event_base_new();
	if (!d.base)
		log_error("daemon: no event loop, not started");
	err = d.base ? run(&d) : -ENOMEM;
	daemon_stop(&d, !err && d.config.keep);
	if (d.base)
		event_base_free(d.base);
	config_free(&d.config);
	return err ? EXIT_FAILED : EXIT_DONE;
}
