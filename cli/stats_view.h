/* SPDX-License-Identifier: GPL-2.0-only */
/* One picture of `stats`: the counters of a sample, or the rates between two. */
#ifndef EBPF_ROUTE_STATS_VIEW_H
#define EBPF_ROUTE_STATS_VIEW_H

#include <stdbool.h>
#include "text.h"

/* before NULL: counters since they began. Otherwise rates over the seconds between the samples. */
void stats_view(struct text *t, const json_t *now, const json_t *before, double seconds);

/* Did a counter go backwards, so that the two samples cannot be compared? */
bool stats_restarted(const json_t *now, const json_t *before);

#endif
