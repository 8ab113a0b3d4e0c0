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
#include <sys/stat.h>
#include <unistd.h>
#include "pin.h"

#define NEW_PREFIX "new-" /* bpffs has no dots in names */

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
	pin_read(fd, &search->own);
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
	uint32_t ids[2 * PIN_MAPS_MAX], n;
};

static void look_at(const char *dir, const char *name, struct pin *ret)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	pin_look(path, ret);
}

static int add_used(void *ctx, const char *place, const char *name, int fd)
{
	struct used_maps *used = ctx;
	struct pin own, pin;

	(void)name;
	pin_read(fd, &own);
	look_at(used->dir, place, &pin);
	if (pin.kind == PIN_PROGRAM && pin_is_like(&pin, &own))
		for (uint32_t i = 0; i < pin.n_maps && used->n < 2 * PIN_MAPS_MAX; i++)
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

static bool is_of(const char *name, const char *prefix)
{
	return strncmp(name, prefix, strlen(prefix)) == 0;
}

static bool is_link_place(const char *name)
{
	return is_of(name, "xdp-") || is_of(name, "tcx-");
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
		return pin_is_like(pin, &own) || is_used(used, pin) ? OWNER_US_FORMER : OWNER_OTHER;
	if (find_place(used->dp, name, &own))
		return pin_is_like(pin, &own) || is_used(used, pin) ? OWNER_US : OWNER_OTHER;
	return is_used(used, pin) ? OWNER_US_FORMER : OWNER_NONE;
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
	char path[PATH_MAX], what[96];
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
		pin_look(path, &pin);
		owner = pin.kind == PIN_NOTHING ? OWNER_NONE : judge(used, entry->d_name, &pin);
		if (owner == OWNER_OTHER && is_shortage(pin.err)) {
			snprintf(why, size, "%s: cannot be looked at: %s", path,
				 strerror(-pin.err));
			err = pin.err;
		} else if (owner == OWNER_OTHER) {
			pin_describe(&pin, what, sizeof(what));
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
	char path[PATH_MAX], fresh[PATH_MAX];
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
	struct pin own, pin;
	char path[PATH_MAX];

	(void)name;
	pin_read(fd, &own);
	snprintf(path, sizeof(path), "%s/%s", dir, place);
	pin_look(path, &pin);
	if (pin.kind == own.kind && pin.id == own.id)
		unlink(path);
	return 0;
}

void datapath_unpin(const struct datapath *dp, const char *dir)
{
	for_each_place(dp, unpin_one, (void *)dir);
}
