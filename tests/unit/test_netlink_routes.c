/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Routes and next hops: what is none of ours, what is refused, and what makes one that the fast
 * path must not touch.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include "../../netlink/netlink.h"
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

static void put_leg(struct nl_msg *msg, uint16_t len, int oif)
{
	struct rtnexthop *hop = nlmsg_reserve(msg, sizeof(*hop), NLMSG_ALIGNTO);

	assert_non_null(hop);
	*hop = (struct rtnexthop){ len, 0, 0, oif };
}

static void put_via(struct nl_msg *msg, uint16_t family, size_t len)
{
	uint8_t via[32] = { 0 };

	memcpy(via, &family, sizeof(family));
	nla_put(msg, RTA_VIA, (int)(2 + len), via);
}

static struct nl_msg *nexthop(uint8_t family, uint32_t id)
{
	struct nhmsg header = { .nh_family = family };
	struct nl_msg *msg = message_new(RTM_NEWNEXTHOP, 0, &header, sizeof(header));

	nla_put_u32(msg, NHA_ID, id);
	return msg;
}

static void test_nexthop_single(void **state)
{
	const uint8_t gateway[16] = { 0xfe, 0x80 };
	struct nl_msg *msg;

	(void)state;
	refused(nexthop(AF_INET, 0), "nexthop: NHA_ID is missing or 0");
	msg = nexthop(AF_INET6, 1);
	nla_put(msg, NHA_GATEWAY, 16, gateway);
	GOOD(msg);
	assert_int_equal(ev.nexthop.leg.gateway.family, AF_INET6);
	msg = nexthop(AF_INET6, 1);
	nla_put(msg, NHA_GATEWAY, 4, gateway);
	refused(msg, "nexthop: NHA_GATEWAY has the wrong length");
	msg = nexthop(AF_UNSPEC, 1);
	nla_put(msg, NHA_GATEWAY, 4, gateway);
	refused(msg, "nexthop: NHA_GATEWAY has the wrong length");
	msg = nexthop(AF_INET, 1);
	nla_put_flag(msg, NHA_BLACKHOLE);
	GOOD(msg);
	assert_int_equal(ev.nexthop.type, NH_TYPE_BLACKHOLE);
	msg = nexthop(AF_INET, 1);
	nla_put_flag(msg, NHA_FDB);
	GOOD(msg);
	assert_true(ev.nexthop.fdb);
	msg = nexthop(AF_INET, 1);
	nla_put_u16(msg, NHA_ENCAP_TYPE, 1);
	GOOD(msg);
	assert_true(ev.nexthop.unsupported && ev.nexthop.leg.encap);
}

static struct nl_msg *group(unsigned int n, uint8_t id, uint8_t low, uint8_t high)
{
	uint8_t entries[300][8] = { { 0 } };
	struct nl_msg *msg = nexthop(AF_UNSPEC, 9);

	for (unsigned int i = 0; i < n; i++) {
		entries[i][0] = id;
		entries[i][4] = low;
		entries[i][5] = high;
	}
	nla_put(msg, NHA_GROUP, (int)(n * 8), entries);
	return msg;
}

static void test_nexthop_group(void **state)
{
	struct nl_msg *msg;
	uint8_t odd[12] = { 1, 0, 0, 0, 0, 0, 0, 0, 1 };

	(void)state;
	GOOD(group(EVENT_LEGS_MAX, 1, 0, 0));
	assert_int_equal(ev.nexthop.n_members, EVENT_LEGS_MAX);
	assert_false(ev.nexthop.unsupported);
	GOOD(group(EVENT_LEGS_MAX + 1, 1, 0, 0));
	assert_int_equal(ev.nexthop.n_members, 0);
	assert_true(ev.nexthop.unsupported);
	refused(group(1, 0, 0, 0), "nexthop: a member of NHA_GROUP has id 0");
	refused(group(1, 1, 0xff, 0xff), "nexthop: a weight of NHA_GROUP is too large");
	GOOD(group(1, 1, 0xfe, 0xff));
	assert_int_equal(ev.nexthop.members[0].weight, 65535);
	refused(group(0, 0, 0, 0), "nexthop: NHA_GROUP has the wrong length");
	msg = nexthop(AF_UNSPEC, 9);
	nla_put(msg, NHA_GROUP, sizeof(odd), odd);
	refused(msg, "nexthop: NHA_GROUP has the wrong length");
	msg = group(1, 1, 0, 0);
	nla_put_u16(msg, NHA_GROUP_TYPE, 2);
	GOOD(msg);
	assert_true(ev.nexthop.unsupported);
}

static void test_route_header(void **state)
{
	struct nl_msg *msg;

	(void)state;
	GOOD(message_route());
	assert_int_equal(ev.route.n_legs, 0);
	msg = message_route();
	HEADER(msg, rtmsg)->rtm_family = AF_INET6;
	IGNORED(msg);
	msg = message_route();
	HEADER(msg, rtmsg)->rtm_flags |= RTM_F_CLONED;
	IGNORED(msg);
	msg = message_route();
	HEADER(msg, rtmsg)->rtm_dst_len = 33;
	refused(msg, "route: prefix length is over 32");
	msg = message_route();
	HEADER(msg, rtmsg)->rtm_dst_len = 22;
	refused(msg, "route: RTA_DST has bits beyond the prefix length");
	msg = message_route();
	HEADER(msg, rtmsg)->rtm_dst_len = 0;
	refused(msg, "route: RTA_DST has bits beyond the prefix length");
	msg = message_new(RTM_DELROUTE, 0, &(struct rtmsg){ .rtm_family = AF_INET },
			  sizeof(struct rtmsg));
	GOOD(msg);
	assert_int_equal(ev.route.dst.len, 0);
	assert_int_equal(ev.op, EVENT_DEL);
	msg = message_new(RTM_NEWROUTE, 0,
			  &(struct rtmsg){ .rtm_family = AF_INET, .rtm_dst_len = 8 },
			  sizeof(struct rtmsg));
	refused(msg, "route: RTA_DST is missing");
	msg = message_route();
	nlmsg_hdr(msg)->nlmsg_flags = NLM_F_REPLACE | NLM_F_APPEND | NLM_F_ECHO;
	GOOD(msg);
	assert_int_equal(ev.route.nl_flags, NLM_F_REPLACE | NLM_F_APPEND);
}

static void test_route_via(void **state)
{
	struct nl_msg *msg = message_route();

	(void)state;
	put_via(msg, AF_INET6, 16);
	GOOD(msg);
	assert_int_equal(ev.route.legs[0].gateway.family, AF_INET6);
	assert_false(ev.route.unsupported);
	msg = message_route();
	put_via(msg, AF_INET, 4);
	GOOD(msg);
	assert_int_equal(ev.route.legs[0].gateway.family, AF_INET);
	msg = message_route();
	put_via(msg, AF_INET6, 15);
	refused(msg, "route: RTA_VIA has the wrong length");
	msg = message_route();
	put_via(msg, AF_INET, 16);
	refused(msg, "route: RTA_VIA has the wrong length");
	msg = message_route();
	nla_put(msg, RTA_VIA, 1, "x");
	refused(msg, "route: RTA_VIA has the wrong length");
	msg = message_route();
	put_via(msg, AF_PACKET, 6);
	nla_put_u32(msg, RTA_OIF, 3);
	GOOD(msg);
	assert_true(ev.route.unsupported);
}

static void test_route_unsupported(void **state)
{
	static const int types[] = { RTA_ENCAP,	   RTA_ENCAP_TYPE,   RTA_NEWDST, RTA_SRC,
				     RTA_IP_PROTO, RTA_SPORT,	     RTA_DPORT,	 RTA_IIF,
				     RTA_MARK,	   RTA_TTL_PROPAGATE };
	static const int harmless[] = { RTA_FLOW, RTA_PREFSRC, RTA_CACHEINFO, RTA_PREF, 999 };
	struct nl_msg *msg;

	(void)state;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		msg = message_route();
		nla_put_u32(msg, RTA_OIF, 3);
		nla_put_u32(msg, types[i], 0);
		GOOD(msg);
		assert_true(ev.route.unsupported);
		assert_int_equal(ev.route.legs[0].encap,
				 types[i] == RTA_ENCAP || types[i] == RTA_ENCAP_TYPE);
	}
	for (size_t i = 0; i < sizeof(harmless) / sizeof(harmless[0]); i++) {
		msg = message_route();
		nla_put_u32(msg, harmless[i], 0);
		GOOD(msg);
		assert_false(ev.route.unsupported);
	}
	msg = message_route();
	HEADER(msg, rtmsg)->rtm_src_len = 8;
	GOOD(msg);
	assert_true(ev.route.unsupported);
}

static void test_route_metrics(void **state)
{
	struct nl_msg *msg = message_route();
	struct nlattr *metrics = nla_nest_start(msg, RTA_METRICS);

	(void)state;
	nla_put_u32(msg, RTAX_FEATURES, 1);
	nla_put_string(msg, RTAX_CC_ALGO, "reno");
	nla_nest_end(msg, metrics);
	GOOD(msg);
	assert_int_equal(ev.route.mtu, 0);
	assert_false(ev.route.unsupported);
	msg = message_route();
	metrics = nla_nest_start(msg, RTA_METRICS);
	nla_put_u16(msg, RTAX_MTU, 1);
	nla_nest_end(msg, metrics);
	refused(msg, "route: RTAX_MTU has the wrong length");
	msg = message_route();
	nla_put(msg, RTA_METRICS, 3, "abc");
	refused(msg, "route: RTA_METRICS is cut off");
}

/* A route with one leg whose header claims `len` bytes; `room` of them are there. */
static struct nl_msg *route_leg(uint16_t len, size_t room)
{
	struct nl_msg *msg = message_route();
	struct nlattr *legs = nla_nest_start(msg, RTA_MULTIPATH);

	put_leg(msg, len, 3);
	if (room > sizeof(struct rtnexthop))
		memset(nlmsg_reserve(msg, room - sizeof(struct rtnexthop), 0), 0,
		       room - sizeof(struct rtnexthop));
	nla_nest_end(msg, legs);
	return msg;
}

static void test_multipath_lengths(void **state)
{
	static const uint16_t wrong[] = { 0, 1, 4, 7, 9, 16, 0x7fff, 0xffff };
	struct nl_msg *msg;

	(void)state;
	GOOD(route_leg(8, 8));
	assert_int_equal(ev.route.n_legs, 1);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		refused(route_leg(wrong[i], 8), "route: a leg of RTA_MULTIPATH is cut off");
	refused(route_leg(8, 12), "route: a leg of RTA_MULTIPATH is cut off");
	refused(route_leg(8, 16), "route: a leg of RTA_MULTIPATH is cut off");
	refused(route_leg(10, 12), "route: an attribute of a leg is cut off");
	refused(route_leg(12, 12), "route: an attribute of a leg is cut off");
	msg = message_route();
	nla_put(msg, RTA_MULTIPATH, 0, "");
	refused(msg, "route: RTA_MULTIPATH has the wrong length");
	msg = message_route();
	nla_put(msg, RTA_MULTIPATH, 7, "1234567");
	refused(msg, "route: RTA_MULTIPATH has the wrong length");
}

static void test_multipath_attributes(void **state)
{
	struct nl_msg *msg = message_route();
	struct nlattr *legs = nla_nest_start(msg, RTA_MULTIPATH);

	(void)state;
	put_leg(msg, 8 + 12, 3); /* an attribute inside the leg, but of 5 bytes */
	nla_put(msg, RTA_GATEWAY, 5, "12345");
	nla_nest_end(msg, legs);
	refused(msg, "route: RTA_GATEWAY has the wrong length");
	msg = message_route();
	legs = nla_nest_start(msg, RTA_MULTIPATH);
	put_leg(msg, 8, 3);
	put_leg(msg, 8 + 8, 4);
	nla_put_u16(msg, RTA_ENCAP_TYPE, 1);
	nla_nest_end(msg, legs);
	GOOD(msg);
	assert_int_equal(ev.route.n_legs, 2);
	assert_false(ev.route.legs[0].encap);
	assert_true(ev.route.legs[1].encap);
	assert_true(ev.route.unsupported);
	msg = message_route();
	legs = nla_nest_start(msg, RTA_MULTIPATH);
	put_leg(msg, 8, -1);
	nla_nest_end(msg, legs);
	refused(msg, "route: interface index of a leg is negative");
}

static void test_multipath_limit(void **state)
{
	(void)state;
	for (int n = EVENT_LEGS_MAX; n <= EVENT_LEGS_MAX + 1; n++) {
		struct nl_msg *msg = message_route();
		struct nlattr *legs = nla_nest_start(msg, RTA_MULTIPATH);

		for (int i = 0; i < n; i++)
			put_leg(msg, 8, i + 1);
		nla_nest_end(msg, legs);
		GOOD(msg);
		assert_int_equal(ev.route.unsupported, n > EVENT_LEGS_MAX);
		assert_int_equal(ev.route.n_legs, n > EVENT_LEGS_MAX ? 0 : n);
	}
	assert_int_equal(ev.route.dst.len, 24);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nexthop_single),
		cmocka_unit_test(test_nexthop_group),
		cmocka_unit_test(test_route_header),
		cmocka_unit_test(test_route_via),
		cmocka_unit_test(test_route_unsupported),
		cmocka_unit_test(test_route_metrics),
		cmocka_unit_test(test_multipath_lengths),
		cmocka_unit_test(test_multipath_attributes),
		cmocka_unit_test(test_multipath_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
