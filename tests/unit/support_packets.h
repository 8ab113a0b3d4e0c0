/* SPDX-License-Identifier: GPL-2.0-only */
/* Packets on the recorder, where more than the destination decides. */
#ifndef SUPPORT_PACKETS_H
#define SUPPORT_PACKETS_H

#include "support_recorder.h"

/* The leaf that a running program finds. */
uint32_t packet_leaf(const struct recorder *rec, const struct recorder_packet *packet);
/* The answer to it, as the kernel makes one up for its check of the source. */
struct recorder_packet packet_back(const struct recorder_packet *packet);
/* What becomes of it now. */
void packet_look(const struct recorder *rec, const struct recorder_packet *packet,
		 struct recorder_outcome *ret);
/* Outside of a hold the leaf, and what it says of sources, is what resolve_query() finds. */
void packet_check(const struct recorder *rec, const struct fib *fib,
		  const struct recorder_packet *packet);

#endif
