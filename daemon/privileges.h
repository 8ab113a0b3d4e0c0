/* SPDX-License-Identifier: GPL-2.0-only */
/* What the daemon may do once it has started. */
#ifndef EBPF_ROUTE_PRIVILEGES_H
#define EBPF_ROUTE_PRIVILEGES_H

/*
 * Keeps the capabilities that the running daemon uses and gives up all others for good, its children's
 * too: afterwards no exec can bring one back. 0 or -errno.
 */
int privileges_drop(void);

#endif
