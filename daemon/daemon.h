/* SPDX-License-Identifier: GPL-2.0-only */
/* The running daemon: everything the shell's files share. One thread, one event loop. */
#ifndef EBPF_ROUTE_DAEMON_H
#define EBPF_ROUTE_DAEMON_H

#include <event2/event.h>
#include "../netlink/netlink.h"
#include "attach.h"
#include "config.h"
#include "datapath.h"
#include "fib.h"
#include "instance.h"
#include "mirror.h"
#include "sync_redirects.h"

struct audit;
struct control_server;
struct cpus_watch;
struct foreign;
struct guard_watch;
struct metrics_server;
struct route_files;
struct route_state;
struct sync;
struct transmit;
struct verify_child;
struct wanted;

struct daemon {
	struct config config;
	struct instance instance;
	struct event_base *base;
	struct netlink *netlink;
	struct netlink_features *features; /* NULL: the kernel has no such family */
	struct netlink_links *links;	   /* NULL: links that stop wait for their turn */
	struct mirror *mirror;
	struct datapath *datapath;
	struct fib *fib;
	struct attachments *attachments;
	struct sync *sync;
	struct audit *audit;	   /* of the maps, see audit.h */
	struct wanted *wanted;	   /* neighbours to ask for, see sync_wanted.h */
	struct transmit *transmit; /* ports that are refused, NULL: not told of */
	struct cpus_watch *cpus;   /* that are online */
	struct guard_watch *guard;
	struct foreign *foreign;	 /* see sync_foreign.h */
	struct route_files *files;	 /* of user routes */
	struct route_state *route_state; /* of those set at run time, see route_state.h */
	struct control_server *control;
	struct metrics_server *metrics; /* NULL: not asked for */
	struct verify_child *verify;	/* NULL: none is running */
	struct redirects redirects;	/* see sync_redirects.h */
	uint64_t refreshed_ns;		/* last look at the neighbours in use, see sync_refresh.h */
	uint64_t started_ns;		/* CLOCK_MONOTONIC */
	int argc;			/* for SIGHUP */
	char **argv;
};

/* ---- sync.c: kernel -> mirror -> maps ------------------------------------------------ */

struct sync_counts {
	uint64_t events;     /* messages applied, dumps included */
	uint64_t overruns;   /* times the kernel dropped notifications */
	uint64_t resyncs;    /* complete dumps applied, the first included */
	uint64_t lag_us;     /* from the wake-up to the maps, of the last batch of notifications */
	uint64_t lag_max_us; /* the longest of them since start */
	uint64_t last_resync_us; /* duration of the last complete dump */
	bool synced;		 /* the first sync is in the maps and nothing failed since */
};

/* The first complete sync: dump, fill the maps, attach. 0 or -errno after saying why. */
int sync_start(struct daemon *d);
/* What has been announced is applied and written, without waiting for any dump. 0 or -errno. */
int sync_read(struct daemon *d);
/*
 * Everything announced before the call is in the maps when this returns 0; dumps where that is needed.
 * -ETIMEDOUT where links or rules kept changing until the time was over.
 */
int sync_settle(struct daemon *d, double seconds);
/* A complete dump now. 0 or -errno; after a failure it is tried again by itself. */
int sync_resync(struct daemon *d, const char *why);
/* The maps once more, after something was asked of the fib that no notification says. 0 or -errno. */
int sync_write(struct daemon *d);
/* Interfaces are attached and detached as the configuration now wants it: with the next dump or batch, in turns. */
void sync_links_changed(struct daemon *d);
/*
 * To be called during long work, often: keeps a lease that is still good. One that ran out needs a full sync
 * first.
 */
void sync_keep_alive(struct daemon *d);
void sync_counts(const struct daemon *d, struct sync_counts *ret);
void sync_stop(struct daemon *d);

#endif
