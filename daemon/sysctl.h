/* SPDX-License-Identifier: GPL-2.0-only */
/* The settings that no notification carries, read from /proc/sys/net/ipv4 and told to the mirror.
 */
#ifndef EBPF_ROUTE_SYSCTL_H
#define EBPF_ROUTE_SYSCTL_H

#include "mirror.h"

/* fib_multipath_hash_policy; send_redirects and accept_local of every attached interface and of the
 * macvlan devices above one. What cannot be read stays as it was. */
void sysctl_read(struct mirror *mirror);

#endif
