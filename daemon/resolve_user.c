// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a user route comes to.
 *
 * Nothing of the kernel's routing stands behind it: what the kernel may have learnt of other gateways, or which
 * of its routes vanish with a link, does not matter here. It leads where it says as long as
 * the device is there and has carrier; of several next hops those share the traffic of which that is
 * true.
 */
#include "resolve.h"

#include <net/if.h>
#include "../include/user_route.h"

#ifndef IFF_LOWER_UP
#define IFF_LOWER_UP 0x10000
#endif

static enum verdict device_verdict(const struct mirror *mirror, uint32_t ifindex)
{
	const struct mirror_link *link = mirror_link(mirror, ifindex);

	if (!link)
		return VERDICT_egress_down;
	if (!resolve_can_be_port(link))
		return VERDICT_egress_no_xdp;
	if (!(link->e.flags & IFF_UP) || !(link->e.flags & IFF_LOWER_UP))
		return VERDICT_egress_down;
	return VERDICT_forwarded;
}

static void resolve_by(const struct mirror *mirror, const struct event_leg *leg,
		       enum resolved_kind kind, struct resolved_nexthop *ret)
{
	*ret = (struct resolved_nexthop){
		.kind = kind,
		.verdict = device_verdict(mirror, leg->oif),
		.leg = *leg,
		.user = true,
	};
	/* Frames to ourselves would come back. */
	if (leg->gateway.family == AF_INET && mirror_is_own_address(mirror, leg->gateway.v4))
		ret->verdict = VERDICT_unsupported_route;
	if (ret->verdict != VERDICT_forwarded)
		ret->kind = RESOLVED_VERDICT;
}

void resolve_user_leg(const struct mirror *mirror, const struct event_leg *leg,
		      struct resolved_nexthop *ret)
{
	resolve_by(mirror, leg, leg->gateway.family ? RESOLVED_GATEWAY : RESOLVED_CONNECTED, ret);
}

void resolve_user(const struct mirror *mirror, const struct mirror_nexthop *nexthop,
		  struct resolved_nexthop *ret)
{
	const struct user_route *route = nexthop->user;

	*ret = (struct resolved_nexthop){ .kind = RESOLVED_VERDICT, .user = true };
	switch (route->action) {
	case USER_DROP:
		ret->verdict = VERDICT_dropped;
		break;
	case USER_PASS:
		ret->verdict = VERDICT_user_pass;
		break;
	case USER_CPU:
		ret->kind = RESOLVED_CPU;
		ret->first_cpu = route->first_cpu;
		ret->n_cpus = route->last_cpu - route->first_cpu + 1;
		break;
	case USER_REDIRECT:
		resolve_by(mirror, &nexthop->legs[0], RESOLVED_REDIRECT, ret);
		break;
	case USER_NEXTHOPS:
		if (nexthop->n_legs == 1)
			resolve_user_leg(mirror, &nexthop->legs[0], ret);
		else
			ret->kind = RESOLVED_GROUP;
		break;
	default:
		ret->verdict = VERDICT_unsupported_route;
		break;
	}
}

unsigned int resolve_user_group(const struct mirror *mirror, const struct mirror_nexthop *nexthop,
				struct resolved_member *members)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < nexthop->n_legs && i < USER_LEGS_MAX; i++) {
		const struct event_leg *leg = &nexthop->legs[i];

		if (device_verdict(mirror, leg->oif) != VERDICT_forwarded)
			continue;
		members[n++] = (struct resolved_member){ .leg = *leg, .weight = leg->weight };
	}
	return n;
}
