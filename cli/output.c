// SPDX-License-Identifier: GPL-2.0-only
/* From the daemon's rows to standard output: as they are (-j, -p) or as text made by the command.
 */
#include "output.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "../include/control.h"

static int write_error; /* errno of the first write to standard output that failed */

/* ---- standard output ----------------------------------------------------------------- */

bool output_open(void)
{
	if (ferror(stdout) && !write_error)
		write_error = errno;
	return !write_error;
}

int output_finish(int code)
{
	if (output_open() && fflush(stdout))
		write_error = errno;
	if (!write_error || write_error == EPIPE)
		return code; /* a reader that has seen enough (| head) is no failure */
	fprintf(stderr, "ebpf-route: standard output: %s, what was written is incomplete\n",
		strerror(write_error));
	return EXIT_FAILED;
}

void output_json(const struct cli *cli, const struct client_row *row)
{
	size_t len = row->len;

	if (cli->pretty) {
		json_dumpf(row->json, stdout, JSON_INDENT(4) | JSON_REAL_PRECISION(15));
		return;
	}
	while (len && strchr(" \t\r", row->text[len - 1]))
		len--;
	fwrite(row->text, 1, len, stdout);
}

/* ---- asking -------------------------------------------------------------------------- */

struct printing {
	const struct cli *cli;
	const char *request; /* NULL: as the command is called */
	struct text text;
	struct table table;
	void (*print)(struct text *t, const json_t *row);
	void (*print_cells)(struct table *t, const json_t *row);
	bool list; /* a JSON array around the rows */
	size_t rows;
};

static bool on_row(void *ctx, const struct client_row *row)
{
	struct printing *p = ctx;

	p->rows++;
	if (p->cli->json) {
		if (p->list)
			fputs(p->rows == 1 ? "[" : ",\n", stdout);
		output_json(p->cli, row);
	} else if (p->print_cells) {
		p->print_cells(&p->table, row->json);
		table_end_row(&p->table);
	} else {
		p->print(&p->text, row->json);
		text_write(&p->text, stdout);
	}
	return output_open();
}

/* Ends what on_row() began; an array that is not whole is left open, so that nobody takes it for
 * one. */
static void end_rows(struct printing *p, int code)
{
	if (p->print_cells && !p->cli->json) {
		table_print(&p->table, &p->text, "");
		if (p->rows || code == EXIT_DONE) /* else there are only headings */
			text_write(&p->text, stdout);
	}
	if (p->cli->json && p->list && (code == EXIT_DONE || code == EXIT_DIFFERENT))
		fputs(p->rows ? "]\n" : "[]\n", stdout);
	else if (p->cli->json && p->rows)
		fputs("\n", stdout);
	text_free(&p->text);
}

static int ask(struct printing *p, json_t *args)
{
	struct client_request rq = {
		.instance = p->cli->instance,
		.command = p->request ? p->request : p->cli->command->name,
		.args = args,
		.patience = CLIENT_PATIENCE,
		.row = on_row,
		.ctx = p,
	};
	int code = client_run(&rq);

	json_decref(args);
	end_rows(p, code);
	if (!code && !p->list && !rq.rows) {
		complain("instance '%s': the daemon answered %s with nothing, giving up",
			 rq.instance, rq.command);
		code = EXIT_FAILED;
	}
	if (rq.error[0])
		complain("%s", rq.error);
	return output_finish(code);
}

int output_list(const struct cli *cli, json_t *args,
		void (*print)(struct text *t, const json_t *row))
{
	struct printing p = { .cli = cli, .print = print, .list = true };

	return ask(&p, args);
}

int output_object(const struct cli *cli, json_t *args,
		  void (*print)(struct text *t, const json_t *row))
{
	struct printing p = { .cli = cli, .print = print };

	return ask(&p, args);
}

int output_request(const struct cli *cli, const char *request, json_t *args,
		   void (*print)(struct text *t, const json_t *row))
{
	struct printing p = { .cli = cli, .request = request, .print = print };

	return ask(&p, args);
}

int output_table(const struct cli *cli, const char *columns, const char *const *headings,
		 void (*print)(struct table *t, const json_t *row))
{
	struct printing p = { .cli = cli, .print_cells = print, .list = true };

	p.table.columns = columns;
	for (size_t i = 0; columns[i] && !cli->json; i++)
		table_cell(&p.table, "%s", headings[i]);
	return ask(&p, NULL);
}
