/* SPDX-License-Identifier: GPL-2.0-only */
/* Links that stop while something else takes long: dumps, and bursts of routes. */
#ifndef EBPF_ROUTE_SYNC_LINKS_H
#define EBPF_ROUTE_SYNC_LINKS_H

struct daemon;

/* From now on every long work of the mirror and the fib looks now and then. */
void links_watch(struct daemon *d);
/*
 * No packet goes to a link any more that went down, lost its carrier or is gone: at once, whatever is to
 * be read before the notification that has it done properly.
 */
void links_look(struct daemon *d);

#endif
