/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A lookup engine: the route maps behind one interface, and their only writer.
 *
 * Programs may look up at any moment. After each call, and at every instant during it, a lookup of
 * any address finds the leaf from before or from after the call.
 */
#ifndef EBPF_ROUTE_FIB_ENGINE_H
#define EBPF_ROUTE_FIB_ENGINE_H

#include "../include/addr.h"
#include "../include/maps.h"

struct fib_engine;

/* What an engine that remembers prefixes but not their leaves asks for in order to repair itself. */
struct engine_truth {
	/* The leaves of all /24 of a prefix, by what is held of up to /24. */
	void (*leaves)(void *ctx, struct prefix prefix, uint16_t *ret);
	/* Those of the 256 addresses from addr on, by what is held beyond /24, and by `leaf`. */
	void (*row)(void *ctx, uint32_t addr, uint16_t leaf, uint16_t *ret);
	/* The entries of these addresses were not as written; err: why they are still not. */
	void (*repaired)(void *ctx, uint32_t first, uint32_t last, int err);
	void *ctx;
};

struct fib_engine_ops {
	const char *name; /* "dir24", "lpm" */

	/*
	 * Enters the prefix with this leaf (never LEAF_DEFAULT), new or replaced. On failure the
	 * engine holds what it held before:
	 * - ENOSPC: it is full. *ret_mark is a shorter prefix that the caller must set to
	 *   table_full, so that no packet takes another way than this prefix's (setting it cannot
	 *   fail): with dir24 the /24 around it, with lpm the longest one held that covers it, or
	 *   /0 where none does: the default leaf, which the caller keeps.
	 * - EAGAIN: it is full until a grace period has passed: wait for one, call grace(), retry.
	 * - EINVAL: /0, which is the caller's default leaf, or a leaf that is none.
	 * Or another negative errno. *ret_mark is untouched unless -ENOSPC. Replacing never meets
	 * -ENOSPC or -EAGAIN; nor does dir24 for prefixes of up to /24.
	 */
	int (*set)(struct fib_engine *engine, struct prefix prefix, uint32_t leaf,
		   struct prefix *ret_mark);

	/*
	 * Takes the prefix out. `cover` is the longest strictly shorter prefix that the engine
	 * still holds and `cover_leaf` its leaf; {0, 0} and LEAF_DEFAULT where there is none.
	 * Taking out what is not held changes nothing and returns 0; -EINVAL for /0 and for a cover
	 * that is not shorter.
	 */
	int (*del)(struct fib_engine *engine, struct prefix prefix, struct prefix cover,
		   uint32_t cover_leaf);

	/*
	 * How many of these prefixes, in their order, there is room for; n: for all. What is held needs
	 * none, each prefix comes once. As long as nothing else is entered set() then meets no -ENOSPC.
	 */
	uint32_t (*room_for)(struct fib_engine *engine, const struct prefix *prefixes, uint32_t n);
	const char *full; /* what there is none left of then, for the user */
	/*
	 * 0: every prefix takes room of its own. Else only longer ones than that do, all together that have
	 * as many first bits in common; the prefix of these bits is their mark.
	 */
	uint8_t row_len;

	/* What a program finds for the address (host byte order), read back from the maps. */
	uint32_t (*lookup)(const struct fib_engine *engine, uint32_t addr);

	/* What is in use of what may run out: rows (dir24), prefixes (lpm). */
	uint32_t (*used)(const struct fib_engine *engine);

	/* The caller waited for a grace period: what was freed before it may be reused. */
	void (*grace)(struct fib_engine *engine);
	/* Is there something freed that only waits for a grace period? */
	bool (*wants_grace)(const struct fib_engine *engine);

	/*
	 * Compares a part of the maps with what was entered, and rewrites what differs. Parts count from
	 * 0, a few ms each; between them anything may be entered. 1: there are more, 0, or -errno.
	 */
	int (*repair)(struct fib_engine *engine, uint32_t part, const struct engine_truth *truth);

	void (*destroy)(struct fib_engine *engine);
};

struct fib_engine {
	const struct fib_engine_ops *ops;
};

/*
 * DIR-24-8 over two mmapped tables (DIR24_ENTRIES leaves; n_groups rows of DIR24_ROW leaves, at most
 * DIR24_EXTENDED of them), page-aligned and all zero at first. The memory stays the caller's. /0 is not entered here: see struct control.
 */
int fib_dir24_new(struct fib_engine **ret, uint16_t *table, uint16_t *groups, uint32_t n_groups);

/*
 * BPF_MAP_TYPE_LPM_TRIE by descriptor, which stays the caller's; empty at first. At most `limit`
 * prefixes; the map needs LPM_SLACK entries more, for a replacement counts as an addition on older
 * kernels.
 */
#define LPM_SLACK 64
int fib_lpm_new(struct fib_engine **ret, int map_fd, uint32_t limit);

#endif
