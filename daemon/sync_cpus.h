/* SPDX-License-Identifier: GPL-2.0-only */
/* CPUs that go offline or come online: user routes may steer to them. */
#ifndef EBPF_ROUTE_SYNC_CPUS_H
#define EBPF_ROUTE_SYNC_CPUS_H

struct daemon;

/* From now on the kernel's word is acted on at once. Without it, the next look finds out. */
void cpus_watch(struct daemon *d);
/* Looks which are online, and has the maps follow. */
void cpus_look(struct daemon *d);
void cpus_unwatch(struct daemon *d);

#endif
