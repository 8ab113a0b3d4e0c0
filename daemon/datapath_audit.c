// SPDX-License-Identifier: GPL-2.0-only
/* The maps read back entry by entry, see datapath_audit.h. */
#include "datapath_audit.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include "datapath_maps.h"

enum {
	WALK_BATCH = 4096,     /* entries of one system call; a bucket of a hash must fit */
	WALK_ROUNDS = 1 << 12, /* of these: many times what a map holds, should it begin anew */
};

const struct control *datapath_control(const struct datapath *dp)
{
	return dp->control;
}

enum engine datapath_engine(const struct datapath *dp)
{
	return dp->options.engine;
}

uint32_t datapath_raw_leaf(const struct datapath *dp, uint32_t addr)
{
	return dp->sink.engine->ops->lookup(dp->sink.engine, addr);
}

const uint16_t *datapath_dir24_table(const struct datapath *dp)
{
	return dp->options.engine == ENGINE_DIR24 ? dp->dir24.memory : NULL;
}

const uint16_t *datapath_dir24_row(const struct datapath *dp, uint32_t row)
{
	if (dp->options.engine != ENGINE_DIR24 || row >= dp->options.extension_groups)
		return NULL;
	return (const uint16_t *)dp->dir24_groups.memory + (size_t)row * DIR24_ROW;
}

uint32_t datapath_port_limit(const struct datapath *dp)
{
	return dp->options.ports;
}

uint64_t datapath_port_of_ifindex(const struct datapath *dp, uint32_t ifindex)
{
	return ifindex < IFINDEX_LIMIT
		       ? SHARED_READ(((const uint64_t *)dp->port_of_ifindex.memory)[ifindex])
		       : 0;
}

uint32_t datapath_tx_ifindex(const struct datapath *dp, uint32_t port)
{
	uint32_t xdp, tc;

	if (bpf_map_lookup_elem(bpf_map__fd(dp->router->maps.tx_ports), &port, &xdp) ||
	    bpf_map_lookup_elem(bpf_map__fd(dp->router->maps.tc_ports), &port, &tc))
		return 0;
	return xdp == tc ? xdp : 0;
}

bool datapath_find_neighbour(const struct datapath *dp, struct neighbour_key key,
			     union neighbour_word *ret)
{
	return !bpf_map_lookup_elem(bpf_map__fd(dp->router->maps.neighbours), &key, ret);
}

uint32_t datapath_find_policy_route(const struct datapath *dp, uint32_t table, struct prefix prefix)
{
	struct policy_key key = { .prefixlen = 32 + prefix.len,
				  .table = table,
				  .addr = htonl(prefix.addr) };
	uint32_t leaf;

	if (bpf_map_lookup_elem(bpf_map__fd(dp->router->maps.policy_routes), &key, &leaf))
		return 0;
	return leaf;
}

uint8_t datapath_find_own(const struct datapath *dp, __be32 addr)
{
	uint8_t kind;

	if (bpf_map_lookup_elem(bpf_map__fd(dp->router->maps.own_addresses), &addr, &kind))
		return 0;
	return kind;
}

bool datapath_own_filter(const struct datapath *dp, __be32 addr)
{
	uint32_t bit = own_filter_bit(addr);

	return SHARED_READ(dp->control->own_filter[bit / 64]) >> bit % 64 & 1;
}

/* ---- walks --------------------------------------------------------------------------- */

struct walk {
	int (*each)(const struct walk *walk, const void *key, const void *value);
	void *fn, *ctx;
	uint32_t key_size, value_size;
};

static int walk_batch(const struct walk *walk, const uint8_t *keys, const uint8_t *values,
		      uint32_t n)
{
	int err = 0;

	for (uint32_t i = 0; i < n && !err; i++)
		err = walk->each(walk, keys + i * walk->key_size, values + i * walk->value_size);
	return err;
}

static int walk_map(const struct bpf_map *map, struct walk *walk)
{
	uint8_t batch[16], *keys, *values;
	uint32_t n;
	int err = 0, end = 0;

	walk->key_size = bpf_map__key_size(map);
	walk->value_size = bpf_map__value_size(map);
	keys = malloc((size_t)WALK_BATCH * walk->key_size);
	values = malloc((size_t)WALK_BATCH * walk->value_size);
	if (!keys || !values)
		err = -ENOMEM;
	for (int round = 0; !err && !end; round++) {
		n = WALK_BATCH;
		end = bpf_map_lookup_batch(bpf_map__fd(map), round ? batch : NULL, batch, keys,
					   values, &n, NULL);
		if (end && end != -ENOENT)
			err = end;
		else if (round == WALK_ROUNDS)
			err = -EAGAIN;
		else
			err = walk_batch(walk, keys, values, n);
	}
	free(keys);
	free(values);
	return err;
}

static int each_neighbour(const struct walk *walk, const void *key, const void *value)
{
	int (*const *fn)(void *, struct neighbour_key) = walk->fn;
	struct neighbour_key copy;

	(void)value;
	memcpy(&copy, key, sizeof(copy));
	return (*fn)(walk->ctx, copy);
}

int datapath_walk_neighbours(const struct datapath *dp,
			     int (*fn)(void *ctx, struct neighbour_key key), void *ctx)
{
	struct walk walk = { .each = each_neighbour, .fn = &fn, .ctx = ctx };

	return walk_map(dp->router->maps.neighbours, &walk);
}

static int each_own(const struct walk *walk, const void *key, const void *value)
{
	int (*const *fn)(void *, __be32) = walk->fn;
	__be32 addr;

	(void)value;
	memcpy(&addr, key, sizeof(addr));
	return (*fn)(walk->ctx, addr);
}

int datapath_walk_own(const struct datapath *dp, int (*fn)(void *ctx, __be32 addr), void *ctx)
{
	struct walk walk = { .each = each_own, .fn = &fn, .ctx = ctx };

	return walk_map(dp->router->maps.own_addresses, &walk);
}

static int each_ingress_mac(const struct walk *walk, const void *key, const void *value)
{
	int (*const *fn)(void *, union ingress_mac) = walk->fn;
	union ingress_mac copy;

	(void)value;
	memcpy(&copy, key, sizeof(copy));
	return (*fn)(walk->ctx, copy);
}

int datapath_walk_ingress_macs(const struct datapath *dp,
			       int (*fn)(void *ctx, union ingress_mac key), void *ctx)
{
	struct walk walk = { .each = each_ingress_mac, .fn = &fn, .ctx = ctx };

	return walk_map(dp->router->maps.ingress_macs, &walk);
}

static int each_policy_route(const struct walk *walk, const void *key, const void *value)
{
	int (*const *fn)(void *, uint32_t, struct prefix) = walk->fn;
	struct policy_key copy;

	(void)value;
	memcpy(&copy, key, sizeof(copy));
	return (*fn)(walk->ctx, copy.table,
		     (struct prefix){ ntohl(copy.addr), copy.prefixlen - 32 });
}

int datapath_walk_policy_routes(const struct datapath *dp,
				int (*fn)(void *ctx, uint32_t table, struct prefix prefix),
				void *ctx)
{
	struct walk walk = { .each = each_policy_route, .fn = &fn, .ctx = ctx };

	return walk_map(dp->router->maps.policy_routes, &walk);
}

static int each_lpm(const struct walk *walk, const void *key, const void *value)
{
	int (*const *fn)(void *, struct prefix, uint32_t) = walk->fn;
	struct lpm_key copy;
	uint32_t leaf;

	memcpy(&copy, key, sizeof(copy));
	memcpy(&leaf, value, sizeof(leaf));
	return (*fn)(walk->ctx, (struct prefix){ ntohl(copy.addr), copy.prefixlen }, leaf);
}

int datapath_walk_lpm(const struct datapath *dp,
		      int (*fn)(void *ctx, struct prefix prefix, uint32_t leaf), void *ctx)
{
	struct walk walk = { .each = each_lpm, .fn = &fn, .ctx = ctx };

	return walk_map(dp->router->maps.lpm, &walk);
}
