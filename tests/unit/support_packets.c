// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whole packets on the recorder: the way that policy steps lead to, and that of the source, as
 * bpf/policy.h and bpf/source.h go; and what the mirror says about the same packet.
 */
#include "support_packets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>
#include <linux/rtnetlink.h>
#include "daemon/fib_internal.h"

static bool holds(const uint16_t range[2], const struct recorder_packet *packet, uint16_t port)
{
	return !packet->has_ports || !port || (port >= range[0] && port <= range[1]);
}

static bool step_matches(const struct recorder *rec, const struct policy_step *step,
			 const struct recorder_packet *packet)
{
	bool match = (packet->src & ntohl(step->src_mask)) == ntohl(step->src) &&
		     (packet->dst & ntohl(step->dst_mask)) == ntohl(step->dst);

	if (step->port)
		match &= packet->iif && rec->port_of_ifindex[packet->iif] == step->port;
	if (step->flags & POLICY_INVERT)
		return !match;
	if (step->flags & POLICY_TOS)
		match &= !((step->tos ^ packet->tos) & POLICY_TOS_MASK);
	if (step->flags & POLICY_PROTOCOL)
		match &= step->protocol == packet->protocol;
	if (step->flags & POLICY_SPORT)
		match &= holds(step->sport, packet, packet->sport);
	if (step->flags & POLICY_DPORT)
		match &= holds(step->dport, packet, packet->dport);
	return match;
}

static uint32_t table_leaf(const struct recorder *rec, uint32_t table, uint32_t addr)
{
	const struct recorder_policy_route *best = NULL;

	assert_true(table < POLICY_TABLE_LIMIT);
	for (uint32_t i = 0; i < rec->n_policy_routes; i++) {
		const struct recorder_policy_route *r = &rec->policy_routes[i];

		if (r->table == table && prefix_covers(r->prefix, prefix_make(addr, 32)) &&
		    (!best || r->prefix.len > best->prefix.len))
			best = r;
	}
	return best ? best->leaf : VERDICT_no_route;
}

static bool is_user(const struct recorder *rec, uint32_t leaf)
{
	union nexthop_word word = { .word = leaf < LEAF_FIRST_SLOT ? 0 : rec->nexthops[leaf] };

	return leaf >= LEAF_FIRST_SLOT && nexthop_is_user(word.nexthop);
}

uint32_t packet_leaf(const struct recorder *rec, const struct recorder_packet *packet)
{
	uint32_t plain = recorder_leaf(rec, packet->dst), leaf;

	if (!rec->n_steps || plain == VERDICT_local || plain == VERDICT_broadcast ||
	    plain == VERDICT_multicast || plain == VERDICT_table_full || is_user(rec, plain))
		return plain;
	for (uint32_t i = 0; i < rec->n_steps; i++) {
		const struct policy_step *step = &rec->steps[i];

		if (!step_matches(rec, step, packet))
			continue;
		if (step->flags & POLICY_VERDICT) {
			assert_true(step->arg && step->arg < VERDICT_COUNT);
			return step->arg;
		}
		leaf = step->arg ? table_leaf(rec, step->arg, packet->dst) : plain;
		if (leaf != VERDICT_no_route && leaf != VERDICT_throw)
			return leaf;
	}
	return VERDICT_no_route;
}

struct recorder_packet packet_back(const struct recorder_packet *packet)
{
	struct recorder_packet back = *packet;

	back.dst = packet->src;
	back.src = packet->dst;
	back.iif = packet->egress;
	back.sport = packet->dport;
	back.dport = packet->sport;
	return back;
}

void packet_look(const struct recorder *rec, const struct recorder_packet *packet,
		 struct recorder_outcome *ret)
{
	struct recorder_packet back = packet_back(packet);

	memset(ret, 0, sizeof(*ret));
	if (rec->hold) {
		ret->way.n = 1;
		ret->way.verdict = ret->way.members[0].verdict = rec->hold;
		return;
	}
	recorder_answer(rec, packet_leaf(rec, packet), packet->dst, &ret->way);
	ret->sources = recorder_sources_of(rec, packet_leaf(rec, &back));
}

static struct resolved_query query_of(const struct recorder_packet *packet)
{
	return (struct resolved_query){ .dst = packet->dst,
					.src = packet->src,
					.iif = packet->iif,
					.tos = packet->tos,
					.protocol = packet->protocol,
					.has_ports = packet->has_ports,
					.sport = packet->sport,
					.dport = packet->dport };
}

static uint64_t sources_of(const struct fib *fib, uint32_t handle)
{
	uint32_t ifindex[REVERSE_PORTS];
	unsigned int n = 0;
	uint64_t sources = 0;

	if (handle)
		n = resolve_reverse(fib->mirror, mirror_nexthop(fib->mirror, handle), ifindex);
	for (unsigned int i = 0; i < n; i++)
		sources |= 1 | (fib_port_of(fib, ifindex[i]) ? 1ull << ifindex[i] : 0);
	return sources;
}

static const char *packet_format(const struct recorder_packet *p, char *buf, size_t size)
{
	snprintf(buf, size, "%08x from %08x iif %u tos %u proto %u ports %u %u", p->dst, p->src,
		 p->iif, p->tos, p->protocol, p->sport, p->dport);
	return buf;
}

/*
 * One way. True where that cannot be told: table_full hides what the mirror says, or no such packet
 * reaches the program.
 */
static bool check_leaf(const struct recorder *rec, const struct fib *fib,
		       const struct recorder_packet *packet, struct resolved_route *ret)
{
	struct resolved_query query = query_of(packet);
	uint32_t leaf = packet_leaf(rec, packet), wanted;
	char text[128];

	resolve_query(fib->mirror, &query, ret);
	if (leaf == VERDICT_table_full || !rec->port_of_ifindex[packet->iif])
		return true;
	wanted = ret->nexthop ? fib_slot_of(fib, ret->nexthop) : ret->verdict;
	if (leaf != wanted)
		fail_msg("%s: leaf %u, but %u by the rules",
			 packet_format(packet, text, sizeof(text)), leaf, wanted);
	return false;
}

void packet_check(const struct recorder *rec, const struct fib *fib,
		  const struct recorder_packet *packet)
{
	struct recorder_packet back = packet_back(packet);
	struct resolved_route resolved;
	uint64_t sources, wanted;
	char text[128];

	if (rec->hold)
		return;
	check_leaf(rec, fib, packet, &resolved);
	if (check_leaf(rec, fib, &back, &resolved))
		return;
	sources = recorder_sources_of(rec, packet_leaf(rec, &back));
	wanted = sources_of(fib, resolved.nexthop);
	if (sources != wanted)
		fail_msg("%s: accepted from %#llx, but %#llx by the rules",
			 packet_format(packet, text, sizeof(text)), (unsigned long long)sources,
			 (unsigned long long)wanted);
}
