/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Decodes IPv4 routes (RTM_NEWROUTE, RTM_DELROUTE) with their legs.
 *
 * A property that the fast path does not implement makes the route `unsupported`, not refused: it
 * has to stay in the table, where it falls back. Only cached entries (RTM_F_CLONED) are no routes.
 */
#include <linux/rtnetlink.h>
#include "decode.h"

#define LEG_POLICY                                                                                 \
	ATTR_POLICY("route", RTA_GATEWAY, 4, 4),                                                   \
		ATTR_POLICY("route", RTA_VIA, sizeof(struct rtvia), ATTR_ANY)

static const struct attr_policy leg_policy[] = { LEG_POLICY };

static const struct attr_policy route_policy[] = {
	LEG_POLICY,
	ATTR_POLICY("route", RTA_DST, 4, 4),
	ATTR_POLICY("route", RTA_OIF, 4, 4),
	ATTR_POLICY("route", RTA_PRIORITY, 4, 4),
	ATTR_POLICY("route", RTA_METRICS, 0, ATTR_ANY),
	ATTR_POLICY("route", RTA_MULTIPATH, sizeof(struct rtnexthop), ATTR_ANY),
	ATTR_POLICY("route", RTA_TABLE, 4, 4),
	ATTR_POLICY("route", RTA_NH_ID, 4, 4),
};

static const struct attr_policy metrics_policy[] = {
	ATTR_POLICY("route", RTAX_MTU, 4, 4),
};

/* What the attributes said, before it becomes legs. */
struct route_walk {
	const struct nlattr *multipath;
	struct event_leg leg;
	uint32_t dst; /* host byte order */
	bool has_dst;
};

static void leg_init(struct event_leg *leg, uint32_t oif, uint16_t weight, uint8_t flags)
{
	memset(leg, 0, sizeof(*leg));
	leg->oif = oif;
	leg->weight = weight;
	leg->flags = flags;
}

static int decode_via(const struct nlattr *nla, struct event_leg *leg, bool *unsupported,
		      const char **reason)
{
	const struct rtvia *via = attr_data(nla);

	if (via->rtvia_family != AF_INET && via->rtvia_family != AF_INET6) {
		*unsupported = true;
		return 0;
	}
	if (!attr_address((uint8_t)via->rtvia_family, via->rtvia_addr, attr_len(nla) - sizeof(*via),
			  &leg->gateway))
		return decode_refuse(reason, "route: RTA_VIA has the wrong length");
	return 0;
}

/* The attributes that mean the same for a route of one leg and for a leg of many. */
static int decode_leg_attribute(const struct nlattr *nla, struct event_leg *leg, bool *unsupported,
				const char **reason)
{
	switch (attr_type(nla)) {
	case RTA_GATEWAY:
		leg->gateway = addr_v4(attr_u32(nla));
		return 0;
	case RTA_VIA:
		return decode_via(nla, leg, unsupported, reason);
	case RTA_ENCAP:
	case RTA_ENCAP_TYPE:
		leg->encap = true;
		*unsupported = true;
		return 0;
	case RTA_NEWDST:
	case RTA_TTL_PROPAGATE:
		*unsupported = true;
		return 0;
	default:
		return 0;
	}
}

static int decode_multipath_leg(const struct rtnexthop *hop, struct event_leg *leg,
				bool *unsupported, const char **reason)
{
	struct attr_walk walk = ATTR_WALK(leg_policy, "route: an attribute of a leg is cut off");
	const struct nlattr *nla;
	int err;

	if (hop->rtnh_ifindex < 0)
		return decode_refuse(reason, "route: interface index of a leg is negative");
	leg_init(leg, (uint32_t)hop->rtnh_ifindex, (uint16_t)(hop->rtnh_hops + 1), hop->rtnh_flags);
	walk.pos = (const uint8_t *)(hop + 1);
	walk.left = hop->rtnh_len - sizeof(*hop);
	while ((err = attr_next(&walk, &nla, reason)) > 0) {
		err = decode_leg_attribute(nla, leg, unsupported, reason);
		if (err)
			return err;
	}
	return err;
}

/* The legs follow each other, each as long as its header says, its own attributes included. */
static int decode_multipath(const struct nlattr *multipath, struct event_route *route,
			    const char **reason)
{
	const uint8_t *pos = attr_data(multipath);
	size_t left = attr_len(multipath);
	struct event_leg spare;
	uint32_t n = 0;

	while (left) {
		const struct rtnexthop *hop = (const void *)pos;
		size_t step;
		int err;

		if (left < sizeof(*hop) || hop->rtnh_len < sizeof(*hop) || hop->rtnh_len > left)
			return decode_refuse(reason, "route: a leg of RTA_MULTIPATH is cut off");
		err = decode_multipath_leg(hop, n < EVENT_LEGS_MAX ? &route->legs[n] : &spare,
					   &route->unsupported, reason);
		if (err)
			return err;
		n++;
		step = NLMSG_ALIGN((size_t)hop->rtnh_len);
		if (step > left)
			step = left;
		pos += step;
		left -= step;
	}
	if (n > EVENT_LEGS_MAX) {
		route->unsupported = true;
		n = 0;
	}
	route->n_legs = (uint16_t)n;
	return 0;
}

static int decode_metrics(const struct nlattr *metrics, struct event_route *route,
			  const char **reason)
{
	struct attr_walk walk = ATTR_WALK(metrics_policy, "route: RTA_METRICS is cut off");
	const struct nlattr *nla;
	int err;

	attr_walk_nested(&walk, metrics);
	while ((err = attr_next(&walk, &nla, reason)) > 0) {
		if (attr_type(nla) == RTAX_MTU)
			route->mtu = attr_u32(nla);
	}
	return err;
}

static int decode_route_attribute(const struct nlattr *nla, struct event_route *route,
				  struct route_walk *seen, const char **reason)
{
	switch (attr_type(nla)) {
	case RTA_DST:
		seen->dst = ntohl(attr_u32(nla));
		seen->has_dst = true;
		return 0;
	case RTA_OIF:
		seen->leg.oif = attr_u32(nla);
		return 0;
	case RTA_PRIORITY:
		route->priority = attr_u32(nla);
		return 0;
	case RTA_TABLE:
		route->table = attr_u32(nla);
		return 0;
	case RTA_NH_ID:
		route->nhid = attr_u32(nla);
		return 0;
	case RTA_METRICS:
		return decode_metrics(nla, route, reason);
	case RTA_MULTIPATH:
		seen->multipath = nla;
		return 0;
	case RTA_SRC: /* these are in no entry of an IPv4 table: they narrow what it applies to */
	case RTA_IIF:
	case RTA_MARK:
	case RTA_IP_PROTO:
	case RTA_SPORT:
	case RTA_DPORT:
		route->unsupported = true;
		return 0;
	default:
		return decode_leg_attribute(nla, &seen->leg, &route->unsupported, reason);
	}
}

static int decode_route_legs(const struct route_walk *seen, struct event_route *route,
			     const char **reason)
{
	bool single = seen->leg.oif || seen->leg.gateway.family || seen->leg.encap;

	if (seen->multipath) {
		route->unsupported = route->unsupported || single;
		return decode_multipath(seen->multipath, route, reason);
	}
	if (single) {
		route->legs[0] = seen->leg;
		route->n_legs = 1;
	}
	return 0;
}

int decode_route(const struct nlmsghdr *nlh, struct event *ev, const char **reason)
{
	struct attr_walk walk = ATTR_WALK(route_policy, "route: an attribute is cut off");
	const struct rtmsg *header = NLMSG_DATA(nlh);
	struct event_route *route = &ev->route;
	struct route_walk seen = { .has_dst = false };
	const struct nlattr *nla;
	int err;

	if (header->rtm_family != AF_INET || (header->rtm_flags & RTM_F_CLONED))
		return -ENOMSG;
	if (header->rtm_dst_len > 32)
		return decode_refuse(reason, "route: prefix length is over 32");
	memset(route, 0, offsetof(struct event_route, legs));
	route->table = header->rtm_table;
	route->rtm_flags = header->rtm_flags;
	route->nl_flags = nlh->nlmsg_flags &
			  (NLM_F_REPLACE | NLM_F_CREATE | NLM_F_APPEND | NLM_F_EXCL);
	route->tos = header->rtm_tos;
	route->type = header->rtm_type;
	route->scope = header->rtm_scope;
	route->protocol = header->rtm_protocol;
	route->unsupported = header->rtm_src_len != 0;
	leg_init(&seen.leg, 0, 1, (uint8_t)header->rtm_flags);
	attr_walk_message(&walk, nlh, sizeof(*header));
	while ((err = attr_next(&walk, &nla, reason)) > 0) {
		err = decode_route_attribute(nla, route, &seen, reason);
		if (err)
			return err;
	}
	if (err)
		return err;
	if (header->rtm_dst_len && !seen.has_dst)
		return decode_refuse(reason, "route: RTA_DST is missing");
	route->dst = prefix_make(seen.dst, header->rtm_dst_len);
	if (route->dst.addr != seen.dst)
		return decode_refuse(reason, "route: RTA_DST has bits beyond the prefix length");
	return decode_route_legs(&seen, route, reason);
}
