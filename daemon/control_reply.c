// SPDX-License-Identifier: GPL-2.0-only
/* Replies of the control socket: lines of JSON into the output of a connection, as include/control.h has them. */
#include "control_internal.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../include/control.h"
#include "user_text.h"

static int put_line(struct reply *reply, json_t *value)
{
	char *text = value ? json_dumps(value, JSON_COMPACT) : NULL;
	struct evbuffer *out = bufferevent_get_output(reply->bev);
	int err = 0;

	if (!text || evbuffer_add(out, text, strlen(text)) || evbuffer_add(out, "\n", 1))
		err = -ENOMEM;
	free(text);
	json_decref(value);
	return err;
}

static int start_reply(struct reply *reply)
{
	if (reply->started)
		return 0;
	reply->started = true;
	return put_line(reply, json_pack("{sb}", "ok", 1));
}

int reply_row(struct reply *reply, json_t *row)
{
	int err = start_reply(reply);

	if (err) {
		json_decref(row);
		return err;
	}
	return put_line(reply, row);
}

int reply_error(struct reply *reply, int exit_code, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	user_make_text(text); /* JSON takes nothing else */
	reply->failed = true;
	put_line(reply, json_pack("{sssi}", "error", text, "exit", exit_code));
	return -ECANCELED;
}

void reply_exit(struct reply *reply, int exit_code)
{
	reply->exit_code = exit_code;
}

void reply_stream(struct reply *reply,
		  int (*next)(struct daemon *d, struct reply_cursor *cursor, struct reply *reply))
{
	reply->next = next;
	reply->streaming = true;
}

struct reply_cursor *reply_cursor(struct reply *reply)
{
	return &reply->cursor;
}

void reply_end(struct reply *reply)
{
	if (!reply->failed) {
		start_reply(reply);
		put_line(reply, reply->exit_code
					? json_pack("{sbsi}", "end", 1, "exit", reply->exit_code)
					: json_pack("{sb}", "end", 1));
	}
	reply->ended = true;
}

int reply_fd(const struct reply *reply)
{
	return bufferevent_getfd(reply->bev);
}

void reply_defer(struct reply *reply, void (*gone)(struct daemon *d))
{
	reply->gone = gone;
}

void reply_resume(struct reply *reply, bool begun)
{
	reply->gone = NULL;
	reply->started |= begun;
	reply_end(reply);
}

void reply_continue(struct reply *reply)
{
	struct evbuffer *out = bufferevent_get_output(reply->bev);
	int more = 1;

	while (more > 0 && evbuffer_get_length(out) < REPLY_CHUNK_BYTES)
		more = reply->next(reply->d, &reply->cursor, reply);
	if (more > 0)
		return;
	reply->streaming = false;
	if (more < 0)
		reply_error(reply, EXIT_FAILED, "reply: not complete: %s", strerror(-more));
	reply_end(reply);
}
