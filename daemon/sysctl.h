/* SPDX-License-Identifier: GPL-2.0-only */
/* The settings that no notification carries, read from /proc/sys/net/ipv4 and told to the mirror.
 */
#ifndef EBPF_ROUTE_SYSCTL_H
#define EBPF_ROUTE_SYSCTL_H

#include "mirror.h"

/*
 * fib_multipath_hash_policy; accept_redirects of every interface; send_redirects and accept_local of
 * every attached one and of the macvlan devices above one. What cannot be read stays as it was.
 */
void sysctl_read(struct mirror *mirror);

/* How long the kernel keeps what a redirect told it: net.ipv4.route.gc_timeout, or its default where
 * the namespace does not say. */
unsigned int sysctl_redirect_seconds(void);

/* Links that changed: their numbers, or all where they are many. */
struct changed_links {
	uint32_t ifindex[64];
	unsigned int n;
	bool all;
};

/* ifindex 0: all. */
void changed_links_add(struct changed_links *changed, uint32_t ifindex);
/* The same for these and what is above them alone: a host of containers has thousands of links. */
void sysctl_read_changed(struct mirror *mirror, const struct changed_links *changed);

/* ip_forward_update_priority is 0: packets keep the priority that they came with. */
bool sysctl_keeps_priority(void);

#endif
