/* SPDX-License-Identifier: GPL-2.0-only */
/* From the daemon's rows to standard output: as they are (-j, -p) or as text made by the command.
 */
#ifndef EBPF_ROUTE_OUTPUT_H
#define EBPF_ROUTE_OUTPUT_H

#include "cli.h"
#include "client.h"
#include "text.h"

/*
 * Both ask the daemon for cli->command, print its answer or complain, and return the exit code.
 * args, which may be NULL, is released. print() writes one row as text, in whole lines.
 * output_list() prints row by row and holds none of them.
 */
int output_list(const struct cli *cli, json_t *args,
		void (*print)(struct text *t, const json_t *row));
int output_object(const struct cli *cli, json_t *args,
		  void (*print)(struct text *t, const json_t *row));

/* As output_object(), for a command that is called something else by the daemon. */
int output_request(const struct cli *cli, const char *request, json_t *args,
		   void (*print)(struct text *t, const json_t *row));

/* As output_list(), for few rows: print() fills a table, of which columns and headings are given.
 */
int output_table(const struct cli *cli, const char *columns, const char *const *headings,
		 void (*print)(struct table *t, const json_t *row));

/* A row as JSON, without a line feed behind it. */
void output_json(const struct cli *cli, const struct client_row *row);

/* Can more be written to standard output? Not where its reader went away, or the disk is full. */
bool output_open(void);

/* Ends the output. Returns code, or EXIT_FAILED after a complaint where some of it was lost. */
int output_finish(int code);

#endif
