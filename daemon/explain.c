// SPDX-License-Identifier: GPL-2.0-only
/* The programs' decisions, retraced in user space. Follows the order of bpf/router.bpf.c. */
#include "explain.h"

#include "resolve.h"

static bool in_net(__be32 addr, uint32_t net, uint8_t len)
{
	return (ntohl(addr) & prefix_mask(len)) == net;
}

/* Source or destination that may not appear on a wire. */
static bool is_martian(__be32 addr)
{
	return in_net(addr, 0x00000000, 8) || in_net(addr, 0x7f000000, 8);
}

enum verdict explain_ingress(const struct daemon *d, const struct mirror_link *link)
{
	uint16_t number = fib_port_of(d->fib, link->e.ifindex);
	struct port port = datapath_port(d->datapath, number);

	if (!number || link->hook == HOOK_NONE)
		return VERDICT_stale;
	if (datapath_control_hold(d->datapath))
		return datapath_control_hold(d->datapath);
	if (!datapath_lease_valid(d->datapath))
		return VERDICT_stale;
	if (!(port.flags & PORT_FORWARDING))
		return VERDICT_forwarding_off;
	return port.flags & PORT_RP_FILTER ? VERDICT_rp_filter : VERDICT_forwarded;
}

enum verdict explain_egress(const struct daemon *d, uint16_t number, const struct mirror_link *iif)
{
	struct port port = datapath_port(d->datapath, number);
	uint16_t in_number = iif ? fib_port_of(d->fib, iif->e.ifindex) : 0;
	struct port in = datapath_port(d->datapath, in_number);
	uint16_t needed = in.flags & PORT_IN_GENERIC ? PORT_XMIT_GENERIC : PORT_XMIT_NATIVE;

	if (!(port.flags & PORT_UP))
		return VERDICT_egress_down;
	if (in_number && in_number == number && (in.flags & PORT_SEND_REDIRECTS))
		return VERDICT_hairpin;
	return port.flags & needed ? VERDICT_forwarded : VERDICT_egress_no_xdp;
}

/* Custom local routes: a source that the table does not route as unicast is one of ours. */
static bool is_routed_unicast(const struct daemon *d, __be32 src)
{
	uint32_t leaf = datapath_lookup(d->datapath, src);
	uint8_t kind = datapath_nexthop(d->datapath, leaf).nexthop.kind;

	if (leaf < LEAF_FIRST_SLOT)
		return leaf == VERDICT_no_route;
	return kind != NEXTHOP_UNSET && kind != NEXTHOP_VERDICT;
}

static enum verdict check_addresses(const struct daemon *d, const struct explain_query *query)
{
	if (in_net(query->dst, 0xe0000000, 4))
		return VERDICT_multicast;
	if (query->dst == htonl(INADDR_BROADCAST))
		return VERDICT_broadcast;
	if (is_martian(query->dst))
		return VERDICT_martian;
	if (!query->src)
		return VERDICT_forwarded;
	if (is_martian(query->src) || in_net(query->src, 0xe0000000, 4) ||
	    query->src == htonl(INADDR_BROADCAST) || mirror_own_kind(d->mirror, query->src))
		return VERDICT_martian;
	return VERDICT_forwarded;
}

/* The adjacency behind a slot, as far as the packet's destination allows to tell. */
static enum verdict follow_slot(const struct daemon *d, uint32_t leaf,
				const struct explain_query *query, struct explained *ret)
{
	union nexthop_word slot;
	union adjacency_word adjacency;
	uint32_t index;

	if (leaf < LEAF_FIRST_SLOT)
		return leaf ? leaf : VERDICT_no_route;
	slot = datapath_nexthop(d->datapath, leaf);
	if (slot.nexthop.kind == NEXTHOP_GROUP) {
		ret->multipath = true;
		leaf = datapath_bucket(d->datapath, slot.nexthop.arg, 0);
		if (leaf < LEAF_FIRST_SLOT)
			return leaf ? leaf : VERDICT_stale;
		ret->mtu = slot.nexthop.mtu;
		slot = datapath_nexthop(d->datapath, leaf);
	}
	switch (slot.nexthop.kind) {
	case NEXTHOP_VERDICT:
		return slot.nexthop.verdict;
	case NEXTHOP_ADJACENCY:
		index = slot.nexthop.arg;
		break;
	case NEXTHOP_CONNECTED:
		ret->oif = slot.nexthop.arg;
		index = datapath_neighbour(d->datapath,
					   (struct neighbour_key){ .addr = query->dst,
								   .ifindex = ret->oif });
		if (!index)
			return datapath_control_flags(d->datapath) & CONTROL_NEIGHBOURS_FULL
				       ? VERDICT_table_full
				       : VERDICT_no_neighbour;
		break;
	default:
		return VERDICT_stale;
	}
	adjacency = datapath_adjacency(d->datapath, index);
	if (!adjacency.target.port)
		return VERDICT_no_neighbour;
	memcpy(ret->mac, adjacency.target.mac, sizeof(ret->mac));
	ret->has_mac = true;
	ret->oif = fib_ifindex_of(d->fib, adjacency.target.port);
	if (slot.nexthop.mtu && (!ret->mtu || slot.nexthop.mtu < ret->mtu))
		ret->mtu = slot.nexthop.mtu;
	index = datapath_port(d->datapath, adjacency.target.port).mtu;
	if (!ret->mtu || index < ret->mtu)
		ret->mtu = index;
	return explain_egress(d, adjacency.target.port, query->iif);
}

enum verdict explain_slot(const struct daemon *d, uint32_t slot)
{
	union nexthop_word word = datapath_nexthop(d->datapath, slot);
	struct explain_query none = { 0 };
	struct explained ignored = { 0 };

	if (slot >= LEAF_FIRST_SLOT && word.nexthop.kind == NEXTHOP_CONNECTED) {
		uint16_t port = fib_port_of(d->fib, word.nexthop.arg);

		return explain_egress(d, port, NULL);
	}
	return follow_slot(d, slot, &none, &ignored);
}

/* What the mirror knows of the way out, for the parts that no map holds. */
static void describe(const struct daemon *d, const struct resolved_route *route,
		     struct explained *ret)
{
	struct resolved_nexthop nexthop;

	if (!route->nexthop)
		return;
	resolve_nexthop(d->mirror, mirror_nexthop(d->mirror, route->nexthop), &nexthop);
	if (nexthop.kind != RESOLVED_GATEWAY && nexthop.kind != RESOLVED_CONNECTED)
		return;
	ret->gateway = nexthop.leg.gateway;
	if (!ret->oif)
		ret->oif = nexthop.leg.oif;
}

void explain_packet(const struct daemon *d, const struct explain_query *query,
		    struct explained *ret)
{
	struct resolved_route route;
	const struct rib_entry *entry = resolve_lookup(d->mirror, ntohl(query->dst), &route);
	uint32_t hold = datapath_control_hold(d->datapath);
	enum verdict verdict, path;

	memset(ret, 0, sizeof(*ret));
	ret->leaf = datapath_lookup(d->datapath, query->dst);
	path = follow_slot(d, ret->leaf, query, ret);
	if (entry) {
		ret->has_prefix = true;
		ret->prefix = rib_prefix(entry);
		describe(d, &route, ret);
	}
	if (hold)
		verdict = hold;
	else if (!datapath_lease_valid(d->datapath))
		verdict = VERDICT_stale;
	else
		verdict = query->iif ? explain_ingress(d, query->iif) : VERDICT_forwarded;
	if (verdict == VERDICT_forwarded || verdict == VERDICT_rp_filter) {
		enum verdict addresses = check_addresses(d, query);

		if (addresses != VERDICT_forwarded)
			verdict = addresses;
	}
	if (verdict == VERDICT_forwarded && query->src &&
	    (datapath_control_flags(d->datapath) & CONTROL_CHECK_SOURCE) &&
	    !is_routed_unicast(d, query->src))
		verdict = VERDICT_martian;
	if (verdict == VERDICT_forwarded)
		verdict = path;
	if ((verdict == VERDICT_forwarded || verdict == VERDICT_dropped) &&
	    (datapath_control_flags(d->datapath) & CONTROL_OBSERVE))
		verdict = VERDICT_observe;
	ret->verdict = verdict;
}
