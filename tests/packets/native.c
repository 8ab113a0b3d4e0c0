// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every frame of every test also goes through the decision as the daemon compiles it for `get`: the same
 * verdict as the program counted, and the same next hop.
 */
#include "native.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>
#include <bpf/bpf.h>
#include <linux/bpf.h>
#include "daemon/datapath_maps.h"
#include "daemon/explain_decide.h"

/* Of a frame in a test run: a page less what the kernel keeps before and behind it. */
enum { FIRST_BUFFER = 4096 - 256 - 320 };

/* The lab's tables as the daemon has its own. */
static struct datapath datapath_of(const struct lab *l)
{
	return (struct datapath){
		.router = l->router,
		.options.ports = PORT_LIMIT,
		.dir24.memory = l->dir24,
		.dir24_groups.memory = l->dir24_groups,
		.nexthops.memory = l->nexthops,
		.groups.memory = l->groups,
		.adjacencies.memory = l->adjacencies,
		.ports.memory = l->ports,
		.port_of_ifindex.memory = l->port_of_ifindex,
		.control = l->control,
	};
}

/* What was counted so far at the port of the ingress, by verdict. */
static void read_counted(const struct lab *l, uint64_t ret[VERDICT_COUNT])
{
	uint32_t port = l->port_of_ifindex[lab_ifindex(PORT_IN)];
	struct port_counters *counters = calloc(l->n_cpus, sizeof(*counters));

	assert_non_null(counters);
	assert_int_equal(bpf_map_lookup_elem(bpf_map__fd(l->router->maps.port_counters), &port,
					     counters),
			 0);
	memset(ret, 0, VERDICT_COUNT * sizeof(*ret));
	for (int cpu = 0; cpu < l->n_cpus; cpu++) {
		for (int v = 0; v < VERDICT_COUNT; v++)
			ret[v] += counters[cpu].verdict[v].packets;
	}
	free(counters);
}

void native_before(const struct lab *l, struct native *ret, const struct frame *in)
{
	const struct datapath dp = datapath_of(l);
	struct decide_query query = {
		.frame = in->bytes,
		.len = in->len,
		.first = !l->tc && in->len > FIRST_BUFFER ? FIRST_BUFFER : 0,
		.ifindex = lab_ifindex(PORT_IN),
		.hook = l->tc ? PORT_IN_TC : 0,
		.marked = l->tc && l->skb.mark,
		.gso_size = l->tc ? l->skb.gso_size : 0,
	};

	explain_decide(&dp, &query, &ret->decided);
	read_counted(l, ret->counted);
}

void native_after(const struct lab *l, const struct native *native, const struct outcome *outcome)
{
	enum verdict says = native->decided.verdict;
	uint64_t counted[VERDICT_COUNT];

	read_counted(l, counted);
	for (int v = 0; v < VERDICT_COUNT; v++) {
		if (counted[v] != native->counted[v] + (v == (int)says))
			fail_msg("natively compiled: %s, the program counted %s by %d",
				 verdict_name(says), verdict_name(v),
				 (int)(counted[v] - native->counted[v]));
	}
	if (says == VERDICT_forwarded && !native->decided.unchanged &&
	    memcmp(outcome->frame.bytes, native->decided.hop.target.mac, 6) != 0)
		fail_msg("natively compiled: another next hop than the program's");
}
