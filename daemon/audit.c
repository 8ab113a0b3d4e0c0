// SPDX-License-Identifier: GPL-2.0-only
/*
 * The audit: what is in the maps against what the fib has written there, entry by entry, in pieces between
 * the loop's events.
 *
 * The fib knows by value all that it wrote, and nobody else writes while a piece is under way: so whatever
 * differs is wrong, is put right at once, and nothing is looked at twice. That the fib's own record is right
 * is what the dump before it is for, and `verify`.
 *
 * Something that cannot be put right puts everything on hold, and is tried again soon.
 */
#include "audit_internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "clock.h"
#include "log.h"

enum {
	PAUSE_US = 1000,	/* between two pieces */
	RETRY_MAX_SECONDS = 64, /* after 1, 2, 4 .. */
	LINES_OF_A_RUN = 20,
	ROWS_OF_A_RUN = 1000,
	BAD_RUNS = 3, /* in a row are no accident */
};

static int (*const stages[])(struct daemon *d) = {
	audit_words,	  audit_singles,       audit_own,    audit_macs,
	audit_neighbours, audit_policy_routes, audit_engine,
};

/* ---- telling --------------------------------------------------------------------------- */

void audit_tell(struct daemon *d, int fixed, const char *format, ...)
{
	struct audit *a = d->audit;
	char object[160];
	va_list args;

	if (!fixed)
		return;
	va_start(args, format);
	vsnprintf(object, sizeof(object), format, args);
	va_end(args);
	a->found++;
	if (fixed < 0) {
		a->failed++;
		a->counts.failed++;
	} else {
		a->counts.repairs++;
	}
	if (a->found <= ROWS_OF_A_RUN)
		json_array_append_new(a->rows, json_pack("{ssssso}", "kind", "repaired", "object",
							 object, "error",
							 fixed < 0 ? json_string(strerror(-fixed))
								   : json_null()));
	/* What was wrong the last time, too, has been said. */
	if (a->found > LINES_OF_A_RUN || (fixed < 0 && a->distrusted))
		return;
	if (fixed < 0)
		log_error(
			"maps: %s: not as written, and not repaired: %s, the kernel forwards until "
			"it can be",
			object, strerror(-fixed));
	else
		log_warning("maps: %s: not as written, repaired", object);
}

static void sum_up(struct audit *a)
{
	if (a->found > LINES_OF_A_RUN)
		log_warning("maps: %llu entries in all were not as written, %llu repaired",
			    (unsigned long long)a->found,
			    (unsigned long long)(a->found - a->failed));
	a->bad_runs = a->found ? a->bad_runs + 1 : 0;
	if (a->bad_runs == BAD_RUNS)
		log_warning(
			"maps: not as written %d times in a row: something else writes to them, "
			"repairing goes on",
			BAD_RUNS);
	log_debug("maps: audited in %llu us", (unsigned long long)a->work_us);
}

/* ---- a run ------------------------------------------------------------------------------ */

static void plan(struct audit *a, unsigned int seconds, unsigned int us)
{
	struct timeval delay = { .tv_sec = seconds, .tv_usec = us };

	evtimer_add(a->timer, &delay);
}

static void begin(struct audit *a)
{
	json_t *rows = json_array();

	if (rows) {
		json_decref(a->rows);
		a->rows = rows;
	}
	a->running = true;
	a->again = false;
	a->stage = a->part = 0;
	memset(&a->cursor, 0, sizeof(a->cursor));
	a->found = a->failed = a->work_us = 0;
	plan(a, 0, 0);
}

/* What the fib has to be told of, then whoever waits. */
static void end(struct daemon *d)
{
	struct audit *a = d->audit;
	bool distrust = a->failed > 0;
	void (*done)(struct daemon * d) = a->done;

	a->running = false;
	a->counts.runs++;
	a->counts.last_us = a->work_us;
	json_decref(a->last_rows);
	a->last_rows = json_incref(a->rows);
	a->last_found = a->found;
	sum_up(a);
	if (distrust != a->distrusted) {
		fib_distrust(d->fib, distrust);
		sync_write(d);
	}
	if (a->distrusted && !distrust)
		log_info("maps: as written again");
	a->distrusted = distrust;
	if (!distrust)
		a->retry_seconds = 0;
	else if (a->retry_seconds < RETRY_MAX_SECONDS)
		a->retry_seconds = a->retry_seconds ? 2 * a->retry_seconds : 1;
	if (a->again) {
		begin(a);
		return;
	}
	if (distrust)
		plan(a, a->retry_seconds, 0);
	a->done = NULL;
	if (done)
		done(d);
}

/* Maps that cannot be read are as bad as wrong ones. */
static void step(struct daemon *d)
{
	struct audit *a = d->audit;
	int more = stages[a->stage](d);

	if (more > 0) {
		a->part++;
		return;
	}
	if (more < 0 && more != -EAGAIN)
		audit_tell(d, more, "stage %u of the audit", a->stage);
	a->stage++;
	a->part = 0;
	memset(&a->cursor, 0, sizeof(a->cursor));
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *d = arg;
	struct audit *a = d->audit;
	uint64_t begun = now_ns(), us;

	(void)fd;
	(void)what;
	if (!a->running) {
		begin(a);
		return;
	}
	step(d);
	us = (now_ns() - begun) / 1000;
	a->work_us += us;
	if (us > a->counts.step_max_us)
		a->counts.step_max_us = us;
	if (a->stage == sizeof(stages) / sizeof(stages[0]))
		end(d);
	else
		plan(a, 0, PAUSE_US);
}

void audit_run(struct daemon *d, void (*done)(struct daemon *d))
{
	struct audit *a = d->audit;

	if (done)
		a->done = done;
	if (a->running)
		a->again |= done != NULL; /* what it has passed by may be wrong since */
	else
		begin(a);
}

void audit_forget(struct daemon *d, void (*done)(struct daemon *d))
{
	if (d->audit && d->audit->done == done)
		d->audit->done = NULL;
}

void audit_counts(const struct daemon *d, struct audit_counts *ret)
{
	*ret = d->audit->counts;
}

const json_t *audit_rows(const struct daemon *d)
{
	return d->audit->last_rows;
}

uint64_t audit_found(const struct daemon *d)
{
	return d->audit->last_found;
}

int audit_init(struct daemon *d)
{
	struct audit *a = calloc(1, sizeof(*a));

	if (!a)
		return -ENOMEM;
	d->audit = a;
	a->rows = json_array();
	a->timer = evtimer_new(d->base, on_timer, d);
	return a->rows && a->timer ? 0 : -ENOMEM;
}

void audit_stop(struct daemon *d)
{
	struct audit *a = d->audit;

	if (!a)
		return;
	if (a->timer)
		event_free(a->timer);
	json_decref(a->rows);
	json_decref(a->last_rows);
	free(a);
	d->audit = NULL;
}
