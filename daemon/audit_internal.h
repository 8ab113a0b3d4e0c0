/* SPDX-License-Identifier: GPL-2.0-only */
/* Inside of the audit: audit*.c only. */
#ifndef EBPF_ROUTE_AUDIT_INTERNAL_H
#define EBPF_ROUTE_AUDIT_INTERNAL_H

#include "audit.h"
#include "datapath_repair.h"
#include "fib_record.h"

struct audit {
	struct event *timer; /* of the next piece */
	void (*done)(struct daemon *d);
	bool running, again;
	unsigned int stage;
	uint32_t part; /* of the stage */
	struct datapath_cursor cursor;
	uint64_t found, failed, work_us; /* in this run */
	unsigned int bad_runs;		 /* in a row */
	unsigned int retry_seconds;
	bool distrusted; /* the last run left something wrong */
	json_t *rows;
	uint64_t last_found;
	json_t *last_rows;
	struct audit_counts counts;
	/* Addresses in a row whose entries were wrong. */
	uint32_t run_first, run_last;
	bool in_run;
	int run_err;
};

/* fixed: as datapath_fix_..() returns it; 0 is nothing to tell of. */
void audit_tell(struct daemon *d, int fixed, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * Stages: each does part number a->part of its work. 1: there are more, 0, or -errno where the maps cannot
 * be read.
 */
int audit_words(struct daemon *d);   /* audit_words.c: tables in memory */
int audit_singles(struct daemon *d); /* devices to transmit by, CPUs, policy steps */
int audit_own(struct daemon *d);     /* audit_entries.c */
int audit_macs(struct daemon *d);
int audit_neighbours(struct daemon *d);
int audit_policy_routes(struct daemon *d);
int audit_engine(struct daemon *d);

#endif
