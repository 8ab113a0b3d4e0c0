/* SPDX-License-Identifier: GPL-2.0-only */
/* Waiting until every BPF program that was running has ended. */
#ifndef EBPF_ROUTE_GRACE_H
#define EBPF_ROUTE_GRACE_H

/* Blocks for one RCU grace period, 10 to 30 ms as a rule. */
void grace_wait(void);

#endif
