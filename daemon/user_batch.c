// SPDX-License-Identifier: GPL-2.0-only
/* A transaction of user routes: see user_batch.h. */
#include "user_batch.h"

#include <stdlib.h>
#include "mirror_user.h"

enum { FIRST_ITEMS = 16 };

/* Each line may take its microsecond several times. */
static void step(const struct user_batch *batch)
{
	if (batch->steps)
		mirror_worked(batch->steps);
}

/* What was there before: a copy of the route, or only the prefix where there was none. */
struct user_undo {
	struct user_route old;
	uint32_t held; /* see mirror_user_hold(); 0: there was none */
};

void user_batch_init(struct user_batch *batch, const struct mirror *base)
{
	*batch = (struct user_batch){ .base = base };
}

static void forget(struct user_batch *batch, struct user_undo *undo)
{
	mirror_user_let_go(batch->mirror, undo->held);
	mirror_user_release(&undo->old);
}

void user_batch_keep(struct user_batch *batch)
{
	for (uint32_t i = 0; i < batch->n_undo; i++) {
		step(batch);
		forget(batch, &batch->undo[i]);
	}
	free(batch->undo);
	batch->undo = NULL;
	batch->n_undo = 0;
}

void user_batch_free(struct user_batch *batch)
{
	user_batch_keep(batch);
	for (uint32_t i = 0; i < batch->n; i++) {
		step(batch);
		mirror_user_release(&batch->items[i].command.route);
	}
	free(batch->items);
	free(batch->buckets);
	*batch = (struct user_batch){ 0 };
}

/* ---- items by prefix ----------------------------------------------------------------- */

static uint32_t hash_of(struct prefix dst)
{
	return table_hash_u32(dst.addr + dst.len);
}

static void link_item(struct user_batch *batch, uint32_t i)
{
	uint32_t *bucket =
		&batch->buckets[hash_of(batch->items[i].command.route.dst) & batch->mask];

	batch->items[i].next = *bucket;
	*bucket = i + 1;
}

static int grow(struct user_batch *batch)
{
	uint32_t room = batch->room ? 2 * batch->room : FIRST_ITEMS;
	struct user_item *items = reallocarray(batch->items, room, sizeof(*items));
	uint32_t *buckets;

	if (!items)
		return -ENOMEM;
	batch->items = items;
	buckets = calloc(room, sizeof(*buckets));
	if (!buckets)
		return -ENOMEM;
	free(batch->buckets);
	batch->buckets = buckets;
	batch->mask = room - 1;
	batch->room = room;
	for (uint32_t i = 0; i < batch->n; i++)
		link_item(batch, i);
	return 0;
}

const struct user_item *user_batch_item(const struct user_batch *batch, struct prefix dst)
{
	uint32_t at = batch->n ? batch->buckets[hash_of(dst) & batch->mask] : 0;

	while (at && !prefix_equal(batch->items[at - 1].command.route.dst, dst))
		at = batch->items[at - 1].next;
	return at ? &batch->items[at - 1] : NULL;
}

const struct user_route *user_batch_find(const struct user_batch *batch, struct prefix dst)
{
	const struct user_item *item = user_batch_item(batch, dst);

	if (item)
		return item->command.verb == USER_DEL ? NULL : &item->command.route;
	return batch->base ? mirror_user_find(batch->base, dst) : NULL;
}

bool user_batch_decides(const struct user_batch *batch, const struct user_item *item)
{
	return user_batch_item(batch, item->command.route.dst) == item;
}

/* ---- adding -------------------------------------------------------------------------- */

/* Puts FILE:LINE before the line. */
static int locate(struct user_error *error, const char *file, unsigned int line)
{
	struct user_error plain = *error;

	if (file)
		user_refuse(error, "%.160s:%u: %s", file, line, plain.text);
	return -EINVAL;
}

static int refuse_duplicate(const struct user_batch *batch, struct prefix dst, const char *prefix,
			    struct user_error *error)
{
	const struct user_item *item = user_batch_item(batch, dst);

	if (item && item->file)
		return user_refuse(error,
				   "%s: is there already, from %.100s:%u, 'replace' changes it",
				   prefix, item->file, item->line);
	return user_refuse(error, "%s: is there already, 'replace' changes it", prefix);
}

static int check_verb(const struct user_batch *batch, const struct user_command *command,
		      struct user_error *error)
{
	const struct user_route *old = user_batch_find(batch, command->route.dst);
	char prefix[PREFIX_STRLEN];

	destination_format(command->route.dst, prefix);
	if (command->verb == USER_ADD && old)
		return refuse_duplicate(batch, command->route.dst, prefix, error);
	if (command->verb != USER_DEL)
		return 0;
	if (!old)
		return user_refuse(error, "%s: there is no such user route", prefix);
	if (command->has_action && !mirror_user_matches(old, &command->route))
		return user_refuse(error, "%s: the user route there does something else ('%s')",
				   prefix, user_action_word(old));
	return 0;
}

static int push(struct user_batch *batch, const struct user_command *command, const char *file,
		unsigned int line)
{
	if (batch->n == batch->room && grow(batch))
		return -ENOMEM;
	batch->items[batch->n] =
		(struct user_item){ .command = *command, .file = file, .line = line };
	link_item(batch, batch->n++);
	return 0;
}

int user_batch_add(struct user_batch *batch, struct user_command *command, const char *file,
		   unsigned int line, struct user_error *error)
{
	int err = check_verb(batch, command, error);

	if (err)
		locate(error, file, line);
	else
		err = push(batch, command, file, line);
	if (err)
		mirror_user_release(&command->route);
	return err;
}

int user_batch_drop(struct user_batch *batch, struct prefix dst)
{
	struct user_command command = { .verb = USER_DEL, .route.dst = dst };

	return push(batch, &command, NULL, 0);
}

static int add_line(struct user_batch *batch, const char *file, unsigned int number, char *line,
		    enum user_verb_use use, struct user_error *error)
{
	const char *words[USER_WORDS_MAX];
	int n = user_split(line, words, error), err = n;
	struct user_command command;

	if (n > 0)
		err = user_parse(words, (unsigned int)n, use, &command, error);
	if (err == -EINVAL)
		return locate(error, file, number);
	return err || !n ? err : user_batch_add(batch, &command, file, number, error);
}

int user_batch_text(struct user_batch *batch, const char *file, char *text, enum user_verb_use use,
		    struct user_error *error)
{
	unsigned int number = 0;
	char *line = text, *next;
	int err = 0;

	if (strncmp(text, "\xef\xbb\xbf", 3) == 0) {
		user_refuse(error, "a byte order mark (BOM) is before the first word");
		return locate(error, file, 1);
	}
	for (; line && !err; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		step(batch);
		err = add_line(batch, file, ++number, line, use, error);
	}
	return err;
}

/* ---- devices ------------------------------------------------------------------------- */

/* Where a file says a gateway as before, the device that was found for it then. */
static void keep_devices(const struct user_route *old, struct user_route *route)
{
	if (old->action != USER_NEXTHOPS || old->n_legs != route->n_legs)
		return;
	for (unsigned int i = 0; i < route->n_legs; i++) {
		const struct user_leg *before = &old->legs[i];
		struct user_leg *leg = &route->legs[i];

		if (leg->dev[0] || !before->found || leg->gateway != before->gateway)
			continue;
		memcpy(leg->dev, before->dev, sizeof(leg->dev));
		leg->found = true;
	}
}

/*
 * Fixes the devices of gateways that have none. A command finds them anew; files are read again for other
 * reasons, and what they say as before stays where it was.
 */
static void fix_devices(const struct user_batch *batch, const struct mirror *mirror,
			struct user_route *route)
{
	const struct user_route *old = batch->base ? NULL : mirror_user_find(mirror, route->dst);

	if (route->action != USER_NEXTHOPS)
		return;
	if (old)
		keep_devices(old, route);
	mirror_user_find_devices(mirror, route);
}

/* ---- checking ------------------------------------------------------------------------ */

/* What is in force already has been judged when it came, and need not be possible any more. */
static bool is_to_be_judged(struct user_batch *batch, const struct mirror *mirror,
			    struct user_item *item)
{
	const struct user_route *old;

	if (item->command.verb == USER_DEL || !user_batch_decides(batch, item))
		return false;
	fix_devices(batch, mirror, &item->command.route);
	old = mirror_user_find(mirror, item->command.route.dst);
	return !old || !mirror_user_same(old, &item->command.route);
}

int user_batch_check(struct user_batch *batch, struct user_check *check,
		     int (*fn)(void *ctx, const struct user_error *error), void *ctx)
{
	struct user_error error;
	int err = 0;

	for (uint32_t i = 0; i < batch->n && !err; i++) {
		struct user_item *item = &batch->items[i];

		step(batch);
		if (!is_to_be_judged(batch, check->mirror, item) ||
		    !user_check(check, &item->command.route, &error))
			continue;
		locate(&error, item->file, item->line);
		err = fn(ctx, &error);
	}
	return err;
}

/* ---- applying ------------------------------------------------------------------------ */

bool user_batch_says(const struct user_route *route, const struct user_route *said)
{
	if (!mirror_user_matches(route, said) || route->override != said->override ||
	    strcmp(route->comment ? route->comment : "", said->comment ? said->comment : "") != 0)
		return false;
	for (unsigned int i = 0; i < route->n_legs; i++)
		if (route->legs[i].onlink != said->legs[i].onlink)
			return false;
	return true;
}

static bool is_same(const struct user_route *a, const struct user_route *b)
{
	if (!mirror_user_same(a, b) || !user_batch_says(a, b))
		return false;
	for (unsigned int i = 0; i < a->n_legs; i++)
		if (a->legs[i].found != b->legs[i].found)
			return false;
	return true;
}

static int remember(struct user_batch *batch, const struct user_route *old, struct prefix dst)
{
	struct user_undo *undo = &batch->undo[batch->n_undo];

	*undo = (struct user_undo){ .old.dst = dst };
	if (old && mirror_user_copy(old, &undo->old))
		return -ENOMEM;
	undo->held = mirror_user_hold(batch->mirror, dst);
	batch->n_undo++;
	return 0;
}

static int apply_item(struct user_batch *batch, struct mirror *mirror,
		      const struct user_command *command, struct user_counts *counts)
{
	const struct user_route *route = &command->route,
				*old = mirror_user_find(mirror, route->dst);
	bool is_del = command->verb == USER_DEL;
	int err;

	if (is_del ? !old : old && is_same(old, route)) {
		counts->unchanged += !is_del;
		return 0;
	}
	err = remember(batch, old, route->dst);
	if (err)
		return err;
	batch->needs_room |= !is_del && (!old || !mirror_user_same(old, route));
	if (is_del)
		counts->deleted++;
	else if (old)
		counts->replaced++;
	else
		counts->added++;
	err = is_del ? mirror_user_del(mirror, route->dst) : mirror_user_set(mirror, route);
	if (err)
		forget(batch, &batch->undo[--batch->n_undo]);
	return err;
}

int user_batch_apply(struct user_batch *batch, struct mirror *mirror, struct user_counts *ret)
{
	struct user_counts counts = { 0 };
	int err = 0;

	user_batch_keep(batch);
	batch->mirror = mirror;
	batch->needs_room = false;
	batch->undo = calloc(batch->n + 1, sizeof(*batch->undo));
	if (!batch->undo)
		return -ENOMEM;
	for (uint32_t i = 0; i < batch->n && !err; i++) {
		struct user_command *command = &batch->items[i].command;

		step(batch);
		if (!user_batch_decides(batch, &batch->items[i]))
			continue;
		fix_devices(batch, mirror, &command->route);
		err = apply_item(batch, mirror, command, &counts);
	}
	if (err)
		return user_batch_undo(batch, mirror) ? -ENOTRECOVERABLE : err;
	*ret = counts;
	return 0;
}

int user_batch_undo(struct user_batch *batch, struct mirror *mirror)
{
	int err = 0;

	for (uint32_t i = batch->n_undo; i-- > 0;) {
		const struct user_undo *undo = &batch->undo[i];

		step(batch);
		if (!undo->held)
			mirror_user_del(mirror, undo->old.dst);
		else if (mirror_user_restore(mirror, &undo->old, undo->held))
			err = -ENOMEM;
	}
	user_batch_keep(batch);
	return err;
}
