// SPDX-License-Identifier: GPL-2.0-only
/*
 * Asks the kernel what no message says of policy rules: which device the `iif` of one stands for.
 *
 * The question is the look-up of a packet that comes in by the device that has the name now. If the
 * answer is from the table of the rule, and no other rule can have led there, the rule stands for that
 * device. Rules in a row that differ in their devices alone ("iif a lookup 100", "iif b lookup 100")
 * explain each other's answers: n devices that get there are those of the n rules, and which of
 * them is whose makes no difference.
 */
#include "sync_rules.h"

#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include "../netlink/netlink.h"
#include "log.h"
#include "resolve.h"

enum {
	MEMBERS_MAX = 64, /* of a row; longer ones are left to the kernel */
	PACKETS_MAX = 4,  /* for one device, of which one has to get there */
	QUESTIONS_MAX = 1024,
};

#define RULE_STATE (FIB_RULE_UNRESOLVED | FIB_RULE_IIF_DETACHED | FIB_RULE_OIF_DETACHED)

struct member {
	const struct mirror_rule *rule;
	const struct mirror_link *link;
	bool proven;
};

struct row {
	const struct mirror *mirror;
	uint32_t table;
	struct member members[MEMBERS_MAX]; /* of which something is to be asked */
	unsigned int n;
	struct route_query queries[MEMBERS_MAX * PACKETS_MAX];
	uint8_t member_of[MEMBERS_MAX * PACKETS_MAX];
	unsigned int n_queries;
};

/* ---- rules --------------------------------------------------------------------------- */

/* Does it lead to a table of its own, by nothing but a device and addresses? */
static bool is_simple(const struct event_rule *e)
{
	return e->iif[0] && e->action == FR_ACT_TO_TBL && e->table && e->table != RT_TABLE_LOCAL &&
	       e->table != RT_TABLE_MAIN && e->table != RT_TABLE_DEFAULT &&
	       !(e->flags & ~RULE_STATE) && !e->oif[0] && !e->fwmark && !e->fwmask && !e->tos &&
	       !e->l3mdev && !e->protocol && !e->sport[1] && !e->dport[1] && !e->other;
}

static bool is_alike(const struct event_rule *a, const struct event_rule *b)
{
	return is_simple(a) && is_simple(b) && a->table == b->table &&
	       prefix_equal(a->src, b->src) && prefix_equal(a->dst, b->dst);
}

/* May a packet, without marks, from that device match? */
static bool may_match(const struct mirror_rule *rule, uint32_t ifindex,
		      const struct route_query *query)
{
	const struct event_rule *e = &rule->e;

	if (e->flags & FIB_RULE_INVERT)
		return true;
	return !e->oif[0] && !(e->fwmark & e->fwmask) &&
	       (!e->iif[0] || !rule->iif_known || rule->iif == ifindex) &&
	       prefix_covers(e->dst, prefix_make(ntohl(query->dst), 32)) &&
	       (!query->src || prefix_covers(e->src, prefix_make(ntohl(query->src), 32)));
}

static bool is_member(const struct row *row, const struct mirror_rule *rule)
{
	for (unsigned int i = 0; i < row->n; i++)
		if (row->members[i].rule == rule)
			return true;
	return false;
}

/* Can none but the row lead this packet to its table? */
static bool is_telling(const struct row *row, uint32_t ifindex, const struct route_query *query)
{
	const struct mirror_rule *rule;

	for (rule = mirror_rules(row->mirror); rule; rule = rule->next)
		if (rule->e.action == FR_ACT_TO_TBL && rule->e.table == row->table &&
		    !is_member(row, rule) && may_match(rule, ifindex, query))
			return false;
	return true;
}

/* ---- packets ------------------------------------------------------------------------- */

/* Some address of the prefix that a host could have. */
static uint32_t address_in(struct prefix prefix)
{
	return prefix.addr | (0x01000001 & ~prefix_mask(prefix.len));
}

struct route_search {
	const struct mirror *mirror;
	uint32_t table;
	struct prefix found;
};

static int is_route_of(void *ctx, struct rib_entry *entry)
{
	struct route_search *search = ctx;
	struct resolved_route route;

	if (!resolve_route_in(search->mirror, entry, search->table, &route) || !route.nexthop)
		return 0;
	search->found = rib_prefix(entry);
	return 1;
}

/* Destinations that the rule selects and its table has a route for. */
static unsigned int find_destinations(const struct mirror *mirror, const struct event_rule *e,
				      uint32_t ret[2])
{
	struct route_search search = { .mirror = mirror, .table = e->table };
	struct rib *rib = mirror_rib(mirror);
	struct rib_entry *entry = rib_match(rib, address_in(e->dst));
	unsigned int n = 0;

	while (entry && !is_route_of(&search, entry))
		entry = rib_cover(rib, rib_prefix(entry));
	if (entry)
		ret[n++] = address_in(e->dst);
	if (rib_walk_below(rib, e->dst, is_route_of, &search))
		ret[n++] = address_in(search.found);
	return n;
}

struct sender_search {
	const struct mirror *mirror;
	uint32_t ifindex;
	struct prefix within;
	uint32_t found;
};

/* A neighbour that the rule selects. */
static int is_network_of(void *ctx, const struct mirror_address *a)
{
	struct sender_search *search = ctx;
	struct prefix network = prefix_make(ntohl(a->e.local), a->e.prefix_len);

	if (a->e.ifindex != search->ifindex || a->e.prefix_len > 30)
		return 0;
	if (prefix_covers(network, search->within))
		network = search->within;
	else if (!prefix_covers(search->within, network))
		return 0;
	search->found = address_in(network);
	if (mirror_own_kind(search->mirror, htonl(search->found)))
		search->found ^= 3;
	return 1;
}

/* Senders that the reverse path filter of the device may accept, the likelier one first. */
static unsigned int find_senders(const struct mirror *mirror, const struct member *member,
				 uint32_t dst, uint32_t ret[2])
{
	struct sender_search search = { .mirror = mirror,
					.ifindex = member->link->e.ifindex,
					.within = member->rule->e.src };
	unsigned int n = 0;

	if (mirror_walk_addresses(mirror, is_network_of, &search))
		ret[n++] = search.found;
	ret[n++] = search.within.len ? address_in(search.within) : dst;
	return n;
}

static void add_question(struct row *row, unsigned int i, uint32_t dst, uint32_t src)
{
	bool loopback = row->members[i].link->e.flags & IFF_LOOPBACK;
	uint32_t ifindex = row->members[i].link->e.ifindex;
	struct route_query query = { .dst = htonl(dst), .src = htonl(src), .iif = ifindex };

	/* Its packets are those that this machine sends. */
	if (loopback)
		query.src = query.iif = 0;
	if (!is_telling(row, ifindex, &query))
		return;
	row->member_of[row->n_queries] = (uint8_t)i;
	row->queries[row->n_queries++] = query;
}

static void add_questions(struct row *row, unsigned int i)
{
	uint32_t destinations[2], senders[2];
	const struct event_rule *e = &row->members[i].rule->e;
	unsigned int n_destinations = find_destinations(row->mirror, e, destinations);

	for (unsigned int d = 0; d < n_destinations; d++) {
		unsigned int n =
			find_senders(row->mirror, &row->members[i], destinations[d], senders);

		for (unsigned int s = 0; s < n; s++)
			add_question(row, i, destinations[d], senders[s]);
	}
}

/* ---- rows ---------------------------------------------------------------------------- */

/* Its device, if packets of it can be asked about, and no other one of the row has it. */
static const struct mirror_link *device_of(const struct row *row, const struct mirror_rule *rule)
{
	const struct mirror_link *link = mirror_link_by_name(row->mirror, rule->e.iif);

	if (!link || link->e.master || strncmp(link->e.kind, "vrf", sizeof(link->e.kind)) == 0 ||
	    (link->e.flags & IFF_LOOPBACK && rule->e.src.len))
		return NULL;
	for (unsigned int i = 0; i < row->n; i++)
		if (row->members[i].link == link)
			return NULL;
	return link;
}

/* The row that begins with this rule; false where nothing of it is to be asked, or can be. */
static bool collect(struct row *row, const struct mirror_rule *first,
		    const struct mirror_rule **ret_behind)
{
	const struct mirror_rule *rule;
	bool can_be_asked = true;

	row->n = row->n_queries = 0;
	row->table = first->e.table;
	for (rule = first; rule && is_alike(&first->e, &rule->e); rule = rule->next) {
		const struct mirror_link *link;

		if (rule->iif_known)
			continue;
		link = row->n < MEMBERS_MAX ? device_of(row, rule) : NULL;
		if (link)
			row->members[row->n++] = (struct member){ .rule = rule, .link = link };
		can_be_asked = can_be_asked && link;
	}
	*ret_behind = rule == first ? first->next : rule;
	return can_be_asked && row->n;
}

static int take_answer(void *ctx, size_t i, int err, const struct event_route *route)
{
	struct row *row = ctx;

	if (!err && route->table == row->table)
		row->members[row->member_of[i]].proven = true;
	return 0;
}

static int ask_row(struct netlink_queries *queries, struct row *row, struct mirror *mirror)
{
	int err;

	for (unsigned int i = 0; i < row->n; i++)
		add_questions(row, i);
	err = netlink_queries_ask(queries, row->queries, row->n_queries, take_answer, row);
	if (err)
		return err;
	for (unsigned int i = 0; i < row->n; i++)
		if (!row->members[i].proven)
			return 0;
	for (unsigned int i = 0; i < row->n; i++)
		mirror_set_rule_iif(mirror, row->members[i].rule, row->members[i].link->e.ifindex);
	return 0;
}

void rules_ask(struct mirror *mirror)
{
	const struct mirror_rule *rule = mirror_rules(mirror);
	struct netlink_queries *queries = NULL;
	struct row row = { .mirror = mirror };
	unsigned int asked = 0;
	int err = 0;

	while (rule && !err && asked < QUESTIONS_MAX) {
		if (!collect(&row, rule, &rule))
			continue;
		if (!queries)
			err = netlink_queries_open(&queries);
		if (!err)
			err = ask_row(queries, &row, mirror);
		asked += row.n_queries;
	}
	if (err)
		log_debug("rules: the kernel did not say what devices they are for: %s",
			  strerror(-err));
	netlink_queries_close(queries);
}
