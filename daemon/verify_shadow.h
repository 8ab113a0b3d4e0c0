/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The audit's own mirror, made from nothing but what the kernel says now, over sockets of its own.
 *
 * It is kept up to date like the daemon's: notifications, and a dump where those do not tell.
 */
#ifndef EBPF_ROUTE_VERIFY_SHADOW_H
#define EBPF_ROUTE_VERIFY_SHADOW_H

#include "daemon.h"

struct shadow;

/* Opens and fills it. d: the daemon's state at the time of the fork, only read. 0 or -errno. */
int shadow_open(struct shadow **ret, const struct daemon *d);
void shadow_close(struct shadow *shadow); /* NULL is fine */

/* What came since; everything is asked anew with `dump`, or where a notification calls for it. */
int shadow_update(struct shadow *shadow, bool dump);

const struct mirror *shadow_mirror(const struct shadow *shadow);

#endif
