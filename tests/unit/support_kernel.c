// SPDX-License-Identifier: GPL-2.0-only
/* The model of the kernel's FIB: operations and what they announce. */
#include "support_kernel.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdlib.h>
#include <cmocka.h>
#include <linux/netconf.h>
#include "support_events.h"

static struct kernel_link *link_of(struct kernel *k, uint32_t ifindex)
{
	return &k->links[ifindex - KERNEL_FIRST_LINK];
}

static void announce(struct kernel *k, const struct event *ev)
{
	if (k->n_queue == k->queue_room) {
		k->queue_room = k->queue_room ? 2 * k->queue_room : 64;
		k->queue = realloc(k->queue, k->queue_room * sizeof(struct event *));
		assert_non_null(k->queue);
	}
	k->queue[k->n_queue] = malloc(sizeof(*ev));
	assert_non_null(k->queue[k->n_queue]);
	*k->queue[k->n_queue++] = *ev;
}

/* ---- state to events --------------------------------------------------------------------------- */

static const char *host_text(uint32_t ifindex, uint8_t host)
{
	static char text[32];

	if (!host)
		return NULL;
	snprintf(text, sizeof(text), "10.0.%u.%u", ifindex, host);
	return text;
}

static uint8_t leg_flags(const struct kernel_leg *leg)
{
	return (leg->dead ? RTNH_F_DEAD : 0) | (leg->linkdown ? RTNH_F_LINKDOWN : 0);
}

static const struct event *route_event(int op, const struct kernel_route *r, uint16_t flags)
{
	struct event *ev = ev_route(op, "0.0.0.0/0", 0, NULL);

	ev->route.dst = r->dst;
	ev->route.table = r->table;
	ev->route.priority = r->priority;
	ev->route.nhid = r->nhid;
	ev->route.mtu = r->mtu;
	ev->route.tos = r->tos;
	ev->route.type = r->type;
	ev->route.protocol = r->protocol;
	ev->route.nl_flags = flags;
	for (int i = 0; i < r->n_legs; i++) {
		ev_add_leg(ev, r->legs[i].oif, host_text(r->legs[i].oif, r->legs[i].host),
			   r->legs[i].weight);
		ev->route.legs[i].flags = leg_flags(&r->legs[i]);
	}
	return ev;
}

static const struct event *link_event(const struct kernel *k, int op, uint32_t ifindex)
{
	const struct kernel_link *link = &k->links[ifindex - KERNEL_FIRST_LINK];

	return ev_link(op, ifindex,
		       (link->up ? IFF_UP : 0) | (link->up && link->carrier ? IFF_LOWER_UP : 0));
}

static const struct event *host_event(const struct kernel *k, int op, uint32_t ifindex,
				      uint8_t host)
{
	const struct kernel_link *link = &k->links[ifindex - KERNEL_FIRST_LINK];

	return ev_neighbour(op, ifindex, host_text(ifindex, host),
			    link->hosts[host].valid ? NUD_REACHABLE : NUD_FAILED,
			    link->hosts[host].mac);
}

static const struct event *object_event(const struct kernel *k, int op, uint32_t id)
{
	const struct kernel_object *o = &k->objects[id];
	const uint32_t none[] = { 0 };
	struct event *ev;

	if (id < KERNEL_FIRST_GROUP) {
		ev = ev_nexthop(op, id, o->leg.oif, host_text(o->leg.oif, o->leg.host));
		ev->nexthop.leg.flags = leg_flags(&o->leg);
		return ev;
	}
	ev = ev_group(op, id, none);
	ev->nexthop.n_members = o->n_members;
	for (int i = 0; i < o->n_members; i++)
		ev->nexthop.members[i] = (struct event_member){ o->members[i], o->weights[i] };
	return ev;
}

static const struct event *address_event(int op, uint32_t ifindex)
{
	char text[32];

	snprintf(text, sizeof(text), "10.0.%u.254", ifindex);
	return ev_address(op, ifindex, text, 24);
}

/* ---- routes ------------------------------------------------------------------------------------ */

static bool same_legs(const struct kernel_route *a, const struct kernel_route *b)
{
	if (a->n_legs != b->n_legs)
		return false;
	for (int i = 0; i < a->n_legs; i++)
		if (a->legs[i].oif != b->legs[i].oif || a->legs[i].host != b->legs[i].host ||
		    a->legs[i].weight != b->legs[i].weight)
			return false;
	return true;
}

static bool same_info(const struct kernel_route *a, const struct kernel_route *b)
{
	return a->type == b->type && a->protocol == b->protocol && a->nhid == b->nhid &&
	       a->mtu == b->mtu && same_legs(a, b);
}

static bool same_list(const struct kernel_route *a, const struct kernel_route *b)
{
	return prefix_equal(a->dst, b->dst) && a->table == b->table;
}

static void insert_at(struct kernel *k, uint32_t at, const struct kernel_route *route)
{
	assert_true(k->n_routes < KERNEL_ROUTES);
	memmove(&k->routes[at + 1], &k->routes[at], (k->n_routes - at) * sizeof(*route));
	k->routes[at] = *route;
	k->n_routes++;
}

/* As fib_table_insert() of the kernel. */
int kernel_route_add(struct kernel *k, const struct kernel_route *route, uint16_t flags)
{
	uint32_t first = KERNEL_ROUTES, end = 0, fresh = KERNEL_ROUTES, match = KERNEL_ROUTES;
	uint16_t said = NLM_F_EXCL | NLM_F_CREATE;
	uint32_t at;

	if (k->n_routes == KERNEL_ROUTES)
		return -ENOBUFS;
	for (uint32_t i = 0; i < k->n_routes; i++) {
		const struct kernel_route *r = &k->routes[i];

		if (!same_list(r, route))
			continue;
		if (r->tos == route->tos && r->priority == route->priority) {
			if (first == KERNEL_ROUTES)
				first = i;
			end = i + 1;
			if (match == KERNEL_ROUTES && same_info(r, route))
				match = i;
		} else if (fresh == KERNEL_ROUTES &&
			   (r->tos < route->tos ||
			    (r->tos == route->tos && r->priority > route->priority))) {
			fresh = i;
		}
	}
	at = fresh == KERNEL_ROUTES ? k->n_routes : fresh;
	if (first != KERNEL_ROUTES) {
		if (flags & NLM_F_EXCL)
			return -EEXIST;
		if (flags & NLM_F_REPLACE) {
			if (match != KERNEL_ROUTES)
				return match == first ? 0 : -EEXIST;
			k->routes[first] = *route;
			announce(k, route_event(EVENT_NEW, route, NLM_F_REPLACE));
			return 0;
		}
		if (match != KERNEL_ROUTES)
			return -EEXIST;
		at = flags & NLM_F_APPEND ? end : first;
		said = NLM_F_CREATE | (flags & NLM_F_APPEND);
	}
	if (!(flags & NLM_F_CREATE))
		return -ENOENT;
	insert_at(k, at, route);
	announce(k, route_event(EVENT_NEW, route, said));
	return 0;
}

static void remove_silently(struct kernel *k, uint32_t i)
{
	memmove(&k->routes[i], &k->routes[i + 1], (k->n_routes - i - 1) * sizeof(k->routes[0]));
	k->n_routes--;
}

void kernel_route_del(struct kernel *k, uint32_t i)
{
	announce(k, route_event(EVENT_DEL, &k->routes[i], 0));
	remove_silently(k, i);
}

static bool is_by_object(const struct kernel_route *r, uint32_t id)
{
	return r->nhid == id;
}

static void object_routes_vanish(struct kernel *k, uint32_t id)
{
	for (uint32_t i = k->n_routes; i-- > 0;)
		if (is_by_object(&k->routes[i], id))
			remove_silently(k, i);
}

/* The object goes, groups shrink, routes vanish. Told (but the routes) or not. */
static void object_remove(struct kernel *k, uint32_t id, bool told)
{
	if (!k->objects[id].exists)
		return;
	k->objects[id].exists = false;
	if (told)
		announce(k, object_event(k, EVENT_DEL, id));
	for (uint32_t g = KERNEL_FIRST_GROUP; g <= KERNEL_OBJECTS; g++) {
		struct kernel_object *group = &k->objects[g];
		bool had = false;
		int n = 0;

		for (int i = 0; group->exists && i < group->n_members; i++) {
			had |= group->members[i] == id;
			if (group->members[i] == id)
				continue;
			group->members[n] = group->members[i];
			group->weights[n++] = group->weights[i];
		}
		if (!had)
			continue;
		group->n_members = n;
		if (!n)
			object_remove(k, g, told);
		else if (told)
			announce(k, object_event(k, EVENT_NEW, g));
	}
	object_routes_vanish(k, id);
}

/* ---- links ------------------------------------------------------------------------------------- */

enum leg_change {
	LEG_DIES,     /* routes by this leg alone vanish */
	LEG_LINKDOWN, /* only flagged */
	LEG_REVIVES,
};

static void legs_change(struct kernel *k, uint32_t ifindex, enum leg_change change)
{
	for (uint32_t i = k->n_routes; i-- > 0;) {
		struct kernel_route *r = &k->routes[i];
		int alive = 0, touched = 0;

		for (int l = 0; l < r->n_legs; l++) {
			struct kernel_leg *leg = &r->legs[l];

			if (leg->oif == ifindex) {
				touched++;
				leg->dead = change == LEG_DIES;
				leg->linkdown = change != LEG_REVIVES;
			}
			alive += !leg->dead;
		}
		if (touched && !alive)
			remove_silently(k, i);
	}
}

static void objects_die(struct kernel *k, uint32_t ifindex)
{
	for (uint32_t id = 1; id < KERNEL_FIRST_GROUP; id++)
		if (k->objects[id].exists && k->objects[id].leg.oif == ifindex)
			object_remove(k, id, false);
}

static void hosts_go(struct kernel *k, uint32_t ifindex)
{
	struct kernel_link *link = link_of(k, ifindex);

	for (uint8_t h = 1; h <= KERNEL_HOSTS; h++) {
		if (!link->hosts[h].exists)
			continue;
		link->hosts[h].exists = link->hosts[h].valid = false;
		announce(k, host_event(k, EVENT_DEL, ifindex, h));
	}
}

static void link_up_down(struct kernel *k, uint32_t ifindex)
{
	struct kernel_link *link = link_of(k, ifindex);

	link->up = !link->up;
	if (link->up) {
		announce(k, link_event(k, EVENT_NEW, ifindex));
		legs_change(k, ifindex, LEG_REVIVES);
		return;
	}
	hosts_go(k, ifindex);
	legs_change(k, ifindex, LEG_DIES);
	objects_die(k, ifindex);
	announce(k, link_event(k, EVENT_NEW, ifindex));
}

static void link_carrier(struct kernel *k, uint32_t ifindex)
{
	struct kernel_link *link = link_of(k, ifindex);

	if (!link->up)
		return;
	link->carrier = !link->carrier;
	if (!link->carrier) {
		hosts_go(k, ifindex);
		objects_die(k, ifindex);
	}
	legs_change(k, ifindex, link->carrier ? LEG_REVIVES : LEG_LINKDOWN);
	announce(k, link_event(k, EVENT_NEW, ifindex));
}

static void link_address(struct kernel *k, uint32_t ifindex)
{
	struct kernel_link *link = link_of(k, ifindex);

	link->address = !link->address;
	announce(k, address_event(link->address ? EVENT_NEW : EVENT_DEL, ifindex));
	if (!link->address)
		legs_change(k, ifindex, LEG_DIES);
}

/* ---- chance ------------------------------------------------------------------------------------ */

static uint32_t pick(unsigned int *seed, uint32_t n)
{
	return (uint32_t)rand_r(seed) % n;
}

static uint32_t pick_link(unsigned int *seed)
{
	return KERNEL_FIRST_LINK + pick(seed, KERNEL_LINKS);
}

static bool link_usable(struct kernel *k, uint32_t ifindex)
{
	return link_of(k, ifindex)->up && link_of(k, ifindex)->address;
}

static bool random_leg(struct kernel *k, unsigned int *seed, bool connected, struct kernel_leg *ret)
{
	struct kernel_link *link;

	memset(ret, 0, sizeof(*ret));
	ret->oif = pick_link(seed);
	ret->host = connected && pick(seed, 3) == 0 ? 0 : 1 + pick(seed, KERNEL_HOSTS);
	ret->weight = 1 + pick(seed, 3);
	link = link_of(k, ret->oif);
	ret->linkdown = !link->carrier;
	return link_usable(k, ret->oif);
}

static struct prefix random_prefix(unsigned int *seed)
{
	static const uint8_t lengths[] = { 0, 8, 12, 16, 20, 23, 24, 25, 26, 28, 30, 32 };
	uint8_t len = lengths[pick(seed, sizeof(lengths))];

	/* Few bits vary: prefixes meet and nest. */
	return prefix_make(0x0a400000 | pick(seed, 2) << 24 | pick(seed, 2) << 16 |
				   (pick(seed, 3) << 8) | (pick(seed, 8) << 5),
			   len);
}

static void random_route(struct kernel *k, unsigned int *seed)
{
	static const uint32_t tables[] = { 254, 254, 254, 254, 254, 254, 255, 253, 100 };
	static const uint8_t types[] = { RTN_UNREACHABLE, RTN_BLACKHOLE, RTN_PROHIBIT,
					 RTN_THROW,	  RTN_LOCAL,	 RTN_BROADCAST };
	static const uint16_t flags[] = {
		NLM_F_CREATE | NLM_F_EXCL,
		NLM_F_CREATE | NLM_F_EXCL,
		NLM_F_CREATE | NLM_F_REPLACE,
		NLM_F_CREATE | NLM_F_REPLACE,
		NLM_F_REPLACE,
		NLM_F_CREATE | NLM_F_APPEND,
		NLM_F_CREATE,
	};
	struct kernel_route r;

	memset(&r, 0, sizeof(r));
	r.dst = random_prefix(seed);
	r.table = tables[pick(seed, sizeof(tables) / sizeof(tables[0]))];
	r.priority = pick(seed, 3) * 10;
	r.tos = pick(seed, 12) == 0 ? 4 : 0;
	r.mtu = pick(seed, 8) == 0 ? 1400 : 0;
	r.type = pick(seed, 6) == 0 ? types[pick(seed, sizeof(types))] : RTN_UNICAST;
	r.protocol = pick(seed, 4) == 0 ? RTPROT_BGP : RTPROT_STATIC;
	if (r.type == RTN_UNICAST && pick(seed, 3) == 0) {
		r.nhid = 1 + pick(seed, KERNEL_OBJECTS);
		if (!k->objects[r.nhid].exists)
			return;
	} else if (r.type == RTN_UNICAST) {
		r.n_legs = pick(seed, 3) ? 1 : 2 + pick(seed, KERNEL_LEGS - 1);
		for (int i = 0; i < r.n_legs; i++)
			if (!random_leg(k, seed, r.n_legs == 1, &r.legs[i]))
				return;
	}
	kernel_route_add(k, &r, flags[pick(seed, sizeof(flags) / sizeof(flags[0]))]);
}

static void object_told(struct kernel *k, uint32_t id, bool replaced)
{
	announce(k, object_event(k, EVENT_NEW, id));
	for (uint32_t i = 0; replaced && k->compat_mode && i < k->n_routes; i++)
		if (k->routes[i].nhid == id)
			announce(k, route_event(EVENT_NEW, &k->routes[i], NLM_F_REPLACE));
}

static void random_object(struct kernel *k, unsigned int *seed)
{
	uint32_t id = 1 + pick(seed, KERNEL_OBJECTS);
	struct kernel_object o = { .exists = true };
	bool replaced = k->objects[id].exists;

	if (replaced && pick(seed, 4) == 0) {
		object_remove(k, id, true);
		return;
	}
	if (id < KERNEL_FIRST_GROUP) {
		if (!random_leg(k, seed, true, &o.leg) || o.leg.linkdown)
			return;
		o.leg.weight = 1;
	} else {
		for (uint32_t m = 1; m < KERNEL_FIRST_GROUP && o.n_members < KERNEL_LEGS; m++) {
			if (!k->objects[m].exists || !pick(seed, 2))
				continue;
			o.members[o.n_members] = m;
			o.weights[o.n_members++] = 1 + pick(seed, 4);
		}
		if (!o.n_members)
			return;
	}
	k->objects[id] = o;
	object_told(k, id, replaced);
}

static void random_host(struct kernel *k, unsigned int *seed)
{
	uint32_t ifindex = pick_link(seed);
	uint8_t host = 1 + pick(seed, KERNEL_HOSTS);
	struct kernel_link *link = link_of(k, ifindex);

	if (!link_usable(k, ifindex) || !link->carrier)
		return;
	if (link->hosts[host].exists && pick(seed, 4) == 0) {
		link->hosts[host].exists = link->hosts[host].valid = false;
		announce(k, host_event(k, EVENT_DEL, ifindex, host));
		return;
	}
	link->hosts[host].exists = true;
	link->hosts[host].valid = pick(seed, 4) != 0;
	link->hosts[host].mac = 1 + pick(seed, 200);
	announce(k, host_event(k, EVENT_NEW, ifindex, host));
}

void kernel_step(struct kernel *k, unsigned int *seed)
{
	uint32_t dice = pick(seed, 100);

	if (dice < 50)
		random_route(k, seed);
	else if (dice < 70 && k->n_routes)
		kernel_route_del(k, pick(seed, k->n_routes));
	else if (dice < 80)
		random_object(k, seed);
	else if (dice < 94)
		random_host(k, seed);
	else if (dice < 96)
		link_up_down(k, pick_link(seed));
	else if (dice < 98)
		link_carrier(k, pick_link(seed));
	else
		link_address(k, pick_link(seed));
}

/* ---- life and dump ----------------------------------------------------------------------------- */

void kernel_init(struct kernel *k)
{
	memset(k, 0, sizeof(*k));
	for (int i = 0; i < KERNEL_LINKS; i++)
		k->links[i].up = k->links[i].carrier = k->links[i].address = true;
}

void kernel_free(struct kernel *k)
{
	while (k->n_queue)
		free(k->queue[--k->n_queue]);
	free(k->queue);
}

void kernel_deliver(struct kernel *k, struct mirror *mirror)
{
	for (uint32_t i = 0; i < k->n_queue; i++) {
		assert_int_equal(mirror_apply(mirror, k->queue[i]), 0);
		free(k->queue[i]);
	}
	k->n_queue = 0;
}

void kernel_dump(const struct kernel *k, struct mirror *mirror)
{
	world_base(mirror, EVENT_DUMP);
	for (uint32_t i = KERNEL_FIRST_LINK; i < KERNEL_FIRST_LINK + KERNEL_LINKS; i++) {
		const struct kernel_link *link = &k->links[i - KERNEL_FIRST_LINK];

		mirror_apply(mirror, link_event(k, EVENT_DUMP, i));
		if (link->address)
			mirror_apply(mirror, address_event(EVENT_DUMP, i));
		for (uint8_t h = 1; h <= KERNEL_HOSTS; h++)
			if (link->hosts[h].exists)
				mirror_apply(mirror, host_event(k, EVENT_DUMP, i, h));
	}
	for (uint32_t id = KERNEL_OBJECTS; id > 0; id--)
		if (k->objects[id].exists)
			mirror_apply(mirror, object_event(k, EVENT_DUMP, id));
	for (uint32_t i = 0; i < k->n_routes; i++)
		assert_int_equal(mirror_apply(mirror, route_event(EVENT_DUMP, &k->routes[i], 0)),
				 0);
}

/* ---- look-up ----------------------------------------------------------------------------------- */

static bool leg_agrees(const struct kernel *k, const struct kernel_leg *leg, uint32_t addr,
		       uint64_t target, uint32_t ifindex)
{
	const struct kernel_link *link = &k->links[leg->oif - KERNEL_FIRST_LINK];
	uint8_t host = leg->host;

	if (leg->oif != ifindex || leg->dead || !link->up || !link->carrier)
		return false;
	if (!host && addr >> 8 == (0x0a000000 | leg->oif << 8) >> 8)
		host = addr & 0xff;
	if (!host || host > KERNEL_HOSTS || !link->hosts[host].valid)
		return false;
	return target == ((uint64_t)link->hosts[host].mac << 40 | 2);
}

static bool object_agrees(const struct kernel *k, uint32_t id, uint32_t addr, uint64_t target,
			  uint32_t ifindex)
{
	const struct kernel_object *o = &k->objects[id];

	if (id < KERNEL_FIRST_GROUP)
		return leg_agrees(k, &o->leg, addr, target, ifindex);
	for (int i = 0; i < o->n_members; i++)
		if (leg_agrees(k, &k->objects[o->members[i]].leg, addr, target, ifindex))
			return true;
	return false;
}

static bool route_agrees(const struct kernel *k, const struct kernel_route *r, uint32_t addr,
			 uint32_t verdict, uint64_t target, uint32_t ifindex, uint16_t mtu)
{
	if (!r)
		return false;
	if (verdict == VERDICT_dropped)
		return r->type == RTN_BLACKHOLE;
	if (r->type != RTN_UNICAST || r->mtu != mtu)
		return false;
	if (r->nhid)
		return object_agrees(k, r->nhid, addr, target, ifindex);
	for (int i = 0; i < r->n_legs; i++)
		if (leg_agrees(k, &r->legs[i], addr, target, ifindex))
			return true;
	return false;
}

static bool is_dead(const struct kernel_route *r)
{
	for (int i = 0; i < r->n_legs; i++)
		if (!r->legs[i].dead)
			return false;
	return r->n_legs > 0;
}

/* For one TOS: table by table, the longest prefix first, of its routes the first that is alive. */
static const struct kernel_route *lookup(const struct kernel *k, uint32_t addr, uint8_t tos)
{
	static const uint32_t tables[] = { 255, 254, 253 };

	for (int t = 0; t < 3; t++) {
		const struct kernel_route *best = NULL;

		for (uint32_t i = 0; i < k->n_routes; i++) {
			const struct kernel_route *r = &k->routes[i];

			if (r->table == tables[t] && prefix_covers(r->dst, prefix_make(addr, 32)) &&
			    (!r->tos || r->tos == tos) && !is_dead(r) &&
			    (!best || r->dst.len > best->dst.len))
				best = r;
		}
		if (best && best->type != RTN_THROW)
			return best;
	}
	return NULL;
}

/* Local and main in one trie, as before the first policy rule. */
static const struct kernel_route *lookup_merged(const struct kernel *k, uint32_t addr, uint8_t tos)
{
	const struct kernel_route *best = NULL;

	for (uint32_t i = 0; i < k->n_routes; i++) {
		const struct kernel_route *r = &k->routes[i];

		if ((r->table == 255 || r->table == 254) &&
		    prefix_covers(r->dst, prefix_make(addr, 32)) && (!r->tos || r->tos == tos) &&
		    !is_dead(r) &&
		    (!best || r->dst.len > best->dst.len ||
		     (r->dst.len == best->dst.len && r->table > best->table)))
			best = r;
	}
	return best && best->type != RTN_THROW ? best : lookup(k, addr, tos);
}

bool kernel_agrees(const struct kernel *k, uint32_t addr, const struct answer *answer)
{
	for (uint32_t i = 0; i < answer->n; i++) {
		uint32_t verdict = answer->members[i].verdict;
		uint64_t target = answer->members[i].target;
		uint32_t ifindex = answer->members[i].ifindex;
		uint16_t mtu = answer->members[i].mtu;

		if (verdict >= VERDICT_FIRST_REASON)
			continue;
		for (uint8_t tos = 0; tos <= 4; tos += 4)
			if (!route_agrees(k, lookup(k, addr, tos), addr, verdict, target, ifindex,
					  mtu) ||
			    !route_agrees(k, lookup_merged(k, addr, tos), addr, verdict, target,
					  ifindex, mtu))
				return false;
	}
	return true;
}

static void print_leg(const struct kernel *k, const struct kernel_leg *leg)
{
	const struct kernel_link *link = &k->links[leg->oif - KERNEL_FIRST_LINK];

	print_error(" [if%u%s%s host %u%s mac %x%s%s weight %u]", leg->oif, link->up ? "" : " down",
		    link->carrier ? "" : " no carrier", leg->host,
		    link->hosts[leg->host].valid ? "" : " invalid", link->hosts[leg->host].mac,
		    leg->dead ? " dead" : "", leg->linkdown ? " linkdown" : "", leg->weight);
}

void kernel_explain(const struct kernel *k, uint32_t addr)
{
	char text[PREFIX_STRLEN];

	for (uint32_t i = 0; i < k->n_routes; i++) {
		const struct kernel_route *r = &k->routes[i];

		if (!prefix_covers(r->dst, prefix_make(addr, 32)))
			continue;
		print_error("%s table %u tos %u prio %u type %u nhid %u mtu %u",
			    prefix_format(r->dst, text), r->table, r->tos, r->priority, r->type,
			    r->nhid, r->mtu);
		for (int l = 0; l < r->n_legs; l++)
			print_leg(k, &r->legs[l]);
		if (r->nhid && r->nhid < KERNEL_FIRST_GROUP)
			print_leg(k, &k->objects[r->nhid].leg);
		for (int m = 0; r->nhid && m < k->objects[r->nhid].n_members; m++)
			print_leg(k, &k->objects[k->objects[r->nhid].members[m]].leg);
		print_error("\n");
	}
}
