// SPDX-License-Identifier: GPL-2.0-only
/* The client side of the control socket: connect, send one line, read lines until the end. */
#include "client.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>
#include "../include/control.h"

enum {
	READ_BYTES = 64 * 1024,
	LINE_MAX_BYTES = 16 * 1024 * 1024, /* `stats` of 1024 interfaces is one line of 3 MB */
};

struct reader {
	int fd;
	char *buf;
	size_t size;
	size_t start, end; /* what was read and not yet returned */
	size_t lines;
};

static int fail(struct client_request *rq, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static int fail(struct client_request *rq, const char *format, ...)
{
	size_t len = snprintf(rq->error, sizeof(rq->error), "instance '%s': ", rq->instance);
	va_list args;

	va_start(args, format);
	vsnprintf(rq->error + len, sizeof(rq->error) - len, format, args);
	va_end(args);
	return EXIT_FAILED;
}

static int fail_silent(struct client_request *rq)
{
	return fail(rq, "the daemon has said nothing for %u s, giving up", rq->patience);
}

/* ---- connecting and asking ----------------------------------------------------------- */

static int fail_connect(struct client_request *rq, const char *path, int err)
{
	switch (err) {
	case ENOENT:
	case ECONNREFUSED:
		return fail(rq, "no daemon listens on %s: %s, is ebpf-routed running?", path,
			    strerror(err));
	case EACCES:
	case EPERM:
		return fail(rq, "cannot connect to %s: %s, try again as root", path, strerror(err));
	case EAGAIN:
		return fail_silent(rq);
	default:
		return fail(rq, "cannot connect to %s: %s, giving up", path, strerror(err));
	}
}

static int connect_daemon(struct client_request *rq, int *ret_fd)
{
	struct timeval patience = { .tv_sec = rq->patience };
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd, err;

	if (snprintf(address.sun_path, sizeof(address.sun_path), CONTROL_SOCKET, rq->instance) >=
	    (int)sizeof(address.sun_path))
		return fail(rq, "the name is too long for a socket, giving up");
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return fail(rq, "cannot create a socket: %s, giving up", strerror(errno));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	do {
		err = connect(fd, (struct sockaddr *)&address, sizeof(address)) ? errno : 0;
	} while (err == EINTR);
	if (err) {
		close(fd);
		return fail_connect(rq, address.sun_path, err);
	}
	*ret_fd = fd;
	return EXIT_DONE;
}

static char *request_line(const struct client_request *rq)
{
	json_t *request = rq->args ? json_pack("{sssO}", "command", rq->command, "args", rq->args)
				   : json_pack("{sss{}}", "command", rq->command, "args");
	char *text = request ? json_dumps(request, JSON_COMPACT) : NULL, *line = NULL;

	if (text && asprintf(&line, "%s\n", text) < 0)
		line = NULL;
	free(text);
	json_decref(request);
	return line;
}

static int send_request(struct client_request *rq, int fd)
{
	char *line = request_line(rq);
	size_t left = line ? strlen(line) : 0, sent = 0;
	int code = line ? EXIT_DONE
			: fail(rq, "cannot write the request: out of memory, giving up");

	while (sent < left && !code) {
		ssize_t n = send(fd, line + sent, left - sent, MSG_NOSIGNAL);

		if (n >= 0)
			sent += n;
		else if (errno == EPIPE || errno == ECONNRESET)
			break; /* it may have said why before it closed */
		else if (errno == EAGAIN)
			code = fail_silent(rq);
		else if (errno != EINTR)
			code = fail(rq, "cannot send the request: %s, giving up", strerror(errno));
	}
	free(line);
	return code;
}

/* ---- lines --------------------------------------------------------------------------- */

/* Reads some more behind what is there. 1, 0 at the end, or -errno. */
static int reader_fill(struct reader *in)
{
	ssize_t n;

	if (in->start) {
		memmove(in->buf, in->buf + in->start, in->end - in->start);
		in->end -= in->start;
		in->start = 0;
	}
	if (in->size - in->end < READ_BYTES) {
		size_t size = in->size ? in->size * 2 : 2 * READ_BYTES;
		char *buf = in->end > LINE_MAX_BYTES ? NULL : realloc(in->buf, size);

		if (!buf)
			return in->end > LINE_MAX_BYTES ? -EMSGSIZE : -ENOMEM;
		in->buf = buf;
		in->size = size;
	}
	do {
		n = recv(in->fd, in->buf + in->end, in->size - in->end, 0);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == ECONNRESET ? 0 : -errno;
	in->end += n;
	return n > 0;
}

/* The next line without its end, valid until the next call. 1, 0 at the end, or -errno. */
static int reader_line(struct reader *in, const char **ret_line, size_t *ret_len)
{
	size_t searched = 0;

	for (;;) {
		size_t len = in->end - in->start;
		char *line = len ? in->buf + in->start : NULL;
		char *newline = line ? memchr(line + searched, '\n', len - searched) : NULL;
		int err;

		if (newline) {
			*ret_line = line;
			*ret_len = newline - line;
			in->start += *ret_len + 1;
			in->lines++;
			return 1;
		}
		searched = len;
		err = reader_fill(in);
		if (err <= 0)
			return err;
	}
}

/* ---- the answer ---------------------------------------------------------------------- */

/* The next line, which must be an object; the caller releases ret_row->json. */
static int next_object(struct client_request *rq, struct reader *in, struct client_row *ret_row,
		       json_t **ret_json)
{
	json_error_t error;
	json_t *value;
	int err = reader_line(in, &ret_row->text, &ret_row->len);

	if (err == 0)
		return fail(rq, "the daemon closed the connection before the end of its answer, "
				"what there is of it is incomplete");
	if (err == -EAGAIN)
		return fail_silent(rq);
	if (err == -EMSGSIZE)
		return fail(rq, "line %zu of the daemon's answer is longer than %d MB, giving up",
			    in->lines + 1, LINE_MAX_BYTES >> 20);
	if (err < 0)
		return fail(rq, "cannot read the daemon's answer: %s, giving up", strerror(-err));
	value = json_loadb(ret_row->text, ret_row->len, 0, &error);
	if (!json_is_object(value)) {
		json_decref(value);
		return fail(rq, "line %zu of the daemon's answer is no JSON object: %s, giving up",
			    in->lines, value ? "another value" : error.text);
	}
	ret_row->json = *ret_json = value;
	return EXIT_DONE;
}

/* The exit code that a line carries, or what it means without one; EXIT_FAILED where it is none. */
static int line_exit(const json_t *object, int otherwise)
{
	const json_t *code = json_object_get(object, "exit");

	if (!code)
		return otherwise;
	if (!json_is_integer(code) || json_integer_value(code) < 0 ||
	    json_integer_value(code) > 125)
		return EXIT_FAILED;
	return (int)json_integer_value(code);
}

/* Is this the daemon's own word on why it failed? It may come in place of any line. */
static bool take_error(struct client_request *rq, const json_t *object, int *ret_code)
{
	const char *text = json_string_value(json_object_get(object, "error"));

	if (!text)
		return false;
	snprintf(rq->error, sizeof(rq->error), "%s", text);
	*ret_code = line_exit(object, EXIT_FAILED);
	if (*ret_code == EXIT_DONE)
		*ret_code = EXIT_FAILED;
	return true;
}

static int read_rows(struct client_request *rq, struct reader *in)
{
	bool more = true;
	int code = EXIT_DONE;

	while (more && !code) {
		struct client_row row;
		json_t *object;

		code = next_object(rq, in, &row, &object);
		if (code)
			break;
		if (json_is_true(json_object_get(object, "end"))) {
			code = line_exit(object, EXIT_DONE);
			more = false;
		} else if (take_error(rq, object, &code)) {
			more = false;
		} else {
			rq->rows++;
			more = rq->row(rq->ctx, &row);
		}
		json_decref(object);
	}
	return code;
}

static int read_answer(struct client_request *rq, struct reader *in)
{
	struct client_row row;
	json_t *object;
	int code = next_object(rq, in, &row, &object);

	if (code)
		return code;
	if (!take_error(rq, object, &code) && !json_is_true(json_object_get(object, "ok")))
		code = fail(rq, "the daemon's answer does not begin with \"ok\", giving up");
	json_decref(object);
	return code ? code : read_rows(rq, in);
}

int client_run(struct client_request *request)
{
	struct reader in = { .fd = -1 };
	int code;

	request->rows = 0;
	request->error[0] = '\0';
	code = connect_daemon(request, &in.fd);
	if (!code)
		code = send_request(request, in.fd);
	if (!code)
		code = read_answer(request, &in);
	free(in.buf);
	if (in.fd >= 0)
		close(in.fd);
	return code;
}
