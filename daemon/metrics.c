// SPDX-License-Identifier: GPL-2.0-only
/* The HTTP server of the metrics page. */
#include "metrics.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <stdlib.h>
#include "descriptors.h"
#include "log.h"

enum {
	REQUEST_MAX = 8192,  /* bytes of a request's head; it has no body */
	TIMEOUT_SECONDS = 5, /* without a byte from the client, or one taken by it */
};

struct metrics_server {
	struct evhttp *http;
	struct evconnlistener *listener; /* of http */
};

static void on_request(struct evhttp_request *request, void *arg)
{
	struct evbuffer *out = evbuffer_new();

	if (!out || metrics_page(arg, out)) {
		evhttp_send_error(request, HTTP_INTERNAL, NULL);
		if (out)
			evbuffer_free(out);
		return;
	}
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
