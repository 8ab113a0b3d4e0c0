// SPDX-License-Identifier: GPL-2.0-only
/*
 * libFuzzer: any bytes sent to the control socket. The answer is lines of JSON, the last an error or the end,
 * and the place is free again. Commands that only show are left out but `get`, whose arguments are read here.
 */
#include "fuzz.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "../../daemon/control.h"
#include "../../daemon/daemon.h"
#include "../../daemon/explain.h"
#include "../../daemon/mirror_user.h"
#include "../../daemon/route_change.h"
#include "../../daemon/route_files.h"
#include "../../daemon/route_state.h"
#include "../../daemon/show.h"
#include "../../daemon/verify.h"
#include "../../include/control.h"

enum { ANSWER_MAX = 1 << 20, TURNS = 10000 };

/* ---- in place of the shell that needs a kernel ---------------------------------------- */

int route_change(struct daemon *d, struct user_batch *batch, enum change_mode mode,
		 struct user_counts *ret, struct user_error *error)
{
	(void)mode;
	(void)error;
	return user_batch_apply(batch, d->mirror, ret);
}

void route_files_changed(struct daemon *d, const struct user_batch *batch)
{
	(void)d;
	(void)batch;
}

int route_files_save(struct daemon *d, const char *name, bool force, struct route_files_saved *ret,
		     struct user_error *error)
{
	(void)d;
	(void)force;
	memset(ret, 0, sizeof(*ret));
	if (strchr(name, '/'))
		return user_refuse(error, "%.64s: no file name", name);
	snprintf(ret->path, sizeof(ret->path), "%.200s", name);
	return 0;
}

void route_state_changed(struct daemon *d, const struct user_batch *batch)
{
	(void)d;
	(void)batch;
}

void route_state_rewrite(struct daemon *d)
{
	(void)d;
}

uint32_t datapath_control_hold(const struct datapath *dp)
{
	(void)dp;
	return 0;
}

#define SHOWS_NOTHING(name)                                                                        \
	int name(struct daemon *d, const json_t *args, struct reply *reply)                        \
	{                                                                                          \
		(void)d;                                                                           \
		(void)args;                                                                        \
		return reply_row(reply, json_object());                                            \
	}

SHOWS_NOTHING(show_status)
SHOWS_NOTHING(show_stats)
SHOWS_NOTHING(show_routes)
SHOWS_NOTHING(show_neighbours)
SHOWS_NOTHING(show_nexthops)
SHOWS_NOTHING(show_links)
SHOWS_NOTHING(show_settle)
SHOWS_NOTHING(verify_request)

bool explain_has_ports(uint32_t protocol)
{
	return protocol == 6 || protocol == 17;
}

bool explain_is_ingress(const struct daemon *d, const struct mirror_link *link)
{
	(void)d;
	return link->e.ifindex == 1;
}

int explain_packet(const struct daemon *d, const struct explain_query *query, struct explained *ret)
{
	(void)d;
	memset(ret, 0, sizeof(*ret));
	if (query->frame &&
	    (!query->iif || !query->frame_len || query->frame_len > EXPLAIN_FRAME_MAX))
		FINDING("a frame of %zu bytes, or from nowhere", query->frame_len);
	if (!query->frame && query->size < 20)
		FINDING("a packet of %u bytes", query->size);
	return 0;
}

static struct daemon router;

/* ---- one request ----------------------------------------------------------------------- */

static int connect_to(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", router.instance.socket);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)))
		FINDING("no connection: %s", strerror(errno));
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

/* Sends all of it and reads until the daemon closes its side. The length of the answer. */
static size_t exchange(int fd, const uint8_t *data, size_t size, char *answer)
{
	size_t sent = 0, got = 0;

	for (int turn = 0; turn < TURNS; turn++) {
		ssize_t n = sent < size ? send(fd, data + sent, size - sent, MSG_NOSIGNAL) : 0;

		if (n > 0)
			sent += n;
		if (sent == size && n >= 0) {
			shutdown(fd, SHUT_WR);
			sent++; /* once */
		}
		event_base_loop(router.base, EVLOOP_NONBLOCK);
		n = recv(fd, answer + got, ANSWER_MAX - got, 0);
		if (n == 0 || (n < 0 && errno != EAGAIN))
			return got;
		if (n > 0)
			got += n;
	}
	FINDING("no end after %zu bytes", got);
}

static void check_answer(const char *answer, size_t size)
{
	const char *line = answer, *end;
	json_t *value = NULL;
	json_error_t error;

	for (; (end = memchr(line, '\n', answer + size - line)); line = end + 1) {
		if (value && (json_object_get(value, "end") || json_object_get(value, "error")))
			FINDING("more after the end: %.*s", (int)size, answer);
		json_decref(value);
		value = json_loadb(line, end - line, 0, &error);
		if (!json_is_object(value))
			FINDING("no JSON: %.*s", (int)(end - line), line);
	}
	if (line != answer + size)
		FINDING("half a line: %s", line);
	if (size && !json_object_get(value, "end") && !json_object_get(value, "error"))
		FINDING("no end: %.*s", (int)size, answer);
	json_decref(value);
}

static void stop(void)
{
	control_stop(&router);
}

static void start(void)
{
	router.base = event_base_new();
	router.mirror = fuzz_mirror();
	snprintf(router.instance.socket, sizeof(router.instance.socket),
		 "/tmp/fuzz-control.%d.sock", getpid());
	if (!router.base || control_start(&router))
		FINDING("cannot listen on %s", router.instance.socket);
	atexit(stop);
}

/* With a line's end, or few inputs would be whole requests. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char answer[ANSWER_MAX];
	uint8_t *request = malloc(size + 1);
	size_t got;
	int fd;

	if (!router.base)
		start();
	if (!request)
		return 0;
	memcpy(request, data, size);
	request[size] = '\n';
	fd = connect_to();
	got = exchange(fd, request, size + 1, answer);
	check_answer(answer, got);
	close(fd);
	event_base_loop(router.base, EVLOOP_NONBLOCK);
	free(request);
	return 0;
}
