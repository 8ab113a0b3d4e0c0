// SPDX-License-Identifier: GPL-2.0-only
/*
 * The control socket: connections, and the requests that come by them. How replies are written is in
 * control_reply.c, what the commands say in show*.c.
 */
#include "control_internal.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "../include/control.h"
#include "clock.h"
#include "control_user.h"
#include "descriptors.h"
#include "log.h"
#include "show.h"
#include "verify.h"

enum {
	CLIENTS_MAX = 64,
	IDLE_SECONDS = 30,    /* for the next piece of a request to arrive */
	REQUEST_SECONDS = 60, /* for the whole of it */
	ROOM_SECONDS = 1,     /* who has been silent this long makes room for others */
	STALLED_SECONDS =
		3600, /* for a reader to make progress: somebody may page through a table */
	HELD_MAX = 3 * CONTROL_REQUEST_MAX, /* bytes of all requests that are not whole yet */
};

struct control_server {
	struct evconnlistener *listener;
	unsigned int clients;
	struct client *first;
};

struct client {
	struct daemon *d;
	struct bufferevent *bev;
	struct reply reply;
	uint64_t since;	 /* when it last moved on: now_ns() */
	size_t searched; /* bytes of the request without its end */
	bool answered;	 /* one request a connection */
	bool closed;	 /* the client will send no more */
	bool lingering;
	struct client *next, **link;
};

static const struct control_command commands[] = {
	{ "status", show_status },    { "stats", show_stats },	    { "route", show_routes },
	{ "neigh", show_neighbours }, { "nexthop", show_nexthops }, { "link", show_links },
	{ "get", show_get },	      { "settle", show_settle },    { "verify", verify_request },
	{ "user", control_user },     { "batch", control_batch },   { "flush", control_flush },
	{ "save", control_save },
};

static void client_free(struct client *client)
{
	if (client->reply.gone)
		client->reply.gone(client->d);
	*client->link = client->next;
	if (client->next)
		client->next->link = client->link;
	client->d->control->clients--;
	bufferevent_free(client->bev);
	free(client);
}

/* ---- requests ------------------------------------------------------------------------ */

static void run(struct client *client, const json_t *request)
{
	const char *name = json_string_value(json_object_get(request, "command"));
	json_t *args = json_object_get(request, "args"), *none = NULL;
	struct reply *reply = &client->reply;
	int err;

	if (!json_is_object(args))
		args = none = json_object();
	for (size_t i = 0; name && i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(commands[i].name, name) != 0)
			continue;
		err = commands[i].run(client->d, args, reply);
		if (err < 0 && !reply->failed)
			reply_error(reply, EXIT_FAILED, "%s: failed: %s", name, strerror(-err));
		json_decref(none);
		return;
	}
	reply_error(reply, EXIT_USAGE,
		    "request '%.64s': no such command in this daemon (version %s)",
		    name ? name : "", VERSION);
	json_decref(none);
}

/* Is the end of the line there? A long one comes in many pieces, each of which is searched once. */
static bool request_is_whole(struct client *client, struct evbuffer *in)
{
	struct evbuffer_ptr from;

	evbuffer_ptr_set(in, &from, client->searched, EVBUFFER_PTR_SET);
	client->searched = evbuffer_get_length(in);
	return evbuffer_search_eol(in, &from, NULL, EVBUFFER_EOL_LF).pos >= 0;
}

/* Does it take too long, or too much beside the others? Then it is over. */
static bool is_too_much(const struct client *client)
{
	size_t held = 0;

	for (const struct client *each = client->d->control->first; each; each = each->next)
		if (!each->answered)
			held += evbuffer_get_length(bufferevent_get_input(each->bev));
	return held > HELD_MAX || now_ns() - client->since > REQUEST_SECONDS * 1000000000ULL;
}

static void on_read(struct bufferevent *bev, void *arg)
{
	const struct timeval stalled = { .tv_sec = STALLED_SECONDS };
	struct client *client = arg;
	struct evbuffer *in = bufferevent_get_input(bev);
	json_error_t error;
	json_t *request;
	size_t len;
	char *line;

	if (client->answered) {
		evbuffer_drain(in, evbuffer_get_length(in));
		return;
	}
	if (!request_is_whole(client, in) && evbuffer_get_length(in) < CONTROL_REQUEST_MAX) {
		if (is_too_much(client))
			client_free(client);
		return;
	}
	line = evbuffer_readln(in, &len, EVBUFFER_EOL_LF);
	client->answered = true;
	bufferevent_set_timeouts(bev, NULL, &stalled);
	request = line ? json_loadb(line, len, 0, &error) : NULL;
	free(line);
	if (json_is_object(request))
		run(client, request);
	else
		reply_error(&client->reply, EXIT_FAILED,
			    "request: not a JSON object in one line of at most %d bytes",
			    CONTROL_REQUEST_MAX);
	json_decref(request);
	if (client->reply.streaming)
		reply_continue(&client->reply);
	else if (!client->reply.gone)
		reply_end(&client->reply);
}

/*
 * The answer is out. Closing at once would reset the connection of a client that is still sending, and
 * take the answer away from it: it gets a moment to read and close.
 */
static void linger(struct client *client)
{
	const struct timeval moment = { .tv_sec = 1 };

	client->lingering = true;
	shutdown(bufferevent_getfd(client->bev), SHUT_WR);
	bufferevent_set_timeouts(client->bev, &moment, NULL);
}

static void on_write(struct bufferevent *bev, void *arg)
{
	struct client *client = arg;

	client->since = now_ns();
	if (client->reply.streaming)
		reply_continue(&client->reply);
	else if (client->reply.ended && !client->lingering &&
		 !evbuffer_get_length(bufferevent_get_output(bev))) {
		if (client->closed)
			client_free(client);
		else
			linger(client);
	}
}

static void on_trouble(struct bufferevent *bev, short what, void *arg)
{
	struct client *client = arg;

	(void)bev;
	/* A client may close its sending side and still read. */
	if ((what & BEV_EVENT_EOF) && (what & BEV_EVENT_READING) && client->answered &&
	    !client->lingering)
		client->closed = true;
	else
		client_free(client);
}

static bool has_room(const struct control_server *server)
{
	return server->clients < CLIENTS_MAX && descriptors_left(DESCRIPTORS_BESIDE_CLIENTS);
}

/*
 * Where all places are taken, or descriptors are short, the oldest of those goes that have their answer, or that
 * neither speak nor listen. Is there room now?
 */
static bool make_room(struct control_server *server)
{
	uint64_t before = now_ns() - ROOM_SECONDS * 1000000000ULL;
	struct client *oldest = NULL;

	if (has_room(server))
		return true;
	for (struct client *each = server->first; each; each = each->next)
		if (each->lingering || (!each->reply.gone && each->since < before))
			oldest = each; /* the first in the list came last */
	if (oldest)
		client_free(oldest);
	return oldest && has_room(server);
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *from,
		      int from_len, void *arg)
{
	const struct timeval idle = { .tv_sec = IDLE_SECONDS };
	struct daemon *d = arg;
	struct client *client;

	(void)listener;
	(void)from;
	(void)from_len;
	client = make_room(d->control) ? calloc(1, sizeof(*client)) : NULL;
	if (client)
		client->bev = bufferevent_socket_new(d->base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (!client || !client->bev) {
		static const char busy[] =
			"{\"error\":\"too many clients, try again\",\"exit\":2}\n";

		/* The socket is fresh and its buffer empty: this does not block. */
		if (send(fd, busy, sizeof(busy) - 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
			log_debug("control: %u clients, one more refused", d->control->clients);
		free(client);
		close(fd);
		return;
	}
	client->d = d;
	client->since = now_ns();
	client->reply.d = d;
	client->reply.bev = client->bev;
	client->next = d->control->first;
	client->link = &d->control->first;
	if (client->next)
		client->next->link = &client->next;
	d->control->first = client;
	d->control->clients++;
	bufferevent_setcb(client->bev, on_read, on_write, on_trouble, client);
	bufferevent_setwatermark(client->bev, EV_READ, 0, CONTROL_REQUEST_MAX);
	bufferevent_setwatermark(client->bev, EV_WRITE, REPLY_CHUNK_BYTES / 4, 0);
	bufferevent_set_timeouts(client->bev, &idle, &idle);
	bufferevent_enable(client->bev, EV_READ | EV_WRITE);
}

int control_start(struct daemon *d)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	mode_t mask;
	int err;

	d->control = calloc(1, sizeof(*d->control));
	if (!d->control)
		return -ENOMEM;
	if (strlen(d->instance.socket) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, d->instance.socket);
	unlink(address.sun_path); /* the name is ours: instance_claim() holds the lock */
	mask = umask(0177);
	d->control->listener = evconnlistener_new_bind(
		d->base, on_accept, d, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 16,
		(struct sockaddr *)&address, sizeof(address));
	err = d->control->listener ? 0 : -errno;
	umask(mask);
	if (!err)
		descriptors_spare(d->control->listener);
	return err;
}

void control_stop(struct daemon *d)
{
	if (!d->control)
		return;
	while (d->control->first)
		client_free(d->control->first);
	if (d->control->listener) {
		evconnlistener_free(d->control->listener);
		unlink(d->instance.socket);
	}
	free(d->control);
	d->control = NULL;
}
