// SPDX-License-Identifier: GPL-2.0-only
/* What is installed, for those who show or explain it; changes nothing. */
#include "fib_internal.h"
#include "fib_record.h"
#include "mirror_user.h"

static enum verdict adjacency_verdict(const struct fib *fib, uint32_t index)
{
	union adjacency_word word = { .word = fib_adjacency_word(fib, index) };
	const struct fib_port *port = fib->port_by_number[word.target.port];

	if (!word.target.port)
		return VERDICT_no_neighbour;
	return port && port->value.flags & PORT_UP ? VERDICT_forwarded : VERDICT_egress_down;
}

static enum verdict port_verdict(const struct fib *fib, uint32_t number)
{
	const struct fib_port *port = number ? fib->port_by_number[number] : NULL;

	return port && port->value.flags & PORT_UP ? VERDICT_forwarded : VERDICT_egress_down;
}

/* One that is not in is offline: its packets stay where they are. */
static enum verdict cpu_verdict(const struct fib *fib, uint32_t cpus)
{
	uint32_t first = cpus & 0xffff, n = cpus >> 16;

	for (uint32_t cpu = first; cpu < first + n; cpu++)
		if (fib_cpu_record(fib, cpu))
			return VERDICT_cpu;
	return VERDICT_user_pass;
}

static enum verdict slot_verdict(const struct fib *fib, uint32_t slot)
{
	union nexthop_word word = { .word = fib_nexthop_word(fib, slot) };

	switch (word.nexthop.kind) {
	case NEXTHOP_ADJACENCY:
		return adjacency_verdict(fib, word.nexthop.arg);
	case NEXTHOP_CONNECTED:
		return port_verdict(fib, fib_port_usable(fib, word.nexthop.arg));
	case NEXTHOP_VERDICT:
		return word.nexthop.verdict;
	case NEXTHOP_REDIRECT:
		return port_verdict(fib, word.nexthop.arg);
	case NEXTHOP_CPU:
		return cpu_verdict(fib, word.nexthop.arg);
	default:
		return VERDICT_stale;
	}
}

static enum verdict member_verdict(const struct fib *fib, uint32_t leaf)
{
	return leaf < LEAF_FIRST_SLOT ? leaf : slot_verdict(fib, leaf);
}

static enum verdict leaf_verdict(const struct fib *fib, uint32_t leaf)
{
	const struct fib_slot *s;
	enum verdict verdict;

	if (leaf < LEAF_FIRST_SLOT)
		return leaf;
	if (leaf >= fib->slot_numbers.limit)
		return VERDICT_stale;
	s = &fib->slots[leaf];
	if (!s->row)
		return slot_verdict(fib, leaf);
	verdict = member_verdict(fib, s->members[0]);
	for (unsigned int i = 1; i < s->n_members && verdict != VERDICT_forwarded; i++)
		if (member_verdict(fib, s->members[i]) == VERDICT_forwarded)
			verdict = VERDICT_forwarded;
	return verdict;
}

static void tell(const struct fib *fib, uint32_t leaf, enum verdict *ret_verdict,
		 uint32_t *ret_slot)
{
	if (ret_verdict)
		*ret_verdict = leaf_verdict(fib, leaf);
	if (ret_slot)
		*ret_slot = leaf < LEAF_FIRST_SLOT ? 0 : leaf;
}

int fib_verdict(const struct fib *fib, const struct rib_entry *entry, enum verdict *ret_verdict,
		uint32_t *ret_slot)
{
	uint32_t leaf = entry->installed;

	if (entry->spare & ENTRY_LEFT_OUT)
		leaf = VERDICT_table_full;
	else if (leaf == RIB_NOT_INSTALLED)
		return -ENOENT;
	tell(fib, leaf, ret_verdict, ret_slot);
	return 0;
}

int fib_policy_verdict(const struct fib *fib, const struct rib_entry *entry, uint32_t table,
		       enum verdict *ret_verdict, uint32_t *ret_slot)
{
	uint32_t leaf;
	int err;

	if (mirror_table_rank(table) < 3)
		return fib_verdict(fib, entry, ret_verdict, ret_slot);
	err = fib_policy_leaf(fib, entry, table, &leaf);
	if (!err)
		tell(fib, leaf, ret_verdict, ret_slot);
	return err;
}

int fib_user_slot(const struct fib *fib, struct prefix dst, uint32_t *ret_slot, bool *ret_shared)
{
	const struct rib_entry *entry = rib_find(mirror_rib(fib->mirror), dst);
	uint32_t handle, slot;

	if (!entry || !mirror_user_of(fib->mirror, entry, &handle))
		return -ENOENT;
	slot = fib_slot_of(fib, handle);
	if (!slot)
		return -ENOENT;
	*ret_slot = slot;
	*ret_shared = mirror_nexthop(fib->mirror, handle)->shared;
	return 0;
}

unsigned int fib_slot_members(const struct fib *fib, uint32_t slot, const uint32_t **ret_leaves)
{
	const struct fib_slot *s = slot < fib->slot_numbers.limit ? &fib->slots[slot] : NULL;

	if (!s || !s->n_members)
		return 0;
	*ret_leaves = s->members;
	return s->n_members;
}

void fib_counts(const struct fib *fib, struct fib_counts *ret)
{
	memset(ret, 0, sizeof(*ret));
	for (uint32_t slot = LEAF_FIRST_SLOT; slot < fib->slot_numbers.next; slot++) {
		const struct fib_slot *s = &fib->slots[slot];
		union nexthop_word word = { .word = s->word };

		if (!s->used)
			continue;
		ret->nexthops++;
		ret->groups += s->row != 0;
		if (word.nexthop.kind == NEXTHOP_VERDICT &&
		    word.nexthop.verdict >= VERDICT_FIRST_REASON)
			ret->fallback += s->leaf_refs;
	}
	for (int v = VERDICT_FIRST_REASON; v < VERDICT_COUNT; v++)
		ret->fallback += fib->verdict_leaves[v];
	ret->fallback += fib->victims.count;
	ret->routes = fib->n_installed + fib->victims.count;
	ret->adjacencies = fib->adjacencies.count;
	ret->neighbours = fib->n_entered;
	ret->ports = fib->ports.count;
	for (const struct fib_policy_table *t = fib->policy.tables; t; t = t->next)
		ret->policy_tables++;
	ret->policy_steps = fib->policy.n;
	ret->policy_routes = fib->policy.routes.count;
	ret->ingress_macs = fib_macs_count(fib);
	ret->full = fib_full_counts(fib);
	ret->writes = fib->writes;
	ret->leaf_writes = fib->leaf_writes;
}
