// SPDX-License-Identifier: GPL-2.0-only
/*
 * Keeps the maps equal to the kernel: notifications in, mirror applied, differences written.
 *
 * recv -> decode -> mirror_apply until the socket is empty; then once fib_sync. A dump takes the
 * same path (sync_resync.c); it follows overruns, events whose consequences the kernel does not
 * announce (debounced), a lease that ran out, and a slow timer. The lease (sync_lease.c) is renewed
 * only while the mirror can be trusted.
 */
#include "sync_internal.h"

#include <errno.h>
#include <stdlib.h>
#include "audit.h"
#include "route_files.h"
#include "route_state.h"
#include "sync_attach.h"
#include "sync_cpus.h"
#include "sync_foreign.h"
#include "sync_guard.h"
#include "sync_links.h"
#include "sync_refresh.h"
#include "sync_transmit.h"
#include "sync_wanted.h"

enum {
	LOOP_ROUNDS = 4,	 /* budgets before others get their turn */
	SETTLE_ROUNDS = 64,	 /* more than any receive buffer holds */
	KEEPALIVE_EVENTS = 4096, /* events between looks at the clock */
};

/* A dump tells of all links, and netconf of `all` below 0. */
static void note_changed(struct sync *s, const struct event *ev)
{
	if (ev->op == EVENT_DUMP)
		return;
	if (ev->kind == EVENT_LINK)
		changed_links_add(&s->changed, ev->link.ifindex);
	else if (ev->kind == EVENT_NETCONF)
		changed_links_add(&s->changed, ev->netconf.ifindex > 0 ? ev->netconf.ifindex : 0);
}

static bool is_changed(const struct changed_links *changed)
{
	return changed->n || changed->all;
}

int sync_on_event(void *ctx, const struct event *ev)
{
	struct daemon *d = ctx;
	struct sync *s = d->sync;
	int err;

	s->counts.events++;
	if (++s->since_keepalive >= KEEPALIVE_EVENTS)
		sync_keep_alive(d);
	note_changed(s, ev);
	err = mirror_apply(d->mirror, ev);
	if (err && log_allowed(&s->failure_limit))
		log_warning("mirror: event not applied: %s, comparing with a full dump soon",
			    strerror(-err));
	return 0;
}

/* ---- writing ------------------------------------------------------------------------- */

void sync_read_settings(struct daemon *d)
{
	sysctl_read(d->mirror);
	redirects_look(d);
	cpus_look(d);
	datapath_keep_priority(d->datapath, sysctl_keeps_priority());
}

int sync_write(struct daemon *d)
{
	int err = fib_sync(d->fib);

	wanted_look(d);
	if (err >= 0)
		return 0;
	if (log_allowed(&d->sync->failure_limit))
		log_error("maps: not written completely: %s, trying again", strerror(-err));
	return err;
}

/* A turn of attaching what links and configuration want now; the rest soon, after whatever else is due. */
static int attach_changed(struct daemon *d)
{
	const struct timeval soon = milliseconds(1);
	struct sync *s = d->sync;

	if (sync_attach(d, false) > 0) {
		event_add(s->attach_timer, &soon);
	} else {
		sysctl_read_changed(d->mirror, &s->changed);
		redirects_look(d);
		s->changed = (struct changed_links){ 0 };
	}
	return sync_write(d);
}

/* After a batch: maps, then programs on links that came or went, then what only a dump can tell. */
int sync_flush(struct daemon *d)
{
	int err = sync_write(d), err_attach = 0;
	struct sync *s = d->sync;
	const char *why;

	if (is_changed(&s->changed) && s->counts.synced && !evtimer_pending(s->attach_timer, NULL))
		err_attach = attach_changed(d);
	if (mirror_wants_resync(d->mirror, &why))
		sync_schedule(d, why);
	return err ? err : err_attach;
}

void sync_links_changed(struct daemon *d)
{
	d->sync->changed.all = true;
}

/* ---- reading ------------------------------------------------------------------------- */

void sync_note_refused(struct daemon *d)
{
	struct sync *s = d->sync;
	const char *reason;
	unsigned long refused = netlink_refused(d->netlink, &reason);

	if (refused == s->refused_said)
		return;
	if (log_allowed(&s->refused_limit))
		log_warning("netlink: %lu messages not understood: %s, they are left out",
			    refused - s->refused_said, reason);
	s->refused_said = refused;
}

/* Applies and writes what is in the socket now, at most that many budgets of it. */
int sync_drain(struct daemon *d, int rounds)
{
	struct sync *s = d->sync;
	uint64_t begin = now_ns();
	int n, err = 0;

	do {
		links_look(d);
		guard_look(d);
		transmit_look(d);
		n = netlink_receive(d->netlink, RECEIVE_BUDGET, sync_on_event, d);
		if (n >= 0 && n < RECEIVE_BUDGET && !s->lost.any)
			mirror_caught_up(d->mirror);
		if (n == -ENOBUFS) {
			sync_note_overrun(d);
			n = 1; /* what is left in the socket is still good news */
			continue;
		}
		if (n < 0) {
			if (log_allowed(&s->failure_limit))
				log_error(
					"netlink: receiving failed: %s, comparing with a full dump",
					strerror(-n));
			mirror_lost(d->mirror);
			sync_schedule(d, "receiving failed");
			err = n;
		}
		if (sync_flush(d))
			err = -EIO;
	} while (n > 0 && --rounds > 0);
	sync_note_refused(d);
	s->counts.lag_us = (now_ns() - begin) / 1000;
	if (s->counts.lag_us > s->counts.lag_max_us)
		s->counts.lag_max_us = s->counts.lag_us;
	return err;
}

static int drain_features(struct daemon *d)
{
	int n;

	if (!d->features)
		return 0;
	transmit_look(d);
	n = netlink_features_receive(d->features, sync_on_event, d);
	if (n == -ENOBUFS)
		n = netlink_features_dump(d->features, sync_on_event, d);
	return n <= 0 ? n : sync_flush(d);
}

int sync_read(struct daemon *d)
{
	/* What devices can transmit is told by a socket of its own. */
	int err = drain_features(d);

	return err ? err : sync_drain(d, LOOP_ROUNDS);
}

int sync_settle(struct daemon *d, double seconds)
{
	uint64_t begin = now_ns();
	struct sync *s = d->sync;
	int err = drain_features(d);

	guard_settle(d);
	sync_read_settings(d);
	if (!err)
		err = sync_drain(d, SETTLE_ROUNDS);
	/* What arrives during a dump may ask for the next one, links that came are attached in turns. */
	while (!err && (s->resync_pending || is_changed(&s->changed))) {
		if (now_ns() - begin > seconds * 1e9)
			return -ETIMEDOUT;
		if (s->resync_pending) {
			err = sync_resync(d, s->pending_why);
		} else {
			err = attach_changed(d);
			if (!err)
				err = sync_drain(d, 1);
		}
		sync_tend(d);
	}
	return err;
}

/* ---- the loop's events --------------------------------------------------------------- */

static void on_netlink(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	sync_drain(arg, LOOP_ROUNDS);
}

static void on_features(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	drain_features(arg);
}

static void on_attach_timer(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *d = arg;

	(void)fd;
	(void)what;
	if (is_changed(&d->sync->changed))
		attach_changed(d);
}

static void on_resync_timer(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *d = arg;

	(void)fd;
	(void)what;
	sync_resync(d, d->sync->pending_why);
}

static void on_periodic_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	redirects_doubt(arg);
	sync_resync(arg, "periodic");
	audit_run(arg, NULL);
}

static void on_lease_timer(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *d = arg;

	(void)fd;
	(void)what;
	if (sync_hold_lease(d))
		sync_look_around(d);
	/* In the same wake-up. First what became of the links themselves. */
	sync_read(d);
	foreign_look(d);
}

static int make_events(struct daemon *d)
{
	struct sync *s = d->sync;
	struct timeval lease = milliseconds(d->config.lease * 1000 / 3);
	struct timeval periodic = { .tv_sec = d->config.resync_interval };

	s->netlink_event =
		event_new(d->base, netlink_fd(d->netlink), EV_READ | EV_PERSIST, on_netlink, d);
	s->lease_timer = event_new(d->base, -1, EV_PERSIST, on_lease_timer, d);
	s->attach_timer = evtimer_new(d->base, on_attach_timer, d);
	s->resync_timer = evtimer_new(d->base, on_resync_timer, d);
	s->periodic_timer = event_new(d->base, -1, EV_PERSIST, on_periodic_timer, d);
	if (d->features)
		s->features_event = event_new(d->base, netlink_features_fd(d->features),
					      EV_READ | EV_PERSIST, on_features, d);
	if (!s->netlink_event || !s->attach_timer || !s->lease_timer || !s->resync_timer ||
	    !s->periodic_timer || (d->features && !s->features_event) ||
	    event_add(s->netlink_event, NULL) || event_add(s->lease_timer, &lease) ||
	    (d->config.resync_interval && event_add(s->periodic_timer, &periodic)) ||
	    (s->features_event && event_add(s->features_event, NULL)))
		return -ENOMEM;
	return 0;
}

/*
 * What a port can do depends on its hook where the kernel does not tell its features (before 6.3). The maps are
 * to say it before a program reads them: the hook is taken to be as it was.
 */
static void set_hooks(struct daemon *d, enum hook (*hook)(const struct attachments *, uint32_t))
{
	const struct mirror_link *link = mirror_next_link(d->mirror, 0);

	for (; link; link = mirror_next_link(d->mirror, link->e.ifindex))
		mirror_set_hook(d->mirror, link->e.ifindex, hook(d->attachments, link->e.ifindex));
}

int sync_start(struct daemon *d)
{
	struct sync *s = calloc(1, sizeof(*s));
	int err;

	if (!s) {
		log_error("daemon: out of memory, not started");
		return -ENOMEM;
	}
	d->sync = s;
	s->overrun_limit = LOG_LIMIT(1, 10);
	s->refused_limit = LOG_LIMIT(1, 60);
	s->failure_limit = LOG_LIMIT(3, 10);
	s->full_limit = LOG_LIMIT(4, 60);

	links_watch(d);
	cpus_watch(d);
	err = sync_resync(d, "start");
	if (err) {
		log_error("daemon: first sync failed: %s, not started", strerror(-err));
		return err;
	}
	sync_read_settings(d); /* of the links that are known now */
	set_hooks(d, attach_left);
	err = route_files_start(d); /* no packet goes by the kernel's routes alone */
	if (err)
		return err;
	err = route_state_start(d);
	if (err)
		return err;
	sync_renew_lease(
		d); /* before the programs see packets: a restart must not pass any as stale */
	err = sync_check_names(d);
	if (!err)
		err = foreign_start(d);
	if (!err)
		err = sync_attach_all(d);
	if (err)
		return err;
	guard_refresh(d);
	set_hooks(d, attach_hook);
	sync_read_settings(d); /* of what is attached now */
	s->changed = (struct changed_links){ 0 };
	err = sync_write(d);
	if (!err)
		err = make_events(d);
	if (!err)
		err = audit_init(d);
	if (!err)
		err = wanted_start(d);
	if (!err)
		err = transmit_start(d);
	if (err)
		log_error("daemon: first sync failed: %s, not started", strerror(-err));
	else
		s->counts.synced = true;
	if (!err)
		foreign_look(d);
	if (!err)
		sync_schedule_again(d);
	return err;
}

void sync_counts(const struct daemon *d, struct sync_counts *ret)
{
	*ret = d->sync->counts;
	ret->synced = d->sync->counts.synced && !d->sync->lost.any;
}

void sync_stop(struct daemon *d)
{
	struct sync *s = d->sync;
	struct event *all[6];

	wanted_stop(d);
	transmit_stop(d);
	cpus_unwatch(d);
	audit_stop(d);
	if (!s)
		return;
	all[0] = s->netlink_event;
	all[1] = s->features_event;
	all[2] = s->lease_timer;
	all[3] = s->resync_timer;
	all[4] = s->periodic_timer;
	all[5] = s->attach_timer;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (all[i])
			event_free(all[i]);
	free(s);
	d->sync = NULL;
}
