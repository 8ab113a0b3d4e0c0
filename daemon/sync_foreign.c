// SPDX-License-Identifier: GPL-2.0-only
/*
 * Looks at what others do on the interfaces that carry our programs.
 *
 * Qdiscs and filters are announced, and acted on at once; then the socket rests for a moment, so that one who
 * changes them all the time costs a bounded share of the time. That an XDP or tcx program was detached is
 * not announced: with each renewal of the lease there is a look as well (sync.c).
 */
#include "sync_foreign.h"

#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include "../netlink/filters.h"
#include "../netlink/qdiscs.h"
#include "clock.h"
#include "daemon.h"
#include "log.h"
#include "sync_attach.h"
#include "sync_bypassed.h"

enum { REST_MS = 100, SOON_MS = 20 };

#define LOOK_NS (100 * 1000000ULL) /* of attaching anew at a time */

struct foreign {
	struct netlink_qdiscs *qdiscs;
	struct netlink_filters *filters;
	struct event *notified; /* fires once, then rests */
	struct event *rest_timer, *soon_timer;
	struct bypassed *bypassed;
	uint32_t after; /* the interface looked at last, where a look ended before the last one */
	struct log_limit write_limit;
};

/* One that has gone is not lost: that is about to be announced, or is being read. */
static bool is_here(const struct mirror_link *link)
{
	char name[IF_NAMESIZE];

	return if_indextoname(link->e.ifindex, name) != NULL;
}

/* Returns whether it was attached, detached or tried. */
static bool look_at(struct daemon *d, const struct mirror_link *link)
{
	uint32_t ifindex = link->e.ifindex;
	struct netlink_filters *filters = bypassed_may_have_filters(d->foreign->bypassed, ifindex)
						  ? d->foreign->filters
						  : NULL;

	if (!attach_is_intact(d->attachments, filters, ifindex) && is_here(link))
		sync_attach_lost(d, link);
	else if (attach_is_before_others(d->attachments, filters, ifindex))
		sync_attach_again(d, link, "others came to its tc ingress, going behind them: ");
	else if (attach_may_retry(d->attachments, link))
		sync_attach_again(d, link, "nothing in the way any more: ");
	else
		return false;
	return true;
}

void foreign_look(struct daemon *d)
{
	struct foreign *f = d->foreign;
	uint64_t until = now_ns() + LOOK_NS;
	bool changed = false;
	uint32_t i;
	int err;

	if (!f)
		return;
	netlink_qdiscs_drain(f->qdiscs);
	bypassed_read(f->bypassed, f->qdiscs);
	/* To attach anew takes long: the rest once others have had their turn. */
	for (i = attach_next(d->attachments, f->after); i; i = attach_next(d->attachments, i)) {
		const struct mirror_link *link = mirror_link(d->mirror, i);

		changed |= link && look_at(d, link);
		if (changed && now_ns() > until)
			break;
	}
	f->after = i;
	if (i)
		foreign_look_soon(d);
	err = changed ? fib_sync(d->fib) : 0;
	if (err < 0 && log_allowed(&f->write_limit))
		log_error("maps: not written completely: %s, trying again", strerror(-err));
	bypassed_look(d, f->bypassed, f->filters);
}

/* ---- events -------------------------------------------------------------------------- */

/* First what became of the links themselves. */
static void on_look(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *d = arg;

	(void)fd;
	(void)what;
	sync_read(d);
	foreign_look(d);
}

static void on_rested(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *d = arg;

	(void)fd;
	(void)what;
	event_add(d->foreign->notified, NULL);
}

static void on_notified(evutil_socket_t fd, short what, void *arg)
{
	const struct timeval rest = { .tv_usec = REST_MS * 1000 };
	struct daemon *d = arg;

	on_look(fd, what, d);
	evtimer_add(d->foreign->rest_timer, &rest);
}

void foreign_look_soon(struct daemon *d)
{
	const struct timeval soon = { .tv_usec = SOON_MS * 1000 };

	if (d->foreign && !evtimer_pending(d->foreign->soon_timer, NULL))
		evtimer_add(d->foreign->soon_timer, &soon);
}

static int make_events(struct daemon *d)
{
	struct foreign *f = d->foreign;

	f->notified = event_new(d->base, netlink_qdiscs_fd(f->qdiscs), EV_READ, on_notified, d);
	f->rest_timer = evtimer_new(d->base, on_rested, d);
	f->soon_timer = evtimer_new(d->base, on_look, d);
	if (!f->notified || !f->rest_timer || !f->soon_timer || event_add(f->notified, NULL))
		return -ENOMEM;
	return 0;
}

int foreign_start(struct daemon *d)
{
	struct foreign *f = calloc(1, sizeof(*f));
	int err = -ENOMEM;

	d->foreign = f;
	if (f)
		f->bypassed = bypassed_new();
	if (f && f->bypassed)
		err = netlink_qdiscs_open(&f->qdiscs);
	if (!err)
		err = netlink_filters_open(&f->filters);
	if (!err)
		err = make_events(d);
	if (err) {
		foreign_stop(d);
		log_error("netlink: qdiscs and filters cannot be watched: %s, not started",
			  strerror(-err));
		return err;
	}
	f->write_limit = LOG_LIMIT(3, 10);
	return 0;
}

void foreign_stop(struct daemon *d)
{
	struct foreign *f = d->foreign;
	struct event *all[3];

	if (!f)
		return;
	all[0] = f->notified;
	all[1] = f->rest_timer;
	all[2] = f->soon_timer;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (all[i])
			event_free(all[i]);
	netlink_qdiscs_close(f->qdiscs);
	netlink_filters_close(f->filters);
	bypassed_destroy(f->bypassed);
	free(f);
	d->foreign = NULL;
}

const char *foreign_bypassed(const struct daemon *d, uint32_t ifindex, unsigned int i,
			     char buf[BYPASSED_LEN])
{
	return d->foreign ? bypassed_name(d->foreign->bypassed, ifindex, i, buf) : NULL;
}
