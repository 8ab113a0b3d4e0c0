// SPDX-License-Identifier: GPL-2.0-only
/* `settle`: waits until what the kernel announced before the call is in the maps. */
#include <string.h>
#include "../include/control.h"
#include "output.h"

#define TIMEOUT_MAX 86400.0

/* *ret stays negative where no time is given. */
static int take_words(const struct cli *cli, int argc, char **argv, double *ret)
{
	for (int i = 0; i < argc; i++) {
		const char *value = NULL;

		if (strncmp(argv[i], "--timeout=", 10) == 0)
			value = argv[i] + 10;
		else if (strcmp(argv[i], "--timeout") != 0)
			return bad_usage(cli, "settle: superfluous argument '%s'", argv[i]);
		else if (i + 1 < argc)
			value = argv[++i];
		if (!value)
			return bad_usage(cli, "settle: '--timeout' needs a value");
		if (!parse_seconds(value, 0, TIMEOUT_MAX, ret))
			return bad_usage(cli, "settle: '%s' is not a number of seconds up to %g",
					 value, TIMEOUT_MAX);
	}
	return EXIT_DONE;
}

static bool ignore_row(void *ctx, const struct client_row *row)
{
	(void)ctx;
	(void)row;
	return true;
}

int cmd_settle(const struct cli *cli, int argc, char **argv)
{
	struct client_request rq = { .instance = cli->instance,
				     .command = "settle",
				     .row = ignore_row };
	double timeout = -1;
	json_t *args = NULL;
	int code = take_words(cli, argc, argv, &timeout);

	if (code)
		return code;
	if (timeout >= 0) {
		rq.args = args = json_pack("{sf}", "timeout", timeout);
		if (!args)
			out_of_memory();
		rq.patience = (unsigned int)timeout + CLIENT_PATIENCE;
	}
	code = client_run(&rq);
	json_decref(args);
	if (rq.error[0])
		complain("%s", rq.error);
	else if (code == EXIT_DIFFERENT)
		complain(
			"instance '%s': settle: timed out before the maps had caught up with the kernel, "
			"the daemon goes on",
			cli->instance);
	return code;
}
