// SPDX-License-Identifier: GPL-2.0-only
/*
 * The packets of scripts/bench-actions: makes the three namespaces of the benchmark, loads a table into the
 * kernel, and then obeys tests/bench/actions.py, one command a line on stdin, one line of JSON each on stdout:
 *
 *   sink on|off        the end of the line, at s0
 *   bare on|off        a program at r0 that drops everything: what the harness costs
 *   gro on|off         of r0: without it, or a program, a veth takes no redirected frames
 *   run PACKETS straight|window forwarded|unchanged
 *                      sends them to the prefix TARGET; window: never more than WINDOW under way
 *   udp PACKETS        the same from a socket at g0, as a container sends: each is an skb from the start
 *
 * The sender and the softirqs that it raises have one CPU for themselves, with real-time priority.
 */
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>
#include <linux/if_link.h>
#include <linux/udp.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "tests/bench/actions.h"
#include "tests/bench/bench.h"
#include "actions.skel.h"

#define TARGET	   0xc6124000u /* 198.18.64.0/24 */
#define TARGETS	   256
#define WINDOW	   512 /* less than the backlog of a CPU (1000) and the queue of a cpumap (2048) */
#define IP_LEN	   46
#define IP_ID	   0x6261
#define PATIENCE_S 5.0
#define REST_US	   50000 /* for what is still under way, where nobody waited for it */

static struct {
	struct topology topology;
	struct actions_bpf *bpf;
	int sink, bare; /* links; -1: none */
	int cpu;
	pid_t softirqd;
	volatile bool over, seen_over; /* the watcher's, the sender's */
	uint8_t frame[sizeof(struct ethhdr) + IP_LEN];
} lab = { .sink = -1, .bare = -1 };

static void make_frame(void)
{
	struct ethhdr eth = { .h_proto = htons(ETH_P_IP) };
	struct udphdr udp = { .source = htons(1024),
			      .dest = htons(9),
			      .len = htons(IP_LEN - sizeof(struct iphdr)) };
	struct iphdr ip = {
		.version = 4,
		.ihl = 5,
		.tot_len = htons(IP_LEN),
		.id = htons(IP_ID),
		.ttl = TTL_SENT,
		.protocol = IPPROTO_UDP,
		.saddr = htonl(ADDR_GENERATOR),
	};

	memcpy(eth.h_dest, mac_r0, ETH_ALEN);
	memcpy(eth.h_source, mac_g0, ETH_ALEN);
	memcpy(lab.frame, &eth, sizeof(eth));
	memcpy(lab.frame + sizeof(eth), &ip, sizeof(ip));
	memcpy(lab.frame + sizeof(eth) + sizeof(ip), &udp, sizeof(udp));
	memcpy(&lab.bpf->bss->template, lab.frame, sizeof(struct headers));
	lab.bpf->bss->frame_len = sizeof(lab.frame);
}

static void make_flows(void)
{
	struct iphdr ip;

	memcpy(&ip, lab.frame + sizeof(struct ethhdr), sizeof(ip));
	for (uint32_t i = 0; i < TARGETS; i++) {
		struct flow flow = { .src = ip.saddr };

		/* A step that visits all of them, without an order that a cache would like. */
		ip.daddr = htonl(TARGET + i * 149 % TARGETS);
		flow.dst = ip.daddr;
		flow.check = header_checksum(&ip, sizeof(ip));
		if (bpf_map_update_elem(bpf_map__fd(lab.bpf->maps.flows), &i, &flow, BPF_ANY))
			die("flows: %s", strerror(errno));
	}
}

static void load(void)
{
	uint32_t key = 0;

	topology_enter(&lab.topology, SITE_GEN);
	lab.bpf = actions_bpf__open();
	if (!lab.bpf || bpf_map__set_max_entries(lab.bpf->maps.flows, TARGETS) ||
	    actions_bpf__load(lab.bpf))
		die("actions: the programs did not load: %s", strerror(errno));
	if (bpf_map_update_elem(bpf_map__fd(lab.bpf->maps.out), &key, &lab.topology.g0, BPF_ANY))
		die("g0: cannot be transmitted to: %s", strerror(errno));
	topology_enter(&lab.topology, SITE_HOME);
	make_frame();
	make_flows();
}

/* *link of a program at an interface, which is made or taken away. */
static void attach(int *link, bool on, const struct bpf_program *program, enum site site,
		   uint32_t ifindex)
{
	LIBBPF_OPTS(bpf_link_create_opts, options, .flags = XDP_FLAGS_DRV_MODE);

	if (!on) {
		if (*link >= 0)
			close(*link);
		*link = -1;
		return;
	}
	topology_enter(&lab.topology, site);
	*link = bpf_link_create(bpf_program__fd(program), (int)ifindex, BPF_XDP, &options);
	topology_enter(&lab.topology, SITE_HOME);
	if (*link < 0)
		die("%s: no XDP program: %s", lab.topology.name[site], strerror(errno));
}

static void expect(const char *what)
{
	bool unchanged = !strcmp(what, "unchanged");
	struct headers *expected = &lab.bpf->bss->expected;

	memcpy(expected->eth.h_dest, unchanged ? mac_r0 : mac_s0, ETH_ALEN);
	memcpy(expected->eth.h_source, unchanged ? mac_g0 : mac_r1, ETH_ALEN);
	expected->eth.h_proto = htons(ETH_P_IP);
	expected->ip.ttl = unchanged ? TTL_SENT : TTL_ARRIVED;
}

/* The softirq thread goes before the sender: what it has taken over is done first. */
static void set_priority(pid_t pid, int priority)
{
	struct sched_param param = { .sched_priority = priority };

	if (sched_setscheduler(pid, priority ? SCHED_FIFO : SCHED_OTHER, &param) < 0)
		die("scheduling class: %s", strerror(errno));
}

static void set_priorities(bool on)
{
	if (lab.softirqd)
		set_priority(lab.softirqd, on ? 2 : 0);
	set_priority(0, on);
}

/* Until the programs have seen all they wanted, or packets stopped arriving that they wait for; then main() is
 * interrupted: the kernel goes on making frames as long as it may. */
static void *watch(void *thread)
{
	const volatile struct journey *journey = &lab.bpf->bss->journey;
	const volatile struct arrivals *arrivals = &lab.bpf->bss->arrivals;
	double since = seconds_now();
	uint64_t seen = 0;

	while (!journey->last_ns && seconds_now() - since < PATIENCE_S) {
		uint64_t now = journey->sent + arrivals->right + arrivals->wrong;

		if (now != seen)
			since = seconds_now();
		seen = now;
		usleep(200);
	}
	for (lab.over = true; !lab.seen_over; usleep(200))
		pthread_kill(*(pthread_t *)thread, SIGUSR1);
	return NULL;
}

static void on_signal(int number)
{
	(void)number;
}

static void send_frames(void)
{
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = lab.frame,
		    .data_size_in = sizeof(lab.frame), .flags = BPF_F_TEST_XDP_LIVE_FRAMES,
		    .repeat = INT_MAX / BATCH * BATCH, .batch_size = BATCH);
	struct sigaction action = { .sa_handler = on_signal };
	pthread_t self = pthread_self(), watcher;
	int err;

	sigaction(SIGUSR1, &action, NULL);
	lab.over = lab.seen_over = false;
	err = pthread_create(&watcher, NULL, watch, &self);
	if (err)
		die("thread: %s", strerror(err));
	cpu_enter(lab.cpu);
	topology_enter(&lab.topology, SITE_GEN);
	set_priorities(true);
	err = bpf_prog_test_run_opts(bpf_program__fd(lab.bpf->progs.inject), &options);
	set_priorities(false);
	topology_enter(&lab.topology, SITE_HOME);
	cpu_leave(lab.cpu);
	lab.seen_over = true;
	pthread_join(watcher, NULL);
	interrupt_check();
	if (err && !lab.over)
		die("generator: %s", strerror(-err));
}

static void print_result(uint64_t timed)
{
	const struct journey *journey = &lab.bpf->bss->journey;
	const struct arrivals *arrivals = &lab.bpf->bss->arrivals;
	bool done = journey->last_ns;

	printf("{\"done\":%s,\"sent\":%llu,\"right\":%llu,\"wrong\":%llu,\"foreign\":%llu,"
	       "\"bare\":%llu,\"ns\":%.2f,\"busy_ns\":%.2f,\"on_cpu\":[",
	       done ? "true" : "false", journey->sent, arrivals->right, arrivals->wrong,
	       arrivals->foreign, arrivals->bare,
	       done ? (double)(journey->last_ns - journey->first_ns) / (double)timed : 0,
	       done ? (double)journey->busy_ns / (double)timed : 0);
	for (unsigned int cpu = 0; cpu < CPUS && cpu < sysconf(_SC_NPROCESSORS_CONF); cpu++)
		printf("%s%llu", cpu ? "," : "", arrivals->on_cpu[cpu]);
	puts("]}");
}

/* A quarter as many come before the clock starts. */
static void run(uint32_t packets, const char *mode, const char *what)
{
	uint32_t warm_up;

	packets = packets / (4 * BATCH) * 4 * BATCH;
	warm_up = packets / 4;
	expect(what);
	lab.bpf->bss->arrivals = (struct arrivals){ 0 };
	lab.bpf->bss->journey = (struct journey){
		.window = { .count = TARGETS },
		.limit = strcmp(mode, "window") ? 0 : WINDOW,
		.first = warm_up,
		.last = warm_up + packets,
	};
	send_frames();
	usleep(REST_US);
	print_result(packets);
}

#define MESSAGES 64

static int open_socket(void)
{
	struct sockaddr_in local = { .sin_family = AF_INET, .sin_port = htons(1024) };
	int fd;

	topology_enter(&lab.topology, SITE_GEN);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&local, sizeof(local)) < 0)
		die("UDP socket: %s", strerror(errno));
	topology_enter(&lab.topology, SITE_HOME);
	return fd;
}

static void send_datagrams(int fd, uint32_t packets)
{
	struct sockaddr_in to[MESSAGES];
	struct mmsghdr messages[MESSAGES];
	uint8_t payload[IP_LEN - sizeof(struct iphdr) - sizeof(struct udphdr)] = { 0 };
	struct iovec data = { .iov_base = payload, .iov_len = sizeof(payload) };

	for (unsigned int i = 0; i < MESSAGES; i++) {
		to[i] = (struct sockaddr_in){ .sin_family = AF_INET,
					      .sin_port = htons(9),
					      .sin_addr.s_addr = htonl(TARGET + i) };
		messages[i] = (struct mmsghdr){ .msg_hdr = { .msg_name = &to[i],
							     .msg_namelen = sizeof(to[i]),
							     .msg_iov = &data,
							     .msg_iovlen = 1 } };
	}
	for (uint32_t sent = 0; sent < packets; sent += MESSAGES)
		if (sendmmsg(fd, messages, MESSAGES, 0) != MESSAGES)
			die("sendmmsg: %s", strerror(errno));
}

static void run_udp(uint32_t packets)
{
	uint32_t warm_up;
	int fd = open_socket();
	double ns;

	packets = packets / (4 * MESSAGES) * 4 * MESSAGES;
	warm_up = packets / 4;
	cpu_enter(lab.cpu);
	set_priorities(true);
	send_datagrams(fd, warm_up);
	ns = seconds_now();
	send_datagrams(fd, packets);
	ns = (seconds_now() - ns) * 1e9 / packets;
	set_priorities(false);
	cpu_leave(lab.cpu);
	close(fd);
	usleep(REST_US);
	printf("{\"done\":true,\"sent\":%u,\"ns\":%.2f}\n", warm_up + packets, ns);
}

static bool obey(const char *line)
{
	char mode[16], what[16], end;
	unsigned int packets;
	bool on;

	if (sscanf(line, "run %u %15s %15s %c", &packets, mode, what, &end) == 3 &&
	    packets >= 4 * BATCH) {
		run(packets, mode, what);
		return true;
	}
	if (sscanf(line, "udp %u %c", &packets, &end) == 1 && packets >= 4 * MESSAGES) {
		run_udp(packets);
		return true;
	}
	if (sscanf(line, "%15s %15s %c", what, mode, &end) != 2)
		return false;
	on = !strcmp(mode, "on");
	if (!strcmp(what, "sink"))
		attach(&lab.sink, on, lab.bpf->progs.arrive, SITE_SINK, lab.topology.s0);
	else if (!strcmp(what, "bare"))
		attach(&lab.bare, on, lab.bpf->progs.bare_drop, SITE_ROUTER, lab.topology.r0);
	else if (!strcmp(what, "gro"))
		topology_gro(&lab.topology, SITE_ROUTER, "r0", on);
	else
		return false;
	puts("{}");
	return true;
}

static void clean_up(void)
{
	attach(&lab.sink, false, NULL, SITE_SINK, 0);
	attach(&lab.bare, false, NULL, SITE_ROUTER, 0);
	actions_bpf__destroy(lab.bpf);
	topology_destroy(&lab.topology);
}

int main(int argc, char **argv)
{
	struct table table = { 0 };
	char line[128];

	if (argc != 3) {
		fputs("usage: actions NAME ROUTES, for tests/bench/actions.py\n", stderr);
		return EXIT_BAD_USAGE;
	}
	interrupt_setup();
	atexit(clean_up);
	lab.cpu = cpu_last();
	if (!cpu_claim(lab.cpu))
		progress("another benchmark uses CPU %d: the figures of both are worth nothing",
			 lab.cpu);
	cpu_leave(lab.cpu);
	lab.softirqd = cpu_softirqd(lab.cpu);
	table_generate(&table, (uint32_t)strtoul(argv[2], NULL, 10), 1);
	topology_create(&lab.topology, argv[1]);
	topology_load(&lab.topology, &table);
	table_free(&table);
	load();
	printf("{\"cpu\":%d}\n", lab.cpu);
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		if (!obey(line))
			die("'%.*s': not understood", (int)strcspn(line, "\n"), line);
		fflush(stdout);
	}
	return EXIT_CLEAN;
}
