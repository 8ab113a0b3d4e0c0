/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Text in the making: a growing buffer, fields of a JSON row in it, tables with aligned columns.
 *
 * Everything that a command prints for people goes through text_write(), which replaces control
 * characters: interface names may hold escape sequences.
 */
#ifndef EBPF_ROUTE_TEXT_H
#define EBPF_ROUTE_TEXT_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct text {
	char *data;
	size_t len, size;
};

void text_add(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_write(struct text *t, FILE *out); /* and empties it */
void text_free(struct text *t);

/* ---- fields of a row, separated by a space from what is before them ------------------ */

/* " LABEL VALUE" of a string, number or boolean (on, off); nothing where the key is missing. */
void text_field(struct text *t, const json_t *row, const char *key, const char *label);
/* The words of a list, with the separator between them; nothing where it is empty. */
void text_words(struct text *t, const json_t *row, const char *key, char separator);
/* " via GATEWAY", or " via inet6 GATEWAY". */
void text_gateway(struct text *t, const json_t *row);
/* " fastpath forward", " fastpath fallback (ttl)". */
void text_fastpath(struct text *t, const json_t *row);

/* A value as a word in buf (FORMAT_LEN bytes) or as it is in the row; NULL: missing. */
#define FORMAT_LEN 32
const char *value_word(const json_t *value, char *buf);
const char *field_string(const json_t *row, const char *key); /* "" where it is missing */
json_int_t field_integer(const json_t *row, const char *key); /* 0 where it is missing */

/* What reasons.h says that a reason means, or "". */
const char *reason_meaning(const char *reason);

/* Exact up to 10 million, then four digits and a unit: 12.34M. */
const char *format_count(uint64_t count, char *buf);
/* A number per second, with one digit behind the point where it is small. */
const char *format_rate(double rate, char *buf);
const char *format_seconds(json_int_t seconds, char *buf);	     /* 3d 4h */
const char *format_microseconds(json_int_t microseconds, char *buf); /* 1.2 ms */

/* ---- tables -------------------------------------------------------------------------- */

/* columns: one character each, '<' or '>': to which side cells are aligned. */
struct table {
	const char *columns;
	char **cells;
	size_t n, room;
};

void table_cell(struct table *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
void table_end_row(struct table *t); /* fills the row up with empty cells */
void table_print(struct table *t, struct text *out, const char *indent); /* and empties it */

#endif
