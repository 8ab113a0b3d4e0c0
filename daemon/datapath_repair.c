// SPDX-License-Identifier: GPL-2.0-only
/* See datapath_repair.h. */
#include "datapath_repair.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include "datapath_maps.h"

enum {
	SOME = 1024, /* entries of one system call; a bucket of a hash must fit */
};

/* ---- tables in memory ------------------------------------------------------------------- */

static int fix_word(uint64_t *place, uint64_t word)
{
	if (SHARED_READ(*place) == word)
		return 0;
	SHARED_WRITE(*place, word);
	return 1;
}

static int fix_number(uint32_t *place, uint32_t number)
{
	if (SHARED_READ(*place) == number)
		return 0;
	SHARED_WRITE(*place, number);
	return 1;
}

int datapath_fix_nexthop(struct datapath *dp, uint32_t slot, uint64_t word, uint64_t reverse)
{
	struct nexthop_entry *entry = &((struct nexthop_entry *)dp->nexthops.memory)[slot];

	return fix_word((uint64_t *)&entry->word, word) |
	       fix_word((uint64_t *)&entry->reverse, reverse);
}

int datapath_fix_adjacency(struct datapath *dp, uint32_t index, uint64_t word)
{
	return fix_word((uint64_t *)&((struct adjacency *)dp->adjacencies.memory)[index].word,
			word);
}

int datapath_fix_group(struct datapath *dp, uint32_t row, const struct group *value)
{
	struct group *group = &((struct group *)dp->groups.memory)[row];
	int fixed = 0;

	for (uint32_t i = 0; i < GROUP_BUCKETS; i++)
		fixed |= fix_number(&group->bucket[i], value->bucket[i]);
	return fixed;
}

int datapath_fix_port(struct datapath *dp, uint16_t number, const struct port *value)
{
	uint64_t *row = (uint64_t *)&((struct port *)dp->ports.memory)[number], words[2];

	memcpy(words, value, sizeof(words));
	return fix_word(&row[0], words[0]) | fix_word(&row[1], words[1]);
}

int datapath_fix_port_of_ifindex(struct datapath *dp, uint32_t ifindex, uint16_t number)
{
	return fix_word(&((uint64_t *)dp->port_of_ifindex.memory)[ifindex], number);
}

/* ---- control ---------------------------------------------------------------------------- */

const char *datapath_control_name(enum control_field field)
{
	static const char *const names[CONTROL_FIELDS] = {
		[CONTROL_HOLD_FIELD] = "hold",
		[CONTROL_DEFAULT_LEAF_FIELD] = "default leaf",
		[CONTROL_FLAGS_FIELD] = "flags",
		[CONTROL_HASH_POLICY_FIELD] = "hash_policy",
		[CONTROL_HASH_SEED_FIELD] = "hash_seed",
		[CONTROL_LAYOUT_FIELD] = "layout",
		[CONTROL_POLICY_STEPS_FIELD] = "policy_steps",
	};

	return names[field];
}

int datapath_fix_control(struct datapath *dp, enum control_field field,
			 const struct fib_control *control, uint32_t default_leaf)
{
	switch (field) {
	case CONTROL_HOLD_FIELD:
		return fix_number(&dp->control->hold, control->hold);
	case CONTROL_DEFAULT_LEAF_FIELD:
		return fix_number(&dp->control->default_leaf, default_leaf);
	case CONTROL_FLAGS_FIELD:
		return fix_number(&dp->control->flags,
				  control->flags | (dp->options.observe ? CONTROL_OBSERVE : 0));
	case CONTROL_HASH_POLICY_FIELD:
		return fix_number(&dp->control->hash_policy, control->hash_policy);
	case CONTROL_HASH_SEED_FIELD:
		return fix_number(&dp->control->hash_seed, dp->hash_seed);
	case CONTROL_LAYOUT_FIELD:
		return fix_number(&dp->control->layout, LAYOUT_VERSION);
	default:
		return fix_number(&dp->control->policy_steps, control->policy_steps);
	}
}

void datapath_own_filter_begin(struct datapath *dp)
{
	memset(dp->own_filter_refs, 0, OWN_FILTER_BITS * sizeof(*dp->own_filter_refs));
}

void datapath_own_filter_add(struct datapath *dp, __be32 addr)
{
	dp->own_filter_refs[own_filter_bit(addr)]++;
}

int datapath_own_filter_end(struct datapath *dp)
{
	int fixed = 0;

	for (uint32_t i = 0; i < OWN_FILTER_BITS; i += 64) {
		uint64_t word = 0;

		for (uint32_t bit = 0; bit < 64; bit++)
			word |= (uint64_t)(dp->own_filter_refs[i + bit] > 0) << bit;
		fixed |= fix_word((uint64_t *)&dp->control->own_filter[i / 64], word);
	}
	return fixed;
}

/* ---- single entries by system calls ------------------------------------------------------ */

/* A device that goes takes its entry along, before anybody hears of it. */
static int fix_devmap(const struct bpf_map *map, uint32_t port, uint32_t ifindex)
{
	int fd = bpf_map__fd(map);
	uint32_t is = 0;

	if (bpf_map_lookup_elem(fd, &port, &is))
		is = 0;
	if (is == ifindex)
		return 0;
	if (!ifindex)
		return bpf_map_delete_elem(fd, &port) && errno != ENOENT ? -errno : 1;
	if (!bpf_map_update_elem(fd, &port, &ifindex, BPF_ANY))
		return 1;
	return errno == ENODEV || errno == EINVAL ? 0 : -errno;
}

int datapath_fix_tx(struct datapath *dp, uint16_t number, uint32_t ifindex)
{
	int xdp = fix_devmap(dp->router->maps.tx_ports, number, ifindex);
	int tc = fix_devmap(dp->router->maps.tc_ports, number, ifindex);

	return xdp < 0 ? xdp : tc < 0 ? tc : xdp | tc;
}

int datapath_fix_cpu(struct datapath *dp, uint32_t cpu, bool in)
{
	int fd = bpf_map__fd(dp->router->maps.cpus);
	struct bpf_cpumap_val should = { .qsize = dp->options.cpu_queue }, is;
	bool there = !bpf_map_lookup_elem(fd, &cpu, &is) && is.qsize;

	if (there == in && (!in || (is.qsize == should.qsize && is.bpf_prog.id == 0)))
		return 0;
	if (!in)
		return bpf_map_delete_elem(fd, &cpu) && errno != ENOENT ? -errno : 1;
	return bpf_map_update_elem(fd, &cpu, &should, BPF_ANY) ? -errno : 1;
}

int datapath_check_policy_step(const struct datapath *dp, uint32_t i,
			       const struct policy_step *step)
{
	struct policy_step is;

	if (bpf_map_lookup_elem(bpf_map__fd(dp->router->maps.policy), &i, &is))
		return -errno;
	return memcmp(&is, step, sizeof(is)) == 0 ? 0 : -EINVAL;
}

/* ---- maps of keys ------------------------------------------------------------------------ */

static const struct bpf_map *map_of(const struct datapath *dp, enum datapath_table table)
{
	switch (table) {
	case TABLE_NEIGHBOURS:
		return dp->router->maps.neighbours;
	case TABLE_OWN:
		return dp->router->maps.own_addresses;
	case TABLE_INGRESS_MACS:
		return dp->router->maps.ingress_macs;
	default:
		return dp->router->maps.policy_routes;
	}
}

int datapath_walk_some(struct datapath *dp, enum datapath_table table,
		       struct datapath_cursor *cursor,
		       int (*fn)(void *ctx, const void *key, const void *value), void *ctx)
{
	const struct bpf_map *map = map_of(dp, table);
	uint32_t key_size = bpf_map__key_size(map), value_size = bpf_map__value_size(map), n = SOME;
	uint8_t *keys = malloc((size_t)SOME * key_size),
		*values = malloc((size_t)SOME * value_size);
	uint8_t next[DATAPATH_KEY_MAX] = { 0 };
	int end, err = 0;

	if (!keys || !values) {
		free(keys);
		free(values);
		return -ENOMEM;
	}
	end = bpf_map_lookup_batch(bpf_map__fd(map), cursor->under_way ? cursor->at : NULL, next,
				   keys, values, &n, NULL);
	if (end && end != -ENOENT)
		err = end;
	memcpy(cursor->at, next, sizeof(next));
	cursor->under_way = true;
	for (uint32_t i = 0; i < n && !err; i++)
		err = fn(ctx, keys + i * key_size, values + i * value_size);
	free(keys);
	free(values);
	return err ? err : !end;
}

bool datapath_has(const struct datapath *dp, enum datapath_table table, const void *key,
		  const void *value)
{
	const struct bpf_map *map = map_of(dp, table);
	uint8_t is[DATAPATH_KEY_MAX];

	return !bpf_map_lookup_elem(bpf_map__fd(map), key, is) &&
	       memcmp(is, value, bpf_map__value_size(map)) == 0;
}

int datapath_put(struct datapath *dp, enum datapath_table table, const void *key, const void *value)
{
	int fd = bpf_map__fd(map_of(dp, table));

	if (!value)
		return bpf_map_delete_elem(fd, key) && errno != ENOENT ? -errno : 0;
	return bpf_map_update_elem(fd, key, value, BPF_ANY) ? -errno : 0;
}
