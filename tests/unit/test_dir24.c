/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is particular to dir24: rows that come, go and wait for a grace period, and readers that
 * look up while the tables change. Answers in general are test_engine's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>

#include "daemon/fib_engine.h"
#include "support_model.h"

enum { CHANGES = 200000 };

struct bed {
	struct fib_engine *engine;
	const struct fib_engine_ops *ops;
	uint16_t *table, *groups;
	uint32_t n_groups;
	struct model model;
};

static uint16_t *leaves_new(size_t n)
{
	void *memory = mmap(NULL, n * sizeof(uint16_t), PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(memory, MAP_FAILED);
	return memory;
}

static void bed_open(struct bed *bed, uint32_t n_groups)
{
	memset(bed, 0, sizeof(*bed));
	bed->n_groups = n_groups;
	bed->table = leaves_new(DIR24_ENTRIES);
	bed->groups = n_groups ? leaves_new((size_t)n_groups * DIR24_ROW) : NULL;
	assert_int_equal(fib_dir24_new(&bed->engine, bed->table, bed->groups, n_groups), 0);
	bed->ops = bed->engine->ops;
}

static void bed_close(struct bed *bed)
{
	bed->ops->destroy(bed->engine);
	model_clear(&bed->model);
	munmap(bed->table, DIR24_ENTRIES * sizeof(uint16_t));
	if (bed->groups)
		munmap(bed->groups, (size_t)bed->n_groups * DIR24_ROW * sizeof(uint16_t));
}

static int set(struct bed *bed, uint32_t addr, uint8_t len, uint32_t leaf)
{
	struct prefix mark;
	int err = bed->ops->set(bed->engine, prefix_make(addr, len), leaf, &mark);

	if (!err)
		model_set(&bed->model, prefix_make(addr, len), leaf, NULL);
	return err;
}

static int del(struct bed *bed, uint32_t addr, uint8_t len)
{
	struct model_route *cover = model_match(&bed->model, addr, len);
	int err = bed->ops->del(bed->engine, prefix_make(addr, len),
				cover ? cover->prefix : prefix_make(0, 0),
				cover ? cover->leaf : LEAF_DEFAULT);

	if (!err)
		model_del(&bed->model, prefix_make(addr, len));
	return err;
}

static uint32_t lookup(const struct bed *bed, uint32_t addr)
{
	return bed->ops->lookup(bed->engine, addr);
}

/* A freed row keeps what readers may still find there, and is not taken before grace(). */
static void test_quarantine(void **state)
{
	uint16_t before[DIR24_ROW], *row;
	uint32_t entry;
	struct bed bed;

	(void)state;
	bed_open(&bed, 2);
	assert_int_equal(set(&bed, 0x0a000000, 24, 1001), 0);
	assert_int_equal(set(&bed, 0x0a000001, 32, 1002), 0);
	entry = bed.table[0x0a0000];
	assert_true(entry & DIR24_EXTENDED);
	row = &bed.groups[(entry & ~DIR24_EXTENDED) * DIR24_ROW];
	memcpy(before, row, sizeof(before));
	assert_false(bed.ops->wants_grace(bed.engine));

	assert_int_equal(del(&bed, 0x0a000001, 32), 0);
	assert_int_equal(bed.table[0x0a0000], 1001);
	assert_true(bed.ops->wants_grace(bed.engine));
	assert_int_equal(set(&bed, 0x0b000001, 32, 1003), 0);
	assert_int_equal(set(&bed, 0x0c000001, 32, 1004), -EAGAIN);
	assert_int_equal(set(&bed, 0x0a000000, 24, 1005), 0);
	assert_int_equal(set(&bed, 0x0a000000, 8, 1006), 0);
	assert_memory_equal(row, before, sizeof(before));

	bed.ops->grace(bed.engine);
	assert_false(bed.ops->wants_grace(bed.engine));
	assert_int_equal(set(&bed, 0x0c000001, 32, 1004), 0);
	assert_int_equal(bed.table[0x0c0000], entry);
	assert_int_equal(lookup(&bed, 0x0c000001), 1004);
	assert_int_equal(lookup(&bed, 0x0c000002), LEAF_DEFAULT);
	assert_int_equal(lookup(&bed, 0x0b000001), 1003);
	assert_int_equal(lookup(&bed, 0x0a000001), 1005);
	assert_int_equal(set(&bed, 0x0d000001, 32, 1007), -ENOSPC);
	bed_close(&bed);
}

/* All rows come back, however often they are used; a refused change leaves every byte as it was. */
static void test_rows_return(void **state)
{
	static uint16_t before[8 * DIR24_ROW];
	struct bed bed;

	(void)state;
	bed_open(&bed, 8);
	for (uint32_t round = 0; round < 5; round++) {
		for (uint32_t i = 0; i < 8; i++)
			assert_int_equal(set(&bed, i << 8 | round, 32 - round, 1001 + i), 0);
		memcpy(before, bed.groups, sizeof(before));
		assert_int_equal(set(&bed, 0x00010001, 32, 1001), -ENOSPC);
		assert_memory_equal(bed.groups, before, sizeof(before));
		assert_int_equal(bed.table[0x000100], LEAF_DEFAULT);
		for (uint32_t i = 0; i < 8; i++) {
			assert_int_equal(del(&bed, i << 8 | round, 32 - round), 0);
			assert_int_equal(bed.table[i], LEAF_DEFAULT);
		}
		assert_int_equal(set(&bed, 0x00010001, 32, 1001), -EAGAIN);
		bed.ops->grace(bed.engine);
	}
	bed_close(&bed);
}

/* A row goes with its last prefix, even if that one was wholly hidden by longer ones. */
static void test_hidden(void **state)
{
	struct bed bed;

	(void)state;
	bed_open(&bed, 1);
	assert_int_equal(set(&bed, 0x0a000000, 32, 1001), 0);
	assert_int_equal(set(&bed, 0x0a000001, 32, 1002), 0);
	assert_int_equal(set(&bed, 0x0a000000, 31, 1003), 0);
	assert_int_equal(set(&bed, 0x0a000000, 16, 1004), 0);
	assert_int_equal(lookup(&bed, 0x0a000000), 1001);
	assert_int_equal(lookup(&bed, 0x0a000002), 1004);
	assert_int_equal(del(&bed, 0x0a000000, 32), 0);
	assert_int_equal(del(&bed, 0x0a000001, 32), 0);
	assert_int_equal(lookup(&bed, 0x0a000001), 1003);
	assert_false(bed.ops->wants_grace(bed.engine));
	assert_int_equal(del(&bed, 0x0a000000, 31), 0);
	assert_true(bed.ops->wants_grace(bed.engine));
	assert_int_equal(bed.table[0x0a0000], 1004);
	bed_close(&bed);
}

/* A short prefix reaches the rows of an eighth entry whose neighbours have longer ones. */
static void test_island(void **state)
{
	struct bed bed;

	(void)state;
	bed_open(&bed, 8);
	for (uint32_t i = 0; i < 8; i++) {
		if (i != 3)
			assert_int_equal(set(&bed, 0x0a000000 | i << 8, 24, 1001), 0);
	}
	assert_int_equal(set(&bed, 0x0a000301, 32, 1002), 0);
	assert_int_equal(set(&bed, 0x0a000000, 16, 1003), 0);
	assert_int_equal(lookup(&bed, 0x0a000300), 1003);
	assert_int_equal(lookup(&bed, 0x0a000301), 1002);
	assert_int_equal(lookup(&bed, 0x0a000200), 1001);
	assert_int_equal(del(&bed, 0x0a000000, 16), 0);
	assert_int_equal(lookup(&bed, 0x0a000300), LEAF_DEFAULT);
	assert_int_equal(lookup(&bed, 0x0a000301), 1002);
	bed_close(&bed);
}

static void test_no_rows(void **state)
{
	struct prefix mark = { 0 };
	struct bed bed;

	(void)state;
	bed_open(&bed, 0);
	assert_int_equal(set(&bed, 0x0a000000, 24, 1001), 0);
	assert_int_equal(bed.ops->set(bed.engine, prefix_make(0x0a0000ff, 25), 1002, &mark),
			 -ENOSPC);
	assert_true(prefix_equal(mark, prefix_make(0x0a000000, 24)));
	assert_int_equal(lookup(&bed, 0x0a0000ff), 1001);
	bed_close(&bed);
}

/* ---- readers beside the writer -----------------------------------------------------------------
 */

enum { WATCHED = 0x0a000085 };

/* `allowed` packs a count of changes with the old and the new leaf, 24 bits each. */
struct watch {
	const struct bed *bed;
	uint64_t allowed;
	uint32_t lookups, stop, wrong, checked;
};

static void *reader(void *arg)
{
	struct watch *watch = arg;

	while (!__atomic_load_n(&watch->stop, __ATOMIC_ACQUIRE)) {
		uint64_t before = __atomic_load_n(&watch->allowed, __ATOMIC_ACQUIRE);
		uint32_t leaf = lookup(watch->bed, WATCHED);

		if (__atomic_load_n(&watch->allowed, __ATOMIC_ACQUIRE) == before) {
			watch->checked++;
			if (leaf != (before & 0xffffff) && leaf != (before >> 24 & 0xffffff))
				watch->wrong++;
		}
		/* On a single processor the writer needs its turn. */
		if (__atomic_add_fetch(&watch->lookups, 1, __ATOMIC_SEQ_CST) % 32 == 0)
			sched_yield();
	}
	return NULL;
}

static void allow(struct watch *watch, uint64_t count, uint32_t old_leaf, uint32_t new_leaf)
{
	__atomic_store_n(&watch->allowed, count << 48 | (uint64_t)old_leaf << 24 | new_leaf,
			 __ATOMIC_SEQ_CST);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* Every lookup that was under way has ended. */
static void grace(struct watch *watch, struct bed *bed)
{
	uint32_t since = __atomic_load_n(&watch->lookups, __ATOMIC_SEQ_CST);

	while (__atomic_load_n(&watch->lookups, __ATOMIC_SEQ_CST) - since < 2)
		sched_yield();
	bed->ops->grace(bed->engine);
}

static uint32_t answer(const struct model *model)
{
	struct model_route *route = model_match(model, WATCHED, 33);

	return route ? route->leaf : LEAF_DEFAULT;
}

/*
 * One random change at the watched address or in the next /24. There is one row: it goes to and
 * fro between the two, each time with the leaves of the other still in it.
 */
static void change(struct watch *watch, struct bed *bed, struct random *random, uint64_t count)
{
	static const uint8_t lens[] = { 20, 23, 24, 28, 32 };
	uint8_t len = lens[random_below(random, sizeof(lens))];
	uint32_t addr = WATCHED ^ random_below(random, 2) << 8;
	uint32_t leaf = LEAF_FIRST_SLOT + (uint32_t)(count % (LEAF_LIMIT - LEAF_FIRST_SLOT));
	struct prefix prefix = prefix_make(addr, len);
	bool drop = model_find(&bed->model, prefix) && random_below(random, 8);
	uint32_t old_leaf = answer(&bed->model), new_leaf = old_leaf;
	struct model_route *match = model_match(&bed->model, WATCHED, 33);

	if (prefix_covers(prefix, prefix_make(WATCHED, 32))) {
		if (!drop && (!match || match->prefix.len <= len))
			new_leaf = leaf;
		match = model_match(&bed->model, WATCHED, len);
		if (drop && model_match(&bed->model, WATCHED, 33)->prefix.len == len)
			new_leaf = match ? match->leaf : LEAF_DEFAULT;
	}
	allow(watch, 2 * count, old_leaf, new_leaf);
	if (drop) {
		assert_int_equal(del(bed, prefix.addr, len), 0);
	} else if (set(bed, prefix.addr, len, leaf) == -EAGAIN) {
		grace(watch, bed);
		assert_int_equal(set(bed, prefix.addr, len, leaf), 0);
	}
	new_leaf = answer(&bed->model); /* what a full table refused did not change it */
	assert_int_equal(lookup(bed, WATCHED), new_leaf);
	allow(watch, 2 * count + 1, new_leaf, new_leaf);
}

static void test_readers(void **state)
{
	struct watch watch = { 0 };
	struct random random;
	pthread_t thread;
	struct bed bed;

	(void)state;
	bed_open(&bed, 1);
	random_init(&random, 1);
	watch.bed = &bed;
	assert_int_equal(pthread_create(&thread, NULL, reader, &watch), 0);
	for (uint64_t i = 0; i < CHANGES; i++)
		change(&watch, &bed, &random, i);
	__atomic_store_n(&watch.stop, 1, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	if (watch.wrong)
		fail_msg("TEST_SEED=%llu: %u of %u lookups were neither old nor new",
			 (unsigned long long)random.seed, watch.wrong, watch.checked);
	assert_true(watch.checked > 0);
	bed_close(&bed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_quarantine), cmocka_unit_test(test_rows_return),
		cmocka_unit_test(test_hidden),	   cmocka_unit_test(test_island),
		cmocka_unit_test(test_no_rows),	   cmocka_unit_test(test_readers),
	};

	return cmocka_run_group_tests_name("dir24", tests, NULL, NULL);
}
