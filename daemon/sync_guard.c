// SPDX-License-Identifier: GPL-2.0-only
/*
 * Steps aside while a firewall or an IPsec policy has to see forwarded packets.
 *
 * A notification is acted on at once, because packets pass by the new rule until then, also in the
 * middle of long work (guard_look()); after that the sockets rest for a moment, so that a ruleset that
 * changes all the time costs a bounded share of the time. What cannot be told holds the fast path back.
 *
 * The hold ends slowly: two looks in a row have to find nothing, with nothing announced in between. One
 * alone may have fallen between two rulesets of which each drops.
 */
#include "sync_guard.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <netinet/in.h>
/* clang-format off: this one needs the one above */
#include <linux/netfilter.h>
/* clang-format on */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../netlink/guard.h"
#include "clock.h"
#include "daemon.h"
#include "log.h"

enum {
	REST_MS = 50,
	SILENT_MS = 1000, /* between looks at what nothing announces: an idle daemon sleeps */
	SETTLE_LOOKS = 4, /* at most, for whoever waits for the end of a hold */
};

struct guard_watch {
	struct guard *guard; /* NULL: not opened, tried again with each renewal of the lease */
	struct event *events[GUARD_FDS_MAX]; /* each fires once, then rests */
	struct ring_buffer *xtables;	     /* changes of legacy iptables, NULL: not told of */
	struct event *xtables_event;	     /* rests like the others */
	struct event *rest_timer;
	struct event *silent_timer; /* looks at what nothing announces */
	uint32_t bpf_hooks;	    /* that have BPF programs, as datapath_bpf_hooks() */
	bool ipvs;		    /* has services */
	bool only_nat;		    /* all that was found is connections, which end unannounced */
	uint64_t looked_ns;
	/* While everything is on hold: the last look found nothing, and so has every one since clean_ns. */
	bool clean;
	uint64_t clean_ns;
	uint32_t generation; /* of the rules, at these looks */
	uint32_t said;	     /* the hold that the log told of last, 0: that there is none */
	bool unsaid;	     /* it is another one, of which it could not tell yet */
	struct log_limit change_limit, open_limit, write_limit;
};

static void rest(struct guard_watch *w)
{
	const struct timeval delay = { .tv_usec = REST_MS * 1000 };

	if (!evtimer_pending(w->rest_timer, NULL))
		evtimer_add(w->rest_timer, &delay);
}

static void on_rested(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *d = arg;
	struct guard_watch *w = d->guard;

	(void)fd;
	(void)what;
	if (w->clean)
		guard_refresh(d);
	/* On hold until the next look: no hurry. */
	if (w->clean)
		return;
	for (int i = 0; i < GUARD_FDS_MAX; i++)
		if (w->events[i])
			event_add(w->events[i], NULL);
	if (w->xtables_event)
		event_add(w->xtables_event, NULL);
}

static void on_notification(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *d = arg;

	(void)fd;
	(void)what;
	guard_refresh(d);
	rest(d->guard);
}

static int make_events(struct daemon *d)
{
	struct guard_watch *w = d->guard;
	int fds[GUARD_FDS_MAX];
	unsigned int n = guard_fds(w->guard, fds);

	for (unsigned int i = 0; i < n; i++) {
		w->events[i] = event_new(d->base, fds[i], EV_READ, on_notification, d);
		if (!w->events[i] || event_add(w->events[i], NULL))
			return -ENOMEM;
	}
	return 0;
}

static void close_guard(struct guard_watch *w)
{
	for (int i = 0; i < GUARD_FDS_MAX; i++) {
		if (w->events[i])
			event_free(w->events[i]);
		w->events[i] = NULL;
	}
	guard_close(w->guard);
	w->guard = NULL;
}

static void open_guard(struct daemon *d)
{
	struct guard_watch *w = d->guard;
	int err = guard_open(&w->guard);

	if (!err)
		err = make_events(d);
	if (!err)
		return;
	close_guard(w);
	if (log_allowed(&w->open_limit))
		log_warning("firewall: cannot be watched: %s, everything is left to the kernel; "
			    "--ignore-netfilter overrides",
			    strerror(-err));
}

/* With each look: the log's last word has to be what is, so what may not be written now is written later. */
static void say(struct guard_watch *w, uint32_t hold, const struct guard_state *state)
{
	if (hold == w->said) {
		w->unsaid = false;
		return;
	}
	if (w->unsaid && !log_would_allow(&w->change_limit))
		return;
	w->unsaid = !log_allowed(&w->change_limit);
	if (w->unsaid)
		return;
	w->said = hold;
	if (!hold)
		log_info("firewall: gone, forwarding again");
	else if (w->guard) /* else open_guard() has said it */
		log_info("firewall: %s: everything is left to the kernel; "
			 "--ignore-netfilter overrides",
			 state->detail);
}

/* Has anything been announced since the last look? */
static bool is_stirred(const struct daemon *d)
{
	const struct guard_watch *w = d->guard;
	struct pollfd polled[GUARD_FDS_MAX + 1];
	int fds[GUARD_FDS_MAX];
	nfds_t n = 0;

	for (unsigned int i = guard_fds(w->guard, fds); i > 0; i--)
		polled[n++] = (struct pollfd){ .fd = fds[i - 1], .events = POLLIN };
	if (w->xtables)
		polled[n++] = (struct pollfd){ .fd = ring_buffer__epoll_fd(w->xtables),
					       .events = POLLIN };
	return poll(polled, n, 0) != 0 || datapath_bpf_hooks(d->datapath) != w->bpf_hooks;
}

/* Nothing was found once more: may the hold end? */
static bool is_over(struct guard_watch *w, uint32_t generation, bool stirred)
{
	if (w->clean && !stirred && generation == w->generation)
		return w->looked_ns - w->clean_ns >= REST_MS * 1000000ULL;
	w->clean = true;
	w->clean_ns = w->looked_ns;
	w->generation = generation;
	return false;
}

/* No message tells of BPF programs on netfilter hooks. */
static void look_at_bpf(struct daemon *d, struct guard_state *state)
{
	uint32_t hooks = datapath_bpf_hooks(d->datapath);

	d->guard->bpf_hooks = hooks;
	if (!hooks || state->netfilter)
		return;
	state->netfilter = true;
	snprintf(state->detail, sizeof(state->detail), "BPF: a program on %s",
		 hooks & 1U << NF_INET_FORWARD	     ? "forward"
		 : hooks & 1U << NF_INET_PRE_ROUTING ? "prerouting"
						     : "postrouting");
}

/*
 * Looks, and puts everything on hold where that is needed: in the maps at once, whatever is being written
 * to them. True: a hold is in force that may end.
 */
static bool look(struct daemon *d)
{
	struct guard_state state = { .netfilter = true };
	struct guard_watch *w = d->guard;
	bool stirred = !w->guard || is_stirred(d);
	uint32_t hold;

	/* Before the question, so that a change after the answer is told of again. */
	if (w->xtables)
		ring_buffer__consume(w->xtables);
	if (w->guard) {
		w->ipvs = guard_has_ipvs(w->guard);
		guard_check(w->guard, &state);
	}
	look_at_bpf(d, &state);
	w->only_nat = state.only_nat;
	w->looked_ns = now_ns();
	hold = state.netfilter ? VERDICT_netfilter : state.xfrm ? VERDICT_xfrm : 0;
	if (hold) {
		w->clean = false;
		if (hold != mirror_hold(d->mirror)) {
			mirror_set_hold(d->mirror, hold);
			fib_hold(d->fib);
		}
		say(w, hold, &state);
		return false;
	}
	if (!mirror_hold(d->mirror)) {
		say(w, 0, NULL);
		return false;
	}
	if (is_over(w, state.generation, stirred))
		return true;
	rest(w);
	return false;
}

static void end_hold(struct daemon *d)
{
	struct guard_watch *w = d->guard;
	int err;

	w->clean = false;
	mirror_set_hold(d->mirror, 0);
	err = fib_sync(d->fib);
	if (err < 0 && log_allowed(&w->write_limit))
		log_error("maps: not written completely: %s, trying again", strerror(-err));
	say(w, 0, NULL);
}

void guard_refresh(struct daemon *d)
{
	if (!d->guard)
		return;
	if (d->guard->guard && guard_is_outdated(d->guard->guard))
		close_guard(d->guard);
	if (!d->guard->guard)
		open_guard(d);
	if (look(d))
		end_hold(d);
}

void guard_settle(struct daemon *d)
{
	guard_refresh(d);
	for (int i = 0; i < SETTLE_LOOKS && guard_is_ending(d); i++) {
		poll(NULL, 0, REST_MS + 1);
		guard_refresh(d);
	}
}

bool guard_is_ending(const struct daemon *d)
{
	return d->guard && d->guard->clean;
}

void guard_look(struct daemon *d)
{
	struct guard_watch *w = d->guard;

	if (!w || !w->guard || now_ns() - w->looked_ns < REST_MS * 1000000ULL || !is_stirred(d))
		return;
	/* The end of a hold waits for the timer: it is not for the middle of something. */
	if (look(d))
		rest(w);
}

static int on_change(void *ctx, void *data, size_t size)
{
	(void)ctx;
	(void)data;
	(void)size;
	return 0;
}

static void on_silent_timer(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *d = arg;
	struct guard_watch *w = d->guard;

	(void)fd;
	(void)what;
	if (datapath_bpf_hooks(d->datapath) != w->bpf_hooks ||
	    (w->only_nat && !guard_has_connections()) ||
	    (w->guard && (guard_has_ipvs(w->guard) != w->ipvs || guard_is_outdated(w->guard))))
		guard_refresh(d);
}

/* Without: legacy iptables is looked at with each renewal of the lease. */
static int watch_xtables(struct daemon *d)
{
	int fd = datapath_xtables_fd(d->datapath);
	struct guard_watch *w = d->guard;

	if (fd < 0)
		return 0;
	w->xtables = ring_buffer__new(fd, on_change, NULL, NULL);
	if (!w->xtables)
		return -ENOMEM;
	w->xtables_event =
		event_new(d->base, ring_buffer__epoll_fd(w->xtables), EV_READ, on_notification, d);
	return w->xtables_event && !event_add(w->xtables_event, NULL) ? 0 : -ENOMEM;
}

static int watch_silent(struct daemon *d)
{
	const struct timeval period = { .tv_sec = SILENT_MS / 1000 };
	struct guard_watch *w = d->guard;

	w->silent_timer = event_new(d->base, -1, EV_PERSIST, on_silent_timer, d);
	return w->silent_timer && !event_add(w->silent_timer, &period) ? 0 : -ENOMEM;
}

/* The operator's word counts; what it means right now is said once. */
static void warn_ignored(void)
{
	struct guard_state state = { .detail = "the kernel could not be asked" };
	struct guard *guard = NULL;

	if (!guard_open(&guard))
		guard_check(guard, &state);
	guard_close(guard);
	log_warning("firewall: IGNORED as --ignore-netfilter says: no firewall rule and no IPsec "
		    "policy sees what is forwarded by XDP (now: %s)",
		    state.detail[0] ? state.detail : "there are none");
}

int guard_start(struct daemon *d)
{
	struct guard_watch *w;

	if (d->config.ignore_netfilter) {
		warn_ignored();
		return 0;
	}
	w = calloc(1, sizeof(*w));
	d->guard = w;
	if (w)
		w->rest_timer = evtimer_new(d->base, on_rested, d);
	if (!w || !w->rest_timer || watch_xtables(d) || watch_silent(d)) {
		log_error("daemon: out of memory, not started");
		guard_stop(d);
		return -ENOMEM;
	}
	w->change_limit = LOG_LIMIT(6, 10);
	w->open_limit = LOG_LIMIT(1, 300);
	w->write_limit = LOG_LIMIT(3, 10);
	guard_refresh(d);
	return 0;
}

void guard_stop(struct daemon *d)
{
	struct guard_watch *w = d->guard;

	if (!w)
		return;
	close_guard(w);
	if (w->rest_timer)
		event_free(w->rest_timer);
	if (w->xtables_event)
		event_free(w->xtables_event);
	if (w->silent_timer)
		event_free(w->silent_timer);
	ring_buffer__free(w->xtables);
	free(w);
	d->guard = NULL;
}
