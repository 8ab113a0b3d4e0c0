// SPDX-License-Identifier: GPL-2.0-only
/* `route`, `neigh`: the mirrored tables, each row with what the fast path does. */
#include "show.h"

#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include "explain.h"
#include "resolve.h"

/* ---- route --------------------------------------------------------------------------- */

static void put_nexthop(const struct daemon *d, json_t *row, const struct mirror_nexthop *nexthop)
{
	const struct mirror_object *object = nexthop->nhid ? mirror_object(d->mirror, nexthop->nhid)
							   : NULL;
	const struct event_leg *leg = NULL;
	json_t *legs;

	if (nexthop->nhid)
		json_object_set_new(row, "nhid", json_integer(nexthop->nhid));
	if (object && object->type == NH_TYPE_SINGLE)
		leg = &object->leg;
	else if (nexthop->n_legs == 1)
		leg = &nexthop->legs[0];
	if (leg) {
		put_gateway(row, &leg->gateway);
		put_device(d, row, "dev", leg->oif);
	}
	if (object && object->n_members) {
		legs = json_array();
		for (int i = 0; i < object->n_members; i++) {
			const struct mirror_object *member =
				mirror_object(d->mirror, object->members[i].id);
			struct event_leg weighted = member ? member->leg : (struct event_leg){ 0 };

			weighted.weight = object->members[i].weight;
			json_array_append_new(legs, leg_object(d, &weighted));
		}
		json_object_set_new(row, "nexthops", legs);
	} else if (nexthop->n_legs > 1) {
		legs = json_array();
		for (int i = 0; i < nexthop->n_legs; i++)
			json_array_append_new(legs, leg_object(d, &nexthop->legs[i]));
		json_object_set_new(row, "nexthops", legs);
	}
	if (nexthop->mtu)
		json_object_set_new(row, "mtu", json_integer(nexthop->mtu));
}

static json_t *route_flags(const struct mirror_nexthop *nexthop)
{
	json_t *flags = json_array();
	uint8_t bits = nexthop && nexthop->n_legs == 1 ? nexthop->legs[0].flags : 0;

	if (bits & RTNH_F_DEAD)
		json_array_append_new(flags, json_string("dead"));
	if (bits & RTNH_F_ONLINK)
		json_array_append_new(flags, json_string("onlink"));
	if (bits & RTNH_F_LINKDOWN)
		json_array_append_new(flags, json_string("linkdown"));
	return flags;
}

/* The candidate that decides gets the verdict; the others are there, but shadowed. */
static json_t *candidate_fastpath(const struct daemon *d, const struct explain_view *view,
				  const struct rib_entry *entry,
				  const struct mirror_candidate *candidate)
{
	struct resolved_route resolved;
	enum verdict verdict;

	if (!resolve_route(d->mirror, entry, &resolved) || resolved.candidate != candidate ||
	    explain_route(d, view, entry, &verdict))
		return json_pack("{sssn}", "verdict", "shadowed", "reason");
	return fastpath_object(verdict);
}

static json_t *route_row(const struct daemon *d, const struct explain_view *view,
			 const struct rib_entry *entry, const struct mirror_candidate *candidate)
{
	const struct mirror_nexthop *nexthop =
		candidate->nexthop ? mirror_nexthop(d->mirror, candidate->nexthop) : NULL;
	char text[INET6_ADDRSTRLEN], number[16];
	json_t *row = json_object();

	if (!row)
		return NULL;
	if (candidate->type != RTN_UNICAST)
		json_object_set_new(row, "type", json_string(type_name(candidate->type, number)));
	json_object_set_new(row, "dst", json_string(destination_format(rib_prefix(entry), text)));
	if (candidate->tos)
		json_object_set_new(row, "tos", json_sprintf("0x%02x", candidate->tos));
	if (nexthop)
		put_nexthop(d, row, nexthop);
	json_object_set_new(row, "table", json_string(table_name(candidate->table, number)));
	json_object_set_new(row, "protocol",
			    json_string(protocol_name(candidate->protocol, number)));
	if (candidate->scope != RT_SCOPE_UNIVERSE)
		json_object_set_new(row, "scope",
				    json_string(scope_name(candidate->scope, number)));
	if (candidate->priority)
		json_object_set_new(row, "metric", json_integer(candidate->priority));
	json_object_set_new(row, "flags", route_flags(nexthop));
	json_object_set_new(row, "fastpath", candidate_fastpath(d, view, entry, candidate));
	return row;
}

enum { CURSOR_STARTED, CURSOR_ADDR, CURSOR_LEN, CURSOR_TABLE };

static int put_entry(struct daemon *d, const struct explain_view *view,
		     const struct rib_entry *entry, uint32_t table, struct reply *reply)
{
	const struct mirror_candidate *candidate;
	int err = 0;

	if (!table || table == RT_TABLE_MAIN)
		err = show_user_route(d, view, rib_prefix(entry), reply);
	for (uint32_t h = entry->candidates; h && !err; h = candidate->next) {
		candidate = mirror_candidate(d->mirror, h);
		if (!table || candidate->table == table)
			err = reply_row(reply, route_row(d, view, entry, candidate));
	}
	return err;
}

static int next_routes(struct daemon *d, struct reply_cursor *cursor, struct reply *reply)
{
	struct rib *rib = mirror_rib(d->mirror);
	struct prefix at = { .addr = cursor->word[CURSOR_ADDR], .len = cursor->word[CURSOR_LEN] };
	struct explain_view view;
	struct rib_entry *entry;

	explain_enter(d, &view);
	entry = cursor->word[CURSOR_STARTED] ? rib_next(rib, at) : rib_first(rib, at);
	for (int rows = 0; entry && rows < 256; rows++) {
		int err = put_entry(d, &view, entry, cursor->word[CURSOR_TABLE], reply);

		if (err)
			return err;
		cursor->word[CURSOR_STARTED] = 1;
		cursor->word[CURSOR_ADDR] = entry->addr;
		cursor->word[CURSOR_LEN] = entry->len;
		entry = rib_next(rib, rib_prefix(entry));
	}
	return entry ? 1 : 0;
}

/*
 * As `ip route show` does: table main, or another by "table" (a number, 0: all), or one prefix. User routes
 * stand among those of the table main, before those of their prefix; "protocol":"user" leaves only them.
 */
int show_routes(struct daemon *d, const json_t *args, struct reply *reply)
{
	const char *text = json_string_value(json_object_get(args, "prefix"));
	const char *protocol = json_string_value(json_object_get(args, "protocol"));
	bool only_user = protocol && strcmp(protocol, "user") == 0;
	const json_t *table_arg = json_object_get(args, "table");
	uint32_t table = table_arg ? json_integer_value(table_arg) : RT_TABLE_MAIN;
	const struct rib_entry *entry;
	struct explain_view view;
	struct prefix prefix;

	if (!text && only_user) {
		show_user_routes(reply);
		return 0;
	}
	if (!text) {
		reply_cursor(reply)->word[CURSOR_TABLE] = table;
		reply_stream(reply, next_routes);
		return 0;
	}
	if (prefix_parse(text, &prefix))
		return reply_error(reply, EXIT_USAGE, "'%.64s': not an IPv4 prefix", text);
	explain_enter(d, &view);
	if (only_user)
		return show_user_route(d, &view, prefix, reply);
	entry = rib_find(mirror_rib(d->mirror), prefix);
	return entry ? put_entry(d, &view, entry, table, reply) : 0;
}

/* ---- neigh --------------------------------------------------------------------------- */

struct neighbour_walk {
	struct daemon *d;
	struct reply *reply;
	uint32_t only; /* ifindex, 0: all */
};

static json_t *state_list(uint16_t state)
{
	static const struct {
		uint16_t bit;
		const char *name;
	} states[] = {
		{ NUD_PERMANENT, "PERMANENT" },	  { NUD_NOARP, "NOARP" },
		{ NUD_REACHABLE, "REACHABLE" },	  { NUD_STALE, "STALE" },
		{ NUD_DELAY, "DELAY" },		  { NUD_PROBE, "PROBE" },
		{ NUD_INCOMPLETE, "INCOMPLETE" }, { NUD_FAILED, "FAILED" },
	};
	json_t *list = json_array();

	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		if (state & states[i].bit)
			json_array_append_new(list, json_string(states[i].name));
	return list;
}

static int neighbour_row(void *ctx, const struct mirror_neighbour *n)
{
	const struct neighbour_walk *walk = ctx;
	uint32_t index = fib_adjacency_of(walk->d->fib, n->e.ifindex, &n->e.addr);
	char text[INET6_ADDRSTRLEN];
	json_t *row;

	if (walk->only && walk->only != n->e.ifindex)
		return 0;
	row = json_pack("{ss}", "dst", addr_format(&n->e.addr, text));
	put_device(walk->d, row, "dev", n->e.ifindex);
	if (n->e.mac_len)
		json_object_set_new(row, "lladdr", mac_string(n->e.mac));
	json_object_set_new(row, "state", state_list(n->e.state));
	json_object_set_new(row, "fastpath",
			    fastpath_object(datapath_adjacency(walk->d->datapath, index).target.port
						    ? VERDICT_forwarded
						    : VERDICT_no_neighbour));
	return reply_row(walk->reply, row);
}

int show_neighbours(struct daemon *d, const json_t *args, struct reply *reply)
{
	const char *dev = json_string_value(json_object_get(args, "dev"));
	struct neighbour_walk walk = { .d = d, .reply = reply };

	if (dev) {
		const struct mirror_link *link = mirror_link_by_name(d->mirror, dev);

		if (!link)
			return reply_error(reply, EXIT_FAILED, "%.16s: no such interface", dev);
		walk.only = link->e.ifindex;
	}
	return mirror_walk_neighbours(d->mirror, neighbour_row, &walk);
}
