// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reverse words: by which ports packets may come whose source is routed to a slot.
 *
 * A slot has one where a next hop of the mirror owns it; legs of groups keep 0, for no source is
 * routed to them. What a word accepts less than before is written with the objects, before the
 * routes change, and what it accepts more only after them: in between the source of a packet is
 * accepted only if it was before or will be. A port that leaves is no port here, so no word names
 * it by the time its number is given back.
 */
#include "fib_internal.h"

static uint64_t reverse_of(const struct fib *fib, uint32_t slot)
{
	uint32_t ifindex[REVERSE_PORTS], handle = fib->slots[slot].handle;
	union reverse_word reverse;
	unsigned int n;

	if (!handle)
		return 0;
	n = resolve_reverse(fib->mirror, mirror_nexthop(fib->mirror, handle), ifindex);
	if (!n)
		return 0;
	for (unsigned int i = 0; i < REVERSE_PORTS; i++) {
		uint16_t port = i < n ? fib_port_usable(fib, ifindex[i]) : 0;

		reverse.port[i] = port ? port : REVERSE_NO_PORT;
	}
	return reverse.word;
}

/* What both accept; any word but 0 is enough for the loose filter. */
static uint64_t common(uint64_t a, uint64_t b)
{
	union reverse_word was = { .word = a }, is = { .word = b };

	if (!was.word || !is.word)
		return 0;
	for (unsigned int i = 0; i < REVERSE_PORTS; i++) {
		unsigned int j = 0;

		while (j < REVERSE_PORTS && was.port[j] != is.port[i])
			j++;
		if (j == REVERSE_PORTS)
			is.port[i] = REVERSE_NO_PORT;
	}
	return is.word;
}

int fib_reverse_write(struct fib *fib, uint32_t slot, uint64_t word)
{
	struct fib_slot *s = &fib->slots[slot];
	int err;

	if (s->reverse == word)
		return 0;
	err = fib_wrote(fib, fib->sink->ops->set_reverse(fib->sink, slot, word));
	if (!err)
		s->reverse = word;
	return err;
}

int fib_reverse_sync(struct fib *fib, uint32_t slot)
{
	struct fib_slot *s = &fib->slots[slot];
	uint64_t reverse = reverse_of(fib, slot);

	s->grant = reverse;
	if (reverse != s->reverse && !s->granting) {
		s->granting = true;
		s->next_grant = fib->grants;
		fib->grants = slot;
	}
	return fib_reverse_write(fib, slot, common(s->reverse, reverse));
}

void fib_reverse_grant(struct fib *fib)
{
	uint32_t slot;

	while ((slot = fib->grants)) {
		struct fib_slot *s = &fib->slots[slot];

		fib->grants = s->next_grant;
		s->granting = false;
		if (s->used && fib_reverse_write(fib, slot, s->grant))
			fib_slot_dirty(fib, slot);
	}
}
