// SPDX-License-Identifier: GPL-2.0-only
/*
 * Is a program on an interface that of another instance?
 *
 * The program's name says so, but only CAP_SYS_ADMIN may ask for the program of an id, and that is gone once the
 * daemon follows the kernel (privileges.c). What other instances have pinned can be opened all the same: it is a
 * file of root's. But not where /sys is private, as in `ip netns exec`. So a rival that was met once is known by
 * the id of its program, and what is newer than all that was there with it is taken for its next program, for a
 * start that takes over puts that into the place of the old one.
 *
 * What is not known: whether a program on an interface that came later, or was not asked for before, is that of
 * an instance whose pins cannot be seen, or of someone else. It is taken for the latter, and ours goes behind it:
 * of two instances one keeps the interface then, as filters show their names, but it may be the second one.
 */
#include "attach_internal.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define XDP_NAME "router_xdp"
#define TC_NAME	 "router_tc"

static bool is_named(uint32_t program, const char *name)
{
	struct bpf_prog_info info = { 0 };
	uint32_t len = sizeof(info);
	int fd = program ? bpf_prog_get_fd_by_id(program) : -1;
	bool is;

	if (fd < 0)
		return false;
	is = !bpf_obj_get_info_by_fd(fd, &info, &len) &&
	     strncmp(info.name, name, strlen(name)) == 0;
	close(fd);
	return is;
}

/* Has another instance pinned the link by which it is attached? Ours lie beside theirs. */
static bool is_pinned_by_other(const struct attachments *a, uint32_t ifindex, enum hook hook,
			       uint32_t program)
{
	const char *own = a->pin_dir ? strrchr(a->pin_dir, '/') : NULL;
	struct dirent *entry;
	char path[512];
	bool is = false;
	DIR *dir;

	if (!own || !program)
		return false;
	snprintf(path, sizeof(path), "%.*s", (int)(own - a->pin_dir), a->pin_dir);
	dir = opendir(path);
	if (!dir)
		return false;
	while (!is && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.' || strcmp(entry->d_name, own + 1) == 0)
			continue;
		snprintf(path, sizeof(path), "%.*s/%s", (int)(own - a->pin_dir), a->pin_dir,
			 entry->d_name);
		is = links_pinned_program(path, ifindex, hook) == program;
	}
	closedir(dir);
	return is;
}

static bool is_of_other_instance(const struct attachments *a, uint32_t ifindex,
				 const struct other_program *other)
{
	return is_named(other->id, other->hook == HOOK_TC ? TC_NAME : XDP_NAME) ||
	       is_pinned_by_other(a, ifindex, other->hook, other->id);
}

bool attach_has_rival(const struct attachments *a, uint32_t ifindex, struct rival *rival)
{
	struct other_program others[LINKS_OTHERS_MAX];
	bool has = filter_of_other_instance(a, ifindex);
	int n = links_others(a, ifindex, others);
	uint32_t newest = rival->newest;

	if (n < 0)
		return has || rival->known; /* an error is no answer */
	for (int i = 0; i < n; i++) {
		bool is = others[i].id == rival->program ||
			  is_of_other_instance(a, ifindex, &others[i]);

		if (is)
			rival->program = others[i].id;
		has |= is;
		newest = others[i].id > newest ? others[i].id : newest;
	}
	if (!has && rival->known && newest > rival->newest) {
		rival->program = newest; /* in its place */
		has = true;
	}
	rival->newest = newest;
	rival->known |= has;
	return has;
}
