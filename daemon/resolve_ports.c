// SPDX-License-Identifier: GPL-2.0-only
/*
 * Neighbours and ports: which of them can carry traffic, and what a port is to the programs.
 *
 * A device above another one may take frames away from it before IP sees them (an rx handler of the
 * kernel). Those in other namespaces are not known.
 */
#include "resolve.h"

#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <net/if_arp.h>

#ifndef IFF_LOWER_UP
#define IFF_LOWER_UP 0x10000
#endif

enum {
	XDP_FEATURE_NDO_XMIT = 1 << 2, /* NETDEV_XDP_ACT_NDO_XMIT of linux/netdev.h, 6.3 */
};

static bool is_mac_unicast(const uint8_t mac[6])
{
	static const uint8_t zero[6];

	return !(mac[0] & 1) && memcmp(mac, zero, sizeof(zero)) != 0;
}

bool resolve_neighbour_valid(const struct mirror_neighbour *n)
{
	const uint16_t valid = NUD_PERMANENT | NUD_NOARP | NUD_REACHABLE | NUD_PROBE | NUD_STALE |
			       NUD_DELAY;

	return n->e.state & valid && n->e.mac_len == 6 && is_mac_unicast(n->e.mac);
}

bool resolve_can_be_port(const struct mirror_link *link)
{
	static const uint8_t zero[6];

	return link->e.type == ARPHRD_ETHER && !(link->e.flags & IFF_LOOPBACK) &&
	       link->e.mac_len == 6 && memcmp(link->e.mac, zero, sizeof(zero)) != 0 &&
	       link->e.ifindex && link->e.ifindex < IFINDEX_LIMIT;
}

static bool is_kind(const struct mirror_link *link, const char *kind)
{
	return strncmp(link->e.kind, kind, sizeof(link->e.kind)) == 0;
}

/* Frames of its own MAC address and no others, for the IP of this namespace. */
bool resolve_is_upper(const struct mirror_link *link, const struct mirror_link *lower)
{
	uint32_t mode = link->e.macvlan_mode;

	return link->e.lower == lower->e.ifindex && is_kind(link, "macvlan") &&
	       (mode == MACVLAN_MODE_PRIVATE || mode == MACVLAN_MODE_VEPA ||
		mode == MACVLAN_MODE_BRIDGE) &&
	       link->e.flags & IFF_UP && resolve_can_be_port(link) && is_mac_unicast(link->e.mac) &&
	       memcmp(link->e.mac, lower->e.mac, sizeof(link->e.mac)) != 0;
}

const struct mirror_link *resolve_next_upper(const struct mirror *mirror,
					     const struct mirror_link *lower,
					     const struct mirror_link *after)
{
	const struct mirror_link *link =
		mirror_next_upper(mirror, lower->e.ifindex, after ? after->e.ifindex : 0);

	while (link && !resolve_is_upper(link, lower))
		link = mirror_next_upper(mirror, lower->e.ifindex, link->e.ifindex);
	return link;
}

/* Does it take frames that are for the lower device's own MAC address, or copies of them? */
static bool takes_frames(const struct mirror_link *link, const struct mirror_link *lower)
{
	uint32_t mode = link->e.macvlan_mode;

	if (is_kind(link, "ipvlan") || is_kind(link, "ipvtap") || is_kind(link, "macsec"))
		return true;
	if (!is_kind(link, "macvlan") && !is_kind(link, "macvtap"))
		return false;
	return (mode != MACVLAN_MODE_PRIVATE && mode != MACVLAN_MODE_VEPA &&
		mode != MACVLAN_MODE_BRIDGE) ||
	       memcmp(link->e.mac, lower->e.mac, sizeof(link->e.mac)) == 0;
}

static bool loses_frames(const struct mirror *mirror, const struct mirror_link *lower)
{
	const struct mirror_link *link = mirror_next_upper(mirror, lower->e.ifindex, 0);

	while (link && !takes_frames(link, lower))
		link = mirror_next_upper(mirror, lower->e.ifindex, link->e.ifindex);
	return link != NULL;
}

/* The effective value is the greater one, 0: off, 1: strict, 2: loose; -1, unknown: take it as strict. */
static uint16_t reverse_path_flags(const struct mirror *mirror, const struct mirror_link *link)
{
	int32_t all = mirror_netconf_all(mirror)->rp_filter, own = link->rp_filter;

	if (all == 0 && own == 0)
		return 0;
	return all >= 0 && own >= 0 && (all >= 2 || own >= 2) ? PORT_RP_FILTER | PORT_RP_LOOSE
							      : PORT_RP_FILTER;
}

static uint16_t ingress_flags(const struct mirror *mirror, const struct mirror_link *link)
{
	uint16_t flags = reverse_path_flags(mirror, link);
	bool receives = !link->e.master && !loses_frames(mirror, link);

	if (link->forwarding > 0 && receives)
		flags |= PORT_FORWARDING;
	if (link->send_redirects)
		flags |= PORT_SEND_REDIRECTS;
	if (mirror_has_address(mirror, link->e.ifindex))
		flags |= PORT_HAS_ADDRESS;
	if (link->accept_local)
		flags |= PORT_ACCEPT_LOCAL;
	/* Source mode looks at a frame before its destination: macvlan_handle_frame(). */
	if (receives && resolve_next_upper(mirror, link, NULL))
		flags |= PORT_HAS_MACS;
	if (link->hook == HOOK_XDP_GENERIC)
		flags |= PORT_IN_GENERIC;
	if (link->hook == HOOK_TC)
		flags |= PORT_IN_TC;
	return flags;
}

bool resolve_is_up(const struct event_link *link)
{
	return link->flags & IFF_UP && link->flags & IFF_LOWER_UP;
}

bool resolve_sends_for_xdp(const struct mirror_link *link)
{
	return link->features_known ? link->xdp_features & XDP_FEATURE_NDO_XMIT
				    : link->hook == HOOK_XDP;
}

static uint16_t egress_flags(const struct mirror_link *link)
{
	uint16_t flags = PORT_XMIT_GENERIC;

	if (resolve_is_up(&link->e) && !link->stopped)
		flags |= PORT_UP;
	if (resolve_sends_for_xdp(link) && !link->refuses)
		flags |= PORT_XMIT_NATIVE;
	return flags;
}

bool resolve_port(const struct mirror *mirror, const struct mirror_link *link, struct port *ret)
{
	if (!resolve_can_be_port(link))
		return false;
	*ret = (struct port){
		.ifindex = link->e.ifindex,
		.mtu = link->e.mtu,
		.flags = ingress_flags(mirror, link) | egress_flags(link),
	};
	memcpy(ret->mac, link->e.mac, sizeof(ret->mac));
	return true;
}
