/* SPDX-License-Identifier: GPL-2.0-only */
/* Inside of the control socket: a reply, of which commands see what control.h says. Only control*.c includes this. */
#ifndef EBPF_ROUTE_CONTROL_INTERNAL_H
#define EBPF_ROUTE_CONTROL_INTERNAL_H

#include "control.h"

enum {
	REPLY_CHUNK_BYTES = 256 * 1024, /* of a long reply held at a time */
};

struct bufferevent;

struct reply {
	struct daemon *d;
	struct bufferevent *bev;
	int exit_code;
	bool failed, streaming, started;
	bool ended;			/* nothing follows what is in the output */
	void (*gone)(struct daemon *d); /* of a deferred reply, else NULL */
	int (*next)(struct daemon *d, struct reply_cursor *cursor, struct reply *reply);
	struct reply_cursor cursor;
};

/* Of one that streams: as much of it as has room. */
void reply_continue(struct reply *reply);
/* Its last line, unless an error was that. */
void reply_end(struct reply *reply);

#endif
