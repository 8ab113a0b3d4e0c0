// SPDX-License-Identifier: GPL-2.0-only
/*
 * The metrics page: one table says what there is. Labels are interfaces and reasons only, so that
 * the number of series stays bounded.
 */
#include "metrics.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <stdlib.h>
#include "audit.h"
#include "descriptors.h"
#include "log.h"
#include "mirror_user.h"
#include "show.h"
#include "sync_foreign.h"
#include "sync_transmit.h"
#include "user_text.h"

enum {
	REQUEST_MAX = 8192,  /* bytes of a request's head; it has no body */
	TIMEOUT_SECONDS = 5, /* without a byte from the client, or one taken by it */
};

struct metrics_server {
	struct evhttp *http;
	struct evconnlistener *listener; /* of http */
};

struct snapshot {
	struct sync_counts sync;
	struct audit_counts audit;
	struct fib_counts fib;
	uint32_t user_routes;
	uint64_t cpu_errors;
	bool lease;
};

#define METRIC(name_, type_, help_, value_)                                                        \
	static double value_of_##name_(const struct snapshot *s)                                   \
	{                                                                                          \
		return (double)(value_);                                                           \
	}
#define SCALARS(X)                                                                                 \
	X(netlink_events_total, "counter", "Messages applied to the mirror", s->sync.events)       \
	X(netlink_overruns_total, "counter", "Times notifications were lost", s->sync.overruns)    \
	X(resyncs_total, "counter", "Complete dumps applied", s->sync.resyncs)                     \
	X(netlink_lag_seconds, "gauge", "From wake-up to maps, last batch", s->sync.lag_us / 1e6)  \
	X(netlink_lag_max_seconds, "gauge", "The longest of them since start",                     \
	  s->sync.lag_max_us / 1e6)                                                                \
	X(resync_duration_seconds, "gauge", "Last complete dump", s->sync.last_resync_us / 1e6)    \
	X(synced, "gauge", "1 while the maps follow the kernel", s->sync.synced && s->lease)       \
	X(routes, "gauge", "Prefixes in the fast path", s->fib.routes)                             \
	X(fallback_routes, "gauge", "Of these, left to the kernel", s->fib.fallback)               \
	X(full_prefixes, "gauge", "Prefixes that did not fit", s->fib.full)                        \
	X(user_routes, "gauge", "Of the user, besides those of the kernel", s->user_routes)        \
	X(nexthops, "gauge", "Next-hop slots in use", s->fib.nexthops)                             \
	X(neighbours, "gauge", "Connected neighbours resolved", s->fib.neighbours)                 \
	X(map_writes_total, "counter", "Writes to the maps", s->fib.writes)                        \
	X(leaf_writes_total, "counter", "Of these, prefixes", s->fib.leaf_writes)                  \
	X(cpu_errors_total, "counter", "Packets handed to a CPU and lost on the way",              \
	  s->cpu_errors)                                                                           \
	X(map_audits_total, "counter", "Times all maps were compared with what was written",       \
	  s->audit.runs)                                                                           \
	X(map_repairs_total, "counter", "Entries that others had changed, repaired",               \
	  s->audit.repairs)                                                                        \
	X(map_repairs_failed_total, "counter", "Times such an entry could not be repaired",        \
	  s->audit.failed)

SCALARS(METRIC)

static const struct {
	const char *name, *type, *help;
	double (*value)(const struct snapshot *s);
} scalars[] = {
#define X(name, type, help, value) { #name, type, help, value_of_##name },
	SCALARS(X)
#undef X
};

static void put_port(struct evbuffer *out, const char *ifname, const struct port_counters *c)
{
	evbuffer_add_printf(out, "ebpfroute_rx_packets_total{interface=\"%s\"} %llu\n", ifname,
			    (unsigned long long)c->rx.packets);
	evbuffer_add_printf(out, "ebpfroute_rx_bytes_total{interface=\"%s\"} %llu\n", ifname,
			    (unsigned long long)c->rx.bytes);
	for (int v = 0; v < VERDICT_COUNT; v++)
		evbuffer_add_printf(
			out, "ebpfroute_packets_total{interface=\"%s\",verdict=\"%s\"} %llu\n",
			ifname, verdict_name(v), (unsigned long long)c->verdict[v].packets);
	evbuffer_add_printf(out, "ebpfroute_redirected_packets_total{interface=\"%s\"} %llu\n",
			    ifname, (unsigned long long)c->redirected.packets);
	evbuffer_add_printf(out, "ebpfroute_tx_errors_total{interface=\"%s\"} %llu\n", ifname,
			    (unsigned long long)c->tx_errors);
}

/* A device's name as the value of a label: it may be any bytes, quotes and backslashes among them. */
static const char *label(const struct mirror_link *link, char buf[2 * IFNAMSIZ])
{
	size_t n = 0;

	for (const char *c = link->e.name; *c; c++) {
		if (*c == '"' || *c == '\\')
			buf[n++] = '\\';
		buf[n++] = *c;
	}
	buf[n] = '\0';
	user_make_text(buf);
	return buf;
}

/* Of ways out that are not attached, too, where there is something. */
static void put_bypassed(const struct daemon *d, struct evbuffer *out)
{
	char buf[BYPASSED_LEN], name[2 * IFNAMSIZ];
	const struct mirror_link *link;

	evbuffer_add_printf(out,
			    "# HELP ebpfroute_bypassed Filters, tc programs and qdiscs that do "
			    "not see what is forwarded\n# TYPE ebpfroute_bypassed gauge\n");
	for (link = mirror_next_link(d->mirror, 0); link;
	     link = mirror_next_link(d->mirror, link->e.ifindex)) {
		unsigned int n = 0;

		while (foreign_bypassed(d, link->e.ifindex, n, buf))
			n++;
		if (n || link->hook != HOOK_NONE)
			evbuffer_add_printf(out, "ebpfroute_bypassed{interface=\"%s\"} %u\n",
					    label(link, name), n);
	}
}

static void put_refusals(const struct daemon *d, struct evbuffer *out)
{
	const struct mirror_link *link;
	char name[2 * IFNAMSIZ];
	struct refusing r;

	evbuffer_add_printf(
		out, "# HELP ebpfroute_tx_refusals_total Times that its driver took no "
		     "redirected frames\n# TYPE ebpfroute_tx_refusals_total counter\n"
		     "# HELP ebpfroute_tx_refused 1 while it is left to the kernel for that\n"
		     "# TYPE ebpfroute_tx_refused gauge\n");
	for (uint32_t i = 0; transmit_refusing(d, i, &r); i++) {
		link = mirror_link(d->mirror, r.ifindex);
		if (!link)
			continue;
		evbuffer_add_printf(out, "ebpfroute_tx_refusals_total{interface=\"%s\"} %llu\n",
				    label(link, name), (unsigned long long)r.refusals);
		evbuffer_add_printf(out, "ebpfroute_tx_refused{interface=\"%s\"} %d\n",
				    label(link, name), r.state == REFUSING_OUT);
	}
}

static uint64_t all_cpu_errors(const struct daemon *d)
{
	uint64_t total = 0, packets;

	for (uint32_t cpu = 0; cpu < datapath_cpus(d->datapath); cpu++)
		if (!datapath_cpu_errors(d->datapath, cpu, &packets))
			total += packets;
	return total;
}

static void on_request(struct evhttp_request *request, void *arg)
{
	struct daemon *d = arg;
	struct evbuffer *out = evbuffer_new();
	struct snapshot s = { .lease = datapath_lease_valid(d->datapath),
			      .user_routes = mirror_user_count(d->mirror),
			      .cpu_errors = all_cpu_errors(d) };
	const struct mirror_link *link;
	char name[2 * IFNAMSIZ];
	struct port_counters c;

	if (!out) {
		evhttp_send_error(request, HTTP_INTERNAL, NULL);
		return;
	}
	sync_counts(d, &s.sync);
	audit_counts(d, &s.audit);
	fib_counts(d->fib, &s.fib);
	for (size_t i = 0; i < sizeof(scalars) / sizeof(scalars[0]); i++)
		evbuffer_add_printf(
			out, "# HELP ebpfroute_%s %s\n# TYPE ebpfroute_%s %s\nebpfroute_%s %.15g\n",
			scalars[i].name, scalars[i].help, scalars[i].name, scalars[i].type,
			scalars[i].name, scalars[i].value(&s));
	put_bypassed(d, out);
	for (link = mirror_next_link(d->mirror, 0); link;
	     link = mirror_next_link(d->mirror, link->e.ifindex)) {
		uint16_t port = fib_port_of(d->fib, link->e.ifindex);

		if (port && link->hook != HOOK_NONE &&
		    !datapath_port_counters(d->datapath, port, &c))
			put_port(out, label(link, name), &c);
	}
	put_refusals(d, out);
	evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Type",
			  "text/plain; version=0.0.4");
	evhttp_send_reply(request, HTTP_OK, "OK", out);
	evbuffer_free(out);
}

static void on_other(struct evhttp_request *request, void *arg)
{
	(void)arg;
	evhttp_send_error(request, HTTP_NOTFOUND, NULL);
}

/* For a client that was accepted: as evhttp would make it. Where it was the last that may be, the others wait. */
static struct bufferevent *on_accept(struct event_base *base, void *arg)
{
	struct daemon *d = arg;

	if (!descriptors_left(DESCRIPTORS_BESIDE_CLIENTS))
		descriptors_wait(d->metrics->listener);
	return bufferevent_socket_new(base, -1, 0);
}

/* Numeric addresses only: names would have to be looked up, and may change. */
static struct evconnlistener *listen_on(struct daemon *d, const char *where)
{
	struct sockaddr_storage address;
	int len = sizeof(address);

	if (!strrchr(where, ':') ||
	    evutil_parse_sockaddr_port(where, (struct sockaddr *)&address, &len)) {
		errno = EINVAL;
		return NULL;
	}
	return evconnlistener_new_bind(d->base, NULL, NULL,
				       LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC |
					       LEV_OPT_REUSEABLE,
				       16, (struct sockaddr *)&address, len);
}

int metrics_start(struct daemon *d)
{
	struct evconnlistener *listener;
	int err;

	d->metrics = calloc(1, sizeof(*d->metrics));
	if (d->metrics)
		d->metrics->http = evhttp_new(d->base);
	if (!d->metrics || !d->metrics->http) {
		log_error("metrics '%s': out of memory, not started", d->config.metrics);
		return -ENOMEM;
	}
	/* Anybody may be able to connect: what one client can take is bounded. */
	evhttp_set_max_headers_size(d->metrics->http, REQUEST_MAX);
	evhttp_set_max_body_size(d->metrics->http, 0);
	evhttp_set_timeout(d->metrics->http, TIMEOUT_SECONDS);
	evhttp_set_allowed_methods(d->metrics->http, EVHTTP_REQ_GET);
	evhttp_set_cb(d->metrics->http, "/metrics", on_request, d);
	evhttp_set_gencb(d->metrics->http, on_other, d);
	listener = listen_on(d, d->config.metrics);
	if (!listener || !evhttp_bind_listener(d->metrics->http, listener)) {
		err = -errno;
		log_error("metrics '%s': cannot listen: %s, not started; ADDR:PORT is expected",
			  d->config.metrics, strerror(-err));
		if (listener)
			evconnlistener_free(listener);
		return err;
	}
	d->metrics->listener = listener;
	evhttp_set_bevcb(d->metrics->http, on_accept, d);
	descriptors_spare(listener);
	return 0;
}

void metrics_stop(struct daemon *d)
{
	if (!d->metrics)
		return;
	if (d->metrics->http)
		evhttp_free(d->metrics->http);
	free(d->metrics);
	d->metrics = NULL;
}
