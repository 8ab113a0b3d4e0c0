// SPDX-License-Identifier: GPL-2.0-only
/* Tables of fixed size: every element against what the fib has written there. */
#include "audit_internal.h"

#include <errno.h>
#include "datapath_audit.h"
#include "sync_transmit.h"

struct owner_search {
	const struct daemon *d;
	uint32_t index;
	char text[INET6_ADDRSTRLEN + IFNAMSIZ + 16];
};

static const char *device_name(const struct daemon *d, uint32_t ifindex)
{
	const struct mirror_link *link = mirror_link(d->mirror, ifindex);

	return link ? link->e.name : "a device that is gone";
}

static int is_owner(void *ctx, uint32_t index, uint32_t ifindex, const struct addr *addr)
{
	struct owner_search *search = ctx;
	char text[INET6_ADDRSTRLEN];

	if (index != search->index)
		return 0;
	snprintf(search->text, sizeof(search->text), " (%s dev %s)", addr_format(addr, text),
		 device_name(search->d, ifindex));
	return 1;
}

static void audit_adjacency(struct daemon *d, uint32_t index)
{
	struct owner_search search = { .d = d, .index = index };
	int fixed = datapath_fix_adjacency(d->datapath, index, fib_adjacency_word(d->fib, index));

	if (!fixed)
		return;
	fib_walk_adjacencies(d->fib, is_owner, &search);
	audit_tell(d, fixed, "adjacency %u%s", index, search.text);
}

static void audit_control(struct daemon *d)
{
	struct fib_control control;
	uint32_t leaf;

	fib_control_record(d->fib, &control, &leaf);
	for (int i = 0; i < CONTROL_FIELDS; i++)
		audit_tell(d, datapath_fix_control(d->datapath, i, &control, leaf), "control %s",
			   datapath_control_name(i));
}

static void audit_port(struct daemon *d, uint16_t number)
{
	const char *name;
	struct port port;

	if (!fib_port_record(d->fib, number, &port))
		return;
	name = port.ifindex ? device_name(d, port.ifindex) : "not in use";
	audit_tell(d, datapath_fix_port(d->datapath, number, &port), "port %u (%s)", number, name);
	if (port.ifindex)
		audit_tell(d, datapath_fix_port_of_ifindex(d->datapath, port.ifindex, number),
			   "port number of %s", name);
}

/* Those that have one and should not, or another one; where it is missing has been seen to. */
static void audit_ifindex(struct daemon *d, uint32_t ifindex)
{
	uint16_t number;

	if (!datapath_port_of_ifindex(d->datapath, ifindex))
		return;
	number = fib_port_of(d->fib, ifindex);
	audit_tell(d, datapath_fix_port_of_ifindex(d->datapath, ifindex, number),
		   "port number of ifindex %u", ifindex);
}

int audit_words(struct daemon *d)
{
	const struct fib_limits *limits = &datapath_sink(d->datapath)->limits;

	audit_control(d);
	for (uint32_t slot = 0; slot < limits->nexthops; slot++)
		audit_tell(d,
			   datapath_fix_nexthop(d->datapath, slot, fib_nexthop_word(d->fib, slot),
						fib_reverse_word(d->fib, slot)),
			   "next-hop slot %u", slot);
	for (uint32_t row = 0; row < limits->groups; row++)
		audit_tell(d, datapath_fix_group(d->datapath, row, fib_group_row(d->fib, row)),
			   "group %u", row);
	for (uint32_t index = 0; index < limits->adjacencies; index++)
		audit_adjacency(d, index);
	transmit_look(d); /* of these, what our own program changed is no difference */
	for (uint32_t number = 0; number < limits->ports; number++)
		audit_port(d, number);
	for (uint32_t ifindex = 0; ifindex < IFINDEX_LIMIT; ifindex++)
		audit_ifindex(d, ifindex);
	return 0;
}

/* All together, on hold. */
static int audit_policy(struct daemon *d)
{
	const struct policy_step *steps;
	bool redo = false;
	uint32_t n;
	int err;

	steps = fib_policy_steps(d->fib, &n);
	for (uint32_t i = 0; steps && i < n; i++) {
		err = datapath_check_policy_step(d->datapath, i, &steps[i]);
		if (err && err != -EINVAL)
			return err;
		audit_tell(d, err ? 1 : 0, "policy step %u", i);
		redo |= err != 0;
	}
	if (!redo)
		return 0;
	fib_policy_redo(d->fib);
	return sync_write(d);
}

int audit_singles(struct daemon *d)
{
	struct port port;

	for (uint32_t number = 0; number < datapath_sink(d->datapath)->limits.ports; number++)
		if (fib_port_record(d->fib, number, &port))
			audit_tell(d, datapath_fix_tx(d->datapath, number, port.ifindex),
				   "device that port %u (%s) transmits by", number,
				   port.ifindex ? device_name(d, port.ifindex) : "not in use");
	for (uint32_t cpu = 0; cpu < datapath_cpus(d->datapath); cpu++)
		audit_tell(d, datapath_fix_cpu(d->datapath, cpu, fib_cpu_record(d->fib, cpu)),
			   "CPU %u to steer to", cpu);
	return audit_policy(d);
}
