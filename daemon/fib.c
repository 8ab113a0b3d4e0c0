// SPDX-License-Identifier: GPL-2.0-only
/*
 * The fib as a whole: its life, and the order of a sync.
 *
 * A hold comes on before anything else changes, and goes off last. In between make before break:
 * ports, adjacencies, groups and slots are written before what names them (a route brings along the
 * slot it needs), and what nothing names any more is taken away after the routes. Sources are the
 * other way round: what is no longer accepted goes first, what is accepted anew comes after the
 * routes. Room that became free serves what went without, in further passes.
 */
#include "fib_internal.h"

#include <stdlib.h>
#include "mirror_user.h"

enum {
	PASSES = 8, /* more than room can be passed on in one sync */
};

int fib_new(struct fib **ret, struct mirror *mirror, struct fib_sink *sink)
{
	struct fib_limits limits = sink->limits;
	struct fib *fib = calloc(1, sizeof(*fib));

	if (!fib)
		return -ENOMEM;
	fib->mirror = mirror;
	fib->sink = sink;
	if (limits.ports > UINT16_MAX)
		limits.ports = UINT16_MAX;
	fib->port_by_number = calloc(limits.ports + 1, sizeof(struct fib_port *));
	fib->adjacency_words = calloc(limits.adjacencies + 1, sizeof(uint64_t));
	fib->slots = calloc(limits.nexthops + 1 + LEAF_FIRST_SLOT, sizeof(struct fib_slot));
	fib->rows = calloc(limits.groups + 1, sizeof(struct group));
	if (fib_numbers_init(&fib->port_numbers, 1, limits.ports) ||
	    fib_numbers_init(&fib->adjacency_numbers, 1, limits.adjacencies) ||
	    fib_numbers_init(&fib->slot_numbers, LEAF_FIRST_SLOT, limits.nexthops) ||
	    fib_numbers_init(&fib->row_numbers, 1, limits.groups) || fib_policy_init(fib) ||
	    !fib->port_by_number || !fib->adjacency_words || !fib->slots || !fib->rows) {
		fib_destroy(fib);
		return -ENOMEM;
	}
	mirror_user_limit(mirror, limits.nexthops / 2, limits.groups / 2);
	mirror->dirty.all = true; /* whatever the mirror has by now */
	*ret = fib;
	return 0;
}

void fib_destroy(struct fib *fib)
{
	if (!fib)
		return;
	fib_ports_destroy(fib);
	fib_adjacencies_destroy(fib);
	fib_slots_destroy(fib);
	fib_own_destroy(fib);
	fib_macs_destroy(fib);
	fib_policy_destroy(fib);
	fib_full_destroy(fib);
	vec_destroy(&fib->cpus);
	fib_numbers_destroy(&fib->port_numbers);
	fib_numbers_destroy(&fib->adjacency_numbers);
	fib_numbers_destroy(&fib->slot_numbers);
	fib_numbers_destroy(&fib->row_numbers);
	free(fib);
}

void fib_failed(struct fib *fib, int err)
{
	if (err && !fib->error)
		fib->error = err;
}

int fib_wrote(struct fib *fib, int err)
{
	if (!err)
		fib->writes++;
	fib_failed(fib, err);
	return err;
}

/* ---- control ----------------------------------------------------------------------------------- */

static void control_wanted(const struct fib *fib, struct fib_control *ret)
{
	*ret = (struct fib_control){ .hold = resolve_hold(fib->mirror),
				     .hash_policy = mirror_hash_policy(fib->mirror),
				     .policy_steps = fib->policy.n };
	if (!ret->hold && fib->policy.pending)
		ret->hold = VERDICT_policy_rule;
	if (mirror_has_custom_local(fib->mirror) || fib->policy.n)
		ret->flags |= CONTROL_CHECK_SOURCE;
	if (fib->n_left_out)
		ret->flags |= CONTROL_NEIGHBOURS_FULL;
	if (resolve_marks_matter(fib->mirror))
		ret->flags |= CONTROL_MARKS;
	/* Something in the maps is not what it should be, and cannot be told apart: not even drops are certain. */
	if (fib->error || fib->distrusted || (!ret->hold && fib->own_left_out))
		ret->hold = VERDICT_table_full;
}

static void control_write(struct fib *fib, const struct fib_control *wanted)
{
	int err;

	if (fib->started && memcmp(wanted, &fib->control, sizeof(*wanted)) == 0)
		return;
	err = fib->sink->ops->set_control(fib->sink, wanted);
	if (!fib_wrote(fib, err))
		fib->control = *wanted;
}

void fib_control_restrict(struct fib *fib)
{
	struct fib_control wanted;

	control_wanted(fib, &wanted);
	/* A hold that spares drops does not follow one that must not before what failed is right. */
	if (!wanted.hold || fib->control.hold == VERDICT_table_full)
		wanted.hold = fib->control.hold;
	wanted.flags |= fib->control.flags;
	wanted.hash_policy = fib->control.hash_policy;
	control_write(fib, &wanted);
	if (!fib->started && !fib->error)
		fib_wrote(fib, fib->sink->ops->set_default_leaf(fib->sink, VERDICT_no_route));
	if (!fib->error)
		fib->started = true;
}

void fib_hold(struct fib *fib)
{
	struct fib_control wanted = fib->control;

	/* Before the first sync nothing is forwarded, and it begins with this. What fails outlasts a firewall. */
	if (!fib->started || !mirror_hold(fib->mirror) || wanted.hold == VERDICT_table_full)
		return;
	wanted.hold = mirror_hold(fib->mirror);
	control_write(fib, &wanted);
}

static void control_after(struct fib *fib)
{
	struct fib_control wanted;

	control_wanted(fib, &wanted);
	control_write(fib, &wanted);
}

/* ---- sync -------------------------------------------------------------------------------------- */

static void one_pass(struct fib *fib)
{
	fib_policy_prepare(fib);
	fib_control_restrict(fib);
	fib_changes_objects(fib);
	fib_policy_sync(fib);
	fib_changes_routes(fib);
	fib_full_retry(fib);
	fib_reverse_grant(fib);
	fib_slots_release(fib);
	fib_cpus_release(fib);
	fib_adjacencies_release(fib);
	fib_ports_release(fib);
	fib_changes_reap(fib);
}

/* Numbers that some went without are free again? Asked once. */
static bool is_relief(struct fib_numbers *numbers)
{
	bool relief = numbers->freed && numbers->starved;

	if (relief)
		numbers->starved = false;
	numbers->freed = false;
	return relief;
}

/* Marks what went without room and may have it now. */
static bool heal(struct fib *fib)
{
	bool ports = is_relief(&fib->port_numbers);
	bool adjacencies = is_relief(&fib->adjacency_numbers);
	bool slots = is_relief(&fib->slot_numbers);
	bool rows = is_relief(&fib->row_numbers);
	bool neighbours = fib->neighbour_freed && fib->n_left_out;

	fib->neighbour_freed = false;
	for (uint32_t i = 0; ports && i < fib->mirror->n_links; i++)
		mirror_dirty_link(fib->mirror, fib->mirror->links[i]);
	if (adjacencies || neighbours)
		fib_adjacencies_retry(fib);
	if (adjacencies || slots || rows)
		fib_slots_dirty(fib, true);
	if (slots) {
		fib_routes_retry(fib);
		fib_policy_retry(fib);
	}
	return fib_policy_heal(fib) || ports || adjacencies || slots || rows || fib->engine_freed;
}

/* A part of it is for sets that are shared when there is no more for others. */
static uint32_t room_for_user(const struct fib_numbers *numbers)
{
	uint32_t kept = (numbers->limit - numbers->first) / 16, left = fib_numbers_left(numbers);

	return left > kept ? left - kept : 0;
}

void fib_press(struct fib *fib)
{
	fib->press = true;
}

int fib_sync(struct fib *fib)
{
	uint64_t writes = fib->writes;
	uint32_t pass = 0;

	mirror_replay_end(fib->mirror);
	mirror_user_settle(fib->mirror);
	fib->error = 0;
	do {
		one_pass(fib);
	} while ((heal(fib) || fib->mirror->dirty.prefixes.n || fib->policy.dirty) && !fib->error &&
		 ++pass < PASSES);
	control_after(fib);
	fib->press = false;
	mirror_user_room(fib->mirror, room_for_user(&fib->slot_numbers),
			 room_for_user(&fib->row_numbers));
	if (fib->error)
		return fib->error;
	writes = fib->writes - writes;
	return writes > INT32_MAX ? INT32_MAX : (int)writes;
}
