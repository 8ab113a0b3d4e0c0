// SPDX-License-Identifier: GPL-2.0-only
/* See fib_record.h. */
#include "fib_record.h"

#include "fib_internal.h"

uint64_t fib_reverse_word(const struct fib *fib, uint32_t slot)
{
	return slot < fib->slot_numbers.limit ? fib->slots[slot].reverse : 0;
}

const struct group *fib_group_row(const struct fib *fib, uint32_t row)
{
	return &fib->rows[row];
}

bool fib_port_record(const struct fib *fib, uint16_t number, struct port *ret)
{
	const struct fib_port *port = number < fib->port_numbers.limit ? fib->port_by_number[number]
								       : NULL;

	memset(ret, 0, sizeof(*ret));
	if (port)
		*ret = port->value;
	return !port || !port->leaving;
}

bool fib_cpu_record(const struct fib *fib, uint32_t cpu)
{
	return cpu < fib->cpus.n && ((const struct fib_cpu *)fib->cpus.items)[cpu].entered;
}

void fib_control_record(const struct fib *fib, struct fib_control *ret, uint32_t *ret_default_leaf)
{
	const struct rib_entry *entry = rib_find(mirror_rib(fib->mirror), prefix_make(0, 0));

	*ret = fib->control;
	*ret_default_leaf = entry && entry->installed != RIB_NOT_INSTALLED
				    ? entry->installed
				    : (uint32_t)VERDICT_no_route;
}

const struct policy_step *fib_policy_steps(const struct fib *fib, uint32_t *ret_n)
{
	*ret_n = fib->policy.n;
	return fib->policy.dirty || fib->policy.pending ? NULL : fib->policy.steps;
}

void fib_policy_redo(struct fib *fib)
{
	memset(fib->policy.steps, 0xff, sizeof(fib->policy.steps));
	fib->policy.dirty = true;
}

void fib_distrust(struct fib *fib, bool distrust)
{
	fib->distrusted = distrust;
}

/* ---- the engine -------------------------------------------------------------------------------- */

struct painting {
	struct fib *fib;
	uint16_t *leaves;
	uint32_t first; /* address of the first one */
	uint8_t shift;	/* 8: one for each /24; 0: for each address */
	void (*fn)(void *ctx, uint32_t first, uint32_t last, int err);
	void *ctx;
};

/* In order, the longer ones over the shorter ones. */
static int paint(void *ctx, struct rib_entry *entry)
{
	struct painting *p = ctx;
	uint32_t from = (entry->addr - p->first) >> p->shift;

	mirror_step(p->fib->mirror);
	if (!entry->len || entry->installed == RIB_NOT_INSTALLED || entry->len > 32 - p->shift)
		return 0;
	for (uint32_t n = 1u << (32 - p->shift - entry->len); n > 0; n--)
		p->leaves[from++] = (uint16_t)entry->installed;
	return 0;
}

static void paint_table(void *ctx, struct prefix prefix, uint16_t *ret)
{
	struct painting p = *(struct painting *)ctx;
	uint32_t n = 1u << (24 - prefix.len), leaf;

	fib_engine_cover(p.fib, prefix, &leaf);
	for (uint32_t i = 0; i < n; i++)
		ret[i] = (uint16_t)leaf;
	p.leaves = ret;
	p.first = prefix.addr;
	p.shift = 8;
	rib_walk_below(mirror_rib(p.fib->mirror), prefix, paint, &p);
}

static void paint_row(void *ctx, uint32_t addr, uint16_t leaf, uint16_t *ret)
{
	struct painting p = *(struct painting *)ctx;

	for (uint32_t i = 0; i < DIR24_ROW; i++)
		ret[i] = leaf;
	p.leaves = ret;
	p.first = addr;
	p.shift = 0;
	rib_walk_below(mirror_rib(p.fib->mirror), prefix_make(addr, 24), paint, &p);
}

static void tell(void *ctx, uint32_t first, uint32_t last, int err)
{
	const struct painting *p = ctx;

	p->fn(p->ctx, first, last, err);
}

int fib_repair_engine(struct fib *fib, uint32_t part,
		      void (*fn)(void *ctx, uint32_t first, uint32_t last, int err), void *ctx)
{
	struct painting p = { .fib = fib, .fn = fn, .ctx = ctx };
	const struct engine_truth truth = {
		.leaves = paint_table, .row = paint_row, .repaired = tell, .ctx = &p
	};
	struct fib_engine *engine = fib->sink->engine;

	return engine->ops->repair ? engine->ops->repair(engine, part, &truth) : 0;
}
