// SPDX-License-Identifier: GPL-2.0-only
/*
 * Routes: from an announcement to a prefix's list of candidates, in the kernel's order.
 *
 * Order: table as looked up, TOS descending, priority ascending; among equals (same table, TOS,
 * priority) as the kernel's operations left them. The flags of a notification say which it was:
 *   EXCL|CREATE    the only one of its equals
 *   REPLACE        in the place of its first equal; an appended twin stays
 *   CREATE|APPEND  behind its equals
 *   CREATE         before its equals
 * A dump lists a prefix's routes of one table in their order: the next one belongs behind those
 * that this dump had before; what it does not confirm is swept.
 *
 * Replay: notifications that are older than the dump are applied to a state that has them already,
 * and must leave it so. EXCL sets its equals exactly, whatever they were. With at most one among
 * equals the others converge: what is there is not added again, what is not there is not deleted.
 * With twins they may not (a replaced one cannot be told from its twin): then a resync is wanted.
 */
#include "mirror_internal.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>

/* A candidate's equals in the list, and where one belongs that has none. */
struct place {
	uint32_t *first;	/* link to the first equal, NULL: none */
	uint32_t *end;		/* link behind the last equal */
	uint32_t *same;		/* link to one that is identical, NULL: none */
	uint32_t *fresh;	/* link where it goes if it has no equal */
	unsigned int confirmed; /* equals that this generation has confirmed */
};

static struct mirror_candidate *at(const struct mirror *mirror, const uint32_t *link)
{
	return *link ? pool_get(&mirror->candidates, *link) : NULL;
}

static uint32_t *behind(const struct mirror *mirror, const uint32_t *link)
{
	return &at(mirror, link)->next;
}

/* Is table a looked at before table b? */
static bool table_before(uint32_t a, uint32_t b)
{
	unsigned int rank_a = mirror_table_rank(a), rank_b = mirror_table_rank(b);

	return rank_a != rank_b ? rank_a < rank_b : a < b;
}

static bool identical(const struct mirror_candidate *a, const struct mirror_candidate *b)
{
	return a->table == b->table && a->tos == b->tos && a->priority == b->priority &&
	       a->type == b->type && a->protocol == b->protocol && a->scope == b->scope &&
	       a->nexthop == b->nexthop;
}

static bool confirmed(const struct mirror *mirror, const struct mirror_candidate *c)
{
	return c->generation == mirror->generation;
}

static void find_place(const struct mirror *mirror, struct rib_entry *entry,
		       const struct mirror_candidate *value, struct place *ret)
{
	uint32_t *link = &entry->candidates;
	struct mirror_candidate *c;

	memset(ret, 0, sizeof(*ret));
	for (; (c = at(mirror, link)); link = &c->next) {
		if (table_before(c->table, value->table))
			continue;
		if (c->table != value->table)
			break;
		if (c->tos == value->tos && c->priority == value->priority) {
			if (!ret->first)
				ret->first = link;
			ret->end = &c->next;
			ret->confirmed += confirmed(mirror, c);
			if (!ret->same && identical(c, value))
				ret->same = link;
		} else if (!ret->fresh &&
			   (c->tos < value->tos ||
			    (c->tos == value->tos && c->priority > value->priority))) {
			ret->fresh = link;
		}
	}
	if (!ret->fresh)
		ret->fresh = link;
}

static void stamp(const struct mirror *mirror, struct mirror_candidate *c)
{
	if (!confirmed(mirror, c)) {
		c->generation = mirror->generation;
		c->origin = 0;
	}
}

/* The value took over a reference to its next hop; where it is not kept, that goes back. */
static int insert(struct mirror *mirror, struct rib_entry *entry, uint32_t *link,
		  const struct mirror_candidate *value)
{
	if (mirror_candidate_insert(mirror, entry, link, value))
		return 0;
	mirror_nexthop_unref(mirror, value->nexthop);
	return -ENOMEM;
}

static int keep(struct mirror *mirror, uint32_t *link, const struct mirror_candidate *value)
{
	struct mirror_candidate *c = at(mirror, link);

	stamp(mirror, c);
	c->unsupported = value->unsupported;
	mirror_nexthop_unref(mirror, value->nexthop);
	return 0;
}

/* ---- one operation each -------------------------------------------------------------- */

/* EXCL: whatever equals there were, it is the only one now. */
static int route_add(struct mirror *mirror, struct rib_entry *entry, struct place *place,
		     struct mirror_candidate *value)
{
	struct mirror_candidate *c;
	uint32_t *link = place->first;
	int err;

	if (mirror->replaying)
		value->origin = ORIGIN_CERTAIN;
	if (!link)
		return insert(mirror, entry, place->fresh, value);
	if (place->same == link) {
		err = keep(mirror, link, value);
		at(mirror, link)->origin = value->origin;
	} else {
		mirror_candidate_replace(mirror, entry, at(mirror, link), value);
		err = 0;
	}
	link = behind(mirror, link);
	while ((c = at(mirror, link)) && c->table == value->table) {
		if (c->tos == value->tos && c->priority == value->priority)
			mirror_candidate_remove(mirror, entry, link);
		else
			link = &c->next;
	}
	return err;
}

static uint8_t certain(const struct mirror *mirror, const struct mirror_candidate *c)
{
	return confirmed(mirror, c) ? c->origin & ORIGIN_CERTAIN : 0;
}

/* May what is known of the equals be something else than what the kernel had at that time? */
static bool uncertain(const struct mirror *mirror, const struct place *place)
{
	return mirror->replaying && !(place->first && certain(mirror, at(mirror, place->first)));
}

static int route_replace(struct mirror *mirror, struct rib_entry *entry, struct place *place,
			 struct mirror_candidate *value)
{
	struct mirror_candidate *c;

	if (!place->first) {
		if (!mirror->replaying)
			mirror_want_resync(mirror, "an unknown route was replaced");
		return insert(mirror, entry, place->fresh, value);
	}
	c = at(mirror, place->first);
	if (uncertain(mirror, place) && place->confirmed > 1)
		mirror_want_resync(mirror, "equal routes changed during a dump");
	if (place->same) {
		/* By a nexthop object replaced, the kernel says so of every twin. */
		if (place->same != place->first)
			mirror_want_resync(mirror, "one of equal routes was replaced");
		return keep(mirror, place->same, value);
	}
	value->origin = certain(mirror, c);
	if (mirror->replaying && confirmed(mirror, c) && c->origin & (ORIGIN_DUMP | ORIGIN_OVER))
		value->origin |= ORIGIN_OVER;
	mirror_candidate_replace(mirror, entry, c, value);
	return 0;
}

static int route_twin(struct mirror *mirror, struct rib_entry *entry, struct place *place,
		      struct mirror_candidate *value, bool append)
{
	uint32_t *link = append ? place->end : place->first;

	if (uncertain(mirror, place)) {
		mirror_want_resync(mirror, "equal routes changed during a dump");
		if (place->same)
			return keep(mirror, place->same, value);
	} else if (place->first) {
		value->origin = certain(mirror, at(mirror, place->first));
	}
	return insert(mirror, entry, link ? link : place->fresh, value);
}

/* Announced again without an operation: its flags changed. */
static int route_touch(struct mirror *mirror, struct rib_entry *entry, struct place *place,
		       struct mirror_candidate *value)
{
	if (place->same)
		return keep(mirror, place->same, value);
	mirror_want_resync(mirror, "an unknown route changed");
	return insert(mirror, entry, place->first ? place->first : place->fresh, value);
}

/* Part of a dump: behind those of its table that the same dump had before. */
static int route_dump(struct mirror *mirror, struct rib_entry *entry,
		      struct mirror_candidate *value)
{
	uint32_t *link = &entry->candidates, *place = NULL, *same = NULL;
	struct mirror_candidate *c;

	value->origin = ORIGIN_DUMP;
	for (; (c = at(mirror, link)); link = &c->next) {
		if (table_before(c->table, value->table))
			continue;
		if (c->table != value->table)
			break;
		if (confirmed(mirror, c) && c->origin & ORIGIN_DUMP) {
			place = NULL;
			same = NULL;
			continue;
		}
		if (!place)
			place = link;
		if (!same && identical(c, value))
			same = link;
	}
	if (!place)
		place = link;
	if (same != place || !same) {
		if (same)
			mirror_candidate_remove(mirror, entry, same);
		return insert(mirror, entry, place, value);
	}
	c = at(mirror, same);
	if (c->unsupported != value->unsupported)
		mirror_dirty_prefix(mirror, entry);
	keep(mirror, same, value);
	c->generation = mirror->generation;
	c->origin = ORIGIN_DUMP;
	return 0;
}

static int route_delete(struct mirror *mirror, struct rib_entry *entry,
			const struct mirror_candidate *value)
{
	struct mirror_candidate *c;
	struct place place;
	uint32_t *link;

	find_place(mirror, entry, value, &place);
	link = place.same;
	if (!link && mirror->replaying)
		return 0;
	for (uint32_t *l = place.first; !link && l && (c = at(mirror, l)); l = &c->next) {
		if (c->table != value->table || c->tos != value->tos ||
		    c->priority != value->priority)
			break;
		if (c->type == value->type)
			link = l;
	}
	if (!place.same)
		mirror_want_resync(mirror, "an unknown route was deleted");
	if (!link)
		return 0;
	if (uncertain(mirror, &place) &&
	    (place.confirmed > 1 || at(mirror, link)->origin & ORIGIN_OVER))
		mirror_want_resync(mirror, "equal routes changed during a dump");
	mirror_candidate_remove(mirror, entry, link);
	return 0;
}

/* ---- dispatch ------------------------------------------------------------------------ */

static void value_of(const struct mirror *mirror, const struct event_route *route,
		     struct mirror_candidate *ret)
{
	*ret = (struct mirror_candidate){
		.table = route->table,
		.priority = route->priority,
		.generation = mirror->generation,
		.tos = route->tos,
		.type = route->type,
		.scope = route->scope,
		.protocol = route->protocol,
		.unsupported = route->unsupported,
	};
}

static int route_new(struct mirror *mirror, const struct event *ev, struct rib_entry *entry,
		     struct mirror_candidate *value)
{
	uint16_t flags = ev->route.nl_flags;
	struct place place;

	if (ev->op == EVENT_DUMP)
		return route_dump(mirror, entry, value);
	find_place(mirror, entry, value, &place);
	if (place.same && at(mirror, place.same)->unsupported != value->unsupported)
		mirror_dirty_prefix(mirror, entry);
	if (flags & NLM_F_REPLACE)
		return route_replace(mirror, entry, &place, value);
	if (!(flags & NLM_F_CREATE))
		return route_touch(mirror, entry, &place, value);
	if (flags & NLM_F_EXCL)
		return route_add(mirror, entry, &place, value);
	return route_twin(mirror, entry, &place, value, flags & NLM_F_APPEND);
}

/* The kernel tells of any route by a blackhole object as of a blackhole. */
static bool has_nexthop(const struct event_route *route)
{
	return route->type == RTN_UNICAST || (route->type == RTN_BLACKHOLE && route->nhid);
}

int mirror_apply_route(struct mirror *mirror, const struct event *ev)
{
	const struct event_route *route = &ev->route;
	struct mirror_candidate value;
	struct rib_entry *entry;
	int err;

	if (route->rtm_flags & RTM_F_CLONED)
		return 0;
	value_of(mirror, route, &value);
	/* It may be what a gateway of the user's waits for. */
	if (mirror->user.open && route->scope == RT_SCOPE_LINK)
		mirror->user.stale = true;
	if (ev->op == EVENT_DEL) {
		entry = rib_find(mirror->rib, route->dst);
		if (has_nexthop(route))
			value.nexthop = mirror_nexthop_find(mirror, route);
		return entry ? route_delete(mirror, entry, &value) : 0;
	}
	if (mirror->replaying && ev->op == EVENT_NEW && route->nhid &&
	    !mirror_object(mirror, route->nhid)) {
		mirror_want_resync(mirror, "a route by a nexthop object that is gone");
		if (!mirror_object_missing(mirror, route->nhid))
			return -ENOMEM;
	}
	if (has_nexthop(route)) {
		value.nexthop = mirror_nexthop_get(mirror, route);
		if (!value.nexthop)
			return -ENOMEM;
	}
	entry = rib_get(mirror->rib, route->dst);
	if (!entry) {
		mirror_nexthop_unref(mirror, value.nexthop);
		return -ENOMEM;
	}
	err = route_new(mirror, ev, entry, &value);
	if (err && !entry->candidates)
		mirror_dirty_prefix(mirror, entry);
	return err;
}

static int sweep_entry(void *ctx, struct rib_entry *entry)
{
	struct mirror *mirror = ctx;
	struct mirror_candidate *c;
	uint32_t *link = &entry->candidates;

	mirror_step(mirror);
	while ((c = at(mirror, link))) {
		if (confirmed(mirror, c))
			link = &c->next;
		else
			mirror_candidate_remove(mirror, entry, link);
	}
	return 0;
}

void mirror_sweep_routes(struct mirror *mirror)
{
	rib_walk_below(mirror->rib, prefix_make(0, 0), sweep_entry, mirror);
}
