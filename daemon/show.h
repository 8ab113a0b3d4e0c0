/* SPDX-License-Identifier: GPL-2.0-only */
/* What the commands of the control socket say: one function each, rows as docs/ebpf-route.8.md has
 * them. */
#ifndef EBPF_ROUTE_SHOW_H
#define EBPF_ROUTE_SHOW_H

#include <jansson.h>
#include "control.h"

struct explain_view;

int show_status(struct daemon *d, const json_t *args, struct reply *reply);
int show_stats(struct daemon *d, const json_t *args, struct reply *reply);
int show_routes(struct daemon *d, const json_t *args, struct reply *reply);
int show_neighbours(struct daemon *d, const json_t *args, struct reply *reply);
int show_nexthops(struct daemon *d, const json_t *args, struct reply *reply);
int show_links(struct daemon *d, const json_t *args, struct reply *reply);
int show_get(struct daemon *d, const json_t *args, struct reply *reply);
int show_settle(struct daemon *d, const json_t *args, struct reply *reply);

/* ---- user routes among those of `route`, show_user.c ----------------------------------- */

/* The user route of the prefix, if there is one: its row. 0 or -ENOMEM. */
int show_user_route(const struct daemon *d, const struct explain_view *view, struct prefix dst,
		    struct reply *reply);
/* All of them, as a stream. */
void show_user_routes(struct reply *reply);

/* ---- pieces of rows, show_parts.c ---------------------------------------------------- */

const char *verdict_name(uint32_t verdict); /* "ttl", "forwarded" .. */
/* {"verdict":"forward|drop|fallback","reason":null|".."} */
json_t *fastpath_object(enum verdict verdict);
/* "forward", "drop" or "fallback" into row.verdict, the reason or null into row.reason. */
void put_verdict(json_t *row, enum verdict verdict);
json_t *counter_object(const struct counter *counter);

void put_string(json_t *row, const char *key, const char *value); /* left out if empty */
/* The name of a link, which may be any bytes, as UTF-8. */
json_t *name_string(const struct mirror_link *link);
void put_device(const struct daemon *d, json_t *row, const char *key, uint32_t ifindex);
/* "gateway", or "via" for one of another family, as ip writes them; "lladdr" of one that is a MAC address. */
void put_gateway(json_t *row, const struct addr *gateway);
json_t *mac_string(const uint8_t mac[6]);

/* Names as iproute2 has them; a number as text in buf (16 bytes) where there is none. */
const char *protocol_name(uint8_t protocol, char *buf);
const char *table_name(uint32_t table, char *buf);
const char *scope_name(uint8_t scope, char *buf);
const char *type_name(uint8_t type, char *buf);

/* {"gateway":..,"dev":..,"weight":..,"flags":[..]} of one leg. */
json_t *leg_object(const struct daemon *d, const struct event_leg *leg);

#endif
