/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * netlink/ against the running kernel: every test in a network namespace of its own.
 *
 * Needs root, and skips without. Events are compared as the lines of text of support_record.h.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>
#include "../../netlink/netlink.h"
#include "../../netlink/transport.h"
#include "support_record.h"

static struct record dumped, noticed;
static struct netlink *nl;

static const char *const topology =
	"ip link set lo up; ip link add va type veth peer name vb; ip link set va addrgenmode none;"
	"ip link set vb addrgenmode none; ip addr add 192.0.2.1/24 dev va;"
	"ip link set va mtu 1400 up;"
	"ip link set vb up; ip neigh add 192.0.2.2 lladdr 02:00:00:00:00:02 dev va;"
	"ip -6 neigh add fe80::2 lladdr 02:00:00:00:00:02 dev va nud stale;"
	"ip neigh add proxy 192.0.2.77 dev va;"
	"ip nexthop add id 1 via 192.0.2.2 dev va; ip nexthop add id 2 via 192.0.2.3 dev va;"
	"ip nexthop add id 3 group 1,5/2; ip nexthop add id 4 blackhole;"
	"ip nexthop add id 5 group 1/2 type resilient buckets 8;"
	"ip route add 198.51.100.0/25 via 192.0.2.2 metric 7 mtu 1300;"
	"ip route add 198.51.100.128/25 nhid 3; ip route add blackhole 203.0.113.0/24 table 99;"
	"ip route add 10.1.0.0/16 nexthop via 192.0.2.2 dev va weight 3"
	" nexthop via inet6 fe80::2 dev va;"
	"ip route add 10.2.0.0/16 encap ip id 5 dst 192.0.2.2 dev va;"
	"ip rule add priority 100 from 10.0.0.0/8 fwmark 1/3 lookup 99;"
	"ip rule add priority 101 ipproto 6 lookup 99";

static int run(const char *command)
{
	return system(command);
}

static void open_with(const struct netlink_options *options)
{
	memset(&dumped, 0, sizeof(dumped));
	memset(&noticed, 0, sizeof(noticed));
	assert_int_equal(netlink_open(&nl, options), 0);
}

static int setup(void **state)
{
	static bool skipped;

	(void)state;
	nl = NULL;
	if (unshare(CLONE_NEWNET) == 0)
		return 0;
	if (!skipped)
		print_message("skipped: a network namespace of one's own needs root: %s\n",
			      strerror(errno));
	skipped = true;
	*state = (void *)topology; /* anything: tells the test to skip */
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	netlink_close(nl);
	return 0;
}

#define NEEDS_NAMESPACE()                                                                          \
	do {                                                                                       \
		if (*state)                                                                        \
			skip();                                                                    \
	} while (0)

/* That there is one takes a router that sends redirects: tests/netns/56-route-kinds.sh. */
static void test_dump_redirected(void **state)
{
	bool redirected = true;

	NEEDS_NAMESPACE();
	assert_int_equal(run(topology), 0);
	open_with(NULL);
	assert_int_equal(netlink_dump_redirected(nl, &redirected), 0);
	assert_false(redirected);
	assert_int_equal(netlink_dump(nl, record_event, &dumped),
			 0); /* its socket can be used on */
}

static void test_dump(void **state)
{
	static const char *const expected[] = {
		"link 1 lo kind  mtu 65536",
		"netconf -1 forwarding 0 rp_filter 0",
		"address 127.0.0.1/8 dev 1",
		"rule 0 from 0.0.0.0/0 mark 0/0 protocol 0 table 255",
		"rule 100 from 10.0.0.0/8 mark 1/3 protocol 0 table 99",
		"rule 101 from 0.0.0.0/0 mark 0/0 protocol 6 table 99",
		"rule 32766 from 0.0.0.0/0 mark 0/0 protocol 0 table 254",
		"nexthop 3 type 1 via  oif 0 (1,5) (2,1)",
		"nexthop 4 type 3 via  oif 0",
		"nexthop 5 type 2 via  oif 0 (1,1) (2,1)",
		"route 203.0.113.0/24 table 99 metric 0 nhid 0 mtu 0 type 6",
	};
	const char *reason;

	NEEDS_NAMESPACE();
	assert_int_equal(run(topology), 0);
	open_with(NULL);
	assert_int_equal(netlink_dump(nl, record_event, &dumped), 0);
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		if (!record_has(&dumped, "", expected[i]))
			fail_msg("not dumped: %s", expected[i]);
	}
	assert_int_equal(netlink_refused(nl, &reason), 0);
	assert_null(reason);
}

/* What was made while we listened must be announced just as the dump shows it afterwards. */
static void test_notifications_equal_dump(void **state)
{
	static const char *const kinds[] = { "link",	"address", "neighbour",
					     "nexthop", "rule",	   "route" };
	unsigned int compared[6] = { 0 };

	NEEDS_NAMESPACE();
	open_with(NULL);
	assert_int_equal(run(topology), 0);
	assert_true(netlink_receive(nl, 0, record_event, &noticed) > 0);
	assert_int_equal(netlink_dump(nl, record_event, &dumped), 0);
	for (unsigned int i = 0; i < dumped.n; i++) {
		const char *line = dumped.lines[i];
		size_t kind = 0;

		while (kind < 6 && strncmp(line, kinds[kind], strlen(kinds[kind])) != 0)
			kind++;
		/* older than the socket: the rules of the kernel */
		if (kind == 6 || !strncmp(line, "rule 0 ", 7) || !strncmp(line, "rule 3276", 9))
			continue;
		compared[kind]++;
		if (!record_has(&noticed, "+", line))
			fail_msg("dumped, but not announced: %s", line);
	}
	for (size_t kind = 0; kind < 6; kind++)
		assert_true(compared[kind] > 1);
	for (unsigned int i = 0; i < noticed.n; i++)
		assert_null(strstr(noticed.lines[i], "192.0.2.77"));
	assert_int_equal(netlink_refused(nl, NULL), 0);
}

static void test_deletions(void **state)
{
	NEEDS_NAMESPACE();
	assert_int_equal(run(topology), 0);
	open_with(NULL);
	assert_int_equal(run("ip route del 203.0.113.0/24 table 99; ip rule del priority 100;"
			     "ip neigh del 192.0.2.2 dev va; ip nexthop del id 4;"
			     "echo 1 > /proc/sys/net/ipv4/ip_forward;"
			     "ip link del va"),
			 0);
	assert_true(netlink_receive(nl, 0, record_event, &noticed) > 0);
	assert_true(record_has(&noticed, "-",
			       "route 203.0.113.0/24 table 99 metric 0 nhid 0 mtu 0 type 6"));
	assert_true(
		record_has(&noticed, "-", "rule 100 from 10.0.0.0/8 mark 1/3 protocol 0 table 99"));
	assert_true(record_has(&noticed, "-", "nexthop 4 type 3 via  oif 0"));
	assert_true(record_has(&noticed, "+", "netconf -1 forwarding 1 rp_filter -1"));
	assert_int_equal(netlink_receive(nl, 0, record_event, &noticed), 0);
}

static void test_overrun(void **state)
{
	const struct netlink_options options = { .rcvbuf = 4096, .strict_rcvbuf = true };

	NEEDS_NAMESPACE();
	assert_int_equal(run("ip link set lo up"), 0);
	open_with(&options);
	assert_int_equal(netlink_rcvbuf(nl), 8192);
	assert_int_equal(run("for i in $(seq 200); do echo route add blackhole 10.0.$i.0/24; done"
			     " | ip -batch -"),
			 0);
	assert_int_equal(netlink_receive(nl, 0, record_event, &noticed), -ENOBUFS);
	assert_int_equal(netlink_receive(nl, 0, record_event, &noticed), 0);
	assert_int_equal(run("ip route add blackhole 10.1.0.0/16"), 0);
	assert_int_equal(netlink_receive(nl, 0, record_event, &noticed), 1);
	assert_true(record_has(&noticed, "+",
			       "route 10.1.0.0/16 table 254 metric 0 nhid 0 mtu 0 type 6"));
	assert_int_equal(netlink_dump(nl, record_event, &dumped), 0);
	assert_true(record_has(&dumped, "",
			       "route 10.0.200.0/24 table 254 metric 0 nhid 0 mtu 0 type 6"));
}

static void test_budget_and_failing_callback(void **state)
{
	NEEDS_NAMESPACE();
	open_with(NULL);
	assert_true(netlink_rcvbuf(nl) >= 128 << 20);
	assert_int_equal(run("for i in $(seq 100); do echo route add blackhole 10.0.$i.0/24; done"
			     " | ip -batch -"),
			 0);
	assert_int_equal(netlink_receive(nl, 7, record_event, &noticed), 7);
	noticed.fail_at = 10;
	assert_int_equal(netlink_receive(nl, 50, record_event, &noticed), -ECANCELED);
	assert_int_equal(noticed.n, 10);
	noticed.fail_at = 0;
	assert_int_equal(netlink_receive(nl, 0, record_event, &noticed), 90);
	assert_int_equal(noticed.n, 100);
	assert_true(record_has(&noticed, "+",
			       "route 10.0.100.0/24 table 254 metric 0 nhid 0 mtu 0 type 6"));
}

static void test_dump_after_failing_callback(void **state)
{
	NEEDS_NAMESPACE();
	assert_int_equal(run(topology), 0);
	open_with(NULL);
	dumped.fail_at = 4;
	assert_int_equal(netlink_dump(nl, record_event, &dumped), -ECANCELED);
	assert_int_equal(dumped.n, 4);
	dumped.fail_at = 0;
	assert_int_equal(netlink_dump(nl, record_event, &noticed), 0);
	assert_true(record_has(&noticed, "", "nexthop 4 type 3 via  oif 0"));
}

static int count_message(void *ctx, const struct nlmsghdr *nlh)
{
	*(unsigned int *)ctx += nlh->nlmsg_type == RTM_NEWLINK;
	return 0;
}

/* A request that the kernel never answers, and after it one that it does. */
static void test_dump_after_lost_answer(void **state)
{
	struct nl_msg *silent, *links;
	const struct timeval timeout = { .tv_usec = 50000 };
	struct ifinfomsg header = { 0 };
	struct dumper dumper;
	unsigned int n = 0;

	NEEDS_NAMESPACE();
	silent = nlmsg_alloc_simple(NLMSG_NOOP, NLM_F_DUMP);
	links = nlmsg_alloc_simple(RTM_GETLINK, NLM_F_DUMP);
	assert_true(silent && links);
	nlmsg_append(links, &header, sizeof(header), NLMSG_ALIGNTO);
	assert_int_equal(dumper_open(&dumper, NETLINK_ROUTE), 0);
	assert_int_equal(setsockopt(nl_socket_get_fd(dumper.sk), SOL_SOCKET, SO_RCVTIMEO, &timeout,
				    sizeof(timeout)),
			 0);
	assert_int_equal(dumper_run(&dumper, silent, count_message, &n), -ETIMEDOUT);
	assert_null(dumper.sk);
	assert_int_equal(dumper_run(&dumper, links, count_message, &n), 0);
	assert_int_equal(n, 1);
	dumper_close(&dumper);
	nlmsg_free(silent);
	nlmsg_free(links);
}

/* A message of a length right for a route, from a process that may send us one. */
static void test_only_the_kernel_is_believed(void **state)
{
	struct {
		struct nlmsghdr header;
		struct rtmsg route;
	} forged = { { sizeof(forged), RTM_NEWROUTE, 0, 1, 0 },
		     { .rtm_family = AF_INET, .rtm_type = RTN_BLACKHOLE } };
	struct sockaddr_nl ours;
	socklen_t len = sizeof(ours);
	int fd;

	NEEDS_NAMESPACE();
	open_with(NULL);
	assert_int_equal(getsockname(netlink_fd(nl), (struct sockaddr *)&ours, &len), 0);
	fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
	assert_true(fd >= 0);
	ours.nl_groups = 0;
	assert_int_equal(sendto(fd, &forged, sizeof(forged), 0, (struct sockaddr *)&ours, len),
			 sizeof(forged));
	assert_int_equal(netlink_receive(nl, 0, record_event, &noticed), 0);
	assert_int_equal(noticed.n, 0);
	close(fd);
}

/* Asks for a route of 2,500 legs: ip(8) could not. */
static void add_wide_route(int fd, unsigned int first)
{
	enum { LEGS = 2500 };
	static struct {
		struct nlmsghdr header;
		struct rtmsg route;
		struct nlattr dst;
		__be32 prefix;
		struct nlattr multipath;
		struct {
			struct rtnexthop hop;
			struct nlattr gateway;
			__be32 address;
		} legs[LEGS];
	} request;
	char answer[4096];

	request.header =
		(struct nlmsghdr){ sizeof(request), RTM_NEWROUTE,
				   NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE, 1, 0 };
	request.route = (struct rtmsg){ .rtm_family = AF_INET,
					.rtm_dst_len = 16,
					.rtm_table = RT_TABLE_MAIN,
					.rtm_protocol = RTPROT_STATIC,
					.rtm_type = RTN_UNICAST };
	request.dst = (struct nlattr){ 8, RTA_DST };
	request.prefix = htonl(0x0a090000);
	request.multipath = (struct nlattr){ 4 + sizeof(request.legs), RTA_MULTIPATH };
	for (unsigned int i = 0; i < LEGS; i++) {
		request.legs[i].hop.rtnh_len = sizeof(request.legs[i]);
		request.legs[i].hop.rtnh_ifindex = (int)if_nametoindex("va");
		request.legs[i].gateway = (struct nlattr){ 8, RTA_GATEWAY };
		request.legs[i].address = htonl(0xc0000202 + (first + i) % 250);
	}
	assert_int_equal(send(fd, &request, sizeof(request), 0), sizeof(request));
	assert_true(recv(fd, answer, sizeof(answer), 0) >= 20);
	assert_int_equal(((struct nlmsgerr *)NLMSG_DATA(answer))->error, 0);
}

/* A notification longer than the buffer: lost once, and then there is room. */
static void test_long_notification(void **state)
{
	int fd;

	NEEDS_NAMESPACE();
	assert_int_equal(run(topology), 0);
	open_with(NULL);
	fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
	assert_true(fd >= 0);
	add_wide_route(fd, 0);
	assert_int_equal(netlink_receive(nl, 0, record_event, &noticed), -ENOBUFS);
	assert_int_equal(noticed.n, 0);
	add_wide_route(fd, 1);
	assert_int_equal(netlink_receive(nl, 0, record_event, &noticed), 1);
	assert_true(
		record_has(&noticed, "+",
			   "route 10.9.0.0/16 table 254 metric 0 nhid 0 mtu 0 type 1 unsupported"));
	close(fd);
}

static void test_features(void **state)
{
	struct netlink_features *features;
	char line[64];
	int err;

	NEEDS_NAMESPACE();
	err = netlink_features_open(&features);
	if (err == -EOPNOTSUPP) {
		print_message("skipped: this kernel tells no device features (before 6.3)\n");
		skip();
	}
	assert_int_equal(err, 0);
	memset(&dumped, 0, sizeof(dumped));
	memset(&noticed, 0, sizeof(noticed));
	assert_int_equal(run("ip link add va type veth peer name vb"), 0);
	assert_true(netlink_features_receive(features, record_event, &noticed) >= 2);
	snprintf(line, sizeof(line), "features %u", if_nametoindex("vb"));
	assert_true(record_has(&noticed, "+", line));
	assert_int_equal(netlink_features_dump(features, record_event, &dumped), 0);
	assert_int_equal(dumped.n, 3);
	assert_true(record_has(&dumped, "", line));
	assert_int_equal(run("ip link del va"), 0);
	assert_true(netlink_features_receive(features, record_event, &noticed) >= 2);
	assert_true(record_has(&noticed, "-", line));
	netlink_features_close(features);
}

#define LIVE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LIVE(test_dump_redirected),
		LIVE(test_dump),
		LIVE(test_notifications_equal_dump),
		LIVE(test_deletions),
		LIVE(test_overrun),
		LIVE(test_budget_and_failing_callback),
		LIVE(test_dump_after_failing_callback),
		LIVE(test_dump_after_lost_answer),
		LIVE(test_only_the_kernel_is_believed),
		LIVE(test_long_notification),
		LIVE(test_features),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
