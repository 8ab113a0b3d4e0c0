/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Events as lines of text, without what differs between a dump and a notification.
 */
#ifndef EBPF_ROUTE_SUPPORT_RECORD_H
#define EBPF_ROUTE_SUPPORT_RECORD_H

#include "../../include/event.h"

#define RECORD_LINES 4096

struct record {
	unsigned int n;
	char lines[RECORD_LINES]
		  [200]; /* "+" and a new one, "-" and one gone, or just a dumped one */
	int fail_at;	 /* the event at which the callback fails, counted from 1; 0: never */
};

/* An event_fn over a struct record. -ECANCELED where it shall fail. */
int record_event(void *ctx, const struct event *ev);

bool record_has(const struct record *record, const char *op, const char *wanted);

#endif
