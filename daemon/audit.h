/* SPDX-License-Identifier: GPL-2.0-only */
/* Finds and repairs what is in the maps and was not written by this daemon. */
#ifndef EBPF_ROUTE_AUDIT_H
#define EBPF_ROUTE_AUDIT_H

#include <jansson.h>
#include "daemon.h"

struct audit_counts {
	uint64_t runs;	      /* complete ones */
	uint64_t repairs;     /* entries put right since start */
	uint64_t failed;      /* times an entry could not be */
	uint64_t last_us;     /* work of the last run */
	uint64_t step_max_us; /* the longest time in one piece that any took */
};

/* 0 or -ENOMEM. */
int audit_init(struct daemon *d);
void audit_stop(struct daemon *d);
/*
 * Looks at everything once, from now on, in pieces of a few ms between the loop's events; what is found is
 * logged. `done` (may be NULL) is called at the end. One at a time: a run under way is followed by another.
 */
void audit_run(struct daemon *d, void (*done)(struct daemon *d));
/* That caller is no longer interested. */
void audit_forget(struct daemon *d, void (*done)(struct daemon *d));
void audit_counts(const struct daemon *d, struct audit_counts *ret);
/* What the last run put right: objects {"kind":"repaired","object":..,"error":..}, at most 1000. */
const json_t *audit_rows(const struct daemon *d);
uint64_t audit_found(const struct daemon *d); /* their number, all of them */

#endif
