// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random changes of user routes and of the kernel's in a world with little room, beside one that has room for all:
 * what is taken leads where it does there, and what is refused has changed nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "daemon/fib_internal.h"
#include "daemon/mirror_user.h"
#include "support_events.h"
#include "support_install.h"
#include "support_model.h"

enum { ROUTES = 24, STEPS = 120 };

struct history {
	struct world tight, wide; /* the same, but one has room for all */
	struct random random;
	struct prefix kernel[ROUTES];
	uint32_t devices[ROUTES], n_kernel;
	bool was_full[REC_WATCH];
	struct prefix full[128]; /* user routes */
	uint32_t n_full;
	uint32_t taken, refused, by[FIB_ROOM_ENGINE + 1], kernels, uncovered;
};

static void tell(struct history *h, int op, uint32_t i)
{
	char dst[PREFIX_STRLEN], gateway[24];
	struct world *both[] = { &h->tight, &h->wide };

	snprintf(gateway, sizeof(gateway), "10.0.%u.1", h->devices[i]);
	prefix_format(h->kernel[i], dst);
	for (int n = 0; n < 2; n++) {
		both[n]->rec->lenient = true;
		world_do(both[n], ev_route(op, dst, h->devices[i], gateway));
		both[n]->rec->lenient = false;
	}
}

static struct prefix some_prefix(struct history *h)
{
	static const uint8_t lens[] = { 8, 12, 16, 22, 24, 25, 26, 28, 32 };
	uint32_t addr = 20u << 24 | random_below(&h->random, 2) << 20 |
			random_below(&h->random, 2) << 16 | random_below(&h->random, 3) << 8 |
			random_below(&h->random, 4) << 6;

	return prefix_make(addr, lens[random_below(&h->random, sizeof(lens))]);
}

static void kernel_step(struct history *h)
{
	uint32_t i = 0;

	if (h->n_kernel && random_below(&h->random, 2)) {
		i = random_below(&h->random, h->n_kernel);
		tell(h, EVENT_DEL, i);
		h->kernel[i] = h->kernel[--h->n_kernel];
		h->devices[i] = h->devices[h->n_kernel];
		return;
	}
	if (h->n_kernel == ROUTES)
		return;
	h->kernel[h->n_kernel] = some_prefix(h);
	while (!prefix_equal(h->kernel[i], h->kernel[h->n_kernel]))
		i++;
	if (i < h->n_kernel)
		return;
	h->devices[i] = 2 + random_below(&h->random, 4);
	h->n_kernel++;
	tell(h, EVENT_NEW, i);
}

static void random_line(struct history *h, char *line)
{
	static const char *const actions[] = {
		"drop",
		"drop override",
		"pass",
		"pass comment x",
		"via 10.0.2.1 dev eth2",
		"via 10.0.3.7 dev eth3 override",
		"via 10.0.3.8 dev eth3",
		"via 10.0.3.9 dev eth3 lladdr 02:00:00:00:00:09",
		"redirect eth4",
		"redirect eth5 override",
		"dev eth2",
		"cpu 1-2",
		"nexthop via 10.0.2.1 dev eth2 nexthop via 10.0.3.1 dev eth3",
		"nexthop via 10.0.4.1 dev eth4 nexthop via 10.0.5.7 dev eth5 weight 2",
	};
	char dst[PREFIX_STRLEN];

	prefix_format(some_prefix(h), dst);
	sprintf(line, "replace %s %s", dst,
		actions[random_below(&h->random, sizeof(actions) / sizeof(actions[0]))]);
}

static void note_refusal(struct history *h, const char *line)
{
	static const char *const words[] = {
		[FIB_ROOM_SLOT] = "max-nexthops",
		[FIB_ROOM_GROUP] = "max-groups",
		[FIB_ROOM_ADJACENCY] = "max-adjacencies",
		[FIB_ROOM_PORT] = "max-ports",
		[FIB_ROOM_ENGINE] = "",
	};
	int i = FIB_ROOM_SLOT;

	while (!strstr(line, words[i]))
		i++;
	h->by[i]++;
	h->kernels += strstr(line, "the kernel's") != NULL;
	h->refused++;
}

static bool has_full(const struct answer *answer)
{
	for (uint32_t i = 0; i < answer->n; i++)
		if (answer->members[i].verdict == VERDICT_table_full)
			return true;
	return false;
}

/* By a route of the batch, other than one that says what it said, and had no room then. */
static bool is_by(const struct history *h, const struct user_batch *batch, uint32_t addr)
{
	struct resolved_route r;
	const struct rib_entry *entry = resolve_lookup(h->tight.mirror, addr, &r);

	if (!entry || !r.user || !user_batch_item(batch, rib_prefix(entry)))
		return false;
	for (uint32_t i = 0; i < h->n_full; i++)
		if (prefix_equal(h->full[i], rib_prefix(entry)))
			return false;
	return true;
}

/* All is as it would be with room for it, but for what found none when the kernel came with it. */
static void compare(struct history *h, const struct user_batch *batch)
{
	struct answer tight, wide;
	char is[512], should[512];

	for (uint32_t i = 0; i < h->tight.rec->n_watch; i++) {
		uint32_t addr = h->tight.rec->watch[i];

		recorder_lookup(h->tight.rec, addr, &tight);
		recorder_lookup(h->wide.rec, addr, &wide);
		if (answer_equal(&tight, &wide))
			continue;
		if (has_full(&tight) &&
		    (h->was_full[i] || !batch->needs_room || !is_by(h, batch, addr)))
			continue;
		fail_msg("%08x goes %s, not %s", addr, answer_format(&tight, is, sizeof(is)),
			 answer_format(&wide, should, sizeof(should)));
	}
}

static void note_full(struct history *h)
{
	const struct user_route *route = NULL;
	struct answer answer;

	h->n_full = 0;
	while ((route = mirror_user_next(h->tight.mirror, route))) {
		const struct rib_entry *entry = rib_find(mirror_rib(h->tight.mirror), route->dst);
		enum verdict verdict;

		if (fib_verdict(h->tight.fib, entry, &verdict, NULL) == 0 &&
		    verdict == VERDICT_table_full && h->n_full < 128)
			h->full[h->n_full++] = route->dst;
	}

	for (uint32_t i = 0; i < h->tight.rec->n_watch; i++) {
		recorder_lookup(h->tight.rec, h->tight.rec->watch[i], &answer);
		h->was_full[i] = has_full(&answer);
	}
}

/* Of one of the routes that are there. */
static bool random_del(struct history *h, char *line)
{
	uint32_t n = mirror_user_count(h->tight.mirror);
	const struct user_route *route = NULL;
	char dst[PREFIX_STRLEN];

	if (!n)
		return false;
	for (n = 1 + random_below(&h->random, n); n; n--)
		route = mirror_user_next(h->tight.mirror, route);
	sprintf(line, "del %s", prefix_format(route->dst, dst));
	return true;
}

static void random_batch(struct history *h, char *text)
{
	uint32_t n = 1 + random_below(&h->random, 6), dels = random_below(&h->random, 2) ? n : 0;
	char line[128];

	*text = '\0';
	for (; n; n--) {
		if (random_below(&h->random, 6) < (dels ? 4 : 1)) {
			if (!random_del(h, line) || strstr(text, strchr(line, ' ')))
				continue;
		} else {
			random_line(h, line);
		}
		sprintf(text + strlen(text), "%s\n", line);
	}
}

/* What comes to light then may be there until it has to go for another. */
static bool only_takes_away(const struct history *h, const struct user_batch *batch)
{
	for (uint32_t i = 0; i < batch->n; i++) {
		const struct user_route *route = &batch->items[i].command.route,
					*old = mirror_user_find(h->tight.mirror, route->dst);

		if (user_batch_decides(batch, &batch->items[i]) &&
		    batch->items[i].command.verb != USER_DEL &&
		    (!old || !mirror_user_same(old, route)))
			return false;
	}
	return true;
}

static void user_step(struct history *h)
{
	struct usage before, after;
	struct user_counts counts;
	struct change c, same;
	char text[2048];

	random_batch(h, text);
	install_read(&c, &h->tight, text);
	note_full(h);
	before = install_usage(&h->tight);
	h->tight.rec->lenient = only_takes_away(h, &c.batch);
	if (recorder_run(h->tight.rec, h->tight.fib, install_run, &c) == 0) {
		assert_true(c.batch.needs_room != h->tight.rec->lenient || !c.batch.n);
		install_read(&same, &h->wide, text);
		assert_int_equal(user_batch_apply(&same.batch, h->wide.mirror, &counts), 0);
		user_batch_free(&same.batch);
		assert_true(recorder_sync_unwatched(h->wide.rec, h->wide.fib) >= 0);
		assert_memory_equal(&counts, &c.counts, sizeof(counts));
		assert_true(!c.batch.needs_room || fib_full_counts(h->tight.fib) <= before.full);
		h->uncovered += fib_full_counts(h->tight.fib) > before.full;
		h->taken++;
	} else {
		assert_true(c.batch.needs_room);
		note_refusal(h, c.error.text);
		after = install_usage(&h->tight);
		assert_memory_equal(&before, &after, sizeof(before));
	}
	h->tight.rec->lenient = false;
	compare(h, &c.batch);
	user_batch_free(&c.batch);
}

static void histories(struct fib_limits limits, uint32_t routes, uint32_t dir24_rows,
		      const enum fib_room *expected, int n_expected)
{
	struct history sum = { .taken = 0 };
	const char *seed = getenv("TEST_SEED"), *rounds = getenv("TEST_ROUNDS");
	uint32_t first = seed ? atoi(seed) : 1, n = rounds ? atoi(rounds) : 5;

	for (uint32_t round = first; round < first + n; round++) {
		struct history h = { .taken = 0 };

		random_init(&h.random, 1);
		h.random.seed = h.random.state = round * 2654435761u + 1;
		install_world(&h.tight, limits, routes, dir24_rows);
		install_world(&h.wide, install_roomy, 512, 0);
		for (int i = 0; i < STEPS; i++) {
			if (random_below(&h.random, 3) == 0)
				kernel_step(&h);
			else
				user_step(&h);
			if (random_below(&h.random, 16) == 0)
				fib_reclaim(h.tight.fib, true);
		}
		sum.taken += h.taken;
		sum.refused += h.refused;
		sum.kernels += h.kernels;
		sum.uncovered += h.uncovered;
		for (int i = 0; i <= FIB_ROOM_ENGINE; i++)
			sum.by[i] += h.by[i];
		world_free(&h.tight);
		world_free(&h.wide);
	}
	print_message("%u taken, %u refused: slots %u, groups %u, adjacencies %u, ports %u, engine "
		      "%u; %u for the kernel's; %u deleted without room\n",
		      sum.taken, sum.refused, sum.by[FIB_ROOM_SLOT], sum.by[FIB_ROOM_GROUP],
		      sum.by[FIB_ROOM_ADJACENCY], sum.by[FIB_ROOM_PORT], sum.by[FIB_ROOM_ENGINE],
		      sum.kernels, sum.uncovered);
	assert_true(sum.taken > n * STEPS / 20);
	for (int i = 0; i < n_expected; i++)
		assert_true(sum.by[expected[i]] > n);
}

static void test_random_engine(void **state)
{
	static const enum fib_room engine[] = { FIB_ROOM_ENGINE };

	(void)state;
	histories(install_roomy, 9, 0, engine, 1);
	histories(install_roomy, REC_ROUTES, 3, engine, 1);
}

static void test_random_numbers(void **state)
{
	static const enum fib_room numbers[] = { FIB_ROOM_SLOT, FIB_ROOM_GROUP, FIB_ROOM_ADJACENCY,
						 FIB_ROOM_PORT };
	struct fib_limits tight = {
		.ports = 4, .adjacencies = 5, .nexthops = LEAF_FIRST_SLOT + 10, .groups = 2
	};

	(void)state;
	histories(tight, 512, 0, numbers, 4);
	tight.ports = 16;
	histories(tight, 12, 0, numbers, 1);
	histories(tight, REC_ROUTES, 4, numbers, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_engine),
		cmocka_unit_test(test_random_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
