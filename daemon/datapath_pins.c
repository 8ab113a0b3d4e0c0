// SPDX-License-Identifier: GPL-2.0-only
/*
 * The pins of maps and programs, beside those of links (attach_links.c), in one directory.
 *
 * A start makes new maps and programs and puts their pins in the place of those that an earlier run left,
 * of whatever version. What is not ours is never replaced or removed. Ours is a map or a program of our
 * name and type, a map that a pinned program of ours uses, and a link by which a program of our name is
 * attached. Each pin is made under another name and moved to its place: a daemon that is killed leaves
 * each place with the old pin or the new one, and perhaps one NEW_PREFIX, which the next start removes.
 */
#include "datapath_maps.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define NEW_PREFIX "new-" /* bpffs has no dots in names */

enum {
	PATH_SIZE = PATH_MAX,
	USED_MAPS_MAX = 64, /* BPF_MAX_USED maps of a program, MAX_USED_MAPS of the kernel */
};

enum pin_kind {
	PIN_NOTHING,
	PIN_MAP,
	PIN_PROGRAM,
	PIN_LINK,
	PIN_DIRECTORY,
	PIN_OTHER,
};

/* What is at a place. */
struct pin {
	enum pin_kind kind;
	uint32_t type, id;
	char name[BPF_OBJ_NAME_LEN]; /* of a link: of its program */
	uint32_t maps[USED_MAPS_MAX], n_maps;
	int err; /* of PIN_OTHER: why it cannot be looked at; 0: it can */
};

static bool is_of(const char *name, const char *prefix)
{
	return strncmp(name, prefix, strlen(prefix)) == 0;
}

static bool is_link_place(const char *name)
{
	return is_of(name, "xdp-") || is_of(name, "tcx-");
}

/* ---- looking ------------------------------------------------------------------------- */

static enum pin_kind kind_of(int fd)
{
	char path[64], target[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = readlink(path, target, sizeof(target) - 1);
	if (n < 0)
		return PIN_OTHER;
	target[n] = '\0';
	if (strstr(target, "bpf-map"))
		return PIN_MAP;
	if (strstr(target, "bpf-prog"))
		return PIN_PROGRAM;
	return strstr(target, "bpf-link") || strstr(target, "bpf_link") ? PIN_LINK : PIN_OTHER;
}

static void read_program(int fd, struct pin *ret)
{
	struct bpf_prog_info info = { .map_ids = (uintptr_t)ret->maps,
				      .nr_map_ids = USED_MAPS_MAX };
	uint32_t len = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &len)) {
		ret->err = -errno;
		return;
	}
	ret->type = info.type;
	ret->id = info.id;
	ret->n_maps = info.nr_map_ids < USED_MAPS_MAX ? info.nr_map_ids : USED_MAPS_MAX;
	memcpy(ret->name, info.name, sizeof(ret->name));
}

static void read_map(int fd, struct pin *ret)
{
	struct bpf_map_info info = { 0 };
	uint32_t len = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &len)) {
		ret->err = -errno;
		return;
	}
	ret->type = info.type;
	ret->id = info.id;
	memcpy(ret->name, info.name, sizeof(ret->name));
}

/* A link has no name: that of its program counts. */
static void read_link(int fd, struct pin *ret)
{
	struct bpf_link_info info = { 0 };
	uint32_t len = sizeof(info);
	struct pin program = { 0 };
	int program_fd;

	if (bpf_obj_get_info_by_fd(fd, &info, &len)) {
		ret->err = -errno;
		return;
	}
	ret->type = info.type;
	ret->id = info.id;
	program_fd = bpf_prog_get_fd_by_id(info.prog_id);
	if (program_fd < 0)
		return;
	read_program(program_fd, &program);
	close(program_fd);
	memcpy(ret->name, program.name, sizeof(ret->name));
}

static void read_object(int fd, struct pin *ret)
{
	ret->kind = kind_of(fd);
	if (ret->kind == PIN_PROGRAM)
		read_program(fd, ret);
	else if (ret->kind == PIN_MAP)
		read_map(fd, ret);
	else if (ret->kind == PIN_LINK)
		read_link(fd, ret);
	if (ret->err)
		ret->kind = PIN_OTHER;
}

static void look(const char *path, struct pin *ret)
{
	struct stat st;
	int fd;

	*ret = (struct pin){ .kind = PIN_OTHER };
	if (lstat(path, &st)) {
		ret->err = -errno;
		if (errno == ENOENT)
			ret->kind = PIN_NOTHING;
		return;
	}
	if (!S_ISREG(st.st_mode)) {
		ret->kind = S_ISDIR(st.st_mode) ? PIN_DIRECTORY : PIN_OTHER;
		return;
	}
	fd = bpf_obj_get(path);
	if (fd < 0) {
		ret->err = -errno;
		return;
	}
	read_object(fd, ret);
	close(fd);
}

static void look_at(const char *dir, const char *name, struct pin *ret)
{
	char path[PATH_SIZE];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	look(path, ret);
}

/* ---- places -------------------------------------------------------------------------- */

/* The name of a map's pin: internal maps carry dots in theirs, which bpffs refuses. */
static const char *place_of(const char *name)
{
	return strchr(name, '.') ? "control" : name;
}

/* Calls fn for what is pinned: everything of the router but its constants. Stops at the first error. */
static int for_each_place(const struct datapath *dp,
			  int (*fn)(void *ctx, const char *place, const char *name, int fd),
			  void *ctx)
{
	struct bpf_program *program;
	struct bpf_map *map;
	int err = 0;

	bpf_object__for_each_map(map, dp->router->obj) {
		if (!err && map != dp->router->maps.rodata)
			err = fn(ctx, place_of(bpf_map__name(map)), bpf_map__name(map),
				 bpf_map__fd(map));
	}
	bpf_object__for_each_program(program, dp->router->obj) {
		if (!err)
			err = fn(ctx, bpf_program__name(program), bpf_program__name(program),
				 bpf_program__fd(program));
	}
	return err;
}

/* A name in the directory against the places. */
struct search {
	const char *place;
	struct pin own; /* what this run has for it */
};

static int search_place(void *ctx, const char *place, const char *name, int fd)
{
	struct search *search = ctx;

	(void)name;
	if (strcmp(place, search->place) != 0)
		return 0;
	read_object(fd, &search->own);
	return 1;
}

static bool find_place(const struct datapath *dp, const char *place, struct pin *ret)
{
	struct search search = { .place = place };

	if (!for_each_place(dp, search_place, &search))
		return false;
	*ret = search.own;
	return true;
}

/* ---- whose --------------------------------------------------------------------------- */

/* The maps that pinned programs of ours use, of whatever version. */
struct used_maps {
	const struct datapath *dp;
	const char *dir;
	uint32_t ids[2 * USED_MAPS_MAX], n;
};

static bool is_same_kind(const struct pin *a, const struct pin *b)
{
	return a->kind == b->kind && a->type == b->type &&
	       strncmp(a->name, b->name, sizeof(a->name)) == 0;
}

static int add_used(void *ctx, const char *place, const char *name, int fd)
{
	struct used_maps *used = ctx;
	struct pin own = { 0 }, pin;

	(void)name;
	read_object(fd, &own);
	look_at(used->dir, place, &pin);
	if (pin.kind == PIN_PROGRAM && is_same_kind(&pin, &own))
		for (uint32_t i = 0; i < pin.n_maps && used->n < 2 * USED_MAPS_MAX; i++)
			used->ids[used->n++] = pin.maps[i];
	return 0;
}

static bool is_used(const struct used_maps *used, const struct pin *pin)
{
	for (uint32_t i = 0; i < used->n; i++)
		if (used->ids[i] == pin->id)
			return pin->kind == PIN_MAP;
	return false;
}

enum owner {
	OWNER_US,	 /* at one of our places */
	OWNER_US_FORMER, /* of an earlier run, at a place that has no use any more */
	OWNER_OTHER,	 /* at one of our places */
	OWNER_NONE,	 /* neither ours nor in the way */
};

static enum owner judge(const struct used_maps *used, const char *name, const struct pin *pin)
{
	struct pin own;

	if (is_link_place(name)) {
		bool ours = pin->kind == PIN_LINK &&
			    (!pin->name[0] || is_of(pin->name, "router_")); /* "": none any more */

		return ours ? OWNER_US : OWNER_OTHER;
	}
	if (is_of(name, NEW_PREFIX) && find_place(used->dp, name + strlen(NEW_PREFIX), &own))
		return is_same_kind(pin, &own) || is_used(used, pin) ? OWNER_US_FORMER
								     : OWNER_OTHER;
	if (find_place(used->dp, name, &own))
		return is_same_kind(pin, &own) || is_used(used, pin) ? OWNER_US : OWNER_OTHER;
	return is_used(used, pin) ? OWNER_US_FORMER : OWNER_NONE;
}

static void describe(const struct pin *pin, char *text, size_t size)
{
	switch (pin->kind) {
	case PIN_MAP:
		snprintf(text, size, "a map '%.15s' of type %u", pin->name, pin->type);
		break;
	case PIN_PROGRAM:
		snprintf(text, size, "a program '%.15s' of type %u", pin->name, pin->type);
		break;
	case PIN_LINK:
		snprintf(text, size, "a link of type %u, of a program '%.15s'", pin->type,
			 pin->name);
		break;
	case PIN_DIRECTORY:
		snprintf(text, size, "a directory");
		break;
	default:
		snprintf(text, size, "something else%s%s", pin->err ? ": " : "",
			 pin->err ? strerror(-pin->err) : "");
	}
}

/* Of the daemon's, which says nothing about what is there. */
static bool is_shortage(int err)
{
	return err == -EMFILE || err == -ENFILE || err == -ENOMEM;
}

/* Every entry of the directory. With `sweep` what is left of earlier runs and of no use goes. */
static int look_through(const struct used_maps *used, bool sweep, char *why, size_t size)
{
	DIR *dir = opendir(used->dir);
	struct dirent *entry;
	char path[PATH_SIZE], what[96];
	int err = 0;

	if (!dir) {
		err = -errno;
		snprintf(why, size, "%s: %s", used->dir, strerror(-err));
		return err;
	}
	while (!err && (entry = readdir(dir))) {
		enum owner owner;
		struct pin pin;

		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", used->dir, entry->d_name);
		look(path, &pin);
		owner = pin.kind == PIN_NOTHING ? OWNER_NONE : judge(used, entry->d_name, &pin);
		if (owner == OWNER_OTHER && is_shortage(pin.err)) {
			snprintf(why, size, "%s: cannot be looked at: %s", path,
				 strerror(-pin.err));
			err = pin.err;
		} else if (owner == OWNER_OTHER) {
			describe(&pin, what, sizeof(what));
			snprintf(why, size, "%s: %s is there, which is not ours", path, what);
			err = -EEXIST;
		} else if (owner == OWNER_US_FORMER && sweep) {
			unlink(path);
		}
	}
	closedir(dir);
	return err;
}

static int look_through_dir(const struct datapath *dp, const char *dir, bool sweep, char *why,
			    size_t size)
{
	struct used_maps used = { .dp = dp, .dir = dir };

	for_each_place(dp, add_used, &used);
	return look_through(&used, sweep, why, size);
}

int datapath_check_pins(const struct datapath *dp, const char *dir, char *why, size_t size)
{
	return look_through_dir(dp, dir, false, why, size);
}

/* ---- pinning ------------------------------------------------------------------------- */

struct pinning {
	const char *dir;
	char *why;
	size_t size;
};

/* Under another name first: whoever looks finds the old object or the new one. */
static int pin_one(void *ctx, const char *place, const char *name, int fd)
{
	const struct pinning *p = ctx;
	char path[PATH_SIZE], fresh[PATH_SIZE];
	int err = 0;

	(void)name;
	snprintf(path, sizeof(path), "%s/%s", p->dir, place);
	snprintf(fresh, sizeof(fresh), "%s/" NEW_PREFIX "%s", p->dir, place);
	if (bpf_obj_pin(fd, fresh))
		err = -errno;
	if (!err && (chmod(fresh, 0600) || rename(fresh, path))) {
		err = -errno;
		unlink(fresh);
	}
	if (err)
		snprintf(p->why, p->size, "%s: cannot be pinned: %s", path, strerror(-err));
	return err;
}

int datapath_pin(const struct datapath *dp, const char *dir, char *why, size_t size)
{
	struct pinning pinning = { .dir = dir, .why = why, .size = size };
	int err = look_through_dir(dp, dir, true, why, size);

	return err ? err : for_each_place(dp, pin_one, &pinning);
}

static int unpin_one(void *ctx, const char *place, const char *name, int fd)
{
	const char *dir = ctx;
	struct pin own = { 0 }, pin;
	char path[PATH_SIZE];

	(void)name;
	read_object(fd, &own);
	snprintf(path, sizeof(path), "%s/%s", dir, place);
	look(path, &pin);
	if (pin.kind == own.kind && pin.id == own.id)
		unlink(path);
	return 0;
}

void datapath_unpin(const struct datapath *dp, const char *dir)
{
	for_each_place(dp, unpin_one, (void *)dir);
}
