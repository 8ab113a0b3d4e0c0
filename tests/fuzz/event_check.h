/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What must hold for every event that a decoder lets through, whatever the bytes were.
 */
#ifndef EBPF_ROUTE_EVENT_CHECK_H
#define EBPF_ROUTE_EVENT_CHECK_H

#include "../../include/event.h"

static inline const char *check_prefix(struct prefix prefix)
{
	if (prefix.len > 32)
		return "prefix length over 32";
	return prefix.addr & ~prefix_mask(prefix.len) ? "bits beyond the prefix length" : NULL;
}

static inline const char *check_addr(const struct addr *addr)
{
	static const uint8_t zero[16];

	if (addr->pad[0] || addr->pad[1] || addr->pad[2])
		return "padding of an address is not zero";
	switch (addr->family) {
	case 0:
		return memcmp(addr->v6, zero, 16) ? "no family, but an address" : NULL;
	case AF_INET:
		return memcmp(addr->v6 + 4, zero, 12) ? "bytes behind an IPv4 address" : NULL;
	case AF_INET6:
		return NULL;
	default:
		return "unknown address family";
	}
}

static inline const char *check_leg(const struct event_leg *leg)
{
	if (!leg->weight)
		return "leg of weight 0";
	return check_addr(&leg->gateway);
}

static inline const char *check_route(const struct event_route *route)
{
	if (route->n_legs > EVENT_LEGS_MAX)
		return "too many legs";
	if (route->nl_flags & ~(NLM_F_REPLACE | NLM_F_EXCL | NLM_F_CREATE | NLM_F_APPEND))
		return "foreign netlink flags";
	for (unsigned int i = 0; i < route->n_legs; i++) {
		const char *wrong = check_leg(&route->legs[i]);

		if (wrong)
			return wrong;
		if (route->legs[i].encap && !route->unsupported)
			return "an encapsulating leg in a supported route";
	}
	return check_prefix(route->dst);
}

static inline const char *check_nexthop(const struct event_nexthop *nexthop)
{
	if (!nexthop->id || nexthop->n_members > EVENT_LEGS_MAX)
		return "next hop of id 0, or with too many members";
	if (nexthop->type > NH_TYPE_BLACKHOLE)
		return "unknown next hop type";
	if (nexthop->leg.encap && !nexthop->unsupported)
		return "an encapsulating, supported next hop";
	for (unsigned int i = 0; i < nexthop->n_members; i++) {
		if (!nexthop->members[i].id || !nexthop->members[i].weight)
			return "member of id or weight 0";
	}
	return check_leg(&nexthop->leg);
}

static inline const char *check_link(const struct event_link *link, uint8_t op)
{
	if (!link->ifindex || link->ifindex > INT32_MAX)
		return "interface index";
	if (!memchr(link->name, 0, sizeof(link->name)) ||
	    !memchr(link->kind, 0, sizeof(link->kind)))
		return "a name is not terminated";
	if (op == EVENT_NEW && !link->name[0])
		return "link without a name";
	if (link->macvlan_mode && strcmp(link->kind, "macvlan") && strcmp(link->kind, "macvtap"))
		return "macvlan mode of something else";
	return link->mac_len == 0 || link->mac_len == 6 ? NULL : "MAC length";
}

static inline const char *check_rule(const struct event_rule *rule)
{
	const char *wrong = check_prefix(rule->src);

	if (!memchr(rule->iif, 0, sizeof(rule->iif)) || !memchr(rule->oif, 0, sizeof(rule->oif)))
		return "a name is not terminated";
	return wrong ? wrong : check_prefix(rule->dst);
}

/* NULL, or what is wrong with the event. */
static inline const char *event_check(const struct event *ev)
{
	if (ev->op > EVENT_DEL)
		return "op";
	switch (ev->kind) {
	case EVENT_LINK:
		return check_link(&ev->link, ev->op);
	case EVENT_ADDRESS:
		return ev->address.ifindex && ev->address.prefix_len <= 32 ? NULL : "address";
	case EVENT_NEIGHBOUR:
		if (!ev->neighbour.ifindex || !ev->neighbour.addr.family)
			return "neighbour";
		if (ev->neighbour.mac_len != 0 && ev->neighbour.mac_len != 6)
			return "MAC length";
		return check_addr(&ev->neighbour.addr);
	case EVENT_NEXTHOP:
		return check_nexthop(&ev->nexthop);
	case EVENT_ROUTE:
		return check_route(&ev->route);
	case EVENT_RULE:
		return check_rule(&ev->rule);
	case EVENT_NETCONF:
		return ev->netconf.ifindex ? NULL : "netconf";
	case EVENT_FEATURES:
		return ev->features.ifindex ? NULL : "features";
	default:
		return "kind";
	}
}

#endif
