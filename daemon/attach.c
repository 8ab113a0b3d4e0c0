// SPDX-License-Identifier: GPL-2.0-only
/* XDP links: create, update in place, detach. */
#include "attach.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <linux/if_arp.h>
#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

struct attachment {
	uint32_t ifindex;
	int link_fd; /* -1: the attempt failed */
	enum hook hook;
};

struct attachments {
	int program_fd;
	const char *pin_dir;
	struct attachment *list; /* sorted by ifindex */
	size_t n;
};

struct attachments *attachments_new(int program_fd, const char *pin_dir)
{
	struct attachments *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	a->program_fd = program_fd;
	a->pin_dir = pin_dir;
	return a;
}

/* Where the ifindex is or belongs. */
static size_t place_of(const struct attachments *a, uint32_t ifindex)
{
	size_t lo = 0, hi = a->n;

	while (lo < hi) {
		size_t middle = lo + (hi - lo) / 2;

		if (a->list[middle].ifindex < ifindex)
			lo = middle + 1;
		else
			hi = middle;
	}
	return lo;
}

static struct attachment *find(const struct attachments *a, uint32_t ifindex)
{
	size_t i = place_of(a, ifindex);

	return i < a->n && a->list[i].ifindex == ifindex ? &a->list[i] : NULL;
}

static bool pin_path(const struct attachments *a, uint32_t ifindex, char *path, size_t size)
{
	return a->pin_dir && snprintf(path, size, "%s/xdp-%u", a->pin_dir, ifindex) < (int)size;
}

static enum hook mode_of(uint32_t ifindex)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);

	if (bpf_xdp_query(ifindex, 0, &query))
		return HOOK_NONE;
	if (query.attach_mode == XDP_ATTACHED_DRV)
		return HOOK_XDP;
	return query.attach_mode == XDP_ATTACHED_SKB ? HOOK_XDP_GENERIC : HOOK_NONE;
}

static bool choice_allows(enum hook_choice choice, enum hook hook)
{
	return hook == HOOK_XDP ? choice != HOOK_CHOICE_GENERIC : choice != HOOK_CHOICE_XDP;
}

/* A link pinned by an earlier run: its program is replaced atomically. Returns the link, or -1. */
static int take_over(const struct attachments *a, uint32_t ifindex, enum hook_choice choice,
		     enum hook *ret_hook)
{
	struct bpf_link_info info = { 0 };
	uint32_t len = sizeof(info);
	char path[256];
	int fd;

	if (!pin_path(a, ifindex, path, sizeof(path)))
		return -1;
	fd = bpf_obj_get(path);
	if (fd < 0)
		return -1;
	*ret_hook = mode_of(ifindex);
	if (bpf_obj_get_info_by_fd(fd, &info, &len) || info.type != BPF_LINK_TYPE_XDP ||
	    info.xdp.ifindex != ifindex || *ret_hook == HOOK_NONE ||
	    !choice_allows(choice, *ret_hook) || bpf_link_update(fd, a->program_fd, NULL)) {
		unlink(path); /* of another device, or of another mode: gone with the descriptor */
		close(fd);
		return -1;
	}
	return fd;
}

static int create_link(const struct attachments *a, uint32_t ifindex, enum hook hook)
{
	LIBBPF_OPTS(bpf_link_create_opts, options,
		    .flags = hook == HOOK_XDP ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE);
	char path[256];
	int fd = bpf_link_create(a->program_fd, ifindex, BPF_XDP, &options);

	if (fd < 0)
		return -errno;
	if (pin_path(a, ifindex, path, sizeof(path)) && bpf_obj_pin(fd, path)) {
		int err = -errno;

		close(fd);
		return err;
	}
	return fd;
}

static void explain(int err, enum hook_choice choice, char *why, size_t size)
{
	if (err == -EBUSY || err == -EEXIST)
		snprintf(why, size, "another XDP program is attached, it is left alone");
	else if (err == -EOPNOTSUPP && choice == HOOK_CHOICE_XDP)
		snprintf(why, size,
			 "its driver has no native XDP, --hook xdp-generic works everywhere");
	else if (err == -ERANGE || err == -EINVAL)
		snprintf(why, size,
			 "its driver refused the program (%s): MTU or queues may be too large",
			 strerror(-err));
	else
		snprintf(why, size, "%s", strerror(-err));
}

static bool may_attach(const struct mirror_link *link, enum hook_choice choice, char *why,
		       size_t size)
{
	if (link->e.type != ARPHRD_ETHER || link->e.mac_len != 6 ||
	    (link->e.flags & IFF_LOOPBACK)) {
		snprintf(why, size, "not an Ethernet interface");
		return false;
	}
	if (link->e.ifindex >= IFINDEX_LIMIT) {
		snprintf(why, size, "its index %u is above the limit of %u", link->e.ifindex,
			 IFINDEX_LIMIT - 1);
		return false;
	}
	if (choice == HOOK_CHOICE_AUTO && strcmp(link->e.kind, "veth") == 0) {
		snprintf(
			why, size,
			"frames of a veth may carry unfinished checksums; --hook xdp overrides this, "
			"with tx checksum and VLAN offload off at its peer");
		return false;
	}
	return true;
}

static int remember(struct attachments *a, uint32_t ifindex, int fd, enum hook hook)
{
	struct attachment *grown = reallocarray(a->list, a->n + 1, sizeof(*grown));
	size_t i = a->n;

	if (!grown)
		return -ENOMEM;
	a->list = grown;
	for (; i && grown[i - 1].ifindex > ifindex; i--)
		grown[i] = grown[i - 1];
	grown[i] = (struct attachment){ .ifindex = ifindex, .link_fd = fd, .hook = hook };
	a->n++;
	return 0;
}

int attach_link(struct attachments *a, const struct mirror_link *link, enum hook_choice choice,
		enum hook *ret_hook, char *why, size_t why_size)
{
	uint32_t ifindex = link->e.ifindex;
	const struct attachment *known = find(a, ifindex);
	enum hook hook = HOOK_NONE;
	int fd, err;

	if (known && known->hook != HOOK_NONE) {
		*ret_hook = known->hook;
		return 0;
	}
	attach_detach(a, ifindex); /* an attempt that failed */
	if (!may_attach(link, choice, why, why_size)) {
		remember(a, ifindex, -1, HOOK_NONE);
		return -EOPNOTSUPP;
	}
	fd = take_over(a, ifindex, choice, &hook);
	if (fd < 0) {
		hook = choice == HOOK_CHOICE_GENERIC ? HOOK_XDP_GENERIC : HOOK_XDP;
		fd = create_link(a, ifindex, hook);
		if (fd < 0 && fd != -EBUSY && fd != -EEXIST && choice == HOOK_CHOICE_AUTO) {
			hook = HOOK_XDP_GENERIC;
			fd = create_link(a, ifindex, hook);
		}
	}
	if (fd < 0) {
		explain(fd, choice, why, why_size);
		remember(a, ifindex, -1, HOOK_NONE);
		return fd;
	}
	err = remember(a, ifindex, fd, hook);
	if (err) {
		snprintf(why, why_size, "%s", strerror(-err));
		close(fd);
		return err;
	}
	*ret_hook = hook;
	return 0;
}

void attach_detach(struct attachments *a, uint32_t ifindex)
{
	struct attachment *known = find(a, ifindex);
	char path[256];

	if (!known)
		return;
	if (known->link_fd >= 0) {
		if (pin_path(a, ifindex, path, sizeof(path)))
			unlink(path);
		close(known->link_fd);
	}
	a->n--;
	memmove(known, known + 1, (char *)(a->list + a->n) - (char *)known);
}

bool attach_hides_vlan_tags(const char *ifname)
{
	struct ethtool_value flags = { .cmd = ETHTOOL_GFLAGS };
	struct ifreq request = { .ifr_data = (void *)&flags };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool hides;

	if (fd < 0)
		return false;
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", ifname);
	hides = ioctl(fd, SIOCETHTOOL, &request) == 0 && flags.data & ETH_FLAG_RXVLAN;
	close(fd);
	return hides;
}

bool attach_tried(const struct attachments *a, uint32_t ifindex)
{
	return find(a, ifindex) != NULL;
}

enum hook attach_hook(const struct attachments *a, uint32_t ifindex)
{
	const struct attachment *known = find(a, ifindex);

	return known ? known->hook : HOOK_NONE;
}

void attach_forget_failures(struct attachments *a)
{
	for (size_t i = a->n; i--;)
		if (a->list[i].hook == HOOK_NONE)
			attach_detach(a, a->list[i].ifindex);
}

uint32_t attach_next(const struct attachments *a, uint32_t after)
{
	size_t i = after == UINT32_MAX ? a->n : place_of(a, after + 1);

	return i < a->n ? a->list[i].ifindex : 0;
}

int attach_sweep_pins(struct attachments *a)
{
	struct dirent *entry;
	char path[512];
	int removed = 0;
	DIR *dir = a->pin_dir ? opendir(a->pin_dir) : NULL;

	if (!dir)
		return 0;
	while ((entry = readdir(dir))) {
		if (strncmp(entry->d_name, "xdp-", 4) != 0 ||
		    find(a, strtoul(entry->d_name + 4, NULL, 10)))
			continue;
		snprintf(path, sizeof(path), "%s/%s", a->pin_dir, entry->d_name);
		removed += unlink(path) == 0;
	}
	closedir(dir);
	return removed;
}

void attachments_destroy(struct attachments *a, bool keep)
{
	if (!a)
		return;
	while (!keep && a->n)
		attach_detach(a, a->list[a->n - 1].ifindex);
	for (size_t i = 0; i < a->n; i++)
		if (a->list[i].link_fd >= 0)
			close(a->list[i].link_fd);
	free(a->list);
	free(a);
}
