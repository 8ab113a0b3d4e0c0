// SPDX-License-Identifier: GPL-2.0-only
/*
 * Room for routes of the user, before the first of them is written.
 *
 * A change that is refused must not have been seen by a packet. So what its prefixes need is taken first:
 * slots, with groups, legs, adjacencies and CPUs behind them, which nothing in the maps names yet; and the
 * engine, whose entries are seen at once, is asked. What was found to fit is then written in the same sync,
 * which enters prefixes before it takes others out: nothing comes in between and needs the room, and what
 * goes with the same change is not counted as room.
 */
#include "fib_internal.h"

#include <stdlib.h>

/* The prefixes that the engine does not hold yet. */
struct entering {
	struct prefix *prefixes;
	uint32_t n;
};

static int no_room(const struct fib *fib, struct prefix prefix, enum fib_room room,
		   struct fib_shortage *ret)
{
	static const char *const why[] = {
		[FIB_ROOM_SLOT] = "no next-hop slot is left (max-nexthops)",
		[FIB_ROOM_GROUP] = "no multipath group is left (max-groups)",
		[FIB_ROOM_ADJACENCY] = "no adjacency is left (max-adjacencies)",
		[FIB_ROOM_PORT] = "no port number is left (max-ports)",
	};

	ret->prefix = prefix;
	ret->why = room == FIB_ROOM_ENGINE ? fib->sink->engine->ops->full : why[room];
	return -ENOSPC;
}

/* Takes the slot. What is the kernel's and went without before is no worse off. */
static int take_slot(struct fib *fib, const struct rib_entry *entry, const struct resolved_route *r,
		     struct fib_shortage *ret)
{
	enum fib_room room = FIB_ROOM_FOUND;
	uint32_t leaf;
	int err = fib_slot_for(fib, r->nexthop, &leaf);

	if (err)
		return err;
	if (leaf >= LEAF_FIRST_SLOT) {
		if (r->user)
			room = fib_slot_starved(fib, leaf);
	} else if (r->user || entry->installed != leaf) {
		room = FIB_ROOM_SLOT;
	}
	return room ? no_room(fib, rib_prefix(entry), room, ret) : 0;
}

static int prepare(struct fib *fib, struct rib_entry *entry, struct entering *entering,
		   struct fib_shortage *ret)
{
	bool left_out = entry->spare & (ENTRY_LEFT_OUT | ENTRY_MARKED);
	struct resolved_route r;
	int err;

	if (!resolve_route(fib->mirror, entry, &r) || (left_out && !r.user))
		return 0;
	if (left_out || (entry->installed == RIB_NOT_INSTALLED && fib_full_claims(fib, entry)))
		return no_room(fib, rib_prefix(entry), FIB_ROOM_ENGINE, ret);
	if (r.nexthop) {
		err = take_slot(fib, entry, &r, ret);
		if (err)
			return err;
	}
	if (entry->installed == RIB_NOT_INSTALLED && entry->len)
		entering->prefixes[entering->n++] = rib_prefix(entry);
	return 0;
}

int fib_prepare(struct fib *fib, struct fib_shortage *ret)
{
	const struct vec *list = &fib->mirror->dirty.prefixes;
	struct fib_engine *engine = fib->sink->engine;
	struct entering entering = { .n = 0 };
	uint32_t fit;
	int err = 0;

	fib->exhausted = 0;
	if (fib->mirror->dirty.all) /* what is dirty did not fit into the memory */
		return -ENOMEM;
	entering.prefixes = calloc(list->n + 1, sizeof(*entering.prefixes));
	if (!entering.prefixes)
		return -ENOMEM;
	for (uint32_t i = 0; i < list->n && !err; i++) {
		mirror_step(fib->mirror);
		err = prepare(fib, ((struct rib_entry **)list->items)[i], &entering, ret);
	}
	if (!err) {
		fit = engine->ops->room_for(engine, entering.prefixes, entering.n);
		if (fit < entering.n)
			err = no_room(fib, entering.prefixes[fit], FIB_ROOM_ENGINE, ret);
	}
	free(entering.prefixes);
	return err;
}
