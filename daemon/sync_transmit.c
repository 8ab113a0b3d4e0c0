// SPDX-License-Identifier: GPL-2.0-only
/*
 * See sync_transmit.h. bpf/transmit.bpf.c has taken the port out of the fast path already when it tells
 * of a refusal: at most one bulk and one frame more on each CPU were lost. Here the mirror learns it, so that the port stays out, and
 * it is tried again: after a second, after two .. sixty for as long as it is refused, which costs a bulk each
 * time. Whatever the kernel announces, that the device came up or that its features changed, is trusted
 * more: the next trial follows at once.
 *
 * A trial is over when the driver has taken frames. Without traffic it goes on, and costs nothing. After a
 * minute without refusal the wait begins with a second again.
 */
#include "sync_transmit.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include "clock.h"
#include "daemon.h"
#include "log.h"

enum {
	TICK_MS = 250,
	WAIT_MAX = 60, /* seconds */
	QUIET = 60,    /* seconds without refusal after which the wait is short again */
};

struct entry {
	struct refusing r;
	uint64_t until; /* OUT: ns of the next trial; OVER: of the end of QUIET */
	uint64_t taken; /* TRIAL: frames that the driver had taken, at the last look */
	bool taking;	/* TRIAL: it had taken some at the last look */
};

struct transmit {
	struct ring_buffer *ring;
	struct event *ring_event,
		*timer;	    /* the timer runs while a port is out, on trial or not long back */
	struct vec entries; /* struct entry, by ifindex */
	struct log_limit limit;
	bool changed; /* links of the mirror */
};

static void keep_time(struct transmit *t)
{
	const struct timeval tick = { .tv_usec = TICK_MS * 1000 };

	if (!evtimer_pending(t->timer, NULL))
		evtimer_add(t->timer, &tick);
}

static struct entry *entry_at(const struct transmit *t, uint32_t i)
{
	return i < t->entries.n ? &((struct entry *)t->entries.items)[i] : NULL;
}

/* With its place by ifindex; NULL: out of memory. */
static struct entry *entry_get(struct transmit *t, uint32_t ifindex)
{
	struct entry fresh = { .r = { .ifindex = ifindex, .state = REFUSING_OVER } }, *e;
	uint32_t i = 0;

	while ((e = entry_at(t, i)) && e->r.ifindex < ifindex)
		i++;
	if (e && e->r.ifindex == ifindex)
		return e;
	if (vec_push(&t->entries, &fresh, sizeof(fresh)))
		return NULL;
	e = entry_at(t, i);
	memmove(e + 1, e, (t->entries.n - 1 - i) * sizeof(*e));
	*e = fresh;
	return e;
}

static void entry_drop(struct transmit *t, struct entry *e)
{
	uint32_t i = (uint32_t)(e - (struct entry *)t->entries.items);

	t->entries.n--;
	memmove(e, e + 1, (t->entries.n - i) * sizeof(*e));
}

/* Frames handed to the port and not known to be lost. */
static uint64_t frames_taken(const struct daemon *d, uint32_t ifindex)
{
	struct port_counters c = { 0 };
	uint16_t port = fib_port_of(d->fib, ifindex);

	if (!port || datapath_port_counters(d->datapath, port, &c))
		return 0;
	return c.redirected.packets - c.tx_errors;
}

/* ---- out ------------------------------------------------------------------------------- */

static int on_refused(void *ctx, void *data, size_t size)
{
	struct daemon *d = ctx;
	struct transmit *t = d->transmit;
	const struct mirror_link *link;
	struct tx_refusal refusal;
	struct entry *e;

	if (size < sizeof(refusal))
		return 0;
	memcpy(&refusal, data, sizeof(refusal));
	link = mirror_link(d->mirror, refusal.ifindex);
	/* The map has it already: what is known of it here must say so in any case. */
	fib_port_refuses(d->fib, refusal.ifindex);
	e = link ? entry_get(t, refusal.ifindex) : NULL;
	if (!e)
		return 0;
	mirror_link_refuses(d->mirror, refusal.ifindex, true);
	t->changed = true;
	if (e->r.state == REFUSING_OVER && log_allowed(&t->limit))
		log_warning("%s: its driver takes no redirected frames (%s), leaving them to the "
			    "kernel; trying again every 1 to %d s",
			    link->e.name, strerror(-refusal.error), WAIT_MAX);
	if (!e->r.seconds)
		e->r.seconds = 1;
	else if (e->r.state != REFUSING_OUT)
		e->r.seconds = e->r.seconds * 2 < WAIT_MAX ? e->r.seconds * 2 : WAIT_MAX;
	e->r.state = REFUSING_OUT;
	e->r.error = -refusal.error;
	e->r.refusals++;
	e->until = now_ns() + e->r.seconds * 1000000000ULL;
	keep_time(t);
	return 0;
}

/* ---- and back -------------------------------------------------------------------------- */

static void begin_trial(struct daemon *d, struct entry *e)
{
	mirror_link_refuses(d->mirror, e->r.ifindex, false);
	d->transmit->changed = true;
	e->r.state = REFUSING_TRIAL;
	e->taken = frames_taken(d, e->r.ifindex);
	e->taking = false;
}

/* Seen twice: between the two counters of a frame that is lost there is a moment. */
static void look_at_trial(struct daemon *d, struct entry *e, const char *ifname)
{
	uint64_t taken = frames_taken(d, e->r.ifindex);
	bool taking = taken != e->taken;

	if (!e->taking || !taking) {
		e->taking |= taking;
		e->taken = taken;
		return;
	}
	e->r.state = REFUSING_OVER;
	e->until = now_ns() + QUIET * 1000000000ULL;
	if (log_allowed(&d->transmit->limit))
		log_info("%s: its driver takes redirected frames again", ifname);
}

/* False: there is nothing more to say of it. */
static bool look_at(struct daemon *d, struct entry *e)
{
	const struct mirror_link *link = mirror_link(d->mirror, e->r.ifindex);

	if (!link)
		return false;
	if (e->r.state == REFUSING_TRIAL)
		look_at_trial(d, e, link->e.name);
	else if (e->r.state == REFUSING_OUT && (!link->refuses || now_ns() >= e->until))
		begin_trial(d, e);
	else if (e->r.state == REFUSING_OVER && now_ns() >= e->until)
		e->r.seconds = 0;
	return true;
}

static void write_changed(struct daemon *d)
{
	int err;

	if (!d->transmit->changed)
		return;
	d->transmit->changed = false;
	err = fib_sync(d->fib);
	if (err < 0)
		log_debug("maps: not written completely: %s, trying again", strerror(-err));
}

/* ---- events ---------------------------------------------------------------------------- */

void transmit_look(struct daemon *d)
{
	if (d->transmit && d->transmit->ring)
		ring_buffer__consume(d->transmit->ring);
}

static void on_ring(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	transmit_look(arg);
	write_changed(arg);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *d = arg;
	uint32_t i = 0;

	(void)fd;
	(void)what;
	while (i < d->transmit->entries.n) {
		struct entry *e = entry_at(d->transmit, i);

		if (!look_at(d, e)) {
			entry_drop(d->transmit, e);
			continue;
		}
		if (e->r.state != REFUSING_OVER || e->r.seconds)
			keep_time(d->transmit);
		i++;
	}
	write_changed(d);
}

bool transmit_refusing(const struct daemon *d, uint32_t i, struct refusing *ret)
{
	const struct entry *e = d->transmit ? entry_at(d->transmit, i) : NULL;

	if (e)
		*ret = e->r;
	return e;
}

int transmit_start(struct daemon *d)
{
	int fd = datapath_refused_fd(d->datapath);
	struct transmit *t;

	if (fd < 0)
		return 0;
	t = calloc(1, sizeof(*t));
	d->transmit = t;
	if (!t)
		return -ENOMEM;
	t->limit = LOG_LIMIT(10, 10);
	t->ring = ring_buffer__new(fd, on_refused, d, NULL);
	if (!t->ring)
		return errno ? -errno : -ENOMEM;
	t->ring_event = event_new(d->base, ring_buffer__epoll_fd(t->ring), EV_READ | EV_PERSIST,
				  on_ring, d);
	t->timer = evtimer_new(d->base, on_tick, d);
	return t->ring_event && t->timer && !event_add(t->ring_event, NULL) ? 0 : -ENOMEM;
}

void transmit_stop(struct daemon *d)
{
	struct transmit *t = d->transmit;

	if (!t)
		return;
	if (t->ring_event)
		event_free(t->ring_event);
	if (t->timer)
		event_free(t->timer);
	ring_buffer__free(t->ring);
	vec_destroy(&t->entries);
	free(t);
	d->transmit = NULL;
}
