// SPDX-License-Identifier: GPL-2.0-only
/* The control block: what every packet consults first. */
#include "show.h"
#include "verify_internal.h"

enum field {
	FIELD_HOLD,
	FIELD_FLAGS,
	FIELD_HASH_POLICY,
	FIELD_LAYOUT,
	FIELD_LEASE,
	FIELDS,
};

/* CHECK_SOURCE: see control_wanted() of fib.c. NEIGHBOURS_FULL is no fact of the kernel's. */
static uint32_t wanted_flags(const struct verify *v)
{
	struct resolved_policy policy;

	resolve_policy(v->mirror, &policy);
	return (mirror_has_custom_local(v->mirror) || policy.n ? CONTROL_CHECK_SOURCE : 0) |
	       (resolve_marks_matter(v->mirror) ? CONTROL_MARKS : 0) |
	       (v->d->config.observe ? CONTROL_OBSERVE : 0);
}

static uint32_t should_be(const struct verify *v, uint32_t field)
{
	switch (field) {
	case FIELD_HOLD:
		return resolve_hold(v->mirror);
	case FIELD_FLAGS:
		return wanted_flags(v);
	case FIELD_HASH_POLICY:
		return mirror_hash_policy(v->mirror);
	case FIELD_LAYOUT:
		return LAYOUT_VERSION;
	default:
		return true;
	}
}

static uint32_t is_now(const struct verify *v, uint32_t field)
{
	const struct control *control = datapath_control(v->dp);

	switch (field) {
	case FIELD_HOLD:
		return __atomic_load_n(&control->hold, __ATOMIC_RELAXED);
	case FIELD_FLAGS:
		return __atomic_load_n(&control->flags, __ATOMIC_RELAXED) &
		       ~CONTROL_NEIGHBOURS_FULL;
	case FIELD_HASH_POLICY:
		return __atomic_load_n(&control->hash_policy, __ATOMIC_RELAXED);
	case FIELD_LAYOUT:
		return __atomic_load_n(&control->layout, __ATOMIC_RELAXED);
	default:
		return datapath_lease_valid(v->dp);
	}
}

static bool control_differs(struct verify *v, const struct subject *s, uint32_t *ret_signature)
{
	uint32_t should = should_be(v, s->first), is = is_now(v, s->first);

	*ret_signature = signature_of(should, is);
	/* The daemon itself holds everything back where it cannot write what it should. */
	if (s->first == FIELD_HOLD && is == VERDICT_table_full)
		return false;
	return should != is;
}

static const char *flags_format(uint32_t flags, char buf[64])
{
	snprintf(buf, 64, "%s%s%s%s", flags & CONTROL_OBSERVE ? "observe " : "",
		 flags & CONTROL_CHECK_SOURCE ? "check_source " : "",
		 flags & CONTROL_MARKS ? "marks " : "", flags ? "" : "none");
	return buf;
}

static void put_value(json_t *row, const char *key, uint32_t field, uint32_t value)
{
	char flags[64];

	if (field == FIELD_HOLD)
		put_text(row, key, "%s", value ? verdict_name(value) : "no hold");
	else if (field == FIELD_FLAGS)
		put_text(row, key, "%s", flags_format(value, flags));
	else if (field == FIELD_LEASE)
		put_text(row, key, "%s", value ? "in force" : "ran out");
	else
		put_text(row, key, "%u", value);
}

static void control_describe(struct verify *v, const struct subject *s, json_t *row)
{
	static const char *const names[FIELDS] = { "hold", "flags", "hash_policy", "layout",
						   "lease" };
	const struct mirror *known = v->mirror;
	uint32_t should = should_be(v, s->first), believed;

	v->mirror = v->d->mirror;
	believed = should_be(v, s->first);
	v->mirror = known;
	put_text(row, "field", "%s", names[s->first]);
	put_value(row, "kernel", s->first, should);
	put_value(row, "fastpath", s->first, is_now(v, s->first));
	put_text(row, "cause", "%s",
		 s->first == FIELD_LEASE ? "the daemon was too busy, or lost notifications"
		 : believed == should
			 ? "the daemon's mirror is right: the map is not as it wrote it"
			 : "the daemon's mirror differs from the kernel too");
}

const struct subject_type verify_control_type = {
	.name = "control",
	.differs = control_differs,
	.describe = control_describe,
};

int verify_control(struct verify *v)
{
	struct subject s = { .kind = SUBJECT_CONTROL };
	int err = 0;

	for (; s.first < FIELDS && !err; s.first++)
		err = verify_note(v, &s);
	return err;
}
