// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sends packets and counts what arrives: BPF_PROG_TEST_RUN with live frames at one end, a program
 * that drops at the other.
 */
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>
#include <sys/mman.h>
#include <linux/if_link.h>
#include <linux/udp.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "tests/bench/bench.h"
#include "traffic.skel.h"

#define ARRIVAL_PATIENCE_S 0.2

struct traffic {
	const struct topology *topology;
	struct traffic_bpf *bpf;
	struct destination *destinations;
	uint32_t n_destinations;
	int link; /* of the sink program; -1: none */
	uint8_t frame[FRAME_LEN];
};

/* What the generator writes, but for destination and checksum; the frame also holds a UDP header. */
static void make_frame(struct traffic *traffic)
{
	struct ethhdr *eth = (void *)traffic->frame;
	struct udphdr udp = { .source = htons(1024), .dest = htons(9) };
	struct iphdr ip = {
		.version = 4,
		.ihl = 5,
		.tot_len = htons(FRAME_LEN - sizeof(*eth)),
		.ttl = TTL_SENT,
		.protocol = IPPROTO_UDP,
		.saddr = htonl(ADDR_GENERATOR),
	};

	memcpy(eth->h_dest, mac_r0, ETH_ALEN);
	memcpy(eth->h_source, mac_g0, ETH_ALEN);
	eth->h_proto = htons(ETH_P_IP);
	udp.len = htons(FRAME_LEN - sizeof(*eth) - sizeof(ip));
	memcpy(eth + 1, &ip, sizeof(ip));
	memcpy(traffic->frame + sizeof(*eth) + sizeof(ip), &udp, sizeof(udp));
	memcpy(&traffic->bpf->bss->template, traffic->frame, sizeof(*eth) + sizeof(ip));
}

static void map_destinations(struct traffic *traffic)
{
	int fd = bpf_map__fd(traffic->bpf->maps.destinations);

	traffic->destinations = mmap(NULL, DESTINATION_LIMIT * sizeof(struct destination),
				     PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (traffic->destinations == MAP_FAILED)
		die("destinations: cannot be mapped: %s", strerror(errno));
}

struct traffic *traffic_open(const struct topology *topology)
{
	struct traffic *traffic = calloc(1, sizeof(*traffic));
	uint32_t key = 0;

	if (!traffic)
		die("traffic: out of memory");
	traffic->topology = topology;
	traffic->link = -1;
	topology_enter(topology, SITE_GEN);
	traffic->bpf = traffic_bpf__open_and_load();
	if (!traffic->bpf)
		die("traffic: the programs did not load: %s", strerror(errno));
	if (bpf_map_update_elem(bpf_map__fd(traffic->bpf->maps.out), &key, &topology->g0, BPF_ANY))
		die("g0: cannot be transmitted to: %s", strerror(errno));
	topology_enter(topology, SITE_HOME);
	map_destinations(traffic);
	make_frame(traffic);
	return traffic;
}

static void detach_sink(struct traffic *traffic)
{
	if (traffic->link >= 0)
		close(traffic->link);
	traffic->link = -1;
}

void traffic_close(struct traffic *traffic)
{
	if (!traffic)
		return;
	detach_sink(traffic);
	munmap(traffic->destinations, DESTINATION_LIMIT * sizeof(struct destination));
	traffic_bpf__destroy(traffic->bpf);
	free(traffic);
}

struct window traffic_add(struct traffic *traffic, const uint32_t *addrs, uint32_t n)
{
	struct window window = { .start = traffic->n_destinations, .count = n };
	struct iphdr ip;

	if (n > DESTINATION_LIMIT - traffic->n_destinations)
		die("more than %u destinations", DESTINATION_LIMIT);
	memcpy(&ip, traffic->frame + sizeof(struct ethhdr), sizeof(ip));
	for (uint32_t i = 0; i < n; i++) {
		struct destination *dst = &traffic->destinations[window.start + i];

		ip.daddr = htonl(addrs[i]);
		dst->addr = ip.daddr;
		dst->check = header_checksum(&ip, sizeof(ip));
	}
	traffic->n_destinations += n;
	return window;
}

static void attach_sink(struct traffic *traffic, enum site site, uint32_t ifindex)
{
	LIBBPF_OPTS(bpf_link_create_opts, options, .flags = XDP_FLAGS_DRV_MODE);

	topology_enter(traffic->topology, site);
	traffic->link = bpf_link_create(bpf_program__fd(traffic->bpf->progs.sink), (int)ifindex,
					BPF_XDP, &options);
	if (traffic->link < 0)
		die("%s: no XDP program: %s", traffic->topology->name[site], strerror(errno));
	topology_enter(traffic->topology, SITE_HOME);
}

void traffic_sink(struct traffic *traffic, enum sink sink)
{
	struct ethhdr eth = { .h_proto = htons(ETH_P_IP) };
	bool before = sink == SINK_ROUTER;

	memcpy(eth.h_dest, before ? mac_r0 : mac_s0, ETH_ALEN);
	memcpy(eth.h_source, before ? mac_g0 : mac_r1, ETH_ALEN);
	memcpy(&traffic->bpf->bss->expected_eth, &eth, sizeof(eth));
	traffic->bpf->bss->expected_ttl = before ? TTL_SENT : TTL_ARRIVED;
	detach_sink(traffic);
	if (before)
		attach_sink(traffic, SITE_ROUTER, traffic->topology->r0);
	else
		attach_sink(traffic, SITE_SINK, traffic->topology->s0);
}

static uint64_t sum_of(const struct traffic *traffic, struct window window, uint32_t next,
		       uint32_t packets)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < packets; i++) {
		sum += ntohl(traffic->destinations[window.start + next].addr);
		next = next + 1 == window.count ? 0 : next + 1;
	}
	return sum;
}

/* The last batch may still be under way in a softirq thread. */
static void wait_arrived(const volatile struct arrivals *arrivals, uint64_t packets)
{
	double start = seconds_now();

	while (arrivals->packets + arrivals->wrong < packets &&
	       seconds_now() - start < ARRIVAL_PATIENCE_S)
		usleep(1000);
}

/* While packets run, nothing else gets this CPU but what the kernel insists on. */
static void set_realtime(bool on)
{
	struct sched_param param = { .sched_priority = on };

	if (sched_setscheduler(0, on ? SCHED_FIFO : SCHED_OTHER, &param) < 0)
		die("scheduling class: %s", strerror(errno));
}

/*
 * The clock runs from the first packet to the last: the system call itself also waits for RCU, for
 * 50 to 100 ms. The last batch has only been generated by then, hence the division in here.
 */
void traffic_run(struct traffic *traffic, struct window window, uint32_t packets, bool verify,
		 struct pass *ret)
{
	struct traffic_bpf__bss *bss = traffic->bpf->bss;
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = traffic->frame,
		    .data_size_in = sizeof(traffic->frame), .flags = BPF_F_TEST_XDP_LIVE_FRAMES,
		    .repeat = (int)packets, .batch_size = BATCH);
	double cpu;
	int err;

	if (bss->window_start != window.start || bss->window_count != window.count)
		bss->window_next = 0;
	bss->window_start = window.start;
	bss->window_count = window.count;
	bss->verify = verify;
	bss->sent = 0;
	bss->last = packets;
	memset(ret, 0, sizeof(*ret));
	ret->sent = packets;
	memset(&bss->arrivals, 0, sizeof(bss->arrivals));
	ret->arrivals.addr_sum = verify ? sum_of(traffic, window, bss->window_next, packets) : 0;

	topology_enter(traffic->topology, SITE_GEN);
	set_realtime(true);
	cpu = seconds_of_thread();
	err = bpf_prog_test_run_opts(bpf_program__fd(traffic->bpf->progs.generate), &options);
	ret->cpu_s = seconds_of_thread() - cpu;
	set_realtime(false);
	topology_enter(traffic->topology, SITE_HOME);
	if (err)
		die("generator: %s", strerror(-err));
	wait_arrived(&bss->arrivals, packets);
	ret->ns = (double)(bss->last_ns - bss->first_ns) / (packets - BATCH);
	ret->intact = bss->arrivals.packets == packets && !bss->arrivals.wrong &&
		      bss->arrivals.addr_sum == ret->arrivals.addr_sum;
	ret->arrivals = bss->arrivals;
}
