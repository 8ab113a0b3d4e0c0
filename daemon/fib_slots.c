// SPDX-License-Identifier: GPL-2.0-only
/*
 * Next-hop slots: one for every next hop of the mirror that installed routes use, and one for every
 * leg of multipath groups. Here they are taken, found, and given back when nobody refers to them any
 * more; what they say is in fib_nexthops.c.
 *
 * A slot is written before anything names it. A number that comes back from quarantine is first set to
 * zero, both words, for it means something else now and its counters start anew.
 */
#include "fib_internal.h"

#include <stdlib.h>

/* ---- references -------------------------------------------------------------------------------- */

void fib_slot_idle(struct fib *fib, uint32_t slot)
{
	struct fib_slot *s = &fib->slots[slot];

	if (s->idle || s->leaf_refs || s->group_refs || s->policy_refs)
		return;
	s->idle = true;
	s->next_idle = fib->idle_slots;
	fib->idle_slots = slot;
}

void fib_leaf_ref(struct fib *fib, uint32_t leaf)
{
	if (leaf < LEAF_FIRST_SLOT)
		fib->verdict_leaves[leaf]++;
	else
		fib->slots[leaf].leaf_refs++;
}

void fib_leaf_unref(struct fib *fib, uint32_t leaf)
{
	if (leaf < LEAF_FIRST_SLOT) {
		fib->verdict_leaves[leaf]--;
		return;
	}
	fib->slots[leaf].leaf_refs--;
	fib_slot_idle(fib, leaf);
}

void fib_member_unref(struct fib *fib, uint32_t leaf)
{
	if (leaf < LEAF_FIRST_SLOT)
		return;
	fib->slots[leaf].group_refs--;
	fib_slot_idle(fib, leaf);
}

/* ---- taking and giving back -------------------------------------------------------------------- */

/* A leg of a user route goes, what it counted was the route's. */
static void keep_count(struct fib *fib, uint32_t slot)
{
	uint32_t owner = fib_slot_of(fib, fib->slots[slot].owner);

	if (fib->slots[slot].owner && owner && fib->sink->ops->add_counter)
		fib->sink->ops->add_counter(fib->sink, slot, &fib->slots[owner].retired);
}

static void slot_free(struct fib *fib, uint32_t slot)
{
	struct fib_slot *s = &fib->slots[slot];
	struct fib_slot kept = { .word = s->word,
				 .reverse = s->reverse,
				 .dirty = s->dirty,
				 .next_dirty = s->next_dirty,
				 .idle = s->idle,
				 .next_idle = s->next_idle,
				 .granting = s->granting,
				 .next_grant = s->next_grant };

	keep_count(fib, slot);
	fib_adjacency_put(fib, s->adjacency);
	fib_group_release(fib, slot);
	fib_cpus_put(fib, s->first_cpu, s->n_cpus);
	if (s->handle)
		((uint32_t *)fib->slot_of_handle.items)[s->handle] = 0;
	else
		table_remove(&fib->legs, &s->node);
	*s = kept; /* still in the map and in the lists */
	fib_number_give(&fib->slot_numbers, slot);
}

/* A slot of its own number, zeroed, on the idle list until somebody refers to it; 0: none left. */
static int slot_take(struct fib *fib, uint32_t *ret)
{
	uint32_t slot = fib_number_take(fib, &fib->slot_numbers);
	int err;

	*ret = slot;
	if (!slot)
		return 0;
	err = fib_reverse_write(fib, slot, 0);
	if (!err)
		err = fib_slot_write(fib, slot, (struct nexthop){ .kind = NEXTHOP_UNSET });
	if (err) {
		fib_number_give(&fib->slot_numbers, slot);
		return err;
	}
	fib->slots[slot].used = true;
	fib_slot_idle(fib, slot);
	return 0;
}

/* ---- of a next hop ----------------------------------------------------------------------------- */

uint32_t fib_slot_of(const struct fib *fib, uint32_t handle)
{
	return handle < fib->slot_of_handle.n ? ((uint32_t *)fib->slot_of_handle.items)[handle] : 0;
}

static int room_for_handle(struct fib *fib, uint32_t handle)
{
	const uint32_t none = 0;

	while (fib->slot_of_handle.n <= handle)
		if (vec_push(&fib->slot_of_handle, &none, sizeof(none)))
			return -ENOMEM;
	return 0;
}

int fib_slot_for(struct fib *fib, uint32_t handle, uint32_t *ret_leaf)
{
	uint32_t slot = fib_slot_of(fib, handle);
	int err;

	*ret_leaf = slot;
	if (slot)
		return 0;
	err = room_for_handle(fib, handle);
	if (!err)
		err = slot_take(fib, &slot);
	if (err)
		return err;
	if (!slot) {
		*ret_leaf = VERDICT_table_full;
		return 0;
	}
	fib->slots[slot].handle = handle;
	((uint32_t *)fib->slot_of_handle.items)[handle] = slot;
	err = fib_slot_sync(fib, slot);
	if (err) {
		slot_free(fib, slot);
		return err;
	}
	*ret_leaf = slot;
	return 0;
}

/* ---- of a leg ---------------------------------------------------------------------------------- */

static uint32_t leg_hash(uint32_t owner, const struct event_leg *leg, uint32_t mtu)
{
	return table_hash(&leg->gateway, sizeof(leg->gateway)) ^
	       table_hash_u32(leg->oif ^ mtu << 16 ^ owner << 8);
}

static uint32_t leg_find(const struct fib *fib, uint32_t owner, const struct event_leg *leg,
			 uint32_t mtu)
{
	struct table_node *node = table_find(&fib->legs, leg_hash(owner, leg, mtu));

	for (; node; node = table_find_next(node)) {
		struct fib_slot *s = container_of(node, struct fib_slot, node);

		if (s->owner == owner && s->mtu == mtu && s->leg.oif == leg->oif &&
		    addr_equal(&s->leg.gateway, &leg->gateway))
			return s - fib->slots;
	}
	return 0;
}

static int leg_new(struct fib *fib, uint32_t owner, const struct event_leg *leg, uint32_t mtu,
		   uint32_t *ret)
{
	struct fib_slot *s;
	int err = slot_take(fib, ret);

	if (err || !*ret)
		return err;
	s = &fib->slots[*ret];
	s->leg = (struct event_leg){ .gateway = leg->gateway, .oif = leg->oif, .weight = 1 };
	s->mtu = mtu;
	s->owner = owner;
	err = table_insert(&fib->legs, &s->node, leg_hash(owner, leg, mtu));
	if (err) {
		s->used = false;
		fib_number_give(&fib->slot_numbers, *ret);
		return err;
	}
	err = fib_slot_sync(fib, *ret);
	if (err)
		slot_free(fib, *ret);
	return err;
}

int fib_slot_for_leg(struct fib *fib, uint32_t owner, const struct event_leg *leg, uint32_t mtu,
		     uint32_t *ret_leaf)
{
	uint32_t slot = leg_find(fib, owner, leg, mtu);
	int err = slot ? 0 : leg_new(fib, owner, leg, mtu, &slot);

	if (err)
		return err;
	*ret_leaf = slot ? slot : (uint32_t)VERDICT_table_full;
	if (slot)
		fib->slots[slot].group_refs++;
	return 0;
}

void fib_slot_retired(const struct fib *fib, uint32_t slot, struct counter *total)
{
	total->packets += fib->slots[slot].retired.packets;
	total->bytes += fib->slots[slot].retired.bytes;
}

/* ---- all of them ------------------------------------------------------------------------------- */

void fib_slots_release(struct fib *fib)
{
	uint32_t slot;

	/* A group that goes makes its legs idle, which then follow in the same loop. */
	while ((slot = fib->idle_slots)) {
		struct fib_slot *s = &fib->slots[slot];

		fib->idle_slots = s->next_idle;
		s->idle = false;
		if (s->used && !s->leaf_refs && !s->group_refs && !s->policy_refs)
			slot_free(fib, slot);
	}
}

void fib_slots_destroy(struct fib *fib)
{
	for (uint32_t slot = 0; fib->slots && slot < fib->slot_numbers.next; slot++)
		free(fib->slots[slot].members);
	table_destroy(&fib->legs);
	vec_destroy(&fib->slot_of_handle);
	free(fib->slots);
	free(fib->rows);
}
