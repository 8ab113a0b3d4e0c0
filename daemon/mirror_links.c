// SPDX-License-Identifier: GPL-2.0-only
/*
 * Links: what rtnetlink tells about a device; what others do: mirror_settings.c.
 *
 * Settings of a device may come before the device itself (the kernel announces netconf first): an
 * entry is then there but not `present`. One array, sorted by ifindex.
 *
 * Going up or down, losing carrier, changing master or going away takes routes with it silently: the link
 * is then suspect until a dump begun later has confirmed what is left, and coming up does not bring
 * them back: next hops through a suspect link fall back.
 *
 * A link that goes takes along what the kernel's own maps hold of it, also where the same one comes back at once:
 * that cannot be told by what the two say, but by their births.
 */
#include "mirror_internal.h"

#include <net/if.h>
#include <stdlib.h>

#ifndef IFF_LOWER_UP
#define IFF_LOWER_UP 0x10000
#endif

/* Where the ifindex is or belongs. */
static uint32_t place_of(const struct mirror *mirror, uint32_t ifindex)
{
	uint32_t lo = 0, hi = mirror->n_links;

	while (lo < hi) {
		uint32_t middle = lo + (hi - lo) / 2;

		if (mirror->links[middle]->e.ifindex < ifindex)
			lo = middle + 1;
		else
			hi = middle;
	}
	return lo;
}

struct mirror_link *mirror_link_find(const struct mirror *mirror, uint32_t ifindex)
{
	uint32_t i = place_of(mirror, ifindex);

	return i < mirror->n_links && mirror->links[i]->e.ifindex == ifindex ? mirror->links[i]
									     : NULL;
}

/* What the link says, and with it what it is above of. */
static void link_say(struct mirror *mirror, struct mirror_link *link, const struct event_link *e)
{
	bool moves = link->e.lower != e->lower;

	if (moves && link->e.lower)
		mirror_upper_remove(mirror, link);
	link->e = *e;
	if (moves && e->lower)
		mirror_upper_insert(mirror, link);
}

/* Nothing is known of it, except whether it is in the dirty set. */
static void link_init(const struct mirror *mirror, struct mirror_link *link, uint32_t ifindex)
{
	*link = (struct mirror_link){
		.e.ifindex = ifindex,
		.forwarding = -1,
		.rp_filter = -1,
		.ignore_linkdown = -1,
		.send_redirects = true,
		.dirty = link->dirty,
		.generation = mirror->generation,
	};
}

struct mirror_link *mirror_link_get(struct mirror *mirror, uint32_t ifindex)
{
	struct mirror_link *link = mirror_link_find(mirror, ifindex);
	uint32_t i;

	if (link)
		return link;
	if (mirror->n_links == mirror->links_room) {
		uint32_t room = mirror->links_room ? 2 * mirror->links_room : 16;
		struct mirror_link **links = realloc(mirror->links, room * sizeof(*links));

		if (!links)
			return NULL;
		mirror->links = links;
		if (mirror_uppers_reserve(mirror, room))
			return NULL;
		mirror->links_room = room;
	}
	link = calloc(1, sizeof(*link));
	if (!link)
		return NULL;
	link_init(mirror, link, ifindex);
	i = place_of(mirror, ifindex);
	memmove(mirror->links + i + 1, mirror->links + i,
		(mirror->n_links - i) * sizeof(struct mirror_link *));
	mirror->links[i] = link;
	mirror->n_links++;
	return link;
}

/* What it was or has become: of interest to itself, the link below it, and rules that name it. */
static void link_changed(struct mirror *mirror, struct mirror_link *link)
{
	struct mirror_link *lower = link->e.lower ? mirror_link_find(mirror, link->e.lower) : NULL;

	mirror->user.stale = true;
	mirror_dirty_link(mirror, link);
	if (lower && lower->present)
		mirror_dirty_link(mirror, lower);
	mirror_rules_of_device(mirror, link->e.ifindex);
}

/* It no longer is, whatever else is still known of it. */
static void link_absent(struct mirror *mirror, struct mirror_link *link)
{
	mirror->links_present -= link->present;
	link->present = false;
	mirror_link_accepts(mirror, link);
}

static void link_remove(struct mirror *mirror, struct mirror_link *link)
{
	uint32_t i = place_of(mirror, link->e.ifindex);

	if (link->present) {
		link_changed(mirror, link);
		mirror_rules_of_link(mirror, link, NAME_GONE, false);
	}
	link_absent(mirror, link);
	if (link->e.lower)
		mirror_upper_remove(mirror, link);
	mirror->n_links--;
	memmove(mirror->links + i, mirror->links + i + 1,
		(mirror->n_links - i) * sizeof(struct mirror_link *));
	free(link);
}

void mirror_link_suspect(struct mirror *mirror, struct mirror_link *link)
{
	link->suspect = mirror->generation;
	mirror_dirty_link(mirror, link);
	mirror_objects_suspect(mirror, link->e.ifindex);
}

void mirror_links_reborn(struct mirror *mirror)
{
	for (uint32_t i = 0; i < mirror->n_links; i++) {
		if (!mirror->links[i]->present)
			continue;
		mirror->links[i]->birth = ++mirror->births;
		mirror_dirty_link(mirror, mirror->links[i]);
	}
}

bool mirror_link_stopped(struct mirror *mirror, uint32_t ifindex)
{
	struct mirror_link *link = mirror_link_find(mirror, ifindex);

	if (!link)
		return false;
	link->stopped = true;
	mirror->any_stopped = true;
	return true;
}

bool mirror_any_stopped(const struct mirror *mirror)
{
	return mirror->any_stopped;
}

void mirror_caught_up(struct mirror *mirror)
{
	for (uint32_t i = 0; mirror->any_stopped && i < mirror->n_links; i++) {
		struct mirror_link *link = mirror->links[i];

		if (!link->stopped)
			continue;
		link->stopped = false;
		mirror_dirty_link(mirror, link);
	}
	mirror->any_stopped = false;
}

void mirror_link_refuses(struct mirror *mirror, uint32_t ifindex, bool refuses)
{
	struct mirror_link *link = mirror_link_find(mirror, ifindex);

	if (!link || link->refuses == refuses)
		return;
	link->refuses = refuses;
	mirror_dirty_link(mirror, link);
}

/* Only what is suspect about it stays, in case it comes back before the next dump. */
static void link_gone(struct mirror *mirror, struct mirror_link *link)
{
	uint32_t ifindex = link->e.ifindex;

	mirror_want_resync(mirror, "a link was deleted");
	if (link->present)
		link_changed(mirror, link);
	mirror_rules_of_link(mirror, link, NAME_GONE, true);
	mirror_link_suspect(mirror, link);
	link_absent(mirror, link);
	if (link->e.lower)
		mirror_upper_remove(mirror, link);
	link_init(mirror, link, ifindex);
	link->suspect = mirror->generation;
}

static const char *silent_change(const struct event_link *old, const struct event_link *now)
{
	if ((old->flags ^ now->flags) & IFF_UP)
		return now->flags & IFF_UP ? "a link went up" : "a link went down";
	/* Carrier first, then IFF_RUNNING; routes follow with the latter (fib_netdev_event()). */
	if ((old->flags ^ now->flags) & (IFF_LOWER_UP | IFF_RUNNING))
		return now->flags & IFF_LOWER_UP ? "a link got carrier" : "a link lost carrier";
	if (old->master != now->master)
		return "a link changed its master";
	return NULL;
}

static bool same_link(const struct event_link *a, const struct event_link *b)
{
	return a->master == b->master && a->flags == b->flags && a->mtu == b->mtu &&
	       a->type == b->type && a->mac_len == b->mac_len &&
	       memcmp(a->mac, b->mac, sizeof(a->mac)) == 0 &&
	       strncmp(a->name, b->name, sizeof(a->name)) == 0 &&
	       strncmp(a->kind, b->kind, sizeof(a->kind)) == 0 && a->lower == b->lower &&
	       a->macvlan_mode == b->macvlan_mode;
}

int mirror_apply_link(struct mirror *mirror, const struct event *ev)
{
	const struct event_link *e = &ev->link;
	struct mirror_link *link;
	const char *why = NULL;
	bool came, renamed;

	if (ev->op == EVENT_DEL) {
		link = mirror_link_find(mirror, e->ifindex);
		/* Replayed, a dump may know already that it is gone, and not what was told before. */
		if (!link && mirror->replaying)
			link = mirror_link_get(mirror, e->ifindex);
		if (link && (link->present || mirror->replaying))
			link_gone(mirror, link);
		return 0;
	}
	link = mirror_link_get(mirror, e->ifindex);
	if (!link)
		return -ENOMEM;
	/* What the dump did not show has come since, whoever had the number and the name before. */
	came = ev->op == EVENT_NEW && link->generation != mirror->generation;
	link->generation = mirror->generation;
	if (!link->present || e->flags & ~link->e.flags & (IFF_UP | IFF_LOWER_UP))
		link->refuses = false;
	if (!link->present) {
		link->present = true;
		link->birth = ++mirror->births;
		mirror->links_present++;
		link_say(mirror, link, e);
		link_changed(mirror, link);
		mirror_link_accepts(mirror, link);
		mirror_rules_of_link(mirror, link, NAME_NEW, ev->op == EVENT_NEW);
		return 0;
	}
	renamed = strncmp(link->e.name, e->name, sizeof(e->name)) != 0;
	if (came && !renamed)
		mirror_rules_of_link(mirror, link, NAME_NEW, true);
	if (same_link(&link->e, e)) {
		/* The dump may have seen its routes as they were before this. */
		if (ev->op == EVENT_NEW && mirror->replaying)
			mirror_want_resync(mirror, "a link changed during a dump");
		return 0;
	}
	/* The kernel makes neighbours of a device without ARP itself, and says nothing. */
	if ((link->e.flags ^ e->flags) & IFF_NOARP && ev->op == EVENT_NEW)
		mirror_want_resync(mirror, "ARP of a link was switched");
	why = silent_change(&link->e, e);
	link_changed(mirror, link);
	link_say(mirror, link, e);
	link_changed(mirror, link);
	mirror_link_accepts(mirror, link);
	if (renamed)
		mirror_rules_of_link(mirror, link, NAME_CHANGED, ev->op == EVENT_NEW);
	if (why && ev->op == EVENT_NEW) {
		mirror_link_suspect(mirror, link);
		mirror_want_resync(mirror, why);
	}
	return 0;
}

/* ---- sweep --------------------------------------------------------------------------- */

void mirror_sweep_links(struct mirror *mirror)
{
	for (uint32_t i = mirror->n_links; i-- > 0;) {
		struct mirror_link *link = mirror->links[i];

		if (link->generation != mirror->generation) {
			link_remove(mirror, link);
			continue;
		}
		if (link->netconf_generation != mirror->generation &&
		    (link->forwarding >= 0 || link->rp_filter >= 0 || link->ignore_linkdown >= 0))
			mirror_netconf_unknown(mirror, link);
		if (link->suspect && link->suspect < mirror->generation) {
			link->suspect = 0;
			mirror_dirty_link(mirror, link);
		}
	}
}

void mirror_destroy_links(struct mirror *mirror)
{
	for (uint32_t i = 0; i < mirror->n_links; i++)
		free(mirror->links[i]);
	free(mirror->links);
	mirror_destroy_uppers(mirror);
}

/* ---- look-ups ------------------------------------------------------------------------ */

const struct mirror_link *mirror_link(const struct mirror *mirror, uint32_t ifindex)
{
	const struct mirror_link *link = mirror_link_find(mirror, ifindex);

	return link && link->present ? link : NULL;
}

const struct mirror_link *mirror_link_by_name(const struct mirror *mirror, const char *name)
{
	for (uint32_t i = 0; i < mirror->n_links; i++)
		if (mirror->links[i]->present &&
		    strncmp(mirror->links[i]->e.name, name, IFNAMSIZ) == 0)
			return mirror->links[i];
	return NULL;
}

const struct mirror_link *mirror_next_link(const struct mirror *mirror, uint32_t after_ifindex)
{
	uint32_t i = after_ifindex == UINT32_MAX ? mirror->n_links
						 : place_of(mirror, after_ifindex + 1);

	while (i < mirror->n_links && !mirror->links[i]->present)
		i++;
	return i < mirror->n_links ? mirror->links[i] : NULL;
}
