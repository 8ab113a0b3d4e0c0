// SPDX-License-Identifier: GPL-2.0-only
/*
 * Puts frames into circulation and reads what became of them: BPF_PROG_TEST_RUN with live frames starts
 * them at g0, the program at the end of the line sends each of them on its next round.
 *
 * They run in the softirq thread of one CPU. While the clock runs that thread has real-time priority, and
 * we are on another CPU.
 */
#include <stdlib.h>
#include <unistd.h>
#include <sys/mman.h>
#include <linux/if_link.h>
#include <linux/udp.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "tests/bench/bench.h"
#include "traffic.skel.h"

#define BATCH	   64 /* frames that are injected at once; a veth ring holds 256 */
#define POLL_US	   500
#define PATIENCE_S 5.0	  /* so long without a packet: nothing circulates any more */
#define REST_S	   0.2	  /* the same where that is likely */
#define MAGIC	   0x6265 /* IP ID and total length together */

struct traffic {
	const struct topology *topology;
	struct traffic_bpf *bpf;
	struct flow *flows;
	uint32_t n_flows, flow_limit;
	int link; /* of the program at the end of the line; -1: none */
	int cpu;
	pid_t softirqd; /* 0: not to be seen */
	bool realtime;
	uint8_t frame[FRAME_LEN_MAX];
	uint32_t frame_len;
};

/* ID and length have the same sum in all sizes, which therefore share the checksums of the flows. */
void traffic_size(struct traffic *traffic, unsigned int ip_len)
{
	struct ethhdr *eth = (void *)traffic->frame;
	struct udphdr udp = {
		.source = htons(1024),
		.dest = htons(9),
		.len = htons(ip_len - sizeof(struct iphdr)),
	};
	struct iphdr ip = {
		.version = 4,
		.ihl = 5,
		.tot_len = htons(ip_len),
		.id = htons(MAGIC - ip_len),
		.ttl = TTL_SENT,
		.protocol = IPPROTO_UDP,
	};

	memcpy(eth->h_dest, mac_r0, ETH_ALEN);
	memcpy(eth->h_source, mac_g0, ETH_ALEN);
	eth->h_proto = htons(ETH_P_IP);
	memcpy(eth + 1, &ip, sizeof(ip));
	memcpy(traffic->frame + sizeof(*eth) + sizeof(ip), &udp, sizeof(udp));
	memcpy(&traffic->bpf->bss->template, traffic->frame, sizeof(struct headers));
	traffic->frame_len = sizeof(*eth) + ip_len;
	traffic->bpf->bss->frame_len = traffic->frame_len;
}

static void load(struct traffic *traffic)
{
	uint32_t key = 0;

	topology_enter(traffic->topology, SITE_GEN);
	traffic->bpf = traffic_bpf__open();
	if (!traffic->bpf ||
	    bpf_map__set_max_entries(traffic->bpf->maps.flows, traffic->flow_limit) ||
	    traffic_bpf__load(traffic->bpf))
		die("traffic: the programs did not load: %s", strerror(errno));
	if (bpf_map_update_elem(bpf_map__fd(traffic->bpf->maps.out), &key, &traffic->topology->g0,
				BPF_ANY))
		die("g0: cannot be transmitted to: %s", strerror(errno));
	topology_enter(traffic->topology, SITE_HOME);
	traffic->flows = mmap(NULL, traffic->flow_limit * sizeof(struct flow),
			      PROT_READ | PROT_WRITE, MAP_SHARED, traffic_flows_fd(traffic), 0);
	if (traffic->flows == MAP_FAILED)
		die("flows: cannot be mapped: %s", strerror(errno));
}

struct traffic *traffic_open(const struct topology *topology, int cpu, uint32_t n_flows)
{
	struct traffic *traffic = calloc(1, sizeof(*traffic));

	if (!traffic)
		die("traffic: out of memory");
	traffic->topology = topology;
	traffic->flow_limit = n_flows;
	traffic->link = -1;
	traffic->cpu = cpu;
	traffic->softirqd = cpu_softirqd(cpu);
	load(traffic);
	traffic_size(traffic, IP_LEN_SMALL);
	return traffic;
}

static void set_realtime(struct traffic *traffic, bool on)
{
	if (traffic->softirqd && on != traffic->realtime)
		cpu_realtime(traffic->softirqd, on);
	traffic->realtime = on;
}

static void detach(struct traffic *traffic)
{
	if (traffic->link >= 0)
		close(traffic->link);
	traffic->link = -1;
}

/* Frames still under way leave the line where the program was. */
void traffic_close(struct traffic *traffic)
{
	if (!traffic)
		return;
	detach(traffic);
	set_realtime(traffic, false);
	munmap(traffic->flows, traffic->flow_limit * sizeof(struct flow));
	traffic_bpf__destroy(traffic->bpf);
	free(traffic);
}

int traffic_flows_fd(const struct traffic *traffic)
{
	return bpf_map__fd(traffic->bpf->maps.flows);
}

const struct headers *traffic_template(const struct traffic *traffic)
{
	return &traffic->bpf->bss->template;
}

struct window traffic_add(struct traffic *traffic, const uint32_t *srcs, const uint32_t *dsts,
			  uint32_t n)
{
	struct window window = { .start = traffic->n_flows, .count = n };
	struct iphdr ip;

	if (n > traffic->flow_limit - traffic->n_flows)
		die("more than %u flows", traffic->flow_limit);
	memcpy(&ip, traffic->frame + sizeof(struct ethhdr), sizeof(ip));
	for (uint32_t i = 0; i < n; i++) {
		struct flow *flow = &traffic->flows[window.start + i];

		ip.saddr = htonl(srcs ? srcs[i] : ADDR_GENERATOR);
		ip.daddr = htonl(dsts[i]);
		*flow = (struct flow){ .src = ip.saddr,
				       .dst = ip.daddr,
				       .check = header_checksum(&ip, sizeof(ip)) };
	}
	traffic->n_flows += n;
	return window;
}

static void attach(struct traffic *traffic, enum site site, uint32_t ifindex)
{
	LIBBPF_OPTS(bpf_link_create_opts, options, .flags = XDP_FLAGS_DRV_MODE);

	topology_enter(traffic->topology, site);
	traffic->link = bpf_link_create(bpf_program__fd(traffic->bpf->progs.circulate),
					(int)ifindex, BPF_XDP, &options);
	if (traffic->link < 0)
		die("%s: no XDP program: %s", traffic->topology->name[site], strerror(errno));
	topology_enter(traffic->topology, SITE_HOME);
}

void traffic_sink(struct traffic *traffic, enum sink sink)
{
	struct headers *expected = &traffic->bpf->bss->expected;
	bool before = sink == SINK_ROUTER;

	memcpy(expected->eth.h_dest, before ? mac_r0 : mac_s0, ETH_ALEN);
	memcpy(expected->eth.h_source, before ? mac_g0 : mac_r1, ETH_ALEN);
	expected->eth.h_proto = htons(ETH_P_IP);
	expected->ip.ttl = before ? TTL_SENT : TTL_ARRIVED;
	detach(traffic);
	if (sink == SINK_ROUTER)
		attach(traffic, SITE_ROUTER, traffic->topology->r0);
	else if (sink == SINK_END)
		attach(traffic, SITE_SINK, traffic->topology->s0);
}

/* They go round by themselves from then on, on the CPU where they began. */
static void start_frames(const struct traffic *traffic)
{
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = traffic->frame,
		    .data_size_in = traffic->frame_len, .flags = BPF_F_TEST_XDP_LIVE_FRAMES,
		    .repeat = FRAMES, .batch_size = BATCH);
	int err;

	cpu_enter(traffic->cpu);
	topology_enter(traffic->topology, SITE_GEN);
	err = bpf_prog_test_run_opts(bpf_program__fd(traffic->bpf->progs.inject), &options);
	topology_enter(traffic->topology, SITE_HOME);
	cpu_leave(traffic->cpu);
	if (err)
		die("generator: %s", strerror(-err));
}

static bool warmed_up(const volatile struct course *course)
{
	return course->sent >= course->verify_until;
}

static bool clock_stopped(const volatile struct course *course)
{
	return course->last_ns;
}

static bool any_arrived(const volatile struct course *course)
{
	return course->right + course->wrong;
}

static bool all_back(const volatile struct course *course)
{
	return course->right + course->wrong >= course->sent;
}

/* False where no packet comes any more before it is reached. */
static bool wait_until(bool (*reached)(const volatile struct course *),
		       const volatile struct course *course, double patience)
{
	double since = seconds_now();
	uint64_t seen = 0;

	while (!reached(course)) {
		uint64_t arrived = course->right + course->wrong;

		interrupt_check();
		if (arrived != seen)
			since = seconds_now();
		else if (seconds_now() - since > patience)
			return false;
		seen = arrived;
		usleep(POLL_US);
	}
	return true;
}

/*
 * The clock starts at `go`, and only then does the thread get its priority: there may be one CPU only.
 * *ret_share of the CPU goes to the packets, as the other softirqs are next to nothing.
 */
static bool time_course(struct traffic *traffic, volatile struct course *course, double *ret_share)
{
	pid_t softirqd = traffic->softirqd;
	double cpu = softirqd ? cpu_seconds_of(softirqd) : 0;
	bool done;

	course->go = 1;
	set_realtime(traffic, true);
	done = wait_until(clock_stopped, course, PATIENCE_S);
	*ret_share = softirqd && done ? (cpu_seconds_of(softirqd) - cpu) * 1e9 /
						(double)(course->last_ns - course->first_ns)
				      : 1;
	set_realtime(traffic, false);
	return done;
}

bool traffic_refused(struct traffic *traffic, struct window window)
{
	volatile struct course *shared = &traffic->bpf->bss->course;

	bool refused;

	traffic->bpf->bss->course = (struct course){ .window = window };
	start_frames(traffic);
	refused = !wait_until(any_arrived, shared, REST_S);
	shared->stop = 1;
	wait_until(all_back, shared, REST_S);
	return refused;
}

void traffic_run(struct traffic *traffic, struct window window, uint32_t packets, struct pass *ret)
{
	volatile struct course *shared = &traffic->bpf->bss->course;
	struct course course = {
		.window = window,
		.verify_until = packets / 4,
		.timed = packets,
		.look_at = packets / 4,
	};
	bool done;

	memset(ret, 0, sizeof(*ret));
	traffic->bpf->bss->course = course;
	start_frames(traffic);
	done = wait_until(warmed_up, shared, PATIENCE_S) &&
	       time_course(traffic, shared, &ret->share);
	shared->stop = 1;
	wait_until(all_back, shared, done ? PATIENCE_S : REST_S);
	course = traffic->bpf->bss->course;
	*ret = (struct pass){
		.sent = course.sent,
		.right = course.right,
		.wrong = course.wrong,
		.foreign = course.foreign,
		.done = done,
		.share = ret->share,
	};
	if (course.right + course.wrong < course.sent)
		ret->lost = course.sent - course.right - course.wrong;
	ret->intact = done && course.right == course.sent && course.sent_sum == course.arrived_sum;
	ret->ns = done ? (double)(course.last_ns - course.first_ns) / packets : 0;
}
