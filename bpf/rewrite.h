/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What forwarding does to a frame: TTL, checksum, MAC addresses. The result is the kernel's, byte
 * for byte.
 */
#ifndef EBPF_ROUTE_BPF_REWRITE_H
#define EBPF_ROUTE_BPF_REWRITE_H

#include "lookup.h"

/* The first six bytes in memory of one word, then the first two of another. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define WORD_OF_MACS(first, second) (((first)&0xffffffffffffULL) | (second) << 48)
#else
#define WORD_OF_MACS(first, second) (((first) & ~0xffffULL) | (second) >> 48)
#endif

/*
 * One less in the upper byte of the word that holds the TTL is one more in its complement (RFC
 * 1624): add 0x0100 with end-around carry. 0xffff, the other zero, becomes 0x0000 as the kernel has
 * it.
 */
static __always_inline __u16 checksum_after_hop(__u16 check)
{
	__u32 sum = (__u32)check + bpf_htons(0x0100);

	return sum >= 0xffff ? sum + 1 : sum;
}

static __always_inline void frame_rewrite(void *data, const struct way *way)
{
	struct iphdr *ip = data + ETH_HLEN;

	/* Both addresses in two stores: six bytes and two bytes, four bytes. */
	*(__u64 *)data = WORD_OF_MACS(way->hop.word, way->egress.word);
	*(__u32 *)(data + 8) = way->egress.word >> 16;
	ip->ttl--;
	ip->check = checksum_after_hop(ip->check);
}

#endif
