/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From the frame to the facts that the decision needs, all sanity checks of the header included.
 *
 * Nothing here knows the hook: XDP and TC fill struct frame in their own way.
 */
#ifndef EBPF_ROUTE_BPF_PARSE_H
#define EBPF_ROUTE_BPF_PARSE_H

#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <bpf/bpf_endian.h>
#include "tables.h"

#define IP_LINEAR      (ETH_HLEN + sizeof(struct iphdr)) /* bytes that every check needs */
#define IP_VERSION_IHL 0x45				 /* IPv4, five words */
#define IP_FRAGMENT    0x3fff				 /* more fragments, or an offset */

/* The first six of eight bytes in memory, as a number that can be compared. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define MAC_OF_WORD(word) ((word) << 16)
#else
#define MAC_OF_WORD(word) ((word) >> 16)
#endif

/* A frame as the hook hands it over. */
struct frame {
	void *data, *data_end; /* what can be read directly */
	__u32 len;	       /* whole frame, this part included */
	__u32 port;	       /* where it came in */
	/* What is more at the TC hook, whose frames are the kernel's socket buffers: */
	bool skb;	   /* it is one: in how many buffers it lies matters to nobody */
	bool tagged;	   /* its VLAN tag is not among the data */
	bool marked;	   /* has a firewall mark, by which rules may choose */
	bool encapsulated; /* with gso_size: may stand for what is in a tunnel */
	__u32 gso_size;	   /* payload of each of the packets that it stands for, 0: it is one */
};

/* The port that the kernel says the packet came in by: a macvlan device's, or that of the frame. */
struct ingress {
	__u32 port;
	union port_word word;
};

/* The facts of a packet that passed packet_parse(). */
struct packet {
	__be32 src, dst;
	__u32 tot_len; /* of the IP packet */
	__u32 ttl;
};

/* One's complement sum over a header without options; 0xffff where its checksum is right. */
static __always_inline __u32 header_sum(const void *header)
{
	const __u32 *word = header;
	__u64 sum = (__u64)word[0] + word[1] + word[2] + word[3] + word[4];

	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (sum & 0xffff) + (sum >> 16);
}

/* A frame too short for what it claims to be: cut, or with the rest in another buffer. */
static __always_inline enum verdict verdict_of_short(const struct frame *frame, __u32 need)
{
	return multi_buffer && !frame->skb && need <= frame->len ? VERDICT_multi_buffer
								 : VERDICT_malformed;
}

/*
 * Whose is a destination MAC address that is not the port's own? VERDICT_forwarded with *ingress made
 * that of the macvlan device; how frames are handed over stays a matter of the port below. Multicast
 * and broadcast are nobody's. The element of a deleted key may be another's while it is read, so the
 * MAC address of the port found has to agree.
 */
static __always_inline enum verdict ingress_find(const struct frame *frame, struct ingress *ingress)
{
	union ingress_mac key = { .word = *(const __u64 *)frame->data };
	const struct port *port;
	const __u64 *found;
	__u32 index;
	__u16 hook;

	key.port = frame->port;
	if (key.mac[0] & 1)
		return VERDICT_not_our_mac;
	found = bpf_map_lookup_elem(&ingress_macs, &key);
	if (!found)
		return VERDICT_not_our_mac;
	index = READ_ONCE(*found);
	port = bpf_map_lookup_elem(&ports, &index);
	if (!port)
		return VERDICT_stale;
	hook = ingress->word.flags & PORT_IN_GENERIC;
	ingress->port = index;
	ingress->word.word = word_read(port->mac);
	if (MAC_OF_WORD(key.word ^ ingress->word.word))
		return VERDICT_not_our_mac;
	ingress->word.flags = (ingress->word.flags & ~PORT_IN_GENERIC) | hook;
	return VERDICT_forwarded;
}

/* VERDICT_forwarded where the frame is for this machine, with *ingress made that of a macvlan device. */
static __always_inline enum verdict ingress_check(const struct frame *frame,
						  struct ingress *ingress)
{
	if (!MAC_OF_WORD(*(const __u64 *)frame->data ^ ingress->word.word))
		return VERDICT_forwarded;
	if (!(ingress->word.flags & PORT_HAS_MACS))
		return VERDICT_not_our_mac;
	return ingress_find(frame, ingress);
}

/* VERDICT_forwarded where the kernel would take it (host byte order) as a routable destination. */
static __always_inline enum verdict destination_check(__u32 dst)
{
	if (dst >> 24 >= 224) {
		if (dst >> 28 == 14)
			return VERDICT_multicast;
		if (dst == INADDR_BROADCAST)
			return VERDICT_broadcast;
		/* 240.0.0.0/4 is unicast to the kernel. */
	}
	/* Of 0.0.0.0/8 only the first: the rest is unicast since Linux 5.3. */
	return !dst || dst >> 24 == 127 ? VERDICT_martian : VERDICT_forwarded;
}

/* VERDICT_forwarded where the kernel would take it as a routable destination and source. */
static __always_inline enum verdict addresses_check(const struct packet *packet)
{
	__u32 src = bpf_ntohl(packet->src);
	enum verdict verdict = destination_check(bpf_ntohl(packet->dst));

	if (verdict != VERDICT_forwarded)
		return verdict;
	if (!src || src >> 24 == 127 || src >> 28 == 14 || src == INADDR_BROADCAST)
		return VERDICT_martian;
	return VERDICT_forwarded;
}

/* VERDICT_forwarded with *ret filled and *ingress corrected, or why the kernel gets it. */
static __always_inline enum verdict packet_parse(const struct frame *frame, struct ingress *ingress,
						 struct packet *ret)
{
	const struct iphdr *ip = frame->data + ETH_HLEN;
	enum verdict verdict;
	__u32 tot_len;
	__u8 first;

	if (frame->data + ETH_HLEN > frame->data_end)
		return verdict_of_short(frame, ETH_HLEN);
	if (frame->tagged || *(const __be16 *)(frame->data + 2 * ETH_ALEN) != bpf_htons(ETH_P_IP))
		return VERDICT_not_ipv4;
	verdict = ingress_check(frame, ingress);
	if (verdict != VERDICT_forwarded)
		return verdict;
	if (frame->data + IP_LINEAR > frame->data_end)
		return verdict_of_short(frame, IP_LINEAR);
	first = *(const __u8 *)ip;
	if (first != IP_VERSION_IHL) {
		/* Longer headers are the kernel's from here on, their checksum too. */
		if (first >> 4 == 4 && (first & 15) > 5)
			return VERDICT_ip_options;
		return VERDICT_malformed;
	}
	tot_len = bpf_ntohs(ip->tot_len);
	if (tot_len < sizeof(*ip) || ETH_HLEN + tot_len > frame->len)
		return VERDICT_malformed;
	if (header_sum(ip) != 0xffff)
		return VERDICT_malformed;
	if (!(ingress->word.flags & PORT_FORWARDING))
		return VERDICT_forwarding_off;
	ret->src = ip->saddr;
	ret->dst = ip->daddr;
	ret->tot_len = tot_len;
	ret->ttl = ip->ttl;
	return addresses_check(ret);
}

#endif
