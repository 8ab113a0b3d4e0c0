// SPDX-License-Identifier: GPL-2.0-only
/*
 * What others do on the interfaces that carry our programs: detach them, come behind them, or hold the
 * place that ours was to have.
 */
#include "attach_internal.h"

#include <errno.h>
#include "clock.h"
#include "descriptors.h"

#define FIGHT_NS (60 * 1000000000ULL)

bool attach_is_intact(const struct attachments *a, struct netlink_filters *filters,
		      uint32_t ifindex)
{
	const struct attachment *known = attach_find(a, ifindex);

	if (!known || known->hook == HOOK_NONE)
		return true;
	if (known->link_fd >= 0)
		return links_intact(a, known);
	return filters && filter_seen(a, filters, ifindex);
}

bool attach_lost(struct attachments *a, uint32_t ifindex)
{
	struct attachment *known = attach_find(a, ifindex);
	uint64_t now = now_ns();

	if (!known)
		return true;
	attach_release(a, known);
	known->hook = HOOK_NONE;
	known->link_fd = -1;
	known->refused = 0;
	known->tc_refused = 0;
	known->given_up = known->lost_ns && now - known->lost_ns < FIGHT_NS;
	known->lost_ns = now;
	return !known->given_up;
}

bool attach_is_before_others(const struct attachments *a, struct netlink_filters *filters,
			     uint32_t ifindex)
{
	const struct attachment *known = attach_find(a, ifindex);
	struct attach_others others;

	if (!known || known->hook != HOOK_TC || known->link_fd < 0)
		return false;
	attach_look_at_others(a, filters, ifindex, false, &others);
	return others.filters || others.tcx;
}

/* By another XDP program. */
static bool was_in_use(const struct attachment *known)
{
	return known->refused == -EBUSY || known->refused == -EEXIST;
}

/* Of file descriptors. */
static bool was_short(const struct attachment *known)
{
	return known->refused == -EMFILE || known->tc_refused == -EMFILE;
}

/* Has one of the hooks nothing in the way any more? */
static bool is_free(const struct attachments *a, struct attachment *known)
{
	if (known->tc_refused == -EADDRINUSE)
		return !attach_has_rival(a, known->ifindex, &known->rival);
	if (was_in_use(known) && !links_has_xdp(known->ifindex))
		return true;
	if (was_short(known))
		return descriptors_left(DESCRIPTORS_BESIDE_PORTS);
	return known->tc_refused == -ENOTUNIQ && !filter_is_needed(a, known->ifindex);
}

bool attach_may_retry(struct attachments *a, const struct mirror_link *link)
{
	struct attachment *known = attach_find(a, link->e.ifindex);

	if (!known || known->hook != HOOK_NONE || known->given_up || known->forgiven)
		return false;
	if (was_in_use(known) || was_short(known) || known->tc_refused) {
		known->free_looks = is_free(a, known) ? known->free_looks + 1 : 0;
		return known->free_looks >= 2;
	}
	return known->mtu != link->e.mtu;
}

/* Does it make sense to ask for XDP again? The driver that has none will have none. */
static bool may_have_xdp(const struct attachment *known, const struct mirror *mirror)
{
	const struct mirror_link *link = mirror_link(mirror, known->ifindex);

	if (was_in_use(known))
		return !links_has_xdp(known->ifindex);
	return known->refused && known->refused != -EOPNOTSUPP && link && link->e.mtu != known->mtu;
}

void attach_reconsider(struct attachments *a, const struct mirror *mirror)
{
	for (size_t i = a->n; i--;) {
		struct attachment *known = &a->list[i];

		if (known->tc_refused == -EADDRINUSE)
			known->forgiven = true; /* the next attempt has to know its rival */
		else if (known->hook == HOOK_NONE || may_have_xdp(known, mirror))
			attach_detach(a, known->ifindex);
	}
}

void attach_look_at_others(const struct attachments *a, struct netlink_filters *filters,
			   uint32_t ifindex, bool egress, struct attach_others *ret)
{
	*ret = (struct attach_others){ 0 };
	if (filters)
		filter_others(a, filters, ifindex, egress, &ret->filters, &ret->behind);
	ret->tcx = links_has_other_tcx(a, ifindex, egress);
}
