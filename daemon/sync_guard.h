/* SPDX-License-Identifier: GPL-2.0-only */
/* Steps aside while a firewall or an IPsec policy has to see forwarded packets. */
#ifndef EBPF_ROUTE_SYNC_GUARD_H
#define EBPF_ROUTE_SYNC_GUARD_H

#include <stdbool.h>

struct daemon;

/*
 * Before packets are forwarded: the first look, and events for the next ones. 0 or -errno after
 * saying why. That the kernel cannot be asked is no failure: then the fast path stays aside.
 */
int guard_start(struct daemon *d);

/*
 * Looks again; what holds the fast path back is in the maps when this returns. For the lease timer,
 * because not every kernel tells of changes of legacy iptables, and before packets are forwarded that
 * were not before: whoever grants the lease anew, or attaches.
 */
void guard_refresh(struct daemon *d);
/* The same, and the end of a hold is waited for, which takes two looks: for whoever wants all in force. */
void guard_settle(struct daemon *d);
/* Is there nothing any more that the hold in force is for, as far as one look can tell? */
bool guard_is_ending(const struct daemon *d);
/*
 * Cheap: looks only if something was announced, and a moment after the last look. For the middle of long
 * work, a pause of the mirror or the fib (mirror_set_pause()) included.
 */
void guard_look(struct daemon *d);
void guard_stop(struct daemon *d);

#endif
