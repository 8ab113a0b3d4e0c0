/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * File descriptors: each attached interface takes one (its bpf_link), each client one. Some are kept for what the
 * daemon itself has to do, so that one interface or client too many costs nothing but itself.
 */
#ifndef EBPF_ROUTE_DESCRIPTORS_H
#define EBPF_ROUTE_DESCRIPTORS_H

#include <stdbool.h>

struct evconnlistener;

enum {
	DESCRIPTORS_EXTRA = 1024,      /* wanted beside those of the interfaces */
	DESCRIPTORS_BESIDE_PORTS = 32, /* have to be left for an interface to be attached */
	DESCRIPTORS_BESIDE_CLIENTS = 16,
};

/* Raises the limit for so many interfaces as far as the system allows, and never lowers it. Returns what it is now. */
unsigned int descriptors_raise(unsigned int ports);
unsigned int descriptors_limit(void);

/*
 * Is the lowest number that is free at least that far from the limit? The lowest is the next one taken, so those
 * above stay free as long as all ask who take one for long.
 */
bool descriptors_left(unsigned int beside);

/*
 * A listener that cannot accept, as descriptors or memory are short, pauses a moment: who waits there stays
 * readable, and the loop would turn without end. It may be freed once the loop has ended.
 */
void descriptors_spare(struct evconnlistener *listener);
/* The same until there is room for clients: for a listener whose clients are not refused one by one. */
void descriptors_wait(struct evconnlistener *listener);

#endif
