// SPDX-License-Identifier: GPL-2.0-only
/*
 * The recording sink: maps, what may be written into them, what is seen after each write, and the list
 * engine.
 */
#include "support_recorder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>
#include <sys/mman.h>
#include "support_packets.h"

static struct recorder *rec_of(struct fib_sink *sink)
{
	return (struct recorder *)sink;
}

static struct recorder *rec_of_engine(const struct fib_engine *engine)
{
	return (struct recorder *)((char *)engine - offsetof(struct recorder, engine));
}

/* ---- what may still be held ------------------------------------------------------------------ */

static void reach_adjacency(struct recorder *rec, uint32_t index)
{
	rec->adjacency_live[index] = rec->adjacency_held[index] = true;
}

static void reach_slot(struct recorder *rec, uint32_t leaf)
{
	union nexthop_word word;

	if (leaf < LEAF_FIRST_SLOT || leaf >= REC_ITEMS || rec->slot_live[leaf])
		return;
	rec->slot_live[leaf] = rec->slot_held[leaf] = true;
	word.word = rec->nexthops[leaf];
	if (word.nexthop.kind == NEXTHOP_ADJACENCY)
		reach_adjacency(rec, word.nexthop.arg);
	if (word.nexthop.kind != NEXTHOP_GROUP)
		return;
	rec->row_live[word.nexthop.arg] = rec->row_held[word.nexthop.arg] = true;
	for (int i = 0; i < GROUP_BUCKETS; i++)
		reach_slot(rec, rec->groups[word.nexthop.arg].bucket[i]);
}

void recorder_reach(struct recorder *rec)
{
	memset(rec->slot_live, 0, sizeof(rec->slot_live));
	memset(rec->row_live, 0, sizeof(rec->row_live));
	memset(rec->adjacency_live, 0, sizeof(rec->adjacency_live));
	for (uint32_t i = 0; i < rec->n_routes; i++)
		reach_slot(rec, rec->routes[i].leaf);
	reach_slot(rec, rec->default_leaf);
	for (uint32_t i = 0; i < rec->n_policy_routes; i++)
		reach_slot(rec, rec->policy_routes[i].leaf);
	for (uint32_t i = 0; i < rec->n_neighbours; i++)
		reach_adjacency(rec, rec->neighbour_values[i]);
}

static void trace_packets(struct recorder *rec)
{
	if (rec->n_packet_trace + rec->n_packets > rec->packet_trace_room) {
		rec->packet_trace_room = 2 * (rec->n_packet_trace + rec->n_packets);
		rec->packet_trace = realloc(rec->packet_trace,
					    rec->packet_trace_room * sizeof(*rec->packet_trace));
		assert_non_null(rec->packet_trace);
	}
	for (uint32_t i = 0; i < rec->n_packets; i++)
		packet_look(rec, &rec->packets[i], &rec->packet_trace[rec->n_packet_trace++]);
}

/* After every write. */
static void wrote(struct recorder *rec, enum recorder_op op, uint64_t what, uint64_t value)
{
	rec->counts[op]++;
	rec->last_op_of[op] = ++rec->sequence;
	rec->log[rec->sequence % REC_LOG] = (struct recorder_entry){ op, what, value };
	if (!rec->watching)
		return;
	recorder_reach(rec);
	if (rec->n_trace + rec->n_watch > rec->trace_room) {
		rec->trace_room = 2 * (rec->n_trace + rec->n_watch);
		rec->trace = realloc(rec->trace, rec->trace_room * sizeof(*rec->trace));
		rec->sources = realloc(rec->sources, rec->trace_room * sizeof(*rec->sources));
		assert_non_null(rec->trace);
		assert_non_null(rec->sources);
	}
	for (uint32_t i = 0; i < rec->n_watch; i++) {
		rec->sources[rec->n_trace] = recorder_sources(rec, rec->watch[i]);
		recorder_lookup(rec, rec->watch[i], &rec->trace[rec->n_trace++]);
	}
	trace_packets(rec);
}

static int refuse(struct recorder *rec, enum recorder_op op)
{
	return rec->fail_errno && rec->fail_op == (int)op ? -rec->fail_errno : 0;
}

static bool names_port(uint64_t word, uint16_t port)
{
	union reverse_word reverse = { .word = word };

	for (int i = 0; i < REVERSE_PORTS; i++)
		if (word && reverse.port[i] == port)
			return true;
	return false;
}

/* Nothing that tells ports apart may name it. */
static void check_unnamed(const struct recorder *rec, uint16_t port)
{
	for (uint32_t i = 0; i < rec->n_macs; i++)
		if (rec->macs[i].port == port || rec->mac_ports[i] == port)
			fail_msg("port %u goes, and ingress_macs names it", port);
	for (uint32_t i = 0; i < rec->n_steps; i++)
		if (rec->steps[i].port == port)
			fail_msg("port %u goes, and step %u names it", port, i);
	for (int i = 0; i < REC_ITEMS; i++)
		if (rec->slot_live[i] && names_port(rec->reverse[i], port))
			fail_msg("port %u goes, and slot %d accepts it", port, i);
}

/* ---- the sink -------------------------------------------------------------------------------- */

static int set_port(struct fib_sink *sink, uint16_t port, const struct port *value)
{
	struct recorder *rec = rec_of(sink);

	if (refuse(rec, OP_SET_PORT))
		return refuse(rec, OP_SET_PORT);
	assert_true(port > 0 && port < sink->limits.ports);
	assert_true(value->ifindex && value->ifindex < REC_LINKS);
	assert_true(memcmp(&rec->ports[port], value, sizeof(*value)) != 0);
	if (rec->port_history[port] && rec->port_history[port] != value->ifindex)
		fail_msg("port %u reused before a grace period", port);
	for (int i = 0; rec->watching && !rec->ports[port].ifindex && i < REC_ITEMS; i++)
		if (rec->slot_held[i] && names_port(rec->reverse[i], port))
			fail_msg("slot %d accepts what port %u was before", i, port);
	rec->port_history[port] = value->ifindex;
	rec->ports[port] = *value;
	rec->port_of_ifindex[value->ifindex] = port;
	wrote(rec, OP_SET_PORT, port, value->ifindex);
	return 0;
}

static int del_port(struct fib_sink *sink, uint16_t port, uint32_t ifindex)
{
	struct recorder *rec = rec_of(sink);

	if (refuse(rec, OP_DEL_PORT))
		return refuse(rec, OP_DEL_PORT);
	assert_int_equal(rec->ports[port].ifindex, ifindex);
	recorder_reach(rec);
	check_unnamed(rec, port);
	memset(&rec->ports[port], 0, sizeof(rec->ports[port]));
	rec->port_of_ifindex[ifindex] = 0;
	wrote(rec, OP_DEL_PORT, port, ifindex);
	return 0;
}

static int renew_port(struct fib_sink *sink, uint16_t port, uint32_t ifindex)
{
	struct recorder *rec = rec_of(sink);

	if (refuse(rec, OP_RENEW_PORT))
		return refuse(rec, OP_RENEW_PORT);
	assert_true(ifindex && rec->ports[port].ifindex == ifindex);
	wrote(rec, OP_RENEW_PORT, port, ifindex);
	return 0;
}

static int set_adjacency(struct fib_sink *sink, uint32_t index, uint64_t word)
{
	struct recorder *rec = rec_of(sink);

	if (refuse(rec, OP_SET_ADJACENCY))
		return refuse(rec, OP_SET_ADJACENCY);
	assert_true(index > 0 && index < sink->limits.adjacencies);
	assert_true(rec->adjacencies[index] != word);
	if (rec->watching && rec->adjacency_held[index] && !rec->adjacency_live[index])
		fail_msg("adjacency %u reused before a grace period", index);
	rec->adjacencies[index] = word;
	wrote(rec, OP_SET_ADJACENCY, index, word);
	return 0;
}

static int set_neighbour(struct fib_sink *sink, struct neighbour_key key, uint32_t adjacency)
{
	struct recorder *rec = rec_of(sink);

	if (refuse(rec, OP_SET_NEIGHBOUR))
		return refuse(rec, OP_SET_NEIGHBOUR);
	assert_int_equal(recorder_neighbour(rec, key.addr, key.ifindex), 0);
	if (rec->n_neighbours >= rec->neighbour_limit)
		return -ENOSPC;
	rec->neighbours[rec->n_neighbours] = key;
	rec->neighbour_values[rec->n_neighbours++] = adjacency;
	wrote(rec, OP_SET_NEIGHBOUR, key.addr, adjacency);
	return 0;
}

static int del_neighbour(struct fib_sink *sink, struct neighbour_key key)
{
	struct recorder *rec = rec_of(sink);
	uint32_t i = 0;

	if (refuse(rec, OP_DEL_NEIGHBOUR))
		return refuse(rec, OP_DEL_NEIGHBOUR);
	while (i < rec->n_neighbours &&
	       (rec->neighbours[i].addr != key.addr || rec->neighbours[i].ifindex != key.ifindex))
		i++;
	assert_true(i < rec->n_neighbours);
	rec->n_neighbours--;
	rec->neighbours[i] = rec->neighbours[rec->n_neighbours];
	rec->neighbour_values[i] = rec->neighbour_values[rec->n_neighbours];
	wrote(rec, OP_DEL_NEIGHBOUR, key.addr, 0);
	return 0;
}

static int set_nexthop(struct fib_sink *sink, uint32_t slot, uint64_t word)
{
	struct recorder *rec = rec_of(sink);

	if (refuse(rec, OP_SET_NEXTHOP))
		return refuse(rec, OP_SET_NEXTHOP);
	assert_true(slot >= LEAF_FIRST_SLOT && slot < sink->limits.nexthops);
	assert_true(rec->nexthops[slot] != word);
	/* Another use starts by unsetting it. */
	if (rec->watching && rec->slot_held[slot] && !word)
		fail_msg("slot %u reused before a grace period", slot);
	if (!word)
		assert_int_equal(rec->reverse[slot], 0);
	rec->nexthops[slot] = word;
	wrote(rec, OP_SET_NEXTHOP, slot, word);
	return 0;
}

static int set_reverse(struct fib_sink *sink, uint32_t slot, uint64_t word)
{
	union reverse_word reverse = { .word = word };
	struct recorder *rec = rec_of(sink);

	if (refuse(rec, OP_SET_REVERSE))
		return refuse(rec, OP_SET_REVERSE);
	assert_true(slot >= LEAF_FIRST_SLOT && slot < sink->limits.nexthops);
	assert_true(rec->reverse[slot] != word);
	for (int i = 0; word && i < REVERSE_PORTS; i++)
		if (reverse.port[i] != REVERSE_NO_PORT)
			assert_true(reverse.port[i] && reverse.port[i] < sink->limits.ports &&
				    rec->ports[reverse.port[i]].ifindex);
	rec->reverse[slot] = word;
	wrote(rec, OP_SET_REVERSE, slot, word);
	return 0;
}

static int set_group(struct fib_sink *sink, uint32_t index, const struct group *value)
{
	struct recorder *rec = rec_of(sink);

	if (refuse(rec, OP_SET_GROUP))
		return refuse(rec, OP_SET_GROUP);
	assert_true(index > 0 && index < sink->limits.groups);
	if (rec->watching && rec->row_held[index])
		fail_msg("group row %u written while a program may read it", index);
	rec->groups[index] = *value;
	wrote(rec, OP_SET_GROUP, index, value->bucket[0]);
	return 0;
}

static int set_own_address(struct fib_sink *sink, __be32 addr, uint8_t kind)
{
	struct recorder *rec = rec_of(sink);
	uint32_t i = 0;

	if (refuse(rec, OP_OWN_ADDRESS))
		return refuse(rec, OP_OWN_ADDRESS);
	assert_true(recorder_own_kind(rec, addr) != kind);
	while (i < rec->n_own && rec->own[i] != addr)
		i++;
	if (i == rec->n_own) {
		if (rec->n_own >= rec->own_limit)
			return -ENOSPC;
		rec->own[rec->n_own++] = addr;
	}
	rec->own_kinds[i] = kind;
	if (!kind) {
		rec->own[i] = rec->own[--rec->n_own];
		rec->own_kinds[i] = rec->own_kinds[rec->n_own];
	}
	wrote(rec, OP_OWN_ADDRESS, addr, kind);
	return 0;
}

uint8_t recorder_own_kind(const struct recorder *rec, __be32 addr)
{
	for (uint32_t i = 0; i < rec->n_own; i++)
		if (rec->own[i] == addr)
			return rec->own_kinds[i];
	return 0;
}

static int set_ingress_mac(struct fib_sink *sink, union ingress_mac key, uint16_t port)
{
	struct recorder *rec = rec_of(sink);
	uint32_t i = 0;

	if (refuse(rec, OP_INGRESS_MAC))
		return refuse(rec, OP_INGRESS_MAC);
	assert_true(rec->ports[key.port].ifindex && (!port || rec->ports[port].ifindex));
	while (i < rec->n_macs && rec->macs[i].word != key.word)
		i++;
	assert_true(!port == (i < rec->n_macs));
	if (port && rec->n_macs >= rec->mac_limit)
		return -ENOSPC;
	if (port) {
		rec->macs[rec->n_macs] = key;
		rec->mac_ports[rec->n_macs++] = port;
	} else {
		rec->macs[i] = rec->macs[--rec->n_macs];
		rec->mac_ports[i] = rec->mac_ports[rec->n_macs];
	}
	wrote(rec, OP_INGRESS_MAC, key.word, port);
	return 0;
}

uint32_t recorder_upper(const struct recorder *rec, uint32_t lower, const uint8_t mac[6])
{
	for (uint32_t i = 0; i < rec->n_macs; i++)
		if (rec->macs[i].port == rec->port_of_ifindex[lower] &&
		    memcmp(rec->macs[i].mac, mac, 6) == 0)
			return rec->ports[rec->mac_ports[i]].ifindex;
	return 0;
}

static int set_policy(struct fib_sink *sink, const struct policy_step *steps, uint32_t n)
{
	struct recorder *rec = rec_of(sink);

	assert_true(rec->hold && rec->hold_waited);
	if (refuse(rec, OP_POLICY)) { /* half done */
		memset(rec->steps, 0, sizeof(rec->steps));
		return refuse(rec, OP_POLICY);
	}
	assert_true(n > 0 && n <= POLICY_STEPS);
	for (uint32_t i = 0; i < n; i++) {
		assert_true(!steps[i].port || rec->ports[steps[i].port].ifindex);
		assert_true(steps[i].arg <
			    (steps[i].flags & POLICY_VERDICT ? VERDICT_COUNT : POLICY_TABLE_LIMIT));
		rec->steps[i] = steps[i];
	}
	wrote(rec, OP_POLICY, n, 0);
	return 0;
}

static int set_policy_route(struct fib_sink *sink, uint32_t table, struct prefix prefix,
			    uint32_t leaf)
{
	struct recorder *rec = rec_of(sink);
	struct recorder_policy_route *r = rec->policy_routes;

	if (refuse(rec, OP_POLICY_ROUTE))
		return refuse(rec, OP_POLICY_ROUTE);
	assert_true(table > 0 && table < POLICY_TABLE_LIMIT);
	while (r < rec->policy_routes + rec->n_policy_routes &&
	       (r->table != table || !prefix_equal(r->prefix, prefix)))
		r++;
	if (r == rec->policy_routes + rec->n_policy_routes) {
		assert_int_not_equal(leaf, LEAF_DEFAULT);
		if (rec->n_policy_routes >= rec->policy_route_limit)
			return -ENOSPC;
		rec->n_policy_routes++;
		*r = (struct recorder_policy_route){ .table = table, .prefix = prefix };
	}
	assert_int_not_equal(r->leaf, leaf);
	r->leaf = leaf;
	if (leaf == LEAF_DEFAULT)
		*r = rec->policy_routes[--rec->n_policy_routes];
	wrote(rec, OP_POLICY_ROUTE, (uint64_t)prefix.addr << 8 | prefix.len, leaf);
	return 0;
}

static int set_default_leaf(struct fib_sink *sink, uint32_t leaf)
{
	struct recorder *rec = rec_of(sink);

	if (refuse(rec, OP_DEFAULT_LEAF))
		return refuse(rec, OP_DEFAULT_LEAF);
	assert_true(leaf != LEAF_DEFAULT);
	rec->default_leaf = leaf;
	wrote(rec, OP_DEFAULT_LEAF, 0, leaf);
	return 0;
}

static int set_cpu(struct fib_sink *sink, uint32_t cpu, bool in)
{
	struct recorder *rec = rec_of(sink);

	if (refuse(rec, OP_CPU))
		return refuse(rec, OP_CPU);
	assert_true(cpu < REC_CPUS && rec->cpus[cpu] != in);
	rec->cpus[cpu] = in;
	wrote(rec, OP_CPU, cpu, in);
	return 0;
}

static int set_control(struct fib_sink *sink, const struct fib_control *control)
{
	struct recorder *rec = rec_of(sink);

	if (refuse(rec, OP_CONTROL))
		return refuse(rec, OP_CONTROL);
	if (control->policy_steps != rec->n_steps)
		assert_true(rec->hold && rec->hold_waited && control->hold);
	if (!rec->hold && control->hold)
		rec->hold_waited = false;
	rec->n_steps = control->policy_steps;
	rec->hold = control->hold;
	rec->flags = control->flags;
	rec->hash_policy = control->hash_policy;
	wrote(rec, OP_CONTROL, control->hold, control->flags);
	return 0;
}

static void grace(struct fib_sink *sink)
{
	struct recorder *rec = rec_of(sink);

	rec->counts[OP_GRACE]++;
	rec->hold_waited = true;
	memset(rec->slot_held, 0, sizeof(rec->slot_held));
	memset(rec->row_held, 0, sizeof(rec->row_held));
	memset(rec->adjacency_held, 0, sizeof(rec->adjacency_held));
	for (int i = 0; i < REC_ITEMS; i++)
		rec->port_history[i] = rec->ports[i].ifindex;
	recorder_reach(rec);
}

static const struct fib_sink_ops sink_ops = {
	.set_port = set_port,
	.del_port = del_port,
	.renew_port = renew_port,
	.set_adjacency = set_adjacency,
	.set_neighbour = set_neighbour,
	.del_neighbour = del_neighbour,
	.set_nexthop = set_nexthop,
	.set_reverse = set_reverse,
	.set_group = set_group,
	.set_own_address = set_own_address,
	.set_ingress_mac = set_ingress_mac,
	.set_policy = set_policy,
	.set_policy_route = set_policy_route,
	.set_default_leaf = set_default_leaf,
	.set_cpu = set_cpu,
	.set_control = set_control,
	.grace = grace,
};

/* ---- the engine ------------------------------------------------------------------------------ */

static struct recorder_route *route_find(struct recorder *rec, struct prefix prefix)
{
	for (uint32_t i = 0; i < rec->n_routes; i++)
		if (prefix_equal(rec->routes[i].prefix, prefix))
			return &rec->routes[i];
	return NULL;
}

static struct recorder_route *cover_find(struct recorder *rec, struct prefix prefix)
{
	struct recorder_route *best = NULL;

	for (uint32_t i = 0; i < rec->n_routes; i++) {
		struct recorder_route *r = &rec->routes[i];

		if (r->prefix.len < prefix.len && prefix_covers(r->prefix, prefix) &&
		    (!best || r->prefix.len > best->prefix.len))
			best = r;
	}
	return best;
}

/* The list also of what the inner engine holds: it checks covers, and says what is reachable. */
static int engine_set(struct fib_engine *engine, struct prefix prefix, uint32_t leaf,
		      struct prefix *ret_mark)
{
	struct recorder *rec = rec_of_engine(engine);
	struct recorder_route *r = route_find(rec, prefix), *cover;
	int err;

	if (refuse(rec, OP_ROUTE_SET))
		return refuse(rec, OP_ROUTE_SET);
	assert_true(leaf != LEAF_DEFAULT && prefix.len > 0);
	assert_true(!r || r->leaf != leaf);
	if (rec->inner) {
		err = rec->inner->ops->set(rec->inner, prefix, leaf, ret_mark);
		if (err)
			return err;
	} else if (!r && rec->n_routes >= rec->route_limit) {
		cover = cover_find(rec, prefix);
		*ret_mark = cover ? cover->prefix : prefix_make(0, 0);
		return -ENOSPC;
	} else if (!r && rec->n_routes + rec->freed_routes >= rec->route_limit) {
		return -EAGAIN;
	}
	if (!r) {
		assert_true(rec->n_routes < REC_ROUTES);
		r = &rec->routes[rec->n_routes++];
	}
	*r = (struct recorder_route){ prefix, leaf };
	wrote(rec, OP_ROUTE_SET, (uint64_t)prefix.addr << 8 | prefix.len, leaf);
	return 0;
}

static int engine_del(struct fib_engine *engine, struct prefix prefix, struct prefix cover,
		      uint32_t cover_leaf)
{
	struct recorder *rec = rec_of_engine(engine);
	struct recorder_route *r = route_find(rec, prefix);
	struct recorder_route *c = cover_find(rec, prefix);
	int err = 0;

	if (refuse(rec, OP_ROUTE_DEL))
		return refuse(rec, OP_ROUTE_DEL);
	assert_non_null(r);
	assert_true(prefix_equal(cover, c ? c->prefix : prefix_make(0, 0)));
	assert_int_equal(cover_leaf, c ? c->leaf : LEAF_DEFAULT);
	if (rec->inner)
		err = rec->inner->ops->del(rec->inner, prefix, cover, cover_leaf);
	assert_int_equal(err, 0);
	*r = rec->routes[--rec->n_routes];
	rec->freed_routes++;
	wrote(rec, OP_ROUTE_DEL, (uint64_t)prefix.addr << 8 | prefix.len, cover_leaf);
	return 0;
}

static uint32_t engine_room_for(struct fib_engine *engine, const struct prefix *prefixes,
				uint32_t n)
{
	struct recorder *rec = rec_of_engine(engine);
	uint32_t left = rec->route_limit - rec->n_routes;

	for (uint32_t i = 0; i < n; i++)
		assert_null(route_find(rec, prefixes[i]));
	if (rec->inner)
		return rec->inner->ops->room_for(rec->inner, prefixes, n);
	return n < left ? n : left;
}

static uint32_t engine_lookup(const struct fib_engine *engine, uint32_t addr)
{
	return recorder_leaf(rec_of_engine(engine), addr);
}

static void engine_grace(struct fib_engine *engine)
{
	struct recorder *rec = rec_of_engine(engine);

	rec->freed_routes = 0;
	if (rec->inner)
		rec->inner->ops->grace(rec->inner);
}

static bool engine_wants_grace(const struct fib_engine *engine)
{
	struct recorder *rec = rec_of_engine(engine);

	return rec->inner ? rec->inner->ops->wants_grace(rec->inner) : rec->freed_routes > 0;
}

static const struct fib_engine_ops engine_ops = {
	.name = "recorder",
	.set = engine_set,
	.del = engine_del,
	.room_for = engine_room_for,
	.full = "the list is full",
	.lookup = engine_lookup,
	.grace = engine_grace,
	.wants_grace = engine_wants_grace,
};

/* ---- life ------------------------------------------------------------------------------------ */

struct recorder *recorder_new(struct fib_limits limits, uint32_t route_limit, uint32_t dir24_rows)
{
	struct recorder *rec = calloc(1, sizeof(*rec));

	assert_non_null(rec);
	assert_true(limits.nexthops <= REC_ITEMS && limits.groups <= REC_ITEMS &&
		    limits.adjacencies <= REC_ITEMS && limits.ports <= REC_ITEMS);
	rec->sink = (struct fib_sink){ .ops = &sink_ops, .engine = &rec->engine, .limits = limits };
	rec->engine_ops = engine_ops;
	rec->engine_ops.row_len = dir24_rows ? 24 : 0;
	rec->engine.ops = &rec->engine_ops;
	rec->route_limit = route_limit;
	rec->routes = calloc(REC_ROUTES, sizeof(*rec->routes));
	rec->neighbour_limit = rec->own_limit = REC_ITEMS;
	rec->mac_limit = rec->policy_route_limit = REC_ITEMS;
	assert_non_null(rec->routes);
	if (dir24_rows) {
		rec->table_size =
			(DIR24_ENTRIES + (size_t)dir24_rows * DIR24_ROW) * sizeof(*rec->table);
		rec->table = mmap(NULL, rec->table_size, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		assert_true(rec->table != MAP_FAILED);
		rec->rows = rec->table + DIR24_ENTRIES;
		assert_int_equal(fib_dir24_new(&rec->inner, rec->table, rec->rows, dir24_rows), 0);
	}
	return rec;
}

void recorder_free(struct recorder *rec)
{
	if (rec->inner) {
		rec->inner->ops->destroy(rec->inner);
		munmap(rec->table, rec->table_size);
	}
	free(rec->trace);
	free(rec->sources);
	free(rec->packet_trace);
	free(rec->routes);
	free(rec);
}

void recorder_watch(struct recorder *rec, uint32_t addr)
{
	for (uint32_t i = 0; i < rec->n_watch; i++)
		if (rec->watch[i] == addr)
			return;
	if (rec->n_watch < REC_WATCH)
		rec->watch[rec->n_watch++] = addr;
}

void recorder_watch_packet(struct recorder *rec, const struct recorder_packet *packet)
{
	if (rec->n_packets < REC_PACKETS)
		rec->packets[rec->n_packets++] = *packet;
}

void recorder_watch_edges(struct recorder *rec, struct prefix prefix)
{
	uint32_t last = prefix.addr | ~prefix_mask(prefix.len);

	recorder_watch(rec, prefix.addr);
	recorder_watch(rec, last);
	recorder_watch(rec, prefix.addr - 1);
	recorder_watch(rec, last + 1);
}

void recorder_print_log(const struct recorder *rec, uint32_t n)
{
	static const char *const names[] = {
		[OP_SET_PORT] = "set_port",
		[OP_DEL_PORT] = "del_port",
		[OP_RENEW_PORT] = "renew_port",
		[OP_SET_ADJACENCY] = "set_adjacency",
		[OP_SET_NEIGHBOUR] = "set_neighbour",
		[OP_DEL_NEIGHBOUR] = "del_neighbour",
		[OP_SET_NEXTHOP] = "set_nexthop",
		[OP_SET_REVERSE] = "set_reverse",
		[OP_SET_GROUP] = "set_group",
		[OP_OWN_ADDRESS] = "own_address",
		[OP_INGRESS_MAC] = "ingress_mac",
		[OP_POLICY] = "policy",
		[OP_POLICY_ROUTE] = "policy_route",
		[OP_DEFAULT_LEAF] = "default_leaf",
		[OP_CPU] = "cpu",
		[OP_CONTROL] = "control",
		[OP_GRACE] = "grace",
		[OP_ROUTE_SET] = "route set",
		[OP_ROUTE_DEL] = "route del",
	};

	for (uint32_t i = rec->sequence - (n < REC_LOG ? n : REC_LOG); i < rec->sequence; i++) {
		const struct recorder_entry *entry = &rec->log[(i + 1) % REC_LOG];

		print_error("%u %s %llx %llx\n", i + 1, names[entry->op],
			    (unsigned long long)entry->what, (unsigned long long)entry->value);
	}
}

void recorder_reset_counts(struct recorder *rec)
{
	memset(rec->counts, 0, sizeof(rec->counts));
}
