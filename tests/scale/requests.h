/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Changes asked of the kernel of this network namespace, many in one system call. Each is gathered
 * until there are enough, or until requests_flush(), and is done when that returns.
 */
#ifndef EBPF_ROUTE_SCALE_REQUESTS_H
#define EBPF_ROUTE_SCALE_REQUESTS_H

#include "tests/scale/scale.h"

struct requests {
	int fd;
	struct stream stream; /* what is gathered */
	uint64_t sent, refused;
	int last_error; /* errno of the last refusal */
};
void requests_open(struct requests *r);
void requests_flush(struct requests *r);
void requests_close(struct requests *r);

struct leg {
	__be32 gateway;
	uint32_t oif;
};
/* What a route does: by an object, by legs, or nothing of that: a blackhole. */
struct way {
	struct leg legs[8];
	unsigned int n;
	uint32_t nhid;
	uint32_t mtu; /* 0: none */
};

/* Of the table main, new or in place of the one of that metric; and the first one of it out. */
void request_route(struct requests *r, struct prefix dst, uint32_t metric, const struct way *way);
void request_no_route(struct requests *r, struct prefix dst, uint32_t metric);
/* New or replaced. */
void request_nexthop(struct requests *r, uint32_t id, const struct leg *leg);
void request_nexthop_group(struct requests *r, uint32_t id, const uint32_t *members,
			   unsigned int n);
void request_no_nexthop(struct requests *r, uint32_t id);
/* A permanent one with that MAC address; NULL: none. */
void request_neighbour(struct requests *r, const struct leg *leg, const uint8_t *mac);
void request_address(struct requests *r, __be32 addr, uint8_t len, uint32_t ifindex, bool there);
void request_link_up(struct requests *r, uint32_t ifindex, bool up);
/* A macvlan on that device, up; or the device of that name out. */
void request_macvlan(struct requests *r, const char *name, uint32_t below);
void request_no_device(struct requests *r, const char *name);

#endif
