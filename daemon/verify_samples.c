// SPDX-License-Identifier: GPL-2.0-only
/* Addresses to ask for. */
#include "verify_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

int random_begin(uint64_t *state)
{
	if (getrandom(state, sizeof(*state), 0) != sizeof(*state))
		return -EIO;
	*state |= 1; /* never 0 */
	return 0;
}

/* Marsaglia's xorshift: any spread will do. */
uint32_t random_next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state >> 32;
}

/* The programs do not look these up. */
static bool is_never_routed(uint32_t addr)
{
	return !addr || addr >> 24 == 127 || addr >> 28 == 14 || addr == UINT32_MAX;
}

/* Of four samples three are on the edges of and within a route, one is anywhere. */
uint32_t sample_address(const struct verify *v, uint32_t which, uint64_t *state)
{
	const struct prefix *prefixes = v->prefixes.items, *prefix;
	uint32_t addr = random_next(state), host;

	if (which % 4 == 3 || !v->prefixes.n)
		return addr;
	prefix = &prefixes[addr % v->prefixes.n];
	host = ~prefix_mask(prefix->len);
	return prefix->addr | (which % 4 == 0	? 0
			       : which % 4 == 1 ? host
						: random_next(state) & host);
}

uint32_t *sample_addresses(const struct verify *v, uint32_t n, int *ret_err)
{
	uint32_t *addresses = calloc(n ? n : 1, sizeof(*addresses));
	uint64_t state;

	*ret_err = addresses ? random_begin(&state) : -ENOMEM;
	if (*ret_err) {
		free(addresses);
		return NULL;
	}
	for (uint32_t i = 0; i < n; i++) {
		addresses[i] = sample_address(v, i, &state);
		while (is_never_routed(addresses[i]))
			addresses[i] = random_next(&state);
	}
	return addresses;
}
