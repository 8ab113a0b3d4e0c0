// SPDX-License-Identifier: GPL-2.0-only
/*
 * Keeps the maps equal to the kernel: notifications in, mirror applied, differences written.
 *
 * recv -> decode -> mirror_apply until the socket is empty; then once fib_sync. A dump takes the
 * same path: mark, dump, apply, sweep; it follows overruns, events whose consequences the kernel
 * does not announce (debounced), a lease that ran out, and a slow timer. The lease is renewed only
 * while the mirror can be trusted.
 */
#include "daemon.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include "log.h"
#include "route_files.h"
#include "route_state.h"
#include "sync_cpus.h"
#include "sync_foreign.h"
#include "sync_guard.h"
#include "sync_links.h"
#include "sync_refresh.h"
#include "sync_rules.h"
#include "sync_transmit.h"
#include "sync_wanted.h"
#include "sysctl.h"

enum {
	RECEIVE_BUDGET = 32768,	 /* messages before the maps are written in between */
	LOOP_ROUNDS = 4,	 /* budgets before others get their turn */
	SETTLE_ROUNDS = 64,	 /* more than any receive buffer holds */
	KEEPALIVE_EVENTS = 4096, /* events between looks at the clock */
	DEBOUNCE_MS = 50,	 /* from a silent event to the dump that confirms it */
	RETRY_MS = 1000,	 /* after a dump that failed */
};

struct sync {
	struct event *netlink_event, *features_event, *lease_timer, *resync_timer, *periodic_timer;
	struct sync_counts counts;
	struct log_limit overrun_limit, refused_limit, failure_limit;
	unsigned long refused_said;
	unsigned int since_keepalive;
	uint64_t lease_renewed_ns;
	uint64_t last_resync_end_ns;
	struct changed_links changed; /* since programs and settings were last seen to */
	bool resync_pending; /* asked for, or failed: the mirror may be wrong until it is done */
	bool overrun;	     /* notifications were lost and no dump has been applied since */
	char pending_why[96];
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

static struct timeval milliseconds(unsigned int ms)
{
	return (struct timeval){ .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };
}

static bool extend_lease(struct daemon *d)
{
	bool valid = datapath_extend_lease(d->datapath, d->config.lease);

	if (valid)
		d->sync->lease_renewed_ns = now_ns();
	return valid;
}

void sync_keep_alive(struct daemon *d)
{
	uint64_t third = d->config.lease * 1000000000ULL / 3;

	d->sync->since_keepalive = 0;
	if (d->sync->lease_renewed_ns && now_ns() - d->sync->lease_renewed_ns > third)
		extend_lease(d);
}

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

static int on_event(void *ctx, const struct event *ev)
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

static void schedule_resync(struct daemon *d, const char *why, bool at_once)
{
	struct sync *s = d->sync;
	unsigned int ms = at_once ? 0 : DEBOUNCE_MS;
	struct timeval delay;
	uint64_t since;

	if (s->resync_pending)
		return;
	/* Dumps take at most a third of the time, however often links flap or messages are lost. */
	since = (now_ns() - s->last_resync_end_ns) / 1000;
	if (since < 2 * s->counts.last_resync_us &&
	    (2 * s->counts.last_resync_us - since) / 1000 > ms)
		ms = (2 * s->counts.last_resync_us - since) / 1000;
	delay = milliseconds(ms);
	snprintf(s->pending_why, sizeof(s->pending_why), "%s", why);
	s->resync_pending = true;
	if (s->resync_timer)
		evtimer_add(s->resync_timer, &delay);
}

static void read_settings(struct daemon *d)
{
	sysctl_read(d->mirror);
	redirects_look(d);
	cpus_look(d);
	datapath_keep_priority(d->datapath, sysctl_keeps_priority());
}

static int write_maps(struct daemon *d)
{
	int err = fib_sync(d->fib);

	wanted_look(d);
	if (err >= 0)
		return 0;
	if (log_allowed(&d->sync->failure_limit))
		log_error("maps: not written completely: %s, trying again", strerror(-err));
	return err;
}

/* After a batch: maps, then programs on links that came or went, then what only a dump can tell. */
static int flush(struct daemon *d)
{
	struct sync *s = d->sync;
	const char *why;
	int err;

	err = write_maps(d);
	if (is_changed(&s->changed) && s->counts.synced) {
		sync_attach(d, false);
		sysctl_read_changed(d->mirror, &s->changed);
		redirects_look(d);
		s->changed = (struct changed_links){ 0 };
		if (!err)
			err = write_maps(d);
	}
	if (mirror_wants_resync(d->mirror, &why))
		schedule_resync(d, why, false);
	return err;
}

/* ---- reading ------------------------------------------------------------------------- */

static void note_refused(struct daemon *d)
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

static void note_overrun(struct daemon *d)
{
	struct sync *s = d->sync;

	s->counts.overruns++;
	s->overrun = true;
	mirror_lost(d->mirror);
	if (log_allowed(&s->overrun_limit))
		log_warning("netlink: notifications lost (receive buffer of %zu bytes overran), "
			    "comparing with a full dump",
			    netlink_rcvbuf(d->netlink));
	schedule_resync(d, "notifications lost", true);
}

/* Applies and writes what is in the socket now, at most that many budgets of it. */
static int drain(struct daemon *d, int rounds)
{
	struct sync *s = d->sync;
	uint64_t begin = now_ns();
	int n, err = 0;

	do {
		links_look(d);
		transmit_look(d);
		n = netlink_receive(d->netlink, RECEIVE_BUDGET, on_event, d);
		if (n >= 0 && n < RECEIVE_BUDGET && !s->overrun)
			mirror_caught_up(d->mirror);
		if (n == -ENOBUFS) {
			note_overrun(d);
			n = 1; /* what is left in the socket is still good news */
			continue;
		}
		if (n < 0) {
			if (log_allowed(&s->failure_limit))
				log_error(
					"netlink: receiving failed: %s, comparing with a full dump",
					strerror(-n));
			mirror_lost(d->mirror);
			schedule_resync(d, "receiving failed", false);
			err = n;
		}
		if (flush(d))
			err = -EIO;
	} while (n > 0 && --rounds > 0);
	note_refused(d);
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
	n = netlink_features_receive(d->features, on_event, d);
	if (n == -ENOBUFS)
		n = netlink_features_dump(d->features, on_event, d);
	return n <= 0 ? n : flush(d);
}

/* ---- mark, dump, apply, sweep -------------------------------------------------------- */

/* What was announced during a dump is applied before anything is written, see mirror_resync_begin(). */
static int replay(struct daemon *d)
{
	int n;

	do {
		n = netlink_receive(d->netlink, RECEIVE_BUDGET, on_event, d);
		if (n == -ENOBUFS)
			note_overrun(d);
	} while (n > 0 || n == -ENOBUFS);
	return n;
}

int sync_resync(struct daemon *d, const char *why)
{
	struct sync *s = d->sync;
	uint64_t begin = now_ns();
	struct timeval retry = milliseconds(RETRY_MS);
	bool had_overrun = s->overrun;
	int err = 0;

	if (s->resync_timer)
		evtimer_del(s->resync_timer);
	s->overrun = false; /* one that comes during the dump counts again */
	read_settings(d);
	mirror_resync_begin(d->mirror);
	if (d->features)
		err = netlink_features_dump(d->features, on_event, d);
	if (!err)
		err = netlink_dump(d->netlink, on_event, d);
	if (!err)
		err = redirects_resync(d);
	if (err) {
		if (log_allowed(&s->failure_limit))
			log_error("netlink: dump failed: %s, trying again in %d ms", strerror(-err),
				  RETRY_MS);
		s->overrun |= had_overrun;
		s->resync_pending = true;
		if (s->resync_timer)
			evtimer_add(s->resync_timer, &retry);
		return err;
	}
	s->resync_pending = false;
	err = replay(d);
	links_look(d); /* what it finds now has been read, or will be */
	if (!err)
		err = replay(d);
	if (!err && !s->overrun)
		mirror_caught_up(d->mirror);
	mirror_resync_end(d->mirror);
	if (err)
		mirror_lost(d->mirror);
	else if (!s->overrun)
		rules_ask(d->mirror);
	s->changed.all = true;
	s->counts.resyncs++;
	if (flush(d))
		err = -EIO;
	note_refused(d);
	s->last_resync_end_ns = now_ns();
	s->counts.last_resync_us = (s->last_resync_end_ns - begin) / 1000;
	log_debug("resync: %s: done in %llu us", why, (unsigned long long)s->counts.last_resync_us);
	return err;
}

int sync_read(struct daemon *d)
{
	/* What devices can transmit is told by a socket of its own. */
	int err = drain_features(d);

	return err ? err : drain(d, LOOP_ROUNDS);
}

int sync_settle(struct daemon *d, double seconds)
{
	uint64_t begin = now_ns();
	struct sync *s = d->sync;
	int err = drain_features(d);

	guard_refresh(d);
	read_settings(d);
	if (!err)
		err = drain(d, SETTLE_ROUNDS);
	/* What arrives during a dump may ask for the next one. */
	while (!err && s->resync_pending) {
		if (now_ns() - begin > seconds * 1e9)
			return -ETIMEDOUT;
		err = sync_resync(d, s->pending_why);
	}
	return err;
}

/* ---- the loop's events --------------------------------------------------------------- */

static void on_netlink(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	drain(arg, LOOP_ROUNDS);
}

static void on_features(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	drain_features(arg);
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
}

/*
 * After a dump. The lease counts from a time at which the mirror was known to be right: if the daemon is stopped
 * after it, this grants nothing when the daemon goes on.
 */
static void renew_lease(struct daemon *d)
{
	uint64_t begin = now_ns();

	drain(d, 1);
	datapath_grant_lease(d->datapath, begin, d->config.lease);
	d->sync->lease_renewed_ns = begin;
}

/* It ran out: whatever was announced meanwhile may be lost, and is not waited for. */
static int recover_lease(struct daemon *d)
{
	int err;

	log_warning(
		"lease: ran out: the daemon was stopped or too busy, forwarding again after a full sync");
	redirects_doubt(d);
	err = sync_resync(d, "lease ran out");
	if (!err && !d->sync->overrun)
		renew_lease(d);
	return err;
}

static void on_lease_timer(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *d = arg;

	(void)fd;
	(void)what;
	/* With notifications lost and no dump since the maps may be wrong: let the lease run out. */
	if (!d->sync->overrun ? !extend_lease(d) : !datapath_lease_valid(d->datapath)) {
		if (recover_lease(d))
			return;
	}
	if (mirror_any_stopped(d->mirror))
		drain(d, 1);
	guard_refresh(d);
	refresh_neighbours(d);
	fib_reclaim(d->fib, true);
	read_settings(d);
	write_maps(d);
}

static int make_events(struct daemon *d)
{
	struct sync *s = d->sync;
	struct timeval lease = milliseconds(d->config.lease * 1000 / 3);
	struct timeval periodic = { .tv_sec = d->config.resync_interval };

	s->netlink_event =
		event_new(d->base, netlink_fd(d->netlink), EV_READ | EV_PERSIST, on_netlink, d);
	s->lease_timer = event_new(d->base, -1, EV_PERSIST, on_lease_timer, d);
	s->resync_timer = evtimer_new(d->base, on_resync_timer, d);
	s->periodic_timer = event_new(d->base, -1, EV_PERSIST, on_periodic_timer, d);
	if (d->features)
		s->features_event = event_new(d->base, netlink_features_fd(d->features),
					      EV_READ | EV_PERSIST, on_features, d);
	if (!s->netlink_event || !s->lease_timer || !s->resync_timer || !s->periodic_timer ||
	    (d->features && !s->features_event) || event_add(s->netlink_event, NULL) ||
	    event_add(s->lease_timer, &lease) ||
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

	links_watch(d);
	cpus_watch(d);
	err = sync_resync(d, "start");
	if (err) {
		log_error("daemon: first sync failed: %s, not started", strerror(-err));
		return err;
	}
	read_settings(d); /* of the links that are known now */
	set_hooks(d, attach_left);
	err = route_files_start(d); /* no packet goes by the kernel's routes alone */
	if (err)
		return err;
	err = route_state_start(d);
	if (err)
		return err;
	renew_lease(d); /* before the programs see packets: a restart must not pass any as stale */
	err = foreign_start(d);
	if (!err)
		err = sync_attach(d, true);
	if (err)
		return err;
	set_hooks(d, attach_hook);
	read_settings(d); /* of what is attached now */
	s->changed = (struct changed_links){ 0 };
	err = write_maps(d);
	if (!err)
		err = make_events(d);
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
	if (s->resync_pending && !err) {
		s->resync_pending = false;
		schedule_resync(d, s->pending_why, false);
	}
	return err;
}

void sync_counts(const struct daemon *d, struct sync_counts *ret)
{
	*ret = d->sync->counts;
	ret->synced = d->sync->counts.synced && !d->sync->overrun;
}

void sync_stop(struct daemon *d)
{
	struct sync *s = d->sync;
	struct event *all[5];

	wanted_stop(d);
	transmit_stop(d);
	cpus_unwatch(d);
	if (!s)
		return;
	all[0] = s->netlink_event;
	all[1] = s->features_event;
	all[2] = s->lease_timer;
	all[3] = s->resync_timer;
	all[4] = s->periodic_timer;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (all[i])
			event_free(all[i]);
	free(s);
	d->sync = NULL;
}
