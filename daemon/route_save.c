// SPDX-License-Identifier: GPL-2.0-only
/*
 * `save`: the routes in force into a file that the next start reads.
 *
 * What other files say stays theirs. Before the file is written all of them are read as a start would read
 * them, with the new one in its place: what could not be loaded is not written.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "mirror_user.h"
#include "route_files_internal.h"

/* The first line of what is written here, around the name of the instance; what begins otherwise is not ours. */
#define SAVED_BY   "# Written by `ebpf-route --instance "
#define SAVED_REST " save`, which will write it anew.\n"
/* As earlier versions wrote it. They named nobody, so whoever finds it counts as its author. */
#define SAVED_BY_ANY "# Written by `ebpf-route save`, which will write it anew.\n"

/* The name of the instance in a line that begins with SAVED_BY, with its length; NULL: no such line. */
static const char *find_author(const char *text, size_t *ret_len)
{
	const char *name;
	size_t len;

	if (strncmp(text, SAVED_BY, strlen(SAVED_BY)) != 0)
		return NULL;
	name = text + strlen(SAVED_BY);
	len = strspn(name, INSTANCE_NAME_CHARACTERS);
	if (!len || len > INSTANCE_NAME_MAX ||
	    strncmp(name + len, SAVED_REST, strlen(SAVED_REST)) != 0)
		return NULL;
	*ret_len = len;
	return name;
}

static int check_text(const struct daemon *d, const char *path, const char *text,
		      struct user_error *error)
{
	const char *author;
	size_t len;

	if (!*text || strncmp(text, SAVED_BY_ANY, strlen(SAVED_BY_ANY)) == 0)
		return 0;
	author = find_author(text, &len);
	if (!author)
		return user_refuse(error, "%.200s: not written by 'save', '--force' replaces it",
				   path);
	if (len == strlen(d->instance.name) && strncmp(author, d->instance.name, len) == 0)
		return 0;
	return user_refuse(
		error, "%.200s: written by 'save' of the instance '%.*s', '--force' replaces it",
		path, (int)len, author);
}

/* What another instance saved in a directory that both read is as little ours as what the user wrote. */
static int check_author(const struct daemon *d, const char *path, struct user_error *error)
{
	char *text;
	int err = route_files_read(path, &text);

	if (err == -ENOENT)
		return 0;
	if (err)
		return route_files_fail(error, path, err);
	err = check_text(d, path, text, error);
	free(text);
	return err;
}

/*
 * Is the route for this file? Not where another one has it as it is, or had it when files were last read. A file
 * that is read later, and says something else, has the last word, or would be refused to say it: that is a
 * difference to tell of.
 */
static bool is_for(const struct daemon *d, const char *path, const struct user_item *other,
		   const struct user_route *route)
{
	const struct said *said = file_set_find(&d->files->set, route->dst);

	if (said && !said->changed && (!said->path || strcmp(said->path, path) != 0))
		return false;
	return !other || strcmp(other->file, path) < 0;
}

/* The routes that no other file has as they are; `others` is what these say. */
static char *compose(const struct daemon *d, const char *path, const struct user_batch *others,
		     uint32_t *ret_routes)
{
	const struct user_route *route = mirror_user_next(d->mirror, NULL);
	char line[USER_LINE_MAX], *text = NULL;
	uint32_t n = 0;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	bool failed;

	if (!out)
		return NULL;
	fprintf(out, SAVED_BY "%s" SAVED_REST, d->instance.name);
	for (; route; route = mirror_user_next(d->mirror, route)) {
		const struct user_item *other = user_batch_item(others, route->dst);

		mirror_worked(d->mirror);
		if (!is_for(d, path, other, route))
			continue;
		fprintf(out, "%s%s\n", other ? "replace " : "", user_format(route, line));
		n++;
	}
	failed = ferror(out);
	if (fclose(out) || failed) {
		free(text);
		return NULL;
	}
	*ret_routes = n;
	return text;
}

static bool is_as_in_force(const struct daemon *d, const struct user_route *route)
{
	const struct user_route *now = mirror_user_find(d->mirror, route->dst);

	return now && user_batch_says(now, route);
}

static void note_difference(struct route_files_saved *saved, struct prefix dst)
{
	if (!saved->differs++)
		saved->first = dst;
}

/*
 * What a restart would make of the files, against what is in force. What differs was changed at run time, unless
 * it is as files said when they were last read: then these are what changed, and the next reload takes it up.
 */
static void compare(const struct daemon *d, struct file_set *set, const struct user_batch *batch,
		    struct route_files_saved *saved)
{
	const struct user_route *route = mirror_user_next(d->mirror, NULL);

	for (; route; route = mirror_user_next(d->mirror, route)) {
		mirror_worked(d->mirror);
		if (!user_batch_find(batch, route->dst))
			note_difference(saved, route->dst);
	}
	for (size_t i = 0; i < set->n_said; i++) {
		struct said *said = &set->said[i];
		const struct said *before = file_set_find(&d->files->set, said->dst);

		mirror_worked(d->mirror);
		if (!said->path || is_as_in_force(d, user_batch_find(batch, said->dst)))
			continue;
		said->changed = !before || before->changed;
		note_difference(saved, said->dst);
	}
}

/* Makes the directory, and the one that it is in. */
static void make_directory(const char *path)
{
	char *parent = strdup(path), *slash = parent ? strrchr(parent, '/') : NULL;

	if (mkdir(path, 0755) && errno == ENOENT && slash && slash > parent) {
		*slash = '\0';
		mkdir(parent, 0755);
		mkdir(path, 0755);
	}
	free(parent);
}

/* Whoever reads the file finds the old one or the new one, whole. */
static int write_file(const char *dir, const char *path, const char *text)
{
	char temporary[300];
	int fd, err;

	make_directory(dir);
	snprintf(temporary, sizeof(temporary), "%.256s/.saving.XXXXXX", dir);
	fd = mkostemp(temporary, O_CLOEXEC); /* mode 0600 */
	if (fd < 0)
		return -errno;
	err = route_files_write(fd, text, strlen(text));
	if (!err && fsync(fd))
		err = -errno;
	if (close(fd) && !err)
		err = -errno;
	if (!err && rename(temporary, path))
		err = -errno;
	if (err)
		unlink(temporary);
	return err;
}

static int save_text(struct daemon *d, const char *name, const char *text,
		     struct route_files_saved *saved, struct user_error *error)
{
	struct file_set fresh = { 0 };
	struct user_batch batch;
	int err;

	user_batch_init(&batch, NULL);
	batch.steps = d->mirror;
	err = file_set_list(d, name, &fresh, error);
	if (!err)
		err = file_set_read(&fresh, saved->path, text, &batch, error);
	if (!err) {
		err = file_set_remember(&fresh, &batch);
		if (!err)
			err = file_set_remember_gone(&fresh, &d->files->set);
		if (!err)
			err = write_file(route_files_directory(d), saved->path, text);
		if (err)
			route_files_fail(error, saved->path, err);
	}
	if (!err) {
		compare(d, &fresh, &batch, saved);
		file_set_free(&d->files->set);
		d->files->set = fresh;
	} else {
		file_set_free(&fresh);
	}
	user_batch_free(&batch);
	return err;
}

/* The same, with what the other files say now: they may have been edited since they were read. */
static int compose_beside(const struct daemon *d, const char *name, const char *path,
			  uint32_t *ret_routes, char **ret_text, struct user_error *error)
{
	struct file_set files = { 0 };
	struct user_batch others;
	char *text = NULL;
	int err;

	user_batch_init(&others, NULL);
	others.steps = d->mirror;
	err = file_set_list(d, name, &files, error);
	if (!err)
		err = file_set_read(&files, path, "", &others, error);
	if (!err) {
		text = compose(d, path, &others, ret_routes);
		if (!text)
			err = route_files_fail(error, path, -ENOMEM);
	}
	user_batch_free(&others);
	file_set_free(&files);
	*ret_text = text;
	return err;
}

int route_files_save(struct daemon *d, const char *name, bool force, struct route_files_saved *ret,
		     struct user_error *error)
{
	struct route_files_saved saved = { 0 };
	char *text;
	int err;

	if (!route_files_name(name) || strchr(name, '/') || !user_is_text(name))
		return user_refuse(error, "'%.64s': not the name of a file of %.160s, NAME.conf",
				   name, route_files_directory(d));
	if (snprintf(saved.path, sizeof(saved.path), "%s/%s", route_files_directory(d), name) >=
	    (int)sizeof(saved.path))
		return route_files_fail(error, route_files_directory(d), -ENAMETOOLONG);
	err = force ? 0 : check_author(d, saved.path, error);
	if (err)
		return err;
	err = compose_beside(d, name, saved.path, &saved.routes, &text, error);
	if (!err)
		err = save_text(d, name, text, &saved, error);
	free(text);
	if (!err)
		*ret = saved;
	return err;
}
