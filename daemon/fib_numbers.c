// SPDX-License-Identifier: GPL-2.0-only
/*
 * Numbers of map entries: given out, taken back into quarantine, reusable after a grace period.
 *
 * A grace period is waited for only when a number is needed and nothing else is left, or when asked
 * to reclaim. It serves all maps and the engine at once. Number 0 always means none.
 */
#include "fib_internal.h"

#include <stdlib.h>

int fib_numbers_init(struct fib_numbers *numbers, uint32_t first, uint32_t limit)
{
	uint32_t room = limit > first ? limit - first : 0;

	numbers->first = numbers->next = first;
	numbers->limit = limit;
	numbers->free = calloc(room + 1, sizeof(uint32_t));
	numbers->quarantine = calloc(room + 1, sizeof(uint32_t));
	return numbers->free && numbers->quarantine ? 0 : -ENOMEM;
}

void fib_numbers_destroy(struct fib_numbers *numbers)
{
	free(numbers->free);
	free(numbers->quarantine);
}

static void release(struct fib_numbers *numbers)
{
	while (numbers->n_quarantine)
		numbers->free[numbers->n_free++] = numbers->quarantine[--numbers->n_quarantine];
}

void fib_grace(struct fib *fib)
{
	struct fib_engine *engine = fib->sink->engine;

	fib->sink->ops->grace(fib->sink);
	engine->ops->grace(engine);
	release(&fib->port_numbers);
	release(&fib->adjacency_numbers);
	release(&fib->slot_numbers);
	release(&fib->row_numbers);
	release(&fib->policy.numbers);
}

uint32_t fib_number_take(struct fib *fib, struct fib_numbers *numbers)
{
	if (!numbers->n_free && numbers->next < numbers->limit)
		return numbers->next++;
	if (!numbers->n_free && numbers->n_quarantine)
		fib_grace(fib);
	if (numbers->n_free)
		return numbers->free[--numbers->n_free];
	numbers->starved = true;
	return 0;
}

void fib_number_give(struct fib_numbers *numbers, uint32_t number)
{
	numbers->quarantine[numbers->n_quarantine++] = number;
	numbers->freed = true;
}

/* A grace period makes quarantined ones free. */
uint32_t fib_numbers_left(const struct fib_numbers *numbers)
{
	uint32_t unused = numbers->limit > numbers->next ? numbers->limit - numbers->next : 0;

	return unused + numbers->n_free + numbers->n_quarantine;
}

static bool gathered(const struct fib_numbers *numbers)
{
	return numbers->n_quarantine > (numbers->limit - numbers->first) / 8;
}

void fib_reclaim(struct fib *fib, bool all)
{
	struct fib_engine *engine = fib->sink->engine;
	bool any = fib->port_numbers.n_quarantine || fib->adjacency_numbers.n_quarantine ||
		   fib->slot_numbers.n_quarantine || fib->row_numbers.n_quarantine ||
		   fib->policy.numbers.n_quarantine || engine->ops->wants_grace(engine);
	bool enough = gathered(&fib->port_numbers) || gathered(&fib->adjacency_numbers) ||
		      gathered(&fib->slot_numbers) || gathered(&fib->row_numbers) ||
		      gathered(&fib->policy.numbers);

	if (enough || (all && any))
		fib_grace(fib);
}
