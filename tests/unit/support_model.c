/* SPDX-License-Identifier: GPL-2.0-only */
/* The brute-force model and the random numbers of the property tests; it aborts without memory. */
#include "support_model.h"

#include <stdlib.h>

void model_clear(struct model *model)
{
	free(model->routes);
	memset(model, 0, sizeof(*model));
}

struct model_route *model_find(const struct model *model, struct prefix prefix)
{
	for (uint32_t i = 0; i < model->n; i++) {
		if (prefix_equal(model->routes[i].prefix, prefix))
			return &model->routes[i];
	}
	return NULL;
}

void model_set(struct model *model, struct prefix prefix, uint32_t leaf, void *mark)
{
	struct model_route *route = model_find(model, prefix);

	if (!route && model->n == model->room) {
		model->room = model->room ? 2 * model->room : 64;
		model->routes = realloc(model->routes, model->room * sizeof(*model->routes));
		if (!model->routes)
			abort();
	}
	if (!route)
		route = &model->routes[model->n++];
	*route = (struct model_route){ .prefix = prefix, .leaf = leaf, .mark = mark };
}

void model_del(struct model *model, struct prefix prefix)
{
	struct model_route *route = model_find(model, prefix);

	if (route)
		*route = model->routes[--model->n];
}

struct model_route *model_match(const struct model *model, uint32_t addr, uint8_t below)
{
	struct prefix host = prefix_make(addr, 32);
	struct model_route *best = NULL;

	for (uint32_t i = 0; i < model->n; i++) {
		struct model_route *route = &model->routes[i];

		if (route->prefix.len < below && prefix_covers(route->prefix, host) &&
		    (!best || route->prefix.len > best->prefix.len))
			best = route;
	}
	return best;
}

static int compare(const void *left, const void *right)
{
	const struct model_route *a = left, *b = right;

	if (a->prefix.addr != b->prefix.addr)
		return a->prefix.addr < b->prefix.addr ? -1 : 1;
	return (a->prefix.len > b->prefix.len) - (a->prefix.len < b->prefix.len);
}

void model_sort(struct model *model)
{
	if (model->n)
		qsort(model->routes, model->n, sizeof(*model->routes), compare);
}

uint32_t random_u32(struct random *random)
{
	/* xorshift64* */
	random->state ^= random->state >> 12;
	random->state ^= random->state << 25;
	random->state ^= random->state >> 27;
	return (random->state * 0x2545f4914f6cdd1dull) >> 32;
}

uint32_t random_below(struct random *random, uint32_t limit)
{
	return random_u32(random) % limit;
}

void random_init(struct random *random, uint64_t seed)
{
	const char *text = getenv("TEST_SEED");

	if (text)
		seed = strtoull(text, NULL, 0);
	random->seed = seed;
	random->state = seed ? seed : 1;
	random->bases[0] = 0;
	random->bases[1] = UINT32_MAX;
	for (unsigned int i = 2; i < 6; i++)
		random->bases[i] = random_u32(random);
}

uint32_t random_addr(struct random *random)
{
	/* A short walk from a base: mostly in its /24, seldom further away. */
	unsigned int bits = random_below(random, 4) ? 8 : random_below(random, 33);
	uint32_t walk = random_u32(random) & random_u32(random);

	return random->bases[random_below(random, 6)] ^ (walk & ~prefix_mask(32 - bits));
}

struct prefix random_prefix(struct random *random, uint8_t min)
{
	/* Half of them near the end, where the rows of dir24 are. */
	uint8_t from = min < 22 && random_below(random, 2) ? 22 : min;

	return prefix_make(random_addr(random), from + random_below(random, 33 - from));
}

uint32_t prefix_edge(struct prefix prefix, unsigned int n)
{
	uint32_t last = prefix.addr | ~prefix_mask(prefix.len);

	switch (n) {
	case 0:
		return prefix.addr;
	case 1:
		return last;
	case 2:
		return prefix.addr - 1;
	default:
		return last + 1;
	}
}
