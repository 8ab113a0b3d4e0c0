/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The contract between the BPF programs and user space: map names, keys, values, layout version.
 *
 * Everything a running program reads is published by a single aligned 32- or 64-bit store, so that
 * a packet sees the state before or after a change and never a mixture:
 *
 *   destination --engine--> leaf --nexthops--> struct nexthop --adjacencies--> struct adjacency
 *                            \-- below VERDICT_COUNT: that verdict at once        --> struct port
 *
 * A slot, group, adjacency or port that is no longer referenced is reused for something else only
 * after a grace period (every program that could still see the old reference has ended).
 *
 * Included by BPF programs too: only <linux/types.h> types here.
 */
#ifndef EBPF_ROUTE_MAPS_H
#define EBPF_ROUTE_MAPS_H

#include <linux/types.h>
#include "reasons.h"

/* Changes with every change of a struct or of a meaning below; see control.layout. `make other` has its own. */
#ifndef LAYOUT_VERSION
#define LAYOUT_VERSION 4
#endif

/* Compiled-in sizes; those that the configuration can change are only defaults here. */
enum {
	IFINDEX_LIMIT = 1 << 18, /* port_of_ifindex entries; higher ifindexes are not accelerated */
	PORT_LIMIT = 1024,	 /* ports; 0 is "none" */
	PORT_MOST = 1 << 14,	 /* that the configuration can ask for */
	NEXTHOP_LIMIT = 1 << 14, /* next-hop slots, the fixed verdict slots included */
	ADJACENCY_LIMIT = 1 << 16, /* adjacencies; 0 is "none" */
	NEIGHBOUR_LIMIT = 1 << 16, /* connected neighbours */
	GROUP_LIMIT = 1 << 10,	   /* multipath groups */
	GROUP_BUCKETS = 256,	   /* buckets of a multipath group: one 1 KiB row */
	OWN_ADDRESS_LIMIT = 1 << 14,
	OWN_FILTER_BITS = 1 << 16,
	INGRESS_MAC_LIMIT = 1 << 12,  /* MAC addresses of macvlan devices on ports */
	REVERSE_PORTS = 4,	      /* ports of a next hop that a reverse path check knows */
	POLICY_STEPS = 32,	      /* policy rules beside the three that are always there */
	POLICY_TABLE_LIMIT = 1 << 10, /* tables that policy rules name, 0 being the engine */
	POLICY_ROUTE_LIMIT = 1 << 16, /* routes of these tables together */
	DIR24_ENTRIES = 1 << 24,
	DIR24_ROW = 256, /* leaves of a row of either dir24 table: 512 bytes, indexed by a shift */
	DIR24_GROUP_LIMIT = 1 << 14,
	LPM_LIMIT = 1 << 20,
	CPU_QUEUE = 2048,	  /* packets that wait for each CPU of `cpus`, by default */
	CPU_QUEUE_LIMIT = 16384,  /* kernel/bpf/cpumap.c takes no longer ones */
	WANTED_BYTES = 64 << 10,  /* ring buffer `wanted` */
	REFUSED_BYTES = 64 << 10, /* ring buffer `refused` */
};

/*
 * A leaf (u32) is what an engine finds for a destination:
 *   0                      the default leaf, see struct control (never stored there itself)
 *   1..VERDICT_COUNT-1     that verdict: dropped, or fall back with that reason
 *   VERDICT_COUNT..        index into the map `nexthops`
 * It fits in 15 bits, whatever the engine: dir24 keeps its leaves in 16, and an entry of its first
 * table may instead be DIR24_EXTENDED | extension group.
 */
#define LEAF_DEFAULT	0u
#define LEAF_FIRST_SLOT ((__u32)VERDICT_COUNT)
#define LEAF_LIMIT	0x8000u
#define DIR24_EXTENDED	0x8000u

enum engine {
	ENGINE_DIR24,
	ENGINE_LPM,
};

/* Key of the map `lpm` (struct bpf_lpm_trie_key of the kernel); its value is a leaf. */
struct lpm_key {
	__u32 prefixlen;
	__be32 addr;
};

enum nexthop_kind {
	NEXTHOP_UNSET = 0, /* never reachable from a leaf; counted as `stale` if it is */
	NEXTHOP_ADJACENCY, /* arg: index into `adjacencies` */
	NEXTHOP_CONNECTED, /* arg: egress ifindex; the destination is looked up in `neighbours` */
	NEXTHOP_GROUP,	   /* arg: index into `groups` */
	NEXTHOP_VERDICT,   /* verdict: drop, or fall back with that reason; arg: NEXTHOP_COUNTED */
	NEXTHOP_REDIRECT,  /* arg: egress port; the frame leaves unchanged */
	NEXTHOP_CPU,	   /* arg: first CPU | number of CPUs << 16; the kernel gets it there */
};

/*
 * In nexthop.verdict of every kind but NEXTHOP_VERDICT. A slot with NEXTHOP_USER is a route of the user,
 * which policy rules are not asked about; slots of the kinds REDIRECT and CPU, and verdicts that are
 * counted, are the user's without it.
 */
enum nexthop_flag {
	NEXTHOP_ASK = 1 << 0, /* CONNECTED: a missing neighbour goes into the map `wanted` */
	NEXTHOP_USER = 1 << 1,
};

/* In nexthop.arg of NEXTHOP_VERDICT: packets that it decides count in nexthop_counters. */
#define NEXTHOP_COUNTED 1u

/* First word of a value of `nexthops`. */
struct nexthop {
	__u8 kind;    /* enum nexthop_kind */
	__u8 verdict; /* NEXTHOP_VERDICT: enum verdict; else enum nexthop_flag */
	__u16 mtu;    /* route MTU in bytes of the IP packet, 0: none */
	__u32 arg;
};

union nexthop_word {
	struct nexthop nexthop;
	__u64 word;
};

static inline __u32 nexthop_cpus(__u32 first, __u32 n)
{
	return first | n << 16;
}

/* Does the user say where it leads? */
static inline int nexthop_is_user(struct nexthop nexthop)
{
	switch (nexthop.kind) {
	case NEXTHOP_VERDICT:
		return nexthop.arg != 0;
	case NEXTHOP_REDIRECT:
	case NEXTHOP_CPU:
		return 1;
	default:
		return (nexthop.verdict & NEXTHOP_USER) != 0;
	}
}

/*
 * Second word: the ports by which a packet may come whose source address is routed to this slot, as the
 * reverse path filter sees it (fib_validate_source() in net/ipv4/fib_frontend.c). Unused places, and
 * devices that are no port, are REVERSE_NO_PORT; a device beyond the fourth is left out. Word 0: not
 * known to be a unicast route in force, so the kernel has to look.
 */
#define REVERSE_NO_PORT 0xffffu

union reverse_word {
	__u16 port[REVERSE_PORTS];
	__u64 word;
};

/* Value of `nexthops`: two aligned u64, each written at once; neither needs the other. */
struct nexthop_entry {
	__u64 word;    /* union nexthop_word */
	__u64 reverse; /* union reverse_word; 0 for the legs of groups, to which no leaf leads */
};

/* Value of `groups`: leaves (next-hop slots or verdicts, never another group), one per bucket. */
struct group {
	__u32 bucket[GROUP_BUCKETS];
};

/* The resolved neighbour behind a next hop: one aligned u64, written at once. */
struct adjacency_target {
	__u8 mac[6]; /* destination MAC address */
	__u16 port;  /* egress port; 0: unresolved, fall back */
};

union adjacency_word {
	struct adjacency_target target;
	__u64 word;
};

/* Value of `adjacencies`. */
struct adjacency {
	__u64 word; /* union adjacency_word */
	__u64 used; /* CLOCK_MONOTONIC ns of a recent use, written by the programs about once a
		       second */
};

/* Key of `neighbours`: connected destinations. */
struct neighbour_key {
	__be32 addr;
	__u32 ifindex;
};

/*
 * Value of `neighbours`: one aligned u64. The kernel may give the element of a deleted key to another
 * key at once, while a program still reads it: `check` tells whose it is.
 */
struct neighbour {
	__u32 adjacency; /* index into `adjacencies` */
	__u32 check;	 /* neighbour_check() of the key */
};

union neighbour_word {
	struct neighbour neighbour;
	__u64 word;
};

/* Keys that differ in the address or in the interface alone never check alike. */
static inline __u32 neighbour_check(struct neighbour_key key)
{
	return (__u32)key.addr ^ key.ifindex * 0x9e3779b1u;
}

enum port_flag {
	PORT_UP = 1 << 0,	      /* egress: administratively up and with carrier */
	PORT_FORWARDING = 1 << 1,     /* ingress: forwards IPv4 and is not enslaved */
	PORT_RP_FILTER = 1 << 2,      /* ingress: a reverse path filter is in force */
	PORT_SEND_REDIRECTS = 1 << 3, /* ingress: the kernel would send ICMP redirects */
	PORT_XMIT_NATIVE = 1 << 4,    /* egress: transmits frames redirected by native XDP */
	PORT_XMIT_GENERIC = 1 << 5,   /* egress: transmits frames redirected by generic XDP */
	PORT_IN_GENERIC = 1 << 6,     /* ingress: attached in generic mode */
	PORT_RP_LOOSE = 1 << 7,	      /* ingress: the filter in force is the loose one (2) */
	PORT_HAS_ADDRESS = 1 << 8,    /* ingress: has an IPv4 address, which loose mode asks for */
	PORT_ACCEPT_LOCAL = 1 << 9,   /* ingress: accept_local, of `all` or its own */
	PORT_HAS_MACS = 1 << 10,      /* ingress: other MAC addresses too, see `ingress_macs` */
	PORT_IN_TC = 1 << 11,	      /* ingress: by TC, whose egress needs no XDP at all */
};

/* Value of `ports`: two aligned u64. A port number names one ifindex until a grace period after it
 * went. */
struct port {
	__u32 ifindex;
	__u32 mtu; /* bytes of the IP packet */
	__u8 mac[6];
	__u16 flags; /* enum port_flag */
};

union port_word {
	struct {
		__u8 mac[6];
		__u16 flags;
	};
	__u64 word;
};

/* A port that the tracepoint programs took PORT_XMIT_NATIVE from: its driver took no frame of a bulk. */
struct tx_refusal {
	__u32 ifindex;
	__s32 error; /* negative errno */
};

/*
 * Key of `ingress_macs`: a macvlan device (VRRP) takes what comes in by its lower device for its own MAC
 * address; the kernel then treats it as received by the macvlan device. Value: u64, its port.
 */
union ingress_mac {
	struct {
		__u8 mac[6];
		__u16 port; /* of the lower device */
	};
	__u64 word;
};

/* Value of `own_addresses` (u8), by source address: what the kernel would call it. */
enum own_kind {
	OWN_ADDRESS = 1,   /* an address of this machine: a martian source without accept_local */
	OWN_BROADCAST = 2, /* any other single address of the table local: always martian */
};

enum policy_flag {
	POLICY_INVERT = 1 << 0, /* applies to what does not match (of src, dst and port) */
	POLICY_TOS = 1 << 1,	/* matches only this tos; those below: only this protocol, .. */
	POLICY_PROTOCOL = 1 << 2,
	POLICY_SPORT = 1 << 3,
	POLICY_DPORT = 1 << 4,
	POLICY_VERDICT =
		1 << 5, /* arg is a verdict: unreachable, .. or policy_rule: the kernel's */
};

/*
 * Value of `policy`: a policy rule, in the order of priority. The local table has been asked before
 * the first one. A step that matches names the table that is asked next; where that has no route, or
 * a throw route, the step after it follows. After the last one: no_route.
 *
 * Where flags other than INVERT and VERDICT are set a match is only possible, not certain (kernels
 * compare the tos differently, fragments have no ports): the verdict is policy_rule then.
 */
struct policy_step {
	__be32 src, src_mask; /* matches where (address & mask) == src; mask 0: any */
	__be32 dst, dst_mask;
	__u16 port; /* by which the packet came in (a macvlan device: its own), 0: any */
	__u8 flags; /* enum policy_flag */
	__u8 tos; /* POLICY_TOS: compared in the bits that every kernel looks at, POLICY_TOS_MASK */
	__u8 protocol, unused[3];
	__u16 sport[2], dport[2]; /* first and last, host byte order */
	__u32 arg;		  /* 0: the engine; else a table in `policy_routes`; or a verdict */
};

#define POLICY_TOS_MASK 0x1c

/* Key of `policy_routes`; the value is a leaf, never LEAF_DEFAULT. */
struct policy_key {
	__u32 prefixlen; /* 32 and the length of the prefix */
	__u32 table;	 /* 1..POLICY_TABLE_LIMIT-1 */
	__be32 addr;
};

struct counter {
	__u64 packets;
	__u64 bytes; /* Ethernet frame, without FCS, as it came in */
};

/* Value of `port_counters`, per CPU. Invariant: rx is the sum of all verdicts. */
struct port_counters {
	struct counter rx;
	struct counter verdict[VERDICT_COUNT];
	struct counter redirected; /* as egress: frames handed to it by the programs */
	__u64 tx_errors;	   /* as egress: of these, frames the driver did not take */
};

/*
 * Value of `nexthop_counters`, per CPU, by next-hop slot. A group counts at its members. Slots of the
 * user's routes count every packet that they decided: forwarded, dropped, steered, or left to the kernel.
 */
struct nexthop_counters {
	struct counter forwarded;
	__u64 used; /* CLOCK_MONOTONIC ns of the last packet, coarse */
};

enum control_flag {
	CONTROL_OBSERVE = 1 << 0,	  /* decide and count, leave every packet to the kernel */
	CONTROL_CHECK_SOURCE = 1 << 1,	  /* custom local routes or rules: look the source up too */
	CONTROL_NEIGHBOURS_FULL = 1 << 2, /* a miss in `neighbours` counts as table_full */
	CONTROL_MARKS = 1 << 3, /* rules ask for firewall marks: what has one may go elsewhere */
};

/*
 * A hold for this reason: do user routes that say `drop` stay in force? A firewall or IPsec has nothing to see of
 * what is dropped, and policy rules and what the kernel may have learnt come after user routes.
 */
static inline int hold_spares_drops(__u32 hold)
{
	switch (hold) {
	case VERDICT_netfilter:
	case VERDICT_xfrm:
	case VERDICT_policy_rule:
	case VERDICT_unsupported_route:
		return 1;
	default:
		return 0;
	}
}

/* What every packet consults first; lives in the programs' own data section. */
struct control {
	__u64 lease_until;  /* CLOCK_MONOTONIC ns; 0: not yet forwarding */
	__u32 hold;	    /* enum verdict: reason for which everything falls back, or 0 */
	__u32 default_leaf; /* what leaf 0 stands for: the route of 0.0.0.0/0, or no_route */
	__u32 flags;	    /* enum control_flag */
	__u32 hash_policy;  /* 0: addresses, 1: 5-tuple (net.ipv4.fib_multipath_hash_policy) */
	__u32 hash_seed;
	__u32 layout;	     /* LAYOUT_VERSION */
	__u32 policy_steps;  /* how many of `policy` apply; 0: the destination alone decides */
	__u32 keep_priority; /* TC: skb->priority stays (net.ipv4.ip_forward_update_priority 0) */
	__u64 own_filter[OWN_FILTER_BITS /
			 64]; /* bit set: the source may be our own, ask own_addresses */
};

/* The bit of own_filter for an address (network byte order; any even spread will do). */
static inline __u32 own_filter_bit(__be32 addr)
{
	return ((__u32)addr ^ (__u32)addr >> 16) & (OWN_FILTER_BITS - 1);
}

/*
 * The maps by name:
 *   dir24            ARRAY[DIR24_ENTRIES / DIR24_ROW] u16[DIR24_ROW], mmapable: leaf or extension
 *                    (the kernel pads array elements to 8 bytes; rows keep the leaves dense: in
 *                    memory one u16[DIR24_ENTRIES], indexed by the upper 24 bits)
 *   dir24_groups     ARRAY[groups] u16[DIR24_ROW], mmapable: leaf by the last 8 bits
 *   lpm              LPM_TRIE struct lpm_key -> u32 leaf; of the two engines one has a single entry
 *   nexthops         ARRAY struct nexthop_entry, mmapable: by leaf
 *   groups           ARRAY struct group, mmapable
 *   adjacencies      ARRAY struct adjacency, mmapable
 *   neighbours       HASH struct neighbour_key -> struct neighbour
 *   ports            ARRAY[PORT_LIMIT] struct port, mmapable
 *   port_of_ifindex  ARRAY[IFINDEX_LIMIT] u64, mmapable: 0 is no port
 *   tx_ports         DEVMAP[PORT_LIMIT] port -> ifindex
 *   tc_ports         DEVMAP[PORT_LIMIT] port -> ifindex, the same for the TC hook
 *   own_addresses    HASH be32 -> u8 enum own_kind
 *   ingress_macs     HASH union ingress_mac -> u64 port
 *   policy           ARRAY[POLICY_STEPS] struct policy_step; changed only while everything is on hold
 *   policy_routes    LPM_TRIE struct policy_key -> u32 leaf
 *   port_counters    PERCPU_ARRAY[PORT_LIMIT] struct port_counters; row 0: from an unknown port
 *   nexthop_counters PERCPU_ARRAY struct nexthop_counters
 *   cpus             CPUMAP[possible CPUs] CPU -> struct bpf_cpumap_val, no program
 *   wanted           RINGBUF[WANTED_BYTES] struct neighbour_key: connected destinations to be resolved
 * of the tracepoint programs:
 *   cpu_errors       ARRAY[possible CPUs] u64: packets handed to that CPU and lost on the way
 *   refused          RINGBUF[REFUSED_BYTES] struct tx_refusal
 */

_Static_assert((__u32)NEXTHOP_LIMIT <= LEAF_LIMIT, "NEXTHOP_LIMIT");
_Static_assert((__u32)DIR24_GROUP_LIMIT <= DIR24_EXTENDED, "DIR24_GROUP_LIMIT");
_Static_assert(sizeof(struct lpm_key) == 8, "lpm_key");
_Static_assert(sizeof(union nexthop_word) == 8, "nexthop");
_Static_assert(sizeof(union reverse_word) == 8, "reverse_word");
_Static_assert(sizeof(struct nexthop_entry) == 16, "nexthop_entry");
_Static_assert(sizeof(struct group) == 1024, "group");
_Static_assert(sizeof(union adjacency_word) == 8, "adjacency_word");
_Static_assert(sizeof(struct adjacency) == 16, "adjacency");
_Static_assert(sizeof(struct neighbour_key) == 8, "neighbour_key");
_Static_assert(sizeof(union neighbour_word) == 8, "neighbour");
_Static_assert(sizeof(struct port) == 16, "port");
_Static_assert(sizeof(union port_word) == 8, "port_word");
_Static_assert(sizeof(struct tx_refusal) == 8, "tx_refusal");
_Static_assert(sizeof(union ingress_mac) == 8, "ingress_mac");
_Static_assert(sizeof(struct policy_step) == 36, "policy_step");
_Static_assert(sizeof(struct policy_key) == 12, "policy_key");
_Static_assert(sizeof(struct port_counters) == 16 * (VERDICT_COUNT + 2) + 8, "port_counters");
_Static_assert(sizeof(struct nexthop_counters) == 24, "nexthop_counters");
_Static_assert(sizeof(struct control) == 40 + OWN_FILTER_BITS / 8, "control");

#endif
