// SPDX-License-Identifier: GPL-2.0-only
/* What the audit says in words: outcomes, devices, addresses. */
#include <stdarg.h>
#include "show.h"
#include "verify_internal.h"

struct words {
	char *buf;
	size_t len, size;
};

static void say(struct words *w, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void say(struct words *w, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(w->buf + w->len, w->size - w->len, format, args);
	va_end(args);
	if (n > 0)
		w->len += (size_t)n < w->size - w->len ? (size_t)n : w->size - w->len - 1;
}

const char *device_format(const struct mirror *mirror, uint32_t ifindex, char buf[IFNAMSIZ])
{
	const struct mirror_link *link = mirror_link(mirror, ifindex);

	if (link)
		snprintf(buf, IFNAMSIZ, "%s", link->e.name);
	else
		snprintf(buf, IFNAMSIZ, "if%u", ifindex);
	return buf;
}

const char *mac_format(const uint8_t mac[6], char buf[MAC_LEN])
{
	snprintf(buf, MAC_LEN, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3],
		 mac[4], mac[5]);
	return buf;
}

struct owner_search {
	const struct hop *hop;
	char text[INET6_ADDRSTRLEN];
};

static int is_owner(void *ctx, const struct mirror_neighbour *n)
{
	struct owner_search *search = ctx;

	if (n->e.ifindex != search->hop->ifindex || !resolve_neighbour_valid(n) ||
	    memcmp(n->e.mac, search->hop->mac, sizeof(n->e.mac)) != 0)
		return 0;
	addr_format(&n->e.addr, search->text);
	return n->e.addr.family == AF_INET;
}

static void say_hop(struct words *w, const struct mirror *mirror, const struct hop *hop)
{
	struct owner_search search = { .hop = hop };
	char device[IFNAMSIZ], mac[MAC_LEN];

	switch (hop->kind) {
	case HOP_NEIGHBOUR:
		mirror_walk_neighbours(mirror, is_owner, &search);
		say(w, "%s%s%sdev %s lladdr %s", search.text[0] ? "via " : "", search.text,
		    search.text[0] ? " " : "", device_format(mirror, hop->ifindex, device),
		    mac_format(hop->mac, mac));
		break;
	case HOP_CONNECTED:
		say(w, "connected dev %s", device_format(mirror, hop->ifindex, device));
		break;
	case HOP_REDIRECT:
		say(w, "redirected to %s", device_format(mirror, hop->ifindex, device));
		break;
	case HOP_CPU:
		say(w, "left to the kernel on CPU %u", hop->cpus & 0xffff);
		if (hop->cpus >> 16 > 1)
			say(w, "-%u", (hop->cpus & 0xffff) + (hop->cpus >> 16) - 1);
		break;
	case HOP_UNRESOLVED:
		say(w, "left to the kernel (no_neighbour)");
		break;
	default:
		if (hop->verdict == VERDICT_dropped)
			say(w, "dropped (blackhole)");
		else
			say(w, "left to the kernel (%s)", verdict_name(hop->verdict));
	}
	if (hop->mtu)
		say(w, " mtu %u", hop->mtu);
	if (hop->user)
		say(w, " by a user route");
}

const char *outcome_format(const struct mirror *mirror, const struct outcome *outcome,
			   char buf[OUTCOME_LEN])
{
	struct words w = { .buf = buf, .size = OUTCOME_LEN };

	buf[0] = '\0';
	if (outcome->group)
		say(&w, "multipath:");
	for (unsigned int i = 0; i < outcome->n; i++) {
		if (outcome->group)
			say(&w, "%s %u/%u ", i ? "," : "", outcome->hops[i].share, outcome->total);
		say_hop(&w, mirror, &outcome->hops[i]);
	}
	if (outcome->group && outcome->mtu)
		say(&w, ", mtu %u", outcome->mtu);
	return buf;
}

const char *reverse_format(const struct mirror *mirror, const struct reverse *reverse,
			   char buf[OUTCOME_LEN])
{
	struct words w = { .buf = buf, .size = OUTCOME_LEN };
	char device[IFNAMSIZ];

	say(&w, "%s", reverse->known ? "sources by" : "sources unknown");
	for (unsigned int i = 0; i < reverse->n; i++)
		say(&w, "%s%s", i ? "," : " ", device_format(mirror, reverse->ifindex[i], device));
	if (reverse->known && !reverse->n)
		say(&w, " no port");
	return buf;
}

/* ---- rows ------------------------------------------------------------------------------ */

void put_text(json_t *row, const char *key, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	json_object_set_new(row, key, json_string(text));
}

const char *address_format(uint32_t addr, char buf[INET_ADDRSTRLEN])
{
	__be32 wire = htonl(addr);

	return inet_ntop(AF_INET, &wire, buf, INET_ADDRSTRLEN);
}

const char *range_format(uint32_t first, uint32_t last, char buf[RANGE_LEN])
{
	char from[INET_ADDRSTRLEN], to[INET_ADDRSTRLEN];
	uint32_t host = first ^ last;

	if (first == last)
		return address_format(first, buf);
	/* The bits that differ are all those on the right: a prefix. */
	if ((host & (host + 1)) == 0 && (first & host) == 0)
		return prefix_format(prefix_make(first, __builtin_clz(host)), buf);
	snprintf(buf, RANGE_LEN, "%s-%s", address_format(first, from), address_format(last, to));
	return buf;
}
