/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Good netlink messages of every kind, as the kernel sends them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/netconf.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include "../../netlink/netlink.h"
#include "support_messages.h"

static const uint8_t mac[6] = { 2, 1, 2, 3, 4, 5 };
static const uint8_t via6[16] = { 0xfe, 0x80, [15] = 1 };

#define NET_192_0_2 htonl(0xc0000200)

struct nl_msg *message_new(int type, int flags, const void *header, size_t len)
{
	struct nl_msg *msg = nlmsg_alloc_simple(type, flags);

	assert_non_null(msg);
	assert_int_equal(nlmsg_append(msg, (void *)header, len, NLMSG_ALIGNTO), 0);
	return msg;
}

struct nl_msg *message_route(void)
{
	struct rtmsg header = { .rtm_family = AF_INET,
				.rtm_dst_len = 24,
				.rtm_table = RT_TABLE_MAIN,
				.rtm_type = RTN_UNICAST,
				.rtm_protocol = RTPROT_STATIC,
				.rtm_flags = RTNH_F_ONLINK };
	struct nl_msg *msg = message_new(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL | NLM_F_MULTI,
					 &header, sizeof(header));

	nla_put_u32(msg, RTA_DST, NET_192_0_2);
	return msg;
}

int message_decode(struct nl_msg *msg, struct event *ev, const char **reason)
{
	struct nlmsghdr *nlh = nlmsg_hdr(msg);
	int err;

	*reason = NULL;
	memset(ev, 0xa5, sizeof(*ev));
	err = netlink_decode(nlh, nlh->nlmsg_len, ev, reason);
	nlmsg_free(msg);
	return err;
}

static struct nl_msg *build_link(void)
{
	struct ifinfomsg header = { .ifi_index = 7, .ifi_type = 1, .ifi_flags = IFF_UP };
	struct nl_msg *msg = message_new(RTM_NEWLINK, 0, &header, sizeof(header));
	struct nlattr *info, *data;

	nla_put_string(msg, IFLA_IFNAME, "eth7");
	nla_put_u32(msg, IFLA_MTU, 1400);
	nla_put_u32(msg, IFLA_MASTER, 9);
	nla_put_u32(msg, IFLA_LINK, 6);
	nla_put(msg, IFLA_ADDRESS, sizeof(mac), mac);
	nla_put_u32(msg, 4000, 1);
	info = nla_nest_start(msg, IFLA_LINKINFO);
	data = nla_nest_start(msg, IFLA_INFO_DATA);
	nla_put_u32(msg, IFLA_MACVLAN_MODE, MACVLAN_MODE_VEPA);
	nla_nest_end(msg, data);
	nla_put_string(msg, IFLA_INFO_KIND, "macvlan");
	nla_nest_end(msg, info);
	return msg;
}

static void check_link_event(const struct event *ev)
{
	assert_int_equal(ev->kind, EVENT_LINK);
	assert_int_equal(ev->op, EVENT_NEW);
	assert_int_equal(ev->link.ifindex, 7);
	assert_int_equal(ev->link.type, 1);
	assert_int_equal(ev->link.flags, IFF_UP);
	assert_int_equal(ev->link.mtu, 1400);
	assert_int_equal(ev->link.master, 9);
	assert_int_equal(ev->link.mac_len, 6);
	assert_memory_equal(ev->link.mac, mac, 6);
	assert_string_equal(ev->link.name, "eth7");
	assert_string_equal(ev->link.kind, "macvlan");
	assert_int_equal(ev->link.lower, 6);
	assert_int_equal(ev->link.macvlan_mode, MACVLAN_MODE_VEPA);
}

static struct nl_msg *build_address(void)
{
	struct ifaddrmsg header = { .ifa_family = AF_INET, .ifa_prefixlen = 31, .ifa_index = 5 };
	struct nl_msg *msg = message_new(RTM_DELADDR, 0, &header, sizeof(header));

	nla_put_u32(msg, IFA_ADDRESS, htonl(0x0a000001));
	nla_put_u32(msg, IFA_LOCAL, htonl(0x0a000000));
	return msg;
}

static void check_address_event(const struct event *ev)
{
	assert_int_equal(ev->kind, EVENT_ADDRESS);
	assert_int_equal(ev->op, EVENT_DEL);
	assert_int_equal(ev->address.ifindex, 5);
	assert_int_equal(ev->address.local, htonl(0x0a000000));
	assert_int_equal(ev->address.peer, htonl(0x0a000001));
	assert_int_equal(ev->address.prefix_len, 31);
}

static struct nl_msg *build_neighbour(void)
{
	struct ndmsg header = { .ndm_family = AF_INET6,
				.ndm_ifindex = 3,
				.ndm_state = NUD_REACHABLE,
				.ndm_flags = NTF_ROUTER };
	struct nl_msg *msg = message_new(RTM_NEWNEIGH, 0, &header, sizeof(header));

	nla_put(msg, NDA_DST, sizeof(via6), via6);
	nla_put(msg, NDA_LLADDR, sizeof(mac), mac);
	return msg;
}

static void check_neighbour_event(const struct event *ev)
{
	assert_int_equal(ev->kind, EVENT_NEIGHBOUR);
	assert_int_equal(ev->neighbour.ifindex, 3);
	assert_int_equal(ev->neighbour.addr.family, AF_INET6);
	assert_memory_equal(ev->neighbour.addr.v6, via6, 16);
	assert_int_equal(ev->neighbour.state, NUD_REACHABLE);
	assert_int_equal(ev->neighbour.flags, NTF_ROUTER);
	assert_int_equal(ev->neighbour.mac_len, 6);
	assert_memory_equal(ev->neighbour.mac, mac, 6);
}

static struct nl_msg *build_nexthop(void)
{
	struct nhmsg header = { .nh_family = AF_INET,
				.nh_protocol = 11,
				.nh_flags = RTNH_F_ONLINK };
	struct nl_msg *msg = message_new(RTM_NEWNEXTHOP, 0, &header, sizeof(header));

	nla_put_u32(msg, NHA_ID, 77);
	nla_put_u32(msg, NHA_OIF, 4);
	nla_put_u32(msg, NHA_GATEWAY, htonl(0x0a000002));
	return msg;
}

static void check_nexthop_event(const struct event *ev)
{
	assert_int_equal(ev->kind, EVENT_NEXTHOP);
	assert_int_equal(ev->nexthop.id, 77);
	assert_int_equal(ev->nexthop.type, NH_TYPE_SINGLE);
	assert_int_equal(ev->nexthop.protocol, 11);
	assert_int_equal(ev->nexthop.n_members, 0);
	assert_int_equal(ev->nexthop.leg.oif, 4);
	assert_int_equal(ev->nexthop.leg.weight, 1);
	assert_int_equal(ev->nexthop.leg.flags, RTNH_F_ONLINK);
	assert_int_equal(ev->nexthop.leg.gateway.v4, htonl(0x0a000002));
	assert_false(ev->nexthop.unsupported);
	assert_false(ev->nexthop.fdb);
}

static struct nl_msg *build_group(void)
{
	struct nhmsg header = { .nh_family = AF_UNSPEC };
	static const uint8_t entries[2][8] = { { 1, 0, 0, 0, 4 }, { 2, 0, 0, 0, 0xff, 1 } };
	struct nl_msg *msg = message_new(RTM_NEWNEXTHOP, 0, &header, sizeof(header));

	nla_put_u32(msg, NHA_ID, 78);
	nla_put_u16(msg, NHA_GROUP_TYPE, NEXTHOP_GRP_TYPE_RES);
	nla_put(msg, NHA_GROUP, sizeof(entries), entries);
	return msg;
}

static void check_group_event(const struct event *ev)
{
	assert_int_equal(ev->nexthop.id, 78);
	assert_int_equal(ev->nexthop.type, NH_TYPE_RESILIENT);
	assert_int_equal(ev->nexthop.n_members, 2);
	assert_int_equal(ev->nexthop.members[0].id, 1);
	assert_int_equal(ev->nexthop.members[0].weight, 5);
	assert_int_equal(ev->nexthop.members[1].id, 2);
	assert_int_equal(ev->nexthop.members[1].weight, 512);
	assert_false(ev->nexthop.unsupported);
}

static struct nl_msg *build_route(void)
{
	struct nl_msg *msg = message_route();
	struct nlattr *metrics;

	nla_put_u32(msg, RTA_TABLE, 1000);
	nla_put_u32(msg, RTA_PRIORITY, 20);
	nla_put_u32(msg, RTA_NH_ID, 77);
	metrics = nla_nest_start(msg, RTA_METRICS);
	nla_put_u32(msg, RTAX_LOCK, 1 << RTAX_MTU);
	nla_put_u32(msg, RTAX_MTU, 1300);
	nla_nest_end(msg, metrics);
	nla_put_u32(msg, RTA_GATEWAY, htonl(0x0a000002));
	nla_put_u32(msg, RTA_OIF, 4);
	nla_put_u32(msg, RTA_FLOW, 1);
	return msg;
}

static void check_route_event(const struct event *ev)
{
	const struct event_route *route = &ev->route;

	assert_int_equal(ev->kind, EVENT_ROUTE);
	assert_int_equal(ev->op, EVENT_NEW);
	assert_int_equal(route->dst.addr, 0xc0000200);
	assert_int_equal(route->dst.len, 24);
	assert_int_equal(route->table, 1000);
	assert_int_equal(route->priority, 20);
	assert_int_equal(route->nhid, 77);
	assert_int_equal(route->mtu, 1300);
	assert_int_equal(route->nl_flags, NLM_F_CREATE | NLM_F_EXCL);
	assert_int_equal(route->rtm_flags, RTNH_F_ONLINK);
	assert_int_equal(route->type, RTN_UNICAST);
	assert_int_equal(route->protocol, RTPROT_STATIC);
	assert_false(route->unsupported);
	assert_int_equal(route->n_legs, 1);
	assert_int_equal(route->legs[0].oif, 4);
	assert_int_equal(route->legs[0].weight, 1);
	assert_int_equal(route->legs[0].flags, RTNH_F_ONLINK);
	assert_int_equal(route->legs[0].gateway.v4, htonl(0x0a000002));
}

/* RTA_VIA has no padding between family and address, so that it is put as bytes. */
static void put_via6(struct nl_msg *msg)
{
	uint8_t via[2 + sizeof(via6)];
	uint16_t family = AF_INET6;

	memcpy(via, &family, 2);
	memcpy(via + 2, via6, sizeof(via6));
	nla_put(msg, RTA_VIA, sizeof(via), via);
}

static struct nl_msg *build_multipath(void)
{
	struct nl_msg *msg = message_route();
	struct nlattr *legs = nla_nest_start(msg, RTA_MULTIPATH);
	struct rtnexthop *hop;

	hop = nlmsg_reserve(msg, sizeof(*hop), NLMSG_ALIGNTO);
	*hop = (struct rtnexthop){ sizeof(*hop) + 8, RTNH_F_DEAD, 0, 4 };
	nla_put_u32(msg, RTA_GATEWAY, htonl(0x0a000002));
	hop = nlmsg_reserve(msg, sizeof(*hop), NLMSG_ALIGNTO);
	*hop = (struct rtnexthop){ sizeof(*hop) + 24, 0, 255, 5 };
	put_via6(msg);
	nla_nest_end(msg, legs);
	return msg;
}

static void check_multipath_event(const struct event *ev)
{
	const struct event_leg *legs = ev->route.legs;

	assert_int_equal(ev->route.table, RT_TABLE_MAIN);
	assert_int_equal(ev->route.n_legs, 2);
	assert_false(ev->route.unsupported);
	assert_int_equal(legs[0].oif, 4);
	assert_int_equal(legs[0].weight, 1);
	assert_int_equal(legs[0].flags, RTNH_F_DEAD);
	assert_int_equal(legs[0].gateway.v4, htonl(0x0a000002));
	assert_int_equal(legs[1].oif, 5);
	assert_int_equal(legs[1].weight, 256);
	assert_int_equal(legs[1].gateway.family, AF_INET6);
	assert_memory_equal(legs[1].gateway.v6, via6, 16);
}

static struct nl_msg *build_rule(void)
{
	struct fib_rule_hdr header = { .family = AF_INET,
				       .dst_len = 24,
				       .src_len = 8,
				       .tos = 16,
				       .table = RT_TABLE_MAIN,
				       .action = FR_ACT_TO_TBL,
				       .flags = FIB_RULE_INVERT };
	struct nl_msg *msg = message_new(RTM_NEWRULE, 0, &header, sizeof(header));

	nla_put_u32(msg, FRA_DST, htonl(0xc0000207));
	nla_put_u32(msg, FRA_SRC, htonl(0x0a000000));
	nla_put_u32(msg, FRA_TABLE, 1000);
	nla_put_u32(msg, FRA_PRIORITY, 100);
	nla_put_u32(msg, FRA_FWMARK, 3);
	nla_put_u32(msg, FRA_FWMASK, 7);
	nla_put_u32(msg, FRA_SUPPRESS_PREFIXLEN, UINT32_MAX);
	nla_put_u8(msg, FRA_PROTOCOL, 2);
	nla_put_u8(msg, FRA_L3MDEV, 1);
	nla_put_u8(msg, FRA_IP_PROTO, IPPROTO_UDP);
	nla_put(msg, FRA_SPORT_RANGE, 4, &(struct fib_rule_port_range){ 100, 200 });
	nla_put(msg, FRA_DPORT_RANGE, 4, &(struct fib_rule_port_range){ 53, 53 });
	nla_put_u16(msg, 29, UINT16_MAX); /* FRA_DPORT_MASK */
	nla_put_string(msg, FRA_IIFNAME, "eth7");
	nla_put_string(msg, FRA_OIFNAME, "eth8");
	return msg;
}

static void check_rule_event(const struct event *ev)
{
	const struct event_rule *rule = &ev->rule;

	assert_int_equal(ev->kind, EVENT_RULE);
	assert_int_equal(rule->dst.addr, 0xc0000200);
	assert_int_equal(rule->dst.len, 24);
	assert_int_equal(rule->src.addr, 0x0a000000);
	assert_int_equal(rule->src.len, 8);
	assert_int_equal(rule->priority, 100);
	assert_int_equal(rule->table, 1000);
	assert_int_equal(rule->fwmark, 3);
	assert_int_equal(rule->fwmask, 7);
	assert_int_equal(rule->flags, FIB_RULE_INVERT);
	assert_int_equal(rule->action, FR_ACT_TO_TBL);
	assert_int_equal(rule->tos, 16);
	assert_string_equal(rule->iif, "eth7");
	assert_string_equal(rule->oif, "eth8");
	assert_true(rule->l3mdev);
	assert_int_equal(rule->protocol, IPPROTO_UDP);
	assert_int_equal(rule->sport[0], 100);
	assert_int_equal(rule->sport[1], 200);
	assert_int_equal(rule->dport[0], 53);
	assert_int_equal(rule->dport[1], 53);
	assert_false(rule->other);
}

static struct nl_msg *build_netconf(void)
{
	struct netconfmsg header = { .ncm_family = AF_INET };
	struct nl_msg *msg = message_new(RTM_NEWNETCONF, 0, &header, sizeof(header));

	nla_put_u32(msg, NETCONFA_IFINDEX, (uint32_t)NETCONFA_IFINDEX_ALL);
	nla_put_u32(msg, NETCONFA_FORWARDING, 1);
	nla_put_u32(msg, NETCONFA_RP_FILTER, 2);
	return msg;
}

static void check_netconf_event(const struct event *ev)
{
	assert_int_equal(ev->kind, EVENT_NETCONF);
	assert_int_equal(ev->netconf.ifindex, NETCONFA_IFINDEX_ALL);
	assert_int_equal(ev->netconf.forwarding, 1);
	assert_int_equal(ev->netconf.rp_filter, 2);
	assert_int_equal(ev->netconf.ignore_linkdown, -1);
}

const struct message_sample message_samples[] = {
	{ "link", build_link, check_link_event, sizeof(struct ifinfomsg) },
	{ "address", build_address, check_address_event, sizeof(struct ifaddrmsg) },
	{ "neighbour", build_neighbour, check_neighbour_event, sizeof(struct ndmsg) },
	{ "nexthop", build_nexthop, check_nexthop_event, sizeof(struct nhmsg) },
	{ "nexthop group", build_group, check_group_event, sizeof(struct nhmsg) },
	{ "route", build_route, check_route_event, sizeof(struct rtmsg) },
	{ "multipath route", build_multipath, check_multipath_event, sizeof(struct rtmsg) },
	{ "rule", build_rule, check_rule_event, sizeof(struct fib_rule_hdr) },
	{ "netconf", build_netconf, check_netconf_event, sizeof(struct netconfmsg) },
};
const size_t message_samples_n = sizeof(message_samples) / sizeof(message_samples[0]);
