/* SPDX-License-Identifier: GPL-2.0-only */
/* One request to the daemon and its answer; the protocol is described in include/control.h. */
#ifndef EBPF_ROUTE_CLIENT_H
#define EBPF_ROUTE_CLIENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* Seconds after which a daemon that says nothing is given up. */
#define CLIENT_PATIENCE 30

/* A row as it was parsed and, in text, as the daemon wrote it (not terminated). */
struct client_row {
	const json_t *json;
	const char *text;
	size_t len;
};

struct client_request {
	const char *instance;
	const char *command;
	const json_t *args;    /* an object, or NULL */
	unsigned int patience; /* seconds of silence that are waited, 0: any number */

	/* Called for every row, which is gone afterwards; false ends the request without an error.
	 */
	bool (*row)(void *ctx, const struct client_row *row);
	void *ctx;

	size_t rows;	 /* out: how many came */
	char error[512]; /* out: one line, empty where there is nothing to say */
};

/* Returns an exit code: the daemon's, or EXIT_FAILED where it could not be asked or understood. */
int client_run(struct client_request *request);

#endif
