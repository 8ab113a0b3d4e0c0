// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sources: our own addresses, and the reverse path filter in all its modes.
 */
#include "rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static void flags_add(struct lab *l, uint16_t flags)
{
	l->ports[PORT_IN].flags |= flags;
}

static void strict(struct lab *l)
{
	flags_add(l, PORT_RP_FILTER | PORT_HAS_ADDRESS);
}

static void loose(struct lab *l)
{
	flags_add(l, PORT_RP_FILTER | PORT_RP_LOOSE | PORT_HAS_ADDRESS);
}

static void loose_without_address(struct lab *l)
{
	flags_add(l, PORT_RP_FILTER | PORT_RP_LOOSE);
}

/* Flags of the loose filter mean nothing while no filter is in force. */
static void filter_off(struct lab *l)
{
	flags_add(l, PORT_RP_LOOSE | PORT_HAS_ADDRESS);
}

static void loose_default_route(struct lab *l)
{
	loose(l);
	l->control->default_leaf = SLOT_OUT;
}

static void strict_default_back(struct lab *l)
{
	strict(l);
	l->control->default_leaf = SLOT_BACK;
}

static void check_source(struct lab *l)
{
	l->control->flags = CONTROL_CHECK_SOURCE;
}

static void check_and_strict(struct lab *l)
{
	check_source(l);
	strict(l);
}

static void check_and_loose(struct lab *l)
{
	check_source(l);
	loose(l);
}

static void other_flags(struct lab *l)
{
	l->control->flags = CONTROL_NEIGHBOURS_FULL;
}

/* The filter of the egress port is none of our business. */
static void strict_egress(struct lab *l)
{
	l->ports[PORT_OUT].flags |= PORT_RP_FILTER;
}

static void own(struct lab *l)
{
	lab_own_address(l, "192.0.2.1", OWN_ADDRESS);
}

static void own_accepted(struct lab *l)
{
	own(l);
	flags_add(l, PORT_ACCEPT_LOCAL);
}

static void own_accepted_egress(struct lab *l)
{
	own(l);
	l->ports[PORT_OUT].flags |= PORT_ACCEPT_LOCAL;
}

static void own_broadcast_accepted(struct lab *l)
{
	own_accepted(l);
	lab_own_address(l, "192.0.2.1", OWN_BROADCAST);
}

static void own_broadcast(struct lab *l)
{
	lab_own_address(l, "192.0.2.1", OWN_BROADCAST);
}

static void own_accepted_check(struct lab *l)
{
	own_accepted(l);
	check_source(l);
}

static void own_accepted_loose(struct lab *l)
{
	own_accepted(l);
	loose_default_route(l);
}

static void strict_observe(struct lab *l)
{
	strict(l);
	l->control->flags = CONTROL_OBSERVE;
}

static const struct row rows[] = {
	{ "strict, by the port", FROM("10.8.0.9"), FORWARDED(SLOT_OUT), strict },
	{ "strict, by the second port", FROM("10.2.0.9"), FORWARDED(SLOT_OUT), strict },
	{ "strict, by the third port", FROM("10.16.0.9"), FORWARDED(SLOT_OUT), strict },
	{ "strict, by the fourth port", FROM("10.12.0.9"), FORWARDED(SLOT_OUT), strict },
	{ "strict, default route", FORWARDED(SLOT_OUT), strict_default_back },
	{ "strict, by another port", FROM("10.3.0.9"), VERDICT_rp_filter, .change = strict },
	{ "strict, by the port it leaves by", FROM("10.1.0.9"), VERDICT_rp_filter,
	  .change = strict },
	{ "strict, connected elsewhere", FROM("10.10.0.9"), VERDICT_rp_filter, .change = strict },
	{ "strict, group elsewhere", FROM("10.11.0.9"), VERDICT_rp_filter, .change = strict },
	{ "strict, no route back", .verdict = VERDICT_rp_filter, .change = strict },
	{ "strict, observed", FROM("10.8.0.9"), VERDICT_observe, .change = strict_observe },
	{ "strict, multicast still is", .in = { .dst = "224.0.0.5", .src = "10.3.0.9" },
	  VERDICT_multicast, .change = strict },

	{ "loose, by the port", FROM("10.8.0.9"), FORWARDED(SLOT_OUT), loose },
	{ "loose, by another port", FROM("10.3.0.9"), FORWARDED(SLOT_OUT), loose },
	{ "loose, group elsewhere", FROM("10.11.0.9"), FORWARDED(SLOT_OUT), loose },
	{ "loose, connected elsewhere", FROM("10.10.0.9"), FORWARDED(SLOT_OUT), loose },
	{ "loose, default route elsewhere", FORWARDED(SLOT_OUT), loose_default_route },
	{ "loose, no route back", .verdict = VERDICT_rp_filter, .change = loose },
	{ "loose, blackhole", FROM("10.100.1.9"), VERDICT_rp_filter, .change = loose },
	{ "loose, blackhole slot", FROM("10.101.1.9"), VERDICT_rp_filter, .change = loose },
	{ "loose, unreachable", FROM("10.100.15.9"), VERDICT_rp_filter, .change = loose },
	{ "loose, not known", FROM("10.13.0.9"), VERDICT_rp_filter, .change = loose },
	{ "loose, slot beyond the table", FROM("10.99.0.9"), VERDICT_rp_filter, .change = loose },
	{ "loose, no address, by the port", FROM("10.8.0.9"), FORWARDED(SLOT_OUT),
	  loose_without_address },
	{ "loose, no address, by another port", FROM("10.3.0.9"), VERDICT_rp_filter,
	  .change = loose_without_address },
	{ "filter off, by another port", FROM("10.3.0.9"), FORWARDED(SLOT_OUT), filter_off },
	{ "filter of the egress", FROM("10.3.0.9"), FORWARDED(SLOT_OUT), strict_egress },

	{ "strict, from a local address by route", FROM("10.100.9.1"), VERDICT_martian,
	  .change = strict },
	{ "strict, from a broadcast by route", FROM("10.100.8.1"), VERDICT_martian,
	  .change = strict },
	{ "strict, from a multicast by route", FROM("10.100.7.1"), VERDICT_martian,
	  .change = strict },

	/* What comes before, and what after. */
	{ "blackhole before the filter", .in = { .dst = "10.100.1.9", .src = "10.3.0.9" },
	  VERDICT_dropped, .change = strict },
	{ "no_route before the filter", .in = { .dst = "203.0.113.7", .src = "10.3.0.9" },
	  VERDICT_no_route, .change = strict },
	{ "local before the filter", .in = { .dst = "10.100.9.9", .src = "10.3.0.9" },
	  VERDICT_local, .change = strict },
	{ "no_neighbour before the filter", .in = { .dst = "10.10.0.2", .src = "10.3.0.9" },
	  VERDICT_no_neighbour, .change = strict },
	{ "the filter before ttl", .in = { .src = "10.3.0.9", .ttl = 1 }, VERDICT_rp_filter,
	  .change = strict },
	{ "ttl behind the filter", .in = { .src = "10.8.0.9", .ttl = 1 }, VERDICT_ttl,
	  .change = strict },
	{ "the filter before egress_down", .in = { .dst = "10.4.0.1", .src = "10.3.0.9" },
	  VERDICT_rp_filter, .change = strict },

	{ "no filter, no check, local by route", FROM("10.100.9.1"), FORWARDED(SLOT_OUT),
	  other_flags },
	{ "check, no route", FORWARDED(SLOT_OUT), check_source },
	{ "check, a next hop", FROM("10.2.0.9"), FORWARDED(SLOT_OUT), check_source },
	{ "check, a next hop elsewhere", FROM("10.3.0.9"), FORWARDED(SLOT_OUT), check_source },
	{ "check, a group", FROM("10.11.0.9"), FORWARDED(SLOT_OUT), check_source },
	{ "check, local by route", FROM("10.100.9.1"), VERDICT_martian, .change = check_source },
	{ "check, broadcast by route", FROM("10.100.8.1"), VERDICT_martian,
	  .change = check_source },
	{ "check, blackhole slot", FROM("10.101.1.1"), VERDICT_martian, .change = check_source },
	{ "check, unset slot", FROM("10.13.0.1"), VERDICT_martian, .change = check_source },
	{ "check, to a user's route: blackhole slot",
	  .in = { .dst = "10.18.0.1", .src = "10.101.1.1" }, FORWARDED(SLOT_USER), check_source },
	{ "check, to a user's route: the user's drop",
	  .in = { .dst = "10.18.0.1", .src = "10.19.0.1" }, FORWARDED(SLOT_USER), check_source },
	{ "check, redirected: prohibited", .in = { .dst = "10.21.0.1", .src = "10.101.17.1" },
	  FORWARDED(SLOT_REDIRECT), check_source },
	{ "check, to a user's route: local by route",
	  .in = { .dst = "10.18.0.1", .src = "10.100.9.1" }, VERDICT_martian,
	  .change = check_source },
	{ "check, to a user's route: no room", .in = { .dst = "10.18.0.1", .src = "10.100.26.1" },
	  VERDICT_martian, .change = check_source },
	{ "check and strict, no route", .verdict = VERDICT_rp_filter, .change = check_and_strict },
	{ "check and loose, elsewhere", FROM("10.3.0.9"), FORWARDED(SLOT_OUT), check_and_loose },

	{ "from ourselves", .verdict = VERDICT_martian, .change = own },
	{ "from ourselves before no_route", TO("203.0.113.7"), VERDICT_martian, .change = own },
	{ "from ourselves, accepted", FORWARDED(SLOT_OUT), own_accepted },
	{ "from ourselves, accepted elsewhere", .verdict = VERDICT_martian,
	  .change = own_accepted_egress },
	{ "from our broadcast address", .verdict = VERDICT_martian, .change = own_broadcast },
	{ "from our broadcast address, accepted", .verdict = VERDICT_martian,
	  .change = own_broadcast_accepted },
	{ "from ourselves, accepted, check", .verdict = VERDICT_martian,
	  .change = own_accepted_check },
	{ "from ourselves, accepted, loose", .verdict = VERDICT_martian,
	  .change = own_accepted_loose },
};

static void test_sources(void **state)
{
	(void)state;
	rows_run(rows, sizeof(rows) / sizeof(rows[0]));
}

int run_source(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sources),
	};

	return cmocka_run_group_tests_name("source", tests, NULL, NULL);
}
