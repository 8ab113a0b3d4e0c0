// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ingress MAC addresses: which macvlan device (VRRP) takes a frame that its lower device receives.
 *
 * Entries that are no longer right go before links are looked at and may give back port numbers;
 * those that are missing come when the ports are written. One that finds no room, or is claimed by
 * two devices, is left out: its frames are not_our_mac, and the kernel's. Room comes back only by
 * an entry that goes, and whenever one may go all that are missing are tried.
 */
#include "fib_internal.h"

#include <stdlib.h>
#include "fib_record.h"

struct fib_mac {
	struct table_node node; /* by MAC address and lower device */
	uint8_t mac[6];
	uint32_t lower, upper; /* ifindexes */
	union ingress_mac key; /* as in the map, if `port` is set */
	uint16_t port;
	bool wanted, doubtful;
};

static uint32_t mac_hash(uint32_t lower, const uint8_t mac[6])
{
	return table_hash(mac, 6) ^ table_hash_u32(lower);
}

static struct fib_mac *mac_get(struct fib *fib, uint32_t lower, const uint8_t mac[6])
{
	struct table_node *node = table_find(&fib->macs, mac_hash(lower, mac));
	struct fib_mac *m;

	for (; node; node = table_find_next(node)) {
		m = container_of(node, struct fib_mac, node);
		if (m->lower == lower && memcmp(m->mac, mac, sizeof(m->mac)) == 0)
			return m;
	}
	m = calloc(1, sizeof(*m));
	if (!m)
		return NULL;
	m->lower = lower;
	memcpy(m->mac, mac, sizeof(m->mac));
	if (table_insert(&fib->macs, &m->node, mac_hash(lower, mac))) {
		free(m);
		return NULL;
	}
	return m;
}

static int want(struct fib *fib, const struct mirror_link *lower, const struct mirror_link *upper)
{
	struct fib_mac *m = mac_get(fib, lower->e.ifindex, upper->e.mac);

	if (!m)
		return -ENOMEM;
	m->doubtful |= m->wanted;
	m->wanted = true;
	m->upper = upper->e.ifindex;
	return 0;
}

static int want_all(struct fib *fib)
{
	const struct mirror_link *link = mirror_next_link(fib->mirror, 0), *lower;
	int err = 0;

	for (; link && !err; link = mirror_next_link(fib->mirror, link->e.ifindex)) {
		lower = link->e.lower ? mirror_link(fib->mirror, link->e.lower) : NULL;
		if (lower && resolve_can_be_port(lower) && resolve_is_upper(link, lower))
			err = want(fib, lower, link);
	}
	return err;
}

static bool is_right(const struct fib *fib, const struct fib_mac *m)
{
	return m->wanted && !m->doubtful && m->port == fib_port_usable(fib, m->upper);
}

static int mac_withdraw(struct fib *fib, struct fib_mac *m)
{
	int err = 0;

	if (m->port && !is_right(fib, m)) {
		err = fib->sink->ops->set_ingress_mac(fib->sink, m->key, 0);
		if (fib_wrote(fib, err))
			return err;
		m->port = 0;
	}
	if (!m->wanted) {
		table_remove(&fib->macs, &m->node);
		free(m);
	}
	return err;
}

static int mac_enter(struct fib *fib, struct fib_mac *m)
{
	uint16_t lower = fib_port_usable(fib, m->lower), upper = fib_port_usable(fib, m->upper);
	union ingress_mac key = { .port = lower };
	int err;

	if (m->port || !m->wanted || m->doubtful || !lower || !upper)
		return 0;
	memcpy(key.mac, m->mac, sizeof(key.mac));
	err = fib->sink->ops->set_ingress_mac(fib->sink, key, upper);
	if (err == -ENOSPC)
		return 0;
	if (fib_wrote(fib, err))
		return err;
	m->key = key;
	m->port = upper;
	return 0;
}

int fib_macs_withdraw(struct fib *fib)
{
	struct table_walk walk = { 0 };
	struct table_node *node;
	int err, first = 0;

	while ((node = table_walk_next(&fib->macs, &walk))) {
		struct fib_mac *m = container_of(node, struct fib_mac, node);

		m->wanted = m->doubtful = false;
	}
	first = want_all(fib);
	memset(&walk, 0, sizeof(walk));
	while ((node = table_walk_next(&fib->macs, &walk))) {
		err = mac_withdraw(fib, container_of(node, struct fib_mac, node));
		first = first ? first : err;
	}
	return first;
}

int fib_macs_enter(struct fib *fib)
{
	struct table_walk walk = { 0 };
	struct table_node *node;
	int err, first = 0;

	while ((node = table_walk_next(&fib->macs, &walk))) {
		err = mac_enter(fib, container_of(node, struct fib_mac, node));
		first = first ? first : err;
	}
	return first;
}

uint32_t fib_macs_count(const struct fib *fib)
{
	struct table_walk walk = { 0 };
	struct table_node *node;
	uint32_t n = 0;

	while ((node = table_walk_next(&fib->macs, &walk)))
		n += container_of(node, struct fib_mac, node)->port != 0;
	return n;
}

uint16_t fib_mac_record(const struct fib *fib, union ingress_mac key)
{
	uint32_t lower = fib_ifindex_of(fib, key.port);
	struct table_node *node = table_find(&fib->macs, mac_hash(lower, key.mac));

	for (; node; node = table_find_next(node)) {
		const struct fib_mac *m = container_of(node, struct fib_mac, node);

		if (m->port && m->key.word == key.word)
			return m->port;
	}
	return 0;
}

int fib_walk_macs(const struct fib *fib, int (*fn)(void *ctx, union ingress_mac key, uint16_t port),
		  void *ctx)
{
	struct table_walk walk = { 0 };
	struct table_node *node;
	int err = 0;

	while (!err && (node = table_walk_next(&fib->macs, &walk))) {
		const struct fib_mac *m = container_of(node, struct fib_mac, node);

		if (m->port)
			err = fn(ctx, m->key, m->port);
	}
	return err;
}

void fib_macs_destroy(struct fib *fib)
{
	struct table_walk walk = { 0 };
	struct table_node *node;

	while ((node = table_walk_next(&fib->macs, &walk)))
		free(container_of(node, struct fib_mac, node));
	table_destroy(&fib->macs);
}
