// SPDX-License-Identifier: GPL-2.0-only
/*
 * What of user routes is kept for the next daemon: see route_state.h; how, in route_journal.h.
 *
 * A journal that has grown well beyond what it says is written anew, then with no more than what differs from
 * the files of user routes; or, while these have a mistake in them, with one line for each prefix that it names,
 * for a start may find none of the files' routes.
 */
#include "route_state.h"

#include <stdlib.h>
#include <unistd.h>
#include "log.h"
#include "mirror_user.h"
#include "route_change.h"
#include "route_files_internal.h"
#include "route_journal.h"

struct route_state {
	struct route_journal journal;
	struct log_limit failure_limit;
};

/* Routes that a restart does not bring back are better than routes that are not in force any more. */
static void give_up(struct daemon *d, int err)
{
	route_state_forget(d);
	if (log_allowed(&d->route_state->failure_limit))
		log_warning(
			"%s: cannot be written: %s, user routes set at run time would not survive the daemon; "
			"trying again with the next change",
			d->instance.routes, strerror(-err));
}

/* ---- text ---------------------------------------------------------------------------- */

static void write_deletion(FILE *out, struct prefix dst)
{
	char prefix[PREFIX_STRLEN];

	fprintf(out, "del %s\n", prefix_format(dst, prefix));
}

static void write_route(FILE *out, const struct user_route *route)
{
	char line[USER_LINE_MAX];

	fprintf(out, "replace %s\n", user_format(route, line));
}

/* What the files do not say as it is in force. Returns the number of lines. */
static uint32_t write_all(const struct daemon *d, FILE *out)
{
	const struct file_set *files = &d->files->set;
	const struct user_route *route = mirror_user_next(d->mirror, NULL);
	uint32_t n = 0;

	for (; route; route = mirror_user_next(d->mirror, route)) {
		const struct said *said = file_set_find(files, route->dst);

		mirror_worked(d->mirror);
		if (said && !said->changed)
			continue;
		write_route(out, route);
		n++;
	}
	for (size_t i = 0; i < files->n_said; i++) {
		if (!files->said[i].changed || mirror_user_find(d->mirror, files->said[i].dst))
			continue;
		write_deletion(out, files->said[i].dst);
		n++;
	}
	return n;
}

/* How the prefix is in force. */
static void write_item(const struct daemon *d, struct prefix dst, FILE *out)
{
	const struct user_route *now = mirror_user_find(d->mirror, dst);

	if (now)
		write_route(out, now);
	else
		write_deletion(out, dst);
}

static void write_changes(const struct daemon *d, const struct user_batch *batch, FILE *out)
{
	for (uint32_t i = 0; i < batch->n; i++) {
		const struct user_item *item = &batch->items[i];

		mirror_worked(d->mirror);
		if (user_batch_decides(batch, item))
			write_item(d, item->command.route.dst, out);
	}
}

/* ---- writing ------------------------------------------------------------------------- */

static int append_changes(struct daemon *d, const struct user_batch *batch)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	int err = 0;

	if (!out)
		return -errno;
	write_changes(d, batch, out);
	route_journal_end(out);
	if (ferror(out))
		err = -ENOMEM;
	if (fclose(out) && !err)
		err = -ENOMEM;
	if (!err)
		err = route_journal_append(&d->route_state->journal, text, size);
	free(text);
	return err;
}

void route_state_forget(struct daemon *d)
{
	route_journal_close(&d->route_state->journal);
	unlink(d->instance.routes);
}

/* ---- reading ------------------------------------------------------------------------- */

static int add_line(const struct daemon *d, struct user_batch *batch, char *line,
		    unsigned int number, struct user_error *error)
{
	const char *words[USER_WORDS_MAX];
	struct user_command command;
	struct user_error plain;
	int n = user_split(line, words, &plain), err = n < 0 ? n : 0;

	if (n > 0)
		err = user_parse(words, (unsigned int)n, USER_VERB_NEEDED, &command, &plain);
	if (err == -EINVAL)
		return user_refuse(error, "%s:%u: %.200s", d->instance.routes, number, plain.text);
	if (err || !n)
		return err;
	if (command.verb != USER_DEL)
		return user_batch_add(batch, &command, d->instance.routes, number, error);
	err = user_batch_drop(batch, command.route.dst); /* there or not */
	mirror_user_release(&command.route);
	return err;
}

static int add_lines(const struct daemon *d, struct user_batch *batch, char *text,
		     struct user_error *error)
{
	unsigned int number = 0;
	char *line = text, *next;
	int err = 0;

	for (; line && !err; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		mirror_worked(d->mirror);
		err = add_line(d, batch, line, ++number, error);
	}
	return err;
}

/* ---- writing anew -------------------------------------------------------------------- */

/* May the files say something of the prefix, now or once their mistake is mended? */
static bool is_of_files(const struct daemon *d, struct prefix dst)
{
	return !d->files->known || file_set_find(&d->files->set, dst);
}

/* Each prefix that the batch names: as it is in force, or that it is deleted. Returns the number of lines. */
static uint32_t write_named(const struct daemon *d, const struct user_batch *batch, FILE *out)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < batch->n; i++) {
		const struct user_item *item = &batch->items[i];
		struct prefix dst = item->command.route.dst;

		mirror_worked(d->mirror);
		if (!user_batch_decides(batch, item) ||
		    (!mirror_user_find(d->mirror, dst) && !is_of_files(d, dst)))
			continue;
		write_item(d, dst, out);
		n++;
	}
	return n;
}

/* What the batch names, or without one all that the files do not say. */
static int compose(const struct daemon *d, const struct user_batch *batch, char **ret_text,
		   size_t *ret_size, uint32_t *ret_n)
{
	FILE *out = open_memstream(ret_text, ret_size);
	int err;

	if (!out)
		return -errno;
	err = route_journal_begin(out);
	*ret_n = batch ? write_named(d, batch, out) : write_all(d, out);
	route_journal_end(out);
	if (ferror(out) && !err)
		err = -ENOMEM;
	if (fclose(out) && !err)
		err = -ENOMEM;
	return err;
}

/* What the journal says, each prefix only once. */
static int shorten(struct daemon *d)
{
	char *old = route_journal_read(d->instance.routes), *text = NULL;
	struct user_error error;
	struct user_batch batch;
	int err = -EINVAL;
	size_t size = 0;
	uint32_t n;

	user_batch_init(&batch, d->mirror);
	batch.steps = d->mirror;
	if (old)
		err = add_lines(d, &batch, old, &error);
	if (!err)
		err = compose(d, &batch, &text, &size, &n);
	user_batch_free(&batch);
	if (!err)
		err = route_journal_replace(&d->route_state->journal, d->instance.routes, text,
					    size);
	free(text);
	free(old);
	return err;
}

void route_state_rewrite(struct daemon *d)
{
	struct route_journal *journal = &d->route_state->journal;
	char *text = NULL;
	size_t size = 0;
	uint32_t n = 0;
	int err;

	if (route_files_error(d) && journal->fd >= 0) {
		err = route_journal_is_long(journal) ? shorten(d) : 0;
		if (err)
			give_up(d, err);
		return;
	}
	err = compose(d, NULL, &text, &size, &n);
	if (!err && n)
		err = route_journal_replace(journal, d->instance.routes, text, size);
	else if (!err)
		route_state_forget(d);
	free(text);
	if (err)
		give_up(d, err);
}

void route_state_changed(struct daemon *d, const struct user_batch *batch)
{
	const struct route_journal *journal = &d->route_state->journal;
	int err;

	if (journal->fd < 0) {
		route_state_rewrite(d);
		return;
	}
	err = append_changes(d, batch);
	if (err)
		give_up(d, err);
	else if (route_journal_is_long(journal))
		route_state_rewrite(d);
}

/* ---- starting ------------------------------------------------------------------------ */

static void say_restored(const struct daemon *d, const struct user_batch *batch,
			 const struct user_counts *counts)
{
	uint32_t full = route_change_full(d, batch);

	if (full)
		log_warning(
			"%s: %u of the user routes set at run time have no room, left to the kernel until there is",
			d->instance.routes, full);
	log_info("%s: user routes set at run time before: %u added, %u replaced, %u deleted",
		 d->instance.routes, counts->added, counts->replaced, counts->deleted);
}

/* Each counts as before; what has no room now falls back, as it does whenever room goes. */
static int restore(struct daemon *d, char *text, struct user_error *error)
{
	struct user_counts counts;
	struct user_batch batch;
	int err;

	user_batch_init(&batch, d->mirror);
	batch.steps = d->mirror;
	err = add_lines(d, &batch, text, error);
	if (!err)
		err = route_change(d, &batch, CHANGE_EARLY, &counts, error);
	if (!err) {
		route_files_changed(d, &batch);
		say_restored(d, &batch, &counts);
	}
	user_batch_free(&batch);
	return err;
}

/* What cannot be in force is put aside, for the operator: what changes from here on begins anew. */
static void refuse_journal(struct daemon *d, const struct user_error *error)
{
	char aside[sizeof(d->instance.routes) + 8];

	snprintf(aside, sizeof(aside), "%s.refused", d->instance.routes);
	log_error("%s, STARTING WITHOUT THE USER ROUTES THAT WERE SET AT RUN TIME, they are in %s",
		  error->text, aside);
	if (rename(d->instance.routes, aside))
		unlink(d->instance.routes);
	route_journal_close(&d->route_state->journal);
}

int route_state_start(struct daemon *d)
{
	struct route_state *s = calloc(1, sizeof(*s));
	struct user_error error = { .text = "out of memory" };
	char *text = NULL;
	int err;

	if (!s) {
		log_error("daemon: out of memory, not started");
		return -ENOMEM;
	}
	d->route_state = s;
	s->failure_limit = LOG_LIMIT(1, 60);
	err = route_journal_open(&s->journal, d->instance.routes, &text);
	if (err == -ENOENT)
		return 0;
	if (err == -EINVAL) {
		log_info("%s: not whole, or of another network namespace, ignoring",
			 d->instance.routes);
		route_state_forget(d);
		return 0;
	}
	if (err)
		route_files_fail(&error, d->instance.routes, err);
	else
		err = restore(d, text, &error);
	if (err)
		refuse_journal(d, &error);
	free(text);
	return 0;
}

void route_state_stop(struct daemon *d)
{
	if (d->route_state)
		route_journal_close(&d->route_state->journal);
	free(d->route_state);
	d->route_state = NULL;
}
