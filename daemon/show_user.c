// SPDX-License-Identifier: GPL-2.0-only
/* The rows of `route` for the user's routes: what they say, what the fast path does, what they counted. */
#include "show.h"

#include "explain.h"
#include "mirror_user.h"
#include "user_text.h"

/* The device of a leg: as it was named, or that of the connected net. */
static void put_leg_device(const struct daemon *d, json_t *row, const struct user_leg *leg)
{
	if (leg->dev[0])
		put_string(row, "dev", leg->dev);
	else
		put_device(d, row, "dev", mirror_connected_device(d->mirror, leg->gateway));
}

static void put_leg(const struct daemon *d, json_t *row, const struct user_leg *leg)
{
	struct addr gateway = addr_v4(leg->gateway);

	if (leg->gateway)
		put_gateway(row, &gateway);
	put_leg_device(d, row, leg);
	if (leg->has_lladdr)
		json_object_set_new(row, "lladdr", mac_string(leg->lladdr));
}

static json_t *flags_of(const struct user_leg *leg)
{
	json_t *flags = json_array();

	if (leg->onlink)
		json_array_append_new(flags, json_string("onlink"));
	return flags;
}

static void put_legs(const struct daemon *d, json_t *row, const struct user_route *route)
{
	json_t *legs;

	if (route->n_legs == 1) {
		put_leg(d, row, &route->legs[0]);
		json_object_set_new(row, "flags", flags_of(&route->legs[0]));
		return;
	}
	legs = json_array();
	for (unsigned int i = 0; i < route->n_legs; i++) {
		json_t *leg = json_object();

		put_leg(d, leg, &route->legs[i]);
		json_object_set_new(leg, "weight", json_integer(route->legs[i].weight));
		json_object_set_new(leg, "flags", flags_of(&route->legs[i]));
		json_array_append_new(legs, leg);
	}
	json_object_set_new(row, "nexthops", legs);
}

static void put_cpus(json_t *row, const struct user_route *route)
{
	char cpus[24];

	snprintf(cpus, sizeof(cpus), route->last_cpu > route->first_cpu ? "%u-%u" : "%u",
		 route->first_cpu, route->last_cpu);
	json_object_set_new(row, "cpus", json_string(cpus));
}

/* ---- counters ------------------------------------------------------------------------ */

static void add_slot(const struct daemon *d, uint32_t slot, struct counter *total)
{
	struct nexthop_counters counters;

	if (datapath_nexthop_counters(d->datapath, slot, &counters))
		return;
	total->packets += counters.forwarded.packets;
	total->bytes += counters.forwarded.bytes;
}

/* The members of a group count, and one may stand there several times. */
static void add_members(const struct daemon *d, const uint32_t *leaves, unsigned int n,
			struct counter *total)
{
	for (unsigned int i = 0; i < n; i++) {
		bool seen = leaves[i] < LEAF_FIRST_SLOT;

		for (unsigned int j = 0; j < i && !seen; j++)
			seen = leaves[j] == leaves[i];
		if (!seen)
			add_slot(d, leaves[i], total);
	}
}

static void put_counters(const struct daemon *d, json_t *row, const struct user_route *route)
{
	struct counter total = { 0 };
	const uint32_t *leaves;
	unsigned int members;
	uint32_t slot;
	bool shared;

	if (fib_user_slot(d->fib, route->dst, &slot, &shared))
		return;
	/* The slot itself counts while none of its legs can be used. */
	add_slot(d, slot, &total);
	fib_slot_retired(d->fib, slot, &total);
	members = fib_slot_members(d->fib, slot, &leaves);
	add_members(d, leaves, members, &total);
	json_object_set_new(row, "packets", json_integer((json_int_t)total.packets));
	json_object_set_new(row, "bytes", json_integer((json_int_t)total.bytes));
	if (shared)
		json_object_set_new(row, "counters", json_string("shared"));
}

/* ---- the row ------------------------------------------------------------------------- */

static json_t *fastpath_of(const struct daemon *d, const struct explain_view *view,
			   const struct user_route *route)
{
	const struct rib_entry *entry = rib_find(mirror_rib(d->mirror), route->dst);
	enum verdict verdict;

	if (!entry || explain_route(d, view, entry, &verdict))
		return json_pack("{sssn}", "verdict", "shadowed", "reason");
	return fastpath_object(verdict);
}

static json_t *user_row(const struct daemon *d, const struct explain_view *view,
			const struct user_route *route)
{
	char text[PREFIX_STRLEN];
	json_t *row = json_object();

	if (!row)
		return NULL;
	json_object_set_new(row, "dst", json_string(destination_format(route->dst, text)));
	json_object_set_new(row, "protocol", json_string("user"));
	json_object_set_new(row, "action", json_string(user_action_word(route)));
	if (route->action == USER_REDIRECT)
		put_string(row, "dev", route->dev);
	else if (route->action == USER_CPU)
		put_cpus(row, route);
	else if (route->action == USER_NEXTHOPS)
		put_legs(d, row, route);
	if (route->override)
		json_object_set_new(row, "override", json_true());
	if (route->comment)
		put_string(row, "comment", route->comment);
	put_counters(d, row, route);
	json_object_set_new(row, "fastpath", fastpath_of(d, view, route));
	return row;
}

int show_user_route(const struct daemon *d, const struct explain_view *view, struct prefix dst,
		    struct reply *reply)
{
	const struct user_route *route = mirror_user_find(d->mirror, dst);

	return route ? reply_row(reply, user_row(d, view, route)) : 0;
}

enum { CURSOR_STARTED, CURSOR_ADDR, CURSOR_LEN };

static int next_user_routes(struct daemon *d, struct reply_cursor *cursor, struct reply *reply)
{
	/* Only the prefix of the one before counts, which may be gone. */
	struct user_route before = { .dst = { .addr = (uint32_t)cursor->word[CURSOR_ADDR],
					      .len = (uint8_t)cursor->word[CURSOR_LEN] } };
	const struct user_route *route =
		mirror_user_next(d->mirror, cursor->word[CURSOR_STARTED] ? &before : NULL);
	struct explain_view view;

	explain_enter(d, &view);
	for (int rows = 0; route && rows < 256; rows++) {
		int err = reply_row(reply, user_row(d, &view, route));

		if (err)
			return err;
		cursor->word[CURSOR_STARTED] = 1;
		cursor->word[CURSOR_ADDR] = route->dst.addr;
		cursor->word[CURSOR_LEN] = route->dst.len;
		route = mirror_user_next(d->mirror, route);
	}
	return route ? 1 : 0;
}

void show_user_routes(struct reply *reply)
{
	reply_stream(reply, next_user_routes);
}
