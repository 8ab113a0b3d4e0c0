/* SPDX-License-Identifier: GPL-2.0-only */
/* Counters over HTTP in the text exposition format (`--metrics ADDR:PORT`, GET /metrics). */
#ifndef EBPF_ROUTE_METRICS_H
#define EBPF_ROUTE_METRICS_H

#include "daemon.h"

struct evbuffer;

/* 0; or -errno after saying why. */
int metrics_start(struct daemon *d);
void metrics_stop(struct daemon *d); /* fine without a start */

/* The page as it is now (metrics_page.c); -ENOMEM: it is not complete. */
int metrics_page(const struct daemon *d, struct evbuffer *out);

#endif
