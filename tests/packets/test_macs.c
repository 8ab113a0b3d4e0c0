// SPDX-License-Identifier: GPL-2.0-only
/*
 * Macvlan devices (VRRP) on the port: frames to their MAC address came in by them, as far as the kernel's
 * checks go; counters and the way out stay those of the port.
 */
#include "rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <bpf/bpf.h>

/* On PORT_UPPER's MAC address. */
#define UPPER(...) .in = { .to_port = PORT_UPPER, __VA_ARGS__ }

static void enter(struct lab *l, const uint8_t mac[6], uint16_t port, uint64_t value)
{
	union ingress_mac key = { .port = port };

	memcpy(key.mac, mac, sizeof(key.mac));
	bpf_map_update_elem(bpf_map__fd(l->router->maps.ingress_macs), &key, &value, BPF_ANY);
}

static void leave(struct lab *l, uint16_t port)
{
	union ingress_mac key = { .port = port };

	memcpy(key.mac, lab_port_mac[PORT_UPPER], sizeof(key.mac));
	bpf_map_delete_elem(bpf_map__fd(l->router->maps.ingress_macs), &key);
}

/* The address is known, but the port is not said to have any. */
static void not_asked(struct lab *l)
{
	lab_upper(l);
	l->ports[PORT_IN].flags &= ~PORT_HAS_MACS;
}

static void unknown(struct lab *l)
{
	lab_upper(l);
	leave(l, PORT_IN);
}

/* The same address on another port. */
static void elsewhere(struct lab *l)
{
	unknown(l);
	enter(l, lab_port_mac[PORT_UPPER], PORT_OUT, PORT_UPPER);
}

/* The element was given to another address, or the device's address changed. */
static void reused(struct lab *l)
{
	lab_upper(l);
	l->ports[PORT_UPPER].mac[5]++;
}

static void reused_first(struct lab *l)
{
	lab_upper(l);
	l->ports[PORT_UPPER].mac[0] ^= 4;
}

static void nowhere(struct lab *l)
{
	lab_upper(l);
	enter(l, lab_port_mac[PORT_UPPER], PORT_IN, PORT_LIMIT + 1);
}

/* Even if the tables said so: such frames are not unicast. */
static void multicast(struct lab *l)
{
	static const uint8_t mac[6] = { 3, 0, 0, 1, 0x5e, 8 };

	lab_upper(l);
	enter(l, mac, PORT_IN, PORT_UPPER);
	memcpy(l->ports[PORT_UPPER].mac, mac, sizeof(mac));
}

static void flags_add(struct lab *l, int port, uint16_t flags)
{
	lab_upper(l);
	l->ports[port].flags |= flags;
}

static void upper_does_not_forward(struct lab *l)
{
	lab_upper(l);
	l->ports[PORT_UPPER].flags &= ~PORT_FORWARDING;
}

static void lower_does_not_forward(struct lab *l)
{
	lab_upper(l);
	l->ports[PORT_IN].flags &= ~PORT_FORWARDING;
}

static void upper_strict(struct lab *l)
{
	flags_add(l, PORT_UPPER, PORT_RP_FILTER);
}

static void lower_strict(struct lab *l)
{
	flags_add(l, PORT_IN, PORT_RP_FILTER);
}

static void upper_loose(struct lab *l)
{
	flags_add(l, PORT_UPPER, PORT_RP_FILTER | PORT_RP_LOOSE | PORT_HAS_ADDRESS);
}

static void upper_accepts(struct lab *l)
{
	flags_add(l, PORT_UPPER, PORT_ACCEPT_LOCAL);
	lab_own_address(l, "192.0.2.1", OWN_ADDRESS);
}

static void lower_accepts(struct lab *l)
{
	flags_add(l, PORT_IN, PORT_ACCEPT_LOCAL);
	lab_own_address(l, "192.0.2.1", OWN_ADDRESS);
}

static void upper_redirects(struct lab *l)
{
	flags_add(l, PORT_UPPER, PORT_SEND_REDIRECTS);
}

static void lower_redirects(struct lab *l)
{
	flags_add(l, PORT_IN, PORT_SEND_REDIRECTS);
}

static void lower_generic(struct lab *l)
{
	flags_add(l, PORT_IN, PORT_IN_GENERIC);
}

static void upper_generic(struct lab *l)
{
	flags_add(l, PORT_UPPER, PORT_IN_GENERIC);
}

static const struct row rows[] = {
	{ "to the macvlan device", .in = { .to_port = PORT_UPPER }, FORWARDED(SLOT_OUT),
	  lab_upper },
	{ "to the port itself", FORWARDED(SLOT_OUT), lab_upper },
	{ "no macs on this port", .in = { .to_port = PORT_UPPER }, VERDICT_not_our_mac,
	  .change = not_asked },
	{ "unknown", .in = { .to_port = PORT_UPPER }, VERDICT_not_our_mac, .change = unknown },
	{ "one byte off", UPPER(.patch = { { 3, 9 } }), VERDICT_not_our_mac, .change = lab_upper },
	{ "last byte off", UPPER(.patch = { { 5, 9 } }), VERDICT_not_our_mac, .change = lab_upper },
	{ "of another port", .in = { .to_port = PORT_UPPER }, VERDICT_not_our_mac,
	  .change = elsewhere },
	{ "port of another address", .in = { .to_port = PORT_UPPER }, VERDICT_not_our_mac,
	  .change = reused },
	{ "port of another address, first byte", .in = { .to_port = PORT_UPPER },
	  VERDICT_not_our_mac, .change = reused_first },
	{ "port beyond the table", .in = { .to_port = PORT_UPPER }, VERDICT_stale,
	  .change = nowhere },
	{ "multicast", UPPER(.patch = { { 0, 3 } }), VERDICT_not_our_mac, .change = multicast },
	{ "broadcast", PATCH({ 0, 0xff }, { 1, 0xff }), VERDICT_not_our_mac, .change = lab_upper },
	{ "not ipv4", UPPER(.patch = { { 13, 6 } }), VERDICT_not_ipv4, .change = lab_upper },
	{ "checks of the header", UPPER(.wrong_checksum = true), VERDICT_malformed,
	  .change = lab_upper },
	{ "cut", UPPER(.cut = 33), VERDICT_malformed, .change = lab_upper },

	{ "it does not forward", .in = { .to_port = PORT_UPPER }, VERDICT_forwarding_off,
	  .change = upper_does_not_forward },
	{ "the port does not forward, it does", .in = { .to_port = PORT_UPPER },
	  FORWARDED(SLOT_OUT), lower_does_not_forward },
	{ "the port does not forward", .verdict = VERDICT_forwarding_off,
	  .change = lower_does_not_forward },
	{ "its filter, by itself", UPPER(.src = "10.17.0.9"), FORWARDED(SLOT_OUT), upper_strict },
	{ "its filter, by the port", UPPER(.src = "10.8.0.9"), VERDICT_rp_filter,
	  .change = upper_strict },
	{ "its filter, for the port", FROM("10.3.0.9"), FORWARDED(SLOT_OUT), upper_strict },
	{ "the port's filter", UPPER(.src = "10.3.0.9"), FORWARDED(SLOT_OUT), lower_strict },
	{ "its loose filter", UPPER(.src = "10.8.0.9"), FORWARDED(SLOT_OUT), upper_loose },
	{ "its accept_local", .in = { .to_port = PORT_UPPER }, FORWARDED(SLOT_OUT), upper_accepts },
	{ "the port's accept_local", .in = { .to_port = PORT_UPPER }, VERDICT_martian,
	  .change = lower_accepts },
	{ "back by itself", UPPER(.dst = "10.17.0.1"), VERDICT_hairpin, .change = upper_redirects },
	{ "back by itself, no redirects", UPPER(.dst = "10.17.0.1"), FORWARDED(SLOT_UPPER),
	  lower_redirects },
	{ "back by the port", UPPER(.dst = "10.8.0.1"), FORWARDED(SLOT_BACK), upper_redirects },
	{ "from the port, by it", TO("10.17.0.1"), FORWARDED(SLOT_UPPER), lower_redirects },
	{ "the port is generic", UPPER(.dst = "10.6.0.1"), FORWARDED(SLOT_GENERIC), lower_generic },
	{ "it is said to be generic", UPPER(.dst = "10.6.0.1"), VERDICT_egress_no_xdp,
	  .change = upper_generic, TC_FORWARDED(SLOT_GENERIC) },
};

static void test_macs(void **state)
{
	(void)state;
	rows_run(rows, sizeof(rows) / sizeof(rows[0]));
	leave(lab, PORT_OUT);
}

int run_macs(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_macs),
	};

	return cmocka_run_group_tests_name("macs", tests, NULL, NULL);
}
