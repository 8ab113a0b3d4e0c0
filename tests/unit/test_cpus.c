// SPDX-License-Identifier: GPL-2.0-only
/*
 * CPUs that go offline and come online, below user routes that steer to them; and the file that says which are.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>
#include "daemon/fib_internal.h"
#include "support_events.h"
#include "support_recorder.h"
#include "support_user.h"

static const struct fib_limits limits = {
	.ports = 16, .adjacencies = 64, .nexthops = 128, .groups = 16
};

static char path[] = "/tmp/ebpf-route-test.XXXXXX";

static void write_list(const char *text)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

static int setup(void **state)
{
	struct world *w = malloc(sizeof(*w));
	int fd = mkstemp(strcpy(path, "/tmp/ebpf-route-test.XXXXXX"));

	assert_non_null(w);
	assert_true(fd >= 0);
	close(fd);
	world_new(w, limits, 64, 0);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	unlink(path);
	world_free(*state);
	free(*state);
	return 0;
}

/* The list goes through the file, as in the daemon. */
static int say_online(struct world *w, const char *list)
{
	static struct user_cpus online;

	write_list(list);
	assert_true(user_cpus_read(path, &online));
	return fib_cpus_online(w->fib, &online);
}

/* Exactly these CPUs are in the map. */
static void check_in(const struct world *w, const char *list)
{
	static struct user_cpus expected;

	assert_true(user_cpus_parse(list, &expected));
	for (uint32_t cpu = 0; cpu < REC_CPUS; cpu++)
		if (w->rec->cpus[cpu] != user_cpus_has(&expected, cpu))
			fail_msg("CPU %u is %s the map", cpu, w->rec->cpus[cpu] ? "in" : "not in");
}

static void route(struct world *w, const char *dst, uint32_t first, uint32_t last)
{
	assert_int_equal(mirror_user_set(w->mirror, user_cpus(dst, first, last)), 0);
	assert_true(recorder_sync(w->rec, w->fib) >= 0);
}

static void going_and_coming(void **state)
{
	struct world *w = *state;

	w->rec->any_cpu = true;
	route(w, "198.51.100.0/24", 2, 5);
	check_in(w, "2-5"); /* all count as online as long as nobody says */
	assert_int_equal(say_online(w, "0-3\n"), 0);
	check_in(w, "2-3");
	assert_int_equal(say_online(w, "0-3\n"), 0);
	check_in(w, "2-3");
	route(w, "203.0.113.0/24", 1, 4);
	check_in(w, "1-3");
	assert_int_equal(say_online(w, "0,4-7\n"), 0);
	check_in(w, "4-5");
	assert_int_equal(say_online(w, "0-7\n"), 0);
	check_in(w, "1-5");
	assert_int_equal(world_verdict(w, "198.51.100.1"), VERDICT_cpu);
	/* Taken out once, with its last route, whether it is online or not. */
	assert_int_equal(say_online(w, "0-2\n"), 0);
	assert_int_equal(mirror_user_del(w->mirror, prefix_of("198.51.100.0/24")), 0);
	assert_true(recorder_sync(w->rec, w->fib) >= 0);
	check_in(w, "1-2");
	assert_int_equal(say_online(w, "0-7\n"), 0);
	check_in(w, "1-4");
	assert_int_equal(mirror_user_del(w->mirror, prefix_of("203.0.113.0/24")), 0);
	assert_true(recorder_sync(w->rec, w->fib) >= 0);
	check_in(w, "");
	assert_int_equal(say_online(w, "0-3\n"), 0);
	check_in(w, "");
}

static enum verdict shown(struct world *w, const char *prefix)
{
	const struct rib_entry *entry = rib_find(mirror_rib(w->mirror), prefix_of(prefix));
	enum verdict verdict = VERDICT_stale;

	assert_non_null(entry);
	assert_int_equal(fib_verdict(w->fib, entry, &verdict, NULL), 0);
	return verdict;
}

/* What is shown of a route: user_pass once none of its CPUs is there. */
static void shown_while_offline(void **state)
{
	struct world *w = *state;

	w->rec->any_cpu = true;
	route(w, "198.51.100.0/24", 2, 3);
	assert_int_equal(shown(w, "198.51.100.0/24"), VERDICT_cpu);
	assert_int_equal(say_online(w, "0-1,3\n"), 0);
	assert_int_equal(shown(w, "198.51.100.0/24"), VERDICT_cpu);
	assert_int_equal(say_online(w, "0-1\n"), 0);
	assert_int_equal(shown(w, "198.51.100.0/24"), VERDICT_user_pass);
	assert_int_equal(say_online(w, "0-2\n"), 0);
	assert_int_equal(shown(w, "198.51.100.0/24"), VERDICT_cpu);
}

/* A write that fails is made up for by the next look. */
static void failed_writes(void **state)
{
	struct world *w = *state;

	w->rec->any_cpu = true;
	route(w, "198.51.100.0/24", 2, 5);
	w->rec->fail_op = OP_CPU;
	w->rec->fail_errno = ENOMEM;
	assert_int_equal(say_online(w, "0-3\n"), -ENOMEM);
	w->rec->fail_errno = 0;
	assert_int_equal(say_online(w, "0-3\n"), 0);
	check_in(w, "2-3");
}

static void lists_in_files(void **state)
{
	static struct user_cpus cpus;

	(void)state;
	write_list("1,3\n");
	assert_true(user_cpus_read(path, &cpus));
	assert_true(user_cpus_has(&cpus, 3) && !user_cpus_has(&cpus, 2));
	/* What cannot be read leaves things as they are. */
	write_list("");
	assert_false(user_cpus_read(path, &cpus));
	write_list("what?\n");
	assert_false(user_cpus_read(path, &cpus));
	unlink(path);
	assert_false(user_cpus_read(path, &cpus));
	assert_true(user_cpus_has(&cpus, 3));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(going_and_coming, setup, teardown),
		cmocka_unit_test_setup_teardown(shown_while_offline, setup, teardown),
		cmocka_unit_test_setup_teardown(failed_writes, setup, teardown),
		cmocka_unit_test_setup_teardown(lists_in_files, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
