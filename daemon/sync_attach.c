// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which interfaces carry the program: the configured patterns against the links that are there.
 *
 * An interface that cannot be attached is said once, until it goes or the configuration changes.
 */
#include "daemon.h"

#include <errno.h>
#include <fnmatch.h>
#include <linux/if_arp.h>
#include "log.h"

static bool is_pattern(const char *text)
{
	return strpbrk(text, "*?[") != NULL;
}

/* The configured name or pattern that asks for this link; NULL: none does. */
static const char *asked_by(const struct daemon *d, const struct mirror_link *link)
{
	for (size_t i = 0; i < d->config.n_interfaces; i++)
		if (fnmatch(d->config.interfaces[i], link->e.name, 0) == 0)
			return d->config.interfaces[i];
	return NULL;
}

/* Without -i: what forwards and is no slave of another device. */
static bool is_default_choice(const struct mirror_link *link)
{
	return link->e.type == ARPHRD_ETHER && link->e.mac_len == 6 && link->forwarding == 1 &&
	       !link->e.master && !(link->e.flags & IFF_LOOPBACK);
}

static void detach_unwanted(struct daemon *d)
{
	for (uint32_t i = attach_next(d->attachments, 0); i; i = attach_next(d->attachments, i)) {
		const struct mirror_link *link = mirror_link(d->mirror, i);
		bool attached;

		if (link && (d->config.n_interfaces ? asked_by(d, link) != NULL
						    : link->e.type == ARPHRD_ETHER))
			continue;
		attached = attach_hook(d->attachments, i) != HOOK_NONE;
		attach_detach(d->attachments, i);
		mirror_set_hook(d->mirror, i, HOOK_NONE);
		if (!attached)
			continue;
		if (link)
			log_info("%s: detached, no longer asked for", link->e.name);
		else
			log_info("interface %u: gone, detached", i);
	}
}

/* Attaches one link; with `strict` a failure of one that was named is an error. */
static int attach_one(struct daemon *d, const struct mirror_link *link, const char *asked,
		      bool strict)
{
	bool fatal = strict && asked && !is_pattern(asked);
	enum hook hook;
	char why[192];
	int err;

	err = attach_link(d->attachments, link, d->config.hook, &hook, why, sizeof(why));
	if (!err) {
		mirror_set_hook(d->mirror, link->e.ifindex, hook);
		log_info("%s: attached (%s)%s%s", link->e.name, hook_name(hook),
			 *why ? ": no XDP: " : "", why);
		/* A veth has no such switch of its own; its peer's txvlan decides. */
		if (hook != HOOK_TC && strcmp(link->e.kind, "veth") != 0 &&
		    attach_hides_vlan_tags(link->e.name))
			log_warning(
				"%s: VLAN tags are taken off before XDP sees them: tagged frames "
				"would be routed as untagged; `ethtool -K %s rxvlan off`",
				link->e.name, link->e.name);
		return 0;
	}
	if (fatal)
		log_error("%s: not attached: %s, not started", link->e.name, why);
	else if (asked)
		log_warning("%s: not attached: %s, its packets take the kernel's path",
			    link->e.name, why);
	else
		log_debug("%s: not attached: %s", link->e.name, why);
	return fatal ? err : 0;
}

static int check_names(const struct daemon *d)
{
	for (size_t i = 0; i < d->config.n_interfaces; i++) {
		const char *name = d->config.interfaces[i];

		if (!is_pattern(name) && !mirror_link_by_name(d->mirror, name)) {
			log_error("%s: no such interface, not started", name);
			return -ENODEV;
		}
	}
	return 0;
}

int sync_attach(struct daemon *d, bool strict)
{
	const struct mirror_link *link;
	int err = strict ? check_names(d) : 0;

	if (err)
		return err;
	detach_unwanted(d);
	for (link = mirror_next_link(d->mirror, 0); link;
	     link = mirror_next_link(d->mirror, link->e.ifindex)) {
		const char *asked = asked_by(d, link);

		if (attach_tried(d->attachments, link->e.ifindex)) {
			/* The mirror forgets it where a link went and came back in one batch. */
			mirror_set_hook(d->mirror, link->e.ifindex,
					attach_hook(d->attachments, link->e.ifindex));
			continue;
		}
		if (!asked && (d->config.n_interfaces || !is_default_choice(link)))
			continue;
		err = attach_one(d, link, asked, strict);
		if (err)
			return err;
	}
	if (strict)
		attach_sweep(d->attachments, d->mirror);
	return 0;
}
