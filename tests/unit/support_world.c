// SPDX-License-Identifier: GPL-2.0-only
/* The usual world of a test: a mirror, a recorder and a fib between them. */
#include "support_recorder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <linux/netconf.h>
#include "support_events.h"

void world_base(struct mirror *mirror, int op)
{
	assert_int_equal(mirror_apply(mirror, ev_rule(op, 0, RT_TABLE_LOCAL)), 0);
	assert_int_equal(mirror_apply(mirror, ev_rule(op, 32766, RT_TABLE_MAIN)), 0);
	assert_int_equal(mirror_apply(mirror, ev_rule(op, 32767, RT_TABLE_DEFAULT)), 0);
	mirror_apply(mirror, ev_netconf(op, NETCONFA_IFINDEX_ALL, 1, 0));
	for (uint32_t i = 2; i <= 5; i++) {
		mirror_apply(mirror, ev_link(op, i, LINK_RUNS));
		mirror_apply(mirror, ev_netconf(op, i, 1, 0));
	}
}

void world_new(struct world *w, struct fib_limits limits, uint32_t route_limit, uint32_t dir24_rows)
{
	w->mirror = mirror_new();
	assert_non_null(w->mirror);
	mirror_resync_begin(w->mirror);
	world_base(w->mirror, EVENT_DUMP);
	mirror_resync_end(w->mirror);
	w->rec = recorder_new(limits, route_limit, dir24_rows);
	assert_int_equal(fib_new(&w->fib, w->mirror, &w->rec->sink), 0);
	assert_true(fib_sync(w->fib) >= 0);
	assert_false(mirror_wants_resync(w->mirror, NULL));
	recorder_reset_counts(w->rec);
}

void world_free(struct world *w)
{
	fib_destroy(w->fib);
	recorder_free(w->rec);
	mirror_destroy(w->mirror);
}

struct world *world_again(struct world *w, struct fib_limits limits, uint32_t route_limit,
			  uint32_t dir24_rows)
{
	world_free(w);
	world_new(w, limits, route_limit, dir24_rows);
	return w;
}

int world_do(struct world *w, const struct event *ev)
{
	if (ev->kind == EVENT_ROUTE)
		recorder_watch_edges(w->rec, ev->route.dst);
	assert_int_equal(mirror_apply(w->mirror, ev), 0);
	return recorder_sync(w->rec, w->fib);
}

void world_neighbour(struct world *w, uint32_t ifindex, const char *addr, uint8_t mac)
{
	assert_true(world_do(w, ev_neighbour(EVENT_NEW, ifindex, addr, NUD_REACHABLE, mac)) >= 0);
}

enum verdict world_verdict(struct world *w, const char *addr)
{
	struct answer answer;

	recorder_lookup(w->rec, ip4_host(addr), &answer);
	for (uint32_t i = 0; i < answer.n; i++)
		if (answer.members[i].verdict)
			return answer.members[i].verdict;
	return VERDICT_forwarded;
}

uint8_t world_mac(struct world *w, const char *addr)
{
	struct answer answer;

	recorder_lookup(w->rec, ip4_host(addr), &answer);
	return answer.n == 1 && !answer.verdict ? answer.members[0].target >> 40 : 0;
}
