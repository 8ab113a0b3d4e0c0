// SPDX-License-Identifier: GPL-2.0-only
/*
 * Traffic through a router while it changes: every packet has a number, and each has to arrive once,
 * at one of the sinks, with the TTL lowered.
 *
 * Addresses are drawn from the table. Sockets live in the namespaces where they were opened. What a
 * sink's socket itself could not hold is told apart from what the router lost. No more packets are on
 * their way than a veth's ring holds, as the CPU that empties it may be taken away for a while.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <sys/socket.h>
#include <unistd.h>
#include "tests/scale/scale.h"

enum {
	SINKS = 4,
	BURST = 32,
	WINDOW = 128, /* packets on their way; a veth ring holds 256 */
	PORT = 9,
	TTL = 64,
	MARK = 0x5ca1e,
};

struct frame {
	struct ether_header ether;
	struct iphdr ip;
	struct udphdr udp;
	uint32_t mark, number; /* host byte order: it stays on this machine */
} __attribute__((packed));

struct sink {
	int fd;
	uint64_t arrived;
	uint32_t first, last; /* numbers */
	uint32_t dropped;     /* by its socket */
};

struct traffic {
	int source;
	struct frame frame;
	struct sink sinks[SINKS];
	unsigned int n_sinks;
	struct prefixes table;
	uint8_t *seen; /* by number: how often, at most 255 */
	uint32_t sent, most, wrong;
	uint32_t came; /* of those sent, each once */
	uint32_t given_up;
	double progress; /* when one came, or was sent while none was missing */
};

/* NAMESPACE,IFNAME[,MAC]: a packet socket there. */
static int open_at(const char *where, uint16_t protocol, uint8_t *ret_mac)
{
	char text[128], path[192], *ns, *ifname, *mac, *rest = text;
	struct sockaddr_ll address = { .sll_family = AF_PACKET, .sll_protocol = htons(protocol) };
	int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), there, fd, size = 256 << 20;

	snprintf(text, sizeof(text), "%s", where);
	ns = strsep(&rest, ",");
	ifname = strsep(&rest, ",");
	mac = strsep(&rest, ",");
	snprintf(path, sizeof(path), "/run/netns/%s", ns);
	there = open(path, O_RDONLY | O_CLOEXEC);
	if (home < 0 || there < 0 || setns(there, CLONE_NEWNET))
		die("%s: %s", ns, strerror(errno));
	fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	address.sll_ifindex = ifname ? (int)if_nametoindex(ifname) : 0;
	if (fd < 0 || !address.sll_ifindex)
		die("%s: %s", where, strerror(errno));
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) || setns(home, CLONE_NEWNET))
		die("%s: %s", where, strerror(errno));
	if (ret_mac &&
	    (!mac || sscanf(mac, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &ret_mac[0], &ret_mac[1],
			    &ret_mac[2], &ret_mac[3], &ret_mac[4], &ret_mac[5]) != 6))
		die("%s: NAMESPACE,IFNAME,MAC is expected", where);
	close(there);
	close(home);
	return fd;
}

static uint16_t checksum(const void *header)
{
	uint16_t halves[sizeof(struct iphdr) / 2];
	uint32_t sum = 0;

	memcpy(halves, header, sizeof(halves));
	for (size_t i = 0; i < sizeof(halves) / sizeof(halves[0]); i++)
		sum += halves[i];
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t) ~(sum + (sum >> 16));
}

static void frame_init(struct frame *frame)
{
	frame->ether.ether_shost[0] = 2;
	frame->ether.ether_type = htons(ETHERTYPE_IP);
	frame->ip = (struct iphdr){ .version = 4,
				    .ihl = 5,
				    .tot_len = htons(sizeof(*frame) - sizeof(frame->ether)),
				    .ttl = TTL,
				    .protocol = IPPROTO_UDP,
				    .saddr = htonl(0xc6120102) }; /* 198.18.1.2 */
	frame->udp = (struct udphdr){ .source = htons(PORT),
				      .dest = htons(PORT),
				      .len = htons(sizeof(*frame) - sizeof(frame->ether) -
						   sizeof(frame->ip)) };
	frame->mark = MARK;
}

static void send_burst(struct traffic *t, uint64_t *seed)
{
	for (unsigned int i = 0; i < BURST && t->sent < t->most; i++) {
		const struct prefix *prefix = &t->table.list[random_next(seed) % t->table.n];
		struct frame *f = &t->frame;

		f->ip.daddr = htonl(prefix->addr |
				    ((uint32_t)random_next(seed) & ~prefix_mask(prefix->len)));
		f->ip.check = 0;
		f->ip.check = checksum(&f->ip);
		f->number = t->sent;
		if (send(t->source, f, sizeof(*f), 0) != sizeof(*f))
			die("traffic: %s", strerror(errno));
		t->sent++;
	}
}

static void take(struct traffic *t, struct sink *sink, const struct frame *f)
{
	if (f->ether.ether_type != htons(ETHERTYPE_IP) || f->mark != MARK ||
	    f->udp.dest != htons(PORT) || f->number >= t->sent)
		return;
	sink->first = sink->arrived ? sink->first : f->number;
	sink->last = f->number;
	sink->arrived++;
	t->wrong += f->ip.ttl != TTL - 1 || checksum(&f->ip) != 0;
	t->came += !t->seen[f->number];
	t->progress = seconds_now();
	if (t->seen[f->number] < UINT8_MAX)
		t->seen[f->number]++;
}

/* What did not come for a second does not come any more. */
static bool has_room(struct traffic *t)
{
	int64_t under_way = (int64_t)t->sent - t->came - t->given_up;

	if (under_way <= 0)
		t->progress = seconds_now();
	if (under_way + BURST <= WINDOW)
		return true;
	if (seconds_now() - t->progress > 1)
		t->given_up = t->sent - t->came;
	return false;
}

static void receive(struct traffic *t)
{
	struct frame frame;

	for (unsigned int i = 0; i < t->n_sinks; i++) {
		ssize_t len;

		while ((len = recv(t->sinks[i].fd, &frame, sizeof(frame),
				   MSG_DONTWAIT | MSG_TRUNC)) > 0)
			if ((size_t)len == sizeof(frame))
				take(t, &t->sinks[i], &frame);
	}
}

static void sink_dropped(struct sink *sink)
{
	struct tpacket_stats stats = { .tp_drops = 0 };
	socklen_t len = sizeof(stats);

	if (!getsockopt(sink->fd, SOL_PACKET, PACKET_STATISTICS, &stats, &len))
		sink->dropped = stats.tp_drops;
}

static void report(struct traffic *t)
{
	uint32_t lost = 0, twice = 0;

	for (uint32_t i = 0; i < t->sent; i++) {
		lost += !t->seen[i];
		twice += t->seen[i] > 1;
	}
	printf("{\"sent\":%u,\"lost\":%u,\"twice\":%u,\"wrong\":%u,\"sinks\":[", t->sent, lost,
	       twice, t->wrong);
	for (unsigned int i = 0; i < t->n_sinks; i++) {
		struct sink *sink = &t->sinks[i];

		sink_dropped(sink);
		printf("%s{\"arrived\":%llu,\"first\":%u,\"last\":%u,\"socket_dropped\":%u}",
		       i ? "," : "", (unsigned long long)sink->arrived, sink->first, sink->last,
		       sink->dropped);
	}
	printf("]}\n");
}

static volatile sig_atomic_t stopped;

static void on_signal(int number)
{
	stopped = number;
}

/* At the rate, in bursts; what is late is made up for slowly, not at once. */
static void run(struct traffic *t, uint32_t rate)
{
	double next = seconds_now(), end;
	uint64_t seed = 1;

	while (t->sent < t->most && !stopped) {
		double now = seconds_now();

		if (now >= next && has_room(t)) {
			send_burst(t, &seed);
			next = (now > next + 0.01 ? now : next) + (double)BURST / rate;
		}
		receive(t);
		if (seconds_now() < next || !has_room(t))
			nanosleep(&(struct timespec){ .tv_nsec = 50000 }, NULL);
	}
	for (end = seconds_now() + 1; seconds_now() < end && t->came < t->sent;)
		receive(t);
	for (end = seconds_now() + 0.1; seconds_now() < end;)
		receive(t); /* what comes twice */
}

/* traffic TABLE RATE MOST SOURCE SINK..: so many packets, or until SIGTERM. */
int command_traffic(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = on_signal };
	static struct traffic t;
	uint32_t rate;

	if (argc < 6 || argc > 5 + SINKS)
		die("traffic: TABLE RATE MOST SOURCE SINK.. is expected");
	prefixes_read(&t.table, argv[1], UINT32_MAX);
	rate = parse_number(argv[2], 1, 10000000);
	t.most = parse_number(argv[3], 1, 1u << 30);
	t.seen = calloc(t.most, 1);
	if (!t.seen)
		die("traffic: out of memory");
	frame_init(&t.frame);
	t.source = open_at(argv[4], 0, t.frame.ether.ether_dhost);
	for (int i = 5; i < argc; i++)
		t.sinks[t.n_sinks++].fd = open_at(argv[i], ETH_P_IP, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	printf("{\"running\":true}\n");
	fflush(stdout);
	run(&t, rate);
	report(&t);
	return 0;
}
