/* SPDX-License-Identifier: GPL-2.0-only */
/* Attaching what the configuration asks for, and one interface anew after something happened to it. */
#ifndef EBPF_ROUTE_SYNC_ATTACH_H
#define EBPF_ROUTE_SYNC_ATTACH_H

#include <stdbool.h>

struct daemon;
struct mirror_link;

/* Are the interfaces there that the configuration names? 0, or -ENODEV after saying which is not. */
int sync_check_names(const struct daemon *d);

/*
 * Attaches and detaches as links and configuration want it now, for about 100 ms: 1 where that was not enough, to be
 * called again once what has come meanwhile was read. 0; -errno only with `strict`.
 */
int sync_attach(struct daemon *d, bool strict);

/* The same to the end, at the start: there is no event loop yet, and what its timers would do is done in between. */
int sync_attach_all(struct daemon *d);

/* Detaches and attaches it. The log says what happened: "gone and back: ". */
void sync_attach_again(struct daemon *d, const struct mirror_link *link, const char *happened);

/* Someone else detached the program: attaches it again, but not in a fight. */
void sync_attach_lost(struct daemon *d, const struct mirror_link *link);

#endif
