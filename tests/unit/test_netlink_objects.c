/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Everything but routes and next hops: what is none of ours, what is refused, and what makes a rule
 * one that the fast path must not follow.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <linux/fib_rules.h>
#include <linux/genetlink.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/netconf.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include "../../netlink/decode.h"
#include "../../netlink/netdev.h"
#include "support_messages.h"

static struct event ev;
static const char *why;

#define HEADER(msg, type) ((struct type *)nlmsg_data(nlmsg_hdr(msg)))
#define GOOD(msg)	  assert_int_equal(message_decode(msg, &ev, &why), 0)
#define IGNORED(msg)	  assert_int_equal(message_decode(msg, &ev, &why), -ENOMSG)

static void refused(struct nl_msg *msg, const char *reason)
{
	assert_int_equal(message_decode(msg, &ev, &why), -EBADMSG);
	assert_string_equal(why, reason);
}

static void test_link(void **state)
{
	struct ifinfomsg header = { .ifi_index = 2 };
	const uint8_t infiniband[20] = { 1 };
	struct nlattr *info;
	struct nl_msg *msg;

	(void)state;
	header.ifi_family = AF_BRIDGE;
	IGNORED(message_new(RTM_NEWLINK, 0, &header, sizeof(header)));
	IGNORED(message_new(RTM_DELLINK, 0, &header, sizeof(header)));
	header.ifi_family = AF_UNSPEC;
	IGNORED(message_new(RTM_NEWLINK, 0, &header, sizeof(header))); /* wireless events */
	GOOD(message_new(RTM_DELLINK, 0, &header, sizeof(header)));
	assert_int_equal(ev.op, EVENT_DEL);
	msg = message_new(RTM_NEWLINK, 0, &header, sizeof(header));
	nla_put_string(msg, IFLA_IFNAME, "ib0");
	refused(msg, "link: IFLA_MTU is missing");
	msg = message_new(RTM_NEWLINK, 0, &header, sizeof(header));
	nla_put(msg, IFLA_IFNAME, 4, "abcd");
	refused(msg, "link: IFLA_IFNAME is not terminated");
	msg = message_new(RTM_NEWLINK, 0, &header, sizeof(header));
	nla_put_string(msg, IFLA_IFNAME, "ib0");
	nla_put_u32(msg, IFLA_MTU, 2044);
	nla_put(msg, IFLA_ADDRESS, sizeof(infiniband), infiniband);
	info = nla_nest_start(msg, IFLA_LINKINFO);
	nla_put_string(msg, IFLA_INFO_KIND, "a_kind_of_more_than_fifteen");
	nla_nest_end(msg, info);
	GOOD(msg);
	assert_int_equal(ev.link.mac_len, 0);
	assert_string_equal(ev.link.kind, "a_kind_of_more_");
	msg = message_new(RTM_NEWLINK, 0, &header, sizeof(header));
	info = nla_nest_start(msg, IFLA_LINKINFO);
	nla_put_string(msg, IFLA_INFO_KIND, "veth");
	nla_nest_end(msg, info);
	((struct nlattr *)nla_data(info))->nla_len = 40;
	refused(msg, "link: IFLA_LINKINFO is cut off");
	header.ifi_index = 0;
	refused(message_new(RTM_DELLINK, 0, &header, sizeof(header)),
		"link: interface index is not positive");
}

static struct nl_msg *link_of_kind(const char *kind, uint32_t mode, size_t mode_len)
{
	struct ifinfomsg header = { .ifi_index = 2 };
	struct nl_msg *msg = message_new(RTM_NEWLINK, 0, &header, sizeof(header));
	struct nlattr *info, *data;

	nla_put_string(msg, IFLA_IFNAME, "eth2");
	nla_put_u32(msg, IFLA_MTU, 1500);
	info = nla_nest_start(msg, IFLA_LINKINFO);
	nla_put_string(msg, IFLA_INFO_KIND, kind);
	data = nla_nest_start(msg, IFLA_INFO_DATA);
	nla_put(msg, IFLA_MACVLAN_MODE, (int)mode_len, &mode);
	nla_nest_end(msg, data);
	nla_nest_end(msg, info);
	return msg;
}

static void test_link_above(void **state)
{
	struct nl_msg *msg;

	(void)state;
	GOOD(link_of_kind("macvtap", MACVLAN_MODE_PASSTHRU, 4));
	assert_int_equal(ev.link.macvlan_mode, MACVLAN_MODE_PASSTHRU);
	GOOD(link_of_kind("ipvlan", 1, 2)); /* the same number, another meaning */
	assert_int_equal(ev.link.macvlan_mode, 0);
	refused(link_of_kind("macvlan", 1, 2), "link: IFLA_MACVLAN_MODE has the wrong length");
	msg = link_of_kind("macvlan", MACVLAN_MODE_BRIDGE, 4);
	nla_put_u32(msg, IFLA_LINK, 5);
	GOOD(msg);
	assert_int_equal(ev.link.lower, 5);
	msg = link_of_kind("macvlan", MACVLAN_MODE_BRIDGE, 4);
	nla_put_s32(msg, IFLA_LINK_NETNSID, 0);
	nla_put_u32(msg, IFLA_LINK, 5);
	GOOD(msg);
	assert_int_equal(ev.link.lower, 0);
	assert_int_equal(ev.link.macvlan_mode, MACVLAN_MODE_BRIDGE);
}

static void test_address(void **state)
{
	struct ifaddrmsg header = { .ifa_family = AF_INET6, .ifa_index = 2, .ifa_prefixlen = 64 };

	(void)state;
	IGNORED(message_new(RTM_NEWADDR, 0, &header, sizeof(header)));
	header.ifa_family = AF_INET;
	refused(message_new(RTM_NEWADDR, 0, &header, sizeof(header)),
		"address: prefix length is over 32");
	header.ifa_prefixlen = 24;
	refused(message_new(RTM_NEWADDR, 0, &header, sizeof(header)),
		"address: IFA_LOCAL is missing");
}

static void test_neighbour(void **state)
{
	struct ndmsg header = { .ndm_family = AF_BRIDGE, .ndm_ifindex = 2 };
	const uint8_t tunnel[4] = { 10, 0, 0, 1 };
	struct nl_msg *msg;

	(void)state;
	IGNORED(message_new(RTM_NEWNEIGH, 0, &header, sizeof(header)));
	header.ndm_family = AF_INET;
	header.ndm_flags = NTF_PROXY;
	IGNORED(message_new(RTM_DELNEIGH, 0, &header, sizeof(header)));
	header.ndm_flags = 0;
	refused(message_new(RTM_NEWNEIGH, 0, &header, sizeof(header)),
		"neighbour: NDA_DST is missing");
	msg = message_new(RTM_NEWNEIGH, 0, &header, sizeof(header));
	nla_put(msg, NDA_DST, 4, tunnel);
	nla_put(msg, NDA_LLADDR, sizeof(tunnel), tunnel);
	GOOD(msg);
	assert_int_equal(ev.neighbour.mac_len, 0);
	assert_int_equal(ev.neighbour.addr.family, AF_INET);
}

static struct nl_msg *rule(void)
{
	struct fib_rule_hdr header = { .family = AF_INET, .table = RT_TABLE_MAIN };

	return message_new(RTM_NEWRULE, 0, &header, sizeof(header));
}

/* One attribute of `len` bytes, at most 4, of a number in host byte order. */
static void rule_with(int type, size_t len, uint32_t value)
{
	struct nl_msg *msg = rule();
	const uint8_t byte = (uint8_t)value;
	const uint16_t word = (uint16_t)value;

	nla_put(msg, type, (int)len, len == 1 ? (void *)&byte : len == 2 ? (void *)&word : &value);
	GOOD(msg);
}

static void test_rule_other(void **state)
{
	static const int selectors[] = { FRA_UID_RANGE,
					 FRA_TUN_ID,
					 FRA_SUPPRESS_IFGROUP,
					 FRA_SUPPRESS_PREFIXLEN,
					 26,
					 27,
					 31,
					 999 };
	static const int harmless[] = { FRA_PROTOCOL, FRA_PAD, FRA_FLOW, FRA_PRIORITY, FRA_GOTO };
	struct nl_msg *msg;

	(void)state;
	for (size_t i = 0; i < sizeof(selectors) / sizeof(selectors[0]); i++) {
		rule_with(selectors[i], 4, 7);
		assert_true(ev.rule.other);
	}
	for (size_t i = 0; i < sizeof(harmless) / sizeof(harmless[0]); i++) {
		rule_with(harmless[i], 4, 7);
		assert_false(ev.rule.other);
	}
	msg = rule(); /* one that is none must not hide one that is */
	nla_put_u32(msg, FRA_SUPPRESS_IFGROUP, 7);
	nla_put_u32(msg, FRA_SUPPRESS_PREFIXLEN, UINT32_MAX);
	GOOD(msg);
	assert_true(ev.rule.other);
}

/* Attributes by number: the headers of older systems lack the names. */
enum { DSCP = 25, SPORT_MASK = 28, DPORT_MASK = 29, DSCP_MASK = 30 };

static void test_rule_dscp(void **state)
{
	struct nl_msg *msg;

	(void)state;
	rule_with(DSCP, 1, 10);
	assert_int_equal(ev.rule.tos, 40);
	assert_false(ev.rule.other);
	rule_with(DSCP, 1, 0); /* only packets without one, and a tos of 0 means any */
	assert_int_equal(ev.rule.tos, 0);
	assert_true(ev.rule.other);
	rule_with(DSCP, 1, 64);
	assert_int_equal(ev.rule.tos, 0);
	assert_true(ev.rule.other);
	for (uint8_t mask = 0x3f; mask >= 0x3e; mask--) {
		msg = rule();
		nla_put_u8(msg, DSCP, 10);
		nla_put_u8(msg, DSCP_MASK, mask);
		GOOD(msg);
		assert_int_equal(ev.rule.tos, mask == 0x3f ? 40 : 0);
		assert_int_equal(ev.rule.other, mask != 0x3f);
	}
	msg = rule();
	nla_put_u8(msg, DSCP, 10);
	nla_put_u8(msg, 31, 1); /* of kernels to come: may be a mask of it */
	GOOD(msg);
	assert_int_equal(ev.rule.tos, 0);
	assert_true(ev.rule.other);
	msg = rule();
	nla_put_u32(msg, DSCP, 10);
	refused(msg, "rule: FRA_DSCP has the wrong length");
}

static void test_rule_ports(void **state)
{
	const struct fib_rule_port_range range = { 0x100, 0x1ff };
	struct nl_msg *msg;

	(void)state;
	for (int mask = SPORT_MASK; mask <= DPORT_MASK; mask++) {
		msg = rule();
		nla_put_u16(msg, mask, 0xff00);
		nla_put(msg, FRA_SPORT_RANGE, sizeof(range), &range);
		nla_put(msg, FRA_DPORT_RANGE, sizeof(range), &range);
		GOOD(msg);
		assert_true(ev.rule.other);
		assert_int_equal(ev.rule.sport[1], mask == SPORT_MASK ? 0 : 0x1ff);
		assert_int_equal(ev.rule.dport[1], mask == DPORT_MASK ? 0 : 0x1ff);
	}
	msg = rule();
	nla_put(msg, FRA_SPORT_RANGE, sizeof(range), &range);
	nla_put_u16(msg, SPORT_MASK, 0xffff);
	GOOD(msg);
	assert_false(ev.rule.other);
	assert_int_equal(ev.rule.sport[0], 0x100);
	rule_with(SPORT_MASK, 2, 0xffff);
	assert_false(ev.rule.other);
	msg = rule();
	nla_put_u16(msg, FRA_IP_PROTO, 6);
	refused(msg, "rule: FRA_IP_PROTO has the wrong length");
}

static void test_rule_refused(void **state)
{
	struct nl_msg *msg = rule();

	(void)state;
	HEADER(msg, fib_rule_hdr)->family = AF_INET6;
	IGNORED(msg);
	msg = rule();
	HEADER(msg, fib_rule_hdr)->dst_len = 33;
	refused(msg, "rule: prefix length is over 32");
	msg = rule();
	HEADER(msg, fib_rule_hdr)->dst_len = 8;
	refused(msg, "rule: FRA_DST is missing");
	msg = rule();
	HEADER(msg, fib_rule_hdr)->src_len = 8;
	refused(msg, "rule: FRA_SRC is missing");
	msg = rule();
	nla_put(msg, FRA_IIFNAME, 4, "abcd");
	refused(msg, "rule: FRA_IIFNAME is not terminated");
	msg = rule();
	nla_put_u32(msg, FRA_FWMARK, 5);
	GOOD(msg);
	assert_int_equal(ev.rule.fwmask, UINT32_MAX);
}

static void test_netconf(void **state)
{
	struct netconfmsg header = { .ncm_family = AF_INET6 };
	struct nl_msg *msg;

	(void)state;
	IGNORED(message_new(RTM_NEWNETCONF, 0, &header, sizeof(header)));
	header.ncm_family = AF_INET;
	refused(message_new(RTM_NEWNETCONF, 0, &header, sizeof(header)),
		"netconf: NETCONFA_IFINDEX is missing or invalid");
	msg = message_new(RTM_DELNETCONF, 0, &header, sizeof(header));
	nla_put_u32(msg, NETCONFA_IFINDEX, 3);
	nla_put_u32(msg, NETCONFA_IGNORE_ROUTES_WITH_LINKDOWN, 1);
	GOOD(msg);
	assert_int_equal(ev.op, EVENT_DEL);
	assert_int_equal(ev.netconf.forwarding, -1);
	assert_int_equal(ev.netconf.ignore_linkdown, 1);
}

static struct nl_msg *features(uint8_t cmd)
{
	struct genlmsghdr header = { .cmd = cmd, .version = 1 };

	return message_new(30, 0, &header, sizeof(header));
}

static int features_decode(struct nl_msg *msg, uint16_t family)
{
	int err = decode_features(nlmsg_hdr(msg), nlmsg_hdr(msg)->nlmsg_len, family, &ev, &why);

	nlmsg_free(msg);
	return err;
}

static void test_features(void **state)
{
	struct nl_msg *msg = features(NETDEV_CMD_DEV_DEL_NTF);

	(void)state;
	nla_put_u32(msg, NETDEV_A_DEV_IFINDEX, 6);
	nla_put_u64(msg, NETDEV_A_DEV_XDP_FEATURES, 0x123456789a);
	assert_int_equal(features_decode(msg, 30), 0);
	assert_int_equal(ev.op, EVENT_DEL);
	assert_int_equal(ev.features.ifindex, 6);
	assert_true(ev.features.xdp_features == 0x123456789a);
	assert_int_equal(features_decode(features(NETDEV_CMD_DEV_GET), 31), -ENOMSG);
	assert_int_equal(features_decode(features(5), 30), -ENOMSG);
	assert_int_equal(features_decode(features(NETDEV_CMD_DEV_GET), 30), -EBADMSG);
	msg = features(NETDEV_CMD_DEV_GET);
	nla_put_u32(msg, NETDEV_A_DEV_IFINDEX, 6);
	nla_put_u32(msg, NETDEV_A_DEV_XDP_FEATURES, 1);
	assert_int_equal(features_decode(msg, 30), -EBADMSG);
	assert_string_equal(why, "features: NETDEV_A_DEV_XDP_FEATURES has the wrong length");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_link),	   cmocka_unit_test(test_address),
		cmocka_unit_test(test_link_above), cmocka_unit_test(test_rule_dscp),
		cmocka_unit_test(test_rule_ports), cmocka_unit_test(test_neighbour),
		cmocka_unit_test(test_rule_other), cmocka_unit_test(test_rule_refused),
		cmocka_unit_test(test_netconf),	   cmocka_unit_test(test_features),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
