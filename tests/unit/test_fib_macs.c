// SPDX-License-Identifier: GPL-2.0-only
/* Macvlan devices in the fib: which frames count as received by them, and by nobody before or after. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <linux/if_link.h>
#include "daemon/fib_internal.h"
#include "support_events.h"
#include "support_recorder.h"

static const struct fib_limits roomy = {
	.ports = 16, .adjacencies = 64, .nexthops = 256, .groups = 16
};

static int setup(void **state)
{
	struct world *w = malloc(sizeof(*w));

	assert_non_null(w);
	world_new(w, roomy, REC_ROUTES, 0);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	world_free(*state);
	free(*state);
	return 0;
}

static int sync_all(struct world *w, const struct event *ev)
{
	int ret = world_do(w, ev);

	assert_true(ret >= 0);
	assert_int_equal(fib_sync(w->fib), 0); /* nothing is left */
	return ret;
}

static const uint8_t vrrp[] = { 0x00, 0x00, 0x5e, 0x00, 0x01, 0x07 };

static struct event *macvlan(int op, uint32_t ifindex, uint32_t lower, const uint8_t mac[6])
{
	struct event *ev = ev_link(op, ifindex, LINK_RUNS);

	ev->link.lower = lower;
	ev->link.macvlan_mode = MACVLAN_MODE_BRIDGE;
	memcpy(ev->link.mac, mac, 6);
	snprintf(ev->link.kind, sizeof(ev->link.kind), "macvlan");
	return ev;
}

static void test_macvlan(void **state)
{
	const uint8_t other[] = { 0x00, 0x00, 0x5e, 0x00, 0x01, 0x08 };
	struct world *w = *state;
	struct fib_counts counts;
	struct event *ev;

	sync_all(w, macvlan(EVENT_NEW, 20, 2, vrrp));
	assert_int_equal(recorder_upper(w->rec, 2, vrrp), 20);
	assert_int_equal(recorder_upper(w->rec, 3, vrrp), 0);
	fib_counts(w->fib, &counts);
	assert_int_equal(counts.ingress_macs, 1);
	sync_all(w, macvlan(EVENT_NEW, 20, 2, other));
	assert_int_equal(recorder_upper(w->rec, 2, vrrp), 0);
	assert_int_equal(recorder_upper(w->rec, 2, other), 20);
	ev = macvlan(EVENT_NEW, 20, 2, other);
	ev->link.macvlan_mode = MACVLAN_MODE_PASSTHRU;
	sync_all(w, ev);
	assert_int_equal(w->rec->n_macs, 0);
	sync_all(w, macvlan(EVENT_NEW, 20, 2, other));
	ev = macvlan(EVENT_NEW, 20, 2, other);
	ev->link.flags = 0;
	sync_all(w, ev);
	assert_int_equal(w->rec->n_macs, 0);
	sync_all(w, macvlan(EVENT_NEW, 20, 2, other));
	assert_int_equal(w->rec->n_macs, 1);
	sync_all(w, ev_link(EVENT_DEL, 20, 0));
	assert_int_equal(w->rec->n_macs, 0);
	sync_all(w, macvlan(EVENT_NEW, 21, 2, other));
	sync_all(w, ev_link(EVENT_DEL, 2, 0));
	assert_int_equal(w->rec->n_macs, 0);
	sync_all(w, ev_link(EVENT_NEW, 2, LINK_RUNS));
	assert_int_equal(recorder_upper(w->rec, 2, other), 21);
	ev = ev_link(EVENT_NEW, 2, LINK_RUNS);
	ev->link.type = ARPHRD_NONE;
	sync_all(w, ev);
	assert_int_equal(w->rec->n_macs, 0);
	sync_all(w, ev_link(EVENT_NEW, 2, LINK_RUNS));
	/* All in one. */
	mirror_apply(w->mirror, ev_link(EVENT_DEL, 21, 0));
	mirror_apply(w->mirror, macvlan(EVENT_NEW, 22, 2, other));
	assert_true(recorder_sync(w->rec, w->fib) > 0);
	assert_int_equal(recorder_upper(w->rec, 2, other), 22);
	assert_int_equal(w->fib->macs.count, 1);
}

static void test_macvlans_of_one_address(void **state)
{
	struct world *w = *state;

	sync_all(w, macvlan(EVENT_NEW, 20, 2, vrrp));
	sync_all(w, macvlan(EVENT_NEW, 21, 3, vrrp));
	assert_int_equal(recorder_upper(w->rec, 3, vrrp), 21);
	assert_int_equal(recorder_upper(w->rec, 2, vrrp), 20);
	sync_all(w, macvlan(EVENT_NEW, 22, 2, vrrp));
	assert_int_equal(recorder_upper(w->rec, 2, vrrp), 0);
	assert_int_equal(recorder_upper(w->rec, 3, vrrp), 21);
	sync_all(w, ev_link(EVENT_DEL, 20, 0));
	assert_int_equal(recorder_upper(w->rec, 2, vrrp), 22);
}

static void test_macvlans_full(void **state)
{
	const uint8_t other[] = { 0x00, 0x00, 0x5e, 0x00, 0x01, 0x08 };
	struct world *w = *state;

	w->rec->mac_limit = 1;
	sync_all(w, macvlan(EVENT_NEW, 20, 2, vrrp));
	sync_all(w, macvlan(EVENT_NEW, 21, 2, other));
	assert_int_equal(recorder_upper(w->rec, 2, other), 0);
	assert_int_equal(w->rec->hold, 0);
	sync_all(w, ev_link(EVENT_DEL, 20, 0));
	assert_int_equal(recorder_upper(w->rec, 2, other), 21);
}

static void test_macvlan_failures(void **state)
{
	struct world *w = *state;

	w->rec->fail_op = OP_INGRESS_MAC;
	w->rec->fail_errno = EIO;
	mirror_apply(w->mirror, macvlan(EVENT_NEW, 20, 2, vrrp));
	assert_int_equal(recorder_sync(w->rec, w->fib), -EIO);
	w->rec->fail_errno = 0;
	assert_true(recorder_sync(w->rec, w->fib) > 0);
	assert_int_equal(recorder_upper(w->rec, 2, vrrp), 20);
	w->rec->fail_errno = EIO;
	mirror_apply(w->mirror, ev_link(EVENT_DEL, 20, 0));
	assert_int_equal(recorder_sync(w->rec, w->fib), -EIO);
	assert_int_not_equal(w->rec->port_of_ifindex[20], 0); /* named still */
	w->rec->fail_errno = 0;
	assert_true(recorder_sync(w->rec, w->fib) > 0);
	assert_int_equal(w->rec->n_macs, 0);
	assert_int_equal(w->rec->port_of_ifindex[20], 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_macvlan),
		TEST(test_macvlans_of_one_address),
		TEST(test_macvlans_full),
		TEST(test_macvlan_failures),
	};

	cmocka_set_test_filter(getenv("TEST_FILTER"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
