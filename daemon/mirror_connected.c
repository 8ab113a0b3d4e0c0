// SPDX-License-Identifier: GPL-2.0-only
/*
 * By which device the kernel reaches an address without a gateway: what its connected nets say, and its routes
 * of scope link, as those that a cloud gives for a gateway outside of every net (fib_check_nh() in
 * net/ipv4/fib_semantics.c asks both alike, as each net has such a route).
 *
 * The nets count beside their routes, which go with the carrier.
 */
#include <linux/rtnetlink.h>
#include "mirror_internal.h"
#include "mirror_user.h"

struct net_search {
	uint32_t gateway; /* host byte order */
	uint32_t ifindex; /* of the net; 0: none yet */
	uint8_t len;
};

/* The net at the other end, where there is one: the own address may lie anywhere. false: it has none. */
static bool net_of(const struct mirror_address *a, struct prefix *ret)
{
	*ret = prefix_make(ntohl(a->e.peer), a->e.prefix_len);
	return a->e.prefix_len < 32 || a->e.peer != a->e.local;
}

static int look_in_net(void *ctx, const struct mirror_address *a)
{
	struct net_search *search = ctx;
	struct prefix net;

	if (!net_of(a, &net) || !prefix_covers(net, prefix_make(search->gateway, 32)))
		return 0;
	/* Of equal nets the lower device, whatever order they come in. */
	if (search->ifindex &&
	    (net.len < search->len || (net.len == search->len && a->e.ifindex > search->ifindex)))
		return 0;
	search->len = net.len;
	search->ifindex = a->e.ifindex;
	return 0;
}

static int is_in_net(void *ctx, const struct mirror_address *a)
{
	const struct net_search *search = ctx;
	struct prefix net;

	return a->e.ifindex == search->ifindex && net_of(a, &net) &&
	       prefix_covers(net, prefix_make(search->gateway, 32));
}

static int is_net_itself(void *ctx, const struct mirror_address *a)
{
	const struct net_search *search = ctx;
	struct prefix net;

	return a->e.ifindex == search->ifindex && net_of(a, &net) && net.len < 31 &&
	       net.addr == search->gateway;
}

/* ---- routes ------------------------------------------------------------------------------ */

/* By that device, or by any for 0. Returns the device, 0: it does not. */
static uint32_t leg_leads(const struct event_leg *leg, uint32_t ifindex)
{
	return leg->gateway.family || (ifindex && leg->oif != ifindex) ? 0 : leg->oif;
}

static uint32_t candidate_leads(const struct mirror *mirror, const struct mirror_candidate *c,
				uint32_t ifindex)
{
	const struct mirror_nexthop *nexthop;
	const struct mirror_object *object;
	uint32_t found = 0;

	/* What belongs to a table of its own counts for whoever names the device. */
	if (c->type != RTN_UNICAST || c->scope != RT_SCOPE_LINK || !c->nexthop ||
	    (!ifindex && c->table != RT_TABLE_MAIN))
		return 0;
	nexthop = mirror_nexthop(mirror, c->nexthop);
	if (nexthop->nhid) {
		object = mirror_object(mirror, nexthop->nhid);
		return object && object->present && object->type == NH_TYPE_SINGLE
			       ? leg_leads(&object->leg, ifindex)
			       : 0;
	}
	for (unsigned int i = 0; i < nexthop->n_legs && !found; i++)
		found = leg_leads(&nexthop->legs[i], ifindex);
	return found;
}

/* By a prefix of that length or a longer one. */
static uint32_t find_route(const struct mirror *mirror, uint32_t gateway, int shortest,
			   uint32_t ifindex)
{
	uint32_t found = 0;

	for (int len = 32; len >= shortest && !found; len--) {
		const struct rib_entry *entry =
			rib_find(mirror->rib, prefix_make(gateway, (uint8_t)len));
		uint32_t handle = entry ? entry->candidates : 0;

		while (handle && !found) {
			const struct mirror_candidate *c = mirror_candidate(mirror, handle);

			found = candidate_leads(mirror, c, ifindex);
			handle = c->next;
		}
	}
	return found;
}

/* ---- questions --------------------------------------------------------------------------- */

uint32_t mirror_connected_device(const struct mirror *mirror, __be32 addr)
{
	struct net_search search = { .gateway = ntohl(addr) };
	uint32_t by_route;

	mirror_walk_addresses(mirror, look_in_net, &search);
	by_route = find_route(mirror, search.gateway, search.ifindex ? search.len + 1 : 0, 0);
	return by_route ? by_route : search.ifindex;
}

bool mirror_is_connected(const struct mirror *mirror, uint32_t ifindex, __be32 addr)
{
	struct net_search search = { .gateway = ntohl(addr), .ifindex = ifindex };

	return mirror_walk_addresses(mirror, is_in_net, &search) ||
	       find_route(mirror, search.gateway, 0, ifindex);
}

bool mirror_is_net_itself(const struct mirror *mirror, uint32_t ifindex, __be32 addr)
{
	struct net_search search = { .gateway = ntohl(addr), .ifindex = ifindex };

	return mirror_walk_addresses(mirror, is_net_itself, &search);
}
