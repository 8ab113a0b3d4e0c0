// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which interfaces carry the program: the configured patterns against the links that are there.
 *
 * An interface that cannot be attached is said once, until it goes or the configuration changes.
 */
#include "sync_internal.h"

#include <errno.h>
#include <fnmatch.h>
#include <linux/if_arp.h>
#include "notify.h"
#include "sync_attach.h"
#include "sync_foreign.h"
#include "sync_guard.h"

/*
 * Of attaching and detaching at a time, then others get their turn: at the tc ingress each link takes the kernel
 * a grace period, 4 to 20 ms.
 */
#define SLICE_NS (100 * 1000000ULL)

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

/* True: all of them; false: `until` came first. */
static bool detach_unwanted(struct daemon *d, uint64_t until)
{
	for (uint32_t i = attach_next(d->attachments, 0); i; i = attach_next(d->attachments, i)) {
		const struct mirror_link *link = mirror_link(d->mirror, i);
		char name[16];
		bool attached;

		if (link && (d->config.n_interfaces ? asked_by(d, link) != NULL
						    : link->e.type == ARPHRD_ETHER))
			continue;
		if (now_ns() > until)
			return false;
		attached = attach_hook(d->attachments, i) != HOOK_NONE;
		snprintf(name, sizeof(name), "%s", attach_name(d->attachments, i));
		attach_detach(d->attachments, i);
		mirror_set_hook(d->mirror, i, HOOK_NONE);
		if (!attached)
			continue;
		if (!link)
			log_info("%s: gone, detached", name);
		else if (strcmp(name, link->e.name) != 0)
			log_info("%s: detached, as %s not asked for", name, link->e.name);
		else
			log_info("%s: detached, no longer asked for", name);
	}
	return true;
}

static void warn_of_hidden_tags(const struct mirror_link *link, enum hook hook)
{
	/* A veth has no such switch of its own; its peer's txvlan decides. */
	if (hook != HOOK_TC && strcmp(link->e.kind, "veth") != 0 &&
	    attach_hides_vlan_tags(link->e.name))
		log_warning("%s: VLAN tags are taken off before XDP sees them: tagged frames would "
			    "be routed as untagged; `ethtool -K %s rxvlan off`",
			    link->e.name, link->e.name);
}

/* Attaches one link after what has happened to it; with `strict` a failure of one that was named is an error. */
static int attach_one(struct daemon *d, const struct mirror_link *link, const char *happened,
		      bool strict)
{
	const char *asked = asked_by(d, link);
	bool fatal = strict && asked && !is_pattern(asked);
	enum hook hook;
	char why[192];
	int err;

	guard_look(d); /* at the start nothing else does, and each may take long */
	err = attach_link(d->attachments, link, d->config.hook, &hook, why, sizeof(why));
	if (!err) {
		mirror_set_hook(d->mirror, link->e.ifindex, hook);
		log_info("%s: %sattached (%s)%s%s", link->e.name, happened, hook_name(hook),
			 *why ? ": no XDP: " : "", why);
		warn_of_hidden_tags(link, hook);
		return 0;
	}
	mirror_set_hook(d->mirror, link->e.ifindex, HOOK_NONE); /* a run before may have had one */
	fatal = fatal && err != -EMFILE; /* one interface too many costs that one */
	if (fatal)
		log_error("%s: %snot attached: %s, not started", link->e.name, happened, why);
	else if (err != -ENODEV && (asked || *happened)) /* whose end is announced already */
		log_warning("%s: %snot attached: %s, %s", link->e.name, happened, why,
			    err == -EADDRINUSE ? "its packets are left to that one"
					       : "its packets take the kernel's path");
	else
		log_debug("%s: not attached: %s", link->e.name, why);
	return fatal ? err : 0;
}

void sync_attach_again(struct daemon *d, const struct mirror_link *link, const char *happened)
{
	attach_detach(d->attachments, link->e.ifindex);
	mirror_set_hook(d->mirror, link->e.ifindex, HOOK_NONE);
	attach_one(d, link, happened, false);
}

void sync_attach_lost(struct daemon *d, const struct mirror_link *link)
{
	bool again = attach_lost(d->attachments, link->e.ifindex);

	mirror_set_hook(d->mirror, link->e.ifindex, HOOK_NONE);
	if (again)
		attach_one(d, link, "detached by someone else: ", false);
	else
		log_warning("%s: detached by someone else twice within a minute, left alone until "
			    "SIGHUP, its packets take the kernel's path",
			    link->e.name);
}

/* False: it is to be attached anew, and `until` has come. */
static bool look_at_tried(struct daemon *d, const struct mirror_link *link, uint64_t until)
{
	enum hook hook = attach_hook(d->attachments, link->e.ifindex);
	const char *name = attach_name(d->attachments, link->e.ifindex);

	/* The mirror has forgotten it: the link went and came back in one batch. */
	if (hook != link->hook) {
		if (now_ns() > until)
			return false;
		sync_attach_again(d, link, "gone and back: ");
	} else if (strcmp(name, link->e.name) != 0) {
		if (hook != HOOK_NONE)
			log_info("%s: renamed to %s, stays attached", name, link->e.name);
		attach_rename(d->attachments, link->e.ifindex, link->e.name);
	}
	return true;
}

int sync_check_names(const struct daemon *d)
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
	uint64_t until = now_ns() + SLICE_NS;
	const struct mirror_link *link;
	int err;

	if (!detach_unwanted(d, until))
		return 1;
	for (link = mirror_next_link(d->mirror, 0); link;
	     link = mirror_next_link(d->mirror, link->e.ifindex)) {
		if (attach_tried(d->attachments, link->e.ifindex)) {
			if (!look_at_tried(d, link, until))
				return 1;
			continue;
		}
		if (!asked_by(d, link) && (d->config.n_interfaces || !is_default_choice(link)))
			continue;
		if (now_ns() > until)
			return 1;
		err = attach_one(d, link, "", strict);
		if (err)
			return err;
	}
	if (strict)
		attach_sweep(d->attachments, d->mirror);
	foreign_look_soon(d);
	return 0;
}

int sync_attach_all(struct daemon *d)
{
	int more;

	while ((more = sync_attach(d, true)) > 0) {
		sync_drain(d, 1);
		sync_tend(d);
		if (sync_is_due(d))
			sync_resync(d, d->sync->pending_why);
		notify_manager("EXTEND_TIMEOUT_USEC=60000000");
	}
	return more;
}
