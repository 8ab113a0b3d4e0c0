// SPDX-License-Identifier: GPL-2.0-only
/* The maps of a running daemon as memory: found by its descriptors, read only. */
#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "tests/scale/scale.h"

/* The map that a descriptor of the process refers to; 0: it is no map. */
static uint32_t map_id(uint32_t pid, const char *fd)
{
	char path[300], line[128];
	uint32_t id = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%u/fdinfo/%s", pid, fd);
	file = fopen(path, "r");
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "map_id: %u", &id) == 1)
			break;
	if (file)
		fclose(file);
	return id;
}

/* The map's memory if that is its name, NULL otherwise. */
static const void *map_memory(uint32_t id, const char *name, size_t size)
{
	struct bpf_map_info info = { .id = 0 };
	uint32_t len = sizeof(info);
	int fd = bpf_map_get_fd_by_id(id);
	void *memory = MAP_FAILED;

	if (fd < 0)
		return NULL;
	if (!bpf_obj_get_info_by_fd(fd, &info, &len) && strcmp(info.name, name) == 0)
		memory = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	return memory == MAP_FAILED ? NULL : memory;
}

const void *maps_open(uint32_t pid, const char *name, size_t size)
{
	const void *memory = NULL;
	struct dirent *entry;
	char path[64];
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%u/fdinfo", pid);
	dir = opendir(path);
	if (!dir)
		die("process %u: %s", pid, strerror(errno));
	while (!memory && (entry = readdir(dir))) {
		uint32_t id = entry->d_name[0] == '.' ? 0 : map_id(pid, entry->d_name);

		if (id)
			memory = map_memory(id, name, size);
	}
	closedir(dir);
	if (!memory)
		die("process %u: no map %s", pid, name);
	return memory;
}
