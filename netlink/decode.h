/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Inside netlink/: the walk over the attributes of a message, and one decoder for each object.
 *
 * The walk is inline and checks every attribute against a table of lengths, so that a decoder reads
 * only attributes that are whole and of the right size. Nothing here needs a socket or libnl.
 */
#ifndef EBPF_ROUTE_DECODE_H
#define EBPF_ROUTE_DECODE_H

#include <linux/netlink.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include "../include/event.h"

#define ATTR_ANY UINT16_MAX

/* What an attribute's payload may measure; without a reason, nobody reads it. */
struct attr_policy {
	uint16_t min, max;
	const char *reason;
};

#define ATTR_POLICY(object, attr, lo, hi)                                                          \
	[attr] = { lo, hi, object ": " #attr " has the wrong length" }

/* Initialisers of a struct attr_walk over a policy table. */
#define ATTR_WALK(table, cut_reason)                                                               \
	{                                                                                          \
		.policy = table, .n_policy = sizeof(table) / sizeof((table)[0]), .cut = cut_reason \
	}

struct attr_walk {
	const uint8_t *pos;
	size_t left;
	const struct attr_policy *policy; /* indexed by attribute type */
	size_t n_policy;
	const char *cut; /* the reason where an attribute does not fit */
};

static inline int decode_refuse(const char **reason, const char *text)
{
	*reason = text;
	return -EBADMSG;
}

/* 1 and the next attribute, 0 at the end, -EBADMSG. */
static inline int attr_next(struct attr_walk *walk, const struct nlattr **ret, const char **reason)
{
	const struct nlattr *nla = (const void *)walk->pos;
	size_t type, len, step;

	if (!walk->left)
		return 0;
	if (walk->left < sizeof(*nla) || nla->nla_len < sizeof(*nla) || nla->nla_len > walk->left)
		return decode_refuse(reason, walk->cut);
	type = nla->nla_type & NLA_TYPE_MASK;
	len = nla->nla_len - sizeof(*nla);
	if (type < walk->n_policy && walk->policy[type].reason &&
	    (len < walk->policy[type].min || len > walk->policy[type].max))
		return decode_refuse(reason, walk->policy[type].reason);
	step = NLA_ALIGN((size_t)nla->nla_len);
	if (step > walk->left)
		step = walk->left;
	walk->pos += step;
	walk->left -= step;
	*ret = nla;
	return 1;
}

static inline unsigned int attr_type(const struct nlattr *nla)
{
	return nla->nla_type & NLA_TYPE_MASK;
}

static inline const void *attr_data(const struct nlattr *nla)
{
	return nla + 1;
}

static inline size_t attr_len(const struct nlattr *nla)
{
	return nla->nla_len - sizeof(*nla);
}

static inline uint32_t attr_u32(const struct nlattr *nla)
{
	uint32_t value;

	memcpy(&value, attr_data(nla), sizeof(value));
	return value;
}

static inline uint16_t attr_u16(const struct nlattr *nla)
{
	uint16_t value;

	memcpy(&value, attr_data(nla), sizeof(value));
	return value;
}

/* The payload of a nested attribute; policy, n_policy and cut are set by the caller. */
static inline void attr_walk_nested(struct attr_walk *walk, const struct nlattr *nla)
{
	walk->pos = attr_data(nla);
	walk->left = attr_len(nla);
}

/* The attributes behind the fixed header of a message whose length has been checked. */
static inline void attr_walk_message(struct attr_walk *walk, const struct nlmsghdr *nlh,
				     size_t header)
{
	size_t start = NLMSG_HDRLEN + NLMSG_ALIGN(header);

	walk->pos = (const uint8_t *)nlh + start;
	walk->left = nlh->nlmsg_len > start ? nlh->nlmsg_len - start : 0;
}

/* Copies a NUL-terminated string of less than `size` bytes; buf is zeroed by the caller. */
static inline bool attr_string(const struct nlattr *nla, char *buf, size_t size)
{
	const char *text = attr_data(nla), *end = memchr(text, 0, attr_len(nla));

	if (!end || (size_t)(end - text) >= size)
		return false;
	memcpy(buf, text, (size_t)(end - text));
	return true;
}

/* The address of a family whose length the caller has not checked yet; false where it is wrong. */
static inline bool attr_address(uint8_t family, const void *data, size_t len, struct addr *ret)
{
	if (len != (family == AF_INET ? 4 : family == AF_INET6 ? 16 : SIZE_MAX))
		return false;
	memset(ret, 0, sizeof(*ret));
	ret->family = family;
	memcpy(ret->v6, data, len);
	return true;
}

/*
 * One decoder an object. The message is whole, as long as nlmsg_len says, and not shorter than its
 * fixed header; kind and op are set before. Returns what netlink_decode() does.
 */
int decode_link(const struct nlmsghdr *nlh, struct event *ev, const char **reason);
int decode_address(const struct nlmsghdr *nlh, struct event *ev, const char **reason);
int decode_neighbour(const struct nlmsghdr *nlh, struct event *ev, const char **reason);
int decode_nexthop(const struct nlmsghdr *nlh, struct event *ev, const char **reason);
int decode_route(const struct nlmsghdr *nlh, struct event *ev, const char **reason);
int decode_rule(const struct nlmsghdr *nlh, struct event *ev, const char **reason);
int decode_netconf(const struct nlmsghdr *nlh, struct event *ev, const char **reason);

/* As netlink_decode(), for messages of the generic family `netdev`, whose number is `family`. */
int decode_features(const struct nlmsghdr *nlh, size_t len, uint16_t family, struct event *ev,
		    const char **reason);

#endif
