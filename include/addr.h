/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Addresses and prefixes as user space passes them around.
 *
 * struct addr carries its family, because an IPv4 route may have an IPv6 next hop (RTA_VIA).
 * struct prefix is IPv4 and in host byte order, because tries and ranges count with it.
 */
#ifndef EBPF_ROUTE_ADDR_H
#define EBPF_ROUTE_ADDR_H

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <linux/types.h>

struct addr {
	uint8_t family; /* AF_INET, AF_INET6, or 0: no address */
	uint8_t pad[3];
	union {
		__be32 v4;
		uint8_t v6[16];
	};
};

struct prefix {
	uint32_t addr; /* host byte order, no bits set beyond len */
	uint8_t len;   /* 0..32 */
};

#define PREFIX_STRLEN                                                                              \
	20 /* "255.255.255.255/32", its NUL, and room for what gcc thinks a length may be */

static inline struct addr addr_v4(__be32 v4)
{
	struct addr a;

	memset(&a, 0, sizeof(a));
	a.family = AF_INET;
	a.v4 = v4;
	return a;
}

static inline bool addr_equal(const struct addr *a, const struct addr *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

/* Returns buf, which must hold INET6_ADDRSTRLEN bytes; an empty string for no address. */
static inline const char *addr_format(const struct addr *a, char *buf)
{
	if (!a->family || !inet_ntop(a->family, a->v6, buf, INET6_ADDRSTRLEN))
		buf[0] = '\0';
	return buf;
}

/* The netmask of a prefix length, host byte order. */
static inline uint32_t prefix_mask(uint8_t len)
{
	return len ? 0xffffffffu << (32 - len) : 0;
}

static inline struct prefix prefix_make(uint32_t addr, uint8_t len)
{
	return (struct prefix){ .addr = addr & prefix_mask(len), .len = len };
}

static inline bool prefix_equal(struct prefix a, struct prefix b)
{
	return a.addr == b.addr && a.len == b.len;
}

/* Does a cover b, equality included? */
static inline bool prefix_covers(struct prefix a, struct prefix b)
{
	return a.len <= b.len && ((a.addr ^ b.addr) & prefix_mask(a.len)) == 0;
}

/* Returns buf, which must hold PREFIX_STRLEN bytes: "192.0.2.0/24", "0.0.0.0/0" for the default. */
static inline const char *prefix_format(struct prefix p, char *buf)
{
	snprintf(buf, PREFIX_STRLEN, "%u.%u.%u.%u/%u", p.addr >> 24, p.addr >> 16 & 255,
		 p.addr >> 8 & 255, p.addr & 255, p.len);
	return buf;
}

/* As `ip route` writes a destination, into such a buf: "default", "192.0.2.1" for a /32. Returns buf. */
const char *destination_format(struct prefix p, char *buf);

/*
 * Parses "default", "A.B.C.D" or "A.B.C.D/LEN". 0, -EINVAL for another form, or -ERANGE where
 * bits are set beyond the length; *ret is untouched on failure.
 */
int prefix_parse(const char *text, struct prefix *ret);

#endif
