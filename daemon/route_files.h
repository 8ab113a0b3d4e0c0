/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * User routes in files: the .conf files of a directory, a route a line, read in the order of their names as one transaction.
 *
 * What the files say is in force after a start and after every SIGHUP that does not fail; routes that came from
 * them and are in none any more go then. Routes set at run time stay, but where a file names
 * their prefix.
 */
#ifndef EBPF_ROUTE_ROUTE_FILES_H
#define EBPF_ROUTE_ROUTE_FILES_H

#include "daemon.h"
#include "user_batch.h"

#define ROUTES_SAVED "saved.conf"

/*
 * At start, before anything is attached; and on SIGHUP. What fails is logged and changes nothing; -ENOMEM
 * where even that is not possible.
 */
int route_files_start(struct daemon *d);
void route_files_reload(struct daemon *d);
/* Once hooks are attached: says what these, or a hold, keep from being in force. */
void route_files_ready(const struct daemon *d);
void route_files_stop(struct daemon *d);

/*
 * --check-config: reads the files, of the configuration alone, in place of all else that a start does. What the
 * system has not (yet) is warned of. 0, or -errno after a line that names file and line.
 */
int route_files_check(struct daemon *d);

/* How many user routes no file says as they are. */
uint32_t route_files_beside(const struct daemon *d);

/* Why the files are not in force, one line; NULL: they are. */
const char *route_files_error(const struct daemon *d);

/* To be told of every change at run time: the routes concerned are no longer those of the files. */
void route_files_changed(struct daemon *d, const struct user_batch *batch);

struct route_files_saved {
	char path[256];
	uint32_t routes; /* in the file */
	uint32_t
		differs; /* that a restart would not bring back as they are, because of other files */
	struct prefix first; /* of these */
};

/*
 * Writes the routes that are in no other file as they are, into that file of the directory: a new one, one that
 * this wrote, or with `force` any. 0, or -errno with a line for the user; then the file is as it was.
 */
int route_files_save(struct daemon *d, const char *name, bool force, struct route_files_saved *ret,
		     struct user_error *error);

#endif
