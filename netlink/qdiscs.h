/* SPDX-License-Identifier: GPL-2.0-only */
/* The qdiscs of all devices, and when they or tc filters change. */
#ifndef EBPF_ROUTE_QDISCS_H
#define EBPF_ROUTE_QDISCS_H

#include <stdbool.h>
#include <stdint.h>

struct netlink_qdiscs;

enum qdisc_place {
	QDISC_ROOT,    /* what a device sends goes through it */
	QDISC_INNER,   /* in a class of another one: a queue of mq, say */
	QDISC_FILTERS, /* clsact or ingress: holds filters, queues nothing */
};

struct qdisc {
	uint32_t ifindex;
	enum qdisc_place place;
	bool by_kernel; /* the kernel put it there by itself: it has no handle */
	char kind[16];
};

/* A negative return value ends the dump. */
typedef int (*qdisc_fn)(void *ctx, const struct qdisc *qdisc);

/*
 * A socket for dumps and one that hears of qdiscs and filters, in the current network namespace. 0 or
 * -errno.
 */
int netlink_qdiscs_open(struct netlink_qdiscs **ret);
void netlink_qdiscs_close(struct netlink_qdiscs *q); /* NULL is fine */

/* Readable once qdiscs or filters have changed; netlink_qdiscs_drain() then. */
int netlink_qdiscs_fd(const struct netlink_qdiscs *q);

/* Reads what was announced, and lets it be forgotten: a dump tells what there is. */
void netlink_qdiscs_drain(struct netlink_qdiscs *q);

/* 0; -EOPNOTSUPP where the kernel has no qdiscs; or what fn returned. */
int netlink_qdiscs_dump(struct netlink_qdiscs *q, qdisc_fn fn, void *ctx);

#endif
