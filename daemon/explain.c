// SPDX-License-Identifier: GPL-2.0-only
/* From a question to a frame, and from the decision about it to an answer in the kernel's names. */
#include "explain.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <stdlib.h>
#include "explain_decide.h"
#include "resolve.h"

/* A source that no rule is likely to name, and that may appear on a wire (240.0.0.0/4 is unicast). */
#define ANY_SOURCE htonl(0xf0000001)

/* ---- the frame ----------------------------------------------------------------------- */

bool explain_has_ports(uint32_t protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_DCCP ||
	       protocol == IPPROTO_SCTP || protocol == IPPROTO_UDPLITE;
}

/* The interface that the frames come in by: of a macvlan device the one below. */
static const struct mirror_link *wire_of(const struct daemon *d, const struct mirror_link *link)
{
	const struct mirror_link *lower;

	if (link->hook != HOOK_NONE || !link->e.macvlan_mode || !link->e.lower)
		return link;
	lower = mirror_link(d->mirror, link->e.lower);
	return lower ? lower : link;
}

bool explain_is_ingress(const struct daemon *d, const struct mirror_link *link)
{
	return wire_of(d, link)->hook != HOOK_NONE;
}

/* One's complement sum over the header as the kernel writes it. */
static uint16_t header_checksum(const uint8_t *header)
{
	uint32_t sum = 0;

	for (int i = 0; i < 20; i += 2)
		sum += header[i] << 8 | header[i + 1];
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

static uint8_t *make_frame(const struct daemon *d, const struct explain_query *query)
{
	const struct explain_query *q = query;
	uint16_t ports[2] = { htons(q->sport), htons(q->dport) };
	struct iphdr ip = {
		.version = 4,
		.ihl = 5,
		.tos = q->tos,
		.tot_len = htons(q->size),
		.ttl = q->ttl,
		.protocol = q->protocol,
		.saddr = q->src ? q->src : ANY_SOURCE,
		.daddr = q->dst,
	};
	struct ethhdr eth = { .h_proto = htons(ETH_P_IP) };
	uint8_t *frame = calloc(1, sizeof(eth) + q->size);

	if (!frame)
		return NULL;
	if (q->mac)
		memcpy(eth.h_dest, q->mac, ETH_ALEN);
	else if (q->iif && wire_of(d, q->iif) != q->iif)
		memcpy(eth.h_dest, q->iif->e.mac, ETH_ALEN);
	else if (q->iif)
		/* As the port has it: whether that is right is not the question. */
		memcpy(eth.h_dest,
		       datapath_port(d->datapath, fib_port_of(d->fib, q->iif->e.ifindex)).mac,
		       ETH_ALEN);
	memcpy(frame, &eth, sizeof(eth));
	memcpy(frame + sizeof(eth), &ip, sizeof(ip));
	ip.check = htons(header_checksum(frame + sizeof(eth)));
	memcpy(frame + sizeof(eth), &ip, sizeof(ip));
	if (q->size >= sizeof(ip) + sizeof(ports))
		memcpy(frame + sizeof(eth) + sizeof(ip), ports, sizeof(ports));
	return frame;
}

/* ---- the answer ---------------------------------------------------------------------- */

/* Of a group: the leg whose adjacency, or device, the chosen slot has. */
static void describe_leg(const struct daemon *d, const struct mirror_nexthop *nexthop,
			 uint32_t slot, struct explained *ret)
{
	struct resolved_member members[EVENT_LEGS_MAX];
	union nexthop_word word = datapath_nexthop(d->datapath, slot);
	enum verdict ignored;
	unsigned int n = resolve_group(d->mirror, nexthop, members, &ignored);

	for (unsigned int i = 0; i < n; i++) {
		const struct event_leg *leg = &members[i].leg;

		if (members[i].verdict)
			continue;
		if (word.nexthop.kind == NEXTHOP_CONNECTED
			    ? leg->gateway.family || leg->oif != word.nexthop.arg
			    : !leg->gateway.family ||
				      fib_adjacency_of(d->fib, leg->oif, &leg->gateway) !=
					      word.nexthop.arg)
			continue;
		if (leg->gateway.family != AF_PACKET)
			ret->gateway = leg->gateway;
		ret->oif = leg->oif;
		return;
	}
}

/* The way out, as far as the decision got, and beyond that as far as the mirror knows it. */
static void describe_way(const struct daemon *d, const struct resolved_route *route,
			 const struct decided *decided, struct explained *ret)
{
	const struct mirror_nexthop *nexthop;
	struct resolved_nexthop resolved;
	union adjacency_word hop = decided->hop;
	uint32_t mtu;

	if (!route->nexthop)
		return;
	nexthop = mirror_nexthop(d->mirror, route->nexthop);
	resolve_nexthop(d->mirror, nexthop, &resolved);
	ret->mtu = decided->slot ? decided->mtu : nexthop->mtu;
	if (resolved.kind == RESOLVED_GROUP) {
		ret->multipath = true;
		if (decided->slot)
			describe_leg(d, nexthop, decided->slot, ret);
	} else if (resolved.kind == RESOLVED_GATEWAY || resolved.kind == RESOLVED_CONNECTED) {
		struct addr next = resolved.leg.gateway;

		ret->gateway = next;
		ret->oif = resolved.leg.oif;
		if (!next.family)
			next = addr_v4(ret->dst);
		/* A MAC address that a user route gives: the gateway is not known here. */
		if (next.family == AF_PACKET)
			ret->gateway = (struct addr){ .family = 0 };
		if (!decided->slot)
			hop = datapath_adjacency(d->datapath,
						 fib_adjacency_of(d->fib, ret->oif, &next));
	}
	if (resolved.kind == RESOLVED_REDIRECT) {
		ret->oif = resolved.leg.oif;
	} else if (hop.target.port) {
		ret->oif = fib_ifindex_of(d->fib, hop.target.port);
		memcpy(ret->mac, hop.target.mac, sizeof(ret->mac));
		ret->has_mac = true;
	}
	mtu = datapath_port(d->datapath, fib_port_of(d->fib, ret->oif)).mtu;
	if (mtu && (!ret->mtu || mtu < ret->mtu))
		ret->mtu = mtu;
}

/* The device that the kernel takes the frame to come in by: the macvlan device whose address it bears. */
static uint32_t ingress_of(const struct daemon *d, const struct mirror_link *wire,
			   const uint8_t *frame)
{
	const struct mirror_link *upper = NULL;

	if (!wire)
		return 0;
	while (memcmp(frame, wire->e.mac, ETH_ALEN) != 0 &&
	       (upper = resolve_next_upper(d->mirror, wire, upper)))
		if (memcmp(frame, upper->e.mac, ETH_ALEN) == 0)
			return upper->e.ifindex;
	return wire->e.ifindex;
}

/* What rules look at, of a frame in which the decision found a packet. */
static struct resolved_query rule_query(const struct daemon *d, const struct mirror_link *wire,
					const uint8_t *frame, size_t len)
{
	struct resolved_query query = { .iif = ingress_of(d, wire, frame) };
	const uint8_t *transport = frame + ETH_HLEN + sizeof(struct iphdr);
	struct iphdr ip;
	uint16_t ports[2];

	memcpy(&ip, frame + ETH_HLEN, sizeof(ip));
	query.dst = ntohl(ip.daddr);
	query.src = ntohl(ip.saddr);
	query.tos = ip.tos;
	query.protocol = ip.protocol;
	query.has_ports = explain_has_ports(ip.protocol) && !(ip.frag_off & htons(0x3fff)) &&
			  ntohs(ip.tot_len) >= sizeof(ip) + sizeof(ports) &&
			  len >= ETH_HLEN + sizeof(ip) + sizeof(ports);
	if (query.has_ports) {
		memcpy(ports, transport, sizeof(ports));
		query.sport = ntohs(ports[0]);
		query.dport = ntohs(ports[1]);
	}
	return query;
}

/* The route that the kernel's look-up for this packet finds. */
static void describe_route(const struct daemon *d, const struct resolved_query *query,
			   const struct decided *decided, struct explained *ret)
{
	struct resolved_route route;
	const struct rib_entry *entry = resolve_query(d->mirror, query, &route);

	ret->leaf = datapath_lookup(d->datapath, ret->dst);
	if (!entry)
		return;
	ret->has_prefix = true;
	ret->prefix = rib_prefix(entry);
	ret->table = route.candidate ? route.candidate->table : 0;
	ret->user = route.user != NULL;
	describe_way(d, &route, decided, ret);
}

/* How packets come in that may come in anywhere: by the hook in force that asks the most of an egress. */
static uint16_t any_hook(const struct daemon *d)
{
	const struct mirror_link *link;
	bool generic = false, tc = false;

	for (link = mirror_next_link(d->mirror, 0); link;
	     link = mirror_next_link(d->mirror, link->e.ifindex)) {
		if (link->hook == HOOK_XDP)
			return 0;
		generic |= link->hook == HOOK_XDP_GENERIC;
		tc |= link->hook == HOOK_TC;
	}
	return generic ? PORT_IN_GENERIC : tc ? PORT_IN_TC : 0;
}

/* Would the source matter, of packets into that link? */
static bool checks_sources(const struct daemon *d, const struct mirror_link *link)
{
	struct port port = datapath_port(d->datapath, fib_port_of(d->fib, link->e.ifindex));

	return port.flags & PORT_RP_FILTER ||
	       datapath_control_flags(d->datapath) & CONTROL_CHECK_SOURCE;
}

int explain_packet(const struct daemon *d, const struct explain_query *query, struct explained *ret)
{
	const struct mirror_link *wire = query->iif ? wire_of(d, query->iif) : NULL;
	size_t len = query->frame ? query->frame_len : ETH_HLEN + query->size;
	uint8_t *frame = query->frame ? malloc(len) : make_frame(d, query);
	struct decide_query question = {
		.frame = frame,
		.len = len,
		.ifindex = wire ? wire->e.ifindex : 0,
		.any_source = !query->frame && !query->src,
		.hook = wire ? 0 : any_hook(d),
	};
	struct resolved_query rules;
	struct decided decided;

	if (!frame)
		return -ENOMEM;
	if (query->frame)
		memcpy(frame, query->frame, len);
	explain_decide(d->datapath, &question, &decided);
	memset(ret, 0, sizeof(*ret));
	ret->verdict = decided.verdict;
	ret->has_packet = !query->frame || decided.has_packet;
	ret->dst = query->frame ? decided.dst : query->dst;
	ret->src = query->frame ? decided.src : query->src;
	ret->any_source = question.any_source && query->iif && checks_sources(d, query->iif);
	if (ret->has_packet) {
		rules = rule_query(d, wire, frame, len);
		describe_route(d, &rules, &decided, ret);
	}
	free(frame);
	return 0;
}

/* ---- for the tables ------------------------------------------------------------------ */

enum verdict explain_ingress(const struct daemon *d, const struct mirror_link *link)
{
	uint16_t port = fib_port_of(d->fib, link->e.ifindex);

	return port && explain_is_ingress(d, link) ? decide_ingress(d->datapath, port)
						   : VERDICT_stale;
}

enum verdict explain_egress(const struct daemon *d, uint16_t port)
{
	return decide_egress(d->datapath, port, any_hook(d));
}

void explain_enter(const struct daemon *d, struct explain_view *ret)
{
	decide_enter(d->datapath);
	*ret = (struct explain_view){ .hook = any_hook(d) };
}

enum verdict explain_slot(const struct daemon *d, const struct explain_view *view, uint32_t slot)
{
	return decide_hold(slot, decide_leaf(d->datapath, slot, view->hook));
}

/* A group forwards where one of its members does. */
static enum verdict group_verdict(const struct daemon *d, const struct explain_view *view,
				  const uint32_t *leaves, unsigned int n)
{
	enum verdict verdict = decide_leaf(d->datapath, leaves[0], view->hook);

	for (unsigned int i = 1; i < n && verdict != VERDICT_forwarded; i++)
		if (decide_leaf(d->datapath, leaves[i], view->hook) == VERDICT_forwarded)
			verdict = VERDICT_forwarded;
	return verdict;
}

int explain_route(const struct daemon *d, const struct explain_view *view,
		  const struct rib_entry *entry, enum verdict *ret)
{
	const uint32_t *leaves;
	enum verdict verdict;
	unsigned int members;
	uint32_t slot;
	int err = fib_verdict(d->fib, entry, &verdict, &slot);

	if (err)
		return err;
	members = slot ? fib_slot_members(d->fib, slot, &leaves) : 0;
	if (members)
		verdict = group_verdict(d, view, leaves, members);
	else if (slot)
		verdict = decide_leaf(d->datapath, slot, view->hook);
	*ret = decide_hold(slot ? slot : verdict, verdict);
	return 0;
}
