// SPDX-License-Identifier: GPL-2.0-only
/*
 * The mirror as a whole: its life, which file an event goes to, and mark, dump, sweep.
 *
 * Every object carries the generation in which it was last confirmed, by dump or notification; the
 * sweep takes out what the current one did not confirm.
 */
#include "mirror_internal.h"

#include <stdlib.h>

struct mirror *mirror_new(void)
{
	struct mirror *mirror = calloc(1, sizeof(*mirror));

	if (!mirror)
		return NULL;
	mirror->generation = 1;
	mirror->netconf_all =
		(struct mirror_netconf){ .forwarding = -1, .rp_filter = -1, .ignore_linkdown = -1 };
	pool_init(&mirror->nexthops, sizeof(struct mirror_nexthop));
	pool_init(&mirror->candidates, sizeof(struct mirror_candidate));
	mirror->rib = rib_new();
	if (mirror_user_init(mirror) || !mirror->rib) {
		mirror_destroy_user(mirror);
		rib_destroy(mirror->rib);
		free(mirror);
		return NULL;
	}
	return mirror;
}

void mirror_destroy(struct mirror *mirror)
{
	if (!mirror)
		return;
	mirror_destroy_links(mirror);
	mirror_destroy_addresses(mirror);
	mirror_destroy_neighbours(mirror);
	mirror_destroy_objects(mirror);
	mirror_destroy_user(mirror);
	mirror_destroy_nexthops(mirror);
	mirror_destroy_rules(mirror);
	pool_destroy(&mirror->candidates);
	rib_destroy(mirror->rib);
	mirror_dirty_destroy(mirror);
	free(mirror);
}

int mirror_apply(struct mirror *mirror, const struct event *ev)
{
	static int (*const apply[EVENT_KINDS])(struct mirror *, const struct event *) = {
		[EVENT_LINK] = mirror_apply_link,
		[EVENT_ADDRESS] = mirror_apply_address,
		[EVENT_NEIGHBOUR] = mirror_apply_neighbour,
		[EVENT_NEXTHOP] = mirror_apply_object,
		[EVENT_ROUTE] = mirror_apply_route,
		[EVENT_RULE] = mirror_apply_rule,
		[EVENT_NETCONF] = mirror_apply_netconf,
		[EVENT_FEATURES] = mirror_apply_features,
	};
	int err;

	mirror_step(mirror);
	if (ev->kind >= EVENT_KINDS)
		return 0;
	err = apply[ev->kind](mirror, ev);
	if (err) {
		mirror_lost(mirror);
		mirror_want_resync(mirror, "memory was out");
	}
	return err;
}

void mirror_resync_begin(struct mirror *mirror)
{
	mirror->generation++;
	mirror->resyncing = true;
	mirror->replaying = true;
	mirror->wants_resync = NULL;
	if (mirror->lost)
		mirror_links_reborn(mirror);
	mirror_rules_begin(mirror);
}

void mirror_resync_end(struct mirror *mirror)
{
	mirror_sweep_links(mirror);
	mirror_sweep_addresses(mirror);
	mirror_sweep_rules(mirror);
	mirror_sweep_neighbours(mirror);
	mirror_sweep_objects(mirror);
	mirror_sweep_routes(mirror);
	mirror->resyncing = false;
}

void mirror_replay_end(struct mirror *mirror)
{
	if (!mirror->resyncing)
		mirror->replaying = false;
}

bool mirror_wants_resync(const struct mirror *mirror, const char **ret_why)
{
	if (!mirror->wants_resync)
		return false;
	if (ret_why)
		*ret_why = mirror->wants_resync;
	return true;
}

void mirror_set_pause(struct mirror *mirror, void (*fn)(void *ctx), void *ctx)
{
	mirror->pause.fn = fn;
	mirror->pause.ctx = ctx;
}

void mirror_worked(struct mirror *mirror)
{
	mirror_step(mirror);
}

void mirror_set_hash_policy(struct mirror *mirror, uint32_t policy)
{
	mirror->hash_policy = policy;
}

uint32_t mirror_hash_policy(const struct mirror *mirror)
{
	return mirror->hash_policy;
}

void mirror_set_forward_use_pmtu(struct mirror *mirror, bool use)
{
	mirror->forward_use_pmtu = use;
}

bool mirror_forward_use_pmtu(const struct mirror *mirror)
{
	return mirror->forward_use_pmtu;
}

void mirror_set_kernel_routes(struct mirror *mirror, bool count)
{
	if (mirror->no_kernel_routes == !count)
		return;
	mirror->no_kernel_routes = !count;
	mirror_dirty_rules(mirror);
	mirror->dirty.all = true;
}

bool mirror_kernel_routes(const struct mirror *mirror)
{
	return !mirror->no_kernel_routes;
}

void mirror_set_hold(struct mirror *mirror, uint32_t verdict)
{
	mirror->hold = verdict;
}

uint32_t mirror_hold(const struct mirror *mirror)
{
	return mirror->hold;
}

struct rib *mirror_rib(const struct mirror *mirror)
{
	return mirror->rib;
}

void mirror_counts(const struct mirror *mirror, struct mirror_counts *ret)
{
	struct table_walk walk = { 0 };
	struct table_node *node;

	memset(ret, 0, sizeof(*ret));
	ret->links = mirror->links_present;
	ret->addresses = mirror->addresses.count;
	ret->neighbours = mirror->neighbours.count;
	while ((node = table_walk_next(&mirror->objects, &walk)))
		ret->objects += container_of(node, struct mirror_object, node)->present;
	ret->nexthops = mirror->nexthops_used;
	ret->sets = mirror->nexthops.live;
	ret->candidates = mirror->candidates.live;
	ret->prefixes = mirror->prefixes;
	ret->rules = mirror->n_rules;
}
