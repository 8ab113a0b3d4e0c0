// SPDX-License-Identifier: GPL-2.0-only
/*
 * Packets: what the program does with one, and what the kernel says of the same one.
 *
 * The program's own decision (explain.h) for a packet that comes in by an attached device, from some
 * sender, against the kernel's look-up for that device and that sender: policy rules, reverse path
 * filters, martian senders and all. Only what the program forwards or drops is judged.
 */
#include "verify_internal.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include "explain.h"

enum {
	DEVICES_MAX = 64, /* by which packets are thought to come in */
	PACKETS_AT_A_TIME = 1024,
	PACKET_TTL = 64,
	PACKET_SIZE = 100,
};

/*
 * False where the kernel gets it. Ports are left out on both sides: the kernel is asked for UDP from 0
 * to 0, the program for any. A sender 0 would mean any to explain.h.
 */
static bool decide(const struct verify *v, const struct subject *s, struct explained *ret)
{
	struct explain_query query = {
		.iif = mirror_link(v->d->mirror, s->ifindex),
		.dst = htonl(s->first),
		.src = htonl(s->last),
		.protocol = IPPROTO_UDP,
		.ttl = PACKET_TTL,
		.size = PACKET_SIZE,
	};

	/* Of a source too: by its route the reverse path filter may let it in. */
	if (is_by_user(v, s->first) || is_by_user(v, s->last))
		return false;
	return s->last && query.iif && explain_is_ingress(v->d, query.iif) &&
	       !explain_packet(v->d, &query, ret) &&
	       (ret->verdict == VERDICT_forwarded || ret->verdict == VERDICT_dropped);
}

static bool is_allowed(const struct verify *v, const struct subject *s,
		       const struct explained *decided, int err, const struct event_route *route)
{
	struct hop hop = { .kind = HOP_NEIGHBOUR, .ifindex = decided->oif };

	if (decided->verdict == VERDICT_dropped)
		return err == -EINVAL;
	memcpy(hop.mac, decided->mac, sizeof(hop.mac));
	return !err && kernel_allows(v->mirror, route, s->first, &hop);
}

/* ---- one packet ------------------------------------------------------------------------ */

struct look {
	struct verify *v;
	const struct subject *s;
	struct explained decided;
	bool allowed;
	int err;
	char text[OUTCOME_LEN];
};

static int take_one(void *ctx, size_t i, int err, const struct event_route *route)
{
	struct look *at = ctx;

	(void)i;
	at->err = err;
	at->allowed = is_allowed(at->v, at->s, &at->decided, err, route);
	kernel_format(at->v->mirror, err, route, at->text);
	return 0;
}

static struct route_query question_of(const struct subject *s)
{
	return (struct route_query){ .dst = htonl(s->first),
				     .src = htonl(s->last),
				     .iif = s->ifindex };
}

static bool look(struct verify *v, const struct subject *s, struct look *ret)
{
	struct route_query query = question_of(s);

	*ret = (struct look){ .v = v, .s = s, .allowed = true };
	return decide(v, s, &ret->decided) &&
	       !netlink_queries_ask(v->queries, &query, 1, take_one, ret) && !ret->allowed;
}

static bool packet_differs(struct verify *v, const struct subject *s, uint32_t *ret_signature)
{
	struct look at;
	bool differs = look(v, s, &at) && !verify_route_differs(v, s->first);

	*ret_signature = signature_of(at.err, at.decided.verdict + at.decided.oif);
	return differs;
}

static void packet_describe(struct verify *v, const struct subject *s, json_t *row)
{
	char dst[INET_ADDRSTRLEN], src[INET_ADDRSTRLEN], device[IFNAMSIZ], mac[MAC_LEN];
	struct look at;

	look(v, s, &at);
	put_text(row, "dst", "%s", address_format(s->first, dst));
	put_text(row, "src", "%s", address_format(s->last, src));
	put_text(row, "dev", "%s", device_format(v->mirror, s->ifindex, device));
	put_text(row, "kernel", "%s", at.text);
	if (at.decided.verdict == VERDICT_dropped)
		put_text(row, "fastpath", "dropped (blackhole)");
	else
		put_text(row, "fastpath", "dev %s lladdr %s",
			 device_format(v->mirror, at.decided.oif, device),
			 mac_format(at.decided.mac, mac));
	put_text(row, "cause", "what the program does is not what the kernel does");
}

const struct subject_type verify_packet_type = {
	.name = "packet",
	.differs = packet_differs,
	.describe = packet_describe,
};

/* ---- many ------------------------------------------------------------------------------ */

struct batch {
	struct verify *v;
	struct subject subjects[PACKETS_AT_A_TIME]; /* that the program takes */
	struct explained decided[PACKETS_AT_A_TIME];
	struct route_query queries[PACKETS_AT_A_TIME];
	unsigned int n;
};

static int take_many(void *ctx, size_t i, int err, const struct event_route *route)
{
	struct batch *batch = ctx;
	const struct subject *s = &batch->subjects[i];

	if (is_allowed(batch->v, s, &batch->decided[i], err, route) || batch->v->overflow ||
	    verify_route_differs(batch->v, s->first))
		return 0;
	return vec_push(&batch->v->subjects, s, sizeof(*s));
}

static int flush(struct batch *batch)
{
	struct verify *v = batch->v;
	uint32_t begin = v->subjects.n;
	int err = verify_is_unwanted(v) ? -EPIPE
					: netlink_queries_ask(v->queries, batch->queries, batch->n,
							      take_many, batch);

	batch->n = 0;
	for (uint32_t i = begin; i < v->subjects.n; i++) {
		struct subject *s = (struct subject *)v->subjects.items + i;

		packet_differs(v, s, &s->signature);
	}
	return err;
}

static int add(struct batch *batch, const struct subject *s)
{
	unsigned int i = batch->n;

	batch->v->counts.packets++;
	if (!decide(batch->v, s, &batch->decided[i]))
		return 0;
	batch->subjects[i] = *s;
	batch->queries[i] = question_of(s);
	return ++batch->n == PACKETS_AT_A_TIME ? flush(batch) : 0;
}

/* ---- senders --------------------------------------------------------------------------- */

struct devices {
	uint32_t ifindex[DEVICES_MAX];
	struct prefix network[DEVICES_MAX]; /* of one of its addresses; length 0: it has none */
	unsigned int n;
};

struct network_search {
	uint32_t ifindex;
	struct prefix found;
};

static int is_network_of(void *ctx, const struct mirror_address *a)
{
	struct network_search *search = ctx;

	if (a->e.ifindex != search->ifindex || a->e.prefix_len > 30)
		return 0;
	search->found = prefix_make(ntohl(a->e.local), a->e.prefix_len);
	return 1;
}

static void find_devices(const struct verify *v, struct devices *ret)
{
	const struct mirror_link *link;

	ret->n = 0;
	for (link = mirror_next_link(v->d->mirror, 0); link && ret->n < DEVICES_MAX;
	     link = mirror_next_link(v->d->mirror, link->e.ifindex)) {
		struct network_search search = { .ifindex = link->e.ifindex };

		if (!explain_is_ingress(v->d, link))
			continue;
		mirror_walk_addresses(v->mirror, is_network_of, &search);
		ret->ifindex[ret->n] = link->e.ifindex;
		ret->network[ret->n++] = search.found;
	}
}

/* Every other one a neighbour there, the others from anywhere. */
static uint32_t sender(const struct verify *v, const struct devices *devices, unsigned int device,
		       uint64_t *state)
{
	struct prefix network = devices->network[device];
	uint32_t which = random_next(state);

	if (which & 4 || !network.len)
		return sample_address(v, which, state);
	return network.addr | (random_next(state) & ~prefix_mask(network.len));
}

int verify_packets(struct verify *v, const uint32_t *addresses, size_t n)
{
	struct batch *batch = calloc(1, sizeof(*batch));
	struct devices devices;
	uint64_t state;
	int err = batch ? random_begin(&state) : -ENOMEM;

	find_devices(v, &devices);
	if (!err)
		batch->v = v;
	for (size_t i = 0; i < n && devices.n && !err && !datapath_control_hold(v->dp); i++) {
		/* Not in turn: the addresses are of different kinds, in turn. */
		unsigned int device = random_next(&state) % devices.n;
		struct subject s = { .kind = SUBJECT_PACKET,
				     .first = addresses[i],
				     .last = sender(v, &devices, device, &state),
				     .ifindex = devices.ifindex[device] };

		err = add(batch, &s);
	}
	if (!err)
		err = flush(batch);
	free(batch);
	return err;
}
