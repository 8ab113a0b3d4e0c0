/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A small model of the kernel's IPv4 FIB: it takes operations, announces what the kernel announces
 * and keeps silent where the kernel does (docs: "what the kernel does not tell"), dumps its state, and
 * answers look-ups by its own, separate way.
 */
#ifndef SUPPORT_KERNEL_H
#define SUPPORT_KERNEL_H

#include "daemon/mirror.h"
#include "support_recorder.h"

enum {
	KERNEL_LINKS = 4, /* ifindex 2.. */
	KERNEL_FIRST_LINK = 2,
	KERNEL_HOSTS = 4,   /* neighbours of each link: 10.0.<ifindex>.1.. */
	KERNEL_OBJECTS = 8, /* ids 1..; from 6 on groups */
	KERNEL_FIRST_GROUP = 6,
	KERNEL_ROUTES = 512,
	KERNEL_LEGS = 3,
};

struct kernel_leg {
	uint32_t oif;
	uint8_t host; /* 0: connected */
	uint8_t weight;
	bool dead, linkdown;
};

struct kernel_route {
	struct prefix dst;
	uint32_t table, priority, nhid, mtu;
	uint8_t tos, type, protocol, n_legs;
	struct kernel_leg legs[KERNEL_LEGS];
};

struct kernel_object {
	bool exists;
	struct kernel_leg leg;
	uint8_t n_members;
	uint8_t members[KERNEL_LEGS], weights[KERNEL_LEGS];
};

struct kernel_link {
	bool up, carrier, address;
	struct {
		bool exists, valid;
		uint8_t mac;
	} hosts[KERNEL_HOSTS + 1];
};

struct kernel {
	struct kernel_link links[KERNEL_LINKS];
	struct kernel_object objects[KERNEL_OBJECTS + 1];
	struct kernel_route
		routes[KERNEL_ROUTES]; /* of one prefix and table in the kernel's order */
	uint32_t n_routes;
	bool compat_mode;
	struct event **queue; /* announced, not yet read */
	uint32_t n_queue, queue_room;
};

void kernel_init(struct kernel *k);
void kernel_free(struct kernel *k);
/* Something random happens, or nothing. */
void kernel_step(struct kernel *k, unsigned int *seed);
/* Applies and empties what was announced. */
void kernel_deliver(struct kernel *k, struct mirror *mirror);
void kernel_dump(const struct kernel *k, struct mirror *mirror);

/* With nlmsg flags as given by the user; 0 or -errno as the kernel. */
int kernel_route_add(struct kernel *k, const struct kernel_route *route, uint16_t flags);
void kernel_route_del(struct kernel *k, uint32_t i);

/* Would the kernel do with a packet to addr what the answer says? Fallbacks always pass. */
bool kernel_agrees(const struct kernel *k, uint32_t addr, const struct answer *answer);

/* Prints what the model knows of the address. */
void kernel_explain(const struct kernel *k, uint32_t addr);

#endif
