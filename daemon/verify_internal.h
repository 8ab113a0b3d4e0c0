/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Inside of the audit: shared by verify*.c, nobody else. All of it runs in the forked child.
 *
 * A check compares one part of the maps with the shadow mirror and notes every subject that differs.
 * The same subject is looked at again in later rounds, and stays only if it differs each time in the
 * same way: what changes meanwhile is on its way, not wrong.
 */
#ifndef EBPF_ROUTE_VERIFY_INTERNAL_H
#define EBPF_ROUTE_VERIFY_INTERNAL_H

#include <jansson.h>
#include "datapath_audit.h"
#include "verify_outcome.h"
#include "verify_shadow.h"
#include "verify_words.h"

enum subject_kind {
	SUBJECT_ROUTE,	     /* addresses first..last, for which everything is alike */
	SUBJECT_DEFAULT,     /* the default leaf */
	SUBJECT_ENTRY,	     /* lpm: whether there is an entry first/length */
	SUBJECT_QUERY,	     /* the kernel's own answer for the address first */
	SUBJECT_PACKET,	     /* a packet to the address first, from last, in by ifindex */
	SUBJECT_NEIGHBOUR,   /* the address first on the device ifindex */
	SUBJECT_PORT,	     /* of the device ifindex */
	SUBJECT_PORT_ROW,    /* port number first, of no device */
	SUBJECT_INGRESS_MAC, /* on the device ifindex; its first four bytes, and the last two */
	SUBJECT_OWN,	     /* the source address first */
	SUBJECT_STEP,	     /* policy step first; POLICY_STEPS: their number */
	SUBJECT_TABLE_ROUTE, /* first/length in the table with the number ifindex */
	SUBJECT_CONTROL,     /* field number first */
	SUBJECT_KINDS,
};

struct subject {
	uint8_t kind; /* enum subject_kind */
	uint8_t length;
	uint32_t first, last; /* addresses in host byte order, or a number */
	uint32_t ifindex;
	uint32_t signature; /* how it differed */
};

struct verify_counts {
	uint64_t addresses;
	uint32_t prefixes, neighbours, ports, own_addresses, queries, packets;
	uint32_t full;	    /* spans of addresses left to the kernel for want of room */
	uint32_t in_flight; /* differed at first, and were right or different later */
	uint32_t rounds;
};

struct verify {
	const struct daemon *d; /* the daemon as it was at the fork */
	const struct datapath *dp;
	struct shadow *shadow;
	const struct mirror *mirror; /* the shadow's */
	struct netlink_queries *queries;
	struct vec prefixes; /* struct prefix: those that decide, of the first look */
	struct rib *
		*policy;   /* prefixes in policy_routes when it was walked last, by table number */
	struct rib *extra; /* lpm: entries that no route asked for when it was walked last */
	struct vec subjects; /* struct subject */
	bool overflow;	     /* more differ than are kept */
	int fd;		     /* the client's */
	struct verify_counts counts;
};

/*
 * One kind of subject. differs() tells whether it does now, and how in a few bits; describe() puts
 * what it is and its two sides, "kernel" and "fastpath", into the row.
 */
struct subject_type {
	const char *name;
	bool (*differs)(struct verify *v, const struct subject *s, uint32_t *ret_signature);
	void (*describe)(struct verify *v, const struct subject *s, json_t *row);
};
extern const struct subject_type verify_routes_type, verify_default_type, verify_entry_type,
	verify_query_type, verify_packet_type, verify_neighbour_type, verify_port_type,
	verify_port_row_type, verify_ingress_mac_type, verify_step_type, verify_table_route_type,
	verify_own_type, verify_control_type;

const struct subject_type *verify_type(const struct subject *s);
/* Looks at the subject, and keeps it if it differs. -ENOMEM. */
int verify_note(struct verify *v, const struct subject *s);
/* Has nobody any use for the answer? To be asked now and then in long loops. */
bool verify_is_unwanted(const struct verify *v);
/* Must say the same of the same state, in one word. */
static inline uint32_t signature_of(uint32_t a, uint32_t b)
{
	return table_hash_u32(a) ^ (b * 0x85ebca6bu + 1);
}

/* Do the route, or the neighbour, of this address (host byte order) differ by themselves? */
bool verify_route_differs(struct verify *v, uint32_t addr);
bool verify_neighbour_differs(struct verify *v, struct neighbour_key key);

static inline uint32_t resolve_leaf(uint32_t raw, uint32_t default_leaf)
{
	return raw == LEAF_DEFAULT ? default_leaf : raw;
}

/* Wrong not by what it leads to but by where it comes from. */
static inline bool is_misplaced(uint32_t raw, bool by_default)
{
	return (raw == LEAF_DEFAULT) != by_default;
}

/* Each compares all there is of one part. 0 or -errno: not whether something differs. */
int verify_routes(struct verify *v);	   /* verify_routes.c: every address */
int verify_entries(struct verify *v);	   /* verify_entries.c: lpm, the entries themselves */
int verify_entries_walk(struct verify *v); /* reads them again, for a later look */
int verify_neighbours(struct verify *v);   /* verify_objects.c */
int verify_ports(struct verify *v);	   /* verify_ports.c */
int verify_own(struct verify *v);
int verify_ingress_macs(struct verify *v); /* verify_ports.c */
int verify_policy(struct verify *v);	   /* verify_policy.c */
int verify_policy_walk(struct verify *v);  /* reads the routes again, for a later look */
int verify_control(struct verify *v);	   /* verify_control.c */
/* verify_kernel.c: the kernel's own answers for these addresses (host byte order), or for samples. */
int verify_queries(struct verify *v, const uint32_t *addresses, size_t n);
/* verify_packets.c: to these addresses, in by every attached device in turn. */
int verify_packets(struct verify *v, const uint32_t *addresses, size_t n);

/* Does a user route decide about this address (host byte order), so that the kernel has no say? */
bool is_by_user(const struct verify *v, uint32_t addr);
/* Does the kernel's answer let a packet to dst (host byte order) go by this hop? */
bool kernel_allows(const struct mirror *mirror, const struct event_route *route, uint32_t dst,
		   const struct hop *hop);
void kernel_format(const struct mirror *mirror, int err, const struct event_route *route,
		   char buf[OUTCOME_LEN]);

/* verify_samples.c: addresses on the edges of routes, within them, and anywhere. */
int random_begin(uint64_t *state);
uint32_t random_next(uint64_t *state);
uint32_t sample_address(const struct verify *v, uint32_t which, uint64_t *state);
/* n of them, to be freed; NULL: -errno in *ret_err. */
uint32_t *sample_addresses(const struct verify *v, uint32_t n, int *ret_err);

void put_text(json_t *row, const char *key, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
