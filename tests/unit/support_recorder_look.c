// SPDX-License-Identifier: GPL-2.0-only
/* What programs would see in the recorder's maps: look-ups of an address to the end of its way. */
#include "support_recorder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

static uint32_t list_lookup(const struct recorder *rec, uint32_t addr)
{
	const struct recorder_route *best = NULL;

	for (uint32_t i = 0; i < rec->n_routes; i++) {
		const struct recorder_route *r = &rec->routes[i];

		if (((addr ^ r->prefix.addr) & prefix_mask(r->prefix.len)) == 0 &&
		    (!best || r->prefix.len > best->prefix.len))
			best = r;
	}
	return best ? best->leaf : LEAF_DEFAULT;
}

uint32_t recorder_leaf(const struct recorder *rec, uint32_t addr)
{
	uint32_t leaf = rec->inner ? rec->inner->ops->lookup(rec->inner, addr)
				   : list_lookup(rec, addr);

	return leaf == LEAF_DEFAULT ? rec->default_leaf : leaf;
}

uint32_t recorder_neighbour(const struct recorder *rec, __be32 addr, uint32_t ifindex)
{
	for (uint32_t i = 0; i < rec->n_neighbours; i++)
		if (rec->neighbours[i].addr == addr && rec->neighbours[i].ifindex == ifindex)
			return rec->neighbour_values[i];
	return 0;
}

static void add_member(struct answer *ret, uint64_t target, uint32_t ifindex, uint32_t verdict,
		       uint16_t mtu)
{
	uint32_t i;

	for (i = 0; i < ret->n; i++)
		if (ret->members[i].target == target && ret->members[i].ifindex == ifindex &&
		    ret->members[i].verdict == verdict && ret->members[i].mtu == mtu)
			break;
	if (i == ret->n) {
		assert_true(ret->n < 16);
		ret->n++;
		ret->members[i].target = target;
		ret->members[i].ifindex = ifindex;
		ret->members[i].verdict = verdict;
		ret->members[i].mtu = mtu;
	}
	ret->members[i].buckets++;
}

static void through_adjacency(const struct recorder *rec, uint32_t index, uint16_t mtu,
			      struct answer *ret)
{
	union adjacency_word word;
	const struct port *port;
	uint64_t mac = 0;

	assert_true(index > 0 && index < rec->sink.limits.adjacencies);
	word.word = rec->adjacencies[index];
	if (!word.target.port) {
		add_member(ret, 0, 0, VERDICT_no_neighbour, 0);
		return;
	}
	assert_true(word.target.port < rec->sink.limits.ports);
	port = &rec->ports[word.target.port];
	if (!port->ifindex)
		fail_msg("lookup meets port %u, which is gone", word.target.port);
	if (!(port->flags & PORT_UP)) {
		add_member(ret, 0, 0, VERDICT_egress_down, 0);
		return;
	}
	memcpy(&mac, word.target.mac, sizeof(word.target.mac));
	add_member(ret, mac, port->ifindex, VERDICT_forwarded, mtu);
}

static void through_port(const struct recorder *rec, uint32_t number, struct answer *ret)
{
	assert_true(number > 0 && number < rec->sink.limits.ports);
	if (!rec->ports[number].ifindex)
		fail_msg("redirected to port %u, which is gone", number);
	if (rec->ports[number].flags & PORT_UP)
		add_member(ret, 0, rec->ports[number].ifindex, VERDICT_forwarded, 0);
	else
		add_member(ret, 0, 0, VERDICT_egress_down, 0);
}

static void check_cpus(const struct recorder *rec, uint32_t cpus)
{
	uint32_t first = cpus & 0xffff, n = cpus >> 16;

	assert_true(n > 0 && first + n <= REC_CPUS);
	for (uint32_t cpu = first; cpu < first + n; cpu++)
		if (!rec->cpus[cpu] && !rec->any_cpu)
			fail_msg("steered to CPU %u, which is not there", cpu);
}

static void through_slot(const struct recorder *rec, uint32_t leaf, uint32_t addr, bool in_group,
			 struct answer *ret)
{
	union nexthop_word word;
	uint32_t index;

	if (leaf < LEAF_FIRST_SLOT) {
		assert_true(leaf != 0);
		add_member(ret, 0, 0, leaf, 0);
		return;
	}
	assert_true(leaf < rec->sink.limits.nexthops);
	word.word = rec->nexthops[leaf];
	switch (word.nexthop.kind) {
	case NEXTHOP_ADJACENCY:
		through_adjacency(rec, word.nexthop.arg, word.nexthop.mtu, ret);
		break;
	case NEXTHOP_CONNECTED:
		index = recorder_neighbour(rec, htonl(addr), word.nexthop.arg);
		if (index)
			through_adjacency(rec, index, word.nexthop.mtu, ret);
		else
			add_member(ret, 0, 0,
				   rec->flags & CONTROL_NEIGHBOURS_FULL ? VERDICT_table_full
									: VERDICT_no_neighbour,
				   0);
		break;
	case NEXTHOP_VERDICT:
		assert_true(word.nexthop.verdict > 0 && word.nexthop.verdict < VERDICT_COUNT);
		add_member(ret, 0, 0, word.nexthop.verdict, 0);
		break;
	case NEXTHOP_REDIRECT:
		through_port(rec, word.nexthop.arg, ret);
		break;
	case NEXTHOP_CPU:
		check_cpus(rec, word.nexthop.arg);
		add_member(ret, word.nexthop.arg, 0, VERDICT_cpu, 0);
		break;
	case NEXTHOP_GROUP:
		assert_false(in_group);
		assert_true(word.nexthop.arg > 0 && word.nexthop.arg < rec->sink.limits.groups);
		for (int i = 0; i < GROUP_BUCKETS; i++)
			through_slot(rec, rec->groups[word.nexthop.arg].bucket[i], addr, true, ret);
		break;
	default:
		fail_msg("lookup of %08x meets slot %u, which is unset", addr, leaf);
	}
}

static int by_content(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(((struct answer *)a)->members[0]));
}

void recorder_lookup(const struct recorder *rec, uint32_t addr, struct answer *ret)
{
	recorder_answer(rec, recorder_leaf(rec, addr), addr, ret);
}

void recorder_answer(const struct recorder *rec, uint32_t leaf, uint32_t addr, struct answer *ret)
{
	memset(ret, 0, sizeof(*ret));
	through_slot(rec, leaf, addr, false, ret);
	if (ret->n == 1) {
		ret->members[0].buckets = 0;
		ret->verdict = ret->members[0].verdict;
	}
	qsort(ret->members, ret->n, sizeof(ret->members[0]), by_content);
}

bool answer_equal(const struct answer *a, const struct answer *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

const char *answer_format(const struct answer *a, char *buf, size_t size)
{
	size_t used = 0;

	buf[0] = '\0';
	for (uint32_t i = 0; i < a->n && used < size; i++)
		used += snprintf(buf + used, size - used, "[v%u if%u mac%llx x%u mtu%u]",
				 a->members[i].verdict, a->members[i].ifindex,
				 (unsigned long long)a->members[i].target, a->members[i].buckets,
				 a->members[i].mtu);
	return buf;
}

uint64_t recorder_sources_of(const struct recorder *rec, uint32_t leaf)
{
	union reverse_word reverse = { .word = leaf < LEAF_FIRST_SLOT ? 0 : rec->reverse[leaf] };
	uint64_t sources = 1;

	if (!reverse.word)
		return 0;
	for (int i = 0; i < REVERSE_PORTS; i++)
		if (reverse.port[i] != REVERSE_NO_PORT)
			sources |= 1ull << rec->ports[reverse.port[i]].ifindex;
	return sources;
}

uint64_t recorder_sources(const struct recorder *rec, uint32_t addr)
{
	return recorder_sources_of(rec, recorder_leaf(rec, addr));
}
