/* SPDX-License-Identifier: GPL-2.0-only */
/* Steps aside while a firewall or an IPsec policy has to see forwarded packets. */
#ifndef EBPF_ROUTE_SYNC_GUARD_H
#define EBPF_ROUTE_SYNC_GUARD_H

struct daemon;

/*
 * Before packets are forwarded: the first look, and events for the next ones. 0 or -errno after
 * saying why. That the kernel cannot be asked is no failure: then the fast path stays aside.
 */
int guard_start(struct daemon *d);

/*
 * Looks again; what it finds is in the maps when this returns. For the lease timer, because not
 * every kernel tells of changes of legacy iptables, and for whoever wants everything announced so
 * far to be in force.
 */
void guard_refresh(struct daemon *d);
void guard_stop(struct daemon *d);

#endif
