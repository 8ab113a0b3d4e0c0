/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * `verify`: the audit of the maps against the kernel.
 *
 * A forked child does it and answers the client itself: it has the daemon's state as it was (its memory is a
 * copy) and the maps as they are (their memory is shared), asks the kernel over sockets of its own, and holds
 * nothing up.
 */
#ifndef EBPF_ROUTE_VERIFY_H
#define EBPF_ROUTE_VERIFY_H

#include "control.h"

/* The command of the control socket; see include/control.h. One at a time. */
int verify_request(struct daemon *d, const json_t *args, struct reply *reply);
/* User routes changed. One that is running, and finds a difference, then knows nothing. */
void verify_user_changed(struct daemon *d);
/* Ends one that is running; to be called before anything that the child holds open is closed. */
void verify_stop(struct daemon *d);

#endif
