// SPDX-License-Identifier: GPL-2.0-only
/*
 * A long history of a router in a short time, made in the kernel of this network namespace: paths that
 * change, prefixes that flap, are withdrawn and announced again, host routes and second paths that come
 * and go, sets of next hops drawn anew all the time, nexthop objects replaced and deleted, neighbours
 * that change and vanish, addresses and devices that come and go, links that go down with half the table.
 *
 * The ports r2 and r3 are those of scripts/lib.sh; gateways are 198.18.2.10 to .25 and 198.18.3.10 to .25.
 */
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tests/scale/requests.h"

enum {
	GATEWAYS = 32, /* odd ones by r3 */
	OBJECTS = 32,
	OBJECT_GROUPS = 8,
	FIRST_GROUP = 101, /* id */
	METRIC = 20,
	SECOND_METRIC = 100,
	SETS = 20,	  /* of legs, at a time; fewer in all than there is room for groups */
	SETS_DRAWN = 40,  /* times */
	SPECIFICS = 2048, /* at most, at a time */
	LINK_FLAPS = 2,
	DEVICES = 20, /* that come and go */
};

enum path {
	ABSENT = 0,
	FIRST_GATEWAY, /* and on: by one gateway */
	ANOTHER = FIRST_GATEWAY + GATEWAYS,
};

struct feed {
	struct requests requests;
	struct prefixes table;
	uint8_t *paths; /* enum path, of each prefix */
	bool *seconds;	/* has a second path */
	struct prefix specifics[SPECIFICS];
	uint32_t n_specifics; /* ever made */
	uint32_t oif[2];
	uint64_t seed;
	uint32_t updates, done;
};

static uint32_t draw(struct feed *f, uint32_t below)
{
	return (uint32_t)(random_next(&f->seed) % below);
}

static struct leg leg_of(const struct feed *f, unsigned int gateway)
{
	unsigned int port = gateway % 2;

	return (struct leg){ .gateway = htonl(0xc6120000 | (2 + port) << 8 | (10 + gateway / 2)),
			     .oif = f->oif[port] };
}

/* ---- single prefixes ----------------------------------------------------------------- */

static void announce(struct feed *f, uint32_t i, unsigned int gateway)
{
	const struct way way = { .legs = { leg_of(f, gateway) }, .n = 1 };

	request_route(&f->requests, f->table.list[i], METRIC, &way);
	f->paths[i] = (uint8_t)(FIRST_GATEWAY + gateway);
	f->done++;
}

static void withdraw(struct feed *f, uint32_t i)
{
	request_no_route(&f->requests, f->table.list[i], METRIC);
	f->paths[i] = ABSENT;
	f->done++;
}

static void announce_by(struct feed *f, uint32_t i, const struct way *way)
{
	request_route(&f->requests, f->table.list[i], METRIC, way);
	f->paths[i] = ANOTHER;
	f->done++;
}

/* Two to five legs, the same for every draw of `which` until the sets are drawn anew. */
static struct way set_of(const struct feed *f, uint32_t which)
{
	uint64_t seed = (uint64_t)f->done * SETS_DRAWN / f->updates << 32 | which;
	struct way way = { .n = 2 + random_next(&seed) % 4 };

	for (unsigned int i = 0; i < way.n; i++)
		way.legs[i] = leg_of(f, random_next(&seed) % GATEWAYS);
	return way;
}

static void flap(struct feed *f, uint32_t i)
{
	unsigned int gateway = draw(f, GATEWAYS);

	for (unsigned int n = 0; n < 3; n++) {
		announce(f, i, gateway);
		withdraw(f, i);
	}
	announce(f, i, gateway);
}

static void second(struct feed *f, uint32_t i)
{
	const struct way way = { .legs = { leg_of(f, draw(f, GATEWAYS)) }, .n = 1 };

	if (f->seconds[i])
		request_no_route(&f->requests, f->table.list[i], SECOND_METRIC);
	else
		request_route(&f->requests, f->table.list[i], SECOND_METRIC, &way);
	f->seconds[i] = !f->seconds[i];
	f->done++;
}

/* A longer one within the prefix, of 25 to 32 bits; the oldest of them goes where there are too many. */
static void specific(struct feed *f, uint32_t i)
{
	const struct way way = { .legs = { leg_of(f, draw(f, GATEWAYS)) }, .n = 1 };
	struct prefix *place = &f->specifics[f->n_specifics % SPECIFICS];
	struct prefix around = f->table.list[i];

	if (around.len > 24)
		return;
	if (f->n_specifics >= SPECIFICS)
		request_no_route(&f->requests, *place, SECOND_METRIC);
	*place = prefix_make(around.addr | draw(f, UINT32_MAX) % (1u << (32 - around.len)),
			     (uint8_t)(25 + draw(f, 8)));
	request_route(&f->requests, *place, SECOND_METRIC, &way);
	f->n_specifics++;
	f->done += 2;
}

/* ---- what routes go by --------------------------------------------------------------- */

static void neighbour(struct feed *f, unsigned int gateway, uint8_t variant)
{
	const struct leg leg = leg_of(f, gateway);
	const uint8_t mac[6] = { 2, 0, 0, variant, (uint8_t)gateway, 2 };

	request_neighbour(&f->requests, &leg, mac);
}

static void object(struct feed *f, uint32_t id)
{
	const struct leg leg = leg_of(f, draw(f, GATEWAYS));

	request_nexthop(&f->requests, id, &leg);
}

static void object_group(struct feed *f, uint32_t id)
{
	uint32_t first = draw(f, OBJECTS - 2);
	const uint32_t members[] = { 1 + first, 2 + first, 3 + first };

	request_nexthop_group(&f->requests, id, members, 2 + draw(f, 2));
}

static void furnish(struct feed *f)
{
	for (unsigned int i = 0; i < GATEWAYS; i++)
		neighbour(f, i, 0);
	for (uint32_t id = 1; id <= OBJECTS; id++)
		object(f, id);
	for (uint32_t id = FIRST_GROUP; id < FIRST_GROUP + OBJECT_GROUPS; id++)
		object_group(f, id);
}

/* All that went by it goes by the other one, beside the updates, and it comes back empty. */
static void link_flap(struct feed *f, unsigned int port)
{
	uint32_t done = f->done;

	request_link_up(&f->requests, f->oif[port], false);
	for (uint32_t i = 0; i < f->table.n; i++) {
		uint8_t path = f->paths[i];

		if (path == ANOTHER || (path && (path - FIRST_GATEWAY) % 2u == port))
			announce(f, i, draw(f, GATEWAYS / 2) * 2 + !port);
	}
	memset(f->seconds, 0, f->table.n * sizeof(*f->seconds));
	request_link_up(&f->requests, f->oif[port], true);
	furnish(f);
	f->done = done;
}

/* ---- one step ------------------------------------------------------------------------ */

static void update(struct feed *f)
{
	uint32_t i = draw(f, f->table.n), kind = draw(f, 1000);
	struct way way = { .n = 0 };

	if (kind < 100) {
		second(f, i);
	} else if (kind < 150) {
		specific(f, i);
	} else if (!f->paths[i] || kind < 600) {
		announce(f, i, draw(f, GATEWAYS));
	} else if (kind < 800) {
		withdraw(f, i);
	} else if (kind < 820) {
		flap(f, i);
	} else if (kind < 900) {
		way = set_of(f, draw(f, SETS));
		announce_by(f, i, &way);
	} else if (kind < 980) {
		way.nhid = kind < 960 ? 1 + draw(f, OBJECTS) : FIRST_GROUP + draw(f, OBJECT_GROUPS);
		announce_by(f, i, &way);
	} else if (kind < 990) {
		way = (struct way){ .legs = { leg_of(f, kind) }, .n = 1, .mtu = 1400 };
		announce_by(f, i, &way);
	} else {
		announce_by(f, i, &way);
	}
}

static void now_and_then(struct feed *f)
{
	uint32_t gateway = draw(f, GATEWAYS), id = 1 + draw(f, OBJECTS);
	struct leg leg = leg_of(f, gateway);

	switch (draw(f, 8000)) {
	case 0 ... 15:
		neighbour(f, gateway, (uint8_t)draw(f, 4));
		break;
	case 16:
		request_neighbour(&f->requests, &leg, NULL);
		neighbour(f, gateway, 0);
		break;
	case 17: /* few: the kernel waits for a grace period each time */
		object(f, id);
		break;
	case 18:
		object_group(f, FIRST_GROUP + draw(f, OBJECT_GROUPS));
		break;
	case 19:
		request_address(&f->requests, htonl(0xc6120264), 24, f->oif[0], true);
		break;
	case 20:
		request_address(&f->requests, htonl(0xc6120264), 24, f->oif[0], false);
		break;
	}
}

/* The kernel takes its routes away without a word: a dump follows, so only a few times. */
static void object_deleted(struct feed *f)
{
	uint32_t id = 1 + draw(f, OBJECTS);

	request_no_nexthop(&f->requests, id);
	object(f, id);
}

static void device(struct feed *f, uint32_t n)
{
	char name[IFNAMSIZ];

	snprintf(name, sizeof(name), "feed%u", n / 2);
	if (n % 2)
		request_no_device(&f->requests, name);
	else
		request_macvlan(&f->requests, name, f->oif[0]);
}

/* True when `done` passes another one of so many equal parts. */
static bool part_begins(const struct feed *f, uint32_t before, uint32_t parts)
{
	return (uint64_t)before * parts / f->updates != (uint64_t)f->done * parts / f->updates;
}

static void announce_absent(struct feed *f)
{
	for (uint32_t i = 0; i < f->table.n; i++)
		if (!f->paths[i])
			announce(f, i, draw(f, GATEWAYS));
}

/* Begins and ends with the whole table: memory is to be compared with that of its largest. */
static void run(struct feed *f)
{
	uint32_t flaps = 0, devices = 0;

	furnish(f);
	announce_absent(f);
	f->done = 0;
	while (f->done < f->updates) {
		uint32_t before = f->done;

		update(f);
		now_and_then(f);
		if (part_begins(f, before, 2 * DEVICES) && devices < 2 * DEVICES)
			device(f, devices++);
		if (part_begins(f, before, 5))
			object_deleted(f);
		if (part_begins(f, before, LINK_FLAPS + 1) && flaps < LINK_FLAPS)
			link_flap(f, flaps++ % 2);
	}
	while (devices % 2)
		device(f, devices++);
	announce_absent(f);
}

static uint32_t device_number(const char *name)
{
	uint32_t ifindex = if_nametoindex(name);

	if (!ifindex)
		die("feed: no device %s here", name);
	return ifindex;
}

/* feed TABLE UPDATES SEED: UPDATES 0 only loads the table. */
int command_feed(int argc, char **argv)
{
	static struct feed f;
	double begin;

	if (argc != 4)
		die("feed: TABLE UPDATES SEED is expected");
	prefixes_read(&f.table, argv[1], UINT32_MAX);
	f.updates = parse_number(argv[2], 0, 1000000000);
	f.seed = parse_number(argv[3], 0, UINT32_MAX);
	f.oif[0] = device_number("r2");
	f.oif[1] = device_number("r3");
	f.paths = calloc(f.table.n, sizeof(*f.paths));
	f.seconds = calloc(f.table.n, sizeof(*f.seconds));
	if (!f.paths || !f.seconds)
		die("feed: out of memory");
	requests_open(&f.requests);
	begin = seconds_now();
	run(&f);
	requests_close(&f.requests);
	printf("{\"updates\":%u,\"sent\":%llu,\"refused\":%llu,\"last_error\":\"%s\",\"seconds\":%.3f}\n",
	       f.done, (unsigned long long)f.requests.sent, (unsigned long long)f.requests.refused,
	       f.requests.last_error ? strerror(f.requests.last_error) : "", seconds_now() - begin);
	return 0;
}
