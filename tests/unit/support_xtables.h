/* SPDX-License-Identifier: GPL-2.0-only */
/* Legacy iptables without its command: the table `filter`, set up as iptables-legacy would. */
#ifndef EBPF_ROUTE_TEST_SUPPORT_XTABLES_H
#define EBPF_ROUTE_TEST_SUPPORT_XTABLES_H

#include <stddef.h>
#include <stdint.h>

/* Puts a rule without a match, which is also what a policy is, at `at`. Its size. */
size_t put_standard(uint8_t *at, int verdict /* NF_ACCEPT .. */);

/*
 * Fills the table: a rule in INPUT or FORWARD (NF_INET_) or none (-1), and the policy of FORWARD.
 * 0; -ENOPROTOOPT or -ENOENT where the kernel has no legacy iptables; another -errno.
 */
int legacy_filter(int fd, int rule_in, int forward_policy);

#endif
