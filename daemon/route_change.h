/* SPDX-License-Identifier: GPL-2.0-only */
/* One transaction of user routes on the running daemon: checked, applied, written, or as if never asked for. */
#ifndef EBPF_ROUTE_ROUTE_CHANGE_H
#define EBPF_ROUTE_ROUTE_CHANGE_H

#include "daemon.h"
#include "user_batch.h"

enum change_mode {
	CHANGE_STRICT,
	/*
	 * At start: what the system has not yet is warned of, for it may come; what has no room, though the kernel's
	 * prefixes make room where they can, is left to the kernel.
	 */
	CHANGE_EARLY,
};

/* What is attached, as user_check() wants it. */
void route_change_hooks(const struct daemon *d, struct user_check *ret);

/* Of that only the comparison with what the system has. */
int route_change_check(const struct daemon *d, struct user_batch *batch, enum change_mode mode,
		       struct user_error *error);

/*
 * Applies the batch. When this returns 0 it is in the maps. Otherwise nothing changed: -EINVAL with the line
 * for the user, or another -errno with one too.
 */
int route_change(struct daemon *d, struct user_batch *batch, enum change_mode mode,
		 struct user_counts *ret, struct user_error *error);

/* How many of the batch's routes have no room in the tables. */
uint32_t route_change_full(const struct daemon *d, const struct user_batch *batch);

#endif
