// SPDX-License-Identifier: GPL-2.0-only
/* What is pinned at a place of a bpffs: looked at by its path, or by a descriptor of the same object. */
#include "pin.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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
	struct bpf_prog_info info = { .map_ids = (uintptr_t)ret->maps, .nr_map_ids = PIN_MAPS_MAX };
	uint32_t len = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &len)) {
		ret->err = -errno;
		return;
	}
	ret->type = info.type;
	ret->id = info.id;
	ret->n_maps = info.nr_map_ids < PIN_MAPS_MAX ? info.nr_map_ids : PIN_MAPS_MAX;
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

void pin_read(int fd, struct pin *ret)
{
	*ret = (struct pin){ 0 };
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

void pin_look(const char *path, struct pin *ret)
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
	pin_read(fd, ret);
	close(fd);
}

bool pin_is_like(const struct pin *a, const struct pin *b)
{
	return a->kind == b->kind && a->type == b->type &&
	       strncmp(a->name, b->name, sizeof(a->name)) == 0;
}

void pin_describe(const struct pin *pin, char *text, size_t size)
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
