// SPDX-License-Identifier: GPL-2.0-only
/* `user`, `batch`, `flush`, `save`: each one transaction, which is in the maps before the answer goes out. */
#include "control_user.h"

#include <stdlib.h>
#include "../include/control.h"
#include "mirror_user.h"
#include "route_change.h"
#include "route_files.h"
#include "route_state.h"
#include "show.h"
#include "user_hold.h"
#include "user_select.h"

static int refuse(struct reply *reply, int exit_code, const struct user_error *error)
{
	return reply_error(reply, exit_code, "%s, nothing is changed", error->text);
}

/* The strings of the list "words". Their number, or -EINVAL. */
static int get_words(const json_t *args, const char *words[USER_WORDS_MAX],
		     struct user_error *error)
{
	const json_t *list = json_object_get(args, "words");
	size_t n = json_array_size(list);

	if (n > USER_WORDS_MAX)
		return user_refuse(error, "more than %d words", USER_WORDS_MAX);
	for (size_t i = 0; i < n; i++) {
		words[i] = json_string_value(json_array_get(list, i));
		if (!words[i])
			return user_refuse(error, "word %zu: not a string", i + 1);
	}
	return (int)n;
}

/* Applies the batch, answers and forgets it. */
static int change(struct daemon *d, struct user_batch *batch, struct reply *reply)
{
	struct user_counts counts;
	struct user_error error;
	int err = route_change(d, batch, CHANGE_STRICT, &counts, &error);
	uint32_t hold = datapath_control_hold(d->datapath), held;
	json_t *row;

	if (!err)
		route_files_changed(d, batch);
	if (!err)
		route_state_changed(d, batch);
	held = user_hold_count_batch(hold, batch);
	user_batch_free(batch);
	if (err == -ENOTRECOVERABLE)
		return reply_error(reply, EXIT_FAILED, "%s, some of the change stays", error.text);
	if (err)
		return refuse(reply, EXIT_FAILED, &error);
	row = json_pack("{sIsIsIsIsI}", "added", (json_int_t)counts.added, "replaced",
			(json_int_t)counts.replaced, "deleted", (json_int_t)counts.deleted,
			"unchanged", (json_int_t)counts.unchanged, "routes",
			(json_int_t)mirror_user_count(d->mirror));
	if (row && held) {
		json_object_set_new(row, "hold", json_string(verdict_name(hold)));
		json_object_set_new(row, "held", json_integer(held));
	}
	return reply_row(reply, row);
}

int control_user(struct daemon *d, const json_t *args, struct reply *reply)
{
	const char *words[USER_WORDS_MAX];
	struct user_command command;
	struct user_batch batch;
	struct user_error error;
	int n = get_words(args, words, &error), err = n < 0 ? n : 0;

	if (!err)
		err = user_parse(words, (unsigned int)n, USER_VERB_NEEDED, &command, &error);
	if (err == -EINVAL)
		return refuse(reply, EXIT_USAGE, &error);
	if (err)
		return err;
	user_batch_init(&batch, d->mirror);
	batch.steps = d->mirror;
	err = user_batch_add(&batch, &command, NULL, 0, &error);
	if (!err)
		return change(d, &batch, reply);
	user_batch_free(&batch);
	return err == -EINVAL ? refuse(reply, EXIT_FAILED, &error) : err;
}

int control_batch(struct daemon *d, const json_t *args, struct reply *reply)
{
	const char *text = json_string_value(json_object_get(args, "text")),
		   *name = json_string_value(json_object_get(args, "name"));
	char *copy = text ? strdup(text) : NULL;
	struct user_batch batch;
	struct user_error error;
	int err;

	if (!text)
		return reply_error(reply, EXIT_USAGE, "batch: no text, nothing is changed");
	if (!copy)
		return -ENOMEM;
	user_batch_init(&batch, d->mirror);
	batch.steps = d->mirror;
	err = user_batch_text(&batch, name ? name : "batch", copy, USER_VERB_NEEDED, &error);
	free(copy);
	if (!err)
		return change(d, &batch, reply);
	user_batch_free(&batch);
	return err == -EINVAL ? refuse(reply, EXIT_FAILED, &error) : err;
}

/* Puts the removal of what is selected into the batch. */
static int select_routes(const struct daemon *d, const struct user_selector *selector,
			 struct user_batch *batch)
{
	const struct user_route *route = mirror_user_next(d->mirror, NULL);
	int err = 0;

	for (; route && !err; route = mirror_user_next(d->mirror, route)) {
		mirror_worked(d->mirror);
		if (user_selector_matches(selector, d->mirror, route))
			err = user_batch_drop(batch, route->dst);
	}
	return err;
}

int control_flush(struct daemon *d, const json_t *args, struct reply *reply)
{
	const char *words[USER_WORDS_MAX];
	struct user_selector selector;
	struct user_batch batch;
	struct user_error error;
	int n = get_words(args, words, &error), err = n < 0 ? n : 0;

	if (!err)
		err = user_selector_parse(words, (unsigned int)n, &selector, &error);
	if (err)
		return refuse(reply, EXIT_USAGE, &error);
	user_batch_init(&batch, d->mirror);
	batch.steps = d->mirror;
	err = select_routes(d, &selector, &batch);
	if (!err)
		return change(d, &batch, reply);
	user_batch_free(&batch);
	return err;
}

int control_save(struct daemon *d, const json_t *args, struct reply *reply)
{
	const char *name = json_string_value(json_object_get(args, "file"));
	struct route_files_saved saved;
	struct user_error error;
	char first[PREFIX_STRLEN];
	json_t *row;

	if (route_files_save(d, name ? name : ROUTES_SAVED,
			     json_is_true(json_object_get(args, "force")), &saved, &error))
		return reply_error(reply, EXIT_FAILED, "%s, nothing is saved", error.text);
	route_state_rewrite(d);
	row = json_pack("{sssIsI}", "file", saved.path, "routes", (json_int_t)saved.routes,
			"differs", (json_int_t)saved.differs);
	if (row && saved.differs)
		json_object_set_new(row, "first",
				    json_string(destination_format(saved.first, first)));
	return reply_row(reply, row);
}
