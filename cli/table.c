// SPDX-License-Identifier: GPL-2.0-only
/* Tables with aligned columns. They are held in memory: for what is short, never for routes. */
#include "text.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "cli.h"

enum { COLUMNS_MAX = 16 };

void table_cell(struct table *t, const char *format, ...)
{
	va_list args;
	int len;

	if (t->n == t->room) {
		size_t room = t->room ? t->room * 2 : 64;
		char **cells = realloc(t->cells, room * sizeof(*cells));

		if (!cells)
			out_of_memory();
		t->cells = cells;
		t->room = room;
	}
	va_start(args, format);
	len = vasprintf(&t->cells[t->n], format, args);
	va_end(args);
	if (len < 0)
		out_of_memory();
	t->n++;
}

void table_end_row(struct table *t)
{
	while (t->n % strlen(t->columns))
		table_cell(t, "%s", "");
}

void table_print(struct table *t, struct text *out, const char *indent)
{
	size_t columns = strlen(t->columns), width[COLUMNS_MAX] = { 0 };

	for (size_t i = 0; i < t->n; i++)
		if (strlen(t->cells[i]) > width[i % columns])
			width[i % columns] = strlen(t->cells[i]);
	for (size_t row = 0; row < t->n; row += columns) {
		text_add(out, "%s", indent);
		for (size_t c = 0; c < columns; c++) {
			int pad = t->columns[c] == '<' ? -(int)width[c] : (int)width[c];

			text_add(out, "%s%*s", c ? "  " : "", pad, t->cells[row + c]);
			free(t->cells[row + c]);
		}
		while (out->len && out->data[out->len - 1] == ' ')
			out->len--;
		text_add(out, "\n");
	}
	free(t->cells);
	t->cells = NULL;
	t->n = t->room = 0;
}
