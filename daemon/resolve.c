// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the kernel would do, as far as it can be proven; a reason to fall back where it cannot.
 *
 * Pure functions of the mirror. What an answer depends on beyond its own object, and hence who must
 * look again when that changes: a prefix on what covers it, in the two cases named at
 * decided_elsewhere() (mirror_candidates.c marks them); a next hop on its links, on kernel nexthop
 * objects, and on its gateway not being our own address (fib_nexthops.c).
 */
#include "resolve.h"

#include <linux/fib_rules.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if_arp.h>

#ifndef IFF_LOWER_UP
#define IFF_LOWER_UP 0x10000
#endif

enum {
	XDP_FEATURE_NDO_XMIT = 1 << 2, /* NETDEV_XDP_ACT_NDO_XMIT of linux/netdev.h, 6.3 */
};

/* ---- routes -------------------------------------------------------------------------- */

static const struct mirror_candidate *next_of(const struct mirror *mirror,
					      const struct mirror_candidate *c)
{
	return c->next ? mirror_candidate(mirror, c->next) : NULL;
}

static bool decides(const struct mirror_candidate *c)
{
	return c->table == RT_TABLE_LOCAL || c->table == RT_TABLE_MAIN ||
	       c->table == RT_TABLE_DEFAULT;
}

static bool has_table(const struct mirror *mirror, const struct rib_entry *entry, uint32_t table)
{
	const struct mirror_candidate *c =
		entry->candidates ? mirror_candidate(mirror, entry->candidates) : NULL;

	for (; c; c = next_of(mirror, c))
		if (c->table == table)
			return true;
	return false;
}

static bool is_covered_by(const struct mirror *mirror, struct prefix prefix, uint32_t table)
{
	const struct rib_entry *cover = rib_cover(mirror_rib(mirror), prefix);

	for (; cover; cover = rib_cover(mirror_rib(mirror), rib_prefix(cover))) {
		bool is_loopback = cover->addr >> 24 == 127;

		if (has_table(mirror, cover, table) && !(table == RT_TABLE_LOCAL && is_loopback))
			return true;
	}
	return false;
}

/*
 * May a shorter prefix decide? Tables are looked up one after the other, each by its own longest
 * match; the map knows one longest match of all. They differ where
 * - the prefix is in the table `default` only and an earlier table has a shorter one;
 * - the table `local` has a shorter one (by hand: the kernel's own are /32, and 127/8). The kernel
 *   merges local and main until the first policy rule ever, and then the longer one wins: unknown.
 */
static enum verdict decided_elsewhere(const struct mirror *mirror, const struct rib_entry *entry,
				      const struct mirror_candidate *head)
{
	struct prefix prefix = rib_prefix(entry);

	if (head->table == RT_TABLE_LOCAL)
		return VERDICT_forwarded;
	if (mirror_wide_locals(mirror) && is_covered_by(mirror, prefix, RT_TABLE_LOCAL))
		return VERDICT_local;
	if (head->table == RT_TABLE_DEFAULT && is_covered_by(mirror, prefix, RT_TABLE_MAIN))
		return VERDICT_policy_rule;
	return VERDICT_forwarded;
}

/* Properties of the whole list of which the fast path knows nothing. */
static bool is_list_unsupported(const struct mirror *mirror, const struct rib_entry *entry,
				const struct mirror_candidate *head)
{
	const struct mirror_candidate *c;

	for (c = head; c && decides(c); c = next_of(mirror, c)) {
		if (c->tos)
			return true;
		/* The kernel rotates among equal default routes as gateways die. */
		if (entry->len == 0 && c->table == head->table && c->priority == head->priority &&
		    c->nexthop != head->nexthop)
			return true;
	}
	return false;
}

static enum verdict verdict_of_type(uint8_t type)
{
	switch (type) {
	case RTN_UNICAST:
		return VERDICT_forwarded;
	case RTN_LOCAL:
	case RTN_ANYCAST:
		return VERDICT_local;
	case RTN_BROADCAST:
		return VERDICT_broadcast;
	case RTN_MULTICAST:
		return VERDICT_multicast;
	case RTN_BLACKHOLE:
		return VERDICT_dropped;
	case RTN_UNREACHABLE:
		return VERDICT_unreachable;
	case RTN_PROHIBIT:
		return VERDICT_prohibit;
	case RTN_THROW:
		return VERDICT_throw;
	default:
		return VERDICT_unsupported_route;
	}
}

bool resolve_route(const struct mirror *mirror, const struct rib_entry *entry,
		   struct resolved_route *ret)
{
	const struct mirror_candidate *head;

	if (!entry->candidates)
		return false;
	head = mirror_candidate(mirror, entry->candidates);
	if (!decides(head))
		return false;
	ret->candidate = head;
	ret->nexthop = 0;
	if (is_list_unsupported(mirror, entry, head) || head->unsupported) {
		ret->verdict = VERDICT_unsupported_route;
		return true;
	}
	ret->verdict = decided_elsewhere(mirror, entry, head);
	if (ret->verdict == VERDICT_forwarded)
		ret->verdict = verdict_of_type(head->type);
	if (ret->verdict == VERDICT_forwarded)
		ret->nexthop = head->nexthop;
	return true;
}

const struct rib_entry *resolve_lookup(const struct mirror *mirror, uint32_t addr,
				       struct resolved_route *ret)
{
	const struct rib_entry *entry = rib_match(mirror_rib(mirror), addr);

	for (; entry; entry = rib_cover(mirror_rib(mirror), rib_prefix(entry)))
		if (resolve_route(mirror, entry, ret))
			return entry;
	*ret = (struct resolved_route){ .verdict = VERDICT_no_route };
	return NULL;
}

/* ---- next hops ----------------------------------------------------------------------- */

static bool can_be_port(const struct mirror_link *link)
{
	static const uint8_t zero[6];

	return link->e.type == ARPHRD_ETHER && !(link->e.flags & IFF_LOOPBACK) &&
	       link->e.mac_len == 6 && memcmp(link->e.mac, zero, sizeof(zero)) != 0 &&
	       link->e.ifindex && link->e.ifindex < IFINDEX_LIMIT;
}

static bool ignores_linkdown(const struct mirror *mirror, const struct mirror_link *link)
{
	return link->ignore_linkdown > 0 || mirror_netconf_all(mirror)->ignore_linkdown > 0;
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
	if (!can_be_port(link))
		return VERDICT_egress_no_xdp;
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

void resolve_nexthop(const struct mirror *mirror, const struct mirror_nexthop *nexthop,
		     struct resolved_nexthop *ret)
{
	const struct mirror_object *object;

	if (!nexthop->nhid) {
		if (nexthop->n_legs == 1)
			resolve_leg(mirror, &nexthop->legs[0], nexthop->mtu, ret);
		else if (nexthop->n_legs)
			resolve_several(nexthop->mtu, ret);
		else
			resolve_verdict(VERDICT_unsupported_route, ret);
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

/* Does the kernel choose among the other legs only? */
static bool is_skipped(const struct mirror *mirror, const struct event_leg *leg)
{
	const struct mirror_link *link = mirror_link(mirror, leg->oif);
	bool linkdown;

	if (leg->flags & RTNH_F_DEAD)
		return true;
	if (!link || link->suspect)
		return false; /* the whole route may be gone: its share falls back */
	linkdown = leg->flags & RTNH_F_LINKDOWN || !(link->e.flags & IFF_LOWER_UP);
	return !(link->e.flags & IFF_UP) || (linkdown && ignores_linkdown(mirror, link));
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
	if (!nexthop->nhid) {
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

/* ---- neighbours and ports ------------------------------------------------------------ */

bool resolve_neighbour_valid(const struct mirror_neighbour *n)
{
	static const uint8_t zero[6];
	const uint16_t valid = NUD_PERMANENT | NUD_NOARP | NUD_REACHABLE | NUD_PROBE | NUD_STALE |
			       NUD_DELAY;

	return n->e.state & valid && n->e.mac_len == 6 && !(n->e.mac[0] & 1) &&
	       memcmp(n->e.mac, zero, sizeof(zero)) != 0;
}

static uint16_t port_flags(const struct mirror *mirror, const struct mirror_link *link)
{
	const struct mirror_netconf *all = mirror_netconf_all(mirror);
	uint16_t flags = PORT_XMIT_GENERIC;

	if (link->e.flags & IFF_UP && link->e.flags & IFF_LOWER_UP)
		flags |= PORT_UP;
	if (link->forwarding > 0 && !link->e.master)
		flags |= PORT_FORWARDING;
	if (link->rp_filter != 0 || all->rp_filter != 0)
		flags |= PORT_RP_FILTER;
	if (link->send_redirects)
		flags |= PORT_SEND_REDIRECTS;
	if (link->features_known ? link->xdp_features & XDP_FEATURE_NDO_XMIT
				 : link->hook == HOOK_XDP)
		flags |= PORT_XMIT_NATIVE;
	if (link->hook == HOOK_XDP_GENERIC)
		flags |= PORT_IN_GENERIC;
	return flags;
}

bool resolve_port(const struct mirror *mirror, const struct mirror_link *link, struct port *ret)
{
	if (!can_be_port(link))
		return false;
	*ret = (struct port){
		.ifindex = link->e.ifindex,
		.mtu = link->e.mtu,
		.flags = port_flags(mirror, link),
	};
	memcpy(ret->mac, link->e.mac, sizeof(ret->mac));
	return true;
}

/* ---- rules --------------------------------------------------------------------------- */

static bool is_plain(const struct event_rule *e, uint32_t priority, uint32_t table)
{
	return e->priority == priority && e->table == table && e->action == FR_ACT_TO_TBL &&
	       !(e->flags & ~FIB_RULE_PERMANENT) && !e->fwmark && !e->fwmask && !e->tos &&
	       !e->src.len && !e->dst.len && !e->iif[0] && !e->oif[0] && !e->l3mdev && !e->other;
}

bool resolve_rules_plain(const struct mirror *mirror)
{
	unsigned int seen = 0;

	for (const struct mirror_rule *rule = mirror_rules(mirror); rule; rule = rule->next) {
		if (is_plain(&rule->e, 0, RT_TABLE_LOCAL))
			seen |= 1;
		else if (is_plain(&rule->e, 32766, RT_TABLE_MAIN))
			seen |= 2;
		else if (is_plain(&rule->e, 32767, RT_TABLE_DEFAULT))
			seen |= 4;
		else
			return false;
	}
	return seen == 7;
}

uint32_t resolve_hold(const struct mirror *mirror)
{
	uint32_t hold = mirror_hold(mirror);

	if (hold)
		return hold;
	return resolve_rules_plain(mirror) ? 0 : VERDICT_policy_rule;
}
