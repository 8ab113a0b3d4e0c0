// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which roots of a tier have a trie below them, so that walks need not look at a million empty ones: a bit
 * for each, a bit for each word of those that is not 0, and so on.
 */
#include "rib_roots.h"

#include <errno.h>
#include <stdlib.h>

static uint32_t words_of(uint32_t bits)
{
	return (bits + 63) / 64;
}

int rib_roots_init(struct rib_roots *roots, uint32_t n)
{
	for (unsigned int level = 0; level < ROOT_LEVELS; level++) {
		n = words_of(n);
		roots->n_words[level] = n;
		roots->words[level] = calloc(n, sizeof(uint64_t));
		if (!roots->words[level]) {
			rib_roots_destroy(roots);
			return -ENOMEM;
		}
	}
	return 0;
}

void rib_roots_destroy(struct rib_roots *roots)
{
	for (unsigned int level = 0; level < ROOT_LEVELS; level++) {
		free(roots->words[level]);
		roots->words[level] = NULL;
	}
}

void rib_roots_set(struct rib_roots *roots, uint32_t root)
{
	for (unsigned int level = 0; level < ROOT_LEVELS; level++, root /= 64)
		roots->words[level][root / 64] |= 1ull << root % 64;
}

void rib_roots_clear(struct rib_roots *roots, uint32_t root)
{
	for (unsigned int level = 0; level < ROOT_LEVELS; level++, root /= 64) {
		uint64_t *word = &roots->words[level][root / 64];

		*word &= ~(1ull << root % 64);
		if (*word)
			return;
	}
}

uint32_t rib_roots_next(const struct rib_roots *roots, uint32_t from)
{
	uint32_t at = from;

	for (unsigned int level = 0; level < ROOT_LEVELS; level++) {
		uint32_t word = at / 64;
		uint64_t bits;

		if (word >= roots->n_words[level])
			return ROOT_NONE;
		bits = roots->words[level][word] & ~0ull << at % 64;
		if (bits) {
			at = word * 64 + (uint32_t)__builtin_ctzll(bits);
			while (level--)
				at = at * 64 + (uint32_t)__builtin_ctzll(roots->words[level][at]);
			return at;
		}
		at = word + 1;
	}
	return ROOT_NONE;
}
