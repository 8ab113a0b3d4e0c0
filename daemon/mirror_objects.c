// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kernel nexthop objects. An entry may be there without the object: named as a member by a group
 * that came first, or gone while routes may still be named that went with it.
 *
 * Deleting an object takes its routes with it silently: one that comes back under the same id before
 * a dump has confirmed what is left is suspect, and routes by it fall back until then. The same
 * goes for objects on a link that became suspect, which vanish silently themselves, and for groups
 * that may have lost their last member so. One that is replaced keeps its routes, whichever way
 * nexthop_compat_mode has the kernel tell of them: there is nothing to ask. But routes by a blackhole
 * object are told of as blackholes themselves: where it becomes one, or no longer is, a dump is asked for.
 */
#include "mirror_internal.h"

#include <linux/rtnetlink.h>
#include <stdlib.h>

static struct mirror_object *object_find(const struct mirror *mirror, uint32_t id)
{
	struct table_node *node = table_find(&mirror->objects, table_hash_u32(id));

	for (; node; node = table_find_next(node)) {
		struct mirror_object *object = container_of(node, struct mirror_object, node);

		if (object->id == id)
			return object;
	}
	return NULL;
}

static struct mirror_object *object_get(struct mirror *mirror, uint32_t id)
{
	struct mirror_object *object = object_find(mirror, id);

	if (object)
		return object;
	object = calloc(1, sizeof(*object));
	if (!object)
		return NULL;
	object->id = id;
	if (table_insert(&mirror->objects, &object->node, table_hash_u32(id))) {
		free(object);
		return NULL;
	}
	return object;
}

static void object_drop_unused(struct mirror *mirror, struct mirror_object *object)
{
	if (object->present || object->grouped || object->suspect)
		return;
	table_remove(&mirror->objects, &object->node);
	free(object);
}

/* Takes the members out. Only entries that are already absent may go here: walks stay valid. */
static void ungroup(struct mirror *mirror, struct mirror_object *object)
{
	for (unsigned int i = 0; i < object->n_members; i++) {
		struct mirror_object *member = object_find(mirror, object->members[i].id);

		if (member && member->grouped)
			member->grouped--;
	}
	free(object->members);
	object->members = NULL;
	object->n_members = 0;
}

static int set_members(struct mirror *mirror, struct mirror_object *object,
		       const struct event_nexthop *e)
{
	struct event_member *members = NULL;

	if (e->n_members) {
		members = malloc(e->n_members * sizeof(*members));
		if (!members)
			return -ENOMEM;
		memcpy(members, e->members, e->n_members * sizeof(*members));
	}
	for (unsigned int i = 0; i < e->n_members; i++) {
		struct mirror_object *member = object_get(mirror, members[i].id);

		if (member) {
			member->grouped++;
			continue;
		}
		while (i-- > 0)
			object_find(mirror, members[i].id)->grouped--;
		free(members);
		return -ENOMEM;
	}
	ungroup(mirror, object);
	object->members = members;
	object->n_members = e->n_members;
	return 0;
}

static bool has_member(const struct mirror_object *object, uint32_t id)
{
	for (unsigned int i = 0; i < object->n_members; i++)
		if (object->members[i].id == id)
			return true;
	return false;
}

/* Everything that goes by this object, directly or through a group, has to be looked at again. */
static void object_changed(struct mirror *mirror, const struct mirror_object *object)
{
	struct table_walk walk = { 0 };
	struct table_node *node;

	mirror_nexthops_of_object(mirror, object->id);
	if (!object->grouped)
		return;
	while ((node = table_walk_next(&mirror->objects, &walk))) {
		struct mirror_object *group = container_of(node, struct mirror_object, node);

		if (has_member(group, object->id))
			mirror_nexthops_of_object(mirror, group->id);
	}
}

static bool same_members(const struct mirror_object *object, const struct event_nexthop *e)
{
	if (object->n_members != e->n_members)
		return false;
	for (unsigned int i = 0; i < e->n_members; i++)
		if (object->members[i].id != e->members[i].id ||
		    object->members[i].weight != e->members[i].weight)
			return false;
	return true;
}

static bool same_object(const struct mirror_object *object, const struct event_nexthop *e)
{
	const struct event_leg *a = &object->leg, *b = &e->leg;

	if (object->type != e->type || object->fdb != e->fdb ||
	    object->unsupported != e->unsupported)
		return false;
	if (e->type != NH_TYPE_SINGLE)
		return same_members(object, e);
	return a->oif == b->oif && a->encap == b->encap && addr_equal(&a->gateway, &b->gateway) &&
	       !((a->flags ^ b->flags) & RTNH_F_ONLINK);
}

static void object_gone(struct mirror *mirror, struct mirror_object *object)
{
	object->present = false;
	object_changed(mirror, object);
	ungroup(mirror, object);
}

/* A group of one member is what that is. */
static bool may_be_blackhole(uint8_t type, uint16_t n_members)
{
	return type == NH_TYPE_BLACKHOLE || (type != NH_TYPE_SINGLE && n_members == 1);
}

static int object_update(struct mirror *mirror, struct mirror_object *object,
			 const struct event *ev)
{
	const struct event_nexthop *e = &ev->nexthop;
	uint8_t flags = object->leg.flags ^ e->leg.flags;
	bool blackhole; /* was one, or is now */
	int err;

	object->generation = mirror->generation;
	object->protocol = e->protocol;
	if (object->present && same_object(object, e)) {
		object->leg.flags = e->leg.flags;
		if (flags & (RTNH_F_DEAD | RTNH_F_LINKDOWN))
			object_changed(mirror, object);
		return 0;
	}
	blackhole = object->present && ev->op == EVENT_NEW &&
		    (may_be_blackhole(object->type, object->n_members) ||
		     may_be_blackhole(e->type, e->n_members));
	err = set_members(mirror, object, e);
	if (err)
		return err;
	if (blackhole)
		mirror_want_resync(mirror, "a blackhole nexthop object was replaced");
	object->present = true;
	object->type = e->type;
	object->fdb = e->fdb;
	object->unsupported = e->unsupported;
	object->leg = e->leg;
	object_changed(mirror, object);
	return 0;
}

/*
 * A replayed event names an object that is not there: it went before the dump, with its routes.
 * False: memory is out.
 */
bool mirror_object_missing(struct mirror *mirror, uint32_t id)
{
	struct mirror_object *object = object_get(mirror, id);

	if (object)
		object->suspect = mirror->generation;
	return object;
}

int mirror_apply_object(struct mirror *mirror, const struct event *ev)
{
	struct mirror_object *object;

	if (ev->op == EVENT_DEL) {
		object = object_find(mirror, ev->nexthop.id);
		if (object && object->present) {
			object->suspect = mirror->generation;
			object_gone(mirror, object);
		} else if (!mirror->replaying) {
			return 0;
		} else if (!mirror_object_missing(mirror, ev->nexthop.id)) {
			return -ENOMEM;
		}
		mirror_want_resync(mirror, "a nexthop object was deleted");
		return 0;
	}
	object = object_get(mirror, ev->nexthop.id);
	if (!object)
		return -ENOMEM;
	return object_update(mirror, object, ev);
}

static void object_suspect(struct mirror *mirror, struct mirror_object *object)
{
	object->suspect = mirror->generation;
	object_changed(mirror, object);
}

static bool may_be_empty(const struct mirror *mirror, const struct mirror_object *group)
{
	for (unsigned int i = 0; i < group->n_members; i++) {
		const struct mirror_object *member = object_find(mirror, group->members[i].id);

		if (member && member->present && !member->suspect)
			return false;
	}
	return group->n_members > 0;
}

void mirror_objects_suspect(struct mirror *mirror, uint32_t ifindex)
{
	struct table_walk walk = { 0 };
	struct table_node *node;

	while ((node = table_walk_next(&mirror->objects, &walk))) {
		struct mirror_object *object = container_of(node, struct mirror_object, node);

		if (object->present && object->type == NH_TYPE_SINGLE && object->leg.oif == ifindex)
			object_suspect(mirror, object);
	}
	memset(&walk, 0, sizeof(walk));
	while ((node = table_walk_next(&mirror->objects, &walk))) {
		struct mirror_object *object = container_of(node, struct mirror_object, node);

		if (object->present && may_be_empty(mirror, object))
			object_suspect(mirror, object);
	}
}

void mirror_sweep_objects(struct mirror *mirror)
{
	struct table_walk walk = { 0 };
	struct table_node *node;

	while ((node = table_walk_next(&mirror->objects, &walk))) {
		struct mirror_object *object = container_of(node, struct mirror_object, node);

		if (object->present && object->generation != mirror->generation)
			object_gone(mirror, object);
		if (object->suspect && object->suspect < mirror->generation) {
			object->suspect = 0;
			object_changed(mirror, object);
		}
	}
	memset(&walk, 0, sizeof(walk));
	while ((node = table_walk_next(&mirror->objects, &walk)))
		object_drop_unused(mirror, container_of(node, struct mirror_object, node));
}

void mirror_destroy_objects(struct mirror *mirror)
{
	struct table_walk walk = { 0 };
	struct table_node *node;

	while ((node = table_walk_next(&mirror->objects, &walk))) {
		struct mirror_object *object = container_of(node, struct mirror_object, node);

		free(object->members);
		free(object);
	}
	table_destroy(&mirror->objects);
}

const struct mirror_object *mirror_object(const struct mirror *mirror, uint32_t id)
{
	const struct mirror_object *object = object_find(mirror, id);

	return object && object->present ? object : NULL;
}
