/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The parts of the program that measures the control plane. A failure that leaves nothing to measure
 * ends it with a message (`die`).
 */
#ifndef EBPF_ROUTE_SCALE_H
#define EBPF_ROUTE_SCALE_H

#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "include/addr.h"

/* util.c */
void die(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
double seconds_now(void);	/* CLOCK_MONOTONIC */
double seconds_of_thread(void); /* CPU time */
uint64_t random_next(uint64_t *state);
/* A number from lo to hi; dies otherwise. */
uint32_t parse_number(const char *text, uint32_t lo, uint32_t hi);
double median(double *values, unsigned int n); /* sorts them; 0 where there are none */

/* prefixes.c */
struct prefixes {
	struct prefix *list;
	uint32_t n;
};
/*
 * One prefix a line, gzip if *.gz; at most `most` of them, spread over the whole file. What is no
 * unicast destination, the default route, and 198.18.0.0/15 are left out.
 */
void prefixes_read(struct prefixes *table, const char *path, uint32_t most);
void prefixes_free(struct prefixes *table);

/* stream.c: netlink messages one after the other, each aligned, as a socket would bring them */
struct stream {
	uint8_t *bytes;
	size_t size, room;
	uint32_t n; /* messages */
};
void stream_add(struct stream *stream, const struct nlmsghdr *nlh);
/* The message at *pos, and *pos moves on; NULL at the end. */
const struct nlmsghdr *stream_next(const struct stream *stream, size_t *pos);
void stream_read(struct stream *stream, const char *path);
void stream_free(struct stream *stream);

/* messages.c: routes by one gateway, in the very bytes in which the kernel announces them */
struct route {
	struct prefix dst;
	__be32 gateway;
	uint32_t oif, priority;
	uint8_t protocol;
};
/* type RTM_NEWROUTE or RTM_DELROUTE; flags as nlmsg_flags. */
void message_route(struct stream *stream, uint16_t type, uint16_t flags, const struct route *route);

/* churn.c: what a router with so many neighbours announces */
enum {
	CHURN_HOPS = 32,
	CHURN_LINKS = 2,
	CHURN_FIRST_LINK = 2, /* ifindex */
};
uint32_t churn_oif(unsigned int hop);
__be32 churn_gateway(unsigned int hop);
/* The table as a dump; what each prefix goes by afterwards is kept in `hops`. */
void churn_dump(const struct prefixes *table, uint8_t *hops, struct stream *ret);
/* n events after it: paths that change, prefixes withdrawn, and announced again. */
void churn_events(const struct prefixes *table, uint8_t *hops, uint32_t n, uint64_t seed,
		  struct stream *ret);

/* maps.c */
/* The first `size` bytes of that map of the daemon with this process id, an mmapable array. */
const void *maps_open(uint32_t pid, const char *name, size_t size);

/* The commands; each returns an exit code. argv[0] is its name. */
int command_prefixes(int argc, char **argv);
int command_replay(int argc, char **argv);
int command_record(int argc, char **argv);
int command_compare(int argc, char **argv);
int command_dump(int argc, char **argv);
int command_react(int argc, char **argv);
int command_last(int argc, char **argv);
int command_feed(int argc, char **argv);
int command_traffic(int argc, char **argv);

#endif
