// SPDX-License-Identifier: GPL-2.0-only
/* Outcomes: from the mirror, from the maps, compared. */
#include "verify_outcome.h"

#include <sys/socket.h>

static const struct hop stale = { .kind = HOP_VERDICT, .verdict = VERDICT_stale };

static bool hop_equal(const struct hop *a, const struct hop *b)
{
	return a->kind == b->kind && a->verdict == b->verdict && a->ifindex == b->ifindex &&
	       a->mtu == b->mtu && a->user == b->user &&
	       memcmp(a->mac, b->mac, sizeof(a->mac)) == 0;
}

static void set_single(struct outcome *ret, const struct hop *hop)
{
	ret->group = false;
	ret->mtu = 0;
	ret->total = 1;
	ret->n = 1;
	ret->hops[0] = *hop;
	ret->hops[0].share = 1;
	ret->hops[0].legs = 1;
}

static void set_group(struct outcome *ret, uint32_t mtu)
{
	ret->group = true;
	ret->mtu = mtu;
	ret->total = 0;
	ret->n = 0;
}

/* Legs that lead to the same are one, with their shares together. */
static void add_hop(struct outcome *ret, const struct hop *hop, uint32_t share)
{
	unsigned int i = 0;

	ret->total += share;
	while (i < ret->n && !hop_equal(&ret->hops[i], hop))
		i++;
	if (i < ret->n) {
		ret->hops[i].share += share;
		ret->hops[i].legs++;
	} else if (ret->n < GROUP_BUCKETS) {
		ret->hops[i] = *hop;
		ret->hops[i].share = share;
		ret->hops[i].legs = 1;
		ret->n++;
	}
}

/* ---- reverse paths --------------------------------------------------------------------- */

static void reverse_add(struct reverse *reverse, uint32_t ifindex)
{
	unsigned int i = reverse->n;

	if (!ifindex || i == REVERSE_PORTS)
		return;
	for (; i > 0 && reverse->ifindex[i - 1] > ifindex; i--)
		reverse->ifindex[i] = reverse->ifindex[i - 1];
	reverse->ifindex[i] = ifindex;
	reverse->n++;
}

static struct reverse reverse_of_route(const struct mirror *mirror, uint32_t handle)
{
	struct reverse reverse = { .known = false };
	uint32_t ifindex[REVERSE_PORTS];
	const struct mirror_link *link;
	struct port port;
	unsigned int n;

	n = handle ? resolve_reverse(mirror, mirror_nexthop(mirror, handle), ifindex) : 0;
	reverse.known = n > 0;
	for (unsigned int i = 0; i < n; i++) {
		link = mirror_link(mirror, ifindex[i]);
		if (link && resolve_port(mirror, link, &port))
			reverse_add(&reverse, ifindex[i]);
	}
	return reverse;
}

static struct reverse reverse_of_leaf(const struct datapath *dp, uint32_t leaf)
{
	union reverse_word word = { .word = 0 };
	struct reverse reverse = { .known = false };

	if (leaf >= LEAF_FIRST_SLOT)
		word = datapath_reverse(dp, leaf);
	reverse.known = word.word != 0;
	for (unsigned int i = 0; reverse.known && i < REVERSE_PORTS; i++)
		if (word.port[i] != REVERSE_NO_PORT)
			reverse_add(&reverse, datapath_port(dp, word.port[i]).ifindex);
	return reverse;
}

bool reverse_equal(const struct reverse *a, const struct reverse *b)
{
	return a->known == b->known && a->n == b->n &&
	       memcmp(a->ifindex, b->ifindex, a->n * sizeof(a->ifindex[0])) == 0;
}

/* ---- what the kernel has --------------------------------------------------------------- */

static struct hop verdict_hop(uint32_t verdict)
{
	return (struct hop){ .kind = HOP_VERDICT, .verdict = verdict };
}

static struct hop leg_hop(const struct mirror *mirror, const struct resolved_nexthop *r)
{
	struct hop hop = { .mtu = r->mtu > UINT16_MAX ? 0 : r->mtu, .user = r->user };
	const struct mirror_neighbour *n;

	if (r->kind == RESOLVED_VERDICT) {
		hop = verdict_hop(r->verdict);
		hop.user = r->user;
		return hop;
	}
	if (r->kind == RESOLVED_CPU) {
		hop.kind = HOP_CPU;
		hop.cpus = nexthop_cpus(r->first_cpu, r->n_cpus);
		return hop;
	}
	if (r->kind == RESOLVED_CONNECTED || r->kind == RESOLVED_REDIRECT) {
		hop.kind = r->kind == RESOLVED_CONNECTED ? HOP_CONNECTED : HOP_REDIRECT;
		hop.ifindex = r->leg.oif;
		return hop;
	}
	if (r->leg.gateway.family == AF_PACKET) {
		hop.kind = HOP_NEIGHBOUR;
		hop.ifindex = r->leg.oif;
		memcpy(hop.mac, r->leg.gateway.v6, sizeof(hop.mac));
		return hop;
	}
	n = mirror_neighbour(mirror, r->leg.oif, &r->leg.gateway);
	hop.kind = HOP_UNRESOLVED;
	if (n && resolve_neighbour_valid(n)) {
		hop.kind = HOP_NEIGHBOUR;
		hop.ifindex = r->leg.oif;
		memcpy(hop.mac, n->e.mac, sizeof(hop.mac));
	}
	return hop;
}

static void group_of_nexthop(const struct mirror *mirror, const struct mirror_nexthop *nexthop,
			     uint32_t mtu, struct outcome *ret)
{
	struct resolved_member members[EVENT_LEGS_MAX];
	struct resolved_nexthop r;
	enum verdict verdict;
	unsigned int n = resolve_group(mirror, nexthop, members, &verdict);
	struct hop hop = verdict_hop(verdict);

	if (!n) {
		hop.user = nexthop->user != NULL;
		set_single(ret, &hop);
		return;
	}
	set_group(ret, mtu > UINT16_MAX ? 0 : mtu);
	for (unsigned int i = 0; i < n; i++) {
		hop = verdict_hop(members[i].verdict);
		if (members[i].verdict == VERDICT_forwarded) {
			if (nexthop->user)
				resolve_user_leg(mirror, &members[i].leg, &r);
			else
				resolve_leg(mirror, &members[i].leg, mtu, &r);
			hop = leg_hop(mirror, &r);
		}
		add_hop(ret, &hop, members[i].weight);
	}
}

void outcome_of_route(const struct mirror *mirror, const struct resolved_route *route,
		      struct outcome *ret)
{
	struct hop hop = verdict_hop(route->verdict);
	struct resolved_nexthop r;

	ret->reverse = reverse_of_route(mirror, route->nexthop);
	if (route->nexthop) {
		const struct mirror_nexthop *nexthop = mirror_nexthop(mirror, route->nexthop);

		resolve_nexthop(mirror, nexthop, &r);
		if (r.kind == RESOLVED_GROUP) {
			group_of_nexthop(mirror, nexthop, r.mtu, ret);
			return;
		}
		hop = leg_hop(mirror, &r);
	}
	set_single(ret, &hop);
}

/* ---- what the maps have ---------------------------------------------------------------- */

static struct hop adjacency_hop(const struct datapath *dp, const struct nexthop *nexthop)
{
	union adjacency_word word = datapath_adjacency(dp, nexthop->arg);
	struct hop hop = { .kind = HOP_UNRESOLVED,
			   .mtu = nexthop->mtu,
			   .user = nexthop_is_user(*nexthop) };

	if (!word.target.port)
		return hop;
	hop.kind = HOP_NEIGHBOUR;
	hop.ifindex = datapath_port(dp, word.target.port).ifindex;
	memcpy(hop.mac, word.target.mac, sizeof(hop.mac));
	return hop;
}

/* As verdict_of() of bpf/lookup.h. */
static struct hop number_hop(uint32_t number)
{
	return number > VERDICT_forwarded && number < VERDICT_COUNT ? verdict_hop(number) : stale;
}

static struct hop slot_hop(const struct datapath *dp, union nexthop_word word)
{
	struct hop hop = { .mtu = word.nexthop.mtu, .user = nexthop_is_user(word.nexthop) };

	switch (word.nexthop.kind) {
	case NEXTHOP_ADJACENCY:
		return adjacency_hop(dp, &word.nexthop);
	case NEXTHOP_CONNECTED:
		hop.kind = HOP_CONNECTED;
		hop.ifindex = word.nexthop.arg;
		return hop;
	case NEXTHOP_VERDICT:
		hop = number_hop(word.nexthop.verdict);
		hop.user = nexthop_is_user(word.nexthop);
		return hop;
	case NEXTHOP_REDIRECT:
		hop.kind = HOP_REDIRECT;
		hop.ifindex = datapath_port(dp, word.nexthop.arg).ifindex;
		return hop;
	case NEXTHOP_CPU:
		hop.kind = HOP_CPU;
		hop.cpus = word.nexthop.arg;
		return hop;
	default:
		return stale;
	}
}

void outcome_of_leaf(const struct datapath *dp, uint32_t leaf, struct outcome *ret)
{
	union nexthop_word word = { 0 };
	struct hop hop;

	ret->reverse = reverse_of_leaf(dp, leaf);
	if (leaf >= LEAF_FIRST_SLOT)
		word = datapath_nexthop(dp, leaf);
	if (word.nexthop.kind != NEXTHOP_GROUP) {
		hop = leaf < LEAF_FIRST_SLOT ? number_hop(leaf) : slot_hop(dp, word);
		set_single(ret, &hop);
		return;
	}
	set_group(ret, word.nexthop.mtu);
	for (uint32_t i = 0; i < GROUP_BUCKETS; i++) {
		uint32_t member = datapath_bucket(dp, word.nexthop.arg, i);

		hop = member < LEAF_FIRST_SLOT ? number_hop(member)
					       : slot_hop(dp, datapath_nexthop(dp, member));
		add_hop(ret, &hop, 1);
	}
}

/* ---- comparing ------------------------------------------------------------------------- */

static bool is_full(const struct hop *hop)
{
	return hop->kind == HOP_VERDICT && hop->verdict == VERDICT_table_full;
}

static const struct hop *find_hop(const struct outcome *outcome, const struct hop *like)
{
	for (unsigned int i = 0; i < outcome->n; i++)
		if (hop_equal(&outcome->hops[i], like))
			return &outcome->hops[i];
	return NULL;
}

/* Whole buckets: each leg's share is off by less than one. */
static bool share_fits(const struct outcome *kernel, const struct hop *hop, uint32_t buckets)
{
	uint64_t wanted = (uint64_t)hop->share * GROUP_BUCKETS;
	uint64_t got = (uint64_t)buckets * kernel->total;
	uint64_t off = wanted > got ? wanted - got : got - wanted;

	return off < (uint64_t)hop->legs * kernel->total;
}

static enum agreement compare_groups(const struct outcome *kernel, const struct outcome *fast)
{
	bool full = false;

	for (unsigned int i = 0; i < fast->n; i++) {
		full |= is_full(&fast->hops[i]);
		if (!is_full(&fast->hops[i]) && !find_hop(kernel, &fast->hops[i]))
			return DISAGREED;
	}
	if (full)
		return AGREED_FULL;
	for (unsigned int i = 0; i < kernel->n; i++) {
		const struct hop *has = find_hop(fast, &kernel->hops[i]);

		if (!share_fits(kernel, &kernel->hops[i], has ? has->share : 0))
			return DISAGREED;
	}
	return AGREED;
}

enum agreement outcome_compare_ways(const struct outcome *kernel, const struct outcome *fast)
{
	if (!fast->group && is_full(&fast->hops[0]))
		return AGREED_FULL;
	if (kernel->group != fast->group)
		return DISAGREED;
	if (kernel->group)
		return kernel->mtu == fast->mtu ? compare_groups(kernel, fast) : DISAGREED;
	return hop_equal(&kernel->hops[0], &fast->hops[0]) ? AGREED : DISAGREED;
}

enum agreement outcome_compare(const struct outcome *kernel, const struct outcome *fast)
{
	enum agreement answer = outcome_compare_ways(kernel, fast);

	return answer == AGREED && !reverse_equal(&kernel->reverse, &fast->reverse) ? DISAGREED
										    : answer;
}

uint32_t outcome_hash(const struct outcome *outcome)
{
	const struct reverse *reverse = &outcome->reverse;
	uint32_t hash = (outcome->group ? outcome->mtu + 1 : 0) + reverse->known;

	hash += table_hash(reverse->ifindex, reverse->n * sizeof(reverse->ifindex[0]));

	/* In whatever order the hops come. */
	for (unsigned int i = 0; i < outcome->n; i++)
		hash += table_hash(&outcome->hops[i], offsetof(struct hop, legs));
	return hash;
}

bool outcome_is_fast(const struct outcome *outcome)
{
	for (unsigned int i = 0; i < outcome->n; i++) {
		const struct hop *hop = &outcome->hops[i];

		if (hop->kind == HOP_NEIGHBOUR || hop->kind == HOP_CONNECTED ||
		    hop->kind == HOP_REDIRECT ||
		    (hop->kind == HOP_VERDICT && hop->verdict == VERDICT_dropped))
			return true;
	}
	return false;
}
