// SPDX-License-Identifier: GPL-2.0-only
/* Neighbours and own addresses: what the maps lack, what they have too much, what is wrong. */
#include "verify_internal.h"

/* ---- neighbours ------------------------------------------------------------------------ */

/* Shall the destination be found in `neighbours`? */
static const struct mirror_neighbour *wanted_neighbour(const struct mirror *mirror,
						       struct neighbour_key key)
{
	const struct mirror_link *link = mirror_link(mirror, key.ifindex);
	struct addr addr = addr_v4(key.addr);
	const struct mirror_neighbour *n = mirror_neighbour(mirror, key.ifindex, &addr);
	struct port port;

	return link && n && resolve_neighbour_valid(n) && resolve_port(mirror, link, &port) ? n
											    : NULL;
}

static struct neighbour_key key_of(const struct subject *s)
{
	return (struct neighbour_key){ .addr = htonl(s->first), .ifindex = s->ifindex };
}

struct neighbour_look {
	const struct mirror_neighbour *wanted; /* NULL: none */
	bool there;
	union neighbour_word found;
	union adjacency_word to;
	uint32_t ifindex; /* of the port that `to` names */
};

static bool look_at_neighbour(struct verify *v, struct neighbour_key key,
			      struct neighbour_look *ret)
{
	ret->wanted = wanted_neighbour(v->mirror, key);
	ret->there = datapath_find_neighbour(v->dp, key, &ret->found);
	if (!ret->there) /* what found no room is counted, and told by a flag */
		return ret->wanted && !(datapath_control_flags(v->dp) & CONTROL_NEIGHBOURS_FULL) &&
		       datapath_port_of_ifindex(v->dp, key.ifindex);
	ret->to = datapath_adjacency(v->dp, ret->found.neighbour.adjacency);
	ret->ifindex = datapath_port(v->dp, ret->to.target.port).ifindex;
	return !ret->wanted || ret->found.neighbour.check != neighbour_check(key) ||
	       ret->ifindex != key.ifindex ||
	       memcmp(ret->to.target.mac, ret->wanted->e.mac, sizeof(ret->to.target.mac)) != 0;
}

static bool neighbour_differs(struct verify *v, const struct subject *s, uint32_t *ret_signature)
{
	struct neighbour_look at;
	bool differs = look_at_neighbour(v, key_of(s), &at);

	*ret_signature = signature_of(at.wanted ? table_hash(at.wanted->e.mac, 6) : 0,
				      at.there ? table_hash(&at.to, sizeof(at.to)) : 0);
	return differs;
}

bool verify_neighbour_differs(struct verify *v, struct neighbour_key key)
{
	struct neighbour_look at;

	return look_at_neighbour(v, key, &at);
}

static const char *neighbour_cause(struct verify *v, struct neighbour_key key,
				   const struct neighbour_look *at)
{
	const struct mirror_neighbour *known = wanted_neighbour(v->d->mirror, key);
	struct addr addr = addr_v4(key.addr);
	uint32_t index = fib_adjacency_of(v->d->fib, key.ifindex, &addr);

	if (!known != !at->wanted ||
	    (known && memcmp(known->e.mac, at->wanted->e.mac, sizeof(known->e.mac)) != 0))
		return "the daemon's mirror differs from the kernel too";
	if (!at->there || !at->wanted || at->found.neighbour.adjacency != index ||
	    at->found.neighbour.check != neighbour_check(key))
		return "the entry is not as the daemon wrote it";
	return fib_adjacency_word(v->d->fib, index) != at->to.word
		       ? "the adjacency is not as the daemon wrote it"
		       : "the daemon's mirror is right, and it wrote this";
}

static void neighbour_describe(struct verify *v, const struct subject *s, json_t *row)
{
	char address[INET_ADDRSTRLEN], device[IFNAMSIZ], mac[MAC_LEN];
	struct neighbour_look at;

	look_at_neighbour(v, key_of(s), &at);
	put_text(row, "dst", "%s", address_format(s->first, address));
	put_text(row, "dev", "%s", device_format(v->mirror, s->ifindex, device));
	if (at.wanted)
		put_text(row, "kernel", "lladdr %s", mac_format(at.wanted->e.mac, mac));
	else
		put_text(row, "kernel", "no valid neighbour");
	if (!at.there)
		put_text(row, "fastpath", "no entry");
	else if (at.found.neighbour.check != neighbour_check(key_of(s)))
		put_text(row, "fastpath", "an entry for another neighbour");
	else
		put_text(row, "fastpath", "lladdr %s dev %s", mac_format(at.to.target.mac, mac),
			 device_format(v->mirror, at.ifindex, device));
	put_text(row, "cause", "%s", neighbour_cause(v, key_of(s), &at));
}

const struct subject_type verify_neighbour_type = {
	.name = "neighbour",
	.differs = neighbour_differs,
	.describe = neighbour_describe,
};

static int note_neighbour(struct verify *v, struct neighbour_key key)
{
	struct subject s = { .kind = SUBJECT_NEIGHBOUR,
			     .first = ntohl(key.addr),
			     .ifindex = key.ifindex };

	return verify_note(v, &s);
}

static int on_mirrored(void *ctx, const struct mirror_neighbour *n)
{
	struct neighbour_key key = { .addr = n->e.addr.v4, .ifindex = n->e.ifindex };
	struct verify *v = ctx;

	if (n->e.addr.family != AF_INET || !wanted_neighbour(v->mirror, key))
		return 0;
	v->counts.neighbours++;
	return note_neighbour(v, key);
}

static int on_entry(void *ctx, struct neighbour_key key)
{
	struct verify *v = ctx;

	return wanted_neighbour(v->mirror, key) ? 0 : note_neighbour(v, key);
}

int verify_neighbours(struct verify *v)
{
	int err = mirror_walk_neighbours(v->mirror, on_mirrored, v);

	return err ? err : datapath_walk_neighbours(v->dp, on_entry, v);
}

/* ---- own addresses ---------------------------------------------------------------------- */

static const char *own_name(uint8_t kind)
{
	switch (kind) {
	case 0:
		return "none of this machine's addresses";
	case OWN_ADDRESS:
		return "an address of this machine";
	default:
		return "a broadcast address, or the like, of this machine";
	}
}

static bool own_differs(struct verify *v, const struct subject *s, uint32_t *ret_signature)
{
	__be32 addr = htonl(s->first);
	uint8_t should = mirror_own_kind(v->mirror, addr), is = datapath_find_own(v->dp, addr);
	bool hidden = is && !datapath_own_filter(v->dp, addr);

	*ret_signature = signature_of(should, is) + hidden;
	return should != is || hidden;
}

static void own_describe(struct verify *v, const struct subject *s, json_t *row)
{
	__be32 addr = htonl(s->first);
	uint8_t should = mirror_own_kind(v->mirror, addr), is = datapath_find_own(v->dp, addr);
	char text[INET_ADDRSTRLEN];

	put_text(row, "src", "%s", address_format(s->first, text));
	put_text(row, "kernel", "%s", own_name(should));
	put_text(row, "fastpath", "%s%s", own_name(is),
		 is && !datapath_own_filter(v->dp, addr) ? ", its bit in the filter is missing"
							 : "");
	put_text(row, "cause", "%s",
		 mirror_own_kind(v->d->mirror, addr) == should
			 ? "the daemon's mirror is right: the map is not as it wrote it"
			 : "the daemon's mirror differs from the kernel too");
}

const struct subject_type verify_own_type = {
	.name = "own_address",
	.differs = own_differs,
	.describe = own_describe,
};

static int note_own(struct verify *v, __be32 addr)
{
	struct subject s = { .kind = SUBJECT_OWN, .first = ntohl(addr) };

	return verify_note(v, &s);
}

/* With a host route of its own, as they all have, it is looked at once, there. */
static int on_address(void *ctx, const struct mirror_address *a)
{
	struct verify *v = ctx;
	struct prefix host = prefix_make(ntohl(a->e.local), 32);

	return rib_find(mirror_rib(v->mirror), host) ? 0 : note_own(v, a->e.local);
}

static int on_host_route(void *ctx, struct rib_entry *entry)
{
	struct verify *v = ctx;

	if (entry->len != 32 || !mirror_own_kind(v->mirror, htonl(entry->addr)))
		return 0;
	v->counts.own_addresses++;
	return note_own(v, htonl(entry->addr));
}

static int on_own_entry(void *ctx, __be32 addr)
{
	struct verify *v = ctx;

	return mirror_own_kind(v->mirror, addr) ? 0 : note_own(v, addr);
}

int verify_own(struct verify *v)
{
	int err = mirror_walk_addresses(v->mirror, on_address, v);

	if (!err)
		err = rib_walk_below(mirror_rib(v->mirror), prefix_make(0, 0), on_host_route, v);
	return err ? err : datapath_walk_own(v->dp, on_own_entry, v);
}
