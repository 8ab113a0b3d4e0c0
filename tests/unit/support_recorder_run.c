// SPDX-License-Identifier: GPL-2.0-only
/*
 * Syncs with all checks of the recorder: what was seen after each write is compared with what was seen
 * before the first one and after the last.
 */
#include "support_recorder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>
#include "support_packets.h"

/*
 * What an address goes through by number and content: an equal path is an untouched one. 0: cannot
 * be told so (groups and connected routes, whose parts change by themselves).
 */
static uint64_t path_of(const struct recorder *rec, uint32_t addr)
{
	uint32_t leaf = recorder_leaf(rec, addr);
	union nexthop_word word = { .word = 0 };
	uint64_t path = leaf;

	if (leaf >= LEAF_FIRST_SLOT)
		word.word = rec->nexthops[leaf];
	if (word.nexthop.kind == NEXTHOP_GROUP || word.nexthop.kind == NEXTHOP_CONNECTED)
		return 0;
	path = path * 0x9e3779b97f4a7c15ull + word.word;
	if (word.nexthop.kind == NEXTHOP_ADJACENCY)
		path = path * 0x9e3779b97f4a7c15ull + rec->adjacencies[word.nexthop.arg];
	return path;
}

static bool has_member(const struct answer *a, const struct answer *of, uint32_t i)
{
	for (uint32_t m = 0; m < a->n; m++)
		if (a->members[m].target == of->members[i].target &&
		    a->members[m].ifindex == of->members[i].ifindex &&
		    a->members[m].verdict == of->members[i].verdict &&
		    a->members[m].mtu == of->members[i].mtu)
			return true;
	return false;
}

/* Does the answer forward or drop only as one of the others does? */
static bool is_between(const struct answer *a, const struct answer *before,
		       const struct answer *after)
{
	for (uint32_t i = 0; i < a->n; i++)
		if (a->members[i].verdict < VERDICT_FIRST_REASON && !has_member(before, a, i) &&
		    !has_member(after, a, i))
			return false;
	return true;
}

static bool is_short_of_room(const struct answer *a)
{
	for (uint32_t i = 0; i < a->n; i++)
		if (a->members[i].verdict == VERDICT_table_full)
			return true;
	return false;
}

static bool is_fallback(const struct answer *a)
{
	for (uint32_t i = 0; i < a->n; i++)
		if (a->members[i].verdict < VERDICT_FIRST_REASON)
			return false;
	return true;
}

static bool is_allowed(const struct recorder *rec, const struct answer *a,
		       const struct answer *before, const struct answer *after, bool untouched)
{
	if (answer_equal(a, after) || answer_equal(a, before))
		return true;
	if (is_short_of_room(a) && is_between(a, before, after)) /* no step of one write */
		return true;
	if (is_fallback(before) && is_fallback(after)) /* what reason is no matter in between */
		return is_fallback(a) || (rec->lenient && !untouched);
	if (untouched || (!rec->lenient && answer_equal(before, after)))
		return false;
	return rec->lenient || is_between(a, before, after);
}

static void check_trace(const struct recorder *rec, uint32_t i, const struct answer *before,
			const struct answer *after, bool untouched)
{
	char was[512], is[512], then[512];

	for (uint32_t t = i; t < rec->n_trace; t += rec->n_watch) {
		const struct answer *a = &rec->trace[t];

		if (is_allowed(rec, a, before, after, untouched))
			continue;
		recorder_print_log(rec, rec->n_trace / rec->n_watch);
		fail_msg("%08x, write %u: was %s, becomes %s, but meanwhile %s", rec->watch[i],
			 t / rec->n_watch, answer_format(before, was, sizeof(was)),
			 answer_format(after, is, sizeof(is)),
			 answer_format(a, then, sizeof(then)));
	}
}

/* Accepted only as before or after the sync. */
static void check_sources(const struct recorder *rec, uint32_t i, uint64_t before)
{
	uint64_t after = recorder_sources(rec, rec->watch[i]);

	for (uint32_t t = i; t < rec->n_trace; t += rec->n_watch) {
		if (!(rec->sources[t] & ~(before | after)))
			continue;
		recorder_print_log(rec, rec->n_trace / rec->n_watch);
		fail_msg("%08x, write %u: accepted from %#llx, becomes %#llx, but meanwhile %#llx",
			 rec->watch[i], t / rec->n_watch, (unsigned long long)before,
			 (unsigned long long)after, (unsigned long long)rec->sources[t]);
	}
}

/* Several changes in one sync, in several tables, are no matter of one write. */
static void check_packet(const struct recorder *rec, uint32_t i,
			 const struct recorder_outcome *before)
{
	struct recorder_outcome after;
	char was[512], is[512], then[512];

	packet_look(rec, &rec->packets[i], &after);
	for (uint32_t t = i; t < rec->n_packet_trace; t += rec->n_packets) {
		const struct recorder_outcome *a = &rec->packet_trace[t];

		if (rec->lenient || (is_between(&a->way, &before->way, &after.way) &&
				     !(a->sources & ~(before->sources | after.sources))))
			continue;
		recorder_print_log(rec, rec->n_packet_trace / rec->n_packets);
		fail_msg("packet %u, write %u: was %s %llx, becomes %s %llx, but meanwhile %s %llx",
			 i, t / rec->n_packets, answer_format(&before->way, was, sizeof(was)),
			 (unsigned long long)before->sources,
			 answer_format(&after.way, is, sizeof(is)),
			 (unsigned long long)after.sources,
			 answer_format(&a->way, then, sizeof(then)),
			 (unsigned long long)a->sources);
	}
}

static int sync_fib(void *ctx)
{
	return fib_sync(ctx);
}

/* Before or after, and nothing else, unless there is something that has no room, maybe only because others come. */
static void check_one_step(const struct recorder *rec, uint32_t i, const struct answer *before,
			   const struct answer *after)
{
	char was[512], is[512], then[512];

	for (uint32_t t = i; t < rec->n_trace; t += rec->n_watch) {
		const struct answer *a = &rec->trace[t];

		if (answer_equal(a, before) || answer_equal(a, after) || is_short_of_room(a) ||
		    (rec->lenient && is_short_of_room(after)))
			continue;
		recorder_print_log(rec, rec->n_trace / rec->n_watch);
		fail_msg("%08x, write %u: was %s, becomes %s, but meanwhile %s", rec->watch[i],
			 t / rec->n_watch, answer_format(before, was, sizeof(was)),
			 answer_format(after, is, sizeof(is)),
			 answer_format(a, then, sizeof(then)));
	}
}

/* Nothing of what failed was to be seen, and everything is in its place. */
static void check_unseen(const struct recorder *rec, uint32_t i, const struct answer *before,
			 uint64_t path)
{
	char was[512], then[512];

	for (uint32_t t = i; t < rec->n_trace; t += rec->n_watch) {
		if (answer_equal(&rec->trace[t], before))
			continue;
		recorder_print_log(rec, rec->n_trace / rec->n_watch);
		fail_msg("%08x, write %u of what failed: was %s, but meanwhile %s", rec->watch[i],
			 t / rec->n_watch, answer_format(before, was, sizeof(was)),
			 answer_format(&rec->trace[t], then, sizeof(then)));
	}
	if (path_of(rec, rec->watch[i]) != path)
		fail_msg("%08x goes by other numbers than before", rec->watch[i]);
}

int recorder_run(struct recorder *rec, struct fib *fib, int (*fn)(void *ctx), void *ctx)
{
	struct recorder_outcome packets[REC_PACKETS];
	struct answer *before = calloc(rec->n_watch + 1, sizeof(*before));
	uint64_t *paths = calloc(rec->n_watch + 1, sizeof(*paths));
	uint64_t *sources = calloc(rec->n_watch + 1, sizeof(*sources));
	struct answer after;
	int ret;

	assert_non_null(before);
	assert_non_null(paths);
	assert_non_null(sources);
	for (uint32_t i = 0; rec->default_leaf && i < rec->n_watch; i++) {
		recorder_lookup(rec, rec->watch[i], &before[i]);
		paths[i] = path_of(rec, rec->watch[i]);
		sources[i] = recorder_sources(rec, rec->watch[i]);
	}
	rec->watching = rec->default_leaf != 0;
	for (uint32_t i = 0; rec->watching && i < rec->n_packets; i++)
		packet_look(rec, &rec->packets[i], &packets[i]);
	rec->n_trace = rec->n_packet_trace = 0;
	recorder_reach(rec);
	ret = fn(ctx);
	for (uint32_t i = 0; rec->watching && i < rec->n_watch; i++) {
		recorder_lookup(rec, rec->watch[i], &after);
		if (ret < 0 && fn != sync_fib)
			check_unseen(rec, i, &before[i], paths[i]);
		else if (fn != sync_fib)
			check_one_step(rec, i, &before[i], &after);
		check_trace(rec, i, &before[i], &after,
			    paths[i] && paths[i] == path_of(rec, rec->watch[i]) &&
				    answer_equal(&before[i], &after));
		check_sources(rec, i, sources[i]);
	}
	for (uint32_t i = 0; rec->watching && i < rec->n_packets; i++) {
		check_packet(rec, i, &packets[i]);
		if (ret >= 0)
			packet_check(rec, fib, &rec->packets[i]);
	}
	rec->watching = false;
	free(before);
	free(paths);
	free(sources);
	return ret;
}

int recorder_sync(struct recorder *rec, struct fib *fib)
{
	return recorder_run(rec, fib, sync_fib, fib);
}

int recorder_sync_unwatched(struct recorder *rec, struct fib *fib)
{
	rec->watching = false;
	return fib_sync(fib);
}
