// SPDX-License-Identifier: GPL-2.0-only
/*
 * Multipath groups: rows of buckets that name the slots of their legs.
 *
 * A row in use never changes: a fresh one is filled, the group's slot switches to it by one write,
 * then the old row is given back. Buckets are shared out by weight (largest remainder); those of
 * legs that stay keep their places as far as the weights allow, and with them their flows.
 */
#include "fib_internal.h"

#include <stdlib.h>

/* How many buckets each weight is worth; they add up to GROUP_BUCKETS. */
static void apportion(const uint16_t *weights, unsigned int n, uint16_t *ret)
{
	uint32_t remainder[EVENT_LEGS_MAX];
	uint32_t total = 0, given = 0;

	for (unsigned int i = 0; i < n; i++)
		total += weights[i];
	for (unsigned int i = 0; i < n; i++) {
		ret[i] = (uint32_t)weights[i] * GROUP_BUCKETS / total;
		remainder[i] = (uint32_t)weights[i] * GROUP_BUCKETS % total;
		given += ret[i];
	}
	while (given < GROUP_BUCKETS) {
		unsigned int best = 0;

		for (unsigned int i = 1; i < n; i++)
			if (remainder[i] > remainder[best])
				best = i;
		remainder[best] = 0;
		ret[best]++;
		given++;
	}
}

void fib_group_fill(const uint32_t *leaves, const uint16_t *weights, unsigned int n,
		    const struct group *old, struct group *ret)
{
	uint16_t left[EVENT_LEGS_MAX];
	unsigned int next = 0;

	apportion(weights, n, left);
	memset(ret, 0, sizeof(*ret));
	for (unsigned int b = 0; old && b < GROUP_BUCKETS; b++) {
		for (unsigned int i = 0; i < n; i++) {
			if (leaves[i] != old->bucket[b] || !left[i])
				continue;
			left[i]--;
			ret->bucket[b] = leaves[i];
			break;
		}
	}
	for (unsigned int b = 0; b < GROUP_BUCKETS; b++) {
		if (ret->bucket[b])
			continue;
		while (!left[next])
			next++;
		left[next]--;
		ret->bucket[b] = leaves[next];
	}
}

static void members_release(struct fib *fib, uint32_t *members, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		fib_member_unref(fib, members[i]);
	free(members);
}

void fib_group_release(struct fib *fib, uint32_t slot)
{
	struct fib_slot *s = &fib->slots[slot];

	members_release(fib, s->members, s->n_members);
	s->members = NULL;
	s->n_members = 0;
	if (s->row)
		fib_number_give(&fib->row_numbers, s->row);
	s->row = 0;
}

/* The leaves of the members, each with a reference. */
static int members_take(struct fib *fib, struct fib_slot *s, const struct resolved_member *members,
			unsigned int n, uint32_t mtu, uint32_t *leaves)
{
	uint32_t owner = mirror_nexthop(fib->mirror, s->handle)->user ? s->handle : 0;
	int err;

	for (unsigned int i = 0; i < n; i++) {
		leaves[i] = members[i].verdict;
		if (members[i].verdict != VERDICT_forwarded)
			continue;
		err = fib_slot_for_leg(fib, owner, &members[i].leg, mtu, &leaves[i]);
		if (err) {
			while (i-- > 0)
				fib_member_unref(fib, leaves[i]);
			return err;
		}
		if (leaves[i] == VERDICT_table_full)
			s->starved = FIB_ROOM_SLOT;
	}
	return 0;
}

static int verdict_instead(struct fib *fib, uint32_t slot, enum verdict verdict, bool user)
{
	struct nexthop value = { .kind = NEXTHOP_VERDICT,
				 .verdict = verdict,
				 .arg = user ? NEXTHOP_COUNTED : 0 };
	struct fib_slot *s = &fib->slots[slot];
	int err = fib_slot_write(fib, slot, value);

	if (err)
		return err;
	fib_adjacency_put(fib, s->adjacency);
	s->adjacency = NULL;
	fib_group_release(fib, slot);
	return 0;
}

/* The slot names a row with these buckets afterwards; or table_full where there is no row. */
static int row_switch(struct fib *fib, uint32_t slot, const struct group *group,
		      const struct resolved_nexthop *resolved)
{
	struct nexthop value = { .kind = NEXTHOP_GROUP,
				 .verdict = resolved->user ? NEXTHOP_USER : 0,
				 .mtu = resolved->mtu > UINT16_MAX ? 0 : resolved->mtu };
	struct fib_slot *s = &fib->slots[slot];
	uint32_t old = s->row, row;
	int err;

	if (old && memcmp(&fib->rows[old], group, sizeof(*group)) == 0)
		return 0;
	row = fib_number_take(fib, &fib->row_numbers);
	if (!row) {
		s->starved = FIB_ROOM_GROUP;
		return -ENOSPC;
	}
	fib->rows[row] = *group;
	err = fib_wrote(fib, fib->sink->ops->set_group(fib->sink, row, group));
	value.arg = row;
	if (!err)
		err = fib_slot_write(fib, slot, value);
	if (err) {
		fib_number_give(&fib->row_numbers, row);
		return err == -ENOSPC ? -EIO : err;
	}
	s->row = row;
	if (old)
		fib_number_give(&fib->row_numbers, old);
	return 0;
}

int fib_group_sync(struct fib *fib, uint32_t slot, const struct resolved_nexthop *resolved)
{
	const struct mirror_nexthop *nexthop = mirror_nexthop(fib->mirror, fib->slots[slot].handle);
	struct fib_slot *s = &fib->slots[slot];
	struct resolved_member members[EVENT_LEGS_MAX];
	uint16_t weights[EVENT_LEGS_MAX];
	struct group group;
	enum verdict verdict;
	uint32_t *leaves;
	unsigned int n = resolve_group(fib->mirror, nexthop, members, &verdict);
	int err;

	if (!n)
		return verdict_instead(fib, slot, verdict, resolved->user);
	leaves = calloc(n, sizeof(*leaves));
	if (!leaves)
		return -ENOMEM;
	err = members_take(fib, s, members, n, resolved->mtu, leaves);
	if (err) {
		free(leaves);
		return err;
	}
	for (unsigned int i = 0; i < n; i++)
		weights[i] = members[i].weight;
	fib_group_fill(leaves, weights, n, s->row ? &fib->rows[s->row] : NULL, &group);
	err = row_switch(fib, slot, &group, resolved);
	if (err) {
		members_release(fib, leaves, n);
		return err == -ENOSPC
			       ? verdict_instead(fib, slot, VERDICT_table_full, resolved->user)
			       : err;
	}
	members_release(fib, s->members, s->n_members);
	s->members = leaves;
	s->n_members = n;
	fib_adjacency_put(fib, s->adjacency);
	s->adjacency = NULL;
	return 0;
}
