// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ports: a number for every link that can be one.
 *
 * A port whose link goes is first `leaving`: its adjacencies, reverse words and slots stop naming it,
 * at the end of the sync it goes from the map, and its number into quarantine. It stays as long as a
 * write failed: something may name it still.
 *
 * Neighbours are not kept by link: those on ports that came or leave are written in one walk, after all
 * links of a sync (fib_neighbours_sync()).
 */
#include "fib_internal.h"

#include <stdlib.h>

static struct fib_port *port_find(const struct fib *fib, uint32_t ifindex)
{
	struct table_node *node = table_find(&fib->ports, table_hash_u32(ifindex));

	for (; node; node = table_find_next(node))
		if (container_of(node, struct fib_port, node)->value.ifindex == ifindex)
			return container_of(node, struct fib_port, node);
	return NULL;
}

static void port_turn(struct fib *fib, struct fib_port *port)
{
	port->turned = true;
	fib->ports_turned = true;
}

static int port_new(struct fib *fib, const struct port *value, uint32_t birth)
{
	struct fib_port *port = calloc(1, sizeof(*port));
	int err;

	if (!port)
		return -ENOMEM;
	port->value = *value;
	port->birth = birth;
	port->number = fib_number_take(fib, &fib->port_numbers);
	if (!port->number) {
		free(port);
		return 0;
	}
	err = table_insert(&fib->ports, &port->node, table_hash_u32(value->ifindex));
	if (!err) {
		err = fib_wrote(fib, fib->sink->ops->set_port(fib->sink, port->number, value));
		if (err)
			table_remove(&fib->ports, &port->node);
	}
	if (err) {
		fib_number_give(&fib->port_numbers, port->number);
		free(port);
		return err;
	}
	fib->port_by_number[port->number] = port;
	port_turn(fib, port);
	return 0;
}

static int port_write(struct fib *fib, struct fib_port *port, const struct port *value)
{
	int err;

	if (memcmp(&port->value, value, sizeof(*value)) == 0)
		return 0;
	err = fib_wrote(fib, fib->sink->ops->set_port(fib->sink, port->number, value));
	if (!err)
		port->value = *value;
	return err;
}

/* The kernel took the device out of the maps of devices when it went, whether or not that was seen in time. */
static int port_renew(struct fib *fib, struct fib_port *port, uint32_t birth)
{
	int err;

	if (port->birth == birth)
		return 0;
	err = fib_wrote(fib,
			fib->sink->ops->renew_port(fib->sink, port->number, port->value.ifindex));
	if (!err)
		port->birth = birth;
	return err;
}

static int port_update(struct fib *fib, struct fib_port *port, const struct port *value,
		       uint32_t birth)
{
	int err;

	if (port->leaving) {
		port->leaving = false;
		fib->n_leaving--;
		port_turn(fib, port);
	}
	err = port_write(fib, port, value);
	return err ? err : port_renew(fib, port, birth);
}

static void port_clear(struct fib *fib, uint32_t ifindex, uint16_t flag)
{
	struct fib_port *port = port_find(fib, ifindex);
	struct port value;

	if (!port || !(port->value.flags & flag))
		return;
	value = port->value;
	value.flags &= (uint16_t)~flag;
	if (!fib_wrote(fib, fib->sink->ops->set_port(fib->sink, port->number, &value)))
		port->value = value;
}

void fib_port_down(struct fib *fib, uint32_t ifindex)
{
	port_clear(fib, ifindex, PORT_UP);
}

/* The flag is not in the map any more: only if it is not here either it is written when it comes back. */
void fib_port_refuses(struct fib *fib, uint32_t ifindex)
{
	port_clear(fib, ifindex, PORT_XMIT_NATIVE);
}

static void port_leave(struct fib *fib, struct fib_port *port)
{
	if (port->leaving)
		return;
	port->leaving = true;
	fib->n_leaving++;
	port_turn(fib, port);
}

int fib_link_sync(struct fib *fib, uint32_t ifindex)
{
	const struct mirror_link *link = mirror_link(fib->mirror, ifindex);
	struct fib_port *port = port_find(fib, ifindex);
	struct port value;

	memset(&value, 0, sizeof(value));
	if (!link || !resolve_port(fib->mirror, link, &value)) {
		if (port)
			port_leave(fib, port);
		return 0;
	}
	return port ? port_update(fib, port, &value, link->birth)
		    : port_new(fib, &value, link->birth);
}

uint16_t fib_port_usable(const struct fib *fib, uint32_t ifindex)
{
	const struct fib_port *port = port_find(fib, ifindex);

	return port && !port->leaving ? port->number : 0;
}

bool fib_port_turned(const struct fib *fib, uint32_t ifindex)
{
	const struct fib_port *port = port_find(fib, ifindex);

	return port && port->turned;
}

void fib_ports_settle(struct fib *fib)
{
	struct table_walk walk = { 0 };
	struct table_node *node;

	while (fib->ports_turned && (node = table_walk_next(&fib->ports, &walk)))
		container_of(node, struct fib_port, node)->turned = false;
	fib->ports_turned = false;
}

void fib_ports_check(struct fib *fib)
{
	struct table_walk walk = { 0 };
	struct table_node *node;

	while ((node = table_walk_next(&fib->ports, &walk))) {
		struct fib_port *port = container_of(node, struct fib_port, node);

		if (!mirror_link(fib->mirror, port->value.ifindex))
			port_leave(fib, port);
	}
}

void fib_ports_release(struct fib *fib)
{
	struct table_walk walk = { 0 };
	struct table_node *node;
	int err;

	while (fib->n_leaving && !fib->error && (node = table_walk_next(&fib->ports, &walk))) {
		struct fib_port *port = container_of(node, struct fib_port, node);

		if (!port->leaving)
			continue;
		err = fib_wrote(fib, fib->sink->ops->del_port(fib->sink, port->number,
							      port->value.ifindex));
		if (err)
			continue;
		table_remove(&fib->ports, &port->node);
		fib->port_by_number[port->number] = NULL;
		fib_number_give(&fib->port_numbers, port->number);
		fib->n_leaving--;
		free(port);
	}
}

void fib_ports_destroy(struct fib *fib)
{
	struct table_walk walk = { 0 };
	struct table_node *node;

	while ((node = table_walk_next(&fib->ports, &walk)))
		free(container_of(node, struct fib_port, node));
	table_destroy(&fib->ports);
	free(fib->port_by_number);
}

uint16_t fib_port_of(const struct fib *fib, uint32_t ifindex)
{
	const struct fib_port *port = port_find(fib, ifindex);

	return port ? port->number : 0;
}

uint32_t fib_ifindex_of(const struct fib *fib, uint16_t number)
{
	const struct fib_port *port = number < fib->port_numbers.limit ? fib->port_by_number[number]
								       : NULL;

	return port ? port->value.ifindex : 0;
}
