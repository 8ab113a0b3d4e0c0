// SPDX-License-Identifier: GPL-2.0-only
/* What netconf, the family `netdev` and the shell tell about a link, which may come before the link itself. */
#include "mirror_internal.h"

#include <linux/netconf.h>
#include <net/if.h>

#ifndef IFF_LOWER_UP
#define IFF_LOWER_UP 0x10000
#endif

static bool take(int32_t *value, int32_t said)
{
	if (said < 0 || *value == said)
		return false;
	*value = said;
	return true;
}

/* That link, or any. */
static bool lacks_carrier(const struct mirror *mirror, const struct mirror_link *link)
{
	for (uint32_t i = 0; !link && i < mirror->n_links; i++)
		if (lacks_carrier(mirror, mirror->links[i]))
			return true;
	return link && link->present && !(link->e.flags & IFF_LOWER_UP);
}

/* Of one link, or of all: that legs without carrier are DEAD now, or no longer, is said by dumps only. */
static void take_ignore_linkdown(struct mirror *mirror, const struct event *ev,
				 const struct mirror_link *link, int32_t *value)
{
	bool known = *value >= 0;

	if (take(value, ev->netconf.ignore_linkdown) && known && ev->op == EVENT_NEW &&
	    lacks_carrier(mirror, link))
		mirror_want_resync(mirror, "ignore_routes_with_linkdown changed");
}

void mirror_netconf_unknown(struct mirror *mirror, struct mirror_link *link)
{
	link->forwarding = link->rp_filter = link->ignore_linkdown = -1;
	if (link->present)
		mirror_dirty_link(mirror, link);
}

int mirror_apply_netconf(struct mirror *mirror, const struct event *ev)
{
	const struct event_netconf *e = &ev->netconf;
	struct mirror_netconf *all = &mirror->netconf_all;
	struct mirror_link *link;
	bool changed;

	if (e->ifindex == NETCONFA_IFINDEX_ALL) {
		changed = take(&all->forwarding, e->forwarding);
		changed |= take(&all->rp_filter, e->rp_filter);
		take_ignore_linkdown(mirror, ev, NULL, &all->ignore_linkdown);
		for (uint32_t i = 0; changed && i < mirror->n_links; i++)
			if (mirror->links[i]->present)
				mirror_dirty_link(mirror, mirror->links[i]);
		return 0;
	}
	if (e->ifindex <= 0)
		return 0;
	if (ev->op == EVENT_DEL) {
		link = mirror_link_find(mirror, e->ifindex);
		if (link)
			mirror_netconf_unknown(mirror, link);
		return 0;
	}
	link = mirror_link_get(mirror, e->ifindex);
	if (!link)
		return -ENOMEM;
	if (!link->present)
		link->generation = mirror->generation;
	link->netconf_generation = mirror->generation;
	changed = take(&link->forwarding, e->forwarding);
	changed |= take(&link->rp_filter, e->rp_filter);
	take_ignore_linkdown(mirror, ev, link, &link->ignore_linkdown);
	if (changed && link->present)
		mirror_dirty_link(mirror, link);
	return 0;
}

int mirror_apply_features(struct mirror *mirror, const struct event *ev)
{
	const struct event_features *e = &ev->features;
	bool known = ev->op != EVENT_DEL;
	uint64_t features = known ? e->xdp_features : 0;
	struct mirror_link *link = mirror_link_find(mirror, e->ifindex);

	if (!link && !known)
		return 0;
	if (!link)
		link = mirror_link_get(mirror, e->ifindex);
	if (!link)
		return -ENOMEM;
	if (!link->present)
		link->generation = mirror->generation;
	if (link->features_known == known && link->xdp_features == features)
		return 0;
	link->features_known = known;
	link->xdp_features = features;
	link->refuses = false;
	if (link->present)
		mirror_dirty_link(mirror, link);
	return 0;
}

void mirror_set_hook(struct mirror *mirror, uint32_t ifindex, enum hook hook)
{
	struct mirror_link *link = mirror_link_find(mirror, ifindex);

	if (!link || link->hook == hook)
		return;
	link->hook = hook;
	mirror_dirty_link(mirror, link);
}

void mirror_set_send_redirects(struct mirror *mirror, uint32_t ifindex, bool send)
{
	struct mirror_link *link = mirror_link_find(mirror, ifindex);

	if (!link || link->send_redirects == send)
		return;
	link->send_redirects = send;
	mirror_dirty_link(mirror, link);
}

void mirror_set_accept_local(struct mirror *mirror, uint32_t ifindex, bool accept)
{
	struct mirror_link *link = mirror_link_find(mirror, ifindex);

	if (!link || link->accept_local == accept)
		return;
	link->accept_local = accept;
	mirror_dirty_link(mirror, link);
}

void mirror_set_accept_redirects(struct mirror *mirror, uint32_t ifindex, bool accept)
{
	struct mirror_link *link = mirror_link_find(mirror, ifindex);

	if (!link)
		return;
	link->accept_redirects = accept;
	mirror_link_accepts(mirror, link);
}

const struct mirror_netconf *mirror_netconf_all(const struct mirror *mirror)
{
	return &mirror->netconf_all;
}
