// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dumps: mark, dump, apply, sweep; and when there is one.
 *
 * The first dump after an overrun begins at once. While overruns go on, the pause before each further one
 * doubles: the kernel is busy enough. A dump brings back what was lost only if nothing was lost during it.
 */
#include "sync_internal.h"

#include <errno.h>
#include "sync_links.h"
#include "sync_rules.h"

enum {
	DEBOUNCE_MS = 50,     /* from a silent event to the dump that confirms it */
	RETRY_MS = 1000,      /* after a dump that failed */
	FIRST_PAUSE_MS = 100, /* between the first two dumps after overruns */
	MAX_PAUSE_MS = 4000,  /* less than a lease */
	QUIET_MS = 1000, /* and twice the pause without an overrun: the next one is a first one */
};

/* ---- when ------------------------------------------------------------------------------ */

static void schedule(struct daemon *d, const char *why, unsigned int ms)
{
	struct sync *s = d->sync;
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

void sync_schedule(struct daemon *d, const char *why)
{
	schedule(d, why, DEBOUNCE_MS);
}

bool sync_is_due(const struct daemon *d)
{
	const struct sync *s = d->sync;
	uint64_t since = (now_ns() - s->last_resync_end_ns) / 1000;

	return s->resync_pending && since >= 2 * s->counts.last_resync_us &&
	       since >= (DEBOUNCE_MS + s->lost.pause_ms) * 1000ULL;
}

void sync_schedule_again(struct daemon *d)
{
	if (!d->sync->resync_pending)
		return;
	d->sync->resync_pending = false;
	sync_schedule(d, d->sync->pending_why);
}

static unsigned int next_pause(struct sync_lost *lost)
{
	unsigned int ms = lost->pause_ms;

	lost->pause_ms = !ms ? FIRST_PAUSE_MS : ms > MAX_PAUSE_MS / 2 ? MAX_PAUSE_MS : 2 * ms;
	return ms;
}

void sync_note_overrun(struct daemon *d)
{
	struct sync *s = d->sync;
	uint64_t now = now_ns();

	if (now - s->lost.last_ns > (QUIET_MS + 2ULL * s->lost.pause_ms) * 1000000)
		s->lost.pause_ms = 0;
	if (!s->lost.any) {
		s->lost.since_ns = now;
		s->lost.overruns = 0;
	}
	s->lost.any = true;
	s->lost.last_ns = now;
	s->lost.overruns++;
	s->counts.overruns++;
	s->overrun = true;
	mirror_lost(d->mirror);
	if (log_allowed(&s->overrun_limit))
		log_warning("netlink: notifications lost (receive buffer of %zu bytes overran), "
			    "comparing with a full dump",
			    netlink_rcvbuf(d->netlink));
	if (!s->resync_pending)
		schedule(d, "notifications lost", next_pause(&s->lost));
}

/* Nothing is missing any more. */
static void found_again(struct daemon *d)
{
	struct sync_lost *lost = &d->sync->lost;

	lost->any = false;
	if (lost->overruns > 1 || lost->said)
		log_info("netlink: following again, after %llu overruns in %.1f s",
			 (unsigned long long)lost->overruns, (now_ns() - lost->since_ns) / 1e9);
	lost->said = false;
	if (d->sync->counts.synced && !datapath_lease_valid(d->datapath))
		sync_renew_lease(d);
}

/* ---- mark, dump, apply, sweep ---------------------------------------------------------- */

/* What was announced during a dump is applied before anything is written, see mirror_resync_begin(). */
static int replay(struct daemon *d)
{
	int n;

	do {
		n = netlink_receive(d->netlink, RECEIVE_BUDGET, sync_on_event, d);
		if (n == -ENOBUFS)
			sync_note_overrun(d);
	} while (n > 0 || n == -ENOBUFS);
	return n;
}

static int dump(struct daemon *d)
{
	int err = 0;

	if (d->features)
		err = netlink_features_dump(d->features, sync_on_event, d);
	if (!err)
		err = netlink_dump(d->netlink, sync_on_event, d);
	return err ? err : redirects_resync(d);
}

static void try_again(struct daemon *d, int err)
{
	struct timeval retry = milliseconds(RETRY_MS);
	struct sync *s = d->sync;

	if (log_allowed(&s->failure_limit))
		log_error("netlink: dump failed: %s, trying again in %d ms", strerror(-err),
			  RETRY_MS);
	s->resync_pending = true;
	if (s->resync_timer)
		evtimer_add(s->resync_timer, &retry);
}

int sync_resync(struct daemon *d, const char *why)
{
	struct sync *s = d->sync;
	uint64_t begin = now_ns();
	bool had_overrun = s->overrun;
	int err;

	if (s->resync_timer)
		evtimer_del(s->resync_timer);
	s->overrun = false; /* one that comes during the dump counts again */
	sync_read_settings(d);
	mirror_resync_begin(d->mirror);
	err = dump(d);
	if (err) {
		s->overrun |= had_overrun;
		try_again(d, err);
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
	if (sync_flush(d))
		err = -EIO;
	sync_note_refused(d);
	s->last_resync_end_ns = now_ns();
	s->counts.last_resync_us = (s->last_resync_end_ns - begin) / 1000;
	log_debug("resync: %s: done in %llu us", why, (unsigned long long)s->counts.last_resync_us);
	if (!err && !s->overrun && s->lost.any)
		found_again(d);
	return err;
}
