// SPDX-License-Identifier: GPL-2.0-only
/*
 * User routes and the kernel's under random changes, against a list that is searched from one end to the
 * other: every watched address is answered as the precedence says, after every sync, and the
 * recorder's checks hold after every single write. At the end nothing is left behind. TEST_SEED,
 * TEST_ROUNDS and TEST_FILTER override.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "daemon/fib_internal.h"
#include "support_events.h"
#include "support_model.h"
#include "support_recorder.h"
#include "support_user.h"

enum {
	ROUTES = 40, /* at most, of either kind */
	DEVICES = 4, /* eth2 .. */
	FIRST = 2,
	STEPS = 120,
	WATCHED = 128, /* addresses; enough, for each is looked up after every write */
};

static const struct fib_limits roomy = {
	.ports = 32, .adjacencies = 64, .nexthops = 400, .groups = 64
};
static const struct fib_limits tiny = {
	.ports = 32, .adjacencies = 16, .nexthops = LEAF_FIRST_SLOT + 8, .groups = 3
};

struct kernel_route {
	struct prefix dst;
	bool local;
	uint32_t device;
};

struct history {
	struct world w;
	struct random random;
	struct kernel_route kernel[ROUTES];
	uint32_t n_kernel;
	struct user_route user[ROUTES];
	struct user_leg legs[ROUTES][3];
	uint32_t n_user;
	uint32_t ifindex[DEVICES]; /* 0: away */
	uint32_t next_ifindex;
	bool kernel_off, exact;
	uint32_t answers[VERDICT_COUNT], redirected;
};

static uint32_t failing_seed;

static uint32_t number(const char *name, uint32_t otherwise)
{
	const char *text = getenv(name);

	return text ? strtoul(text, NULL, 0) : otherwise;
}

static void tell(struct history *h, const struct event *ev)
{
	assert_int_equal(mirror_apply(h->w.mirror, ev), 0);
}

/* ---- the model ------------------------------------------------------------------------------- */

static uint64_t mac_of(uint32_t device)
{
	return 2 | (uint64_t)(10 * (device + 1)) << 40;
}

static const struct kernel_route *best_kernel(const struct history *h, uint32_t addr, bool local,
					      uint8_t longest)
{
	const struct kernel_route *best = NULL;

	for (uint32_t i = 0; i < h->n_kernel; i++) {
		const struct kernel_route *r = &h->kernel[i];

		if (r->local == local && r->dst.len <= longest &&
		    prefix_covers(r->dst, prefix_make(addr, 32)) &&
		    (!best || r->dst.len > best->dst.len))
			best = r;
	}
	return best;
}

/* Which of the user's routes, and of the kernel's, decides; by the words of user_route.h. */
static void decide(const struct history *h, uint32_t addr, const struct user_route **ret_user,
		   const struct kernel_route **ret_kernel)
{
	const struct user_route *user = NULL;
	uint8_t longest = 32;

	*ret_user = NULL;
	*ret_kernel = best_kernel(h, addr, true, 32);
	if (*ret_kernel)
		return;
	for (uint32_t i = 0; i < h->n_user; i++) {
		const struct user_route *r = &h->user[i];

		if (!prefix_covers(r->dst, prefix_make(addr, 32)))
			continue;
		if (!user || r->dst.len > user->dst.len)
			user = r;
		if (r->override && r->dst.len < longest)
			longest = r->dst.len;
	}
	if (!h->kernel_off)
		*ret_kernel = best_kernel(h, addr, false, longest);
	if (user && (!*ret_kernel || user->dst.len >= (*ret_kernel)->dst.len)) {
		*ret_user = user;
		*ret_kernel = NULL;
	}
}

static uint32_t device_named(const char *name)
{
	return name[3] - '0' - FIRST;
}

static void expect_verdict(struct answer *ret, uint32_t verdict)
{
	ret->n = 1;
	ret->verdict = ret->members[0].verdict = verdict;
}

static void expect_device(const struct history *h, uint32_t device, uint64_t mac,
			  struct answer *ret)
{
	expect_verdict(ret, h->ifindex[device] ? VERDICT_forwarded : VERDICT_egress_down);
	if (!h->ifindex[device])
		return;
	ret->members[0].ifindex = h->ifindex[device];
	ret->members[0].target = mac;
}

/* True: by that route, in equal shares. */
static bool is_share(const struct history *h, const struct user_route *user,
		     const struct answer *is)
{
	uint32_t living = 0;

	for (uint32_t i = 0; i < user->n_legs; i++) {
		uint32_t ifindex = h->ifindex[device_named(user->legs[i].dev)], found = 0;

		living += ifindex != 0;
		for (uint32_t m = 0; m < is->n; m++)
			found += is->members[m].ifindex == ifindex &&
				 is->members[m].target == mac_of(device_named(user->legs[i].dev));
		if (ifindex && found != 1)
			return false;
	}
	return living == is->n || (!living && is->verdict == VERDICT_egress_down);
}

static void expect(const struct history *h, const struct user_route *user,
		   const struct kernel_route *kernel, struct answer *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (!user && !kernel) {
		expect_verdict(ret, VERDICT_no_route);
	} else if (kernel && kernel->local) {
		expect_verdict(ret, VERDICT_local);
	} else if (kernel) {
		expect_device(h, kernel->device, mac_of(kernel->device), ret);
	} else if (user->action == USER_DROP || user->action == USER_PASS) {
		expect_verdict(ret,
			       user->action == USER_DROP ? VERDICT_dropped : VERDICT_user_pass);
	} else if (user->action == USER_REDIRECT) {
		expect_device(h, device_named(user->dev), 0, ret);
	} else if (user->action == USER_CPU) {
		expect_verdict(ret, VERDICT_cpu);
		ret->members[0].target =
			nexthop_cpus(user->first_cpu, user->last_cpu - user->first_cpu + 1);
	} else {
		expect_device(h, device_named(user->legs[0].dev),
			      mac_of(device_named(user->legs[0].dev)), ret);
	}
}

static bool has_full(const struct answer *answer)
{
	for (uint32_t i = 0; i < answer->n; i++)
		if (answer->members[i].verdict == VERDICT_table_full)
			return true;
	return false;
}

static void check(struct history *h, const char *when)
{
	char is_text[512], should_text[512], prefix[PREFIX_STRLEN];
	const struct kernel_route *kernel;
	const struct user_route *user;
	struct answer is, should;

	for (uint32_t i = 0; i < h->w.rec->n_watch; i++) {
		uint32_t addr = h->w.rec->watch[i];

		decide(h, addr, &user, &kernel);
		expect(h, user, kernel, &should);
		recorder_lookup(h->w.rec, addr, &is);
		h->answers[is.verdict]++;
		h->redirected += is.verdict == VERDICT_forwarded && !is.members[0].target;
		if (answer_equal(&is, &should) || (!h->exact && has_full(&is)) ||
		    (user && user->action == USER_NEXTHOPS && user->n_legs > 1 &&
		     is_share(h, user, &is)))
			continue;
		fail_msg("%s: %08x by %s %s goes %s, not %s", when, addr,
			 user	  ? "user"
			 : kernel ? "kernel"
				  : "none",
			 user || kernel ? prefix_format(user ? user->dst : kernel->dst, prefix)
					: "",
			 answer_format(&is, is_text, sizeof(is_text)),
			 answer_format(&should, should_text, sizeof(should_text)));
	}
}

/* ---- changes --------------------------------------------------------------------------------- */

static void watch(struct history *h, struct prefix prefix)
{
	if (h->w.rec->n_watch + EDGES <= WATCHED)
		recorder_watch_edges(h->w.rec, prefix);
}

static struct prefix some_prefix(struct history *h)
{
	/* Often one that is there already, of either side: equal and nested prefixes matter. */
	if (h->n_kernel && random_below(&h->random, 4) == 0)
		return h->kernel[random_below(&h->random, h->n_kernel)].dst;
	if (h->n_user && random_below(&h->random, 4) == 0)
		return h->user[random_below(&h->random, h->n_user)].dst;
	return random_prefix(&h->random, 0);
}

static void kernel_event(struct history *h, int op, const struct kernel_route *r)
{
	char dst[PREFIX_STRLEN], gateway[24];
	struct event *ev;

	snprintf(gateway, sizeof(gateway), "10.0.%u.1", r->device + FIRST);
	prefix_format(r->dst, dst);
	ev = ev_route(op, dst, h->ifindex[r->device], r->local ? NULL : gateway);
	if (r->local) {
		ev->route.table = RT_TABLE_LOCAL;
		ev->route.type = RTN_LOCAL;
	}
	tell(h, ev);
}

static void kernel_add(struct history *h)
{
	struct kernel_route r = { .dst = some_prefix(h) };

	r.local = random_below(&h->random, 8) == 0;
	r.device = random_below(&h->random, DEVICES);
	/* 127/8 of the table local covers nothing, and is of no interest. */
	if (h->n_kernel == ROUTES || !h->ifindex[r.device] || (r.local && r.dst.len < 16))
		return;
	for (uint32_t i = 0; i < h->n_kernel; i++)
		if (prefix_equal(h->kernel[i].dst, r.dst) && h->kernel[i].local == r.local)
			return;
	watch(h, r.dst);
	h->kernel[h->n_kernel++] = r;
	kernel_event(h, EVENT_NEW, &r);
}

static void kernel_del(struct history *h, uint32_t i)
{
	kernel_event(h, EVENT_DEL, &h->kernel[i]);
	h->kernel[i] = h->kernel[--h->n_kernel];
}

static void name_of(struct history *h, char dev[IFNAMSIZ])
{
	snprintf(dev, IFNAMSIZ, "eth%u", FIRST + random_below(&h->random, DEVICES));
}

static void random_legs(struct history *h, struct user_route *route, struct user_leg *legs)
{
	route->n_legs = random_below(&h->random, 3) ? 1 : 2 + random_below(&h->random, 2);
	for (uint32_t i = 0; i < route->n_legs; i++) {
		char gateway[24];

		/* Different devices: who shares is told by them. */
		snprintf(legs[i].dev, sizeof(legs[i].dev), "eth%u",
			 FIRST + (i + route->dst.len) % DEVICES);
		snprintf(gateway, sizeof(gateway), "10.0.%c.1", legs[i].dev[3]);
		legs[i].gateway = ip4(gateway);
		legs[i].weight = 1;
		legs[i].has_lladdr = random_below(&h->random, 4) == 0;
		memcpy(legs[i].lladdr, (uint8_t[]){ 2, 0, 0, 0, 0 }, 5);
		legs[i].lladdr[5] = 10 * (device_named(legs[i].dev) + 1);
	}
}

static void user_put(struct history *h)
{
	struct user_leg legs[3] = { 0 };
	struct user_route route = { .dst = some_prefix(h), .legs = legs };
	uint32_t i = 0;

	route.action = random_below(&h->random, USER_CPU + 1);
	route.override = random_below(&h->random, 4) == 0;
	if (route.action == USER_NEXTHOPS)
		random_legs(h, &route, legs);
	name_of(h, route.dev);
	route.first_cpu = random_below(&h->random, 4);
	route.last_cpu = route.first_cpu + random_below(&h->random, 4);
	while (i < h->n_user && !prefix_equal(h->user[i].dst, route.dst))
		i++;
	if (i == ROUTES)
		return;
	h->n_user += i == h->n_user;
	watch(h, route.dst);
	assert_int_equal(mirror_user_set(h->w.mirror, &route), 0);
	h->user[i] = route;
	memcpy(h->legs[i], legs, sizeof(legs));
	h->user[i].legs = h->legs[i];
}

static void user_drop(struct history *h, uint32_t i)
{
	assert_int_equal(mirror_user_del(h->w.mirror, h->user[i].dst), 0);
	h->n_user--;
	h->user[i] = h->user[h->n_user];
	memcpy(h->legs[i], h->legs[h->n_user], sizeof(h->legs[i]));
	h->user[i].legs = h->legs[i];
}

/* A device goes, and with it, unannounced to us, its routes; or it comes back with another number. */
static void device_turn(struct history *h, uint32_t device)
{
	char gateway[24];
	struct event *ev;

	if (h->ifindex[device]) {
		for (uint32_t i = h->n_kernel; i-- > 0;)
			if (h->kernel[i].device == device)
				kernel_del(h, i);
		tell(h, ev_link(EVENT_DEL, h->ifindex[device], 0));
		h->ifindex[device] = 0;
		return;
	}
	h->ifindex[device] = h->next_ifindex;
	h->next_ifindex = h->next_ifindex == REC_LINKS - 1 ? 16 : h->next_ifindex + 1;
	ev = ev_link(EVENT_NEW, h->ifindex[device], LINK_RUNS);
	snprintf(ev->link.name, sizeof(ev->link.name), "eth%u", FIRST + device);
	tell(h, ev);
	tell(h, ev_netconf(EVENT_NEW, h->ifindex[device], 1, 0));
	snprintf(gateway, sizeof(gateway), "10.0.%u.1", FIRST + device);
	tell(h, ev_neighbour(EVENT_NEW, h->ifindex[device], gateway, NUD_REACHABLE,
			     10 * (device + 1)));
}

static void step(struct history *h)
{
	uint32_t what = random_below(&h->random, 16);

	if (what < 5)
		kernel_add(h);
	else if (what < 11)
		user_put(h);
	else if (what < 12 && h->n_kernel)
		kernel_del(h, random_below(&h->random, h->n_kernel));
	else if (what < 14 && h->n_user)
		user_drop(h, random_below(&h->random, h->n_user));
	else if (what == 14)
		device_turn(h, random_below(&h->random, DEVICES));
	else if (what == 15 && random_below(&h->random, 8) == 0)
		mirror_set_kernel_routes(h->w.mirror, !(h->kernel_off = !h->kernel_off));
}

/* A dump of everything there is: the user's routes are in none, and stay. */
static void resync(struct history *h)
{
	mirror_resync_begin(h->w.mirror);
	world_base(h->w.mirror, EVENT_DUMP);
	for (uint32_t i = 2; i <= 5; i++)
		tell(h, ev_link(EVENT_DEL, i, 0));
	for (uint32_t d = 0; d < DEVICES; d++) {
		char gateway[24];
		struct event *ev;

		if (!h->ifindex[d])
			continue;
		ev = ev_link(EVENT_DUMP, h->ifindex[d], LINK_RUNS);
		snprintf(ev->link.name, sizeof(ev->link.name), "eth%u", FIRST + d);
		tell(h, ev);
		tell(h, ev_netconf(EVENT_DUMP, h->ifindex[d], 1, 0));
		snprintf(gateway, sizeof(gateway), "10.0.%u.1", FIRST + d);
		tell(h,
		     ev_neighbour(EVENT_DUMP, h->ifindex[d], gateway, NUD_REACHABLE, 10 * (d + 1)));
	}
	for (uint32_t i = 0; i < h->n_kernel; i++)
		kernel_event(h, EVENT_DUMP, &h->kernel[i]);
	mirror_resync_end(h->w.mirror);
}

static void settle(struct history *h, const char *when, bool lenient)
{
	h->w.rec->lenient = lenient;
	assert_true(recorder_sync(h->w.rec, h->w.fib) >= 0);
	check(h, when);
}

static void begin(struct history *h, struct fib_limits limits, uint32_t routes, uint32_t dir24_rows,
		  uint32_t seed)
{
	failing_seed = seed;
	memset(h, 0, sizeof(*h));
	random_init(&h->random, seed);
	h->random.seed = h->random.state = seed * 2654435761u + 1;
	h->exact = limits.nexthops == roomy.nexthops && routes > 2 * ROUTES;
	h->next_ifindex = 16;
	world_new(&h->w, limits, routes, dir24_rows);
	for (uint32_t i = 2; i <= 5; i++)
		tell(h, ev_link(EVENT_DEL, i, 0));
	for (uint32_t d = 0; d < DEVICES; d++)
		device_turn(h, d);
	resync(h);
	settle(h, "start", true);
}

static void end(struct history *h)
{
	if (h->kernel_off)
		mirror_set_kernel_routes(h->w.mirror, true);
	h->kernel_off = false;
	for (uint32_t d = 0; d < DEVICES; d++)
		if (!h->ifindex[d])
			device_turn(h, d);
	resync(h);
	settle(h, "end", true);
	while (h->n_user)
		user_drop(h, random_below(&h->random, h->n_user));
	settle(h, "without user routes", true);
	while (h->n_kernel)
		kernel_del(h, h->n_kernel - 1);
	settle(h, "without any", true);
	assert_int_equal(rib_count(mirror_rib(h->w.mirror)), 0);
	assert_int_equal(h->w.rec->n_routes, 0);
	assert_int_equal(h->w.mirror->nexthops.live, 0);
	assert_int_equal(h->w.mirror->user.slots + h->w.mirror->user.rows, 0);
	assert_int_equal(h->w.mirror->user.n_overrides, 0);
	assert_int_equal(h->w.fib->legs.count, 0);
	assert_int_equal(h->w.fib->victims.count + h->w.fib->marks.count, 0);
	for (uint32_t cpu = 0; cpu < REC_CPUS; cpu++)
		assert_false(h->w.rec->cpus[cpu]);
	world_free(&h->w);
}

static void churn(struct fib_limits limits, uint32_t routes, uint32_t dir24_rows, uint32_t rounds,
		  uint32_t batch)
{
	uint32_t seed = number("TEST_SEED", 1), answers[VERDICT_COUNT] = { 0 }, redirected = 0;

	rounds = number("TEST_ROUNDS", rounds);
	for (uint32_t round = 0; round < rounds; round++) {
		struct history h;

		begin(&h, limits, routes, dir24_rows, seed + round);
		for (uint32_t i = 0; i < STEPS; i++) {
			const char *why;

			for (uint32_t n = 0; n < batch; n++)
				step(&h);
			if (mirror_wants_resync(h.w.mirror, &why))
				resync(&h);
			settle(&h, "step", true);
			if (random_below(&h.random, 16) == 0)
				fib_reclaim(h.w.fib, true);
		}
		end(&h);
		for (uint32_t v = 0; v < VERDICT_COUNT; v++)
			answers[v] += h.answers[v];
		redirected += h.redirected;
	}
	print_message(
		"%u rounds: %u forwarded, %u of them redirected, %u dropped, %u passed, %u to "
		"CPUs, %u local, %u down, %u full\n",
		rounds, answers[VERDICT_forwarded], redirected, answers[VERDICT_dropped],
		answers[VERDICT_user_pass], answers[VERDICT_cpu], answers[VERDICT_local],
		answers[VERDICT_egress_down], answers[VERDICT_table_full]);
	assert_true(redirected && answers[VERDICT_dropped] && answers[VERDICT_cpu] &&
		    answers[VERDICT_local] && answers[VERDICT_egress_down]);
}

static int say_seed(void **state)
{
	(void)state;
	print_message("last seed %u\n", failing_seed);
	return 0;
}

static void test_list_engine(void **state)
{
	(void)state;
	churn(roomy, REC_ROUTES, 0, 8, 1);
}

static void test_batches(void **state)
{
	(void)state;
	churn(roomy, REC_ROUTES, 0, 3, 9);
}

static void test_dir24(void **state)
{
	(void)state;
	churn(roomy, REC_ROUTES, 128, 3, 2);
}

static void test_engine_full(void **state)
{
	(void)state;
	churn(roomy, 15, 0, 6, 1);
}

static void test_slots_full(void **state)
{
	(void)state;
	churn(tiny, REC_ROUTES, 0, 4, 1);
	churn(tiny, 15, 0, 2, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_list_engine, say_seed),
		cmocka_unit_test_teardown(test_batches, say_seed),
		cmocka_unit_test_teardown(test_dir24, say_seed),
		cmocka_unit_test_teardown(test_engine_full, say_seed),
		cmocka_unit_test_teardown(test_slots_full, say_seed),
	};

	cmocka_set_test_filter(getenv("TEST_FILTER"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
