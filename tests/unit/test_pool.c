/* SPDX-License-Identifier: GPL-2.0-only */
/* pool: handles are unique and never 0, objects start zeroed and stay where they are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "daemon/pool.h"
#include "support_model.h"

struct object {
	uint32_t first; /* overlaid by the pool's free list */
	uint32_t tag;
	void *self;
};

enum { OBJECTS = 5000 };

static uint32_t take(struct pool *pool, uint32_t tag)
{
	uint32_t handle = pool_alloc(pool);
	struct object *object = pool_get(pool, handle);

	assert_int_not_equal(handle, 0);
	assert_int_equal(object->first, 0);
	assert_int_equal(object->tag, 0);
	assert_null(object->self);
	*object = (struct object){ .first = ~tag, .tag = tag, .self = object };
	return handle;
}

static void assert_holds(const struct pool *pool, uint32_t handle, uint32_t tag)
{
	struct object *object = pool_get(pool, handle);

	assert_ptr_equal(object->self, object);
	assert_int_equal(object->tag, tag);
	assert_int_equal(object->first, ~tag);
}

static void test_random(void **state)
{
	static uint32_t handles[OBJECTS];
	struct random random;
	struct pool pool;
	uint32_t live = 0;

	(void)state;
	memset(handles, 0, sizeof(handles));
	random_init(&random, 1);
	pool_init(&pool, sizeof(struct object));
	for (uint32_t step = 1; step < 20 * OBJECTS; step++) {
		uint32_t i = random_below(&random, OBJECTS);

		if (handles[i]) {
			assert_holds(&pool, handles[i], i);
			pool_free(&pool, handles[i]);
			handles[i] = 0;
			live--;
		} else {
			handles[i] = take(&pool, i);
			live++;
		}
		assert_int_equal(pool.live, live);
	}
	for (uint32_t i = 0; i < OBJECTS; i++) {
		if (handles[i])
			assert_holds(&pool, handles[i], i);
	}
	pool_destroy(&pool);
}

static void test_reuse(void **state)
{
	struct pool pool;
	uint32_t used;

	(void)state;
	pool_init(&pool, sizeof(struct object));
	for (uint32_t i = 0; i < OBJECTS; i++)
		take(&pool, i);
	used = pool.used;
	for (uint32_t handle = 1; handle < used; handle++)
		pool_free(&pool, handle);
	pool_free(&pool, 0);
	assert_int_equal(pool.live, 0);
	for (uint32_t i = 0; i < OBJECTS; i++)
		take(&pool, i);
	assert_int_equal(pool.used, used);
	pool_destroy(&pool);
	assert_int_equal(pool.live, 0);
	take(&pool, 1);
	pool_destroy(&pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_reuse),
	};

	return cmocka_run_group_tests_name("pool", tests, NULL, NULL);
}
