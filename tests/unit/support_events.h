/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Events for tests in one line each. Every function returns the same static event, filled anew, for
 * the caller to adjust and apply.
 */
#ifndef SUPPORT_EVENTS_H
#define SUPPORT_EVENTS_H

#include <net/if_arp.h>
#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include "include/event.h"

#ifndef IFF_LOWER_UP
#define IFF_LOWER_UP 0x10000
#endif

enum {
	LINK_RUNS = IFF_UP | IFF_LOWER_UP,
	ROUTE_ADD = NLM_F_CREATE | NLM_F_EXCL,
	ROUTE_APPEND = NLM_F_CREATE | NLM_F_APPEND,
	ROUTE_PREPEND = NLM_F_CREATE,
	ROUTE_REPLACE = NLM_F_REPLACE,
};

__be32 ip4(const char *text);
uint32_t ip4_host(const char *text);
struct prefix prefix_of(const char *text);

struct event *ev_link(int op, uint32_t ifindex, uint32_t flags);
struct event *ev_address(int op, uint32_t ifindex, const char *addr, uint8_t len);
/* mac: last byte of 02:00:00:00:00:xx */
struct event *ev_neighbour(int op, uint32_t ifindex, const char *addr, uint16_t state, uint8_t mac);
/* gateway NULL: connected */
struct event *ev_nexthop(int op, uint32_t id, uint32_t oif, const char *gateway);
/* ids end with 0, weights are 1 */
struct event *ev_group(int op, uint32_t id, const uint32_t *ids);
/* unicast in main; NEW has the flags of an ordinary add; oif 0: no leg */
struct event *ev_route(int op, const char *dst, uint32_t oif, const char *gateway);
struct event *ev_route_nhid(int op, const char *dst, uint32_t nhid);
void ev_add_leg(struct event *ev, uint32_t oif, const char *gateway, uint16_t weight);
struct event *ev_rule(int op, uint32_t priority, uint32_t table);
struct event *ev_netconf(int op, int32_t ifindex, int32_t forwarding, int32_t rp_filter);

#endif
