/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What others do on the interfaces that carry our programs: they detach them, add filters, set up qdiscs.
 */
#ifndef EBPF_ROUTE_SYNC_FOREIGN_H
#define EBPF_ROUTE_SYNC_FOREIGN_H

#include <stdbool.h>
#include <stdint.h>

struct daemon;

/* Opens what is heard and read by; that the kernel has none is no failure. 0 or -errno after saying why. */
int foreign_start(struct daemon *d);

/* Attaches again what others detached, and says what forwarded packets pass by. */
void foreign_look(struct daemon *d);
/* The same shortly, however often it is called until then. */
void foreign_look_soon(struct daemon *d);

/* The last word about qdiscs is read; before detaching everything. */
void foreign_stop(struct daemon *d);

/*
 * The i-th thing on the interface that forwarded packets pass by, as found at the last look: "tc ingress
 * filter", "qdisc htb"; NULL: there are no more. buf: its place, where it needs one.
 */
enum { BYPASSED_LEN = 32 };
const char *foreign_bypassed(const struct daemon *d, uint32_t ifindex, unsigned int i,
			     char buf[BYPASSED_LEN]);

#endif
