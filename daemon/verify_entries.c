// SPDX-License-Identifier: GPL-2.0-only
/*
 * The entries of the engine lpm: one for each prefix that decides, no more and no less.
 *
 * A look-up cannot tell whether an entry is there that only says what its cover says. The map is
 * walked; the prefixes found are marked in the shadow's RIB (its `spare` belongs to nobody, as the shadow has
 * no fib), the others kept apart.
 */
#include "verify_internal.h"

#include <errno.h>

struct entry_walk {
	struct verify *v;
	uint16_t mark;
};

static bool decides(const struct verify *v, const struct rib_entry *entry)
{
	struct resolved_route route;

	return entry && entry->len && resolve_route(v->mirror, entry, &route);
}

/* What says table_full stands for prefixes without room; no route needs to ask for it. */
static int on_entry(void *ctx, struct prefix prefix, uint32_t leaf)
{
	struct entry_walk *walk = ctx;
	struct rib_entry *entry = rib_find(mirror_rib(walk->v->mirror), prefix);

	if (decides(walk->v, entry)) {
		entry->spare = walk->mark;
		return 0;
	}
	if (leaf == VERDICT_table_full)
		return 0;
	return rib_get(walk->v->extra, prefix) ? 0 : -ENOMEM;
}

static uint16_t mark_of(const struct verify *v)
{
	return v->counts.rounds + 1;
}

int verify_entries_walk(struct verify *v)
{
	struct entry_walk walk = { .v = v, .mark = mark_of(v) };

	rib_destroy(v->extra);
	v->extra = rib_new();
	return v->extra ? datapath_walk_lpm(v->dp, on_entry, &walk) : -ENOMEM;
}

static bool left_out(const struct verify *v, uint32_t addr)
{
	return resolve_leaf(datapath_raw_leaf(v->dp, addr),
			    datapath_control(v->dp)->default_leaf) == VERDICT_table_full;
}

static bool is_missing(const struct verify *v, const struct rib_entry *entry)
{
	return decides(v, entry) && entry->spare != mark_of(v) && !left_out(v, entry->addr);
}

static int note(struct verify *v, const struct rib_entry *entry)
{
	struct subject s = { .kind = SUBJECT_ENTRY, .first = entry->addr, .length = entry->len };

	return verify_note(v, &s);
}

static int note_missing(void *ctx, struct rib_entry *entry)
{
	return is_missing(ctx, entry) ? note(ctx, entry) : 0;
}

static int note_extra(void *ctx, struct rib_entry *entry)
{
	return note(ctx, entry);
}

int verify_entries(struct verify *v)
{
	int err;

	if (datapath_engine(v->dp) != ENGINE_LPM)
		return 0;
	err = verify_entries_walk(v);
	if (!err)
		err = rib_walk_below(mirror_rib(v->mirror), prefix_make(0, 0), note_missing, v);
	return err ? err : rib_walk_below(v->extra, prefix_make(0, 0), note_extra, v);
}

static bool entry_differs(struct verify *v, const struct subject *s, uint32_t *ret_signature)
{
	struct prefix prefix = prefix_make(s->first, s->length);
	struct rib_entry *entry = rib_find(mirror_rib(v->mirror), prefix);
	bool extra = rib_find(v->extra, prefix) && !decides(v, entry);

	*ret_signature = extra;
	return extra || is_missing(v, entry);
}

static void entry_describe(struct verify *v, const struct subject *s, json_t *row)
{
	struct prefix prefix = prefix_make(s->first, s->length);
	const struct rib_entry *known = rib_find(mirror_rib(v->d->mirror), prefix);
	bool daemon_has = known && known->installed != RIB_NOT_INSTALLED;
	char text[PREFIX_STRLEN];

	put_text(row, "dst", "%s", prefix_format(prefix, text));
	put_text(row, "kernel", "%s", s->signature ? "no such route" : "a route");
	put_text(row, "fastpath", "%s",
		 s->signature ? "an entry in the map" : "no entry in the map");
	put_text(row, "cause", "%s",
		 daemon_has == s->signature ? "the daemon has it so too"
					    : "the map is not as the daemon wrote it");
}

const struct subject_type verify_entry_type = {
	.name = "entry",
	.differs = entry_differs,
	.describe = entry_describe,
};
