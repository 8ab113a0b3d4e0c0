// SPDX-License-Identifier: GPL-2.0-only
/*
 * Adjacencies: where a neighbour's frames go, one for each (link, address) however many routes use
 * it. A neighbour that changes is one write here.
 *
 * There is one for every gateway of a slot, unresolved (word 0) until its neighbour is valid (one of
 * family AF_PACKET is its MAC address itself, as a user route says), and
 * for every valid IPv4 neighbour on a port, entered in `neighbours` for connected routes. One that
 * found no room is here all the same, with index 0 or not entered, and is tried again when there is.
 */
#include "fib_internal.h"

#include <stdlib.h>
#include "fib_record.h"

static uint32_t key_hash(const struct mirror_neighbour_key *key)
{
	if (key->addr.family == AF_INET)
		return table_hash_u32(key->addr.v4 ^ table_hash_u32(key->ifindex));
	return table_hash(key->addr.v6, sizeof(key->addr.v6)) ^ table_hash_u32(key->ifindex);
}

static struct fib_adjacency *adjacency_find(const struct fib *fib,
					    const struct mirror_neighbour_key *key)
{
	struct table_node *node = table_find(&fib->adjacencies, key_hash(key));

	for (; node; node = table_find_next(node)) {
		struct fib_adjacency *adjacency = container_of(node, struct fib_adjacency, node);

		if (adjacency->key.ifindex == key->ifindex &&
		    addr_equal(&adjacency->key.addr, &key->addr))
			return adjacency;
	}
	return NULL;
}

static struct fib_adjacency *adjacency_find_or_new(struct fib *fib,
						   const struct mirror_neighbour_key *key)
{
	struct fib_adjacency *adjacency = adjacency_find(fib, key);

	if (adjacency)
		return adjacency;
	adjacency = calloc(1, sizeof(*adjacency));
	if (!adjacency)
		return NULL;
	adjacency->key = *key;
	if (table_insert(&fib->adjacencies, &adjacency->node, key_hash(key))) {
		free(adjacency);
		return NULL;
	}
	return adjacency;
}

static void make_idle(struct fib *fib, struct fib_adjacency *adjacency)
{
	if (adjacency->idle || adjacency->refs || adjacency->wanted)
		return;
	adjacency->idle = true;
	adjacency->next_idle = fib->idle_adjacencies;
	fib->idle_adjacencies = adjacency;
}

static bool is_left_out(const struct fib_adjacency *adjacency)
{
	return adjacency->wanted && !adjacency->entered;
}

/* In or out of `neighbours`, as wanted. */
static int enter(struct fib *fib, struct fib_adjacency *adjacency)
{
	struct neighbour_key key = { .addr = adjacency->key.addr.v4,
				     .ifindex = adjacency->key.ifindex };
	const struct fib_sink_ops *ops = fib->sink->ops;
	int err;

	if (adjacency->wanted && adjacency->index && !adjacency->entered) {
		err = ops->set_neighbour(fib->sink, key, adjacency->index);
		if (err == -ENOSPC)
			return 0;
		if (fib_wrote(fib, err))
			return err;
		adjacency->entered = true;
		fib->n_entered++;
	} else if (!adjacency->wanted && adjacency->entered) {
		err = fib_wrote(fib, ops->del_neighbour(fib->sink, key));
		if (err)
			return err;
		adjacency->entered = false;
		fib->n_entered--;
		fib->neighbour_freed = true;
	}
	return 0;
}

static int write_word(struct fib *fib, struct fib_adjacency *adjacency, uint64_t word)
{
	uint32_t index = adjacency->index;
	int err;

	if (!index || fib->adjacency_words[index] == word)
		return 0;
	err = fib_wrote(fib, fib->sink->ops->set_adjacency(fib->sink, index, word));
	if (!err)
		fib->adjacency_words[index] = word;
	return err;
}

int fib_adjacency_sync(struct fib *fib, struct fib_adjacency *adjacency)
{
	const struct mirror_neighbour *n =
		mirror_neighbour(fib->mirror, adjacency->key.ifindex, &adjacency->key.addr);
	uint16_t port = fib_port_usable(fib, adjacency->key.ifindex);
	bool valid = port && n && resolve_neighbour_valid(n);
	union adjacency_word word = { .word = 0 };
	int err;

	if (port && adjacency->key.addr.family == AF_PACKET) {
		memcpy(word.target.mac, adjacency->key.addr.v6, sizeof(word.target.mac));
		word.target.port = port;
	} else if (valid) {
		memcpy(word.target.mac, n->e.mac, sizeof(word.target.mac));
		word.target.port = port;
	}
	fib->n_left_out -= is_left_out(adjacency);
	adjacency->wanted = valid && adjacency->key.addr.family == AF_INET;
	if (!adjacency->index && (adjacency->refs || adjacency->wanted))
		adjacency->index = fib_number_take(fib, &fib->adjacency_numbers);
	err = write_word(fib, adjacency, word.word);
	if (!err)
		err = enter(fib, adjacency);
	fib->n_left_out += is_left_out(adjacency);
	make_idle(fib, adjacency);
	return err;
}

struct fib_adjacency *fib_adjacency_get(struct fib *fib, uint32_t ifindex, const struct addr *addr)
{
	struct mirror_neighbour_key key = { .ifindex = ifindex, .addr = *addr };
	struct fib_adjacency *adjacency = adjacency_find_or_new(fib, &key);

	if (adjacency)
		adjacency->refs++;
	return adjacency;
}

void fib_adjacency_put(struct fib *fib, struct fib_adjacency *adjacency)
{
	if (!adjacency)
		return;
	adjacency->refs--;
	make_idle(fib, adjacency);
}

int fib_neighbour_sync(struct fib *fib, const struct mirror_neighbour_key *key)
{
	const struct mirror_neighbour *n = mirror_neighbour(fib->mirror, key->ifindex, &key->addr);
	struct fib_adjacency *adjacency = adjacency_find(fib, key);

	if (!adjacency && n && resolve_neighbour_valid(n) && key->addr.family == AF_INET &&
	    fib_port_usable(fib, key->ifindex)) {
		adjacency = adjacency_find_or_new(fib, key);
		if (!adjacency)
			return -ENOMEM;
	}
	return adjacency ? fib_adjacency_sync(fib, adjacency) : 0;
}

struct on_ports {
	struct fib *fib;
	bool all;
	int err;
};

static int sync_on_port(void *ctx, const struct mirror_neighbour *n)
{
	struct mirror_neighbour_key key = { .ifindex = n->e.ifindex, .addr = n->e.addr };
	struct on_ports *on = ctx;
	int err = 0;

	if (on->all || fib_port_turned(on->fib, n->e.ifindex))
		err = fib_neighbour_sync(on->fib, &key);
	on->err = on->err ? on->err : err;
	return 0;
}

int fib_neighbours_sync(struct fib *fib, bool all)
{
	struct on_ports on = { .fib = fib, .all = all };
	struct table_walk walk = { 0 };
	struct table_node *node;
	int err;

	/* Those that have an adjacency first: they may need their neighbours no longer. */
	while ((node = table_walk_next(&fib->adjacencies, &walk))) {
		struct fib_adjacency *adjacency = container_of(node, struct fib_adjacency, node);

		if (!all && !fib_port_turned(fib, adjacency->key.ifindex))
			continue;
		err = fib_adjacency_sync(fib, adjacency);
		on.err = on.err ? on.err : err;
	}
	mirror_walk_neighbours(fib->mirror, sync_on_port, &on);
	if (!on.err)
		fib_ports_settle(fib);
	return on.err;
}

void fib_adjacencies_retry(struct fib *fib)
{
	struct table_walk walk = { 0 };
	struct table_node *node;

	while ((node = table_walk_next(&fib->adjacencies, &walk))) {
		struct fib_adjacency *adjacency = container_of(node, struct fib_adjacency, node);

		if (adjacency->idle || (adjacency->index && !is_left_out(adjacency)))
			continue;
		fib_failed(fib, fib_adjacency_sync(fib, adjacency));
	}
}

void fib_adjacencies_release(struct fib *fib)
{
	struct fib_adjacency *adjacency;

	while ((adjacency = fib->idle_adjacencies)) {
		fib->idle_adjacencies = adjacency->next_idle;
		adjacency->idle = false;
		if (adjacency->refs || adjacency->wanted || adjacency->entered)
			continue;
		table_remove(&fib->adjacencies, &adjacency->node);
		if (adjacency->index)
			fib_number_give(&fib->adjacency_numbers, adjacency->index);
		free(adjacency);
	}
}

void fib_adjacencies_destroy(struct fib *fib)
{
	struct table_walk walk = { 0 };
	struct table_node *node;

	while ((node = table_walk_next(&fib->adjacencies, &walk)))
		free(container_of(node, struct fib_adjacency, node));
	table_destroy(&fib->adjacencies);
	free(fib->adjacency_words);
}

uint32_t fib_adjacency_of(const struct fib *fib, uint32_t ifindex, const struct addr *addr)
{
	struct mirror_neighbour_key key = { .ifindex = ifindex, .addr = *addr };
	const struct fib_adjacency *adjacency = adjacency_find(fib, &key);

	return adjacency ? adjacency->index : 0;
}

uint64_t fib_adjacency_word(const struct fib *fib, uint32_t index)
{
	return index < fib->adjacency_numbers.limit ? fib->adjacency_words[index] : 0;
}

uint32_t fib_neighbour_record(const struct fib *fib, struct neighbour_key key)
{
	struct mirror_neighbour_key of = { .ifindex = key.ifindex, .addr = addr_v4(key.addr) };
	const struct fib_adjacency *adjacency = adjacency_find(fib, &of);

	return adjacency && adjacency->entered ? adjacency->index : 0;
}

int fib_walk_entered(const struct fib *fib,
		     int (*fn)(void *ctx, struct neighbour_key key, uint32_t adjacency), void *ctx)
{
	struct table_walk walk = { 0 };
	struct table_node *node;
	int err = 0;

	while (!err && (node = table_walk_next(&fib->adjacencies, &walk))) {
		const struct fib_adjacency *a = container_of(node, struct fib_adjacency, node);
		struct neighbour_key key = { .addr = a->key.addr.v4, .ifindex = a->key.ifindex };

		if (a->entered)
			err = fn(ctx, key, a->index);
	}
	return err;
}

int fib_walk_unresolved(const struct fib *fib,
			int (*fn)(void *ctx, uint32_t ifindex, const struct addr *addr), void *ctx)
{
	struct table_walk walk = { 0 };
	struct table_node *node;
	int err = 0;

	while (!err && (node = table_walk_next(&fib->adjacencies, &walk))) {
		const struct fib_adjacency *a = container_of(node, struct fib_adjacency, node);

		if (a->asked && a->refs && a->index && !fib->adjacency_words[a->index] &&
		    fib_port_usable(fib, a->key.ifindex))
			err = fn(ctx, a->key.ifindex, &a->key.addr);
	}
	return err;
}

int fib_walk_adjacencies(const struct fib *fib,
			 int (*fn)(void *ctx, uint32_t index, uint32_t ifindex,
				   const struct addr *addr),
			 void *ctx)
{
	struct table_walk walk = { 0 };
	struct table_node *node;
	int err = 0;

	while (!err && (node = table_walk_next(&fib->adjacencies, &walk))) {
		const struct fib_adjacency *adjacency =
			container_of(node, struct fib_adjacency, node);

		if (adjacency->index)
			err = fn(ctx, adjacency->index, adjacency->key.ifindex,
				 &adjacency->key.addr);
	}
	return err;
}
