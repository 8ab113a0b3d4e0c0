// SPDX-License-Identifier: GPL-2.0-only
/*
 * What next-hop slots say: each is resolved, and written where it does not say so already. Who has
 * which slot is in fib_slots.c.
 *
 * A slot's content may change at any time by one write; no leaf changes for it. What a slot resolves
 * to depends on links, nexthop objects and own addresses: when one of these changes, slots are marked
 * dirty and compared with what they say.
 */
#include "fib_internal.h"

static struct nexthop verdict_value(enum verdict verdict, bool user)
{
	return (struct nexthop){ .kind = NEXTHOP_VERDICT,
				 .verdict = verdict,
				 .arg = user ? NEXTHOP_COUNTED : 0 };
}

static uint16_t mtu_value(uint32_t mtu)
{
	return mtu > UINT16_MAX ? 0 : mtu;
}

int fib_slot_write(struct fib *fib, uint32_t slot, struct nexthop value)
{
	union nexthop_word word = { .nexthop = value };
	struct fib_slot *s = &fib->slots[slot];
	int err;

	if (s->word == word.word)
		return 0;
	err = fib_wrote(fib, fib->sink->ops->set_nexthop(fib->sink, slot, word.word));
	if (!err)
		s->word = word.word;
	return err;
}

/* ---- resolving and writing --------------------------------------------------------------------- */

/* Writes the slot; what it needed before is given back. The adjacency's reference goes with it. */
static int slot_change(struct fib *fib, uint32_t slot, struct nexthop value,
		       struct fib_adjacency *adjacency)
{
	struct fib_slot *s = &fib->slots[slot];
	struct fib_adjacency *old = s->adjacency;
	int err = fib_slot_write(fib, slot, value);

	if (err) {
		fib_adjacency_put(fib, adjacency);
		return err;
	}
	s->adjacency = adjacency;
	fib_adjacency_put(fib, old);
	fib_group_release(fib, slot);
	fib_cpus_put(fib, s->first_cpu, s->n_cpus);
	s->n_cpus = 0;
	return 0;
}

/* No room for what it should be: falls back, and is tried again when room returns. */
static int sync_full(struct fib *fib, uint32_t slot, bool user, struct fib_adjacency *adjacency)
{
	fib->slots[slot].starved = adjacency ? FIB_ROOM_ADJACENCY : FIB_ROOM_PORT;
	return slot_change(fib, slot, verdict_value(VERDICT_table_full, user), adjacency);
}

static int sync_gateway(struct fib *fib, uint32_t slot, const struct resolved_nexthop *r)
{
	struct fib_adjacency *adjacency = fib_adjacency_get(fib, r->leg.oif, &r->leg.gateway);
	struct nexthop value = { .kind = NEXTHOP_ADJACENCY,
				 .verdict = r->user ? NEXTHOP_USER : 0,
				 .mtu = mtu_value(r->mtu) };
	int err;

	if (!adjacency)
		return -ENOMEM;
	adjacency->asked |= r->user;
	err = fib_adjacency_sync(fib, adjacency);
	if (err) {
		fib_adjacency_put(fib, adjacency);
		return err;
	}
	if (!adjacency->index)
		return sync_full(fib, slot, r->user, adjacency);
	value.arg = adjacency->index;
	return slot_change(fib, slot, value, adjacency);
}

static int sync_connected(struct fib *fib, uint32_t slot, const struct resolved_nexthop *r)
{
	struct nexthop value = { .kind = NEXTHOP_CONNECTED,
				 .verdict = r->user ? NEXTHOP_USER | NEXTHOP_ASK : 0,
				 .mtu = mtu_value(r->mtu),
				 .arg = r->leg.oif };

	return slot_change(fib, slot, value, NULL);
}

static int sync_redirect(struct fib *fib, uint32_t slot, const struct resolved_nexthop *r)
{
	struct nexthop value = { .kind = NEXTHOP_REDIRECT,
				 .arg = fib_port_usable(fib, r->leg.oif) };

	return slot_change(fib, slot, value, NULL);
}

static int sync_cpu(struct fib *fib, uint32_t slot, const struct resolved_nexthop *r)
{
	struct nexthop value = { .kind = NEXTHOP_CPU,
				 .arg = nexthop_cpus(r->first_cpu, r->n_cpus) };
	int err = fib_cpus_get(fib, r->first_cpu, r->n_cpus);

	if (err)
		return err;
	err = slot_change(fib, slot, value, NULL);
	if (err) {
		fib_cpus_put(fib, r->first_cpu, r->n_cpus);
		return err;
	}
	fib->slots[slot].first_cpu = r->first_cpu;
	fib->slots[slot].n_cpus = r->n_cpus;
	return 0;
}

static void slot_resolve(const struct fib *fib, const struct fib_slot *s,
			 struct resolved_nexthop *ret)
{
	if (s->handle)
		resolve_nexthop(fib->mirror, mirror_nexthop(fib->mirror, s->handle), ret);
	else if (s->owner)
		resolve_user_leg(fib->mirror, &s->leg, ret);
	else
		resolve_leg(fib->mirror, &s->leg, s->mtu, ret);
}

int fib_slot_sync(struct fib *fib, uint32_t slot)
{
	static int (*const sync[])(struct fib *, uint32_t, const struct resolved_nexthop *) = {
		[RESOLVED_GATEWAY] = sync_gateway,
		[RESOLVED_CONNECTED] = sync_connected,
		[RESOLVED_REDIRECT] = sync_redirect,
	};
	struct fib_slot *s = &fib->slots[slot];
	struct resolved_nexthop r;
	int err = fib_reverse_sync(fib, slot);

	if (err)
		return err;
	s->starved = FIB_ROOM_FOUND;
	slot_resolve(fib, s, &r);
	switch (r.kind) {
	case RESOLVED_GROUP:
		return fib_group_sync(fib, slot, &r);
	case RESOLVED_GATEWAY:
	case RESOLVED_CONNECTED:
	case RESOLVED_REDIRECT:
		if (!fib_port_usable(fib, r.leg.oif))
			return sync_full(fib, slot, r.user, NULL);
		return sync[r.kind](fib, slot, &r);
	case RESOLVED_CPU:
		return sync_cpu(fib, slot, &r);
	case RESOLVED_VERDICT:
		break;
	}
	return slot_change(fib, slot, verdict_value(r.verdict, r.user), NULL);
}

/* ---- dirty ------------------------------------------------------------------------------------- */

void fib_slot_dirty(struct fib *fib, uint32_t slot)
{
	struct fib_slot *s = &fib->slots[slot];

	if (s->dirty || !s->used)
		return;
	s->dirty = true;
	s->next_dirty = fib->dirty_slots;
	fib->dirty_slots = slot;
}

void fib_slots_dirty(struct fib *fib, bool starved_only)
{
	for (uint32_t slot = LEAF_FIRST_SLOT; slot < fib->slot_numbers.next; slot++)
		if (!starved_only || fib->slots[slot].starved)
			fib_slot_dirty(fib, slot);
}

void fib_slots_sync(struct fib *fib)
{
	uint32_t slot = fib->dirty_slots, next;
	int err;

	fib->dirty_slots = 0;
	for (; slot; slot = next) {
		struct fib_slot *s = &fib->slots[slot];

		next = s->next_dirty;
		s->dirty = false;
		if (!s->used)
			continue;
		err = fib_slot_sync(fib, slot);
		if (err) {
			fib_failed(fib, err);
			fib_slot_dirty(fib, slot);
		}
	}
}

/* ---- what it came to --------------------------------------------------------------------------- */

enum fib_room fib_slot_starved(const struct fib *fib, uint32_t slot)
{
	const struct fib_slot *s = &fib->slots[slot];
	enum fib_room room = s->starved;

	for (uint32_t i = 0; i < s->n_members && room == FIB_ROOM_FOUND; i++)
		if (s->members[i] >= LEAF_FIRST_SLOT)
			room = fib->slots[s->members[i]].starved;
	return room;
}

uint64_t fib_nexthop_word(const struct fib *fib, uint32_t slot)
{
	return slot < fib->slot_numbers.limit ? fib->slots[slot].word : 0;
}
