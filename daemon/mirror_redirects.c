// SPDX-License-Identifier: GPL-2.0-only
/*
 * Gateways that the kernel may know better than its routes say.
 *
 * An ICMP redirect names another gateway for one destination. The kernel asks the device that it comes in
 * by whether to believe it, and puts what it learns beside the next hop of the route, whatever device that
 * leads to (__ip_do_redirect() in net/ipv4/route.c): one device is enough to make every gateway uncertain.
 * lo is none of them: only this machine itself sends there.
 */
#include "mirror_internal.h"

bool mirror_accepts_redirects(const struct mirror *mirror)
{
	return mirror->accepting != 0;
}

bool mirror_may_be_redirected(const struct mirror *mirror)
{
	return mirror->accepting || mirror->redirected;
}

/* Every next hop with a gateway is to be looked at again. */
static void dirty_gateways(struct mirror *mirror)
{
	for (uint32_t i = 0; i < mirror->n_links; i++)
		if (mirror->links[i]->present)
			mirror_dirty_link(mirror, mirror->links[i]);
}

void mirror_link_accepts(struct mirror *mirror, struct mirror_link *link)
{
	bool accepts = link->accept_redirects && link->present && link->e.flags & IFF_UP &&
		       !(link->e.flags & IFF_LOOPBACK);
	bool before = mirror_may_be_redirected(mirror);

	if (link->accepting == accepts)
		return;
	link->accepting = accepts;
	if (accepts)
		mirror->accepting++;
	else
		mirror->accepting--;
	if (mirror_may_be_redirected(mirror) != before)
		dirty_gateways(mirror);
}

void mirror_set_redirected(struct mirror *mirror, bool maybe)
{
	bool before = mirror_may_be_redirected(mirror);

	mirror->redirected = maybe;
	if (mirror_may_be_redirected(mirror) != before)
		dirty_gateways(mirror);
}
