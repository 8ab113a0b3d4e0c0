// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's own answer for single addresses, against what the maps do with them.
 *
 * All other checks share resolve.c with the daemon, and so its mistakes. This one asks the kernel to look
 * up, and allows the fast path only what that answer allows: to forward by one of its legs, to drop
 * for a blackhole. What is left to the kernel is right in any case. Where a route of the user decides, the
 * kernel has no say.
 *
 * Asked is what this machine itself would send: without policy rules the same route. With rules, or
 * while everything is left to the kernel anyway, nothing is asked; see verify_packets.c.
 */
#include "verify_internal.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include "mirror_user.h"
#include "show.h"

enum {
	QUERIES_AT_A_TIME = 4096,
};

struct answer {
	bool allowed;
	int err;
	char text[OUTCOME_LEN];
};

/* ---- the kernel's legs ------------------------------------------------------------------ */

/* Does the neighbour that the kernel would send to by this leg have the hop's MAC address? */
static bool leg_allows(const struct mirror *mirror, const struct event_leg *leg, uint32_t dst,
		       const struct hop *hop)
{
	struct addr to = leg->gateway.family ? leg->gateway : addr_v4(htonl(dst));
	const struct mirror_neighbour *n = mirror_neighbour(mirror, leg->oif, &to);

	if (leg->oif != hop->ifindex || leg->flags & RTNH_F_DEAD || leg->encap)
		return false;
	return n && resolve_neighbour_valid(n) && memcmp(n->e.mac, hop->mac, sizeof(hop->mac)) == 0;
}

static bool object_allows(const struct mirror *mirror, uint32_t id, uint32_t dst,
			  const struct hop *hop)
{
	const struct mirror_object *object = mirror_object(mirror, id), *member;

	if (!object || !object->present)
		return false;
	if (object->type == NH_TYPE_SINGLE)
		return leg_allows(mirror, &object->leg, dst, hop);
	for (unsigned int i = 0; i < object->n_members; i++) {
		member = mirror_object(mirror, object->members[i].id);
		if (member && member->type == NH_TYPE_SINGLE &&
		    leg_allows(mirror, &member->leg, dst, hop))
			return true;
	}
	return false;
}

bool kernel_allows(const struct mirror *mirror, const struct event_route *route, uint32_t dst,
		   const struct hop *hop)
{
	if (route->type != RTN_UNICAST)
		return false;
	for (unsigned int i = 0; i < route->n_legs; i++)
		if (leg_allows(mirror, &route->legs[i], dst, hop))
			return true;
	return route->nhid && object_allows(mirror, route->nhid, dst, hop);
}

/* The neighbour behind a connected hop, as the programs find it. */
static struct hop follow_connected(const struct verify *v, const struct hop *hop, uint32_t dst)
{
	struct neighbour_key key = { .addr = htonl(dst), .ifindex = hop->ifindex };
	struct hop to = { .kind = HOP_UNRESOLVED };
	union adjacency_word word;
	uint32_t index = datapath_neighbour(v->dp, key);

	word = datapath_adjacency(v->dp, index);
	if (!index || !word.target.port)
		return to;
	to.kind = HOP_NEIGHBOUR;
	to.ifindex = datapath_port(v->dp, word.target.port).ifindex;
	memcpy(to.mac, word.target.mac, sizeof(to.mac));
	return to;
}

bool is_by_user(const struct verify *v, uint32_t addr)
{
	struct resolved_route route;

	return mirror_user_count(v->mirror) && resolve_lookup(v->mirror, addr, &route) &&
	       route.user;
}

static void judge(const struct verify *v, uint32_t dst, int err, const struct event_route *route,
		  struct answer *ret)
{
	struct outcome fast;
	uint32_t leaf = datapath_lookup(v->dp, htonl(dst));

	outcome_of_leaf(v->dp, leaf, &fast);
	ret->err = err;
	ret->allowed = true;
	if (is_by_user(v, dst))
		return;
	for (unsigned int i = 0; i < fast.n && ret->allowed; i++) {
		struct hop hop = fast.hops[i];

		if (hop.kind == HOP_CONNECTED)
			hop = follow_connected(v, &hop, dst);
		if (hop.kind == HOP_NEIGHBOUR)
			ret->allowed = !err && kernel_allows(v->mirror, route, dst, &hop);
		else if (hop.kind == HOP_VERDICT && hop.verdict == VERDICT_dropped)
			ret->allowed = err == -EINVAL;
	}
}

/* ---- words ------------------------------------------------------------------------------ */

static void route_format(const struct mirror *mirror, const struct event_route *route,
			 char buf[OUTCOME_LEN])
{
	char prefix[PREFIX_STRLEN], type[16], table[16], via[INET6_ADDRSTRLEN], dev[IFNAMSIZ];
	size_t len;

	len = snprintf(buf, OUTCOME_LEN, "%s%s%s table %s",
		       route->type == RTN_UNICAST ? "" : type_name(route->type, type),
		       route->type == RTN_UNICAST ? "" : " ", prefix_format(route->dst, prefix),
		       table_name(route->table, table));
	if (route->nhid)
		len += snprintf(buf + len, OUTCOME_LEN - len, " nhid %u", route->nhid);
	for (unsigned int i = 0; i < route->n_legs && len + 80 < OUTCOME_LEN; i++) {
		const struct event_leg *leg = &route->legs[i];

		len += snprintf(buf + len, OUTCOME_LEN - len, "%s%s%s dev %s", i ? "," : "",
				leg->gateway.family ? " via " : "", addr_format(&leg->gateway, via),
				device_format(mirror, leg->oif, dev));
	}
}

void kernel_format(const struct mirror *mirror, int err, const struct event_route *route,
		   char buf[OUTCOME_LEN])
{
	const char *text = err == -EINVAL	  ? "blackhole, or refused"
			   : err == -EHOSTUNREACH ? "unreachable"
			   : err == -EACCES	  ? "prohibit"
			   : err == -ENETUNREACH  ? "no route"
						  : strerror(-err);

	if (err)
		snprintf(buf, OUTCOME_LEN, "%s", text);
	else
		route_format(mirror, route, buf);
}

/* ---- one address ------------------------------------------------------------------------ */

struct asking {
	struct verify *v;
	const uint32_t *addresses;
	struct answer answer;
	bool describe;
};

static int take_one(void *ctx, size_t i, int err, const struct event_route *route)
{
	struct asking *asking = ctx;

	judge(asking->v, asking->addresses[i], err, route, &asking->answer);
	if (asking->describe)
		kernel_format(asking->v->mirror, err, route, asking->answer.text);
	return 0;
}

static bool ask_one(struct verify *v, uint32_t addr, bool describe, struct answer *ret)
{
	struct asking asking = { .v = v, .addresses = &addr, .describe = describe };
	struct route_query query = { .dst = htonl(addr) };

	asking.answer.allowed = true; /* without an answer nothing is known */
	if (netlink_queries_ask(v->queries, &query, 1, take_one, &asking))
		asking.answer.allowed = true;
	*ret = asking.answer;
	return !ret->allowed;
}

/* What is told as a wrong route or a wrong neighbour is not told again for each address. */
static bool is_told_otherwise(struct verify *v, uint32_t addr)
{
	struct outcome fast;
	struct hop *hop = &fast.hops[0];

	outcome_of_leaf(v->dp, datapath_lookup(v->dp, htonl(addr)), &fast);
	for (unsigned int i = 0; i < fast.n; i++, hop++) {
		struct neighbour_key key = { .addr = htonl(addr), .ifindex = hop->ifindex };

		if (hop->kind == HOP_CONNECTED && verify_neighbour_differs(v, key))
			return true;
	}
	return verify_route_differs(v, addr);
}

static bool query_differs(struct verify *v, const struct subject *s, uint32_t *ret_signature)
{
	struct outcome fast;
	struct answer answer;
	bool differs = ask_one(v, s->first, false, &answer) && !is_told_otherwise(v, s->first);

	outcome_of_leaf(v->dp, datapath_lookup(v->dp, htonl(s->first)), &fast);
	*ret_signature = signature_of(answer.err, outcome_hash(&fast));
	return differs;
}

static void query_describe(struct verify *v, const struct subject *s, json_t *row)
{
	char text[OUTCOME_LEN], address[INET_ADDRSTRLEN];
	struct outcome outcome;
	struct answer answer;

	ask_one(v, s->first, true, &answer);
	outcome_of_leaf(v->dp, datapath_lookup(v->dp, htonl(s->first)), &outcome);
	put_text(row, "dst", "%s", address_format(s->first, address));
	put_text(row, "kernel", "%s", answer.text);
	put_text(row, "fastpath", "%s", outcome_format(v->mirror, &outcome, text));
	put_text(row, "cause", "the daemon resolves the kernel's routes to this");
}

const struct subject_type verify_query_type = {
	.name = "query",
	.differs = query_differs,
	.describe = query_describe,
};

/* ---- many ------------------------------------------------------------------------------- */

static int take_many(void *ctx, size_t i, int err, const struct event_route *route)
{
	struct asking *asking = ctx;
	struct subject s = { .kind = SUBJECT_QUERY, .first = asking->addresses[i] };

	judge(asking->v, asking->addresses[i], err, route, &asking->answer);
	if (asking->answer.allowed || asking->v->overflow || is_told_otherwise(asking->v, s.first))
		return 0;
	/* The question is asked anew by differs(), but not in the midst of these answers. */
	return vec_push(&asking->v->subjects, &s, sizeof(s));
}

static bool is_worth_asking(const struct verify *v)
{
	return !datapath_control_hold(v->dp) && resolve_rules_plain(v->mirror);
}

static int ask_some(struct verify *v, const uint32_t *addresses, size_t n)
{
	struct asking asking = { .v = v, .addresses = addresses };
	struct route_query queries[QUERIES_AT_A_TIME];
	uint32_t begin = v->subjects.n;
	int err;

	for (size_t i = 0; i < n; i++)
		queries[i] = (struct route_query){ .dst = htonl(addresses[i]) };
	err = netlink_queries_ask(v->queries, queries, n, take_many, &asking);
	for (uint32_t i = begin; i < v->subjects.n; i++) {
		struct subject *s = (struct subject *)v->subjects.items + i;

		query_differs(v, s, &s->signature);
	}
	return err;
}

int verify_queries(struct verify *v, const uint32_t *addresses, size_t n)
{
	int err = 0;

	if (!is_worth_asking(v))
		return 0;
	for (size_t i = 0; i < n && !err; i += QUERIES_AT_A_TIME) {
		size_t some = n - i < QUERIES_AT_A_TIME ? n - i : QUERIES_AT_A_TIME;

		err = verify_is_unwanted(v) ? -EPIPE : ask_some(v, addresses + i, some);
	}
	if (!err)
		v->counts.queries += n;
	return err;
}
