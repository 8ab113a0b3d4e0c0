/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The control socket's server: reads requests, finds the command, sends rows.
 *
 * Protocol: include/control.h. Slow readers are served in pieces; nothing they do blocks the loop.
 */
#ifndef EBPF_ROUTE_CONTROL_SERVER_H
#define EBPF_ROUTE_CONTROL_SERVER_H

#include <jansson.h>
#include "daemon.h"

struct reply;

/*
 * One command: fills the reply from args (never NULL). A negative errno without reply_error() is
 * reported as that error.
 */
struct control_command {
	const char *name;
	int (*run)(struct daemon *d, const json_t *args, struct reply *reply);
};

/* For commands. reply_row() takes the reference; NULL is out of memory. */
int reply_row(struct reply *reply, json_t *row);
/* Ends with an error line for the user and an exit code; always returns -ECANCELED. */
int reply_error(struct reply *reply, int exit_code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* The exit code at the end of a reply that is no error. */
void reply_exit(struct reply *reply, int exit_code);
/*
 * A reply that another process writes into the connection, all but its end. `gone` is called where the
 * client is given up first; otherwise reply_resume() ends the reply, `begun` where that process has said {"ok":true}.
 */
int reply_fd(const struct reply *reply);
void reply_defer(struct reply *reply, void (*gone)(struct daemon *d));
void reply_resume(struct reply *reply, bool begun);
/*
 * A reply too long to be held: `next` is called whenever the client has room, puts a few rows, and
 * returns 1 to be called again, 0 at the end. The cursor (64 bytes) starts zeroed.
 */
struct reply_cursor {
	uint64_t word[8];
};
void reply_stream(struct reply *reply,
		  int (*next)(struct daemon *d, struct reply_cursor *cursor, struct reply *reply));
struct reply_cursor *reply_cursor(struct reply *reply);

/* 0 or -errno. */
int control_start(struct daemon *d);
void control_stop(struct daemon *d);

#endif
