// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a set of legs or a nexthop object comes to: for what is sent by it, and for the reverse path
 * check of what comes from there.
 *
 * Depends on its links and their masters, on kernel nexthop objects, and on its gateway not being our
 * own address: fib_nexthops.c looks again when these change.
 *
 * A route whose legs are all dead, or without carrier and ignored, counts as none to the kernel, which
 * goes on with the next one (fib_table_lookup() in net/ipv4/fib_trie.c): all that falls back.
 */
#include "resolve.h"

#include <linux/rtnetlink.h>

#ifndef IFF_LOWER_UP
#define IFF_LOWER_UP 0x10000
#endif

static bool is_vrf(const struct mirror_link *link)
{
	return strncmp(link->e.kind, "vrf", sizeof(link->e.kind)) == 0;
}

/* The reverse path check of what leaves by it begins there: by the rule of the VRF. */
static bool is_in_vrf(const struct mirror *mirror, const struct mirror_link *link)
{
	const struct mirror_link *master = link->e.master ? mirror_link(mirror, link->e.master)
							  : NULL;

	return is_vrf(link) || (link->e.master && (!master || is_vrf(master)));
}

static enum verdict leg_verdict(const struct mirror *mirror, const struct event_leg *leg)
{
	const struct mirror_link *link = mirror_link(mirror, leg->oif);

	if (leg->encap)
		return VERDICT_unsupported_route;
	if (leg->gateway.family == AF_INET && mirror_is_own_address(mirror, leg->gateway.v4))
		return VERDICT_unsupported_route;
	if (!link)
		return VERDICT_egress_down;
	if (!resolve_can_be_port(link))
		return VERDICT_egress_no_xdp;
	if (is_in_vrf(mirror, link))
		return VERDICT_policy_rule;
	/* For one destination it may be another: find_exception() in net/ipv4/route.c. */
	if (leg->gateway.family == AF_INET && mirror_may_be_redirected(mirror))
		return VERDICT_unsupported_route;
	if (leg->flags & (RTNH_F_DEAD | RTNH_F_LINKDOWN) || link->suspect ||
	    !(link->e.flags & IFF_UP) || !(link->e.flags & IFF_LOWER_UP))
		return VERDICT_egress_down;
	return VERDICT_forwarded;
}

void resolve_leg(const struct mirror *mirror, const struct event_leg *leg, uint32_t mtu,
		 struct resolved_nexthop *ret)
{
	*ret = (struct resolved_nexthop){
		.kind = leg->gateway.family ? RESOLVED_GATEWAY : RESOLVED_CONNECTED,
		.verdict = leg_verdict(mirror, leg),
		.leg = *leg,
		.mtu = mtu,
	};
	if (ret->verdict != VERDICT_forwarded)
		ret->kind = RESOLVED_VERDICT;
}

static void resolve_verdict(enum verdict verdict, struct resolved_nexthop *ret)
{
	*ret = (struct resolved_nexthop){ .kind = RESOLVED_VERDICT, .verdict = verdict };
}

static void resolve_several(uint32_t mtu, struct resolved_nexthop *ret)
{
	*ret = (struct resolved_nexthop){ .kind = RESOLVED_GROUP, .mtu = mtu };
}

/* NULL: unknown, or one whose routes may be gone with a former object of that id. */
static const struct mirror_object *usable_object(const struct mirror *mirror, uint32_t id)
{
	const struct mirror_object *object = mirror_object(mirror, id);

	if (!object || object->suspect || object->fdb || object->unsupported)
		return NULL;
	return object;
}

/*
 * Routes told of as blackholes, by an object: that makes them so while it is one, or a group of one. Once
 * it no longer is, only the kernel knows what they are themselves.
 */
static enum verdict blackhole_verdict(const struct mirror *mirror, uint32_t nhid)
{
	const struct mirror_object *object = usable_object(mirror, nhid);

	if (object && object->type != NH_TYPE_SINGLE && object->n_members == 1)
		object = usable_object(mirror, object->members[0].id);
	return object && object->type == NH_TYPE_BLACKHOLE ? VERDICT_dropped
							   : VERDICT_unsupported_route;
}

void resolve_nexthop(const struct mirror *mirror, const struct mirror_nexthop *nexthop,
		     struct resolved_nexthop *ret)
{
	const struct mirror_object *object;

	if (nexthop->user) {
		resolve_user(mirror, nexthop, ret);
		return;
	}
	if (!nexthop->nhid) {
		if (nexthop->n_legs == 1)
			resolve_leg(mirror, &nexthop->legs[0], nexthop->mtu, ret);
		else if (nexthop->n_legs)
			resolve_several(nexthop->mtu, ret);
		else
			resolve_verdict(VERDICT_unsupported_route, ret);
		return;
	}
	if (nexthop->blackhole) {
		resolve_verdict(blackhole_verdict(mirror, nexthop->nhid), ret);
		return;
	}
	object = usable_object(mirror, nexthop->nhid);
	if (!object) {
		resolve_verdict(VERDICT_unsupported_route, ret);
		return;
	}
	switch (object->type) {
	case NH_TYPE_SINGLE:
		resolve_leg(mirror, &object->leg, nexthop->mtu, ret);
		break;
	case NH_TYPE_GROUP:
	case NH_TYPE_RESILIENT:
		resolve_several(nexthop->mtu, ret);
		break;
	case NH_TYPE_BLACKHOLE:
		resolve_verdict(VERDICT_dropped, ret);
		break;
	default:
		resolve_verdict(VERDICT_unsupported_route, ret);
		break;
	}
}

/*
 * Does the kernel choose among the other legs only? Where it ignores those without carrier it says DEAD of
 * them. Of a suspect link the whole route may be gone: its share falls back.
 */
static bool is_skipped(const struct mirror *mirror, const struct event_leg *leg)
{
	const struct mirror_link *link = mirror_link(mirror, leg->oif);

	return leg->flags & RTNH_F_DEAD || (link && !link->suspect && !(link->e.flags & IFF_UP));
}

static unsigned int add_leg(const struct mirror *mirror, const struct event_leg *leg,
			    uint16_t weight, struct resolved_member *ret)
{
	if (is_skipped(mirror, leg))
		return 0;
	*ret = (struct resolved_member){ .leg = *leg, .weight = weight ? weight : 1 };
	if (leg->encap)
		ret->verdict = VERDICT_unsupported_route;
	else if (leg->flags & RTNH_F_LINKDOWN)
		ret->verdict = VERDICT_egress_down;
	return 1;
}

static unsigned int add_member(const struct mirror *mirror, const struct event_member *member,
			       struct resolved_member *ret)
{
	const struct mirror_object *object = usable_object(mirror, member->id);

	if (object && object->type == NH_TYPE_SINGLE)
		return add_leg(mirror, &object->leg, member->weight, ret);
	*ret = (struct resolved_member){ .weight = member->weight ? member->weight : 1 };
	ret->verdict = object && object->type == NH_TYPE_BLACKHOLE ? VERDICT_dropped
								   : VERDICT_unsupported_route;
	return 1;
}

unsigned int resolve_group(const struct mirror *mirror, const struct mirror_nexthop *nexthop,
			   struct resolved_member members[EVENT_LEGS_MAX],
			   enum verdict *ret_verdict)
{
	const struct mirror_object *object = NULL;
	unsigned int n = 0;

	*ret_verdict = VERDICT_unsupported_route;
	if (nexthop->user) {
		n = resolve_user_group(mirror, nexthop, members);
	} else if (!nexthop->nhid) {
		for (unsigned int i = 0; i < nexthop->n_legs && i < EVENT_LEGS_MAX; i++)
			n += add_leg(mirror, &nexthop->legs[i], nexthop->legs[i].weight,
				     &members[n]);
	} else {
		object = usable_object(mirror, nexthop->nhid);
		if (!object || !object->n_members)
			return 0;
		for (unsigned int i = 0; i < object->n_members && i < EVENT_LEGS_MAX; i++)
			n += add_member(mirror, &object->members[i], &members[n]);
	}
	if (!n)
		*ret_verdict = VERDICT_egress_down;
	return n;
}

/* ---- reverse path -------------------------------------------------------------------- */

struct devices {
	uint32_t *ifindex; /* REVERSE_PORTS of them */
	unsigned int n;
};

/* A leg that is certainly good enough for the kernel to take the route. */
static void add_device(const struct mirror *mirror, const struct event_leg *leg,
		       struct devices *ret)
{
	const struct mirror_link *link = mirror_link(mirror, leg->oif);

	if (!link || link->suspect || !(link->e.flags & IFF_UP) ||
	    !(link->e.flags & IFF_LOWER_UP) || leg->flags & (RTNH_F_DEAD | RTNH_F_LINKDOWN))
		return;
	for (unsigned int i = 0; i < ret->n; i++)
		if (ret->ifindex[i] == leg->oif)
			return;
	if (ret->n < REVERSE_PORTS)
		ret->ifindex[ret->n++] = leg->oif;
}

static void add_object(const struct mirror *mirror, const struct mirror_object *object,
		       struct devices *ret)
{
	if (object && object->type == NH_TYPE_SINGLE)
		add_device(mirror, &object->leg, ret);
}

unsigned int resolve_reverse(const struct mirror *mirror, const struct mirror_nexthop *nexthop,
			     uint32_t ret_ifindex[REVERSE_PORTS])
{
	const struct mirror_object *object =
		nexthop->nhid && !nexthop->blackhole ? usable_object(mirror, nexthop->nhid) : NULL;
	struct devices found = { .ifindex = ret_ifindex };

	for (unsigned int i = 0; !nexthop->nhid && i < nexthop->n_legs; i++)
		add_device(mirror, &nexthop->legs[i], &found);
	add_object(mirror, object, &found);
	for (unsigned int i = 0; object && i < object->n_members; i++)
		add_object(mirror, usable_object(mirror, object->members[i].id), &found);
	return found.n;
}
