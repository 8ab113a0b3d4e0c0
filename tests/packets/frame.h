/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Frames for the packet tests: built from a recipe, and what forwarding has to make of them.
 *
 * Shares nothing with the programs: checksums are computed in full, byte by byte.
 */
#ifndef EBPF_ROUTE_TESTS_FRAME_H
#define EBPF_ROUTE_TESTS_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	ETH_LEN = 14,
	IP_LEN = 20,
	FRAME_MAX = 9100,
	TTL_ZERO = -1,
	/* Offsets into the frame, for patches. */
	AT_ETHERTYPE = 12,
	AT_IP = 14,
	AT_TOT_LEN = 16,
	AT_ID = 18,
	AT_FRAG = 20,
	AT_TTL = 22,
	AT_PROTOCOL = 23,
	AT_CHECK = 24,
	AT_SRC = 26,
	AT_DST = 30,
	AT_PORTS = 34,
};

struct frame {
	uint8_t bytes[FRAME_MAX];
	size_t len;
};

struct patch {
	uint16_t at;
	uint8_t value;
};

/* Zero stands for the usual value. */
struct recipe {
	const char *dst, *src; /* 10.1.0.1, 192.0.2.1 */
	int ttl;	       /* 64; TTL_ZERO: 0 */
	int payload;	       /* bytes after the IP header: 40; -1: none */
	int padding;	       /* bytes after the IP packet */
	int protocol;	       /* 17 */
	uint16_t sport, dport;
	int to_port;	       /* rows: the port of the lab whose MAC address it is sent to */
	struct patch patch[4]; /* before the checksum is computed */
	int tags;	       /* of the VLAN 0, before all of that; offsets are without them */
	uint16_t vid, tpid;    /* of the last of them, and of all: 0x8100 */
	bool wrong_checksum;
	size_t cut; /* whole frame cut to this many bytes */
};

void frame_make(struct frame *frame, const uint8_t dst_mac[6], const struct recipe *recipe);

/* Stores the right checksum of a header without options. */
void frame_sign(struct frame *frame);
/* Is it right, whichever of the two zeros is used? */
bool frame_is_signed(const struct frame *frame);

/* What a router makes of it: TTL, checksum, MAC addresses, no padding. */
void frame_forward(struct frame *frame, const uint8_t dst_mac[6], const uint8_t src_mac[6]);

#endif
