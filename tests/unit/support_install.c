// SPDX-License-Identifier: GPL-2.0-only
/* Changes of user routes as a whole, for tests: see support_install.h. */
#include "support_install.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>
#include "daemon/fib_internal.h"
#include "daemon/mirror_user.h"
#include "support_events.h"

const struct fib_limits install_roomy = {
	.ports = 16, .adjacencies = 256, .nexthops = 256, .groups = 64
};

struct world *install_world(struct world *w, struct fib_limits limits, uint32_t routes,
			    uint32_t dir24_rows)
{
	if (w->mirror)
		world_free(w);
	world_new(w, limits, routes, dir24_rows);
	for (uint32_t i = 2; i <= 5; i++) {
		char gateway[16];

		snprintf(gateway, sizeof(gateway), "10.0.%u.1", i);
		world_do(w, ev_neighbour(EVENT_NEW, i, gateway, NUD_REACHABLE, 10 * i));
	}
	return w;
}

void install_read(struct change *c, struct world *w, const char *text)
{
	char *copy = strdup(text);

	*c = (struct change){ .w = w };
	user_batch_init(&c->batch, w->mirror);
	if (user_batch_text(&c->batch, "f", copy, USER_VERB_NEEDED, &c->error))
		fail_msg("refused before: %s", c->error.text);
	free(copy);
	for (uint32_t i = 0; i < c->batch.n; i++)
		recorder_watch_edges(w->rec, c->batch.items[i].command.route.dst);
}

int install_run(void *change)
{
	struct change *c = change;

	return user_install(&c->batch, c->w->mirror, c->w->fib, c->room, &c->counts, &c->error);
}

struct usage install_usage(struct world *w)
{
	struct usage u = { .slots = fib_numbers_left(&w->fib->slot_numbers),
			   .rows = fib_numbers_left(&w->fib->row_numbers),
			   .adjacencies = fib_numbers_left(&w->fib->adjacency_numbers),
			   .legs = w->fib->legs.count,
			   .routes = w->rec->n_routes,
			   .user = mirror_user_count(w->mirror),
			   .overrides = w->mirror->user.n_overrides,
			   .full = fib_full_counts(w->fib) };

	for (uint32_t cpu = 0; cpu < REC_CPUS; cpu++)
		u.cpus += w->rec->cpus[cpu];
	return u;
}

const char *install_change(struct world *w, const char *text, bool was_full)
{
	static struct change c;
	struct answer answer;
	int err;

	install_read(&c, w, text);
	for (uint32_t i = 0; i < w->rec->n_watch; i++) {
		recorder_lookup(w->rec, w->rec->watch[i], &answer);
		was_full |= answer.verdict == VERDICT_table_full;
	}
	err = recorder_run(w->rec, w->fib, install_run, &c);
	assert_true(!err || c.batch.needs_room);
	user_batch_free(&c.batch);
	assert_int_equal(w->mirror->dirty.prefixes.n, 0);
	if (err) {
		assert_int_equal(err, -EINVAL);
		return c.error.text;
	}
	/* Nor did anything fall back on the way for want of room. */
	for (uint32_t t = 0; !was_full && t < w->rec->n_trace; t++)
		for (uint32_t m = 0; m < w->rec->trace[t].n; m++)
			assert_int_not_equal(w->rec->trace[t].members[m].verdict,
					     VERDICT_table_full);
	return "";
}

void install_refused(struct world *w, const char *text, const char *line)
{
	struct usage before = install_usage(w), after;
	uint32_t slots = w->mirror->user.slots, rows = w->mirror->user.rows;

	assert_string_equal(install_change(w, text, false), line);
	after = install_usage(w);
	assert_memory_equal(&before, &after, sizeof(before));
	assert_int_equal(slots, w->mirror->user.slots);
	assert_int_equal(rows, w->mirror->user.rows);
}

void install_taken(struct world *w, const char *text)
{
	assert_string_equal(install_change(w, text, false), "");
}
