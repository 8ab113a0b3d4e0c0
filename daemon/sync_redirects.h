/* SPDX-License-Identifier: GPL-2.0-only */
/* What the kernel may have learnt from ICMP redirects. */
#ifndef EBPF_ROUTE_SYNC_REDIRECTS_H
#define EBPF_ROUTE_SYNC_REDIRECTS_H

#include <stdbool.h>
#include <stdint.h>

struct daemon;

/* Times by CLOCK_MONOTONIC. */
struct redirects {
	/* When what was accepted has expired; UINT64_MAX: a device still accepts them; 0: there is none. */
	uint64_t gone_ns;
	bool found;	  /* by the last dump */
	bool known;	  /* that there are none: no dump is needed */
	uint64_t look_ns; /* of the next dump, while found */
	uint64_t came,
		before; /* the kernel's count at the last look at which none were left, and the one before it */
	bool told; /* to the operator: that the kernel may know other gateways */
};

/* Tells the mirror; after the sysctls have been read. */
void redirects_look(struct daemon *d);
/* In a resync: where it is not known, asks the kernel what it has learnt. 0 or -errno. */
int redirects_resync(struct daemon *d);
/* What was accepted may have been missed. */
void redirects_doubt(struct daemon *d);
/* May it hold something that this process knows of, whatever is accepted now? */
bool redirects_left(const struct daemon *d);

#endif
