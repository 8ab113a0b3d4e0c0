// SPDX-License-Identifier: GPL-2.0-only
/*
 * Has the kernel resolve neighbours that only user routes lead to.
 *
 * A packet without neighbour goes to the kernel, which resolves the next hop of its own route, and that may
 * be another one. So the kernel is asked (NTF_USE, creating the entry): for gateways of user routes as long
 * as they are not resolved, whether there is traffic or not, so that the first packet finds them; for on-link
 * destinations when the programs say so in the ring buffer `wanted`.
 *
 * Whoever sends to many addresses of an on-link prefix makes the kernel keep as many entries, as with
 * a connected net of its own. Each neighbour is asked for once a second, and not more than a bounded number of
 * them; until the second is over nobody listens, and what has no room in the ring buffer is dropped there.
 */
#include "sync_wanted.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/neighbour.h>
#include <stdlib.h>
#include "../netlink/netlink.h"
#include "daemon.h"
#include "log.h"
#include "mirror_user.h"

enum {
	ASKED = 4096,	    /* remembered; one forgets another one with the same hash */
	ASK_MAX = 1024,	    /* in a second */
	GATEWAYS_MAX = 512, /* of these, gateways */
	READ_MAX = 8192,    /* records in a second */
};

struct asked {
	struct neighbour_key key;
	uint32_t round; /* the second in which it was; 0: never */
};

struct wanted {
	struct ring_buffer *ring;
	struct event *ring_event, *timer; /* the timer runs while there is anything to ask for */
	bool listening;
	uint32_t round; /* seconds, from 1 on */
	uint32_t n_asked, n_gateways, n_read;
	struct asked asked[ASKED];
};

static bool is_asked(struct wanted *w, struct neighbour_key key)
{
	struct asked *place = &w->asked[table_hash_u32(neighbour_check(key)) % ASKED];
	bool same = place->key.addr == key.addr && place->key.ifindex == key.ifindex;

	/* A second at least lies between two rounds that are not next to each other. */
	if (same && place->round && w->round - place->round < 2)
		return true;
	*place = (struct asked){ .key = key, .round = w->round };
	return false;
}

/* The second goes on to its end, where those that are not resolved are asked for again. */
static void keep_time(struct wanted *w)
{
	const struct timeval second = { .tv_sec = 1 };

	if (!evtimer_pending(w->timer, NULL))
		evtimer_add(w->timer, &second);
}

static int ask(struct daemon *d, uint32_t ifindex, const struct addr *addr)
{
	const struct mirror_neighbour *n = mirror_neighbour(d->mirror, ifindex, addr);
	struct neighbour_key key = { .addr = addr->v4, .ifindex = ifindex };
	struct wanted *w = d->wanted;
	int err;

	keep_time(w);
	if (addr->family != AF_INET || (n && n->e.state == NUD_INCOMPLETE) || is_asked(w, key))
		return 0;
	w->n_asked++;
	err = netlink_ask_neighbour(d->netlink, ifindex, addr);
	if (err)
		log_debug("neighbours: not asked for: %s, going on later", strerror(-err));
	return err;
}

/* ---- gateways -------------------------------------------------------------------------- */

static int ask_gateway(void *ctx, uint32_t ifindex, const struct addr *addr)
{
	struct daemon *d = ctx;
	uint32_t before = d->wanted->n_asked;
	int err;

	if (d->wanted->n_gateways >= GATEWAYS_MAX)
		return -ENOBUFS;
	err = ask(d, ifindex, addr);
	d->wanted->n_gateways += d->wanted->n_asked - before;
	return err;
}

void wanted_look(struct daemon *d)
{
	if (d->wanted && mirror_user_count(d->mirror))
		fib_walk_unresolved(d->fib, ask_gateway, d);
}

/* ---- what the programs want ------------------------------------------------------------ */

/* Returning an error leaves the rest in the ring. */
static int on_wanted(void *ctx, void *data, size_t size)
{
	struct daemon *d = ctx;
	struct neighbour_key key;
	struct addr addr;

	if (size < sizeof(key))
		return 0;
	memcpy(&key, data, sizeof(key));
	addr = addr_v4(key.addr);
	if (fib_port_of(d->fib, key.ifindex))
		ask(d, key.ifindex, &addr);
	return ++d->wanted->n_read >= READ_MAX || d->wanted->n_asked >= ASK_MAX ? -EAGAIN : 0;
}

static void on_ring(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *d = arg;
	struct wanted *w = d->wanted;

	(void)fd;
	(void)what;
	if (ring_buffer__consume(w->ring) >= 0)
		return;
	event_del(w->ring_event);
	w->listening = false;
	keep_time(w);
}

static void on_second(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *d = arg;
	struct wanted *w = d->wanted;

	(void)fd;
	(void)what;
	w->round++;
	w->n_asked = w->n_gateways = w->n_read = 0;
	wanted_look(d);
	if (!w->listening && !event_add(w->ring_event, NULL))
		w->listening = true;
}

int wanted_start(struct daemon *d)
{
	struct wanted *w = calloc(1, sizeof(*w));

	d->wanted = w;
	if (!w)
		return -ENOMEM;
	w->round = 1;
	w->ring = ring_buffer__new(datapath_wanted_fd(d->datapath), on_wanted, d, NULL);
	if (!w->ring)
		return errno ? -errno : -ENOMEM;
	w->ring_event = event_new(d->base, ring_buffer__epoll_fd(w->ring), EV_READ | EV_PERSIST,
				  on_ring, d);
	w->timer = evtimer_new(d->base, on_second, d);
	if (!w->ring_event || !w->timer || event_add(w->ring_event, NULL))
		return -ENOMEM;
	w->listening = true;
	wanted_look(d);
	return 0;
}

void wanted_stop(struct daemon *d)
{
	struct wanted *w = d->wanted;

	if (!w)
		return;
	if (w->ring_event)
		event_free(w->ring_event);
	if (w->timer)
		event_free(w->timer);
	ring_buffer__free(w->ring);
	free(w);
	d->wanted = NULL;
}
