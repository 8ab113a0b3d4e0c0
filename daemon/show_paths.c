// SPDX-License-Identifier: GPL-2.0-only
/* `nexthop`, `link`: the next-hop slots with their traffic, and the ports of the fast path. */
#include "show.h"

#include <errno.h>
#include "clock.h"
#include "explain.h"
#include "user_text.h"

struct nexthop_walk {
	struct daemon *d;
	struct reply *reply;
	struct explain_view view;
	uint64_t now_ns;
};

static void put_object(const struct daemon *d, json_t *row, const struct mirror_nexthop *nexthop)
{
	const struct mirror_object *object = mirror_object(d->mirror, nexthop->nhid);
	json_t *group;

	json_object_set_new(row, "id", json_integer(nexthop->nhid));
	if (!object)
		return;
	if (object->type == NH_TYPE_SINGLE) {
		put_gateway(row, &object->leg.gateway);
		put_device(d, row, "dev", object->leg.oif);
	} else if (object->n_members) {
		group = json_array();
		for (int i = 0; i < object->n_members; i++)
			json_array_append_new(
				group, json_pack("{sIsi}", "id", (json_int_t)object->members[i].id,
						 "weight", object->members[i].weight));
		json_object_set_new(row, "group", group);
	}
}

static void put_legs(const struct daemon *d, json_t *row, const struct mirror_nexthop *nexthop)
{
	json_t *legs;

	if (nexthop->n_legs == 1) {
		put_gateway(row, &nexthop->legs[0].gateway);
		put_device(d, row, "dev", nexthop->legs[0].oif);
		return;
	}
	legs = json_array();
	for (int i = 0; i < nexthop->n_legs; i++)
		json_array_append_new(legs, leg_object(d, &nexthop->legs[i]));
	json_object_set_new(row, "nexthops", legs);
}

static int nexthop_row(void *ctx, uint32_t handle, const struct mirror_nexthop *nexthop)
{
	const struct nexthop_walk *walk = ctx;
	uint32_t slot = fib_slot_of(walk->d->fib, handle);
	struct nexthop_counters counters;
	json_t *row;

	if (!slot || datapath_nexthop_counters(walk->d->datapath, slot, &counters))
		return 0;
	row = json_object();
	if (!row)
		return -ENOMEM;
	if (nexthop->user) {
		json_object_set_new(row, "protocol", json_string("user"));
		json_object_set_new(row, "action", json_string(user_action_word(nexthop->user)));
	}
	if (nexthop->nhid)
		put_object(walk->d, row, nexthop);
	else if (nexthop->n_legs)
		put_legs(walk->d, row, nexthop);
	if (nexthop->mtu)
		json_object_set_new(row, "mtu", json_integer(nexthop->mtu));
	json_object_set_new(row, "slot", json_integer(slot));
	json_object_set_new(row, "routes", json_integer(nexthop->refs));
	json_object_set_new(row, "packets", json_integer(counters.forwarded.packets));
	json_object_set_new(row, "bytes", json_integer(counters.forwarded.bytes));
	json_object_set_new(row, "used_seconds_ago",
			    counters.used && counters.used <= walk->now_ns
				    ? json_integer((walk->now_ns - counters.used) / 1000000000ULL)
				    : json_null());
	json_object_set_new(row, "fastpath",
			    fastpath_object(explain_slot(walk->d, &walk->view, slot)));
	return reply_row(walk->reply, row);
}

int show_nexthops(struct daemon *d, const json_t *args, struct reply *reply)
{
	struct nexthop_walk walk = { .d = d, .reply = reply };

	(void)args;
	explain_enter(d, &walk.view);
	walk.now_ns = now_ns();
	return mirror_walk_nexthops(d->mirror, nexthop_row, &walk);
}

/* ---- link ---------------------------------------------------------------------------- */

static json_t *flag_list(uint32_t flags)
{
	static const struct {
		uint32_t bit;
		const char *name;
	} names[] = {
		{ IFF_BROADCAST, "BROADCAST" },
		{ IFF_MULTICAST, "MULTICAST" },
		{ IFF_UP, "UP" },
		{ 1 << 16 /* IFF_LOWER_UP, <linux/if.h> */, "LOWER_UP" },
		{ IFF_LOOPBACK, "LOOPBACK" },
		{ IFF_NOARP, "NOARP" },
		{ IFF_PROMISC, "PROMISC" },
	};
	json_t *list = json_array();

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (flags & names[i].bit)
			json_array_append_new(list, json_string(names[i].name));
	return list;
}

static json_t *reason_or_null(enum verdict verdict)
{
	return verdict == VERDICT_forwarded ? json_null() : json_string(verdict_name(verdict));
}

static json_t *link_row(const struct daemon *d, const struct mirror_link *link)
{
	uint16_t number = fib_port_of(d->fib, link->e.ifindex);
	struct port port = datapath_port(d->datapath, number);
	json_t *row = json_pack("{sIso}", "ifindex", (json_int_t)link->e.ifindex, "ifname",
				name_string(link));
	json_t *xmit = json_array();

	if (!row)
		return NULL;
	json_object_set_new(row, "flags", flag_list(link->e.flags));
	json_object_set_new(row, "mtu", json_integer(link->e.mtu));
	if (link->e.master)
		put_device(d, row, "master", link->e.master);
	put_string(row, "kind", link->e.kind);
	if (link->e.mac_len == 6)
		json_object_set_new(row, "address", mac_string(link->e.mac));
	json_object_set_new(
		row, "operstate",
		json_string(link->e.flags & 1 << 16 && link->e.flags & IFF_UP ? "UP" : "DOWN"));
	json_object_set_new(row, "port", json_integer(number));
	json_object_set_new(row, "hook", json_string(hook_name(link->hook)));
	json_object_set_new(row, "forwarding", json_boolean(link->forwarding == 1));
	json_object_set_new(row, "rp_filter", json_boolean(port.flags & PORT_RP_FILTER));
	if (port.flags & PORT_XMIT_NATIVE)
		json_array_append_new(xmit, json_string("native"));
	if (port.flags & PORT_XMIT_GENERIC)
		json_array_append_new(xmit, json_string("generic"));
	json_object_set_new(row, "xmit", xmit);
	json_object_set_new(row, "fastpath",
			    json_pack("{soso}", "ingress", reason_or_null(explain_ingress(d, link)),
				      "egress", reason_or_null(explain_egress(d, number))));
	return row;
}

int show_links(struct daemon *d, const json_t *args, struct reply *reply)
{
	const struct mirror_link *link;
	int err = 0;

	(void)args;
	for (link = mirror_next_link(d->mirror, 0); link && !err;
	     link = mirror_next_link(d->mirror, link->e.ifindex))
		err = reply_row(reply, link_row(d, link));
	return err;
}
