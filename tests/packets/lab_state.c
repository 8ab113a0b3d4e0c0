// SPDX-License-Identifier: GPL-2.0-only
/*
 * Changes of the lab's state that are more than one store into a mapped table.
 */
#include "lab.h"

#include <assert.h>
#include <bpf/bpf.h>

void lab_enter(struct lab *l, const char *text, uint32_t leaf)
{
	struct prefix prefix, mark;
	int err = prefix_parse(text, &prefix);

	if (!err)
		err = l->fib->ops->set(l->fib, prefix, leaf, &mark);
	assert(!err && l->n_routes < LAB_ROUTES);
	l->routes[l->n_routes++] = (struct lab_route){ 0, prefix, leaf };
}

void lab_policy_enter(struct lab *l, uint32_t table, const char *text, uint32_t leaf)
{
	struct policy_key key = { .table = table };
	struct prefix prefix;
	int err = prefix_parse(text, &prefix);

	key.prefixlen = 32 + prefix.len;
	key.addr = htonl(prefix.addr);
	if (!err)
		err = bpf_map_update_elem(bpf_map__fd(l->router->maps.policy_routes), &key, &leaf,
					  BPF_ANY);
	assert(!err && l->n_routes < LAB_ROUTES);
	l->routes[l->n_routes++] = (struct lab_route){ table, prefix, leaf };
}

void lab_policy_set(struct lab *l, const struct policy_step *steps, uint32_t n)
{
	int fd = bpf_map__fd(l->router->maps.policy);

	for (uint32_t i = 0; i < n; i++) {
		l->steps[i] = steps[i];
		bpf_map_update_elem(fd, &i, &steps[i], BPF_ANY);
	}
	l->control->policy_steps = n;
}

void lab_upper(struct lab *l)
{
	union ingress_mac key = { .port = PORT_IN };
	uint64_t port = PORT_UPPER;

	memcpy(key.mac, lab_port_mac[PORT_UPPER], sizeof(key.mac));
	l->ports[PORT_IN].flags |= PORT_HAS_MACS;
	bpf_map_update_elem(bpf_map__fd(l->router->maps.ingress_macs), &key, &port, BPF_ANY);
}

void lab_own_address(struct lab *l, const char *addr, uint8_t kind)
{
	__be32 own = inet_addr(addr);
	int fd = bpf_map__fd(l->router->maps.own_addresses);

	l->control->own_filter[own_filter_bit(own) / 64] |= 1ULL << own_filter_bit(own) % 64;
	if (!kind) {
		bpf_map_delete_elem(fd, &own);
		return;
	}
	bpf_map_update_elem(fd, &own, &kind, BPF_ANY);
	assert(l->n_own < LAB_OWN);
	l->own[l->n_own].addr = own;
	l->own[l->n_own++].kind = kind;
}

void lab_cpu(struct lab *l, uint32_t cpu, bool on)
{
	int err;

	if (on) {
		lab_cpu_queue(l, cpu, 64);
		return;
	}
	err = bpf_map_delete_elem(bpf_map__fd(l->router->maps.cpus), &cpu);
	assert(!err);
	(void)err;
}

void lab_cpu_queue(struct lab *l, uint32_t cpu, uint32_t length)
{
	const struct bpf_cpumap_val value = { .qsize = length };
	int err = bpf_map_update_elem(bpf_map__fd(l->router->maps.cpus), &cpu, &value, BPF_ANY);

	assert(!err);
	(void)err;
}

struct wanted_list {
	__be32 *addr;
	size_t n, limit;
};

static int wanted_one(void *ctx, void *data, size_t size)
{
	const struct neighbour_key *key = data;
	struct wanted_list *list = ctx;

	assert(size == sizeof(*key) && key->ifindex == lab_ifindex(PORT_OUT));
	if (list->n < list->limit)
		list->addr[list->n++] = key->addr;
	return 0;
}

size_t lab_wanted(struct lab *l, __be32 *ret, size_t limit)
{
	struct wanted_list list = { .addr = ret, .limit = limit };
	struct ring_buffer *ring =
		ring_buffer__new(bpf_map__fd(l->router->maps.wanted), wanted_one, &list, NULL);

	assert(ring);
	ring_buffer__consume(ring);
	ring_buffer__free(ring);
	return list.n;
}
