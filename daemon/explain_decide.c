// SPDX-License-Identifier: GPL-2.0-only
/*
 * bpf/decide.h, compiled for the daemon: what `get` says is what the program does, since it is the same
 * code over the same maps. This file does what router_xdp() does around it, but for all writing.
 */
#include "explain_decide.h"

#include <time.h>
#include "explain_host.h"
#include "bpf/decide.h" /* after what it finds in place of the kernel */

#define SOURCE_FLAGS (PORT_RP_FILTER | PORT_RP_LOOSE)

static uint64_t now_coarse(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

/* No address is our own, nor does any port or table ask where the source is routed. */
static void accept_sources(void)
{
	memset(control.own_filter, 0, sizeof(control.own_filter));
	control.flags &= ~CONTROL_CHECK_SOURCE;
	for (uint32_t i = 0; i <= PORT_ANY; i++)
		port_copies[i].flags &= ~SOURCE_FLAGS;
}

static uint32_t port_of(const struct datapath *dp, uint32_t ifindex)
{
	if (!ifindex)
		return PORT_ANY;
	return ifindex < IFINDEX_LIMIT
		       ? SHARED_READ(((uint64_t *)dp->port_of_ifindex.memory)[ifindex])
		       : 0;
}

/* As router_xdp() goes on: redirected to a device that is still there. */
static enum verdict finish(enum verdict verdict, const struct way *way)
{
	uint32_t port = way->hop.target.port;

	if (verdict == VERDICT_forwarded && !bpf_map_lookup_elem(&tx_ports, &port))
		return VERDICT_egress_down;
	return verdict;
}

void explain_decide(const struct datapath *dp, const struct decide_query *query,
		    struct decided *ret)
{
	struct frame frame = {
		.data = (void *)query->frame,
		.data_end = (char *)query->frame + (query->first ? query->first : query->len),
		.len = query->len,
		.port = port_of(dp, query->ifindex),
	};
	struct packet packet = { 0 };
	struct way way = { 0 };
	enum verdict verdict;

	host_enter(dp);
	if (query->any_source)
		accept_sources();
	if (query->generic)
		port_copies[PORT_ANY].flags |= PORT_IN_GENERIC;
	verdict = observe(decide(&frame, now_coarse(), &packet, &way));
	*ret = (struct decided){
		.verdict = finish(verdict, &way),
		.has_packet = packet.tot_len,
		.src = packet.src,
		.dst = packet.dst,
		.slot = way.slot,
		.mtu = way.mtu,
		.hop = way.hop,
	};
}

/* ---- parts of it, for those who show tables -------------------------------------------- */

enum verdict decide_ingress(const struct datapath *dp, uint16_t port)
{
	enum verdict verdict;

	host_enter(dp);
	verdict = control_check(now_coarse());
	if (verdict != VERDICT_forwarded)
		return verdict;
	return port_copies[port].flags & PORT_FORWARDING ? VERDICT_forwarded
							 : VERDICT_forwarding_off;
}

/* With the datapath entered. */
static enum verdict egress_of(uint16_t port, bool generic)
{
	const struct ingress ingress = { .port = PORT_ANY,
					 .word.flags = generic ? PORT_IN_GENERIC : 0 };
	const struct packet packet = { 0 };
	const struct frame frame = { .port = PORT_ANY };
	struct way way = { .hop.target.port = port };

	return egress_check(&frame, &packet, &ingress, &way);
}

enum verdict decide_egress(const struct datapath *dp, uint16_t port, bool generic)
{
	host_enter(dp);
	return egress_of(port, generic);
}

enum verdict decide_slot(const struct datapath *dp, uint32_t slot, bool generic)
{
	union nexthop_word hop;
	struct way way = { 0 };
	enum verdict verdict;

	host_enter(dp);
	hop = nexthop_read(slot);
	if (hop.nexthop.kind == NEXTHOP_GROUP) {
		slot = group_choose(hop.nexthop.arg, 0);
		if (slot < LEAF_FIRST_SLOT)
			return verdict_of(slot);
		hop = nexthop_read(slot);
	}
	switch (hop.nexthop.kind) {
	case NEXTHOP_VERDICT:
		return verdict_of(hop.nexthop.verdict);
	case NEXTHOP_CONNECTED:
		return egress_of(port_of(dp, hop.nexthop.arg), generic);
	case NEXTHOP_ADJACENCY:
		verdict = adjacency_read(hop.nexthop.arg, &way);
		return verdict == VERDICT_forwarded ? egress_of(way.hop.target.port, generic)
						    : verdict;
	default:
		return VERDICT_stale;
	}
}
