/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * User routes set at run time, kept for the daemon that comes after this one: /run/ebpf-route/<instance>.routes.
 *
 * A daemon that is killed, or ends with --keep, leaves its programs forwarding; what decides there is not to
 * change because another daemon takes over. So every change is in the file before it is answered, and a
 * start puts the file's routes over those of the files of user routes, before any packet sees the new maps.
 * An end without --keep removes the file, and so does a boot.
 */
#ifndef EBPF_ROUTE_ROUTE_STATE_H
#define EBPF_ROUTE_ROUTE_STATE_H

#include "daemon.h"
#include "user_batch.h"

/* After route_files_start(). What is wrong is logged and leaves those routes out; -ENOMEM where even that is not possible. */
int route_state_start(struct daemon *d);
/* To be told of every change at run time, after route_files_changed(). */
void route_state_changed(struct daemon *d, const struct user_batch *batch);
/* To be told when what the files say has changed: after a reload, and after `save`. */
void route_state_rewrite(struct daemon *d);
/* The next start is to begin without these routes. */
void route_state_forget(struct daemon *d);
void route_state_stop(struct daemon *d);

#endif
