/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Decodes IPv4 policy rules (RTM_NEWRULE, RTM_DELRULE).
 *
 * A rule that cannot be told whole must not look simpler than it is: whatever struct event_rule has
 * no field for sets `other`, attributes of kernels to come included.
 */
#include <linux/fib_rules.h>
#include "decode.h"

/* Of <linux/fib_rules.h>; FRA_DSCP came with Linux 6.13, the masks with 6.15. */
enum {
	RULE_DSCP = 25,
	RULE_SPORT_MASK = 28,
	RULE_DPORT_MASK = 29,
	RULE_DSCP_MASK = 30,
};

#define DSCP_ALL_BITS 0x3f

static const struct attr_policy rule_policy[] = {
	ATTR_POLICY("rule", FRA_DST, 4, 4),
	ATTR_POLICY("rule", FRA_SRC, 4, 4),
	ATTR_POLICY("rule", FRA_IIFNAME, 1, IFNAMSIZ),
	ATTR_POLICY("rule", FRA_PRIORITY, 4, 4),
	ATTR_POLICY("rule", FRA_FWMARK, 4, 4),
	ATTR_POLICY("rule", FRA_SUPPRESS_IFGROUP, 4, 4),
	ATTR_POLICY("rule", FRA_SUPPRESS_PREFIXLEN, 4, 4),
	ATTR_POLICY("rule", FRA_TABLE, 4, 4),
	ATTR_POLICY("rule", FRA_FWMASK, 4, 4),
	ATTR_POLICY("rule", FRA_OIFNAME, 1, IFNAMSIZ),
	ATTR_POLICY("rule", FRA_L3MDEV, 1, 1),
	ATTR_POLICY("rule", FRA_IP_PROTO, 1, 1),
	ATTR_POLICY("rule", FRA_SPORT_RANGE, 4, 4),
	ATTR_POLICY("rule", FRA_DPORT_RANGE, 4, 4),
	[RULE_DSCP] = { 1, 1, "rule: FRA_DSCP has the wrong length" },
	[RULE_SPORT_MASK] = { 2, 2, "rule: FRA_SPORT_MASK has the wrong length" },
	[RULE_DPORT_MASK] = { 2, 2, "rule: FRA_DPORT_MASK has the wrong length" },
	[RULE_DSCP_MASK] = { 1, 1, "rule: FRA_DSCP_MASK has the wrong length" },
};

/* What the attributes said, as far as the event alone does not tell. */
struct rule_walk {
	bool has_src, has_dst, has_mark, has_mask;
	uint32_t src, dst;		       /* host byte order */
	bool wide_tos, wide_sport, wide_dport; /* compared in part only */
};

static uint8_t attr_u8(const struct nlattr *nla)
{
	return *(const uint8_t *)attr_data(nla);
}

static void decode_range(const struct nlattr *nla, uint16_t ret[2])
{
	struct fib_rule_port_range range;

	memcpy(&range, attr_data(nla), sizeof(range));
	ret[0] = range.start;
	ret[1] = range.end;
}

/* Selectors that are compared in part match more than their value: they are told as `other`. */
static void widen(struct event_rule *rule, const struct rule_walk *seen)
{
	if (seen->wide_tos)
		rule->tos = 0;
	if (seen->wide_sport)
		memset(rule->sport, 0, sizeof(rule->sport));
	if (seen->wide_dport)
		memset(rule->dport, 0, sizeof(rule->dport));
	rule->other = rule->other || seen->wide_tos || seen->wide_sport || seen->wide_dport;
}

/* What is selected by besides addresses, interfaces and marks. */
static void decode_rule_selector(const struct nlattr *nla, struct event_rule *rule,
				 struct rule_walk *seen)
{
	switch (attr_type(nla)) {
	case FRA_IP_PROTO:
		rule->protocol = attr_u8(nla);
		break;
	case FRA_SPORT_RANGE:
		decode_range(nla, rule->sport);
		break;
	case FRA_DPORT_RANGE:
		decode_range(nla, rule->dport);
		break;
	case RULE_DSCP:
		/* 0 is a value like others, but not a tos that says so. */
		if (attr_u8(nla) && attr_u8(nla) <= DSCP_ALL_BITS)
			rule->tos = (uint8_t)(attr_u8(nla) << 2);
		else
			seen->wide_tos = true;
		break;
	case RULE_SPORT_MASK:
		seen->wide_sport = seen->wide_sport || attr_u16(nla) != UINT16_MAX;
		break;
	case RULE_DPORT_MASK:
		seen->wide_dport = seen->wide_dport || attr_u16(nla) != UINT16_MAX;
		break;
	case RULE_DSCP_MASK:
		seen->wide_tos = seen->wide_tos || attr_u8(nla) != DSCP_ALL_BITS;
		break;
	default:
		rule->other = true;
		/* One to come may say how another one is compared. */
		if (attr_type(nla) > RULE_DSCP_MASK)
			seen->wide_tos = seen->wide_sport = seen->wide_dport = true;
	}
}

static int decode_rule_attribute(const struct nlattr *nla, struct event_rule *rule,
				 struct rule_walk *seen, const char **reason)
{
	switch (attr_type(nla)) {
	case FRA_DST:
		seen->dst = ntohl(attr_u32(nla));
		seen->has_dst = true;
		break;
	case FRA_SRC:
		seen->src = ntohl(attr_u32(nla));
		seen->has_src = true;
		break;
	case FRA_IIFNAME:
		memset(rule->iif, 0, sizeof(rule->iif));
		if (!attr_string(nla, rule->iif, sizeof(rule->iif)))
			return decode_refuse(reason, "rule: FRA_IIFNAME is not terminated");
		break;
	case FRA_OIFNAME:
		memset(rule->oif, 0, sizeof(rule->oif));
		if (!attr_string(nla, rule->oif, sizeof(rule->oif)))
			return decode_refuse(reason, "rule: FRA_OIFNAME is not terminated");
		break;
	case FRA_PRIORITY:
		rule->priority = attr_u32(nla);
		break;
	case FRA_FWMARK:
		rule->fwmark = attr_u32(nla);
		seen->has_mark = true;
		break;
	case FRA_FWMASK:
		rule->fwmask = attr_u32(nla);
		seen->has_mask = true;
		break;
	case FRA_TABLE:
		rule->table = attr_u32(nla);
		break;
	case FRA_L3MDEV:
		rule->l3mdev = attr_u8(nla) != 0;
		break;
	case FRA_SUPPRESS_PREFIXLEN: /* always there; -1 stands for none */
	case FRA_SUPPRESS_IFGROUP:
		rule->other = rule->other || attr_u32(nla) != UINT32_MAX;
		break;
	case FRA_FLOW: /* accounting */
	case FRA_PROTOCOL:
	case FRA_GOTO: /* the action tells */
	case FRA_PAD:
		break;
	default:
		decode_rule_selector(nla, rule, seen);
	}
	return 0;
}

int decode_rule(const struct nlmsghdr *nlh, struct event *ev, const char **reason)
{
	struct attr_walk walk = ATTR_WALK(rule_policy, "rule: an attribute is cut off");
	const struct fib_rule_hdr *header = NLMSG_DATA(nlh);
	struct event_rule *rule = &ev->rule;
	struct rule_walk seen = { .has_src = false };
	const struct nlattr *nla;
	int err;

	if (header->family != AF_INET)
		return -ENOMSG;
	if (header->dst_len > 32 || header->src_len > 32)
		return decode_refuse(reason, "rule: prefix length is over 32");
	memset(rule, 0, sizeof(*rule));
	rule->table = header->table;
	rule->action = header->action;
	rule->tos = header->tos;
	rule->flags = header->flags;
	attr_walk_message(&walk, nlh, sizeof(*header));
	while ((err = attr_next(&walk, &nla, reason)) > 0) {
		err = decode_rule_attribute(nla, rule, &seen, reason);
		if (err)
			return err;
	}
	if (err)
		return err;
	if (header->dst_len && !seen.has_dst)
		return decode_refuse(reason, "rule: FRA_DST is missing");
	if (header->src_len && !seen.has_src)
		return decode_refuse(reason, "rule: FRA_SRC is missing");
	/* The kernel accepts bits beyond the length, and compares without them. */
	rule->dst = prefix_make(seen.dst, header->dst_len);
	rule->src = prefix_make(seen.src, header->src_len);
	if (seen.has_mark && !seen.has_mask)
		rule->fwmask = UINT32_MAX;
	widen(rule, &seen);
	return 0;
}
