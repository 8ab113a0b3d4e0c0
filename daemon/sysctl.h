/* SPDX-License-Identifier: GPL-2.0-only */
/* The settings that no notification carries, read from /proc/sys/net/ipv4 and told to the mirror.
 */
#ifndef EBPF_ROUTE_SYSCTL_H
#define EBPF_ROUTE_SYSCTL_H

#include "mirror.h"

/* fib_multipath_hash_policy, and send_redirects of every attached interface. What cannot be read
 * stays as it was. */
void sysctl_read(struct mirror *mirror);

#endif
