// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the kernel would do with a destination, as far as it can be proven; a reason to fall back where
 * it cannot.
 *
 * Pure functions of the mirror. What an answer depends on beyond its own object, and hence who must
 * look again when that changes: a prefix on what covers it, in the cases named at by_local_table()
 * and is_by_other_table() (mirror_candidates.c marks them), and on user routes that hide it (mirror_user.c);
 * for next hops see resolve_nexthops.c.
 */
#include "resolve.h"

#include <linux/rtnetlink.h>
#include "mirror_user.h"

/* ---- routes -------------------------------------------------------------------------- */

static const struct mirror_candidate *next_of(const struct mirror *mirror,
					      const struct mirror_candidate *c)
{
	return c->next ? mirror_candidate(mirror, c->next) : NULL;
}

static bool decides(const struct mirror_candidate *c)
{
	return c->table == RT_TABLE_LOCAL || c->table == RT_TABLE_MAIN ||
	       c->table == RT_TABLE_DEFAULT;
}

static bool has_table(const struct mirror *mirror, const struct rib_entry *entry, uint32_t table)
{
	const struct mirror_candidate *c =
		entry->candidates ? mirror_candidate(mirror, entry->candidates) : NULL;

	for (; c; c = next_of(mirror, c))
		if (c->table == table)
			return true;
	return false;
}

static bool is_covered_by(const struct mirror *mirror, struct prefix prefix, uint32_t table)
{
	const struct rib_entry *cover = rib_cover(mirror_rib(mirror), prefix);

	for (; cover; cover = rib_cover(mirror_rib(mirror), rib_prefix(cover))) {
		bool is_loopback = cover->addr >> 24 == 127;

		if (has_table(mirror, cover, table) && !(table == RT_TABLE_LOCAL && is_loopback))
			return true;
	}
	return false;
}

static enum verdict verdict_of_type(uint8_t type)
{
	switch (type) {
	case RTN_UNICAST:
		return VERDICT_forwarded;
	case RTN_LOCAL:
	case RTN_ANYCAST:
		return VERDICT_local;
	case RTN_BROADCAST:
		return VERDICT_broadcast;
	case RTN_MULTICAST:
		return VERDICT_multicast;
	case RTN_BLACKHOLE:
		return VERDICT_dropped;
	case RTN_UNREACHABLE:
		return VERDICT_unreachable;
	case RTN_PROHIBIT:
		return VERDICT_prohibit;
	case RTN_THROW:
		return VERDICT_throw;
	default:
		return VERDICT_unsupported_route;
	}
}

/*
 * What the table local decides, by a route of its own or by one that covers the prefix, is local,
 * broadcast or multicast and nothing else: policy rules look no further than that.
 *
 * Tables are looked up one after the other, each by its own longest match; the map knows one longest
 * match of all. They differ where the table local has a shorter one (by hand: the kernel's own are
 * /32, and 127/8). The kernel merges local and main until the first policy rule ever, and then the
 * longer one wins: unknown. A throw route of that table is not told from the others.
 */
static enum verdict by_local_table(const struct mirror *mirror, const struct rib_entry *entry,
				   const struct mirror_candidate *head)
{
	if (head && head->table == RT_TABLE_LOCAL) {
		enum verdict verdict = verdict_of_type(head->type);

		return verdict == VERDICT_broadcast || verdict == VERDICT_multicast ? verdict
										    : VERDICT_local;
	}
	if (mirror_wide_locals(mirror) && is_covered_by(mirror, rib_prefix(entry), RT_TABLE_LOCAL))
		return VERDICT_local;
	return VERDICT_forwarded;
}

/* Without rules some kernels ask `default` after any error of main, a blackhole too (fib_lookup() in
 * include/net/ip_fib.h). What a nexthop object is may change without the route. */
static bool may_go_on(const struct mirror *mirror, const struct mirror_candidate *c)
{
	return c->type == RTN_UNICAST ? mirror_nexthop(mirror, c->nexthop)->nhid != 0 : true;
}

/*
 * May it be the other one of main and default that decides? Where the prefix is in `default` only and
 * main has a shorter one; and where main may pass it on to `default`, which has this one or a shorter.
 */
static bool is_by_other_table(const struct mirror *mirror, const struct rib_entry *entry,
			      const struct mirror_candidate *head)
{
	struct prefix prefix = rib_prefix(entry);

	if (head->table == RT_TABLE_DEFAULT)
		return is_covered_by(mirror, prefix, RT_TABLE_MAIN);
	return mirror_default_candidates(mirror) && may_go_on(mirror, head) &&
	       (has_table(mirror, entry, RT_TABLE_DEFAULT) ||
		is_covered_by(mirror, prefix, RT_TABLE_DEFAULT));
}

/*
 * Properties of the list of which the fast path knows nothing: of those from head on that are looked
 * up, which are the plain tables together or one other table.
 */
static bool is_list_unsupported(const struct mirror *mirror, const struct rib_entry *entry,
				const struct mirror_candidate *head, bool plain)
{
	const struct mirror_candidate *c;

	if (head->unsupported)
		return true;
	for (c = head; c && (plain ? decides(c) : c->table == head->table);
	     c = next_of(mirror, c)) {
		if (c->tos)
			return true;
		/* The kernel rotates among equal default routes as gateways die. */
		if (entry->len == 0 && c->table == head->table && c->priority == head->priority &&
		    c->nexthop != head->nexthop)
			return true;
	}
	return false;
}

static void by_type(const struct mirror_candidate *head, struct resolved_route *ret)
{
	ret->verdict = verdict_of_type(head->type);
	if (head->nexthop)
		*ret = (struct resolved_route){ .nexthop = head->nexthop, .candidate = head };
}

bool resolve_route(const struct mirror *mirror, const struct rib_entry *entry,
		   struct resolved_route *ret)
{
	const struct mirror_candidate *head =
		entry->candidates ? mirror_candidate(mirror, entry->candidates) : NULL;
	uint32_t nexthop = 0;
	const struct user_route *user = mirror_user_of(mirror, entry, &nexthop);

	if (head && !decides(head))
		head = NULL;
	if (!head && !user)
		return false;
	*ret = (struct resolved_route){ .candidate = head };
	ret->verdict = by_local_table(mirror, entry, head);
	if (ret->verdict != VERDICT_forwarded)
		return true;
	if (user) {
		*ret = (struct resolved_route){ .nexthop = nexthop, .user = user };
		return true;
	}
	if (!mirror_kernel_routes(mirror) || mirror_user_hides(mirror, rib_prefix(entry)))
		return false;
	if (is_list_unsupported(mirror, entry, head, true))
		ret->verdict = VERDICT_unsupported_route;
	else if (is_by_other_table(mirror, entry, head))
		ret->verdict = VERDICT_policy_rule;
	else
		by_type(head, ret);
	return true;
}

bool resolve_route_in(const struct mirror *mirror, const struct rib_entry *entry, uint32_t table,
		      struct resolved_route *ret)
{
	const struct mirror_candidate *head =
		entry->candidates ? mirror_candidate(mirror, entry->candidates) : NULL;

	while (head && head->table != table)
		head = next_of(mirror, head);
	if (!head)
		return false;
	*ret = (struct resolved_route){ .candidate = head };
	if (is_list_unsupported(mirror, entry, head, false))
		ret->verdict = VERDICT_unsupported_route;
	else
		by_type(head, ret);
	return true;
}

const struct rib_entry *resolve_lookup(const struct mirror *mirror, uint32_t addr,
				       struct resolved_route *ret)
{
	const struct rib_entry *entry = rib_match(mirror_rib(mirror), addr);

	for (; entry; entry = rib_cover(mirror_rib(mirror), rib_prefix(entry)))
		if (resolve_route(mirror, entry, ret))
			return entry;
	*ret = (struct resolved_route){ .verdict = VERDICT_no_route };
	return NULL;
}
