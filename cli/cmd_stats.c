// SPDX-License-Identifier: GPL-2.0-only
/* `stats`: the packet counters once, or with -w their rates again and again. */
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "../include/control.h"
#include "output.h"
#include "stats_view.h"

#define INTERVAL_MIN 0.01
#define INTERVAL_MAX 86400.0

static void print_stats(struct text *t, const json_t *row)
{
	stats_view(t, row, NULL, 0);
}

/* ---- watching ------------------------------------------------------------------------ */

struct watch {
	const struct cli *cli;
	double interval;
	bool redraw;	      /* stdout is a terminal */
	json_t *now, *before; /* samples, and when they came */
	double now_at, before_at;
	char trouble[512]; /* the last complaint, which is not repeated */
};

static double clock_seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void sleep_seconds(double seconds)
{
	struct timespec ts = { .tv_sec = (time_t)seconds };

	ts.tv_nsec = (long)((seconds - (double)ts.tv_sec) * 1e9);
	if (seconds > 0)
		nanosleep(&ts, NULL);
}

static bool take_sample(void *ctx, const struct client_row *row)
{
	struct watch *w = ctx;

	w->now_at = clock_seconds();
	json_decref(w->now);
	w->now = json_incref((json_t *)row->json);
	if (w->cli->json) {
		output_json(w->cli, row);
		putchar('\n');
	}
	return output_open();
}

static void draw(const struct watch *w)
{
	bool restarted = w->before && stats_restarted(w->now, w->before);
	const json_t *before = restarted ? NULL : w->before;
	struct text t = { 0 };

	if (w->redraw)
		fputs("\033[H\033[J", stdout);
	text_add(&t, "instance %s, ", w->cli->instance);
	if (before)
		text_add(&t, "rates over %.2f s\n", w->now_at - w->before_at);
	else
		text_add(&t, "counters%s\n", restarted ? ", which have begun anew" : "");
	stats_view(&t, w->now, before, w->now_at - w->before_at);
	if (!w->redraw)
		text_add(&t, "\n");
	text_write(&t, stdout);
	text_free(&t);
}

/* Once the daemon has answered, its absence is waited out: it may be restarting. */
static int sample(struct watch *w)
{
	struct client_request rq = {
		.instance = w->cli->instance,
		.command = "stats",
		.patience = CLIENT_PATIENCE,
		.row = take_sample,
		.ctx = w,
	};
	int code = client_run(&rq);

	if (!code && !w->now) {
		complain("instance '%s': the daemon answered stats with nothing, giving up",
			 rq.instance);
		return EXIT_FAILED;
	}
	if (!code) {
		w->trouble[0] = '\0';
		return EXIT_DONE;
	}
	json_decref(w->now);
	w->now = NULL;
	if (!rq.error[0])
		snprintf(rq.error, sizeof(rq.error), "instance '%s': stats failed", rq.instance);
	if (!w->before) {
		complain("%s", rq.error);
		return code;
	}
	if (strcmp(w->trouble, rq.error) != 0)
		complain("%s, trying again every %g s", rq.error, w->interval);
	memcpy(w->trouble, rq.error, sizeof(w->trouble));
	return EXIT_DONE;
}

static int watch(struct watch *w)
{
	double next = clock_seconds();
	int code;

	for (;;) {
		code = sample(w);
		if (code)
			break;
		if (w->now && !w->cli->json)
			draw(w);
		if (w->now) {
			json_decref(w->before);
			w->before = w->now;
			w->before_at = w->now_at;
			w->now = NULL;
		}
		fflush(stdout);
		if (!output_open())
			break;
		next += w->interval;
		if (next < clock_seconds())
			next = clock_seconds();
		sleep_seconds(next - clock_seconds());
	}
	json_decref(w->now);
	json_decref(w->before);
	return output_finish(code);
}

/* ---- words --------------------------------------------------------------------------- */

/* -w, -wN, -w N, --watch, --watch=N, --watch N; *ret stays 0 where it is not asked for. */
static int take_words(const struct cli *cli, int argc, char **argv, double *ret)
{
	for (int i = 0; i < argc; i++) {
		const char *value = NULL;

		if (strncmp(argv[i], "--watch=", 8) == 0)
			value = argv[i] + 8;
		else if (strncmp(argv[i], "-w", 2) == 0 && argv[i][2])
			value = argv[i] + 2;
		else if (strcmp(argv[i], "-w") != 0 && strcmp(argv[i], "--watch") != 0)
			return bad_usage(cli, "stats: superfluous argument '%s'", argv[i]);
		else if (i + 1 < argc)
			value = argv[++i];
		*ret = 1;
		if (value && !parse_seconds(value, INTERVAL_MIN, INTERVAL_MAX, ret))
			return bad_usage(cli,
					 "stats: '%s' is not a number of seconds from %g to %g",
					 value, INTERVAL_MIN, INTERVAL_MAX);
	}
	return EXIT_DONE;
}

int cmd_stats(const struct cli *cli, int argc, char **argv)
{
	struct watch w = { .cli = cli, .redraw = isatty(STDOUT_FILENO) };
	int code = take_words(cli, argc, argv, &w.interval);

	if (code)
		return code;
	if (w.interval > 0)
		return watch(&w);
	return output_object(cli, NULL, print_stats);
}
