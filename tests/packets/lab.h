/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The loaded programs with a small, fixed forwarding state, and packets run through one of them.
 *
 * Frames come in at PORT_IN, the only port that is a real device (lab0). lab_reset() returns to the
 * state below before each test; a test changes what it needs through the mapped tables.
 */
#ifndef EBPF_ROUTE_TESTS_LAB_H
#define EBPF_ROUTE_TESTS_LAB_H

#include "daemon/fib_engine.h"
#include "frame.h"
#include "router.skel.h"

enum {
	PORT_NONE,
	PORT_IN,      /* mtu 1500, native */
	PORT_OUT,     /* mtu 1500, native and generic */
	PORT_JUMBO,   /* mtu 9000 */
	PORT_DOWN,    /* not up */
	PORT_MUTE,    /* transmits nothing redirected */
	PORT_GENERIC, /* transmits only in generic mode */
	PORT_UPPER,   /* a macvlan device on PORT_IN, with a MAC address of its own */
	PORT_GONE,    /* up, but not in tx_ports */
	LAB_PORTS,
};

/*
 * Next-hop slots; the routes name the slot that they lead to. A source routed there may come by the port
 * it leads to, and those named; by none where that is not known.
 */
enum {
	SLOT_OUT = LEAF_FIRST_SLOT, /* 10.1.0.0/16, and 10.1.7.128/25 -> SLOT_JUMBO within it */
	SLOT_SMALL,	 /* 10.2.0.0/16: PORT_OUT, route mtu 1400; reverse: PORT_IN too */
	SLOT_JUMBO,	 /* 10.3.0.0/16 */
	SLOT_DOWN,	 /* 10.4.0.0/16 */
	SLOT_MUTE,	 /* 10.5.0.0/16 */
	SLOT_GENERIC,	 /* 10.6.0.0/16 */
	SLOT_GONE,	 /* 10.7.0.0/16 */
	SLOT_BACK,	 /* 10.8.0.0/16: PORT_IN, a hairpin */
	SLOT_UNRESOLVED, /* 10.9.0.0/16: adjacency without a port */
	SLOT_CONNECTED,	 /* 10.10.0.0/16 on PORT_OUT: neighbours 10.10.0.1 and .2 (no port) */
	SLOT_GROUP,	 /* 10.11.0.0/16: half SLOT_OUT, half SLOT_JUMBO */
	SLOT_GROUP_MIXED, /* 10.12.0.0/16: all unreachable, but a few buckets nonsense; reverse: any */
	SLOT_UNSET,	  /* 10.13.0.0/16 */
	SLOT_NESTED,	  /* 10.14.0.0/16: a group of SLOT_GROUP */
	SLOT_NOWHERE,	  /* 10.15.0.0/16: adjacency beyond the table */
	SLOT_BIG,	  /* 10.16.0.0/16: PORT_OUT, route mtu 9000; reverse: PORT_IN too */
	SLOT_UPPER,	  /* 10.17.0.0/16: PORT_UPPER */
	/* What only users' routes lead to; all but SLOT_ASK count what they decide: */
	SLOT_USER,	/* 10.18.0.0/16: PORT_OUT, before all rules; reverse: PORT_IN too */
	SLOT_USER_DROP, /* 10.19.0.0/16 */
	SLOT_USER_PASS, /* 10.20.0.0/16 */
	SLOT_REDIRECT,	/* 10.21.0.0/16: PORT_OUT */
	SLOT_CPU,	/* 10.22.0.0/16: CPU 0 */
	SLOT_ASK,	/* 10.23.0.0/16: as SLOT_CONNECTED: neighbours 10.23.0.1 and .2 (no port) */
	SLOT_VERDICT,	/* + v, 10.101.v.0/24: NEXTHOP_VERDICT v */
	LAB_SLOTS = SLOT_VERDICT + VERDICT_COUNT,
};

/* 10.1.200.0/24 leads to SLOT_SMALL; 10.100.v.0/24 has the leaf v itself; 10.99.0.0/16 a slot beyond the table. */

enum { GROUP_HALVES = 1, GROUP_MIXED, GROUP_NESTED };
enum { LAB_ROUTES = 64 + VERDICT_COUNT * 2, LAB_OWN = 4 };

struct lab_route {
	uint32_t table; /* 0: the engine */
	struct prefix prefix;
	uint32_t leaf;
};

/* struct nexthop_entry with its words taken apart. */
struct lab_nexthop {
	union {
		struct nexthop nexthop;
		__u64 word;
	};
	union reverse_word reverse;
};

/* How the program treats frames in several buffers: see bpf/length.h. */
enum buffers {
	BUFFERS_ONE,   /* it takes none of them */
	BUFFERS_ASKED, /* it asks for the length of each frame */
	BUFFERS_SEEN,  /* it sees which are in several */
};

/* What a socket buffer says beside its bytes. */
struct lab_skb {
	uint32_t gso_size, mark;
	uint32_t priority; /* after the run: what became of it */
};

struct lab {
	struct router_bpf *router;
	struct fib_engine *fib;
	bool tc; /* packets run through router_tc */
	struct lab_skb skb;
	enum buffers buffers;
	int n_cpus;
	/* The tables as the programs see them. */
	uint16_t *dir24, *dir24_groups;
	uint64_t *port_of_ifindex;
	struct port *ports;
	struct lab_nexthop *nexthops;
	struct adjacency *adjacencies;
	struct group *groups;
	struct control *control;
	/* What was entered, for models. */
	struct lab_route routes[LAB_ROUTES];
	int n_routes;
	struct policy_step steps[POLICY_STEPS]; /* control->policy_steps of them apply */
	struct {
		__be32 addr;
		uint8_t kind; /* enum own_kind */
	} own[LAB_OWN];
	int n_own;
};

struct lab_counters {
	struct port_counters port[LAB_PORTS];
	struct nexthop_counters slot[LAB_SLOTS];
};

struct outcome {
	int verdict; /* XDP_*, what TC returns put into the same words; -1: neither */
	struct frame frame;
};

extern const uint8_t lab_port_mac[LAB_PORTS][6];

/* In a network namespace of its own that has lab0 and lab1. 0 or -errno. */
int lab_devices_create(void);
unsigned int lab_ifindex(int port);

struct lab *lab_new(enum engine engine, enum buffers buffers, bool tc);
void lab_free(struct lab *lab);
void lab_reset(struct lab *lab);
void lab_enter(struct lab *lab, const char *prefix, uint32_t leaf);
/* A route of a table that policy rules name. */
void lab_policy_enter(struct lab *lab, uint32_t table, const char *prefix, uint32_t leaf);
/* The policy rules, until the next lab_reset(). */
void lab_policy_set(struct lab *lab, const struct policy_step *steps, uint32_t n);
/* PORT_UPPER's MAC address on PORT_IN, until the next lab_reset(). */
void lab_upper(struct lab *lab);
/* Whether a CPU can be handed packets, until changed again; only CPU 0 can at first. */
void lab_cpu(struct lab *lab, uint32_t cpu, bool on);
/* The same with another length of its queue than 64. */
void lab_cpu_queue(struct lab *lab, uint32_t cpu, uint32_t length);
/* Destinations that the program wanted to be resolved since the last call; all by PORT_OUT. */
size_t lab_wanted(struct lab *lab, __be32 *ret, size_t limit);
/* kind: enum own_kind; 0 takes it out of the map, neither of the filter nor of what models know. */
void lab_own_address(struct lab *lab, const char *addr, uint8_t kind);

/* The neighbour's MAC address behind a slot's adjacency. */
void lab_hop_mac(uint32_t slot, uint8_t mac[6]);
/* The port that a forwarding slot leads to, by the state of lab_reset(). */
int lab_hop_port(uint32_t slot);
/* frame_forward() with the slot's MAC addresses; SLOT_REDIRECT leaves it as it is. */
void lab_forward(struct frame *frame, uint32_t slot);
/* Which slot's neighbour the frame was sent to, 0: none. */
uint32_t lab_slot_of(const struct frame *frame);

/* Kernels make no socket buffer for a test run of what is longer than a page, or of no whole header. */
bool lab_can_run(const struct lab *lab, const struct frame *frame);
void lab_run(struct lab *lab, const struct frame *in, struct outcome *ret);
/* Summed over the CPUs; `used` of slots is only 0 or 1. */
void lab_counters(const struct lab *lab, struct lab_counters *ret);
void lab_counters_zero(struct lab *lab);

/* Adds what this packet has to count. slot: 0 unless forwarded, or counted all the same. */
void lab_expect(struct lab_counters *counters, int ingress, enum verdict verdict, size_t bytes,
		uint32_t slot);
/* Fails the test unless the counters are these. */
void lab_assert_counters(const struct lab *lab, const struct lab_counters *expected,
			 const char *what);

const char *verdict_name(unsigned int verdict);
uint64_t now_ns(void);

/* The groups of tests; each returns the number of failed ones. */
int run_rows(void);
int run_source(void);
int run_macs(void);
int run_policy(void);
int run_states(void);
int run_rewrite(void);
int run_groups(void);
int run_fuzz(void);
int run_transmit(void);
int run_user(void);
int run_user_drop(void);
int run_cpus(void);
int run_tc(void);
int run_live(void);

/* The lab of the group that runs. */
extern struct lab *lab;

#endif
