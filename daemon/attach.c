// SPDX-License-Identifier: GPL-2.0-only
/* Which interfaces carry which program; attach_links.c and attach_filter.c do it. */
#include "attach_internal.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/if_arp.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include "../netlink/filters.h"
#include "../netlink/xdp.h"
#include "descriptors.h"

/* In FNV-1a; bits that tc prints as a positive number, never 0. */
static uint32_t handle_of(const char *instance)
{
	uint32_t hash = 2166136261u;

	for (; *instance; instance++)
		hash = (hash ^ (uint8_t)*instance) * 16777619u;
	return (hash & 0x3fffffff) | 0x40000000;
}

static uint32_t program_id(int program_fd)
{
	struct bpf_prog_info info = { 0 };
	uint32_t len = sizeof(info);

	return bpf_obj_get_info_by_fd(program_fd, &info, &len) ? 0 : info.id;
}

struct attachments *attachments_new(const struct attach_programs *programs, const char *instance,
				    const char *pin_dir)
{
	struct attachments *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	a->programs = *programs;
	a->xdp_id = program_id(programs->xdp);
	a->tc_id = program_id(programs->tc);
	a->pin_dir = pin_dir;
	a->filter_handle = handle_of(instance);
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

struct attachment *attach_find(const struct attachments *a, uint32_t ifindex)
{
	size_t i = place_of(a, ifindex);

	return i < a->n && a->list[i].ifindex == ifindex ? &a->list[i] : NULL;
}

static void explain(int err, enum hook hook, bool hint, char *why, size_t size)
{
	if (err == -EADDRINUSE)
		snprintf(why, size, "another ebpf-routed instance is attached");
	else if (err == -ENOTUNIQ && hook == HOOK_TC)
		snprintf(why, size,
			 "its tc filters are a block shared with others (ingress_block), "
			 "ours cannot come behind them");
	else if (err == -EBUSY || err == -EEXIST)
		snprintf(why, size, "another %s is attached, it is left alone",
			 hook == HOOK_TC ? "filter of that priority and handle" : "XDP program");
	else if (err == -EMFILE)
		snprintf(why, size, "file descriptors are short (limit %u, see LimitNOFILE)",
			 descriptors_limit());
	else if (err == -EOPNOTSUPP && hook == HOOK_XDP)
		snprintf(why, size, "its driver has no native XDP%s",
			 hint ? ", --hook tc works everywhere" : "");
	else if ((err == -EOPNOTSUPP || err == -ENOENT) && hook == HOOK_TC)
		snprintf(why, size, "the kernel has neither tcx nor the qdisc clsact with BPF");
	else if ((err == -ERANGE || err == -EINVAL || err == -ENOSPC) && hook == HOOK_XDP)
		snprintf(why, size,
			 "its driver refused the program (%s): MTU or queues may be too large",
			 strerror(-err));
	else
		snprintf(why, size, "%s", strerror(-err));
}

static bool may_attach(const struct mirror_link *link, char *why, size_t size)
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
	return true;
}

/*
 * Frames of these devices may carry checksums that a device was to finish, which XDP does not see: the
 * neighbouring namespace's, or a virtual machine's.
 */
static bool is_unsafe_for_xdp(const struct mirror_link *link)
{
	return strcmp(link->e.kind, "veth") == 0 || strcmp(link->e.kind, "tun") == 0;
}

/* Which hooks are tried, the best first. Returns how many. */
static size_t hooks_for(const struct mirror_link *link, enum hook_choice choice, enum hook ret[2])
{
	switch (choice) {
	case HOOK_CHOICE_XDP:
		ret[0] = HOOK_XDP;
		return 1;
	case HOOK_CHOICE_GENERIC:
		ret[0] = HOOK_XDP_GENERIC;
		return 1;
	case HOOK_CHOICE_TC:
		ret[0] = HOOK_TC;
		return 1;
	default:
		ret[0] = is_unsafe_for_xdp(link) ? HOOK_TC : HOOK_XDP;
		ret[1] = HOOK_TC;
		return ret[0] == HOOK_TC ? 1 : 2;
	}
}

static int remember(struct attachments *a, const struct attachment *made)
{
	struct attachment *grown = reallocarray(a->list, a->n + 1, sizeof(*grown));
	size_t i = a->n;

	if (!grown)
		return -ENOMEM;
	a->list = grown;
	for (; i && grown[i - 1].ifindex > made->ifindex; i--)
		grown[i] = grown[i - 1];
	grown[i] = *made;
	a->n++;
	return 0;
}

void attach_release(const struct attachments *a, const struct attachment *known)
{
	if (known->link_fd >= 0)
		links_detach(a, known);
	else if (known->hook == HOOK_TC)
		filter_detach(a, known);
}

/* At made->hook. Where others have filters or tcx programs, ours becomes a filter: it has to come last. */
static int make(const struct attachments *a, struct attachment *made)
{
	int fd;

	if (made->hook == HOOK_TC && attach_has_rival(a, made->ifindex, &made->rival))
		return -EADDRINUSE;
	if (made->hook == HOOK_TC && filter_is_needed(a, made->ifindex))
		return filter_attach(a, made->ifindex);
	if (!descriptors_left(DESCRIPTORS_BESIDE_PORTS))
		return -EMFILE;
	fd = links_attach(a, made->ifindex, made->hook);
	if (made->hook == HOOK_TC && (fd == -EINVAL || fd == -EOPNOTSUPP))
		return filter_attach(a, made->ifindex); /* no tcx */
	if (fd < 0)
		return fd;
	made->link_fd = fd;
	return 0;
}

/* The first hook that works; why[]: what was wrong with the last one that does not. */
static int make_best(const struct attachments *a, const struct mirror_link *link,
		     enum hook_choice choice, struct attachment *made, char *why, size_t size)
{
	enum hook hooks[2];
	size_t n = hooks_for(link, choice, hooks);
	int err = -EOPNOTSUPP;

	for (size_t i = 0; i < n; i++) {
		made->hook = hooks[i];
		err = make(a, made);
		if (!err)
			return 0;
		explain(err, hooks[i], n == 1, why, size);
		if (hooks[i] != HOOK_TC)
			made->refused = err;
		else if (err == -EADDRINUSE || err == -ENOTUNIQ || err == -EMFILE)
			made->tc_refused = err;
	}
	made->hook = HOOK_NONE;
	return err;
}

static bool is_here(uint32_t ifindex)
{
	struct xdp_programs xdp;

	return netlink_xdp_programs(ifindex, &xdp) != -ENODEV;
}

int attach_link(struct attachments *a, const struct mirror_link *link, enum hook_choice choice,
		enum hook *ret_hook, char *why, size_t why_size)
{
	struct attachment made = {
		.ifindex = link->e.ifindex, .hook = HOOK_NONE, .link_fd = -1, .mtu = link->e.mtu
	};
	const struct attachment *known = attach_find(a, made.ifindex);
	int err = -EOPNOTSUPP;

	*why = '\0';
	if (known && known->hook != HOOK_NONE) {
		*ret_hook = known->hook;
		return 0;
	}
	if (known)
		made.lost_ns = known->lost_ns;
	if (known && known->tc_refused == -EADDRINUSE)
		made.rival = known->rival;
	snprintf(made.name, sizeof(made.name), "%s", link->e.name);
	attach_detach(a, made.ifindex); /* an attempt that failed */
	if (may_attach(link, why, why_size))
		err = make_best(a, link, choice, &made, why, why_size);
	if (err && !is_here(made.ifindex)) { /* XDP says -EINVAL of a device that has gone */
		err = -ENODEV;
		snprintf(why, why_size, "%s", strerror(-err));
	}
	if (err) {
		remember(a, &made);
		return err;
	}
	links_drop_other(a, &made);
	err = remember(a, &made);
	if (err) {
		snprintf(why, why_size, "%s", strerror(-err));
		attach_release(a, &made);
		return err;
	}
	*ret_hook = made.hook;
	return 0;
}

void attach_detach(struct attachments *a, uint32_t ifindex)
{
	struct attachment *known = attach_find(a, ifindex);

	if (!known)
		return;
	attach_release(a, known);
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

const char *hook_name(enum hook hook)
{
	static const char *const names[] = {
		[HOOK_NONE] = "none",
		[HOOK_XDP] = "xdp",
		[HOOK_XDP_GENERIC] = "xdp-generic",
		[HOOK_TC] = "tc",
	};

	return names[hook];
}

bool attach_tried(const struct attachments *a, uint32_t ifindex)
{
	const struct attachment *known = attach_find(a, ifindex);

	return known && !known->forgiven;
}

const char *attach_name(const struct attachments *a, uint32_t ifindex)
{
	const struct attachment *known = attach_find(a, ifindex);

	return known ? known->name : NULL;
}

void attach_rename(struct attachments *a, uint32_t ifindex, const char *name)
{
	struct attachment *known = attach_find(a, ifindex);

	if (known)
		snprintf(known->name, sizeof(known->name), "%s", name);
}

enum hook attach_hook(const struct attachments *a, uint32_t ifindex)
{
	const struct attachment *known = attach_find(a, ifindex);

	return known ? known->hook : HOOK_NONE;
}

uint32_t attach_next(const struct attachments *a, uint32_t after)
{
	size_t i = after == UINT32_MAX ? a->n : place_of(a, after + 1);

	return i < a->n ? a->list[i].ifindex : 0;
}

unsigned int attach_sweep(struct attachments *a, const struct mirror *mirror)
{
	struct netlink_filters *filters = NULL;
	unsigned int removed = links_sweep(a);
	const struct mirror_link *link;

	if (netlink_filters_open(&filters))
		return removed;
	for (link = mirror_next_link(mirror, 0); link;
	     link = mirror_next_link(mirror, link->e.ifindex))
		removed += filter_sweep(a, filters, link->e.ifindex);
	netlink_filters_close(filters);
	return removed;
}

enum hook attach_seen(const struct attachments *a, struct netlink_filters *filters,
		      uint32_t ifindex)
{
	enum hook hook = links_seen(a, ifindex);

	return hook == HOOK_NONE && filters && filter_seen(a, filters, ifindex) ? HOOK_TC : hook;
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
