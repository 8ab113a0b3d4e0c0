/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Changes of user routes that are made together or not at all.
 *
 * Commands are added in their order, each told against what those before it leave; then checked against
 * the system; then applied, which can be undone. Pure: the mirror is all that changes.
 */
#ifndef EBPF_ROUTE_USER_BATCH_H
#define EBPF_ROUTE_USER_BATCH_H

#include "user_check.h"

struct user_item {
	struct user_command command;
	const char *file; /* where it came from, the caller's; NULL: nowhere */
	unsigned int line;
	uint32_t next; /* of the same hash, the one before: index + 1 */
};

struct user_batch {
	const struct mirror *base; /* NULL: the batch alone is all there is */
	struct user_item *items;
	uint32_t n, room;
	uint32_t *buckets; /* index + 1 of the last item of a hash */
	uint32_t mask;
	struct mirror *mirror;	/* where it was applied */
	struct user_undo *undo; /* what was applied, in order */
	uint32_t n_undo;
	bool needs_room; /* what was applied, for more than routes that go or say the same as before */
	struct mirror *
		steps; /* whose pauses there are within longer work, see mirror_set_pause(); NULL: none */
};

struct user_counts {
	uint32_t added, replaced, deleted, unchanged;
};

void user_batch_init(struct user_batch *batch, const struct mirror *base);
void user_batch_free(struct user_batch *batch);

/*
 * Adds one command, which is the batch's in any case. Refused where `add` finds a route, or `del` none.
 * As all of these: 0, -EINVAL with the line for the user, which begins with FILE:LINE, or -ENOMEM.
 */
int user_batch_add(struct user_batch *batch, struct user_command *command, const char *file,
		   unsigned int line, struct user_error *error);
/* Adds every line of a text, which is taken to pieces. */
int user_batch_text(struct user_batch *batch, const char *file, char *text, enum user_verb_use use,
		    struct user_error *error);
/* Adds the removal of a route whether it is there or not. 0 or -ENOMEM. */
int user_batch_drop(struct user_batch *batch, struct prefix dst);

/* What the batch, and the base below it, have for the prefix; NULL: nothing. */
const struct user_route *user_batch_find(const struct user_batch *batch, struct prefix dst);
/* Of the items for a prefix the last one decides. NULL: there is none. */
const struct user_item *user_batch_item(const struct user_batch *batch, struct prefix dst);
bool user_batch_decides(const struct user_batch *batch, const struct user_item *item);

/*
 * Checks what is to be set against the system, but for what is in force already. Calls fn for each line that
 * fails, and stops at and returns the first non-zero that it returns. Gateways without a device get theirs.
 */
int user_batch_check(struct user_batch *batch, struct user_check *check,
		     int (*fn)(void *ctx, const struct user_error *error), void *ctx);

/* Is the route what is `said`? There a gateway may be without a device, and any is meant. */
bool user_batch_says(const struct user_route *route, const struct user_route *said);

/*
 * Changes the mirror: all of it and 0, or nothing and -ENOMEM. -ENOTRECOVERABLE: it was not to change, but some of
 * it stays.
 */
int user_batch_apply(struct user_batch *batch, struct mirror *mirror, struct user_counts *ret);
/*
 * Takes back what the last user_batch_apply() did; routes that were there are what they were, with what they
 * have counted. 0, or -ENOMEM where some of it stays.
 */
int user_batch_undo(struct user_batch *batch, struct mirror *mirror);
/* It stays: how it was before is forgotten. user_batch_free() says so too. */
void user_batch_keep(struct user_batch *batch);

#endif
