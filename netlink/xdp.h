/* SPDX-License-Identifier: GPL-2.0-only */
/* The XDP programs of a device. */
#ifndef EBPF_ROUTE_XDP_H
#define EBPF_ROUTE_XDP_H

#include <stdbool.h>
#include <stdint.h>

/* Ids of programs; 0: none. */
struct xdp_programs {
	bool any; /* one of these, or one that runs in the device */
	uint32_t native, generic;
};

/*
 * Of a device in the current network namespace. 0 or -errno, -ENODEV where there is none of that number.
 *
 * bpf_xdp_query() of libbpf dumps all devices for the answer about one: with 1,000 interfaces a start took half
 * a minute.
 */
int netlink_xdp_programs(uint32_t ifindex, struct xdp_programs *ret);

#endif
