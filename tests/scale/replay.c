// SPDX-License-Identifier: GPL-2.0-only
/*
 * Replays a stream of route messages through decoder, mirror, fib and engine, as fast as they take it.
 *
 * A full table comes first, as a dump; it is not part of the figure. Then the events, in batches as the
 * daemon reads them: decode and apply until the batch is over, then one fib_sync(). Afterwards the
 * engine is held against the routes.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include "netlink/netlink.h"
#include "tests/scale/scale.h"
#include "tests/scale/world.h"

enum {
	CHECKED = 1 << 20, /* addresses */
	KINDS_MAX = 8,
};

struct replay {
	struct world world;
	struct event *event;
	struct stream stream;
	size_t events_at; /* where in the stream the dump is over */
	uint32_t n_events;
	uint32_t refused;
};

struct times {
	double load, load_sync, decode, sync, total, longest;
	double cpu;	 /* of the total: what others had of this CPU is not in it */
	uint32_t routes; /* loaded */
	uint64_t writes;
};

/* False: of no concern. */
static bool decode(struct replay *r, const struct nlmsghdr *nlh)
{
	const char *reason = NULL;
	int err = netlink_decode(nlh, nlh->nlmsg_len, r->event, &reason);

	r->refused += err == -EBADMSG;
	return !err;
}

static void apply(struct replay *r, const struct nlmsghdr *nlh, bool dump)
{
	if (!decode(r, nlh))
		return;
	if (dump)
		r->event->op = EVENT_DUMP;
	if (mirror_apply(r->world.mirror, r->event))
		die("replay: out of memory");
}

static void sync_fib(struct replay *r)
{
	int err = fib_sync(r->world.fib);

	if (err < 0)
		die("replay: fib_sync: error %d", -err);
}

/* Everything of a dump that comes first. */
static void load(struct replay *r, bool furnish, struct times *times)
{
	double start = seconds_now();
	const struct nlmsghdr *nlh;
	size_t pos = 0;

	mirror_resync_begin(r->world.mirror);
	if (furnish)
		world_furnish(&r->world);
	while ((nlh = stream_next(&r->stream, &pos)) && nlh->nlmsg_flags & NLM_F_MULTI) {
		apply(r, nlh, true);
		r->events_at = pos;
		r->n_events++;
	}
	mirror_resync_end(r->world.mirror);
	r->n_events = r->stream.n - r->n_events;
	times->load_sync = seconds_now();
	sync_fib(r);
	world_hooks(&r->world);
	sync_fib(r);
	times->load = seconds_now() - start;
	times->load_sync = start + times->load - times->load_sync;
}

static void run(struct replay *r, uint32_t batch, struct times *times)
{
	double start = seconds_now(), began = start, end;
	struct fib_counts counts;
	const struct nlmsghdr *nlh;
	size_t pos = r->events_at;
	uint32_t n = 0;

	times->cpu = -seconds_of_thread();
	fib_counts(r->world.fib, &counts);
	times->routes = counts.routes;
	times->writes = counts.writes;
	while ((nlh = stream_next(&r->stream, &pos))) {
		apply(r, nlh, false);
		if (++n % batch && pos < r->stream.size)
			continue;
		end = seconds_now();
		times->sync -= end;
		sync_fib(r);
		end = seconds_now();
		times->sync += end;
		times->longest = end - began > times->longest ? end - began : times->longest;
		began = end;
	}
	times->total = seconds_now() - start;
	times->cpu += seconds_of_thread();
	fib_counts(r->world.fib, &counts);
	times->writes = counts.writes - times->writes;
}

/* What decoding alone takes, on a pass of its own. */
static double time_decoding(struct replay *r)
{
	double start = seconds_now();
	size_t pos = r->events_at;
	const struct nlmsghdr *nlh;

	while ((nlh = stream_next(&r->stream, &pos)))
		decode(r, nlh);
	return seconds_now() - start;
}

static void report(const struct replay *r, const struct times *t, bool json)
{
	double each = r->n_events ? 1e9 / r->n_events : 0;
	double mirror = t->total - t->sync - t->decode;
	const char *format =
		"replay: %u routes loaded in %.3f s (%.3f s of it writing)\n"
		"replay: %u events in %.3f s: %.0f events/s, %.0f by CPU time; longest batch %.1f ms; "
		"%llu writes\n"
		"replay: ns an event: %.0f decode, %.0f mirror, %.0f resolve and write\n";

	if (json)
		format =
			"{\"routes\":%u,\"load_s\":%.6f,\"load_write_s\":%.6f,\"events\":%u,"
			"\"events_s\":%.6f,\"events_per_s\":%.0f,\"events_per_cpu_s\":%.0f,\"longest_batch_ms\":%.3f,"
			"\"writes\":%llu,\"decode_ns\":%.1f,\"mirror_ns\":%.1f,\"write_ns\":%.1f}\n";
	printf(format, t->routes, t->load, t->load_sync, r->n_events, t->total,
	       t->total > 0 ? r->n_events / t->total : 0, t->cpu > 0 ? r->n_events / t->cpu : 0,
	       t->longest * 1e3, (unsigned long long)t->writes, t->decode * each, mirror * each,
	       t->sync * each);
}

struct replay_options {
	const char *table, *recording;
	uint32_t routes, events, batch;
	uint64_t seed;
	bool json;
};

static void make_stream(const struct replay_options *o, struct stream *ret)
{
	struct prefixes table;
	uint8_t *hops;

	prefixes_read(&table, o->table, o->routes);
	hops = calloc(table.n, 1);
	if (!hops)
		die("replay: out of memory");
	churn_dump(&table, hops, ret);
	churn_events(&table, hops, o->events, o->seed, ret);
	free(hops);
	prefixes_free(&table);
}

static int replay(const struct replay_options *o)
{
	struct replay r = { .refused = 0 };
	struct times times = { .total = 0 };

	r.event = calloc(1, sizeof(*r.event));
	if (!r.event)
		die("replay: out of memory");
	if (o->recording)
		stream_read(&r.stream, o->recording);
	else
		make_stream(o, &r.stream);
	world_new(&r.world);
	load(&r, !o->recording, &times);
	times.decode = time_decoding(&r);
	run(&r, o->batch, &times);
	if (r.refused)
		die("replay: %u messages not understood", r.refused);
	if (!world_check(&r.world, CHECKED, o->seed))
		die("replay: no address leads to a next hop");
	report(&r, &times, o->json);
	world_free(&r.world);
	stream_free(&r.stream);
	free(r.event);
	return 0;
}

int command_replay(int argc, char **argv)
{
	static const struct option options[] = {
		{ "table", required_argument, NULL, 't' },
		{ "recording", required_argument, NULL, 'f' },
		{ "routes", required_argument, NULL, 'n' },
		{ "events", required_argument, NULL, 'e' },
		{ "batch", required_argument, NULL, 'b' },
		{ "seed", required_argument, NULL, 's' },
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	struct replay_options o = {
		.routes = UINT32_MAX, .events = 1000000, .batch = 32768, .seed = 1
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 't':
			o.table = optarg;
			break;
		case 'f':
			o.recording = optarg;
			break;
		case 'n':
			o.routes = parse_number(optarg, 1, UINT32_MAX);
			break;
		case 'e':
			o.events = parse_number(optarg, 1, 100000000);
			break;
		case 'b':
			o.batch = parse_number(optarg, 1, UINT32_MAX);
			break;
		case 's':
			o.seed = parse_number(optarg, 0, UINT32_MAX);
			break;
		case 'j':
			o.json = true;
			break;
		default:
			return 1;
		}
	}
	if (optind != argc || !o.table == !o.recording)
		die("replay: either --table FILE or --recording FILE is expected");
	return replay(&o);
}
