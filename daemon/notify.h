/* SPDX-License-Identifier: GPL-2.0-only */
/* Telling the service manager how far we are (sd_notify(3), one datagram). */
#ifndef EBPF_ROUTE_NOTIFY_H
#define EBPF_ROUTE_NOTIFY_H

/* Sends e.g. "READY=1" to $NOTIFY_SOCKET; does nothing where that is not set. */
void notify_manager(const char *state);

#endif
