/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A fib_sink in memory that watches what running programs would see.
 *
 * It keeps the maps, looks every watched address up after every single write, and fails the test
 * when a lookup meets something unset, freed or never written; when something that a program may
 * still hold since the last grace period is overwritten for another use; when an address whose
 * answer the sync does not change gets another answer in between; or when one is accepted as a source
 * that was not and will not be. Watched packets, whose way policy steps decide, may besides fall back
 * at any time.
 */
#ifndef SUPPORT_RECORDER_H
#define SUPPORT_RECORDER_H

#include "daemon/fib.h"

enum recorder_op {
	OP_SET_PORT,
	OP_DEL_PORT,
	OP_RENEW_PORT,
	OP_SET_ADJACENCY,
	OP_SET_NEIGHBOUR,
	OP_DEL_NEIGHBOUR,
	OP_SET_NEXTHOP,
	OP_SET_REVERSE,
	OP_SET_GROUP,
	OP_OWN_ADDRESS,
	OP_INGRESS_MAC,
	OP_POLICY,
	OP_POLICY_ROUTE,
	OP_DEFAULT_LEAF,
	OP_CPU,
	OP_CONTROL,
	OP_GRACE,
	OP_ROUTE_SET,
	OP_ROUTE_DEL,
	OP_COUNT,
};

enum {
	REC_ITEMS = 512, /* of each map */
	REC_LINKS = 64,
	REC_WATCH = 512,
	REC_ROUTES = 4096,
	REC_PACKETS = 64,
	REC_CPUS = 64,
	REC_LOG = 64,
};

/* What becomes of a packet. */
struct answer {
	uint32_t verdict;
	uint32_t n; /* members, sorted */
	struct {
		uint64_t
			target; /* MAC address; 0 where forwarded: redirected; of VERDICT_cpu: which */
		uint32_t ifindex, verdict, buckets;
		uint16_t mtu;
	} members[16];
};

struct recorder_route {
	struct prefix prefix;
	uint32_t leaf;
};

struct recorder_policy_route {
	uint32_t table;
	struct prefix prefix;
	uint32_t leaf;
};

/* A packet whose way does not depend on its destination alone; addresses in host byte order. */
struct recorder_packet {
	uint32_t dst, src;
	uint32_t iif, egress; /* ifindexes; the latter for the check of the source */
	uint8_t tos, protocol;
	bool has_ports;
	uint16_t sport, dport;
};

struct recorder_outcome {
	struct answer way;
	uint64_t sources; /* see recorder_sources() */
};

struct recorder {
	struct fib_sink sink;
	struct fib_engine engine; /* between the fib and the one below */
	struct fib_engine_ops engine_ops;
	struct fib_engine *inner; /* NULL: the list `routes` */
	struct recorder_route *routes;
	uint32_t n_routes, route_limit, freed_routes;

	uint64_t nexthops[REC_ITEMS], reverse[REC_ITEMS], adjacencies[REC_ITEMS];
	struct group groups[REC_ITEMS];
	struct port ports[REC_ITEMS];
	uint32_t port_history[REC_ITEMS]; /* ifindex it named since the last grace period */
	uint32_t port_of_ifindex[REC_LINKS];
	struct neighbour_key neighbours[REC_ITEMS];
	uint32_t neighbour_values[REC_ITEMS];
	uint32_t n_neighbours, neighbour_limit;
	__be32 own[REC_ITEMS];
	uint8_t own_kinds[REC_ITEMS];
	uint32_t n_own, own_limit;
	uint32_t default_leaf, hold, flags, hash_policy;
	bool hold_waited; /* a grace period since it came on */
	struct policy_step steps[POLICY_STEPS];
	uint32_t n_steps;
	struct recorder_policy_route policy_routes[REC_ITEMS];
	uint32_t n_policy_routes, policy_route_limit;
	bool cpus[REC_CPUS];
	bool any_cpu; /* slots may steer to CPUs that are not there: they may be offline */
	union ingress_mac macs[REC_ITEMS];
	uint16_t mac_ports[REC_ITEMS];
	uint32_t n_macs, mac_limit;

	/* Held: reachable now, or at any time since the last grace period. */
	bool slot_held[REC_ITEMS], row_held[REC_ITEMS], adjacency_held[REC_ITEMS];
	bool slot_live[REC_ITEMS], row_live[REC_ITEMS], adjacency_live[REC_ITEMS];

	uint32_t watch[REC_WATCH];
	uint32_t n_watch;
	struct answer *trace; /* answers of the watched addresses after each write of a sync */
	uint64_t *sources;    /* the same by recorder_sources() */
	uint32_t n_trace, trace_room;
	struct recorder_packet packets[REC_PACKETS];
	uint32_t n_packets;
	struct recorder_outcome *packet_trace;
	uint32_t n_packet_trace, packet_trace_room;
	bool watching;
	bool lenient; /* many events in one sync: only what is untouched must not change on the way */

	uint32_t counts[OP_COUNT];
	uint32_t last_op_of[OP_COUNT]; /* sequence number of the last one of each kind */
	uint32_t sequence;
	struct recorder_entry {
		enum recorder_op op;
		uint64_t what, value;
	} log[REC_LOG]; /* the last ones, by sequence number */
	int fail_op;	/* this kind of write fails.. */
	int fail_errno; /* ..with this errno, 0: none does */

	uint16_t *table, *rows; /* of dir24 */
	size_t table_size;
};

/* route_limit: of the list; dir24_rows > 0: the engine dir24 instead. */
struct recorder *recorder_new(struct fib_limits limits, uint32_t route_limit, uint32_t dir24_rows);
void recorder_free(struct recorder *rec);

void recorder_watch(struct recorder *rec, uint32_t addr); /* host byte order */
void recorder_watch_packet(struct recorder *rec, const struct recorder_packet *packet);
void recorder_watch_edges(struct recorder *rec, struct prefix prefix);
/*
 * fib_sync() with all checks; its result. On its way from the old answer to the new one an address may
 * fall back, but not be forwarded or dropped in a third way; not even that if the answer stays.
 */
int recorder_sync(struct recorder *rec, struct fib *fib);
/*
 * The same of something that syncs the fib, in one step for every address; where it fails, by a negative
 * result, nothing of it may have been seen, and every address goes by the numbers by which it went before.
 */
int recorder_run(struct recorder *rec, struct fib *fib, int (*fn)(void *ctx), void *ctx);
/* Sync as ever, nothing watched (for setting up). */
int recorder_sync_unwatched(struct recorder *rec, struct fib *fib);
void recorder_lookup(const struct recorder *rec, uint32_t addr, struct answer *ret);
uint32_t recorder_leaf(const struct recorder *rec, uint32_t addr); /* by the engine */
void recorder_answer(const struct recorder *rec, uint32_t leaf, uint32_t addr, struct answer *ret);
/*
 * From where a packet may come with this source address, by the reverse word of its leaf: a bit for
 * each ifindex; bit 0: from anywhere as far as the loose filter is concerned.
 */
uint64_t recorder_sources(const struct recorder *rec, uint32_t addr);
uint64_t recorder_sources_of(const struct recorder *rec, uint32_t leaf);
/* The ifindex of the macvlan device that gets frames of this MAC address from the lower one; 0: none. */
uint32_t recorder_upper(const struct recorder *rec, uint32_t lower, const uint8_t mac[6]);
/* The adjacency of a connected neighbour, 0: none. */
uint32_t recorder_neighbour(const struct recorder *rec, __be32 addr, uint32_t ifindex);
/* The kind of an own address, 0: none. */
uint8_t recorder_own_kind(const struct recorder *rec, __be32 addr);
bool answer_equal(const struct answer *a, const struct answer *b);
/* What programs can come by now is held until the next grace period. */
void recorder_reach(struct recorder *rec);
void recorder_reset_counts(struct recorder *rec);
/* Prints the last n writes. */
void recorder_print_log(const struct recorder *rec, uint32_t n);
const char *answer_format(const struct answer *a, char *buf, size_t size);

/* The usual world: mirror, recorder, fib; rules, `all`, and links 2..5 that run and forward. */
struct world {
	struct mirror *mirror;
	struct recorder *rec;
	struct fib *fib;
};
void world_new(struct world *w, struct fib_limits limits, uint32_t route_limit,
	       uint32_t dir24_rows);
/* In the place of what was in it. Returns it. */
struct world *world_again(struct world *w, struct fib_limits limits, uint32_t route_limit,
			  uint32_t dir24_rows);
void world_base(struct mirror *mirror, int op);
void world_free(struct world *w);
/* Applies and syncs; returns what fib_sync() returned. */
int world_do(struct world *w, const struct event *ev);
/* The same of a neighbour that is reachable; mac: the last byte of its MAC address. */
void world_neighbour(struct world *w, uint32_t ifindex, const char *addr, uint8_t mac);
/* The verdict of an address, forwarded if all of it is. */
enum verdict world_verdict(struct world *w, const char *addr);
/* Last byte of the MAC address that a packet to addr gets, 0 if it is not forwarded. */
uint8_t world_mac(struct world *w, const char *addr);

#endif
