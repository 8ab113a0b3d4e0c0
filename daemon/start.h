/* SPDX-License-Identifier: GPL-2.0-only */
/* The start and the end of all that a daemon consists of but its configuration and its event loop. */
#ifndef EBPF_ROUTE_START_H
#define EBPF_ROUTE_START_H

#include "daemon.h"

/* From the lock to forwarding. 0, or -errno after saying why; in any case daemon_stop() is to follow. */
int daemon_start(struct daemon *d);
/* Closes what there is of it; with `keep` program and maps stay in place. */
void daemon_stop(struct daemon *d, bool keep);

#endif
