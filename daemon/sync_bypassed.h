/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which filters, tc programs and qdiscs of an interface do not see what the fast path forwards.
 */
#ifndef EBPF_ROUTE_SYNC_BYPASSED_H
#define EBPF_ROUTE_SYNC_BYPASSED_H

#include "sync_foreign.h"

struct bypassed;
struct netlink_filters;
struct netlink_qdiscs;

struct bypassed *bypassed_new(void);	   /* NULL: out of memory */
void bypassed_destroy(struct bypassed *b); /* NULL is fine */

/* Reads which qdiscs there are. */
void bypassed_read(struct bypassed *b, struct netlink_qdiscs *qdiscs);
/* Did the interface have a qdisc for filters then, or is that not known? */
bool bypassed_may_have_filters(const struct bypassed *b, uint32_t ifindex);
/* Looks what of them, and of filters and programs, is bypassed, and says what has changed. */
void bypassed_look(struct daemon *d, struct bypassed *b, struct netlink_filters *filters);

/* As foreign_bypassed(). */
const char *bypassed_name(const struct bypassed *b, uint32_t ifindex, unsigned int i,
			  char buf[BYPASSED_LEN]);

#endif
