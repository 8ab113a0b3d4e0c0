/* SPDX-License-Identifier: GPL-2.0-only */
/* Attaching one interface anew, after something happened to it. */
#ifndef EBPF_ROUTE_SYNC_ATTACH_H
#define EBPF_ROUTE_SYNC_ATTACH_H

struct daemon;
struct mirror_link;

/* Detaches and attaches it. The log says what happened: "gone and back: ". */
void sync_attach_again(struct daemon *d, const struct mirror_link *link, const char *happened);

/* Someone else detached the program: attaches it again, but not in a fight. */
void sync_attach_lost(struct daemon *d, const struct mirror_link *link);

#endif
