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
 * As sync_attach_all(), for about 100 ms: 1 where that was not enough, to be called again once what has come meanwhile
 * was read.
 */
int sync_attach(struct daemon *d, bool strict);

/* Detaches and attaches it. The log says what happened: "gone and back: ". */
void sync_attach_again(struct daemon *d, const struct mirror_link *link, const char *happened);

/* Someone else detached the program: attaches it again, but not in a fight. */
void sync_attach_lost(struct daemon *d, const struct mirror_link *link);

#endif
