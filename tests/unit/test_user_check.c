// SPDX-License-Identifier: GPL-2.0-only
/* User routes against the system: devices, gateways, CPUs and hooks that it has not are refused, each in its line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "daemon/user_batch.h"
#include "support_batch.h"
#include "support_events.h"

static struct user_cpus present, online;

static struct user_check checks(bool has_xdp)
{
	return (struct user_check){
		.mirror = batch_mirror,
		.present = &present,
		.online = &online,
		.has_xdp = has_xdp,
	};
}

static int setup(void **state)
{
	assert_true(user_cpus_parse("0-3,8\n", &present));
	assert_true(user_cpus_parse("0-2,8\n", &online));
	return batch_setup(state);
}

struct said {
	struct user_error error;
	unsigned int n, stop_after;
};

static int on_error(void *ctx, const struct user_error *error)
{
	struct said *said = ctx;

	if (!said->n++)
		said->error = *error;
	return said->n == said->stop_after ? -EINVAL : 0;
}

static int check_text(const char *text, bool has_xdp, struct said *said)
{
	struct user_check check = checks(has_xdp);
	struct user_batch batch;
	struct user_error error;
	int err;

	user_batch_init(&batch, batch_mirror);
	if (batch_add_text(&batch, text, &error))
		fail_msg("refused: %s", error.text);
	err = user_batch_check(&batch, &check, on_error, said);
	user_batch_free(&batch);
	return err;
}

static void what_the_system_has_not_is_refused(void **state)
{
	static const struct {
		const char *line, *error; /* NULL: fine */
	} rows[] = {
		{ "drop", NULL },
		{ "pass", NULL },
		{ "via 192.0.2.1", NULL },
		{ "via 192.0.2.1 dev eth2", NULL },
		{ "dev eth4", NULL },
		{ "redirect eth4", NULL },
		{ "cpu 0-2", NULL },
		{ "cpu 8", NULL },
		{ "via 203.0.113.1 dev eth4 onlink", NULL },
		{ "via 203.0.113.1 dev eth4 lladdr 02:00:00:00:00:01", NULL },
		{ "nexthop via 192.0.2.1 nexthop via 198.51.100.1", NULL },
		{ "via 203.0.113.1",
		  "gateway 203.0.113.1 is in no connected net, 'dev' is needed" },
		{ "via 203.0.113.1 lladdr 02:00:00:00:00:01",
		  "gateway 203.0.113.1 is in no connected net, 'dev' is needed" },
		{ "via 203.0.113.1 dev eth2",
		  "gateway 203.0.113.1 is in no connected net of eth2, and not 'onlink'" },
		{ "via 192.0.2.1 dev eth3",
		  "gateway 192.0.2.1 is in no connected net of eth3, and not 'onlink'" },
		{ "via 192.0.2.254", "gateway 192.0.2.254 is an address of this router" },
		{ "via 192.0.2.254 dev eth2 onlink",
		  "gateway 192.0.2.254 is an address of this router" },
		{ "via 192.0.2.1 dev eth9", "no such device 'eth9'" },
		{ "via 192.0.2.1 dev eth5 onlink",
		  "not possible by eth5, which is no Ethernet device with a MAC address" },
		{ "dev eth9", "no such device 'eth9'" },
		{ "redirect eth9", "no such device 'eth9'" },
		{ "redirect eth5",
		  "not possible by eth5, which is no Ethernet device with a MAC address" },
		{ "nexthop via 192.0.2.1 nexthop via 192.0.2.1 dev eth3",
		  "gateway 192.0.2.1 is in no connected net of eth3, and not 'onlink'" },
		{ "cpu 3", "CPU 3 is offline" },
		{ "cpu 1-4", "CPU 3 is offline" },
		{ "cpu 4", "CPU 4 is not there" },
		{ "cpu 65535", "CPU 65535 is not there" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct said said = { .stop_after = 1 };
		char line[256], expected[256];

		snprintf(line, sizeof(line), "\n10.0.0.0/8 %s", rows[i].line);
		snprintf(expected, sizeof(expected), "f:2: 10.0.0.0/8: %s",
			 rows[i].error ? rows[i].error : "");
		if (check_text(line, true, &said) != (rows[i].error ? -EINVAL : 0))
			fail_msg("'%s': %s", rows[i].line, said.n ? said.error.text : "fine");
		if (rows[i].error)
			assert_string_equal(said.error.text, expected);
	}
}

/* The last error of a batch on top of what is in force, or as files say; "" where it is fine. */
static const char *judged(const char *text, bool is_files)
{
	static struct said said;
	struct user_check check = checks(true);
	struct user_batch batch;

	said = (struct said){ .stop_after = 1 };
	user_batch_init(&batch, is_files ? NULL : batch_mirror);
	if (batch_add_text(&batch, text, &said.error))
		fail_msg("refused: %s", said.error.text);
	user_batch_check(&batch, &check, on_error, &said);
	user_batch_free(&batch);
	return said.error.text;
}

/* The gateway is at the other end, wherever the own address lies. */
static void gateways_at_the_other_end_are_on_link(void **state)
{
	struct event *ev = ev_address(EVENT_NEW, 4, "172.16.0.1", 32);

	(void)state;
	ev->address.peer = ip4("172.16.9.2");
	mirror_apply(batch_mirror, ev);
	ev = ev_address(EVENT_NEW, 4, "172.18.0.1", 24);
	ev->address.peer = ip4("172.19.0.2");
	mirror_apply(batch_mirror, ev);
	ev = ev_address(EVENT_NEW, 4, "172.20.0.1", 31);
	mirror_apply(batch_mirror, ev);
	assert_string_equal(judged("10.0.0.0/8 via 172.16.9.2 dev eth4", false), "");
	assert_string_equal(judged("10.0.0.0/8 via 172.16.9.2", false), "");
	assert_string_equal(judged("10.0.0.0/8 via 172.19.0.2", false), "");
	assert_string_equal(judged("10.0.0.0/8 via 172.20.0.0", false), "");
	assert_string_equal(
		judged("10.0.0.0/8 via 172.18.0.77 dev eth4", false),
		"f:1: 10.0.0.0/8: gateway 172.18.0.77 is in no connected net of eth4, and not 'onlink'");
	assert_string_equal(
		judged("10.0.0.0/8 via 172.18.0.77", false),
		"f:1: 10.0.0.0/8: gateway 172.18.0.77 is in no connected net, 'dev' is needed");
	assert_string_equal(
		judged("10.0.0.0/8 via 192.0.2.0", false),
		"f:1: 10.0.0.0/8: gateway 192.0.2.0 is the address of a net of eth2 itself, and not 'onlink'");
	assert_string_equal(judged("10.0.0.0/8 via 192.0.2.0 dev eth2 onlink", false), "");
}

static void what_a_later_line_takes_away_is_not_judged(void **state)
{
	(void)state;
	assert_string_equal(judged("add 10.2.0.0/16 redirect nope\ndel 10.2.0.0/16", false), "");
	assert_string_equal(judged("add 10.2.0.0/16 redirect nope\nreplace 10.2.0.0/16 drop\n"
				   "add 10.3.0.0/16 redirect no\ndel 10.3.0.0/16",
				   false),
			    "");
	assert_string_equal(judged("add 10.2.0.0/16 drop\nreplace 10.2.0.0/16 redirect nope",
				   false),
			    "f:2: 10.2.0.0/16: no such device 'nope'");
}

/* What is in force already may not be possible any more: it is no obstacle to what changes. */
static void what_stays_as_it_is_is_not_judged_again(void **state)
{
	static const char as_before[] = "10.1.0.0/16 redirect eth4\n10.2.0.0/16 via 192.0.2.1\n";
	char text[256];

	(void)state;
	batch_applied(as_before);
	mirror_apply(batch_mirror, ev_link(EVENT_DEL, 4, 0));
	mirror_apply(batch_mirror, ev_address(EVENT_DEL, 2, "192.0.2.254", 24));
	snprintf(text, sizeof(text), "%s10.3.0.0/16 drop", as_before);
	assert_string_equal(judged(text, true), "");
	assert_string_equal(judged("replace 10.1.0.0/16 redirect eth4 override", false), "");
	snprintf(text, sizeof(text), "%s10.3.0.0/16 redirect eth4", as_before);
	assert_string_equal(judged(text, true), "f:3: 10.3.0.0/16: no such device 'eth4'");
	/* A command looks for the gateway's device anew, files do not. */
	assert_string_equal(
		judged("replace 10.2.0.0/16 via 192.0.2.1", false),
		"f:1: 10.2.0.0/16: gateway 192.0.2.1 is in no connected net, 'dev' is needed");
	mirror_apply(batch_mirror, ev_address(EVENT_NEW, 3, "192.0.2.254", 16));
	batch_assert_routes("10.1.0.0/16 redirect eth4\n10.2.0.0/16 via 192.0.2.1 dev eth2\n");
	assert_string_equal(judged(as_before, true), "");
	ASSERT_COUNTS(batch_applied("replace 10.2.0.0/16 via 192.0.2.1"), 0, 1, 0, 0);
	batch_assert_routes("10.1.0.0/16 redirect eth4\n10.2.0.0/16 via 192.0.2.1 dev eth3\n");
	ASSERT_COUNTS(batch_applied("del 10.2.0.0/16 via 192.0.2.1"), 0, 0, 1, 0);
}

static void files_leave_a_gateway_where_it_was(void **state)
{
	struct user_counts counts;
	struct user_batch batch;
	struct user_error error;

	(void)state;
	batch_applied("10.2.0.0/16 via 192.0.2.1\n10.3.0.0/16 via 192.0.2.1 dev eth2");
	mirror_apply(batch_mirror, ev_address(EVENT_NEW, 3, "192.0.2.100", 25));
	user_batch_init(&batch, NULL);
	assert_int_equal(batch_add_text(&batch,
					"10.2.0.0/16 via 192.0.2.1\n10.3.0.0/16 via 192.0.2.1",
					&error),
			 0);
	assert_int_equal(user_batch_apply(&batch, batch_mirror, &counts), 0);
	ASSERT_COUNTS(counts, 0, 1, 0, 1);
	user_batch_free(&batch);
	batch_assert_routes(
		"10.2.0.0/16 via 192.0.2.1 dev eth2\n10.3.0.0/16 via 192.0.2.1 dev eth3\n");
}

static void features(uint32_t ifindex, uint64_t xdp_features)
{
	const struct event ev = { .kind = EVENT_FEATURES,
				  .op = EVENT_NEW,
				  .features = { ifindex, xdp_features } };

	mirror_apply(batch_mirror, &ev);
}

static int check_hooks(const char *text, bool all_xdp, struct said *said)
{
	struct user_check check = checks(true);
	struct user_batch batch;
	struct user_error error;
	int err, hooks = 0;

	check.all_xdp = all_xdp;
	user_batch_init(&batch, batch_mirror);
	if (batch_add_text(&batch, text, &error))
		fail_msg("refused: %s", error.text);
	err = user_batch_check(&batch, &check, on_error, said);
	for (uint32_t i = 0; i < batch.n && !hooks; i++)
		hooks = user_check_hooks(&check, &batch.items[i].command.route, &error);
	/* The hooks alone say no more and no less. */
	if (hooks != err)
		fail_msg("%s: by the hooks alone: %d", text, hooks);
	user_batch_free(&batch);
	return err;
}

/* eth2 and eth3 can transmit for XDP, eth4 cannot. */
static void what_xdp_cannot_send_by_is_refused(void **state)
{
	static const char *const fine[] = { "drop",	     "pass",	      "cpu 0",
					    "via 192.0.2.1", "redirect eth3", "dev eth2" };
	static const char *const not_fine[] = {
		"redirect eth4",
		"dev eth4",
		"via 203.0.113.1 dev eth4 onlink",
		"nexthop via 192.0.2.1 nexthop via 203.0.113.1 dev eth4 onlink",
		"via 10.9.0.2",
	};

	(void)state;
	mirror_apply(batch_mirror, ev_address(EVENT_NEW, 4, "10.9.0.1", 24));
	features(2, 1 << 2);
	features(3, 1 << 2 | 1);
	features(4, 1);
	for (size_t i = 0; i < sizeof(fine) / sizeof(fine[0]); i++) {
		struct said said = { .stop_after = 1 };
		char line[128];

		snprintf(line, sizeof(line), "10.0.0.0/8 %s", fine[i]);
		if (check_hooks(line, true, &said))
			fail_msg("'%s': %s", line, said.error.text);
	}
	for (size_t i = 0; i < sizeof(not_fine) / sizeof(not_fine[0]); i++) {
		struct said said = { .stop_after = 1 };
		char line[128];

		snprintf(line, sizeof(line), "10.0.0.0/8 %s", not_fine[i]);
		assert_int_equal(check_hooks(line, false, &said), 0);
		assert_int_equal(check_hooks(line, true, &said), -EINVAL);
		assert_string_equal(said.error.text,
				    "f:1: 10.0.0.0/8: eth4 cannot transmit frames of XDP "
				    "(egress_no_xdp), and nothing is attached by tc");
	}
}

/* Packets to these never come as far as a look-up; a wider prefix has other addresses, too. */
static void destinations_without_a_look_up_are_refused(void **state)
{
	static const char *const fine[] = { "default",		 "224.0.0.0/3",	    "240.0.0.0/4",
					    "126.0.0.0/7",	 "0.0.0.0/8",	    "0.0.0.1",
					    "255.255.255.254",	 "223.255.255.255", "128.0.0.0/1",
					    "255.255.255.254/31" };
	static const char *const not_fine[][2] = {
		{ "224.0.0.0/4", "multicast groups are" },
		{ "239.255.255.255", "multicast groups are" },
		{ "232.0.0.0/8", "multicast groups are" },
		{ "255.255.255.255", "the broadcast address is" },
		{ "127.0.0.0/8", "the loopback net is" },
		{ "127.0.0.1", "the loopback net is" },
		{ "0.0.0.0", "the unspecified address is" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(fine) / sizeof(fine[0]); i++) {
		struct said said = { .stop_after = 1 };
		char line[128];

		snprintf(line, sizeof(line), "%s drop", fine[i]);
		if (check_text(line, true, &said))
			fail_msg("'%s': %s", line, said.error.text);
	}
	for (size_t i = 0; i < sizeof(not_fine) / sizeof(not_fine[0]); i++) {
		struct said said = { .stop_after = 1 };
		char line[128], expected[128];

		snprintf(line, sizeof(line), "%s drop", not_fine[i][0]);
		snprintf(expected, sizeof(expected),
			 "f:1: %s: %s always left to the kernel, no route is asked", not_fine[i][0],
			 not_fine[i][1]);
		assert_int_equal(check_text(line, true, &said), -EINVAL);
		assert_string_equal(said.error.text, expected);
	}
}

static void cpus_need_xdp(void **state)
{
	struct said said = { .stop_after = 1 };

	(void)state;
	assert_int_equal(check_text("10.0.0.0/8 cpu 0", false, &said), -EINVAL);
	assert_string_equal(
		said.error.text,
		"f:1: 10.0.0.0/8: cpu is not possible, no interface is attached by XDP");
}

static void all_errors_can_be_heard(void **state)
{
	struct said said = { 0 };

	(void)state;
	assert_int_equal(check_text("10.0.0.0/8 dev eth9\n10.1.0.0/16 dev eth9\n"
				    "10.2.0.0/16 drop\n10.3.0.0/16 cpu 4",
				    true, &said),
			 0);
	assert_int_equal(said.n, 3);
	assert_string_equal(said.error.text, "f:1: 10.0.0.0/8: no such device 'eth9'");
}

static void lists_of_cpus_are_read(void **state)
{
	struct user_cpus cpus;

	(void)state;
	assert_true(user_cpus_parse("\n", &cpus));
	assert_false(user_cpus_has(&cpus, 0));
	assert_true(user_cpus_parse("0,2-3,64-65535\n", &cpus));
	assert_true(user_cpus_has(&cpus, 0) && !user_cpus_has(&cpus, 1) &&
		    user_cpus_has(&cpus, 3) && !user_cpus_has(&cpus, 63) &&
		    user_cpus_has(&cpus, 65535) && !user_cpus_has(&cpus, 65536));
	assert_false(user_cpus_parse("x", &cpus));
	assert_false(user_cpus_parse("3-2", &cpus));
	assert_false(user_cpus_parse("0-65536", &cpus));
	assert_true(user_cpus_has(&cpus, 65535));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, batch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_the_system_has_not_is_refused),
		TEST(gateways_at_the_other_end_are_on_link),
		TEST(what_a_later_line_takes_away_is_not_judged),
		TEST(what_stays_as_it_is_is_not_judged_again),
		TEST(files_leave_a_gateway_where_it_was),
		TEST(what_xdp_cannot_send_by_is_refused),
		TEST(destinations_without_a_look_up_are_refused),
		TEST(cpus_need_xdp),
		TEST(all_errors_can_be_heard),
		cmocka_unit_test(lists_of_cpus_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
