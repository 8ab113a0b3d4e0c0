// SPDX-License-Identifier: GPL-2.0-only
/* Batches of user routes: all or nothing, told against what they find, checked against the system. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "daemon/mirror_user.h"
#include "daemon/user_batch.h"
#include "daemon/user_hold.h"
#include "daemon/user_select.h"
#include "include/reasons.h"
#include "support_events.h"
#include "support_model.h"

static struct mirror *mirror;
static struct user_cpus present, online;

static struct user_check checks(bool has_xdp)
{
	return (struct user_check){
		.mirror = mirror,
		.present = &present,
		.online = &online,
		.has_xdp = has_xdp,
	};
}

/* eth2 192.0.2.254/24, eth3 198.51.100.254/24, eth4 without, eth5 no Ethernet. */
static int setup(void **state)
{
	(void)state;
	mirror = mirror_new();
	assert_non_null(mirror);
	for (uint32_t i = 2; i <= 5; i++) {
		struct event *ev = ev_link(EVENT_NEW, i, LINK_RUNS);

		if (i == 5)
			ev->link.type = ARPHRD_PPP;
		mirror_apply(mirror, ev);
	}
	mirror_apply(mirror, ev_address(EVENT_NEW, 2, "192.0.2.254", 24));
	mirror_apply(mirror, ev_address(EVENT_NEW, 3, "198.51.100.254", 24));
	assert_true(user_cpus_parse("0-3,8\n", &present));
	assert_true(user_cpus_parse("0-2,8\n", &online));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	mirror_destroy(mirror);
	return 0;
}

/* As a file, or, where something is deleted, as a batch: only these may, and have to name every verb. */
static int add_text(struct user_batch *batch, const char *text, struct user_error *error)
{
	enum user_verb_use use = strstr(text, "del ") ? USER_VERB_NEEDED : USER_VERB_OPTIONAL;
	char *copy = strdup(text);
	int err = user_batch_text(batch, "f", copy, use, error);

	free(copy);
	return err;
}

/* The whole way of a batch that is fine. */
static struct user_counts applied(const char *text)
{
	struct user_counts counts;
	struct user_batch batch;
	struct user_error error;

	user_batch_init(&batch, mirror);
	if (add_text(&batch, text, &error))
		fail_msg("refused: %s", error.text);
	assert_int_equal(user_batch_apply(&batch, mirror, &counts), 0);
	user_batch_free(&batch);
	return counts;
}

static void assert_refused(const char *text, const char *expected)
{
	struct user_error error = { "" };
	struct user_batch batch;

	user_batch_init(&batch, mirror);
	assert_int_equal(add_text(&batch, text, &error), -EINVAL);
	assert_string_equal(error.text, expected);
	user_batch_free(&batch);
}

/* What the mirror has, a line for each route. */
static char *routes(void)
{
	const struct user_route *route = mirror_user_next(mirror, NULL);
	char line[USER_LINE_MAX], *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	for (; route; route = mirror_user_next(mirror, route))
		fprintf(out, "%s\n", user_format(route, line));
	fclose(out);
	return text;
}

static void assert_routes(const char *expected)
{
	char *text = routes();

	assert_string_equal(text, expected);
	free(text);
}

#define ASSERT_COUNTS(c, added_, replaced_, deleted_, unchanged_)                                  \
	do {                                                                                       \
		struct user_counts counts_ = (c);                                                  \
                                                                                                   \
		assert_int_equal(counts_.added, added_);                                           \
		assert_int_equal(counts_.replaced, replaced_);                                     \
		assert_int_equal(counts_.deleted, deleted_);                                       \
		assert_int_equal(counts_.unchanged, unchanged_);                                   \
	} while (0)

static void the_last_word_counts(void **state)
{
	(void)state;
	ASSERT_COUNTS(applied("add 10.0.0.0/8 drop\n"
			      "# nothing\n\n"
			      "add 10.0.0.0/9 pass\n"
			      "replace 10.0.0.0/9 drop\n"
			      "add 10.1.0.0/16 pass\r\n"
			      "del 10.1.0.0/16\n"),
		      2, 0, 0, 0);
	assert_routes("10.0.0.0/8 drop\n10.0.0.0/9 drop\n");
	ASSERT_COUNTS(applied("replace 10.0.0.0/8 drop\n"
			      "del 10.0.0.0/9\n"
			      "add 10.0.0.0/9 drop comment x"),
		      0, 1, 0, 1);
	ASSERT_COUNTS(applied("del 10.0.0.0/9 drop\nreplace 10.0.0.0/8 pass\nadd default drop"), 1,
		      1, 1, 0);
	assert_routes("default drop\n10.0.0.0/8 pass\n");
	ASSERT_COUNTS(applied("replace 10.0.0.0/8 pass override"), 0, 1, 0, 0);
	ASSERT_COUNTS(applied("replace 10.0.0.0/8 via 192.0.2.1 dev eth2"), 0, 1, 0, 0);
	ASSERT_COUNTS(applied("replace 10.0.0.0/8 via 192.0.2.1 dev eth2 onlink"), 0, 1, 0, 0);
	ASSERT_COUNTS(applied("replace 10.0.0.0/8 via 192.0.2.1 dev eth2 onlink"), 0, 0, 0, 1);
}

static void what_is_told_wrong_names_its_line(void **state)
{
	(void)state;
	applied("add 10.0.0.0/8 drop\nadd 10.64.0.0/10 via 192.0.2.1");
	assert_refused("add 10.1.0.0/16 drop\n\nadd 10.1.0.1/16 drop",
		       "f:3: 10.1.0.1/16: bits are set beyond the length of the prefix");
	assert_refused("add 10.0.0.0/8 pass",
		       "f:1: 10.0.0.0/8: is there already, 'replace' changes it");
	assert_refused("add 10.1.0.0/16 drop\nadd 10.1.0.0/16 drop",
		       "f:2: 10.1.0.0/16: is there already, from f:1, 'replace' changes it");
	assert_refused("del 10.0.0.0/8\nreplace 10.2.0.0/16 drop\ndel 10.0.0.0/8",
		       "f:3: 10.0.0.0/8: there is no such user route");
	assert_refused("del 10.64.0.0/10 via 192.0.2.2",
		       "f:1: 10.64.0.0/10: the user route there does something else ('via')");
	assert_refused("x\"", "f:1: line: a quote without its end");
	assert_refused("add 10.3.0.1/32 drop\nadd 10.3.0.1 drop",
		       "f:2: 10.3.0.1: is there already, from f:1, 'replace' changes it");
	assert_refused("del 10.3.0.1/32", "f:1: 10.3.0.1: there is no such user route");
	assert_refused("del 0.0.0.0/0", "f:1: default: there is no such user route");
	assert_refused("\xef\xbb\xbf# saved by an editor\nadd 10.3.0.1 drop",
		       "f:1: a byte order mark (BOM) is before the first word");
	assert_routes("10.0.0.0/8 drop\n10.64.0.0/10 via 192.0.2.1 dev eth2\n");
}

static void without_a_base_the_batch_is_alone(void **state)
{
	struct user_counts counts;
	struct user_batch batch;
	struct user_error error;

	(void)state;
	applied("add 10.0.0.0/8 drop\nadd 10.1.0.0/16 drop");
	user_batch_init(&batch, NULL);
	assert_int_equal(add_text(&batch, "10.0.0.0/8 pass\n10.2.0.0/16 drop", &error), 0);
	assert_int_equal(add_text(&batch, "10.2.0.0/16 drop", &error), -EINVAL);
	assert_int_equal(user_batch_drop(&batch, prefix_of("10.1.0.0/16")), 0);
	assert_int_equal(user_batch_drop(&batch, prefix_of("10.3.0.0/16")), 0);
	assert_null(user_batch_find(&batch, prefix_of("10.1.0.0/16")));
	assert_non_null(user_batch_find(&batch, prefix_of("10.2.0.0/16")));
	assert_int_equal(user_batch_apply(&batch, mirror, &counts), 0);
	ASSERT_COUNTS(counts, 1, 1, 1, 0);
	user_batch_free(&batch);
	assert_routes("10.0.0.0/8 pass\n10.2.0.0/16 drop\n");
}

/* ---- checks -------------------------------------------------------------------------- */

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

	user_batch_init(&batch, mirror);
	if (add_text(&batch, text, &error))
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
	user_batch_init(&batch, is_files ? NULL : mirror);
	if (add_text(&batch, text, &said.error))
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
	mirror_apply(mirror, ev);
	ev = ev_address(EVENT_NEW, 4, "172.18.0.1", 24);
	ev->address.peer = ip4("172.19.0.2");
	mirror_apply(mirror, ev);
	ev = ev_address(EVENT_NEW, 4, "172.20.0.1", 31);
	mirror_apply(mirror, ev);
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
	applied(as_before);
	mirror_apply(mirror, ev_link(EVENT_DEL, 4, 0));
	mirror_apply(mirror, ev_address(EVENT_DEL, 2, "192.0.2.254", 24));
	snprintf(text, sizeof(text), "%s10.3.0.0/16 drop", as_before);
	assert_string_equal(judged(text, true), "");
	assert_string_equal(judged("replace 10.1.0.0/16 redirect eth4 override", false), "");
	snprintf(text, sizeof(text), "%s10.3.0.0/16 redirect eth4", as_before);
	assert_string_equal(judged(text, true), "f:3: 10.3.0.0/16: no such device 'eth4'");
	/* A command looks for the gateway's device anew, files do not. */
	assert_string_equal(
		judged("replace 10.2.0.0/16 via 192.0.2.1", false),
		"f:1: 10.2.0.0/16: gateway 192.0.2.1 is in no connected net, 'dev' is needed");
	mirror_apply(mirror, ev_address(EVENT_NEW, 3, "192.0.2.254", 16));
	assert_routes("10.1.0.0/16 redirect eth4\n10.2.0.0/16 via 192.0.2.1 dev eth2\n");
	assert_string_equal(judged(as_before, true), "");
	ASSERT_COUNTS(applied("replace 10.2.0.0/16 via 192.0.2.1"), 0, 1, 0, 0);
	assert_routes("10.1.0.0/16 redirect eth4\n10.2.0.0/16 via 192.0.2.1 dev eth3\n");
	ASSERT_COUNTS(applied("del 10.2.0.0/16 via 192.0.2.1"), 0, 0, 1, 0);
}

static void files_leave_a_gateway_where_it_was(void **state)
{
	struct user_counts counts;
	struct user_batch batch;
	struct user_error error;

	(void)state;
	applied("10.2.0.0/16 via 192.0.2.1\n10.3.0.0/16 via 192.0.2.1 dev eth2");
	mirror_apply(mirror, ev_address(EVENT_NEW, 3, "192.0.2.100", 25));
	user_batch_init(&batch, NULL);
	assert_int_equal(add_text(&batch, "10.2.0.0/16 via 192.0.2.1\n10.3.0.0/16 via 192.0.2.1",
				  &error),
			 0);
	assert_int_equal(user_batch_apply(&batch, mirror, &counts), 0);
	ASSERT_COUNTS(counts, 0, 1, 0, 1);
	user_batch_free(&batch);
	assert_routes("10.2.0.0/16 via 192.0.2.1 dev eth2\n10.3.0.0/16 via 192.0.2.1 dev eth3\n");
}

static void features(uint32_t ifindex, uint64_t xdp_features)
{
	const struct event ev = { .kind = EVENT_FEATURES,
				  .op = EVENT_NEW,
				  .features = { ifindex, xdp_features } };

	mirror_apply(mirror, &ev);
}

static int check_hooks(const char *text, bool all_xdp, struct said *said)
{
	struct user_check check = checks(true);
	struct user_batch batch;
	struct user_error error;
	int err, hooks = 0;

	check.all_xdp = all_xdp;
	user_batch_init(&batch, mirror);
	if (add_text(&batch, text, &error))
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
	mirror_apply(mirror, ev_address(EVENT_NEW, 4, "10.9.0.1", 24));
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

/* ---- holds --------------------------------------------------------------------------- */

static uint32_t held(uint32_t hold, const char *text)
{
	struct user_batch batch;
	struct user_error error;
	uint32_t n;

	user_batch_init(&batch, mirror);
	if (add_text(&batch, text, &error))
		fail_msg("refused: %s", error.text);
	n = user_hold_count_batch(hold, &batch);
	user_batch_free(&batch);
	return n;
}

static void holds_leave_drops_in_force(void **state)
{
	static const char all[] = "add 10.1.0.0/16 drop\nadd 10.2.0.0/16 pass\n"
				  "add 10.3.0.0/16 via 192.0.2.1\nadd 10.4.0.0/16 redirect eth2\n"
				  "add 10.5.0.0/16 cpu 0\nadd 10.6.0.0/16 dev eth2\n"
				  "add 10.7.0.0/16 nexthop via 192.0.2.1 nexthop via 192.0.2.2";

	(void)state;
	assert_int_equal(held(0, all), 0);
	assert_int_equal(held(VERDICT_netfilter, all), 5);
	assert_int_equal(held(VERDICT_xfrm, all), 5);
	assert_int_equal(held(VERDICT_policy_rule, all), 5);
	assert_int_equal(held(VERDICT_table_full, all), 6);
	assert_int_equal(held(VERDICT_paused, all), 6);
	assert_int_equal(held(VERDICT_netfilter, "add 10.1.0.0/16 dev eth2\ndel 10.1.0.0/16"), 0);
	assert_int_equal(held(VERDICT_netfilter, "add 10.1.0.0/16 dev eth2\n"
						 "replace 10.1.0.0/16 drop"),
			 0);
	applied(all);
	assert_int_equal(user_hold_count(0, mirror), 0);
	assert_int_equal(user_hold_count(VERDICT_netfilter, mirror), 5);
	assert_int_equal(user_hold_count(VERDICT_policy_rule, mirror), 5);
	assert_int_equal(user_hold_count(VERDICT_paused, mirror), 6);
	assert_int_equal(user_hold_count(VERDICT_table_full, mirror), 6);
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

/* ---- selectors ----------------------------------------------------------------------- */

static int select_words(char *line, struct user_selector *selector, struct user_error *error)
{
	const char *words[USER_WORDS_MAX];
	int n = user_split(line, words, error);

	return user_selector_parse(words, (unsigned int)n, selector, error);
}

/* The routes that are selected, as the last numbers of their first octet pair. */
static void assert_selected(const char *text, const char *expected)
{
	const struct user_route *route = mirror_user_next(mirror, NULL);
	char line[128], got[128] = "";
	struct user_selector selector;
	struct user_error error;

	snprintf(line, sizeof(line), "%s", text);
	if (select_words(line, &selector, &error))
		fail_msg("'%s': %s", text, error.text);
	for (; route; route = mirror_user_next(mirror, route))
		if (user_selector_matches(&selector, mirror, route))
			snprintf(got + strlen(got), sizeof(got) - strlen(got), "%u ",
				 route->dst.addr >> 16 & 255);
	assert_string_equal(got, expected);
}

static void selectors_select(void **state)
{
	static const char *const bad[][2] = {
		{ "", "no selector: 'all' is all user routes" },
		{ "all 10.0.0.0/8", "'10.0.0.0/8': does not go with 'all'" },
		{ "longer",
		  "'longer': all, a prefix, longer, action, dev or comment is needed here" },
		{ "10.0.0.0/8 10.0.0.0/9",
		  "'10.0.0.0/9': all, a prefix, longer, action, dev or comment is needed here" },
		{ "10.0.0.1/8", "10.0.0.1/8: bits are set beyond the length of the prefix" },
		{ "dev", "'dev' needs a value" },
		{ "dev a dev b", "'dev' is given twice" },
		{ "action x",
		  "'x': not an action: one of drop, pass, via, nexthop, dev, redirect, cpu" },
	};
	struct user_selector selector;

	(void)state;
	applied("10.1.0.0/16 drop comment \"ddos 1\"\n"
		"10.2.0.0/16 via 192.0.2.1\n"
		"10.3.0.0/16 via 203.0.113.1 dev eth4 onlink comment x\n"
		"10.4.0.0/16 redirect eth2\n"
		"10.5.0.0/16 nexthop via 192.0.2.1 nexthop via 198.51.100.1\n"
		"10.6.0.0/16 dev eth3\n"
		"10.7.0.0/16 cpu 0\n"
		"10.8.0.0/16 pass\n"
		"10.8.1.0/24 drop comment ddos");
	assert_selected("all", "1 2 3 4 5 6 7 8 8 ");
	assert_selected("10.8.0.0/16", "8 ");
	assert_selected("10.8.0.0/16 longer", "8 8 ");
	assert_selected("10.0.0.0/8", "");
	assert_selected("action drop", "1 8 ");
	assert_selected("action via", "2 3 ");
	assert_selected("action nexthop", "5 ");
	assert_selected("action dev", "6 ");
	assert_selected("action cpu", "7 ");
	assert_selected("dev eth2", "2 4 5 ");
	assert_selected("dev eth3", "5 6 ");
	assert_selected("comment 'ddos*'", "1 8 ");
	assert_selected("comment ddos", "8 ");
	assert_selected("action drop 10.8.0.0/16 longer comment 'd*'", "8 ");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct user_error error;
		char line[128];

		snprintf(line, sizeof(line), "%s", bad[i][0]);
		assert_int_equal(select_words(line, &selector, &error), -EINVAL);
		assert_string_equal(error.text, bad[i][1]);
	}
}

/* ---- random histories ---------------------------------------------------------------- */

static void random_line(struct random *random, FILE *out)
{
	static const char *const actions[] = {
		"drop",
		"pass",
		"via 192.0.2.1",
		"dev eth4",
		"redirect eth3",
		"cpu 0-2 comment \"a b\"",
		"nexthop via 192.0.2.1 weight 3 nexthop via 198.51.100.1",
		"drop override",
		"via 192.0.2.1 dev eth2 onlink",
	};
	static const char *const verbs[] = { "replace", "replace", "add", "del" };
	const char *verb = verbs[random_below(random, 4)];
	uint32_t octet = random_below(random, 24);

	fprintf(out, "%s 10.%u.0.0/16", verb, octet);
	if (strcmp(verb, "del") != 0)
		fprintf(out, " %s", actions[random_below(random, 9)]);
	fputc('\n', out);
}

/*
 * A batch leaves what its lines leave that are given one by one, refused ones left out; what is undone
 * leaves what was before.
 */
static void batches_are_as_their_lines(void **state)
{
	struct random random;

	(void)state;
	random_init(&random, 77);
	for (int round = 0; round < 300; round++) {
		struct user_batch batch, alone;
		struct user_counts counts;
		char *text = NULL, *line, *next, *before = routes();
		char *together, *one_by_one;
		struct user_error error;
		size_t size;
		FILE *out;

		user_batch_init(&batch, mirror);
		for (uint32_t i = random_below(&random, 40); i; i--) {
			char *one = NULL;

			out = open_memstream(&one, &size);
			random_line(&random, out);
			fclose(out);
			add_text(&batch, one, &error);
			next = NULL;
			if (asprintf(&next, "%s%s", text ? text : "", one) < 0)
				fail();
			free(text);
			free(one);
			text = next;
		}
		assert_int_equal(user_batch_apply(&batch, mirror, &counts), 0);
		together = routes();
		assert_int_equal(user_batch_undo(&batch, mirror), 0);
		assert_routes(before);
		for (line = text; line && *line; line = next) {
			next = strchr(line, '\n') + 1;
			next[-1] = '\0';
			user_batch_init(&alone, mirror);
			if (add_text(&alone, line, &error) == 0)
				assert_int_equal(user_batch_apply(&alone, mirror, &counts), 0);
			user_batch_free(&alone);
		}
		one_by_one = routes();
		assert_string_equal(together, one_by_one);
		user_batch_free(&batch);
		free(text);
		free(before);
		free(together);
		free(one_by_one);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_last_word_counts, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_told_wrong_names_its_line, setup, teardown),
		cmocka_unit_test_setup_teardown(without_a_base_the_batch_is_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(what_the_system_has_not_is_refused, setup,
						teardown),
		cmocka_unit_test_setup_teardown(gateways_at_the_other_end_are_on_link, setup,
						teardown),
		cmocka_unit_test_setup_teardown(what_a_later_line_takes_away_is_not_judged, setup,
						teardown),
		cmocka_unit_test_setup_teardown(what_stays_as_it_is_is_not_judged_again, setup,
						teardown),
		cmocka_unit_test_setup_teardown(files_leave_a_gateway_where_it_was, setup,
						teardown),
		cmocka_unit_test_setup_teardown(what_xdp_cannot_send_by_is_refused, setup,
						teardown),
		cmocka_unit_test_setup_teardown(destinations_without_a_look_up_are_refused, setup,
						teardown),
		cmocka_unit_test_setup_teardown(holds_leave_drops_in_force, setup, teardown),
		cmocka_unit_test_setup_teardown(cpus_need_xdp, setup, teardown),
		cmocka_unit_test_setup_teardown(all_errors_can_be_heard, setup, teardown),
		cmocka_unit_test(lists_of_cpus_are_read),
		cmocka_unit_test_setup_teardown(selectors_select, setup, teardown),
		cmocka_unit_test_setup_teardown(batches_are_as_their_lines, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
