/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The lookup engines against the brute-force model, both by the same tests.
 *
 * dir24 runs on plain memory, lpm on a real BPF map: without the right to create one its tests are
 * skipped. After every change the addresses at which an answer may change are looked up.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include <bpf/bpf.h>

#include "daemon/fib_engine.h"
#include "support_model.h"

enum { ROUNDS = 6, STEPS = 300, AMPLE = 2048, FULL = VERDICT_table_full };

/* On failure, tells how to have it again. */
#define check(bed, cond)                                                                           \
	do {                                                                                       \
		if (!(cond))                                                                       \
			fail_msg("TEST_SEED=%llu step %u: %s",                                     \
				 (unsigned long long)(bed)->random.seed, (bed)->step, #cond);      \
	} while (0)

struct bed {
	struct fib_engine *engine;
	const struct fib_engine_ops *ops;
	enum engine kind;
	uint16_t *table, *groups; /* dir24 */
	uint32_t n_groups;
	int map_fd; /* lpm */
	struct model model;
	struct random random;
	uint32_t step;
};

static uint16_t *leaves_new(size_t n)
{
	void *memory = mmap(NULL, n * sizeof(uint16_t), PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(memory, MAP_FAILED);
	return memory;
}

static int map_new(uint32_t limit)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_NO_PREALLOC);
	int fd = bpf_map_create(BPF_MAP_TYPE_LPM_TRIE, "test_lpm", sizeof(struct lpm_key),
				sizeof(uint32_t), limit + LPM_SLACK, &opts);

	if (fd == -EPERM) {
		print_message("lpm: skipped: no right to create a BPF map (not root)\n");
		skip();
	}
	assert_true(fd >= 0);
	return fd;
}

/* An engine with room for so many rows (dir24) or prefixes (lpm). */
static void bed_open(struct bed *bed, enum engine kind, uint32_t room, uint64_t seed)
{
	memset(bed, 0, sizeof(*bed));
	random_init(&bed->random, seed);
	bed->kind = kind;
	if (kind == ENGINE_DIR24) {
		bed->n_groups = room;
		bed->table = leaves_new(DIR24_ENTRIES);
		bed->groups = leaves_new((size_t)room * DIR24_ROW);
		assert_int_equal(fib_dir24_new(&bed->engine, bed->table, bed->groups, room), 0);
	} else {
		bed->map_fd = map_new(room);
		assert_int_equal(fib_lpm_new(&bed->engine, bed->map_fd, room), 0);
	}
	bed->ops = bed->engine->ops;
}

static void bed_close(struct bed *bed)
{
	bed->ops->destroy(bed->engine);
	model_clear(&bed->model);
	if (bed->kind == ENGINE_LPM) {
		close(bed->map_fd);
		return;
	}
	munmap(bed->table, DIR24_ENTRIES * sizeof(uint16_t));
	munmap(bed->groups, (size_t)bed->n_groups * DIR24_ROW * sizeof(uint16_t));
}

static enum engine kind_of(void **state)
{
	return *(enum engine *)*state;
}

/* ---- comparing ---------------------------------------------------------------------------------
 */

static void check_addr(struct bed *bed, uint32_t addr)
{
	const struct model_route *route = model_match(&bed->model, addr, 33);
	uint32_t expect = route ? route->leaf : LEAF_DEFAULT;
	uint32_t leaf = bed->ops->lookup(bed->engine, addr);

	if (leaf != expect)
		fail_msg("TEST_SEED=%llu step %u: %s: %08x has leaf %u, not %u",
			 (unsigned long long)bed->random.seed, bed->step, bed->ops->name, addr,
			 leaf, expect);
}

static void check_edges(struct bed *bed, struct prefix prefix)
{
	for (unsigned int i = 0; i < EDGES; i++)
		check_addr(bed, prefix_edge(prefix, i));
}

/* Around one prefix, and a sample from within it. */
static void check_window(struct bed *bed, struct prefix prefix)
{
	uint32_t within = ~prefix_mask(prefix.len);

	check_edges(bed, prefix);
	for (unsigned int i = 0; i < 16; i++)
		check_addr(bed, prefix.addr | (random_u32(&bed->random) & within));
	for (unsigned int i = 0; i < 16; i++)
		check_addr(bed, random_addr(&bed->random));
}

static void check_all(struct bed *bed)
{
	for (uint32_t i = 0; i < bed->model.n; i++)
		check_edges(bed, bed->model.routes[i].prefix);
	for (unsigned int i = 0; i < 200; i++)
		check_addr(bed, random_u32(&bed->random));
}

/* ---- changing ----------------------------------------------------------------------------------
 */

/* Enters it in the engine and, where that works, in the model. */
static int set(struct bed *bed, struct prefix prefix, uint32_t leaf, struct prefix *ret_mark)
{
	int err = bed->ops->set(bed->engine, prefix, leaf, ret_mark);

	if (!err)
		model_set(&bed->model, prefix, leaf, NULL);
	return err;
}

static void must_set(struct bed *bed, struct prefix prefix, uint32_t leaf)
{
	struct prefix mark;

	check(bed, set(bed, prefix, leaf, &mark) == 0);
}

static void must_del(struct bed *bed, struct prefix prefix)
{
	const struct model_route *cover = model_match(&bed->model, prefix.addr, prefix.len);
	struct prefix none = prefix_make(0, 0);

	check(bed, bed->ops->del(bed->engine, prefix, cover ? cover->prefix : none,
				 cover ? cover->leaf : LEAF_DEFAULT) == 0);
	model_del(&bed->model, prefix);
}

/* Where leaves differ, so do answers: hardly any two are equal. */
static uint32_t random_leaf(struct random *random)
{
	return LEAF_FIRST_SLOT + random_below(random, LEAF_LIMIT - LEAF_FIRST_SLOT);
}

static struct prefix random_held(struct bed *bed)
{
	return bed->model.routes[random_below(&bed->random, bed->model.n)].prefix;
}

/* ---- tests of both -----------------------------------------------------------------------------
 */

static void test_random(void **state)
{
	for (uint32_t round = 1; round <= ROUNDS; round++) {
		struct bed bed;

		bed_open(&bed, kind_of(state), AMPLE, round);
		for (; bed.step < STEPS; bed.step++) {
			struct prefix prefix = random_prefix(&bed.random, 1);
			uint32_t what = random_below(&bed.random, 8);

			if (bed.model.n && what < (bed.step < STEPS / 2 ? 2 : 4)) {
				prefix = random_held(&bed);
				must_del(&bed, prefix);
			} else if (bed.model.n && what == 4) {
				prefix = random_held(&bed);
				must_set(&bed, prefix, random_leaf(&bed.random));
			} else {
				must_set(&bed, prefix, random_leaf(&bed.random));
			}
			check_window(&bed, prefix);
			if (bed.step % 20 == 0)
				check_all(&bed);
		}
		while (bed.model.n) {
			struct prefix prefix = random_held(&bed);

			must_del(&bed, prefix);
			check_window(&bed, prefix);
		}
		bed_close(&bed);
	}
}

/* What a caller has to see when the engine is full; the prefix stays out of the model. */
static void check_full(struct bed *bed, struct prefix prefix, struct prefix mark)
{
	const struct model_route *cover = model_match(&bed->model, prefix.addr, prefix.len);

	check(bed, !model_find(&bed->model, prefix));
	if (bed->kind == ENGINE_DIR24) {
		check(bed, prefix.len > 24);
		check(bed, prefix_equal(mark, prefix_make(prefix.addr, 24)));
	} else {
		check(bed, prefix_equal(mark, cover ? cover->prefix : prefix_make(0, 0)));
	}
	check_window(bed, prefix);
	check_all(bed);
}

static void test_random_full(void **state)
{
	uint32_t refused = 0;

	for (uint32_t round = 1; round <= ROUNDS; round++) {
		struct bed bed;

		bed_open(&bed, kind_of(state), kind_of(state) == ENGINE_DIR24 ? 3 : 20, round);
		for (; bed.step < STEPS; bed.step++) {
			struct prefix prefix = random_prefix(&bed.random, 1), mark;
			int err = set(&bed, prefix, random_leaf(&bed.random), &mark);

			if (err == -EAGAIN) {
				check(&bed, bed.ops->wants_grace(bed.engine));
				check_window(&bed, prefix);
				bed.ops->grace(bed.engine);
				check(&bed, !bed.ops->wants_grace(bed.engine));
				must_set(&bed, prefix, random_leaf(&bed.random));
			} else if (err) {
				check(&bed, err == -ENOSPC);
				check_full(&bed, prefix, mark);
				refused++;
			}
			check_window(&bed, prefix);
			if (random_below(&bed.random, 2)) {
				prefix = random_held(&bed);
				must_del(&bed, prefix);
				check_window(&bed, prefix);
			}
			if (bed.model.n)
				must_set(&bed, random_held(&bed), random_leaf(&bed.random));
		}
		check_all(&bed);
		bed_close(&bed);
	}
	assert_true(refused > 0);
}

/* The caller's way through a full engine: mark, nothing takes a shorter way, and back. */
static void test_mark(void **state)
{
	struct prefix cover = prefix_make(0x0a000000, 8), real = prefix_make(0x0a010200, 24);
	struct prefix other = prefix_make(0xc0000201, 32), host = prefix_make(0x0a010203, 32);
	struct prefix mark = { 0 };
	struct bed bed;

	bed_open(&bed, kind_of(state), kind_of(state) == ENGINE_DIR24 ? 1 : 3, 1);
	must_set(&bed, cover, 1001);
	must_set(&bed, real, 1002);
	must_set(&bed, other, 1003);
	assert_int_equal(set(&bed, host, 1004, &mark), -ENOSPC);
	assert_true(prefix_equal(mark, real));
	check_all(&bed);

	must_set(&bed, mark, FULL);
	assert_int_equal(bed.ops->lookup(bed.engine, host.addr), FULL);
	check_all(&bed);

	must_del(&bed, other);
	if (bed.kind == ENGINE_DIR24) {
		assert_int_equal(set(&bed, host, 1004, &mark), -EAGAIN);
		bed.ops->grace(bed.engine);
	}
	must_set(&bed, host, 1004);
	must_set(&bed, real, 1002);
	check_edges(&bed, host);
	check_all(&bed);
	bed_close(&bed);
}

static void test_refused(void **state)
{
	struct prefix mark = prefix_make(0x01020304, 32), any = prefix_make(0x0a000000, 8);
	struct prefix none = prefix_make(0, 0);
	struct bed bed;

	bed_open(&bed, kind_of(state), 4, 1);
	assert_int_equal(set(&bed, none, 1001, &mark), -EINVAL);
	assert_int_equal(set(&bed, any, LEAF_DEFAULT, &mark), -EINVAL);
	assert_int_equal(set(&bed, any, DIR24_EXTENDED | 1001, &mark), -EINVAL);
	assert_true(prefix_equal(mark, prefix_make(0x01020304, 32)));
	assert_int_equal(bed.ops->del(bed.engine, none, none, LEAF_DEFAULT), -EINVAL);
	assert_int_equal(bed.ops->del(bed.engine, any, any, 1001), -EINVAL);

	must_set(&bed, any, 1001);
	must_set(&bed, prefix_make(0x0a010203, 32), 1002);
	must_del(&bed, prefix_make(0x0a010000, 16));
	must_del(&bed, prefix_make(0x0a010202, 31));
	must_del(&bed, prefix_make(0x0a020202, 31));
	check_all(&bed);
	bed_close(&bed);
}

/* ---- repair ------------------------------------------------------------------------------------
 */

struct repair {
	struct bed *bed;
	uint32_t found;
};

/* Those of the model with lengths lo..hi over what is there: each leaf for so many addresses, the first for `first`. */
static void paint(const struct model *model, uint8_t lo, uint8_t hi, struct prefix within,
		  uint8_t shift, uint16_t *ret)
{
	uint64_t end = (uint64_t)within.addr + (1ull << (32 - within.len));

	for (uint8_t len = lo; len <= hi; len++)
		for (uint32_t i = 0; i < model->n; i++) {
			const struct model_route *route = &model->routes[i];
			uint64_t at = route->prefix.addr, to = at + (1ull << (32 - len));

			if (route->prefix.len != len)
				continue;
			at = at > within.addr ? at : within.addr;
			to = to < end ? to : end;
			for (; at < to; at += 1ull << shift)
				ret[(at - within.addr) >> shift] = (uint16_t)route->leaf;
		}
}

static void true_leaves(void *ctx, struct prefix prefix, uint16_t *ret)
{
	const struct repair *repair = ctx;

	for (uint32_t i = 0; i < 1u << (24 - prefix.len); i++)
		ret[i] = LEAF_DEFAULT;
	paint(&repair->bed->model, 1, 24, prefix, 8, ret);
}

static void true_row(void *ctx, uint32_t addr, uint16_t leaf, uint16_t *ret)
{
	const struct repair *repair = ctx;

	for (uint32_t i = 0; i < DIR24_ROW; i++)
		ret[i] = leaf;
	paint(&repair->bed->model, 25, 32, prefix_make(addr, 24), 0, ret);
}

static void on_repaired(void *ctx, uint32_t first, uint32_t last, int err)
{
	struct repair *repair = ctx;

	check(repair->bed, first <= last && !err);
	repair->found++;
}

static void random_change(struct bed *bed)
{
	if (bed->model.n && random_below(&bed->random, 3) == 0)
		must_del(bed, random_held(bed));
	else
		must_set(bed, random_prefix(&bed->random, 1), random_leaf(&bed->random));
}

/* All parts, as often with changes in between. Returns how much was not as it should be. */
static uint32_t repaired(struct bed *bed, uint32_t changes)
{
	struct repair repair = { .bed = bed };
	const struct engine_truth truth = { true_leaves, true_row, on_repaired, &repair };
	uint32_t part = 0;
	int more;

	do {
		more = bed->ops->repair(bed->engine, part++, &truth);
		if (changes && random_below(&bed->random, 4) == 0) {
			random_change(bed);
			changes--;
		}
	} while (more > 0);
	check(bed, more == 0);
	return repair.found;
}

static void spoil_dir24(struct bed *bed, struct prefix prefix)
{
	uint16_t *cell = &bed->table[prefix.addr >> 8];

	if (*cell & DIR24_EXTENDED && random_below(&bed->random, 2))
		cell = &bed->groups[(size_t)(*cell & ~DIR24_EXTENDED) % bed->n_groups * DIR24_ROW +
				    random_below(&bed->random, DIR24_ROW)];
	*cell = (uint16_t)random_u32(&bed->random);
	if (random_below(&bed->random, 2)) /* somebody else's row */
		*cell = DIR24_EXTENDED |
			(uint16_t)random_below(&bed->random, bed->ops->used(bed->engine));
}

static void spoil_lpm(struct bed *bed, struct prefix prefix)
{
	uint32_t leaf = random_leaf(&bed->random), what = random_below(&bed->random, 3);
	struct lpm_key key;

	if (what == 0)
		prefix = random_prefix(&bed->random, 1); /* nobody entered it, hardly */
	key = (struct lpm_key){ .prefixlen = prefix.len, .addr = htonl(prefix.addr) };
	if (what == 1)
		bpf_map_delete_elem(bed->map_fd, &key);
	else
		assert_int_equal(bpf_map_update_elem(bed->map_fd, &key, &leaf, BPF_ANY), 0);
}

/* Whatever others wrote, and whatever was entered meanwhile: in the end all is as the engine was told. */
static void test_repair(void **state)
{
	for (uint32_t round = 1; round <= 2; round++) {
		struct bed bed;

		bed_open(&bed, kind_of(state), AMPLE, round);
		for (; bed.step < STEPS; bed.step++)
			random_change(&bed);
		check(&bed, repaired(&bed, 0) == 0);
		for (uint32_t i = 0; i < 60; i++) {
			if (bed.kind == ENGINE_DIR24)
				spoil_dir24(&bed, random_held(&bed));
			else
				spoil_lpm(&bed, random_held(&bed));
		}
		check(&bed, repaired(&bed, 20) > 5);
		check(&bed, repaired(&bed, 0) == 0);
		for (uint32_t i = 0; i < 20; i++)
			check_all(&bed);
		while (bed.model.n)
			must_del(&bed, random_held(&bed));
		check(&bed, repaired(&bed, 0) == 0);
		check_all(&bed);
		bed_close(&bed);
	}
}

/* The map is full before the engine is: that must not be taken for an entered prefix. */
static void test_map_full(void **state)
{
	struct prefix cover = prefix_make(0x0a000000, 8), host = prefix_make(0x0b000000, 32);
	struct prefix mark;
	struct bed bed;

	bed_open(&bed, kind_of(state), 8, 1);
	bed.ops->destroy(bed.engine);
	assert_int_equal(fib_lpm_new(&bed.engine, bed.map_fd, AMPLE), 0);
	must_set(&bed, cover, 1001);
	for (uint32_t i = 1; i < 8 + LPM_SLACK; i++)
		must_set(&bed, prefix_make(cover.addr + i, 32), 1001 + i);
	for (uint32_t i = 0; i < 2; i++) {
		mark = host;
		assert_int_equal(set(&bed, prefix_make(0x0a100000, 16), 1, &mark), -ENOSPC);
		assert_true(prefix_equal(mark, cover));
		assert_int_equal(set(&bed, host, 1, &mark), -ENOSPC);
		assert_true(prefix_equal(mark, prefix_make(0, 0)));
	}
	must_del(&bed, prefix_make(0x0a000001, 32));
	must_set(&bed, host, 1002);
	check_all(&bed);
	bed_close(&bed);
}

int main(void)
{
	static enum engine dir24 = ENGINE_DIR24, lpm = ENGINE_LPM;
	const struct CMUnitTest tests[] = {
		{ "dir24 random", test_random, NULL, NULL, &dir24 },
		{ "dir24 random_full", test_random_full, NULL, NULL, &dir24 },
		{ "dir24 mark", test_mark, NULL, NULL, &dir24 },
		{ "dir24 repair", test_repair, NULL, NULL, &dir24 },
		{ "dir24 refused", test_refused, NULL, NULL, &dir24 },
		{ "lpm random", test_random, NULL, NULL, &lpm },
		{ "lpm random_full", test_random_full, NULL, NULL, &lpm },
		{ "lpm mark", test_mark, NULL, NULL, &lpm },
		{ "lpm repair", test_repair, NULL, NULL, &lpm },
		{ "lpm map_full", test_map_full, NULL, NULL, &lpm },
		{ "lpm refused", test_refused, NULL, NULL, &lpm },
	};

	return cmocka_run_group_tests_name("engine", tests, NULL, NULL);
}
