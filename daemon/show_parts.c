// SPDX-License-Identifier: GPL-2.0-only
/* Pieces of JSON rows that several commands share, with the keys and names of iproute2. */
#include "show.h"

#include <linux/rtnetlink.h>
#include "user_text.h"

const char *verdict_name(uint32_t verdict)
{
	static const char *const names[] = {
#define X(name, meaning) #name,
		VERDICTS(X)
#undef X
	};

	return verdict < VERDICT_COUNT ? names[verdict] : "unknown";
}

void put_verdict(json_t *row, enum verdict verdict)
{
	bool fallback = verdict >= VERDICT_FIRST_REASON;

	json_object_set_new(row, "verdict",
			    json_string(fallback		     ? "fallback"
					: verdict == VERDICT_dropped ? "drop"
								     : "forward"));
	json_object_set_new(row, "reason",
			    fallback ? json_string(verdict_name(verdict)) : json_null());
}

json_t *fastpath_object(enum verdict verdict)
{
	json_t *row = json_object();

	put_verdict(row, verdict);
	return row;
}

json_t *counter_object(const struct counter *counter)
{
	return json_pack("{sIsI}", "packets", (json_int_t)counter->packets, "bytes",
			 (json_int_t)counter->bytes);
}

void put_string(json_t *row, const char *key, const char *value)
{
	if (value[0])
		json_object_set_new(row, key, json_string(value));
}

json_t *name_string(const struct mirror_link *link)
{
	char name[sizeof(link->e.name)];

	snprintf(name, sizeof(name), "%s", link->e.name);
	user_make_text(name);
	return json_string(name);
}

void put_device(const struct daemon *d, json_t *row, const char *key, uint32_t ifindex)
{
	const struct mirror_link *link = mirror_link(d->mirror, ifindex);
	char number[16];

	if (link) {
		json_object_set_new(row, key, name_string(link));
	} else if (ifindex) {
		snprintf(number, sizeof(number), "if%u", ifindex);
		json_object_set_new(row, key, json_string(number));
	}
}

void put_gateway(json_t *row, const struct addr *gateway)
{
	char text[INET6_ADDRSTRLEN];

	if (!gateway->family)
		return;
	if (gateway->family == AF_PACKET) {
		json_object_set_new(row, "lladdr", mac_string(gateway->v6));
		return;
	}
	addr_format(gateway, text);
	if (gateway->family == AF_INET)
		json_object_set_new(row, "gateway", json_string(text));
	else
		json_object_set_new(row, "via",
				    json_pack("{ssss}", "family", "inet6", "host", text));
}

json_t *mac_string(const uint8_t mac[6])
{
	return json_sprintf("%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4],
			    mac[5]);
}

/* ---- names --------------------------------------------------------------------------- */

static const char *number_name(uint32_t number, char *buf)
{
	snprintf(buf, 16, "%u", number);
	return buf;
}

const char *protocol_name(uint8_t protocol, char *buf)
{
	static const char *const names[256] = {
		[RTPROT_UNSPEC] = "unspec",
		[RTPROT_REDIRECT] = "redirect",
		[RTPROT_KERNEL] = "kernel",
		[RTPROT_BOOT] = "boot",
		[RTPROT_STATIC] = "static",
		[RTPROT_GATED] = "gated",
		[RTPROT_RA] = "ra",
		[RTPROT_MRT] = "mrt",
		[RTPROT_ZEBRA] = "zebra",
		[RTPROT_BIRD] = "bird",
		[RTPROT_DNROUTED] = "dnrouted",
		[RTPROT_XORP] = "xorp",
		[RTPROT_NTK] = "ntk",
		[RTPROT_DHCP] = "dhcp",
		[RTPROT_KEEPALIVED] = "keepalived",
		[RTPROT_BABEL] = "babel",
		[RTPROT_BGP] = "bgp",
		[RTPROT_ISIS] = "isis",
		[RTPROT_OSPF] = "ospf",
		[RTPROT_RIP] = "rip",
		[RTPROT_EIGRP] = "eigrp",
	};

	return names[protocol] ? names[protocol] : number_name(protocol, buf);
}

const char *table_name(uint32_t table, char *buf)
{
	switch (table) {
	case RT_TABLE_LOCAL:
		return "local";
	case RT_TABLE_MAIN:
		return "main";
	case RT_TABLE_DEFAULT:
		return "default";
	default:
		return number_name(table, buf);
	}
}

const char *scope_name(uint8_t scope, char *buf)
{
	switch (scope) {
	case RT_SCOPE_UNIVERSE:
		return "global";
	case RT_SCOPE_SITE:
		return "site";
	case RT_SCOPE_LINK:
		return "link";
	case RT_SCOPE_HOST:
		return "host";
	case RT_SCOPE_NOWHERE:
		return "nowhere";
	default:
		return number_name(scope, buf);
	}
}

const char *type_name(uint8_t type, char *buf)
{
	static const char *const names[] = {
		[RTN_UNSPEC] = "none",
		[RTN_UNICAST] = "unicast",
		[RTN_LOCAL] = "local",
		[RTN_BROADCAST] = "broadcast",
		[RTN_ANYCAST] = "anycast",
		[RTN_MULTICAST] = "multicast",
		[RTN_BLACKHOLE] = "blackhole",
		[RTN_UNREACHABLE] = "unreachable",
		[RTN_PROHIBIT] = "prohibit",
		[RTN_THROW] = "throw",
		[RTN_NAT] = "nat",
		[RTN_XRESOLVE] = "xresolve",
	};

	return type < sizeof(names) / sizeof(names[0]) ? names[type] : number_name(type, buf);
}

json_t *leg_object(const struct daemon *d, const struct event_leg *leg)
{
	json_t *row = json_object(), *flags = json_array();

	put_gateway(row, &leg->gateway);
	put_device(d, row, "dev", leg->oif);
	json_object_set_new(row, "weight", json_integer(leg->weight));
	if (leg->flags & RTNH_F_DEAD)
		json_array_append_new(flags, json_string("dead"));
	if (leg->flags & RTNH_F_ONLINK)
		json_array_append_new(flags, json_string("onlink"));
	if (leg->flags & RTNH_F_LINKDOWN)
		json_array_append_new(flags, json_string("linkdown"));
	json_object_set_new(row, "flags", flags);
	return row;
}
