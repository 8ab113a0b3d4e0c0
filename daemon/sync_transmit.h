/* SPDX-License-Identifier: GPL-2.0-only */
/* Ports whose driver takes no redirected frames: out of the fast path, and tried again. */
#ifndef EBPF_ROUTE_SYNC_TRANSMIT_H
#define EBPF_ROUTE_SYNC_TRANSMIT_H

#include <stdbool.h>
#include <stdint.h>

struct daemon;

/* What became of a port that was refused once. */
struct refusing {
	uint32_t ifindex;
	int error; /* errno of the last refusal */
	enum refusing_state {
		REFUSING_OUT,	/* native XDP leaves its packets to the kernel, until `until` */
		REFUSING_TRIAL, /* tried again, and no frame has been taken yet */
		REFUSING_OVER,	/* frames are taken */
	} state;
	uint64_t refusals;    /* since the interface came */
	unsigned int seconds; /* between the last refusal and the next trial */
};

/* Events for what the programs found out. 0 or -errno; nothing to do where these are not loaded. */
int transmit_start(struct daemon *d);
/* What the programs have told so far: before notifications of what came later are applied. */
void transmit_look(struct daemon *d);
/* The i-th port that was refused once, by ifindex; false behind the last one. */
bool transmit_refusing(const struct daemon *d, uint32_t i, struct refusing *ret);
void transmit_stop(struct daemon *d);

#endif
