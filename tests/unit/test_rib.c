/* SPDX-License-Identifier: GPL-2.0-only */
/* rib: every question gets the model's answer, whatever was added and removed before. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "daemon/rib.h"
#include "support_model.h"

enum { ROUNDS = 30, STEPS = 400 };

/* On failure, tells how to have it again. */
#define check(bed, cond)                                                                           \
	do {                                                                                       \
		if (!(cond))                                                                       \
			fail_msg("TEST_SEED=%llu step %u: %s",                                     \
				 (unsigned long long)(bed)->random.seed, (bed)->step, #cond);      \
	} while (0)

struct bed {
	struct rib *rib;
	struct model model; /* mark: the entry's address */
	struct random random;
	uint32_t step;
};

static void bed_open(struct bed *bed, uint64_t seed)
{
	memset(bed, 0, sizeof(*bed));
	random_init(&bed->random, seed);
	bed->rib = rib_new();
	assert_non_null(bed->rib);
}

static void bed_close(struct bed *bed)
{
	rib_destroy(bed->rib);
	model_clear(&bed->model);
}

static void add(struct bed *bed, struct prefix prefix)
{
	struct model_route *known = model_find(&bed->model, prefix);
	struct rib_entry *entry = rib_get(bed->rib, prefix);
	uint32_t leaf = random_u32(&bed->random);

	check(bed, entry && prefix_equal(rib_prefix(entry), prefix));
	if (known) {
		check(bed, known->mark == entry);
		check(bed, entry->candidates == known->leaf);
	} else {
		check(bed, entry->candidates == 0 && entry->spare == 0);
		check(bed, entry->installed == RIB_NOT_INSTALLED);
		check(bed, !(entry->flags & RIB_DIRTY));
	}
	entry->candidates = entry->installed = leaf;
	entry->spare = (uint16_t)leaf;
	entry->flags |= RIB_DIRTY;
	model_set(&bed->model, prefix, leaf, entry);
}

static void del(struct bed *bed, struct prefix prefix)
{
	struct rib_entry *entry = rib_find(bed->rib, prefix);

	check(bed, entry);
	rib_remove(bed->rib, entry);
	model_del(&bed->model, prefix);
}

/* The entry must be the model's route, or both must be missing. */
static bool same(const struct rib_entry *entry, const struct model_route *route)
{
	if (!entry || !route)
		return !entry && !route;
	return route->mark == entry && prefix_equal(rib_prefix(entry), route->prefix) &&
	       entry->candidates == route->leaf;
}

static void check_points(struct bed *bed, struct prefix prefix)
{
	const struct model *model = &bed->model;

	check(bed, rib_count(bed->rib) == model->n);
	check(bed, same(rib_find(bed->rib, prefix), model_find(model, prefix)));
	check(bed, same(rib_cover(bed->rib, prefix), model_match(model, prefix.addr, prefix.len)));
	for (unsigned int i = 0; i < EDGES; i++) {
		uint32_t addr = prefix_edge(prefix, i);

		check(bed, same(rib_match(bed->rib, addr), model_match(model, addr, 33)));
	}
}

struct walk {
	struct bed *bed;
	struct prefix below;
	uint32_t next;	/* where in the model */
	uint32_t steps; /* until it stops; UINT32_MAX: never */
};

static int walk_step(void *ctx, struct rib_entry *entry)
{
	struct walk *walk = ctx;
	const struct model *model = &walk->bed->model;

	while (walk->next < model->n &&
	       !prefix_covers(walk->below, model->routes[walk->next].prefix))
		walk->next++;
	check(walk->bed, walk->next < model->n && same(entry, &model->routes[walk->next]));
	walk->next++;
	return walk->steps-- == 0 ? -7 : 0;
}

static void check_walk_below(struct bed *bed, struct prefix below)
{
	struct walk walk = { .bed = bed, .below = below, .steps = UINT32_MAX };
	uint32_t n = 0;

	model_sort(&bed->model);
	for (uint32_t i = 0; i < bed->model.n; i++)
		n += prefix_covers(below, bed->model.routes[i].prefix);
	check(bed, rib_walk_below(bed->rib, below, walk_step, &walk) == 0);
	check(bed, walk.steps == UINT32_MAX - n);
	if (n) {
		walk.next = 0;
		walk.steps = random_below(&bed->random, n);
		check(bed, rib_walk_below(bed->rib, below, walk_step, &walk) == -7);
		check(bed, walk.steps == UINT32_MAX);
	}
}

/* Where in the model the first route after this prefix is. */
static uint32_t model_after(struct bed *bed, struct prefix after)
{
	uint32_t i;

	model_sort(&bed->model);
	for (i = 0; i < bed->model.n; i++) {
		struct prefix at = bed->model.routes[i].prefix;

		if (at.addr > after.addr || (at.addr == after.addr && at.len > after.len))
			break;
	}
	return i;
}

static void check_first_after(struct bed *bed, struct prefix at)
{
	uint32_t i = model_after(bed, at);
	struct model_route *next = i < bed->model.n ? &bed->model.routes[i] : NULL;
	struct model_route *here = model_find(&bed->model, at);

	check(bed, same(rib_next(bed->rib, at), next));
	check(bed, same(rib_first(bed->rib, at), here ? here : next));
}

/* The whole in order, from the start and from anywhere. */
static void check_order(struct bed *bed)
{
	struct rib_entry *entry = rib_first(bed->rib, prefix_make(0, 0));
	uint32_t i;

	model_sort(&bed->model);
	for (i = 0; i < bed->model.n; i++) {
		check(bed, same(entry, &bed->model.routes[i]));
		entry = rib_next(bed->rib, rib_prefix(entry));
	}
	check(bed, !entry);
	check_first_after(bed, random_prefix(&bed->random, 0));
}

static void test_random(void **state)
{
	(void)state;
	for (uint32_t round = 1; round <= ROUNDS; round++) {
		struct bed bed;

		bed_open(&bed, round);
		for (bed.step = 0; bed.step < STEPS; bed.step++) {
			struct prefix prefix = random_prefix(&bed.random, 0);
			uint32_t n = bed.model.n;

			/* Grows for the first half, shrinks afterwards. */
			if (random_below(&bed.random, 4) < (bed.step < STEPS / 2 ? 3 : 1)) {
				add(&bed, prefix);
			} else if (n) {
				prefix = bed.model.routes[random_below(&bed.random, n)].prefix;
				del(&bed, prefix);
			}
			check_points(&bed, prefix);
			check_points(&bed, random_prefix(&bed.random, 0));
			if (bed.step % 8 == 0) {
				check_order(&bed);
				check_walk_below(&bed, random_prefix(&bed.random, 0));
				check_walk_below(&bed, prefix_make(prefix.addr, prefix.len / 2));
			}
		}
		check_walk_below(&bed, prefix_make(0, 0));
		while (bed.model.n)
			del(&bed, bed.model.routes[0].prefix);
		check_order(&bed);
		bed_close(&bed);
	}
}

/* The walk goes on from a prefix that is no longer there, and meets what came in between. */
static void test_walk_restarts(void **state)
{
	struct rib_entry *entry;
	struct prefix at;
	struct bed bed;
	uint32_t i = 0;

	(void)state;
	bed_open(&bed, 1);
	for (bed.step = 0; bed.step < 300; bed.step++)
		add(&bed, random_prefix(&bed.random, 0));
	model_sort(&bed.model);
	for (entry = rib_first(bed.rib, prefix_make(0, 0)); entry; entry = rib_next(bed.rib, at)) {
		check(&bed, i < bed.model.n && same(entry, &bed.model.routes[i]));
		at = rib_prefix(entry);
		if (random_below(&bed.random, 2))
			del(&bed, at);
		if (random_below(&bed.random, 3) == 0)
			add(&bed, random_prefix(&bed.random, 0));
		i = model_after(&bed, at);
	}
	check(&bed, i == bed.model.n);
	bed_close(&bed);
}

static void test_empty(void **state)
{
	struct rib *rib = rib_new();
	struct walk unused = { 0 };

	(void)state;
	assert_non_null(rib);
	assert_int_equal(rib_count(rib), 0);
	assert_null(rib_find(rib, prefix_make(0, 0)));
	assert_null(rib_match(rib, UINT32_MAX));
	assert_null(rib_cover(rib, prefix_make(0, 0)));
	assert_null(rib_first(rib, prefix_make(0, 0)));
	assert_null(rib_next(rib, prefix_make(UINT32_MAX, 32)));
	assert_int_equal(rib_walk_below(rib, prefix_make(0, 0), walk_step, &unused), 0);
	rib_destroy(rib);
	rib_destroy(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_walk_restarts),
	};

	return cmocka_run_group_tests_name("rib", tests, NULL, NULL);
}
