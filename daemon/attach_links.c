// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attaching by bpf_link: XDP, and tcx (kernel 6.6). The kernel detaches a link that nobody holds, so a
 * daemon that is killed leaves no more than its pins.
 *
 * When a pin was the last to hold a link, the kernel detaches it some time after, by a worker: milliseconds on an
 * idle machine, and until then a program that nobody tells anything any more sees packets. So a link that is
 * to go is detached first.
 */
#include "attach_internal.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <linux/if_link.h>
#include <stdlib.h>
#include <unistd.h>
#include "../netlink/xdp.h"

/* Kernel 6.6; not in Debian 12's headers, and libbpf 1.1 passes them on as they are. */
#define ATTACH_TCX_INGRESS 46 /* BPF_TCX_INGRESS */
#define ATTACH_TCX_EGRESS  47 /* BPF_TCX_EGRESS */
#define LINK_TYPE_TCX	   11 /* BPF_LINK_TYPE_TCX */

static const char *pin_prefix(enum hook hook)
{
	return hook == HOOK_TC ? "tcx-" : "xdp-";
}

static bool pin_path(const char *pin_dir, uint32_t ifindex, enum hook hook, char *path, size_t size)
{
	return pin_dir &&
	       snprintf(path, size, "%s/%s%u", pin_dir, pin_prefix(hook), ifindex) < (int)size;
}

static int program_for(const struct attachments *a, enum hook hook)
{
	return hook == HOOK_TC ? a->programs.tc : a->programs.xdp;
}

/* The ids of the interface's tcx programs. Returns how many, or -errno. */
static int tcx_programs(uint32_t ifindex, bool egress, uint32_t ids[LINKS_PROGRAMS_MAX])
{
	int place = egress ? ATTACH_TCX_EGRESS : ATTACH_TCX_INGRESS;
	LIBBPF_OPTS(bpf_prog_query_opts, query, .prog_ids = ids, .prog_cnt = LINKS_PROGRAMS_MAX);
	int err = bpf_prog_query_opts((int)ifindex, (enum bpf_attach_type)place, &query);

	if (err)
		return err;
	return query.prog_cnt < LINKS_PROGRAMS_MAX ? (int)query.prog_cnt : LINKS_PROGRAMS_MAX;
}

static int has_tcx(uint32_t ifindex, uint32_t program)
{
	uint32_t ids[LINKS_PROGRAMS_MAX] = { 0 };
	int n = tcx_programs(ifindex, false, ids);

	for (int i = 0; i < n; i++)
		if (ids[i] == program)
			return 1;
	return n < 0 ? n : 0;
}

/* Does the interface of this namespace have that program at that hook? 1, 0, or -errno. */
static int has_program(uint32_t ifindex, enum hook hook, uint32_t program)
{
	struct xdp_programs xdp;
	int err;

	if (hook == HOOK_TC)
		return has_tcx(ifindex, program);
	err = netlink_xdp_programs(ifindex, &xdp);
	if (err)
		return err;
	return program == (hook == HOOK_XDP ? xdp.native : xdp.generic);
}

/*
 * The kernel tells the ifindex of XDP and tcx links at the same place, 0 once the device has gone. It does
 * not tell the namespace: the device may have moved to another one, or be that of an earlier run there, and
 * its number may be another device's here. So the program has to be seen here.
 */
static bool is_link_of(int fd, uint32_t ifindex, enum hook hook)
{
	struct bpf_link_info info = { 0 };
	uint32_t len = sizeof(info);

	return !bpf_obj_get_info_by_fd(fd, &info, &len) && info.xdp.ifindex == ifindex &&
	       info.type == (hook == HOOK_TC ? LINK_TYPE_TCX : BPF_LINK_TYPE_XDP) && info.prog_id &&
	       has_program(ifindex, hook, info.prog_id) == 1;
}

/* Replaces the program, and looks whether the new one is here: the device may move at any moment. */
static bool replace(const struct attachments *a, int fd, uint32_t ifindex, enum hook hook)
{
	return is_link_of(fd, ifindex, hook) && !bpf_link_update(fd, program_for(a, hook), NULL) &&
	       is_link_of(fd, ifindex, hook);
}

/* Its program sees no packet any more when this returns. */
static bool drop_pin(const char *path)
{
	int fd = bpf_obj_get(path);

	if (fd >= 0) {
		bpf_link_detach(fd);
		close(fd);
	}
	return unlink(path) == 0;
}

static int take_over(const struct attachments *a, uint32_t ifindex, enum hook hook)
{
	char path[256];
	int fd;

	if (!pin_path(a->pin_dir, ifindex, hook, path, sizeof(path)))
		return -ENOENT;
	fd = bpf_obj_get(path);
	if (fd < 0)
		return -errno;
	if (!replace(a, fd, ifindex, hook)) {
		drop_pin(path); /* of another device, or of another mode */
		close(fd);
		return -ENOENT;
	}
	return fd;
}

static int create(const struct attachments *a, uint32_t ifindex, enum hook hook)
{
	LIBBPF_OPTS(bpf_link_create_opts, options);
	char path[256];
	int fd;

	if (hook != HOOK_TC)
		options.flags = hook == HOOK_XDP ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE;
	fd = bpf_link_create(program_for(a, hook), (int)ifindex,
			     hook == HOOK_TC ? (enum bpf_attach_type)ATTACH_TCX_INGRESS : BPF_XDP,
			     &options);
	if (fd < 0)
		return -errno;
	if (pin_path(a->pin_dir, ifindex, hook, path, sizeof(path)) && bpf_obj_pin(fd, path)) {
		int err = -errno;

		close(fd);
		return err;
	}
	return fd;
}

int links_attach(const struct attachments *a, uint32_t ifindex, enum hook hook)
{
	int fd = take_over(a, ifindex, hook);

	return fd >= 0 ? fd : create(a, ifindex, hook);
}

enum hook attach_left(const struct attachments *a, uint32_t ifindex)
{
	static const enum hook hooks[] = { HOOK_XDP, HOOK_XDP_GENERIC, HOOK_TC };
	char path[256];

	for (size_t i = 0; i < sizeof(hooks) / sizeof(hooks[0]); i++) {
		bool is_left;
		int fd;

		if (!pin_path(a->pin_dir, ifindex, hooks[i], path, sizeof(path)))
			continue;
		fd = bpf_obj_get(path);
		if (fd < 0)
			continue;
		is_left = is_link_of(fd, ifindex, hooks[i]);
		close(fd);
		if (is_left)
			return hooks[i];
	}
	return HOOK_NONE;
}

void links_drop_other(const struct attachments *a, const struct attachment *made)
{
	char path[256];

	if (pin_path(a->pin_dir, made->ifindex, HOOK_XDP, path, sizeof(path)) &&
	    (made->hook == HOOK_TC || made->link_fd < 0))
		drop_pin(path);
	if (pin_path(a->pin_dir, made->ifindex, HOOK_TC, path, sizeof(path)) &&
	    (made->hook != HOOK_TC || made->link_fd < 0))
		drop_pin(path);
}

void links_detach(const struct attachments *a, const struct attachment *known)
{
	char path[256];

	bpf_link_detach(known->link_fd);
	if (pin_path(a->pin_dir, known->ifindex, known->hook, path, sizeof(path)))
		unlink(path);
	close(known->link_fd);
}

/* Is the pin that of an interface which is attached by it? */
static bool is_in_use(const struct attachments *a, const char *name)
{
	const struct attachment *known = attach_find(a, strtoul(name + 4, NULL, 10));

	return known && known->link_fd >= 0 && strncmp(name, pin_prefix(known->hook), 4) == 0;
}

unsigned int links_sweep(const struct attachments *a)
{
	struct dirent *entry;
	char path[512];
	unsigned int removed = 0;
	DIR *dir = a->pin_dir ? opendir(a->pin_dir) : NULL;

	if (!dir)
		return 0;
	while ((entry = readdir(dir))) {
		if ((strncmp(entry->d_name, "xdp-", 4) != 0 &&
		     strncmp(entry->d_name, "tcx-", 4) != 0) ||
		    is_in_use(a, entry->d_name))
			continue;
		snprintf(path, sizeof(path), "%s/%s", a->pin_dir, entry->d_name);
		removed += drop_pin(path);
	}
	closedir(dir);
	return removed;
}

uint32_t links_pinned_program(const char *pin_dir, uint32_t ifindex, enum hook hook)
{
	struct bpf_link_info info = { 0 };
	uint32_t len = sizeof(info);
	char path[512];
	int fd;

	if (!pin_path(pin_dir, ifindex, hook, path, sizeof(path)))
		return 0;
	fd = bpf_obj_get(path);
	if (fd < 0)
		return 0;
	if (bpf_obj_get_info_by_fd(fd, &info, &len))
		info.prog_id = 0;
	close(fd);
	return info.prog_id;
}

/* The program on the pinned link of an earlier run is ours, too. */
static bool is_ours(const struct attachments *a, uint32_t ifindex, enum hook hook, uint32_t program)
{
	return program == (hook == HOOK_TC ? a->tc_id : a->xdp_id) ||
	       program == links_pinned_program(a->pin_dir, ifindex, hook);
}

bool links_has_other_tcx(const struct attachments *a, uint32_t ifindex, bool egress)
{
	uint32_t ids[LINKS_PROGRAMS_MAX] = { 0 };
	int n = tcx_programs(ifindex, egress, ids);

	for (int i = 0; i < n; i++)
		if (!is_ours(a, ifindex, HOOK_TC, ids[i]))
			return true;
	return false;
}

static int add_other(const struct attachments *a, uint32_t ifindex, enum hook hook, uint32_t id,
		     struct other_program *ret)
{
	if (!id || is_ours(a, ifindex, hook, id))
		return 0;
	*ret = (struct other_program){ hook, id };
	return 1;
}

int links_others(const struct attachments *a, uint32_t ifindex,
		 struct other_program ret[LINKS_OTHERS_MAX])
{
	uint32_t ids[LINKS_PROGRAMS_MAX] = { 0 };
	int n_tcx = tcx_programs(ifindex, false, ids); /* an error: the kernel has no tcx */
	struct xdp_programs xdp;
	int err = netlink_xdp_programs(ifindex, &xdp);
	int n = 0;

	if (err)
		return err;
	n += add_other(a, ifindex, HOOK_XDP, xdp.native, &ret[n]);
	n += add_other(a, ifindex, HOOK_XDP, xdp.generic, &ret[n]);
	for (int i = 0; i < n_tcx; i++)
		n += add_other(a, ifindex, HOOK_TC, ids[i], &ret[n]);
	return n;
}

bool links_has_xdp(uint32_t ifindex)
{
	struct xdp_programs xdp;

	return !netlink_xdp_programs(ifindex, &xdp) && xdp.any;
}

bool links_intact(const struct attachments *a, const struct attachment *known)
{
	uint32_t program = known->hook == HOOK_TC ? a->tc_id : a->xdp_id;
	struct bpf_link_info info = { 0 };
	uint32_t len = sizeof(info);

	return !bpf_obj_get_info_by_fd(known->link_fd, &info, &len) &&
	       info.xdp.ifindex == known->ifindex && info.prog_id == program &&
	       has_program(known->ifindex, known->hook, program) != 0; /* an error is no answer */
}

enum hook links_seen(const struct attachments *a, uint32_t ifindex)
{
	if (a->xdp_id && has_program(ifindex, HOOK_XDP, a->xdp_id) == 1)
		return HOOK_XDP;
	if (a->xdp_id && has_program(ifindex, HOOK_XDP_GENERIC, a->xdp_id) == 1)
		return HOOK_XDP_GENERIC;
	return a->tc_id && has_tcx(ifindex, a->tc_id) == 1 ? HOOK_TC : HOOK_NONE;
}
