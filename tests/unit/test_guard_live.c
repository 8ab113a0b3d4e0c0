// SPDX-License-Identifier: GPL-2.0-only
/*
 * guard: what nft, ip xfrm and legacy iptables set up in a namespace of our own, and what the guard
 * says about it. Needs root.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <linux/netfilter.h>
#include <linux/xfrm.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "netlink/guard.h"
#include "support_xtables.h"

#define FILTER(hook)   "'{ type filter hook " hook " priority 0; }'"
#define DROPPING(hook) "'{ type filter hook " hook " priority 0; policy drop; }'"

static struct guard *guard; /* NULL: no root */
static const char *why_not = "";

static bool sh(const char *command)
{
	return system(command) == 0;
}

static bool is_readable(unsigned int i)
{
	struct pollfd fds[GUARD_FDS_MAX];
	int numbers[GUARD_FDS_MAX];

	assert_int_equal(guard_fds(guard, numbers), GUARD_FDS_MAX);
	fds[0] = (struct pollfd){ .fd = numbers[i], .events = POLLIN };
	return poll(fds, 1, 0) == 1;
}

static struct guard_state check(void)
{
	struct guard_state state;

	memset(&state, 0xaa, sizeof(state));
	guard_check(guard, &state);
	assert_int_equal(!state.detail[0], !state.netfilter && !state.xfrm);
	assert_false(is_readable(0));
	assert_false(is_readable(1));
	return state;
}

static void need_root(void)
{
	if (guard)
		return;
	print_message("skipped: %s\n", why_not);
	skip();
}

/* Each row starts from an empty ruleset. No detail: nothing is there. */
static const struct row {
	const char *name, *commands, *detail;
	bool optional; /* not every kernel has it */
} rows[] = {
	{ "empty", "true", NULL, false },
	{ "table only", "nft add table inet t", NULL, false },
	{ "base chain without rules, policy accept",
	  "nft add table ip t; nft add chain ip t c " FILTER("forward"), NULL, false },
	{ "one rule",
	  "nft add table ip t; nft add chain ip t c " FILTER(
		  "forward") ";"
			     "nft add rule ip t c accept",
	  "nftables: chain ip t c has rules", false },
	{ "policy drop", "nft add table ip t; nft add chain ip t c " DROPPING("forward"),
	  "nftables: chain ip t c has policy drop", false },
	{ "input and output with rules and policy drop",
	  "nft add table inet t; nft add chain inet t i " DROPPING(
		  "input") ";"
			   "nft add chain inet t o " DROPPING(
				   "output") ";"
					     "nft add rule inet t i accept; nft add rule inet t o accept",
	  NULL, false },
	{ "regular chain that nothing jumps to",
	  "nft add table inet t; nft add chain inet t c " FILTER(
		  "forward") ";"
			     "nft add chain inet t r; nft add rule inet t r drop",
	  NULL, false },
	{ "regular chain jumped to from forward",
	  "nft add table inet t; nft add chain inet t c " FILTER(
		  "forward") ";"
			     "nft add chain inet t r; nft add rule inet t r drop;"
			     "nft add rule inet t c jump r",
	  "nftables: chain inet t c has rules", false },
	{ "inet prerouting",
	  "nft add table inet t; nft add chain inet t c " FILTER(
		  "prerouting") ";"
				"nft add rule inet t c accept",
	  "nftables: chain inet t c has rules", false },
	{ "nat on postrouting",
	  "nft add table ip t;"
	  "nft add chain ip t c '{ type nat hook postrouting priority 100; }';"
	  "nft add rule ip t c masquerade",
	  "nftables: chain ip t c has rules", true },
	{ "IPv6 only",
	  "nft add table ip6 t; nft add chain ip6 t c " DROPPING(
		  "forward") ";"
			     "nft add rule ip6 t c drop",
	  NULL, false },
	{ "inet ingress",
	  "nft add table inet t;"
	  "nft add chain inet t c '{ type filter hook ingress device v0 priority 0; }';"
	  "nft add rule inet t c accept",
	  "nftables: chain inet t c has rules", true },
	{ "netdev ingress",
	  "nft add table netdev t;"
	  "nft add chain netdev t c '{ type filter hook ingress device v0 priority 0; }';"
	  "nft add rule netdev t c accept",
	  "nftables: chain netdev t c has rules", true },
	{ "netdev egress",
	  "nft add table netdev t; nft add chain netdev t c "
	  "'{ type filter hook egress device v0 priority 0; policy drop; }'",
	  "nftables: chain netdev t c has policy drop", true },
	{ "bridge",
	  "nft add table bridge t; nft add chain bridge t c " FILTER(
		  "forward") ";"
			     "nft add rule bridge t c accept",
	  "nftables: chain bridge t c has rules", true },
	{ "dormant table counts",
	  "nft 'table ip t { flags dormant; }'; nft add chain ip t c " FILTER(
		  "forward") ";"
			     "nft add rule ip t c accept",
	  "nftables: chain ip t c has rules", false },
	{ "the last of many chains",
	  "nft add table ip t; for i in $(seq 300); do "
	  "echo \"add chain ip t c$i { type filter hook forward priority $i; }\"; done | nft -f -;"
	  "nft add rule ip t c300 accept",
	  "nftables: chain ip t c300 has rules", false },
	{ "flowtable",
	  "nft add table ip t; nft add flowtable ip t f "
	  "'{ hook ingress priority 0; devices = { v0 }; }'",
	  "nftables: flowtable ip t f", true },
	{ "long names keep the reason",
	  "t=$(printf %0120d 1 | tr 0-9 a); nft add table ip $t;"
	  "nft add chain ip $t $t " DROPPING("forward"),
	  "nftables: chain ip aaaaaaaaaaaaaaaaaaaaaa aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa has policy "
	  "drop",
	  false },
};

/* One test for each row, so that one that this kernel does not have is counted as skipped. */
static void test_nftables(void **state)
{
	const struct row *row = *state;
	struct guard_state found;
	char command[1024];

	need_root();
	assert_true(sh("nft flush ruleset"));
	assert_false(check().netfilter);
	snprintf(command, sizeof(command), "set -e; { %s; } %s", row->commands,
		 row->optional ? "2>/dev/null" : "");
	if (!sh(command)) {
		assert_true(sh("nft flush ruleset"));
		if (!row->optional)
			fail_msg("cannot be set up");
		print_message("skipped: %s: not in this kernel\n", row->name);
		skip();
	}
	found = check();
	assert_true(sh("nft flush ruleset"));
	if (found.netfilter != !!row->detail ||
	    strcmp(found.detail, row->detail ? row->detail : ""))
		fail_msg("%d \"%s\"", found.netfilter, found.detail);
	assert_false(found.xfrm);
}

static void test_notified(void **state)
{
	(void)state;
	need_root();
	assert_true(sh("nft add table ip t; nft add chain ip t c " FILTER("forward")));
	assert_true(is_readable(0));
	assert_false(check().netfilter);
	assert_true(sh("nft add rule ip t c accept"));
	assert_true(is_readable(0));
	assert_true(check().netfilter);
	assert_true(sh("nft flush chain ip t c"));
	assert_true(is_readable(0));
	assert_false(check().netfilter);
	/* More than the receive buffer holds: what is lost is an announcement, too. */
	assert_true(sh("for i in $(seq 5000); do echo add rule ip t c accept; done | nft -f -"));
	assert_true(is_readable(0));
	assert_true(check().netfilter);
	assert_true(sh("nft flush ruleset"));
	assert_true(is_readable(0));
	assert_false(check().netfilter);
}

/* A check of a change (nft -c) is prepared, never in force, never announced: rules stay rules. */
static void test_transaction_in_preparation(void **state)
{
	unsigned int checks = 0, misses = 0;
	pid_t child;

	(void)state;
	need_root();
	assert_true(sh("nft add table ip t; nft add chain ip t c " FILTER(
		"forward") ";"
			   "for i in $(seq 10000); do echo add rule ip t c ip saddr 1.2.3.4 accept; done"
			   "| nft -f -"));
	child = fork();
	if (!child) {
		execlp("sh", "sh", "-c", "for i in $(seq 100); do nft -c flush chain ip t c; done",
		       NULL);
		_exit(127);
	}
	do {
		checks++;
		misses += !check().netfilter;
	} while (waitpid(child, NULL, WNOHANG) == 0);
	assert_true(sh("nft flush ruleset"));
	print_message("%u checks, %u of them found nothing\n", checks, misses);
	assert_int_equal(misses, 0);
}

static void test_xfrm(void **state)
{
	struct xfrm_userpolicy_info own = {
		.sel.family = AF_INET,
		.lft = { XFRM_INF, XFRM_INF, XFRM_INF, XFRM_INF, 0, 0, 0, 0 },
		.dir = XFRM_POLICY_OUT,
		.action = XFRM_POLICY_ALLOW,
	};
	struct guard_state found;
	int fd;

	(void)state;
	need_root();
	assert_false(check().xfrm);
	if (!sh("ip xfrm policy add src 10.0.0.0/8 dst 10.1.0.0/16 dir fwd")) {
		print_message("skipped: no IPsec policies in this kernel\n");
		skip();
	}
	assert_true(is_readable(1));
	found = check();
	assert_true(found.xfrm);
	assert_false(found.netfilter);
	assert_string_equal(found.detail, "xfrm: policy src 10.0.0.0/8 dst 10.1.0.0/16 dir fwd");
	assert_true(sh("ip xfrm policy del src 10.0.0.0/8 dst 10.1.0.0/16 dir fwd"));
	assert_true(is_readable(1));
	assert_false(check().xfrm);

	assert_true(sh("ip xfrm policy add src fd00::/8 dst fd01::/16 dir fwd"));
	assert_false(check().xfrm);
	assert_true(sh("ip xfrm policy flush"));

	fd = socket(AF_INET, SOCK_DGRAM, 0);
	assert_int_equal(setsockopt(fd, SOL_IP, IP_XFRM_POLICY, &own, sizeof(own)), 0);
	assert_true(sh("ip xfrm policy | grep -q 'socket out'"));
	assert_false(check().xfrm);
	close(fd);
}

static void test_xfrm_default(void **state)
{
	struct guard_state found;

	(void)state;
	need_root();
	assert_false(check().xfrm);
	if (!sh("ip xfrm policy setdefault fwd block")) {
		print_message("skipped: no default policies in this kernel\n");
		skip();
	}
	assert_true(is_readable(1));
	found = check();
	assert_true(found.xfrm);
	assert_string_equal(found.detail, "xfrm: default policy blocks");
	assert_true(sh("ip xfrm policy setdefault fwd accept"));
	assert_false(check().xfrm);
}

/* A datagram of ours to an address that NAT changes, or not. */
static void send_to(const char *address)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9) };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	assert_int_equal(inet_pton(AF_INET, address, &to.sin_addr), 1);
	assert_int_equal(sendto(fd, "x", 1, 0, (struct sockaddr *)&to, sizeof(to)), 1);
	close(fd);
}

static void test_nat_without_rules(void **state)
{
	static const char detail[] = "NAT: connections may still be translated (chain ip t n)";
	struct guard_state found;

	(void)state;
	need_root();
	if (!sh("ip link set lo up; nft -f - 2>/dev/null <<'END'\n"
		"table ip t {\n"
		"chain n { type nat hook output priority -100; ip daddr 127.0.0.2 dnat to 127.0.0.1; }\n"
		"chain i { type filter hook input priority 0; ct state established accept; }\n"
		"}\nEND")) {
		print_message("skipped: no NAT in this kernel\n");
		skip();
	}
	send_to("127.0.0.3");
	assert_true(sh("grep -q '[1-9]' /proc/sys/net/netfilter/nf_conntrack_count"));
	assert_true(guard_has_connections());
	assert_false(check().netfilter); /* tracked, not translated */
	send_to("127.0.0.2");
	assert_true(sh("nft flush chain ip t n"));
	found = check();
	assert_true(found.netfilter);
	assert_true(found.only_nat);
	assert_string_equal(found.detail, detail);
	/* Conntrack may be on by a rule, a set or an object; not by these rules. */
	assert_true(sh(
		"nft flush chain ip t i; nft add rule ip t i ip saddr 192.0.2.1 tcp dport 22 counter drop;"
		"nft add table ip6 u; nft add chain ip6 u c; nft add rule ip6 u c ct state new"));
	assert_false(check().netfilter);
	assert_true(sh("nft 'add set ip t s { type ipv4_addr; }'"));
	assert_string_equal(check().detail, detail);
	assert_true(sh("nft delete set ip t s; nft add counter inet t o 2>/dev/null || "
		       "nft 'add table inet t; add counter inet t o'"));
	assert_string_equal(check().detail, detail);
	assert_true(
		sh("nft delete table inet t; nft add chain ip t r; nft add rule ip t r ct mark 1"));
	assert_string_equal(check().detail, detail);
	assert_true(sh("nft delete chain ip t n"));
	found = check();
	assert_false(found.netfilter);
	assert_false(found.only_nat);
	assert_true(sh("nft flush ruleset"));
}

static void test_legacy(void **state)
{
	int fd = socket(AF_INET, SOCK_RAW, IPPROTO_RAW), err;
	struct guard_state found;

	(void)state;
	need_root();
	/* Asking must not have made tables. */
	assert_true(sh("! grep -q . /proc/net/ip_tables_names 2>/dev/null"));
	err = legacy_filter(fd, -1, NF_ACCEPT);
	if (err == -ENOPROTOOPT || err == -ENOENT) {
		close(fd);
		print_message("skipped: no legacy iptables in this kernel\n");
		skip();
	}
	assert_int_equal(err, 0);
	assert_true(sh("grep -q filter /proc/net/ip_tables_names"));
	assert_false(check().netfilter);
	assert_int_equal(legacy_filter(fd, NF_INET_LOCAL_IN, NF_ACCEPT), 0);
	assert_false(check().netfilter);
	assert_int_equal(legacy_filter(fd, NF_INET_FORWARD, NF_ACCEPT), 0);
	found = check();
	assert_true(found.netfilter);
	assert_string_equal(found.detail, "iptables: table filter: FORWARD has rules");
	assert_int_equal(legacy_filter(fd, NF_INET_LOCAL_IN, NF_DROP), 0);
	found = check();
	assert_true(found.netfilter);
	assert_string_equal(found.detail, "iptables: table filter: FORWARD has policy DROP");
	assert_int_equal(legacy_filter(fd, -1, NF_ACCEPT), 0);
	assert_false(check().netfilter);
	close(fd);
}

/* Who may not ask is told "yes", at opening or at the check. */
static void test_unprivileged(void **state)
{
	int status;
	pid_t child;

	(void)state;
	need_root();
	child = fork();
	if (!child) {
		struct guard_state found;
		struct guard *own;

		if (setuid(65534))
			_exit(2);
		guard_check(guard, &found); /* opened by root, asked by nobody */
		if (!found.netfilter || !found.xfrm)
			_exit(3);
		if (guard_open(&own))
			_exit(0);
		guard_check(own, &found);
		_exit(found.netfilter && found.xfrm ? 0 : 4);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static int open_all(void **state)
{
	int err;

	(void)state;
	if (geteuid())
		why_not = "needs root";
	else if (unshare(CLONE_NEWNET))
		why_not = "cannot make a network namespace";
	else if (!sh("nft list ruleset"))
		why_not = "nft does not work here";
	else if (!sh("ip link add v0 type veth peer name v1"))
		why_not = "cannot make a veth pair";
	else {
		err = guard_open(&guard);
		if (err)
			print_message("guard_open: %s\n", strerror(-err));
		return err;
	}
	return 0;
}

static int close_all(void **state)
{
	(void)state;
	guard_close(guard);
	return 0;
}

int main(void)
{
	static const struct CMUnitTest others[] = {
		cmocka_unit_test(test_notified),
		cmocka_unit_test(test_transaction_in_preparation),
		cmocka_unit_test(test_xfrm),
		cmocka_unit_test(test_xfrm_default),
		cmocka_unit_test(test_legacy),
		cmocka_unit_test(test_unprivileged),
		cmocka_unit_test(test_nat_without_rules),
	};
	enum { ROWS = sizeof(rows) / sizeof(rows[0]), OTHERS = sizeof(others) / sizeof(others[0]) };
	struct CMUnitTest tests[ROWS + OTHERS];

	for (size_t i = 0; i < ROWS; i++)
		tests[i] = (struct CMUnitTest){ .name = rows[i].name,
						.test_func = test_nftables,
						.initial_state = (void *)&rows[i] };
	memcpy(tests + ROWS, others, sizeof(others));
	return cmocka_run_group_tests_name("guard", tests, open_all, close_all);
}
