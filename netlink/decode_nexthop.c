/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Decodes next-hop objects (RTM_NEWNEXTHOP, RTM_DELNEXTHOP): single ones and groups.
 */
#include <linux/nexthop.h>
#include "decode.h"

/* struct nexthop_grp as of kernel 6.12; before, the high byte of the weight was always zero. */
struct group_entry {
	uint32_t id;
	uint8_t weight; /* less 1, as the high byte continues it */
	uint8_t weight_high;
	uint16_t reserved;
};

_Static_assert(sizeof(struct group_entry) == sizeof(struct nexthop_grp), "group_entry");

static const struct attr_policy nexthop_policy[] = {
	ATTR_POLICY("nexthop", NHA_ID, 4, 4),
	ATTR_POLICY("nexthop", NHA_GROUP, sizeof(struct nexthop_grp), ATTR_ANY),
	ATTR_POLICY("nexthop", NHA_GROUP_TYPE, 2, 2),
	ATTR_POLICY("nexthop", NHA_BLACKHOLE, 0, 0),
	ATTR_POLICY("nexthop", NHA_OIF, 4, 4),
	ATTR_POLICY("nexthop", NHA_GATEWAY, 4, 16),
	ATTR_POLICY("nexthop", NHA_FDB, 0, 0),
};

/* What the attributes said, before the type of the object is known. */
struct nexthop_walk {
	const struct nlattr *group;
	uint16_t group_type;
	bool blackhole;
};

static int decode_group(const struct nlattr *group, struct event_nexthop *nexthop,
			const char **reason)
{
	const struct group_entry *entry = attr_data(group);
	size_t n = attr_len(group) / sizeof(*entry);

	if (attr_len(group) % sizeof(*entry))
		return decode_refuse(reason, "nexthop: NHA_GROUP has the wrong length");
	for (size_t i = 0; i < n; i++) {
		uint32_t weight = (uint32_t)(entry[i].weight_high << 8 | entry[i].weight) + 1;

		if (!entry[i].id)
			return decode_refuse(reason, "nexthop: a member of NHA_GROUP has id 0");
		if (weight > UINT16_MAX)
			return decode_refuse(reason, "nexthop: a weight of NHA_GROUP is too large");
		if (i < EVENT_LEGS_MAX)
			nexthop->members[i] =
				(struct event_member){ entry[i].id, (uint16_t)weight };
	}
	if (n > EVENT_LEGS_MAX) {
		nexthop->unsupported = true;
		n = 0;
	}
	nexthop->n_members = (uint16_t)n;
	return 0;
}

static int decode_nexthop_attribute(const struct nlattr *nla, uint8_t family,
				    struct event_nexthop *nexthop, struct nexthop_walk *seen,
				    const char **reason)
{
	switch (attr_type(nla)) {
	case NHA_ID:
		nexthop->id = attr_u32(nla);
		break;
	case NHA_GROUP:
		seen->group = nla;
		break;
	case NHA_GROUP_TYPE:
		seen->group_type = attr_u16(nla);
		break;
	case NHA_BLACKHOLE:
		seen->blackhole = true;
		break;
	case NHA_OIF:
		nexthop->leg.oif = attr_u32(nla);
		break;
	case NHA_GATEWAY:
		if (!attr_address(family, attr_data(nla), attr_len(nla), &nexthop->leg.gateway))
			return decode_refuse(reason, "nexthop: NHA_GATEWAY has the wrong length");
		break;
	case NHA_ENCAP:
	case NHA_ENCAP_TYPE:
		nexthop->leg.encap = true;
		nexthop->unsupported = true;
		break;
	case NHA_FDB:
		nexthop->fdb = true;
		break;
	}
	return 0;
}

static int decode_nexthop_type(const struct nexthop_walk *seen, struct event_nexthop *nexthop,
			       const char **reason)
{
	if (!seen->group) {
		nexthop->type = seen->blackhole ? NH_TYPE_BLACKHOLE : NH_TYPE_SINGLE;
		return 0;
	}
	nexthop->type = NH_TYPE_GROUP;
	if (seen->group_type == NEXTHOP_GRP_TYPE_RES)
		nexthop->type = NH_TYPE_RESILIENT;
	else if (seen->group_type != NEXTHOP_GRP_TYPE_MPATH)
		nexthop->unsupported = true;
	return decode_group(seen->group, nexthop, reason);
}

int decode_nexthop(const struct nlmsghdr *nlh, struct event *ev, const char **reason)
{
	struct attr_walk walk = ATTR_WALK(nexthop_policy, "nexthop: an attribute is cut off");
	const struct nhmsg *header = NLMSG_DATA(nlh);
	struct event_nexthop *nexthop = &ev->nexthop;
	struct nexthop_walk seen = { .group = NULL };
	const struct nlattr *nla;
	int err;

	memset(nexthop, 0, offsetof(struct event_nexthop, members));
	nexthop->protocol = header->nh_protocol;
	nexthop->leg.weight = 1;
	nexthop->leg.flags = (uint8_t)header->nh_flags;
	attr_walk_message(&walk, nlh, sizeof(*header));
	while ((err = attr_next(&walk, &nla, reason)) > 0) {
		err = decode_nexthop_attribute(nla, header->nh_family, nexthop, &seen, reason);
		if (err)
			return err;
	}
	if (err)
		return err;
	if (!nexthop->id)
		return decode_refuse(reason, "nexthop: NHA_ID is missing or 0");
	return decode_nexthop_type(&seen, nexthop, reason);
}
