// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is above a device, as the mirror keeps it: random histories of links against a walk over all.
 *
 * Links name devices below them that come later, are gone, are themselves, or have another's index by now;
 * dumps leave some out. After every event the lists are those of a walk, and what ports are is what a new
 * mirror says that is told the same links in another order. TEST_SEED, TEST_ROUNDS override.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <linux/if_link.h>
#include "daemon/mirror_internal.h"
#include "daemon/resolve.h"
#include "support_events.h"
#include "support_model.h"

enum {
	INDEXES = 40, /* of links: 1..INDEXES */
	STEPS = 400,  /* of one history */
};

static uint64_t number(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 0) : otherwise;
}

static uint32_t random_index(struct random *random)
{
	return 1 + random_below(random, INDEXES);
}

/* Half of them above another device, most of these above one of a few. */
static struct event *random_link(struct random *random, int op)
{
	static const char *const kinds[] = { "macvlan", "macvlan", "macvtap", "ipvlan",
					     "macsec",	"veth",	   "vlan" };
	struct event *ev = ev_link(op, random_index(random), LINK_RUNS);

	if (random_below(random, 2))
		ev->link.lower = random_below(random, 4) ? 1 + random_below(random, 4)
							 : random_index(random);
	snprintf(ev->link.kind, sizeof(ev->link.kind), "%s",
		 kinds[random_below(random, sizeof(kinds) / sizeof(kinds[0]))]);
	ev->link.macvlan_mode = 1 << random_below(random, 5);
	ev->link.mac[5] = random_below(random, 4) ? ev->link.ifindex : random_index(random);
	if (!random_below(random, 8))
		ev->link.flags = 0;
	return ev;
}

static void apply(struct mirror *mirror, const struct event *ev)
{
	assert_int_equal(mirror_apply(mirror, ev), 0);
}

/* Some links as they are, some as they have become, some not at all. */
static void resync(struct mirror *mirror, struct random *random)
{
	struct event *ev;

	mirror_resync_begin(mirror);
	for (uint32_t i = 1; i <= INDEXES; i++) {
		const struct mirror_link *link = mirror_link(mirror, i);

		if (!link || !random_below(random, 8))
			continue;
		ev = ev_link(EVENT_DUMP, i, 0);
		ev->link = link->e;
		if (!random_below(random, 8))
			ev->link.lower = random_index(random);
		apply(mirror, ev);
	}
	for (uint32_t n = random_below(random, 4); n > 0; n--) {
		ev = random_link(random, random_below(random, 2) ? EVENT_NEW : EVENT_DEL);
		apply(mirror, ev);
	}
	mirror_resync_end(mirror);
	if (random_below(random, 2))
		mirror_replay_end(mirror);
}

static void step(struct mirror *mirror, struct random *random)
{
	switch (random_below(random, 8)) {
	case 0:
	case 1:
		apply(mirror, ev_link(EVENT_DEL, random_index(random), 0));
		break;
	case 2: /* a link that is not there yet gets its settings */
		apply(mirror, ev_netconf(EVENT_NEW, random_index(random), 1, 0));
		break;
	case 3:
		if (!random_below(random, 8))
			resync(mirror, random);
		break;
	default:
		apply(mirror, random_link(random, EVENT_NEW));
	}
}

/* The next one after it by a walk over all links. */
static const struct mirror_link *walk(const struct mirror *mirror, uint32_t lower, uint32_t after)
{
	const struct mirror_link *link = mirror_next_link(mirror, after);

	while (link && link->e.lower != lower)
		link = mirror_next_link(mirror, link->e.ifindex);
	return link;
}

/* Returns how many there are. */
static uint32_t check_lists(const struct mirror *mirror)
{
	uint32_t n = 0;

	for (uint32_t lower = 1; lower <= INDEXES + 1; lower++) {
		const struct mirror_link *link;
		uint32_t i = 0;

		do {
			link = mirror_next_upper(mirror, lower, i);
			assert_ptr_equal(link, walk(mirror, lower, i));
			i = link ? link->e.ifindex : 0;
			n += link != NULL;
		} while (link);
	}
	assert_int_equal(mirror->n_uppers, n);
	assert_null(mirror_next_upper(mirror, 1, UINT32_MAX));
	return n;
}

/* A new mirror, told of the links from the last to the first. */
static struct mirror *retold(const struct mirror *mirror)
{
	struct mirror *fresh = mirror_new();
	struct event *ev;

	assert_non_null(fresh);
	for (uint32_t i = INDEXES; i > 0; i--) {
		const struct mirror_link *link = mirror_link(mirror, i);

		if (!link)
			continue;
		apply(fresh, ev_netconf(EVENT_NEW, i, link->forwarding, link->rp_filter));
		ev = ev_link(EVENT_NEW, i, 0);
		ev->link = link->e;
		apply(fresh, ev);
	}
	return fresh;
}

static void check_ports(const struct mirror *mirror)
{
	struct mirror *fresh = retold(mirror);
	const struct mirror_link *link = mirror_next_link(mirror, 0);

	for (; link; link = mirror_next_link(mirror, link->e.ifindex)) {
		struct port was, is;

		memset(&was, 0, sizeof(was));
		memset(&is, 0, sizeof(is));
		assert_int_equal(resolve_port(mirror, link, &was),
				 resolve_port(fresh, mirror_link(fresh, link->e.ifindex), &is));
		assert_memory_equal(&was, &is, sizeof(was));
	}
	mirror_destroy(fresh);
}

static void test_histories(void **state)
{
	uint64_t seed = number("TEST_SEED", 0), first = seed ? seed : 1;
	uint64_t rounds = seed ? 1 : number("TEST_ROUNDS", 40);
	uint32_t most = 0;

	(void)state;
	for (seed = first; seed < first + rounds; seed++) {
		struct mirror *mirror = mirror_new();
		struct random random;

		assert_non_null(mirror);
		random_init(&random, seed);
		for (int i = 0; i < STEPS; i++) {
			uint32_t n;

			step(mirror, &random);
			n = check_lists(mirror);
			most = n > most ? n : most;
			if (i % 16 == 0)
				check_ports(mirror);
		}
		mirror_destroy(mirror);
	}
	/* Enough to be a test, and for the arrays to have grown. */
	assert_true(most > 12);
}

/* The device below comes after those above it, goes before them, and another takes its index. */
static void test_before_and_after(void **state)
{
	struct mirror *mirror = mirror_new();
	struct event *ev = ev_link(EVENT_NEW, 7, LINK_RUNS);

	(void)state;
	assert_non_null(mirror);
	ev->link.lower = 3;
	apply(mirror, ev);
	assert_int_equal(mirror_next_upper(mirror, 3, 0)->e.ifindex, 7);
	assert_null(mirror_next_upper(mirror, 3, 7));
	assert_null(mirror_next_upper(mirror, 2, 0));
	apply(mirror, ev_link(EVENT_NEW, 3, LINK_RUNS));
	assert_int_equal(mirror_next_upper(mirror, 3, 0)->e.ifindex, 7);
	apply(mirror, ev_link(EVENT_DEL, 3, 0));
	assert_int_equal(mirror_next_upper(mirror, 3, 0)->e.ifindex, 7);
	apply(mirror, ev_link(EVENT_DEL, 7, 0));
	assert_null(mirror_next_upper(mirror, 3, 0));
	apply(mirror, ev_link(EVENT_NEW, 7, LINK_RUNS)); /* above nothing */
	assert_null(mirror_next_upper(mirror, 3, 0));
	assert_null(mirror_next_upper(mirror, 0, 0));
	mirror_destroy(mirror);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_histories),
		cmocka_unit_test(test_before_and_after),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
