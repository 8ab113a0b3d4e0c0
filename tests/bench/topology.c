// SPDX-License-Identifier: GPL-2.0-only
/*
 * Three network namespaces in a row, with fixed addresses and no neighbour to be resolved:
 *
 *   gen                 router                            sink
 *   g0 198.18.0.2 ----- r0 198.18.0.1  r1 198.18.1.1 ----- s0, stands for 198.18.1.2 .. .17,
 *                                         198.19.0.1/20         and for neighbours 198.19.0.2 ..
 */
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include "tests/bench/bench.h"

const uint8_t mac_g0[6] = { 2, 0, 0, 0, 0, 0x10 }, mac_r0[6] = { 2, 0, 0, 0, 0, 0x20 };
const uint8_t mac_r1[6] = { 2, 0, 0, 0, 0, 0x21 }, mac_s0[6] = { 2, 0, 0, 0, 0, 0x30 };

static const char *const site_names[SITES] = { "gen", "router", "sink", NULL };

static void run(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void run(const char *format, ...)
{
	char command[512];
	va_list args;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	if (system(command) != 0)
		die("'%s' failed", command);
}

void topology_enter(const struct topology *topology, enum site site)
{
	if (setns(topology->ns[site], CLONE_NEWNET) < 0)
		die("namespace %s: cannot be entered: %s", topology->name[site], strerror(errno));
}

/* A missing setting is no reason to stop: it belongs to something that is not there either. */
static void set(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (write(fd, value, strlen(value)) < 0)
		die("%s: %s", path, strerror(errno));
	close(fd);
}

static void create_namespaces(struct topology *topology, const char *name)
{
	char path[128];

	topology->ns[SITE_HOME] = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	for (enum site site = SITE_GEN; site < SITE_HOME; site++) {
		snprintf(topology->name[site], sizeof(topology->name[site]), "%s-%s", name,
			 site_names[site]);
		run("ip netns add %s", topology->name[site]);
		snprintf(path, sizeof(path), "/run/netns/%s", topology->name[site]);
		topology->ns[site] = open(path, O_RDONLY | O_CLOEXEC);
		topology_enter(topology, site);
		set("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1");
		set("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
		set("/proc/sys/net/ipv4/conf/all/rp_filter", "0");
		set("/proc/sys/net/ipv4/conf/default/rp_filter", "0");
		topology_enter(topology, SITE_HOME);
	}
}

static void create_links(const struct topology *topology)
{
	const char *gen = topology->name[SITE_GEN], *router = topology->name[SITE_ROUTER];
	const char *sink = topology->name[SITE_SINK], *one = "numtxqueues 1 numrxqueues 1";

	run("ip -n %s link add g0 address 02:00:00:00:00:10 %s type veth "
	    "peer name r0 address 02:00:00:00:00:20 netns %s %s",
	    gen, one, router, one);
	run("ip -n %s link add r1 address 02:00:00:00:00:21 %s type veth "
	    "peer name s0 address 02:00:00:00:00:30 netns %s %s",
	    router, one, sink, one);
	run("ip -n %s addr add 198.18.0.2/24 dev g0", gen);
	run("ip -n %s addr add 198.18.0.1/24 dev r0", router);
	run("ip -n %s addr add 198.18.1.1/24 dev r1", router);
	run("ip -n %s addr add 198.19.0.1/20 dev r1", router);
	run("ip -n %s link set g0 up", gen);
	run("ip -n %s link set r0 up", router);
	run("ip -n %s link set r1 up", router);
	run("ip -n %s link set s0 up", sink);
	run("ip -n %s neigh add 198.18.0.1 lladdr 02:00:00:00:00:20 nud permanent dev g0", gen);
	run("ip -n %s neigh add 198.18.0.2 lladdr 02:00:00:00:00:10 nud permanent dev r0", router);
	for (unsigned int i = 0; i < GATEWAYS; i++)
		run("ip -n %s neigh add 198.18.1.%u lladdr 02:00:00:00:00:30 nud permanent dev r1",
		    router, (ADDR_GATEWAY(i)) & 255);
}

static uint32_t index_of(const struct topology *topology, enum site site, const char *ifname)
{
	uint32_t ifindex;

	topology_enter(topology, site);
	ifindex = if_nametoindex(ifname);
	topology_enter(topology, SITE_HOME);
	if (!ifindex || ifindex >= TX_LIMIT)
		die("%s in %s: interface index %u", ifname, topology->name[site], ifindex);
	return ifindex;
}

void topology_create(struct topology *topology, const char *name)
{
	create_namespaces(topology, name);
	create_links(topology);
	topology->g0 = index_of(topology, SITE_GEN, "g0");
	topology->r0 = index_of(topology, SITE_ROUTER, "r0");
	topology->r1 = index_of(topology, SITE_ROUTER, "r1");
	topology->s0 = index_of(topology, SITE_SINK, "s0");
	topology_enter(topology, SITE_ROUTER);
	set("/proc/sys/net/ipv4/ip_forward", "1");
	topology->snmp = open("/proc/thread-self/net/snmp", O_RDONLY | O_CLOEXEC);
	topology_enter(topology, SITE_HOME);
	if (topology->snmp < 0)
		die("/proc/net/snmp: %s", strerror(errno));
}

void topology_destroy(struct topology *topology)
{
	char command[128];

	if (topology->snmp > 0)
		close(topology->snmp);
	topology->snmp = 0;
	for (enum site site = SITE_GEN; site < SITE_HOME; site++) {
		if (!topology->name[site][0])
			continue;
		snprintf(command, sizeof(command), "ip netns del %s", topology->name[site]);
		if (system(command) != 0)
			progress("%s: not removed", command);
		topology->name[site][0] = '\0';
	}
	for (enum site site = SITE_GEN; site < SITES; site++) {
		if (topology->ns[site] > 0)
			close(topology->ns[site]);
		topology->ns[site] = 0;
	}
}

static FILE *open_batch(const struct topology *topology)
{
	char command[128];
	FILE *batch;

	snprintf(command, sizeof(command), "exec ip -n %s -batch -", topology->name[SITE_ROUTER]);
	batch = popen(command, "w");
	if (!batch)
		die("ip -batch: %s", strerror(errno));
	return batch;
}

/* Permanent entries are exempt from the kernel's limits on neighbours. */
static void load_neighbours(const struct topology *topology)
{
	FILE *batch = open_batch(topology);

	for (uint32_t i = 0; i < NEIGHBOURS; i++) {
		uint32_t addr = ADDR_NEIGHBOUR(i);

		fprintf(batch,
			"neigh add %u.%u.%u.%u lladdr 02:00:00:00:00:30 nud permanent dev r1\n",
			addr >> 24, addr >> 16 & 255, addr >> 8 & 255, addr & 255);
	}
	if (pclose(batch) != 0)
		die("ip -batch: not all neighbours were accepted");
}

void topology_load(const struct topology *topology, const struct table *table)
{
	double start = seconds_now(), told = start;
	FILE *batch = open_batch(topology);
	char text[PREFIX_STRLEN];

	for (uint32_t i = 0; i < table->n; i++) {
		struct prefix prefix = table->prefixes[i];

		fprintf(batch, "route add %s via 198.18.1.%u dev r1\n", prefix_format(prefix, text),
			ADDR_GATEWAY(table_gateway(prefix)) & 255);
		interrupt_check();
		if (i % 1024 == 0 && seconds_now() - told > 2) {
			told = seconds_now();
			progress_passing("loading the kernel's table: %u of %u routes", i,
					 table->n);
		}
	}
	if (pclose(batch) != 0)
		die("ip -batch: not all routes were accepted");
	progress("loaded %u routes into the kernel in %.1f s", table->n, seconds_now() - start);
	load_neighbours(topology);
}

/* Two lines "Ip: ..", of names and of values. */
uint64_t topology_kernel_forwarded(const struct topology *topology)
{
	char text[4096], *name, *value, *names, *values;
	ssize_t len = pread(topology->snmp, text, sizeof(text) - 1, 0);

	if (len <= 0)
		die("/proc/net/snmp: %s", strerror(errno));
	text[len] = '\0';
	names = strtok_r(text, "\n", &values);
	values = strtok_r(NULL, "\n", &values);
	if (!names || !values)
		die("/proc/net/snmp: not as expected");
	for (;;) {
		name = strsep(&names, " ");
		value = strsep(&values, " ");
		if (!name || !value)
			die("/proc/net/snmp: no ForwDatagrams");
		if (!strcmp(name, "ForwDatagrams"))
			return strtoull(value, NULL, 10);
	}
}

void topology_gro(const struct topology *topology, enum site site, const char *ifname, bool on)
{
	struct ethtool_value value = { .cmd = ETHTOOL_SGRO, .data = on };
	struct ifreq request = { .ifr_data = (void *)&value };
	int fd, err;

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", ifname);
	topology_enter(topology, site);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	err = fd < 0 ? -1 : ioctl(fd, SIOCETHTOOL, &request);
	topology_enter(topology, SITE_HOME);
	if (err < 0)
		die("%s: generic receive offload: %s", ifname, strerror(errno));
	close(fd);
}

void topology_rp_filter(const struct topology *topology, bool on)
{
	topology_enter(topology, SITE_ROUTER);
	set("/proc/sys/net/ipv4/conf/r0/rp_filter", on ? "2" : "0");
	topology_enter(topology, SITE_HOME);
}
