/* SPDX-License-Identifier: GPL-2.0-only */
/* The set of a tier's roots that are in use. Only rib*.c includes this. */
#ifndef EBPF_ROUTE_RIB_ROOTS_H
#define EBPF_ROUTE_RIB_ROOTS_H

#include <stdint.h>

#define ROOT_NONE UINT32_MAX

enum {
	ROOT_LEVELS = 4, /* enough for 2^24 roots */
};

struct rib_roots {
	uint64_t *
		words[ROOT_LEVELS]; /* the roots, the words of the level below that are not 0, .. */
	uint32_t n_words[ROOT_LEVELS];
};

int rib_roots_init(struct rib_roots *roots, uint32_t n); /* 0 or -ENOMEM, and nothing to destroy */
void rib_roots_destroy(struct rib_roots *roots);
void rib_roots_set(struct rib_roots *roots, uint32_t root);
void rib_roots_clear(struct rib_roots *roots, uint32_t root);
/* The first one in use at or after `from`, or ROOT_NONE. */
uint32_t rib_roots_next(const struct rib_roots *roots, uint32_t from);

#endif
