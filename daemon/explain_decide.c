// SPDX-License-Identifier: GPL-2.0-only
/*
 * bpf/decide.h and bpf/user_drop.h, compiled for the daemon: what `get` says is what the program does, since it is the same
 * code over the same maps. This file does what both programs do around it, but for all writing.
 */
#include "explain_decide.h"

#include "clock.h"
#include "explain_host.h"
#include "bpf/user_drop.h" /* after what it finds in place of the kernel */

#define SOURCE_FLAGS (PORT_RP_FILTER | PORT_RP_LOOSE)

static uint64_t now_coarse(void)
{
	return clock_ns(CLOCK_MONOTONIC_COARSE);
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
		return dp->options.ports; /* PORT_ANY, once it is entered */
	return ifindex < IFINDEX_LIMIT
		       ? SHARED_READ(((uint64_t *)dp->port_of_ifindex.memory)[ifindex])
		       : 0;
}

/* As the programs go on: redirected to a device, or handed to a CPU, that is still there. */
static enum verdict finish(enum verdict verdict, const struct frame *frame,
			   const struct packet *packet, const struct way *way, uint32_t *ret_cpu)
{
	uint32_t port = way->hop.target.port;
	struct host_map *devices = frame->skb ? &tc_ports : &tx_ports;

	if (verdict == VERDICT_cpu)
		verdict = frame->skb ? VERDICT_user_pass
				     : cpu_choose(frame, packet, way->slot, ret_cpu);
	if (verdict == VERDICT_cpu && !bpf_map_lookup_elem(&cpus, ret_cpu))
		return VERDICT_user_pass;
	if (verdict != VERDICT_forwarded)
		return verdict;
	if (!bpf_map_lookup_elem(devices, &port))
		return VERDICT_egress_down;
	if (frame->gso_size && !way_is_unchanged(way) && frame->len != ETH_HLEN + packet->tot_len)
		return VERDICT_malformed;
	return VERDICT_forwarded;
}

void explain_decide(const struct datapath *dp, const struct decide_query *query,
		    struct decided *ret)
{
	struct frame frame = {
		.data = (void *)query->frame,
		.data_end = (char *)query->frame + (query->first ? query->first : query->len),
		.len = query->len,
		.port = port_of(dp, query->ifindex),
		.tagged = query->tagged,
		.marked = query->marked,
		.gso_size = query->gso_size,
	};
	struct packet packet = { 0 };
	struct way way = { 0 };
	uint64_t now = now_coarse();
	enum verdict verdict;
	uint32_t cpu = 0;
	struct port *in;

	host_enter(dp);
	if (query->any_source)
		accept_sources();
	in = &port_copies[frame.port < PORT_ANY ? frame.port : PORT_ANY];
	in->flags |= query->hook;
	frame.skb = in->flags & PORT_IN_TC;
	verdict = decide(&frame, now, &packet, &way);
	if (may_be_user_drop(verdict))
		verdict = user_drop(&frame, now, verdict, &way.slot);
	verdict = observe(verdict);
	verdict = finish(verdict, &frame, &packet, &way, &cpu);
	*ret = (struct decided){
		.verdict = verdict,
		.has_packet = packet.tot_len,
		.src = packet.src,
		.dst = packet.dst,
		.slot = way.slot,
		.unchanged = verdict == VERDICT_forwarded && way_is_unchanged(&way),
		.cpu = cpu,
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
static enum verdict egress_of(uint16_t port, uint16_t hook)
{
	const struct ingress ingress = { .port = PORT_ANY, .word.flags = hook };
	const struct packet packet = { 0 };
	static const char header[ETH_HLEN]; /* a short frame, in one buffer */
	const struct frame frame = { .data = (void *)header,
				     .data_end = (void *)(header + sizeof(header)),
				     .len = sizeof(header),
				     .port = PORT_ANY,
				     .skb = hook & PORT_IN_TC };
	struct way way = { .hop.target.port = port };

	return egress_check(&frame, &packet, &ingress, &way);
}

enum verdict decide_egress(const struct datapath *dp, uint16_t port, uint16_t hook)
{
	host_enter(dp);
	return egress_of(port, hook);
}

/* Can one of the CPUs be handed packets? With the datapath entered. */
static bool any_cpu_in(struct nexthop hop)
{
	uint32_t first = hop.arg & 0xffff, n = hop.arg >> 16;

	for (uint32_t cpu = first; cpu < first + n; cpu++)
		if (bpf_map_lookup_elem(&cpus, &cpu))
			return true;
	return false;
}

/* With the datapath entered; no hold yet. */
static enum verdict slot_of(const struct datapath *dp, uint32_t slot, uint16_t hook)
{
	union nexthop_word hop = nexthop_read(slot);
	struct way way = { 0 };
	enum verdict verdict;

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
		return egress_of(port_of(dp, hop.nexthop.arg), hook);
	case NEXTHOP_REDIRECT:
		return egress_of(hop.nexthop.arg, hook);
	case NEXTHOP_CPU:
		return hook & PORT_IN_TC || !any_cpu_in(hop.nexthop) ? VERDICT_user_pass
								     : VERDICT_cpu;
	case NEXTHOP_ADJACENCY:
		verdict = adjacency_read(hop.nexthop.arg, &way);
		return verdict == VERDICT_forwarded ? egress_of(way.hop.target.port, hook)
						    : verdict;
	default:
		return VERDICT_stale;
	}
}

void decide_enter(const struct datapath *dp)
{
	host_enter(dp);
}

enum verdict decide_leaf(const struct datapath *dp, uint32_t leaf, uint16_t hook)
{
	return leaf < LEAF_FIRST_SLOT ? verdict_of(leaf) : slot_of(dp, leaf, hook);
}

enum verdict decide_hold(uint32_t leaf, enum verdict verdict)
{
	enum verdict hold = control_check(now_coarse());

	if (hold == VERDICT_forwarded || (hold_spares_drops(hold) && leaf_is_user_drop(leaf)))
		return verdict;
	return hold;
}
