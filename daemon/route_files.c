// SPDX-License-Identifier: GPL-2.0-only
/*
 * Files of user routes, read: see route_files.h.
 *
 * What the files said when they were last in force is remembered by prefix: a reload takes away what is no
 * longer said, and `save` leaves to other files what they still say.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "log.h"
#include "mirror_user.h"
#include "route_change.h"
#include "route_files_internal.h"
#include "show.h"
#include "user_hold.h"

enum {
	FILE_BYTES_MAX = 256 << 20,
	WARNINGS_MAX = 10, /* lines about routes that no hook in use serves */
};

void file_set_free(struct file_set *set)
{
	for (size_t i = 0; i < set->n_paths; i++)
		free(set->paths[i]);
	free(set->paths);
	free(set->said);
	*set = (struct file_set){ 0 };
}

const char *route_files_directory(const struct daemon *d)
{
	return d->config.routes_dir ? d->config.routes_dir : ROUTES_DIR;
}

int route_files_fail(struct user_error *error, const char *path, int err)
{
	user_refuse(error, "%.200s: %s", path,
		    err == -ENOTBLK ? "not a regular file" : strerror(-err));
	return err;
}

/* ---- what the files said ------------------------------------------------------------- */

static int compare_said(const void *a, const void *b)
{
	const struct said *x = a, *y = b;

	if (x->dst.addr != y->dst.addr)
		return x->dst.addr < y->dst.addr ? -1 : 1;
	return (int)x->dst.len - (int)y->dst.len;
}

struct said *file_set_find(const struct file_set *set, struct prefix dst)
{
	struct said key = { .dst = dst };

	return set->n_said ? bsearch(&key, set->said, set->n_said, sizeof(key), compare_said)
			   : NULL;
}

int file_set_remember(struct file_set *set, const struct user_batch *batch)
{
	set->said = calloc(batch->n + 1, sizeof(*set->said));
	if (!set->said)
		return -ENOMEM;
	for (uint32_t i = 0; i < batch->n; i++) {
		const struct user_item *item = &batch->items[i];

		if (item->file && item->command.verb != USER_DEL && user_batch_decides(batch, item))
			set->said[set->n_said++] = (struct said){
				.dst = item->command.route.dst,
				.path = item->file,
			};
	}
	qsort(set->said, set->n_said, sizeof(*set->said), compare_said);
	return 0;
}

int file_set_remember_gone(struct file_set *set, const struct file_set *old)
{
	size_t n = set->n_said;
	struct said *said = reallocarray(set->said, n + old->n_said + 1, sizeof(*said));

	if (!said)
		return -ENOMEM;
	set->said = said;
	for (size_t i = 0; i < old->n_said; i++)
		if (!old->said[i].changed && !file_set_find(set, old->said[i].dst))
			said[n++] = (struct said){ .dst = old->said[i].dst };
	set->n_said = n;
	qsort(said, n, sizeof(*said), compare_said);
	return 0;
}

void route_files_changed(struct daemon *d, const struct user_batch *batch)
{
	for (uint32_t i = 0; i < batch->n; i++) {
		struct said *said =
			file_set_find(&d->files->set, batch->items[i].command.route.dst);

		mirror_worked(d->mirror);
		if (said)
			said->changed = true;
	}
}

/* ---- reading ------------------------------------------------------------------------- */

bool route_files_name(const char *name)
{
	size_t len = strlen(name);

	return name[0] != '.' && len > 5 && strcmp(name + len - 5, ".conf") == 0;
}

static int compare_paths(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int add_path(struct file_set *set, const char *dir, const char *name)
{
	char **grown = reallocarray(set->paths, set->n_paths + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	set->paths = grown;
	if (asprintf(&set->paths[set->n_paths], "%s/%s", dir, name) < 0)
		return -ENOMEM;
	set->n_paths++;
	return 0;
}

int file_set_list(const struct daemon *d, const char *extra, struct file_set *set,
		  struct user_error *error)
{
	const char *path = route_files_directory(d);
	DIR *dir = opendir(path);
	const struct dirent *file;
	int err = 0;

	/* Only one that was asked for has to be there. */
	if (!dir && (errno != ENOENT || (d->config.routes_dir && !extra)))
		return route_files_fail(error, path, -errno);
	while (dir && !err && (file = readdir(dir)))
		if (route_files_name(file->d_name) && (!extra || strcmp(file->d_name, extra) != 0))
			err = add_path(set, path, file->d_name);
	if (dir)
		closedir(dir);
	if (!err && extra)
		err = add_path(set, path, extra);
	if (err)
		return route_files_fail(error, path, err);
	if (set->n_paths)
		qsort(set->paths, set->n_paths, sizeof(*set->paths), compare_paths);
	return 0;
}

static int read_all(FILE *file, char **ret)
{
	size_t size = 0, room = 0;
	char *text = NULL;

	do {
		char *grown = size < FILE_BYTES_MAX ? realloc(text, room = 2 * room + 65536) : NULL;

		if (!grown) {
			free(text);
			return size < FILE_BYTES_MAX ? -ENOMEM : -EFBIG;
		}
		text = grown;
		size += fread(text + size, 1, room - size - 1, file);
	} while (size == room - 1);
	text[size] = '\0';
	if (ferror(file) || strlen(text) != size) {
		free(text);
		return ferror(file) ? -EIO : -EILSEQ; /* a 0 byte: no text */
	}
	*ret = text;
	return 0;
}

int route_files_read(const char *path, char **ret)
{
	/* A pipe would be waited for, and packets with it. */
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC), err;
	struct stat st;
	FILE *file;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st))
		err = -errno;
	else
		err = S_ISREG(st.st_mode) ? 0 : S_ISDIR(st.st_mode) ? -EISDIR : -ENOTBLK;
	file = err ? NULL : fdopen(fd, "r");
	if (!err && !file)
		err = -errno;
	if (err) {
		close(fd);
		return err;
	}
	err = read_all(file, ret);
	fclose(file);
	return err;
}

int route_files_write(int fd, const char *text, size_t size)
{
	while (size) {
		ssize_t n = write(fd, text, size);

		if (n < 0 && errno != EINTR)
			return -errno;
		text += n > 0 ? n : 0;
		size -= n > 0 ? (size_t)n : 0;
	}
	return 0;
}

int file_set_read(const struct file_set *set, const char *instead, const char *text,
		  struct user_batch *batch, struct user_error *error)
{
	int err = 0;

	for (size_t i = 0; i < set->n_paths && !err; i++) {
		const char *path = set->paths[i];
		char *content = NULL;

		if (instead && strcmp(path, instead) == 0) {
			content = strdup(text);
			err = content ? 0 : -ENOMEM;
		} else {
			err = route_files_read(path, &content);
		}
		if (err)
			return route_files_fail(error, path, err);
		err = user_batch_text(batch, path, content, USER_VERB_OPTIONAL, error);
		free(content);
		if (err == -ENOMEM)
			route_files_fail(error, path, err);
	}
	return err;
}

/* ---- loading ------------------------------------------------------------------------- */

/* What came from the files and is in none of them any more. */
static int add_drops(const struct file_set *old, struct user_batch *batch)
{
	int err = 0;

	for (size_t i = 0; i < old->n_said && !err; i++) {
		mirror_worked(batch->steps);
		if (!old->said[i].changed && !user_batch_find(batch, old->said[i].dst))
			err = user_batch_drop(batch, old->said[i].dst);
	}
	return err;
}

static int load(struct daemon *d, enum change_mode mode, struct user_counts *counts,
		struct user_error *error)
{
	struct route_files *files = d->files;
	struct file_set fresh = { 0 };
	struct user_batch batch;
	uint32_t full;
	int err;

	user_batch_init(&batch, NULL);
	batch.steps = d->mirror;
	err = file_set_list(d, NULL, &fresh, error);
	if (!err)
		err = file_set_read(&fresh, NULL, NULL, &batch, error);
	if (!err) {
		err = file_set_remember(&fresh, &batch);
		if (!err)
			err = add_drops(&files->set, &batch);
		if (err)
			route_files_fail(error, route_files_directory(d), err);
	}
	if (!err)
		err = route_change(d, &batch, mode, counts, error);
	full = !err && mode == CHANGE_EARLY ? route_change_full(d, &batch) : 0;
	if (full)
		log_warning("%s: %u user routes have no room, left to the kernel until there is",
			    route_files_directory(d), full);
	if (!err) {
		file_set_free(&files->set);
		files->set = fresh;
		files->known = true;
	} else {
		file_set_free(&fresh);
	}
	user_batch_free(&batch);
	return err;
}

int route_files_start(struct daemon *d)
{
	struct user_counts counts;

	d->files = calloc(1, sizeof(*d->files));
	if (!d->files) {
		log_error("daemon: out of memory, not started");
		return -ENOMEM;
	}
	if (load(d, CHANGE_EARLY, &counts, &d->files->error))
		log_error("%s, STARTING WITHOUT ANY USER ROUTES", d->files->error.text);
	else if (counts.added)
		log_info("%s: %u user routes", route_files_directory(d), counts.added);
	return 0;
}

static void say_held(const struct daemon *d)
{
	uint32_t hold = datapath_control_hold(d->datapath), held = user_hold_count(hold, d->mirror);

	if (held)
		log_warning(
			"user routes: %u not in force while everything is left to the kernel (%s)",
			held, verdict_name(hold));
}

void route_files_ready(const struct daemon *d)
{
	const struct user_route *route = mirror_user_next(d->mirror, NULL);
	struct user_check system = { .mirror = d->mirror };
	struct user_error error;
	unsigned int said = 0;

	route_change_hooks(d, &system);
	for (; route; route = mirror_user_next(d->mirror, route)) {
		mirror_worked(d->mirror);
		if (user_check_hooks(&system, route, &error) && said++ < WARNINGS_MAX)
			log_warning("%s, not in the fast path until that changes", error.text);
	}
	if (said > WARNINGS_MAX)
		log_warning("user routes: %u more that no hook in use can serve",
			    said - WARNINGS_MAX);
	say_held(d);
}

void route_files_reload(struct daemon *d)
{
	struct user_counts counts;

	if (load(d, CHANGE_STRICT, &counts, &d->files->error)) {
		log_error("%s, keeping the user routes in force", d->files->error.text);
		return;
	}
	d->files->error.text[0] = '\0';
	log_info("%s: user routes: %u added, %u replaced, %u deleted, %u as before",
		 route_files_directory(d), counts.added, counts.replaced, counts.deleted,
		 counts.unchanged);
	say_held(d);
}

uint32_t route_files_beside(const struct daemon *d)
{
	const struct user_route *route = mirror_user_next(d->mirror, NULL);
	uint32_t n = 0;

	for (; route; route = mirror_user_next(d->mirror, route)) {
		const struct said *said = file_set_find(&d->files->set, route->dst);

		n += !said || said->changed;
	}
	return n;
}

const char *route_files_error(const struct daemon *d)
{
	return d->files->error.text[0] ? d->files->error.text : NULL;
}

void route_files_stop(struct daemon *d)
{
	if (d->files)
		file_set_free(&d->files->set);
	free(d->files);
	d->files = NULL;
}
