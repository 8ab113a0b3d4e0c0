/* SPDX-License-Identifier: GPL-2.0-only */
/* Has the kernel resolve neighbours that only user routes lead to. */
#ifndef EBPF_ROUTE_SYNC_WANTED_H
#define EBPF_ROUTE_SYNC_WANTED_H

struct daemon;

/* Events for what the programs want and for gateways. 0 or -errno. */
int wanted_start(struct daemon *d);
/* Looks at the gateways now: for whoever has just written routes. Before wanted_start() nothing happens. */
void wanted_look(struct daemon *d);
void wanted_stop(struct daemon *d);

#endif
