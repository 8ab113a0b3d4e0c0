// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which leaf a packet is routed to: the longest of a list of prefixes, one table after another as the
 * rules say.
 */
#include "model_route.h"

enum { TCP = 6, UDP = 17, DCCP = 33, SCTP = 132, UDPLITE = 136 };

struct model_question model_question(const struct frame *frame, unsigned int port)
{
	const uint8_t *b = frame->bytes;
	bool fragment = (b[AT_FRAG] & 0x3f) != 0 || b[AT_FRAG + 1] != 0;
	struct model_question ret = {
		.dst = get32(b + AT_DST),
		.src = get32(b + AT_SRC),
		.port = port,
		.tos = b[AT_IP + 1],
		.protocol = b[AT_PROTOCOL],
	};

	switch (ret.protocol) {
	case TCP:
	case UDP:
	case DCCP:
	case SCTP:
	case UDPLITE:
		if (fragment || get16(b + AT_TOT_LEN) < IP_LEN + 4)
			break;
		ret.sport = get16(b + AT_PORTS);
		ret.dport = get16(b + AT_PORTS + 2);
	}
	return ret;
}

struct model_question model_question_back(const struct frame *frame, unsigned int egress)
{
	struct model_question there = model_question(frame, egress), back = there;

	back.dst = there.src;
	back.src = there.dst;
	back.dport = there.sport;
	back.sport = there.dport;
	return back;
}

/* The leaf in one table; `none` where it has no such prefix. */
static uint32_t table_leaf(const struct lab *l, uint32_t table, uint32_t addr, uint32_t none)
{
	const struct lab_route *best = NULL;

	for (int i = 0; i < l->n_routes; i++) {
		const struct lab_route *route = &l->routes[i];

		if (route->table != table || !prefix_covers(route->prefix, prefix_make(addr, 32)))
			continue;
		if (!best || route->prefix.len > best->prefix.len)
			best = route;
	}
	return best ? best->leaf : none;
}

static bool covered(uint32_t addr, __be32 net, __be32 mask)
{
	return (addr & ntohl(mask)) == ntohl(net);
}

static bool possible(const uint16_t range[2], uint16_t port)
{
	return port == 0 || (range[0] <= port && port <= range[1]);
}

/* Does the step apply, or where that is not certain, may it? */
static bool applies(const struct policy_step *step, const struct model_question *q)
{
	bool uncertain = false, may = true;
	bool certain = covered(q->src, step->src, step->src_mask) &&
		       covered(q->dst, step->dst, step->dst_mask) &&
		       (step->port == 0 || step->port == q->port);

	if (step->flags & POLICY_TOS) {
		uncertain = true;
		may = may && (q->tos & POLICY_TOS_MASK) == (step->tos & POLICY_TOS_MASK);
	}
	if (step->flags & POLICY_PROTOCOL) {
		uncertain = true;
		may = may && q->protocol == step->protocol;
	}
	if (step->flags & POLICY_SPORT) {
		uncertain = true;
		may = may && possible(step->sport, q->sport);
	}
	if (step->flags & POLICY_DPORT) {
		uncertain = true;
		may = may && possible(step->dport, q->dport);
	}
	if (step->flags & POLICY_INVERT)
		return uncertain || !certain;
	return certain && may;
}

uint32_t model_leaf(const struct lab *l, const struct model_question *q)
{
	uint32_t plain = table_leaf(l, 0, q->dst, l->control->default_leaf), leaf;

	if (l->control->policy_steps == 0)
		return plain;
	switch (plain) {
	case VERDICT_local:
	case VERDICT_broadcast:
	case VERDICT_multicast:
	case VERDICT_table_full:
	case VERDICT_stale:
		return plain;
	}
	if (plain >= SLOT_USER && plain < SLOT_ASK)
		return plain;
	for (uint32_t i = 0; i < l->control->policy_steps; i++) {
		const struct policy_step *step = &l->steps[i];

		if (!applies(step, q))
			continue;
		if (step->flags & POLICY_VERDICT) {
			leaf = step->arg;
			return leaf > 0 && leaf < VERDICT_COUNT && leaf != VERDICT_cpu
				       ? leaf
				       : VERDICT_stale;
		}
		leaf = step->arg ? table_leaf(l, step->arg, q->dst, VERDICT_no_route) : plain;
		if (leaf == VERDICT_no_route || leaf == VERDICT_throw)
			continue;
		return leaf;
	}
	return VERDICT_no_route;
}
