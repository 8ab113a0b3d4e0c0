// SPDX-License-Identifier: GPL-2.0-only
/*
 * The audit from its first dump to its last word.
 *
 * Everything is compared once. What differs is looked at again, several times: after the daemon has settled and
 * the shadow has caught up, and once with a new dump. Only what differs every time, in the same way, counts.
 */
#include "verify_run.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "../include/control.h"
#include "clock.h"
#include "verify_internal.h"
#include "verify_report.h"

enum {
	SUBJECTS_MAX = 1 << 20, /* differences that are kept */
	ROUNDS = 4,
	ROUND_MS = 50,
	SETTLE_SECONDS = 10,
};

static const struct subject_type *const types[SUBJECT_KINDS] = {
	[SUBJECT_ROUTE] = &verify_routes_type,
	[SUBJECT_DEFAULT] = &verify_default_type,
	[SUBJECT_ENTRY] = &verify_entry_type,
	[SUBJECT_QUERY] = &verify_query_type,
	[SUBJECT_PACKET] = &verify_packet_type,
	[SUBJECT_NEIGHBOUR] = &verify_neighbour_type,
	[SUBJECT_PORT] = &verify_port_type,
	[SUBJECT_PORT_ROW] = &verify_port_row_type,
	[SUBJECT_INGRESS_MAC] = &verify_ingress_mac_type,
	[SUBJECT_OWN] = &verify_own_type,
	[SUBJECT_STEP] = &verify_step_type,
	[SUBJECT_TABLE_ROUTE] = &verify_table_route_type,
	[SUBJECT_CONTROL] = &verify_control_type,
};

const struct subject_type *verify_type(const struct subject *s)
{
	return types[s->kind];
}

int verify_note(struct verify *v, const struct subject *s)
{
	struct subject noted = *s;

	if (v->overflow || !types[s->kind]->differs(v, s, &noted.signature))
		return 0;
	v->overflow = v->subjects.n == SUBJECTS_MAX;
	return v->overflow ? 0 : vec_push(&v->subjects, &noted, sizeof(noted));
}

/* ---- rounds ---------------------------------------------------------------------------- */

/* Asks the daemon like any client: what was announced before this is in the maps afterwards. */
static void settle(const struct daemon *d)
{
	static const char request[] = "{\"command\":\"settle\",\"args\":{\"timeout\":1}}\n";
	const struct timeval patience = { .tv_sec = SETTLE_SECONDS };
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char answer[512];
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return;
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", d->instance.socket);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (!connect(fd, (struct sockaddr *)&address, sizeof(address)) &&
	    send(fd, request, strlen(request), MSG_NOSIGNAL) > 0)
		while (recv(fd, answer, sizeof(answer), 0) > 0)
			; /* it closes its side after the answer */
	close(fd);
}

static bool has_kind(const struct verify *v, uint8_t kind)
{
	const struct subject *s = v->subjects.items;

	for (uint32_t i = 0; i < v->subjects.n; i++)
		if (s[i].kind == kind)
			return true;
	return false;
}

/* Keeps what differs as it did. */
static void look_again(struct verify *v)
{
	struct subject *s = v->subjects.items;
	uint32_t kept = 0, signature;

	for (uint32_t i = 0; i < v->subjects.n; i++)
		if (types[s[i].kind]->differs(v, &s[i], &signature) && signature == s[i].signature)
			s[kept++] = s[i];
	v->counts.in_flight += v->subjects.n - kept;
	v->subjects.n = kept;
}

bool verify_is_unwanted(const struct verify *v)
{
	struct pollfd poller = { .fd = v->fd };

	return poll(&poller, 1, 0) > 0 && poller.revents & (POLLHUP | POLLERR);
}

static int rounds(struct verify *v)
{
	const struct timespec pause = { .tv_nsec = ROUND_MS * 1000000L };
	int err = 0;

	while (v->subjects.n && v->counts.rounds < ROUNDS && !err) {
		v->counts.rounds++;
		nanosleep(&pause, NULL);
		settle(v->d);
		err = shadow_update(v->shadow, v->counts.rounds == ROUNDS / 2);
		if (!err && has_kind(v, SUBJECT_ENTRY))
			err = verify_entries_walk(v);
		if (!err && has_kind(v, SUBJECT_TABLE_ROUTE))
			err = verify_policy_walk(v);
		if (!err && verify_is_unwanted(v))
			err = -EPIPE;
		if (!err)
			look_again(v);
	}
	return err;
}

/* ---- from begin to end ----------------------------------------------------------------- */

static int open_all(struct verify *v)
{
	int err = shadow_open(&v->shadow, v->d);

	if (!err)
		err = netlink_queries_open(&v->queries);
	if (!err)
		v->mirror = shadow_mirror(v->shadow);
	return err;
}

static int ask_all(struct verify *v, const struct verify_options *options)
{
	size_t n = options->n_addresses ? options->n_addresses : options->samples;
	uint32_t *addresses = options->addresses;
	int err = 0;

	if (!options->n_addresses)
		addresses = sample_addresses(v, options->samples, &err);
	if (!err)
		err = verify_queries(v, addresses, n);
	if (!err)
		err = verify_packets(v, addresses, n);
	if (!options->n_addresses)
		free(addresses);
	return err;
}

static int check_all(struct verify *v, const struct verify_options *options)
{
	int (*const checks[])(struct verify *) = { verify_control,	verify_ports,
						   verify_neighbours,	verify_own,
						   verify_ingress_macs, verify_policy,
						   verify_routes,	verify_entries };
	int err = 0;

	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]) && !err; i++)
		err = verify_is_unwanted(v) ? -EPIPE : checks[i](v);
	return err ? err : ask_all(v, options);
}

int verify_run(const struct daemon *d, const struct verify_options *options, int fd,
	       struct verify_result *ret)
{
	struct verify v = { .d = d, .dp = d->datapath, .fd = fd };
	const char *what = "asking the kernel";
	uint64_t begin = now_ns();
	int err = open_all(&v);

	if (!err) {
		what = "comparing";
		err = check_all(&v, options);
	}
	if (!err)
		err = rounds(&v);
	/* Those of the fork are compared, and nobody announces others. */
	if (!err && v.subjects.n && __atomic_load_n(&ret->user_changed, __ATOMIC_RELAXED)) {
		what = "user routes changed meanwhile";
		err = -EAGAIN;
	}
	if (!err)
		err = report_differences(&v, options, (now_ns() - begin) / 1e9);
	if (err) {
		snprintf(ret->error, sizeof(ret->error), "verify: %s: %s, nothing is known", what,
			 strerror(-err));
		return EXIT_FAILED;
	}
	return v.subjects.n ? EXIT_DIFFERENT : EXIT_DONE;
}
