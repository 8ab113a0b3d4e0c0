/* SPDX-License-Identifier: GPL-2.0-only */
/* The tc filters of a device: is there one at our place, and are there others? */
#ifndef EBPF_ROUTE_FILTERS_H
#define EBPF_ROUTE_FILTERS_H

#include <stdbool.h>
#include <stdint.h>

struct netlink_filters;

/* A place among the filters of a device, as `tc filter ... pref .. handle ..` names it. */
struct filter_place {
	uint32_t ifindex;
	bool egress;
	uint16_t priority;
	uint32_t handle, any_bits; /* bits of the handle that may be set or not */
	const char *name; /* how the names of programs begin that `siblings` is about; NULL: none */
};

struct filter_state {
	bool others;	  /* filters at other places */
	bool behind;	  /* of these some that come after this place */
	bool siblings;	  /* of these some of this priority with a program of that name */
	bool taken;	  /* there is one at this place; of BPF: */
	uint32_t handle;  /* with any_bits as they are */
	uint32_t program; /* the id of its program, 0: none */
	char name[32];	  /* that it was given, cut to fit */
};

/* A socket in the current network namespace; not to be shared with a forked child. 0 or -errno. */
int netlink_filters_open(struct netlink_filters **ret);
void netlink_filters_close(struct netlink_filters *f); /* NULL is fine */

/* 0, also where the device has no qdisc for filters; -EOPNOTSUPP where the kernel has none. */
int netlink_filters_read(struct netlink_filters *f, const struct filter_place *place,
			 struct filter_state *ret);

#endif
