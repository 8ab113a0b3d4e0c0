// SPDX-License-Identifier: GPL-2.0-only
/* Maps of keys, and the engine: what is wrong or foreign in them, and what is missing. */
#include "audit_internal.h"

#include <errno.h>
#include "verify_words.h"

static const char *device_name(const struct daemon *d, uint32_t ifindex, char buf[IFNAMSIZ])
{
	const struct mirror_link *link = mirror_link(d->mirror, ifindex);

	if (link)
		snprintf(buf, IFNAMSIZ, "%s", link->e.name);
	else
		snprintf(buf, IFNAMSIZ, "if%u", ifindex);
	return buf;
}

/* As datapath_fix_..() have it. */
static int put(struct daemon *d, enum datapath_table table, const void *key, const void *value)
{
	int err = datapath_put(d->datapath, table, key, value);

	return err ? err : 1;
}

/* ---- own addresses ---------------------------------------------------------------------- */

static void tell_own(struct daemon *d, __be32 addr, int fixed)
{
	char text[INET_ADDRSTRLEN];

	audit_tell(d, fixed, "own address %s", address_format(ntohl(addr), text));
}

static int on_own(void *ctx, const void *key, const void *value)
{
	struct daemon *d = ctx;
	uint8_t should;
	__be32 addr;

	memcpy(&addr, key, sizeof(addr));
	should = fib_own_record(d->fib, addr);
	if (memcmp(&should, value, sizeof(should)) != 0)
		tell_own(d, addr, put(d, TABLE_OWN, key, should ? &should : NULL));
	return 0;
}

static int has_own(void *ctx, __be32 addr, uint8_t kind)
{
	struct daemon *d = ctx;

	datapath_own_filter_add(d->datapath, addr);
	if (!datapath_has(d->datapath, TABLE_OWN, &addr, &kind))
		tell_own(d, addr, put(d, TABLE_OWN, &addr, &kind));
	return 0;
}

/* The last part: what is missing. */
int audit_own(struct daemon *d)
{
	int more = datapath_walk_some(d->datapath, TABLE_OWN, &d->audit->cursor, on_own, d);

	if (more)
		return more;
	datapath_own_filter_begin(d->datapath);
	fib_walk_own(d->fib, has_own, d);
	audit_tell(d, datapath_own_filter_end(d->datapath), "filter of own addresses");
	return 0;
}

/* ---- MAC addresses of devices above ------------------------------------------------------ */

static void tell_mac(struct daemon *d, union ingress_mac key, int fixed)
{
	char device[IFNAMSIZ];
	const uint8_t *m = key.mac;

	audit_tell(d, fixed, "ingress MAC address %02x:%02x:%02x:%02x:%02x:%02x dev %s", m[0], m[1],
		   m[2], m[3], m[4], m[5],
		   device_name(d, fib_ifindex_of(d->fib, key.port), device));
}

static int on_mac(void *ctx, const void *key, const void *value)
{
	struct daemon *d = ctx;
	union ingress_mac mac;
	uint64_t should, is;

	memcpy(&mac, key, sizeof(mac));
	memcpy(&is, value, sizeof(is));
	should = fib_mac_record(d->fib, mac);
	if (should != is)
		tell_mac(d, mac, put(d, TABLE_INGRESS_MACS, key, should ? &should : NULL));
	return 0;
}

static int has_mac(void *ctx, union ingress_mac key, uint16_t port)
{
	struct daemon *d = ctx;
	uint64_t value = port;

	if (!datapath_has(d->datapath, TABLE_INGRESS_MACS, &key, &value))
		tell_mac(d, key, put(d, TABLE_INGRESS_MACS, &key, &value));
	return 0;
}

int audit_macs(struct daemon *d)
{
	int more =
		datapath_walk_some(d->datapath, TABLE_INGRESS_MACS, &d->audit->cursor, on_mac, d);

	return more ? more : fib_walk_macs(d->fib, has_mac, d);
}

/* ---- neighbours ------------------------------------------------------------------------- */

static void tell_neighbour(struct daemon *d, struct neighbour_key key, int fixed)
{
	char text[INET_ADDRSTRLEN], device[IFNAMSIZ];

	audit_tell(d, fixed, "neighbour %s dev %s", address_format(ntohl(key.addr), text),
		   device_name(d, key.ifindex, device));
}

static struct neighbour neighbour_of(struct neighbour_key key, uint32_t adjacency)
{
	return (struct neighbour){ .adjacency = adjacency, .check = neighbour_check(key) };
}

static int on_neighbour(void *ctx, const void *key, const void *value)
{
	struct daemon *d = ctx;
	struct neighbour_key copy;
	struct neighbour should;

	memcpy(&copy, key, sizeof(copy));
	should = neighbour_of(copy, fib_neighbour_record(d->fib, copy));
	if (!should.adjacency)
		tell_neighbour(d, copy, put(d, TABLE_NEIGHBOURS, key, NULL));
	else if (memcmp(&should, value, sizeof(should)) != 0)
		tell_neighbour(d, copy, put(d, TABLE_NEIGHBOURS, key, &should));
	return 0;
}

static int has_neighbour(void *ctx, struct neighbour_key key, uint32_t adjacency)
{
	struct neighbour value = neighbour_of(key, adjacency);
	struct daemon *d = ctx;

	if (!datapath_has(d->datapath, TABLE_NEIGHBOURS, &key, &value))
		tell_neighbour(d, key, put(d, TABLE_NEIGHBOURS, &key, &value));
	return 0;
}

int audit_neighbours(struct daemon *d)
{
	int more = datapath_walk_some(d->datapath, TABLE_NEIGHBOURS, &d->audit->cursor,
				      on_neighbour, d);

	return more ? more : fib_walk_entered(d->fib, has_neighbour, d);
}

/* ---- routes of the tables of policy rules ------------------------------------------------- */

static void tell_policy_route(struct daemon *d, const struct policy_key *key, int fixed)
{
	char text[PREFIX_STRLEN];

	if (key->prefixlen < 32)
		audit_tell(d, fixed, "policy routes: entry of %u bits", key->prefixlen);
	else
		audit_tell(d, fixed, "policy route %s of table number %u",
			   prefix_format(prefix_make(ntohl(key->addr), key->prefixlen - 32), text),
			   key->table);
}

static int on_policy_route(void *ctx, const void *key, const void *value)
{
	uint32_t should = LEAF_DEFAULT, is;
	struct policy_key copy;
	struct daemon *d = ctx;

	memcpy(&copy, key, sizeof(copy));
	memcpy(&is, value, sizeof(is));
	if (copy.prefixlen >= 32)
		should = fib_policy_record(d->fib, copy.table,
					   prefix_make(ntohl(copy.addr), copy.prefixlen - 32));
	if (should == is && is != LEAF_DEFAULT)
		return 0;
	if (should == LEAF_DEFAULT)
		memset(&d->audit->cursor, 0,
		       sizeof(d->audit->cursor)); /* it may be what it stands on */
	tell_policy_route(d, &copy,
			  put(d, TABLE_POLICY_ROUTES, key,
			      should == LEAF_DEFAULT ? NULL : &should));
	return 0;
}

static int no_policy_route(void *ctx, uint32_t table, struct prefix prefix, uint32_t leaf)
{
	struct policy_key key = { .prefixlen = 32 + prefix.len,
				  .table = table,
				  .addr = htonl(prefix.addr) };

	tell_policy_route(ctx, &key, put(ctx, TABLE_POLICY_ROUTES, &key, &leaf));
	return 0;
}

int audit_policy_routes(struct daemon *d)
{
	enum { PARTS = 1024 }; /* many times what it holds, should the walk begin anew */
	int more;

	if (!d->audit->part)
		fib_policy_unsee(d->fib);
	if (d->audit->part == PARTS)
		return -EAGAIN;
	more = datapath_walk_some(d->datapath, TABLE_POLICY_ROUTES, &d->audit->cursor,
				  on_policy_route, d);
	return more ? more : fib_policy_unseen(d->fib, no_policy_route, d);
}

/* ---- the engine -------------------------------------------------------------------------- */

static void end_run(struct daemon *d)
{
	struct audit *a = d->audit;
	char text[RANGE_LEN];

	if (!a->in_run)
		return;
	a->in_run = false;
	audit_tell(d, a->run_err ? a->run_err : 1, "entry of %s",
		   range_format(a->run_first, a->run_last, text));
}

static void on_repaired(void *ctx, uint32_t first, uint32_t last, int err)
{
	struct daemon *d = ctx;
	struct audit *a = d->audit;

	if (a->in_run && !err && !a->run_err && a->run_last != UINT32_MAX &&
	    a->run_last + 1 == first) {
		a->run_last = last;
		return;
	}
	end_run(d);
	a->in_run = true;
	a->run_first = first;
	a->run_last = last;
	a->run_err = err;
}

int audit_engine(struct daemon *d)
{
	int more = fib_repair_engine(d->fib, d->audit->part, on_repaired, d);

	if (more <= 0 || d->audit->in_run)
		end_run(d);
	return more;
}
