// SPDX-License-Identifier: GPL-2.0-only
/*
 * A made-up history of a full table: most events are a path that changes, some withdraw a prefix,
 * some announce one again. Prefixes are drawn uniformly, which is the worst that caches can meet.
 */
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include "tests/scale/scale.h"

#define WITHDRAWN UINT8_MAX

enum {
	PROTOCOL = RTPROT_BGP,
	METRIC = 20,
	PERCENT_CHANGED = 60, /* of what is there; the rest is withdrawn */
};

uint32_t churn_oif(unsigned int hop)
{
	return CHURN_FIRST_LINK + hop % CHURN_LINKS;
}

/* 198.18.LINK.10 and on. */
__be32 churn_gateway(unsigned int hop)
{
	return htonl(0xc6120000 | churn_oif(hop) << 8 | (10 + hop / CHURN_LINKS));
}

static struct route route_by(struct prefix dst, unsigned int hop)
{
	return (struct route){ .dst = dst,
			       .gateway = churn_gateway(hop),
			       .oif = churn_oif(hop),
			       .priority = METRIC,
			       .protocol = PROTOCOL };
}

void churn_dump(const struct prefixes *table, uint8_t *hops, struct stream *ret)
{
	uint64_t state = 1;

	for (uint32_t i = 0; i < table->n; i++) {
		struct route route;

		hops[i] = random_next(&state) % CHURN_HOPS;
		route = route_by(table->list[i], hops[i]);
		message_route(ret, RTM_NEWROUTE, NLM_F_MULTI, &route);
	}
}

void churn_events(const struct prefixes *table, uint8_t *hops, uint32_t n, uint64_t seed,
		  struct stream *ret)
{
	for (uint32_t i = 0; i < n; i++) {
		uint32_t at = random_next(&seed) % table->n;
		uint64_t draw = random_next(&seed);
		uint16_t flags = NLM_F_CREATE | NLM_F_EXCL;
		struct route route;

		if (hops[at] == WITHDRAWN) {
			hops[at] = draw % CHURN_HOPS;
		} else if (draw % 100 < PERCENT_CHANGED) {
			hops[at] = (hops[at] + 1 + (draw >> 32) % (CHURN_HOPS - 1)) % CHURN_HOPS;
			flags = NLM_F_REPLACE;
		} else {
			route = route_by(table->list[at], hops[at]);
			message_route(ret, RTM_DELROUTE, 0, &route);
			hops[at] = WITHDRAWN;
			continue;
		}
		route = route_by(table->list[at], hops[at]);
		message_route(ret, RTM_NEWROUTE, flags, &route);
	}
}
