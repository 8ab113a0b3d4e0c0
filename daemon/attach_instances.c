// SPDX-License-Identifier: GPL-2.0-only
/*
 * Is a program on an interface that of another instance?
 *
 * The program's name says so, but only CAP_SYS_ADMIN may ask for the program of an id, and that is gone once the
 * daemon follows the kernel (privileges.c). What other instances have pinned can be opened all the same: it is a
 * file of root's.
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

bool attach_is_of_other_instance(const struct attachments *a, uint32_t ifindex, enum hook hook,
				 uint32_t program)
{
	return is_named(program, hook == HOOK_TC ? TC_NAME : XDP_NAME) ||
	       is_pinned_by_other(a, ifindex, hook, program);
}
