/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a table of prefixes must do, in the plainest way: an array and a linear search. Besides, the
 * random numbers of the property tests: the same in every run, unless TEST_SEED names another seed.
 */
#ifndef EBPF_ROUTE_SUPPORT_MODEL_H
#define EBPF_ROUTE_SUPPORT_MODEL_H

#include "include/addr.h"

struct model_route {
	struct prefix prefix;
	uint32_t leaf;
	void *mark; /* for the test */
};

struct model {
	struct model_route *routes;
	uint32_t n, room;
};

void model_clear(struct model *model);
void model_set(struct model *model, struct prefix prefix, uint32_t leaf, void *mark);
void model_del(struct model *model, struct prefix prefix);
struct model_route *model_find(const struct model *model, struct prefix prefix);
/* Longest route that covers the address and is shorter than `below`; 33 for any. */
struct model_route *model_match(const struct model *model, uint32_t addr, uint8_t below);
/* By address, then length. */
void model_sort(struct model *model);

struct random {
	uint64_t seed, state;
	uint32_t bases[6]; /* random prefixes gather around these, so that they nest */
};

void random_init(struct random *random, uint64_t seed);
uint32_t random_u32(struct random *random);
uint32_t random_below(struct random *random, uint32_t limit);
/* An address near a base; a prefix around such an address, of a length min..32. */
uint32_t random_addr(struct random *random);
struct prefix random_prefix(struct random *random, uint8_t min);

/* The n-th address at which an answer may change for this prefix: its edges and their neighbours.
 */
#define EDGES 4
uint32_t prefix_edge(struct prefix prefix, unsigned int n);

#endif
