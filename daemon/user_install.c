// SPDX-License-Identifier: GPL-2.0-only
/*
 * The order of a change: see user_install.h.
 *
 * The fib is level with the mirror; then the mirror alone changes; then room is taken for all that became dirty
 * by that, unseen (fib_prepare()); only then it is written. What finds no room is taken back before that; but
 * what only takes away is never refused: the kernel's routes that come to light may fall back, as any may.
 */
#include "user_install.h"

static int refuse_errno(int err, const char *object, struct user_error *error)
{
	user_refuse(error, "%s: %s", object, strerror(-err));
	return err;
}

static int refuse_room(const struct user_batch *batch, const struct fib_shortage *shortage,
		       const struct user_counts *counts, struct user_error *error)
{
	const struct user_item *item = user_batch_item(batch, shortage->prefix);
	const char *until =
		counts->deleted ? "; what the same change deletes has its place until then" : "";
	char prefix[PREFIX_STRLEN];

	destination_format(shortage->prefix, prefix);
	if (!item)
		return user_refuse(
			error,
			"user routes: the kernel's %s would fall back: the table is full, %s%s",
			prefix, shortage->why, until);
	if (item->file)
		return user_refuse(error, "%.100s:%u: %s: the table is full, %s%s", item->file,
				   item->line, prefix, shortage->why, until);
	return user_refuse(error, "%s: the table is full, %s%s", prefix, shortage->why, until);
}

static int write_all(struct user_batch *batch, struct fib *fib, enum user_room room,
		     const struct user_counts *counts, struct user_error *error)
{
	struct fib_shortage shortage;
	int err = fib_prepare(fib, &shortage);

	if (room == USER_ROOM_ANY)
		fib_press(fib);
	if (err == -ENOSPC && (room == USER_ROOM_ANY || !batch->needs_room))
		err = 0;
	if (err == -ENOSPC)
		return refuse_room(batch, &shortage, counts, error);
	if (!err)
		err = fib_sync(fib);
	return err < 0 ? refuse_errno(err, "maps", error) : 0;
}

int user_install(struct user_batch *batch, struct mirror *mirror, struct fib *fib,
		 enum user_room room, struct user_counts *ret, struct user_error *error)
{
	struct user_counts counts;
	int err = fib_sync(fib); /* from here on the batch alone is dirty */

	if (err < 0)
		return refuse_errno(err, "maps", error);
	err = user_batch_apply(batch, mirror, &counts);
	if (err)
		return refuse_errno(err, "user routes", error);
	err = write_all(batch, fib, room, &counts, error);
	if (!err) {
		*ret = counts;
		user_batch_keep(batch);
	} else if (user_batch_undo(batch, mirror)) {
		err = -ENOTRECOVERABLE;
	}
	fib_sync(fib); /* what is needed no longer goes */
	return err;
}
