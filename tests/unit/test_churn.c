// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mirror and fib together under random histories of a modelled kernel.
 *
 * After every sync: no packet goes where the kernel would not send it, also before a resync; the
 * recorder's checks hold after every single write. At the end the answers are those of a new mirror
 * and fib that are given the final state by a dump. TEST_SEED, TEST_ROUNDS
 * and TEST_FILTER override.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "daemon/fib_internal.h"
#include "support_kernel.h"

static const struct fib_limits roomy = {
	.ports = 16, .adjacencies = 64, .nexthops = 256, .groups = 64
};
static const struct fib_limits tiny = {
	.ports = 4, .adjacencies = 6, .nexthops = LEAF_FIRST_SLOT + 5, .groups = 3
};

struct churn {
	struct world w;
	struct kernel k;
	unsigned int seed;
	uint32_t forwards, full;
	unsigned int batch;
	bool exact; /* enough room: also which reason must be the same */
};

static uint32_t number(const char *name, uint32_t otherwise)
{
	const char *text = getenv(name);

	return text ? strtoul(text, NULL, 0) : otherwise;
}

static void watch_kernel(struct churn *c)
{
	for (uint32_t i = 0; i < c->k.n_routes; i++)
		recorder_watch_edges(c->w.rec, c->k.routes[i].dst);
}

/* What the mirror knows of the address. */
static void mirror_explain(const struct mirror *mirror, uint32_t addr)
{
	const struct rib_entry *entry = rib_match(mirror_rib(mirror), addr);
	const struct mirror_candidate *cand;
	char text[PREFIX_STRLEN];

	for (; entry; entry = rib_cover(mirror_rib(mirror), rib_prefix(entry))) {
		print_error("mirror: %s leaf %d:", prefix_format(rib_prefix(entry), text),
			    (int)entry->installed);
		for (uint32_t h = entry->candidates; h; h = cand->next) {
			const struct mirror_nexthop *nh;

			cand = mirror_candidate(mirror, h);
			nh = cand->nexthop ? mirror_nexthop(mirror, cand->nexthop) : NULL;
			print_error(" [table %u tos %u prio %u type %u nhid %u legs %u if%u]",
				    cand->table, cand->tos, cand->priority, cand->type,
				    nh ? nh->nhid : 0, nh ? nh->n_legs : 0,
				    nh && nh->n_legs ? nh->legs[0].oif : 0);
		}
		print_error("\n");
	}
}

static void check_kernel(struct churn *c, const char *when)
{
	struct answer answer;
	char text[512];

	if (c->w.rec->hold)
		return;
	for (uint32_t i = 0; i < c->w.rec->n_watch; i++) {
		recorder_lookup(c->w.rec, c->w.rec->watch[i], &answer);
		c->forwards += answer.verdict == VERDICT_forwarded;
		c->full += answer.verdict == VERDICT_table_full;
		if (kernel_agrees(&c->k, c->w.rec->watch[i], &answer))
			continue;
		kernel_explain(&c->k, c->w.rec->watch[i]);
		mirror_explain(c->w.mirror, c->w.rec->watch[i]);
		fail_msg("%s: %08x goes %s, not the kernel's way", when, c->w.rec->watch[i],
			 answer_format(&answer, text, sizeof(text)));
	}
}

static void sync_and_check(struct churn *c, const char *when)
{
	watch_kernel(c);
	c->w.rec->lenient = c->batch > 1 || strcmp(when, "step") != 0;
	assert_true(recorder_sync(c->w.rec, c->w.fib) >= 0);
	check_kernel(c, when);
}

/* A dump in the middle of things: some of what it shows is announced only afterwards. */
static void resync(struct churn *c)
{
	uint32_t late = rand_r(&c->seed) % 4;

	if (rand_r(&c->seed) % 2)
		kernel_deliver(&c->k, c->w.mirror);
	mirror_resync_begin(c->w.mirror);
	while (late--)
		kernel_step(&c->k, &c->seed);
	kernel_dump(&c->k, c->w.mirror);
	mirror_resync_end(c->w.mirror);
	kernel_deliver(&c->k, c->w.mirror);
	sync_and_check(c, "resync");
}

static void resync_until_quiet(struct churn *c)
{
	kernel_deliver(&c->k, c->w.mirror);
	sync_and_check(c, "end");
	mirror_resync_begin(c->w.mirror);
	kernel_dump(&c->k, c->w.mirror);
	mirror_resync_end(c->w.mirror);
	sync_and_check(c, "last resync");
	assert_false(mirror_wants_resync(c->w.mirror, NULL));
}

static void compare_with_fresh(struct churn *c, struct fib_limits limits, uint32_t routes)
{
	struct answer is, should;
	struct world fresh;
	char a[512], b[512];

	world_new(&fresh, limits, routes, 0);
	mirror_resync_begin(fresh.mirror);
	kernel_dump(&c->k, fresh.mirror);
	mirror_resync_end(fresh.mirror);
	assert_true(fib_sync(fresh.fib) >= 0);
	for (uint32_t i = 0; i < c->w.rec->n_watch; i++) {
		recorder_lookup(c->w.rec, c->w.rec->watch[i], &is);
		recorder_lookup(fresh.rec, c->w.rec->watch[i], &should);
		if (answer_equal(&is, &should))
			continue;
		mirror_explain(c->w.mirror, c->w.rec->watch[i]);
		fail_msg("%08x goes %s, but %s when made anew", c->w.rec->watch[i],
			 answer_format(&is, a, sizeof(a)), answer_format(&should, b, sizeof(b)));
	}
	world_free(&fresh);
}

/* Nothing left behind once everything is gone. */
static void check_empty(struct churn *c)
{
	while (c->k.n_routes)
		kernel_route_del(&c->k, c->k.n_routes - 1);
	resync_until_quiet(c);
	assert_int_equal(rib_count(mirror_rib(c->w.mirror)), 0);
	assert_int_equal(c->w.rec->n_routes, 0);
	assert_int_equal(c->w.mirror->candidates.live, 0);
	assert_int_equal(c->w.mirror->nexthops.live, 0);
	assert_int_equal(c->w.mirror->default_candidates, 0);
	assert_int_equal(c->w.mirror->wide_locals, 0);
	assert_int_equal(c->w.mirror->custom_locals, 0);
	assert_int_equal(c->w.fib->legs.count, 0);
	assert_int_equal(c->w.fib->victims.count, 0);
	assert_int_equal(c->w.fib->marks.count, 0);
	assert_int_equal(c->w.fib->slot_numbers.n_quarantine + c->w.fib->slot_numbers.n_free,
			 c->w.fib->slot_numbers.next - c->w.fib->slot_numbers.first);
	assert_int_equal(c->w.fib->row_numbers.n_quarantine + c->w.fib->row_numbers.n_free,
			 c->w.fib->row_numbers.next - c->w.fib->row_numbers.first);
}

static void one_history(struct churn *c, uint32_t steps)
{
	recorder_watch(c->w.rec, 0x0a000201);
	recorder_watch(c->w.rec, 0x0a000301);
	for (uint32_t step = 0; step < steps; step++) {
		for (unsigned int i = 0; i < c->batch; i++)
			kernel_step(&c->k, &c->seed);
		kernel_deliver(&c->k, c->w.mirror);
		sync_and_check(c, "step");
		if (mirror_wants_resync(c->w.mirror, NULL) && rand_r(&c->seed) % 4 == 0)
			resync(c);
		if (rand_r(&c->seed) % 16 == 0)
			fib_reclaim(c->w.fib, true);
	}
}

static uint32_t failing_seed;

/* The seed of the round that failed, to be given as TEST_SEED. */
static int say_seed(void **state)
{
	(void)state;
	print_message("last seed %u\n", failing_seed);
	return 0;
}

static void churn(struct fib_limits limits, uint32_t routes, uint32_t dir24_rows, uint32_t rounds,
		  unsigned int batch)
{
	uint32_t seed = number("TEST_SEED", 1);
	uint32_t forwards = 0, full = 0;

	rounds = number("TEST_ROUNDS", rounds);
	for (uint32_t round = 0; round < rounds; round++) {
		struct churn c = { .seed = seed + round,
				   .batch = batch,
				   .exact = limits.groups == roomy.groups };

		failing_seed = seed + round;
		kernel_init(&c.k);
		c.k.compat_mode = round & 1;
		world_new(&c.w, limits, routes, dir24_rows);
		kernel_dump(&c.k, c.w.mirror);
		assert_true(fib_sync(c.w.fib) >= 0);
		one_history(&c, 150);
		resync_until_quiet(&c);
		if (c.exact && routes > KERNEL_ROUTES && dir24_rows != 2)
			compare_with_fresh(&c, limits, routes);
		/* What was full heals: with a few routes left it is as if made anew. */
		while (c.k.n_routes > (c.exact ? 2 : 1))
			kernel_route_del(&c.k, rand_r(&c.seed) % c.k.n_routes);
		resync_until_quiet(&c);
		if (c.exact)
			compare_with_fresh(&c, limits, routes);
		check_empty(&c);
		forwards += c.forwards;
		full += c.full;
		kernel_free(&c.k);
		world_free(&c.w);
	}
	print_message("%u rounds: %u answers forwarded, %u table_full\n", rounds, forwards, full);
	assert_true(forwards > 0);
}

static void test_list_engine(void **state)
{
	(void)state;
	churn(roomy, REC_ROUTES, 0, 25, 1);
}

static void test_batches(void **state)
{
	(void)state;
	churn(roomy, REC_ROUTES, 0, 10, 7);
}

static void test_dir24(void **state)
{
	(void)state;
	churn(roomy, REC_ROUTES, 64, 15, 2);
}

static void test_list_engine_full(void **state)
{
	(void)state;
	churn(roomy, 12, 0, 25, 1);
}

static void test_dir24_rows_full(void **state)
{
	(void)state;
	churn(roomy, REC_ROUTES, 2, 25, 1);
}

static void test_everything_full(void **state)
{
	(void)state;
	churn(tiny, 10, 0, 25, 1);
	churn(tiny, 10, 0, 10, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_list_engine, say_seed),
		cmocka_unit_test_teardown(test_batches, say_seed),
		cmocka_unit_test_teardown(test_dir24, say_seed),
		cmocka_unit_test_teardown(test_list_engine_full, say_seed),
		cmocka_unit_test_teardown(test_dir24_rows_full, say_seed),
		cmocka_unit_test_teardown(test_everything_full, say_seed),
	};

	cmocka_set_test_filter(getenv("TEST_FILTER"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
