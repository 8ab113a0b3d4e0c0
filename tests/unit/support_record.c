/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Writes events down as lines of text.
 */
#include "support_record.h"

static int format_route(const struct event_route *route, char *line, size_t size)
{
	char dst[PREFIX_STRLEN], gateway[INET6_ADDRSTRLEN];
	int len = snprintf(line, size, "route %s table %u metric %u nhid %u mtu %u type %u%s",
			   prefix_format(route->dst, dst), route->table, route->priority,
			   route->nhid, route->mtu, route->type,
			   route->unsupported ? " unsupported" : "");

	for (unsigned int i = 0; i < route->n_legs && (size_t)len < size; i++)
		len += snprintf(line + len, size - (size_t)len, " [%s oif %u weight %u]",
				addr_format(&route->legs[i].gateway, gateway), route->legs[i].oif,
				route->legs[i].weight);
	return len;
}

static int format_nexthop(const struct event_nexthop *nexthop, char *line, size_t size)
{
	char gateway[INET6_ADDRSTRLEN];
	int len = snprintf(line, size, "nexthop %u type %u via %s oif %u", nexthop->id,
			   nexthop->type, addr_format(&nexthop->leg.gateway, gateway),
			   nexthop->leg.oif);

	for (unsigned int i = 0; i < nexthop->n_members && (size_t)len < size; i++)
		len += snprintf(line + len, size - (size_t)len, " (%u,%u)", nexthop->members[i].id,
				nexthop->members[i].weight);
	return len;
}

static int format_rule(const struct event_rule *rule, char *line, size_t size)
{
	char src[PREFIX_STRLEN];

	return snprintf(line, size, "rule %u from %s mark %u/%u protocol %u table %u%s",
			rule->priority, prefix_format(rule->src, src), rule->fwmark, rule->fwmask,
			rule->protocol, rule->table, rule->other ? " other" : "");
}

static int format_event(const struct event *ev, char *line, size_t size)
{
	char text[INET6_ADDRSTRLEN];
	struct addr local;

	switch (ev->kind) {
	case EVENT_LINK:
		return snprintf(line, size, "link %u %s kind %s mtu %u", ev->link.ifindex,
				ev->link.name, ev->link.kind, ev->link.mtu);
	case EVENT_ADDRESS:
		local = addr_v4(ev->address.local);
		return snprintf(line, size, "address %s/%u dev %u", addr_format(&local, text),
				ev->address.prefix_len, ev->address.ifindex);
	case EVENT_NEIGHBOUR:
		return snprintf(line, size, "neighbour %s dev %u mac ..%02x state %#x",
				addr_format(&ev->neighbour.addr, text), ev->neighbour.ifindex,
				ev->neighbour.mac[5], ev->neighbour.state);
	case EVENT_NEXTHOP:
		return format_nexthop(&ev->nexthop, line, size);
	case EVENT_ROUTE:
		return format_route(&ev->route, line, size);
	case EVENT_RULE:
		return format_rule(&ev->rule, line, size);
	case EVENT_NETCONF:
		return snprintf(line, size, "netconf %d forwarding %d rp_filter %d",
				ev->netconf.ifindex, ev->netconf.forwarding, ev->netconf.rp_filter);
	default:
		return snprintf(line, size, "features %u", ev->features.ifindex);
	}
}

int record_event(void *ctx, const struct event *ev)
{
	static const char *const ops[] = { "+", "-", "" };
	struct record *record = ctx;
	char *line;

	if (record->n >= RECORD_LINES)
		return 0;
	line = record->lines[record->n++];
	line[0] = ops[ev->op][0];
	format_event(ev, line + !!line[0], sizeof(record->lines[0]) - 1);
	return (int)record->n == record->fail_at ? -ECANCELED : 0;
}

bool record_has(const struct record *record, const char *op, const char *wanted)
{
	size_t len = strlen(op);

	for (unsigned int i = 0; i < record->n; i++) {
		if (!strncmp(record->lines[i], op, len) && !strcmp(record->lines[i] + len, wanted))
			return true;
	}
	return false;
}
