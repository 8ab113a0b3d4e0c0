// SPDX-License-Identifier: GPL-2.0-only
/* Events for tests. */
#include "support_events.h"

#include <linux/fib_rules.h>
#include <stdlib.h>

static struct event event;

static struct event *fresh(int kind, int op)
{
	memset(&event, 0, sizeof(event));
	event.kind = kind;
	event.op = op;
	return &event;
}

__be32 ip4(const char *text)
{
	struct in_addr in;

	if (inet_pton(AF_INET, text, &in) != 1)
		abort();
	return in.s_addr;
}

uint32_t ip4_host(const char *text)
{
	return ntohl(ip4(text));
}

struct prefix prefix_of(const char *text)
{
	struct prefix prefix;

	if (prefix_parse(text, &prefix))
		abort();
	return prefix;
}

static struct addr addr_of(const char *text)
{
	struct addr addr;

	memset(&addr, 0, sizeof(addr));
	if (!text)
		return addr;
	if (!strchr(text, ':'))
		return addr_v4(ip4(text));
	addr.family = AF_INET6;
	if (inet_pton(AF_INET6, text, addr.v6) != 1)
		abort();
	return addr;
}

struct event *ev_link(int op, uint32_t ifindex, uint32_t flags)
{
	struct event *ev = fresh(EVENT_LINK, op);

	ev->link.ifindex = ifindex;
	ev->link.flags = flags;
	ev->link.mtu = 1500;
	ev->link.type = ARPHRD_ETHER;
	ev->link.mac_len = 6;
	ev->link.mac[0] = 2;
	ev->link.mac[4] = 0xff;
	ev->link.mac[5] = ifindex;
	snprintf(ev->link.name, sizeof(ev->link.name), "eth%u", ifindex);
	return ev;
}

struct event *ev_address(int op, uint32_t ifindex, const char *addr, uint8_t len)
{
	struct event *ev = fresh(EVENT_ADDRESS, op);

	ev->address = (struct event_address){ ifindex, ip4(addr), ip4(addr), len };
	return ev;
}

struct event *ev_neighbour(int op, uint32_t ifindex, const char *addr, uint16_t state, uint8_t mac)
{
	struct event *ev = fresh(EVENT_NEIGHBOUR, op);

	ev->neighbour.ifindex = ifindex;
	ev->neighbour.addr = addr_of(addr);
	ev->neighbour.state = state;
	ev->neighbour.mac_len = 6;
	ev->neighbour.mac[0] = 2;
	ev->neighbour.mac[5] = mac;
	return ev;
}

static struct event_leg leg_of(uint32_t oif, const char *gateway, uint16_t weight)
{
	struct event_leg leg;

	memset(&leg, 0, sizeof(leg));
	leg.gateway = addr_of(gateway);
	leg.oif = oif;
	leg.weight = weight;
	return leg;
}

struct event *ev_nexthop(int op, uint32_t id, uint32_t oif, const char *gateway)
{
	struct event *ev = fresh(EVENT_NEXTHOP, op);

	ev->nexthop.id = id;
	ev->nexthop.type = NH_TYPE_SINGLE;
	ev->nexthop.leg = leg_of(oif, gateway, 1);
	return ev;
}

struct event *ev_group(int op, uint32_t id, const uint32_t *ids)
{
	struct event *ev = fresh(EVENT_NEXTHOP, op);

	ev->nexthop.id = id;
	ev->nexthop.type = NH_TYPE_GROUP;
	for (; *ids; ids++)
		ev->nexthop.members[ev->nexthop.n_members++] = (struct event_member){ *ids, 1 };
	return ev;
}

struct event *ev_route(int op, const char *dst, uint32_t oif, const char *gateway)
{
	struct event *ev = fresh(EVENT_ROUTE, op);

	ev->route.dst = prefix_of(dst);
	ev->route.table = RT_TABLE_MAIN;
	ev->route.type = RTN_UNICAST;
	ev->route.protocol = RTPROT_STATIC;
	ev->route.nl_flags = op == EVENT_NEW ? ROUTE_ADD : 0;
	if (oif)
		ev_add_leg(ev, oif, gateway, 1);
	return ev;
}

struct event *ev_route_nhid(int op, const char *dst, uint32_t nhid)
{
	struct event *ev = ev_route(op, dst, 0, NULL);

	ev->route.nhid = nhid;
	return ev;
}

void ev_add_leg(struct event *ev, uint32_t oif, const char *gateway, uint16_t weight)
{
	ev->route.legs[ev->route.n_legs++] = leg_of(oif, gateway, weight);
}

struct event *ev_rule(int op, uint32_t priority, uint32_t table)
{
	struct event *ev = fresh(EVENT_RULE, op);

	ev->rule.priority = priority;
	ev->rule.table = table;
	ev->rule.action = FR_ACT_TO_TBL;
	return ev;
}

struct event *ev_netconf(int op, int32_t ifindex, int32_t forwarding, int32_t rp_filter)
{
	struct event *ev = fresh(EVENT_NETCONF, op);

	ev->netconf = (struct event_netconf){ ifindex, forwarding, rp_filter, -1 };
	return ev;
}
