// SPDX-License-Identifier: GPL-2.0-only
/* Writes the answer to the socket. */
#include "verify_report.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include "audit.h"
#include "verify_internal.h"
#include "verify_run.h"

enum {
	ROWS_OF_A_KIND = 1000,
	STALLED_SECONDS = 60, /* for a reader to make progress */
};

/* ---- lines ----------------------------------------------------------------------------- */

/* The socket does not block, and has to stay so: it is the daemon's too. */
static int send_some(int fd, const char *text, size_t len)
{
	struct pollfd poller = { .fd = fd, .events = POLLOUT };
	ssize_t n = send(fd, text, len, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n >= 0)
		return (int)n;
	if (errno == EAGAIN && poll(&poller, 1, STALLED_SECONDS * 1000) == 0)
		return -ETIMEDOUT;
	return errno == EAGAIN || errno == EINTR ? 0 : -errno;
}

static int send_line(int fd, json_t *value)
{
	char *text = value ? json_dumps(value, JSON_COMPACT) : NULL;
	size_t len = text ? strlen(text) + 1 : 0, sent = 0;
	int n = text ? 0 : -ENOMEM;

	if (text)
		text[len - 1] = '\n'; /* in place of its NUL */
	while (sent < len && n >= 0) {
		n = send_some(fd, text + sent, len - sent);
		sent += n > 0 ? (size_t)n : 0;
	}
	free(text);
	json_decref(value);
	return n < 0 ? n : 0;
}

static json_t *row_of(struct verify *v, const struct subject *s)
{
	const struct subject_type *type = verify_type(s);
	json_t *row = json_pack("{ss}", "kind", type->name);

	if (row)
		type->describe(v, s, row);
	return row;
}

/* One kind after the other; of one that fills the screen the number tells the rest. */
static int send_kind(struct verify *v, uint8_t kind)
{
	const struct subject *s = v->subjects.items;
	const char *name = "";
	json_int_t n = 0;
	int err = 0;

	for (uint32_t i = 0; i < v->subjects.n && !err; i++) {
		if (s[i].kind != kind)
			continue;
		name = verify_type(&s[i])->name;
		if (n++ < ROWS_OF_A_KIND)
			err = send_line(v->fd, row_of(v, &s[i]));
	}
	if (err || n <= ROWS_OF_A_KIND)
		return err;
	return send_line(v->fd, json_pack("{sssI}", "kind", name, "more", n - ROWS_OF_A_KIND));
}

static json_t *summary(const struct verify *v, double seconds)
{
	const struct verify_counts *c = &v->counts;

	return json_pack("{ss sI sb sI sI sI sI sI sI sI sI sI sI sf}", "kind", "summary",
			 "differences", (json_int_t)v->subjects.n, "more", v->overflow, "prefixes",
			 (json_int_t)c->prefixes, "addresses", (json_int_t)c->addresses,
			 "neighbours", (json_int_t)c->neighbours, "ports", (json_int_t)c->ports,
			 "own_addresses", (json_int_t)c->own_addresses, "queries",
			 (json_int_t)c->queries, "packets", (json_int_t)c->packets, "full",
			 (json_int_t)c->full, "in_flight", (json_int_t)c->in_flight, "rounds",
			 (json_int_t)c->rounds, "seconds", seconds);
}

/* As the audit had them before the fork. */
static int send_repaired(const struct verify *v)
{
	const json_t *rows = audit_rows(v->d);
	size_t n = json_array_size(rows);
	uint64_t found = audit_found(v->d);
	int err = 0;

	for (size_t i = 0; i < n && !err; i++)
		err = send_line(v->fd, json_incref(json_array_get(rows, i)));
	if (err || found <= n)
		return err;
	return send_line(v->fd,
			 json_pack("{sssI}", "kind", "repaired", "more", (json_int_t)(found - n)));
}

int report_differences(struct verify *v, const struct verify_options *options, double seconds)
{
	int err = send_line(v->fd, json_pack("{sb}", "ok", 1));
	json_t *last;

	if (!err && options->repair)
		err = send_repaired(v);
	for (uint8_t kind = 0; kind < SUBJECT_KINDS && !err; kind++)
		err = send_kind(v, kind);
	if (err)
		return err;
	last = summary(v, seconds);
	if (last && options->repair)
		json_object_set_new(last, "repaired", json_integer((json_int_t)audit_found(v->d)));
	return send_line(v->fd, last);
}
