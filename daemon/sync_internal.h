/* SPDX-License-Identifier: GPL-2.0-only */
/* Inside of the sync: sync.c, sync_resync.c, sync_lease.c, sync_look.c and sync_attach.c only. */
#ifndef EBPF_ROUTE_SYNC_INTERNAL_H
#define EBPF_ROUTE_SYNC_INTERNAL_H

#include "clock.h"
#include "daemon.h"
#include "log.h"
#include "sysctl.h"

enum {
	RECEIVE_BUDGET = 32768, /* messages before the maps are written in between */
};

/* Notifications that were lost, until a dump has told what they said. */
struct sync_lost {
	bool any;
	uint64_t since_ns, last_ns; /* the first and the last time that some were */
	uint64_t overruns;	    /* since the first */
	unsigned int pause_ms;	    /* before the next dump; see sync_resync.c */
	bool said;		    /* that the kernel forwards meanwhile */
};

struct sync {
	struct event *netlink_event, *features_event, *lease_timer, *resync_timer, *periodic_timer;
	struct event *attach_timer; /* links are left to be attached or detached */
	struct sync_counts counts;
	struct log_limit overrun_limit, refused_limit, failure_limit, full_limit;
	bool full_said; /* that prefixes have no room */
	unsigned long refused_said;
	unsigned int since_keepalive;
	uint64_t lease_renewed_ns, tended_ns;
	uint64_t last_resync_end_ns;
	struct changed_links changed; /* since programs and settings were last seen to */
	bool resync_pending; /* asked for, or failed: the mirror may be wrong until it is done */
	bool overrun;	     /* some were lost since the last dump began */
	struct sync_lost lost;
	char pending_why[96];
};

static inline struct timeval milliseconds(unsigned int ms)
{
	return (struct timeval){ .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };
}

/* sync.c */
int sync_on_event(void *ctx, const struct event *ev);
int sync_drain(struct daemon *d, int rounds); /* what is in the socket, applied and written */
int sync_flush(struct daemon *d);
void sync_read_settings(struct daemon *d);
void sync_note_refused(struct daemon *d);

/* sync_resync.c */
void sync_schedule(struct daemon *d, const char *why);
void sync_note_overrun(struct daemon *d);
/* The dump that was asked for before there was an event loop. */
void sync_schedule_again(struct daemon *d);
/* Is a dump wanted, and would its timer have fired by now? Before there is an event loop nobody else asks. */
bool sync_is_due(const struct daemon *d);

/* sync_lease.c */
/* After a dump: the lease is in force again, if nothing is missing. */
void sync_renew_lease(struct daemon *d);
/* The lease timer's: as long as nothing is missing. False: it ran out, and could not be recovered. */
bool sync_hold_lease(struct daemon *d);

/* sync_look.c */
/* With each renewal of the lease: what nothing announces. */
void sync_look_around(struct daemon *d);
/* To be called often in work that keeps the timers waiting: keeps the lease, looks around every second. */
void sync_tend(struct daemon *d);

#endif
