/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A batch of user routes into the mirror and the fast path, or into neither.
 *
 * What has no room is refused before a packet can have seen any of it. Deleting always succeeds, and so does
 * a change of nothing but `override` or a comment: what comes to light without room falls back as table_full.
 */
#ifndef EBPF_ROUTE_USER_INSTALL_H
#define EBPF_ROUTE_USER_INSTALL_H

#include "fib.h"
#include "user_batch.h"

enum user_room {
	USER_ROOM_NEEDED,
	/* At a start: prefixes of the kernel's make room, and what finds none falls back as table_full. */
	USER_ROOM_ANY,
};

/*
 * Applies the batch and writes it. 0, with *ret; or nothing changed, and a line for the user: -EINVAL where
 * there is no room, or another -errno. -ENOTRECOVERABLE: memory is out, and some of a refused change stays.
 */
int user_install(struct user_batch *batch, struct mirror *mirror, struct fib *fib,
		 enum user_room room, struct user_counts *ret, struct user_error *error);

#endif
