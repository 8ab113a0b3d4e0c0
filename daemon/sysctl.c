// SPDX-License-Identifier: GPL-2.0-only
/* Reads the sysctls that the kernel does not announce. */
#include "sysctl.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* The number in net/ipv4/<path>, or -1. */
static int read_number(const char *path)
{
	char name[128], text[32];
	ssize_t n;
	int fd;

	snprintf(name, sizeof(name), "/proc/sys/net/ipv4/%s", path);
	fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return -1;
	text[n] = '\0';
	return atoi(text);
}

/* What is in force if `all` or the device says so (IN_DEV_ORCONF, include/linux/inetdevice.h). */
struct or_setting {
	const char *name;
	void (*tell)(struct mirror *mirror, uint32_t ifindex, bool value);
	int all;
};

static void read_setting(struct mirror *mirror, const struct mirror_link *link,
			 const struct or_setting *setting)
{
	char path[64];
	int own;

	snprintf(path, sizeof(path), "conf/%s/%s", link->e.name, setting->name);
	own = read_number(path);
	if (own >= 0 && setting->all >= 0)
		setting->tell(mirror, link->e.ifindex, own || setting->all);
}

/* Do packets come in by it, at its own hook or as a macvlan device above another one's? */
static bool is_ingress(const struct mirror *mirror, const struct mirror_link *link)
{
	const struct mirror_link *lower = link->e.macvlan_mode ? mirror_link(mirror, link->e.lower)
							       : NULL;

	return link->hook != HOOK_NONE || (lower && lower->hook != HOOK_NONE);
}

/*
 * A device that forwards takes redirects if `all` and its own setting say so, another if one of them
 * does (IN_DEV_RX_REDIRECTS, include/linux/inetdevice.h). One without settings has no IPv4.
 */
static void read_accept_redirects(struct mirror *mirror, const struct mirror_link *link, int all)
{
	bool forwards = link->forwarding != 0, accepts = all != 0;
	char path[64];

	if (accepts == forwards) {
		snprintf(path, sizeof(path), "conf/%s/accept_redirects", link->e.name);
		accepts = read_number(path) > 0;
	}
	mirror_set_accept_redirects(mirror, link->e.ifindex, accepts);
}

/* What `all` and the machine have to say. */
struct common {
	struct or_setting settings[2];
	int accept_redirects;
};

static struct common read_common(struct mirror *mirror)
{
	int policy = read_number("fib_multipath_hash_policy");

	if (policy >= 0)
		mirror_set_hash_policy(mirror, policy);
	mirror_set_forward_use_pmtu(mirror, read_number("ip_forward_use_pmtu") > 0);
	return (struct common){
		.settings = { { "send_redirects", mirror_set_send_redirects,
				read_number("conf/all/send_redirects") },
			      { "accept_local", mirror_set_accept_local,
				read_number("conf/all/accept_local") } },
		.accept_redirects = read_number("conf/all/accept_redirects"),
	};
}

static void read_link(struct mirror *mirror, const struct mirror_link *link,
		      const struct common *common)
{
	read_accept_redirects(mirror, link, common->accept_redirects);
	if (!is_ingress(mirror, link))
		return;
	for (size_t i = 0; i < sizeof(common->settings) / sizeof(common->settings[0]); i++)
		read_setting(mirror, link, &common->settings[i]);
}

unsigned int sysctl_redirect_seconds(void)
{
	int seconds = read_number("route/gc_timeout");

	return seconds < 0 ? 300 : (unsigned int)seconds;
}

void sysctl_read(struct mirror *mirror)
{
	const struct common common = read_common(mirror);
	const struct mirror_link *link = mirror_next_link(mirror, 0);

	for (; link; link = mirror_next_link(mirror, link->e.ifindex))
		read_link(mirror, link, &common);
}

void changed_links_add(struct changed_links *changed, uint32_t ifindex)
{
	for (unsigned int i = 0; i < changed->n; i++)
		if (changed->ifindex[i] == ifindex)
			return;
	if (!ifindex || changed->n == sizeof(changed->ifindex) / sizeof(changed->ifindex[0]))
		changed->all = true;
	else
		changed->ifindex[changed->n++] = ifindex;
}

void sysctl_read_changed(struct mirror *mirror, const struct changed_links *changed)
{
	struct common common;

	if (changed->all) {
		sysctl_read(mirror);
		return;
	}
	common = read_common(mirror);
	for (unsigned int i = 0; i < changed->n; i++) {
		uint32_t ifindex = changed->ifindex[i];
		const struct mirror_link *link = mirror_link(mirror, ifindex);

		if (link)
			read_link(mirror, link, &common);
		/* Whether packets come in by these depends on the one below. */
		for (link = mirror_next_upper(mirror, ifindex, 0); link;
		     link = mirror_next_upper(mirror, ifindex, link->e.ifindex))
			read_link(mirror, link, &common);
	}
}

bool sysctl_keeps_priority(void)
{
	return read_number("ip_forward_update_priority") == 0;
}
