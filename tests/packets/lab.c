// SPDX-License-Identifier: GPL-2.0-only
/*
 * Loads the program and fills its tables with the state that lab.h describes.
 */
#include "lab.h"

#include <assert.h>
#include <net/if.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <bpf/bpf.h>

#ifndef BPF_F_XDP_HAS_FRAGS
#define BPF_F_XDP_HAS_FRAGS (1U << 5)
#endif

enum { LAB_EXTENSION_GROUPS = 64, LAB_NEXTHOPS = 256, LAB_ADJACENCIES = 256 };

const uint8_t lab_port_mac[LAB_PORTS][6] = {
	[PORT_IN] = { 2, 0, 0, 1, 0, 1 },	[PORT_OUT] = { 2, 0, 0, 1, 0, 2 },
	[PORT_JUMBO] = { 2, 0, 0, 1, 0, 3 },	[PORT_DOWN] = { 2, 0, 0, 1, 0, 4 },
	[PORT_MUTE] = { 2, 0, 0, 1, 0, 5 },	[PORT_GENERIC] = { 2, 0, 0, 1, 0, 6 },
	[PORT_UPPER] = { 2, 0, 0, 1, 0x5e, 8 }, [PORT_GONE] = { 2, 0, 0, 1, 0xee, 7 },
};

struct lab *lab;

uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

const char *verdict_name(unsigned int verdict)
{
	static const char *const names[] = {
#define X(name, meaning) #name,
		VERDICTS(X)
#undef X
	};

	return verdict < VERDICT_COUNT ? names[verdict] : "none";
}

int lab_devices_create(void)
{
	if (unshare(CLONE_NEWNET))
		return -errno;
	if (system("ip link set lo up && "
		   "ip link add lab0 type veth peer name lab0peer && "
		   "ip link add lab1 type veth peer name lab1peer && "
		   "ip link set lab0 up && ip link set lab0peer up && "
		   "ip link set lab1 up && ip link set lab1peer up"))
		return -EIO;
	return 0;
}

/* All egress ports send into lab1: the test runs end before anything is transmitted. */
unsigned int lab_ifindex(int port)
{
	static unsigned int in, out;

	if (!in) {
		in = if_nametoindex("lab0");
		out = if_nametoindex("lab1");
	}
	return port == PORT_IN ? in : out;
}

static void *map_memory(const struct bpf_map *map)
{
	size_t value = (bpf_map__value_size(map) + 7) & ~7UL, page = sysconf(_SC_PAGESIZE);
	size_t size = (value * bpf_map__max_entries(map) + page - 1) & ~(page - 1);
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);

	return memory == MAP_FAILED ? NULL : memory;
}

void lab_hop_mac(uint32_t slot, uint8_t mac[6])
{
	const uint8_t value[6] = { 2, 0xcc, 0, 0, slot >> 8, slot };

	memcpy(mac, value, sizeof(value));
}

int lab_hop_port(uint32_t slot)
{
	static const int ports[LAB_SLOTS] = {
		[SLOT_OUT] = PORT_OUT,	     [SLOT_SMALL] = PORT_OUT,
		[SLOT_JUMBO] = PORT_JUMBO,   [SLOT_DOWN] = PORT_DOWN,
		[SLOT_MUTE] = PORT_MUTE,     [SLOT_GENERIC] = PORT_GENERIC,
		[SLOT_GONE] = PORT_GONE,     [SLOT_BACK] = PORT_IN,
		[SLOT_CONNECTED] = PORT_OUT, [SLOT_BIG] = PORT_OUT,
		[SLOT_UPPER] = PORT_UPPER,   [SLOT_USER] = PORT_OUT,
		[SLOT_REDIRECT] = PORT_OUT,  [SLOT_ASK] = PORT_OUT,
	};

	return ports[slot];
}

void lab_forward(struct frame *frame, uint32_t slot)
{
	uint8_t mac[6];

	if (slot == SLOT_REDIRECT)
		return;
	lab_hop_mac(slot, mac);
	frame_forward(frame, mac, lab_port_mac[lab_hop_port(slot)]);
}

uint32_t lab_slot_of(const struct frame *frame)
{
	uint8_t mac[6];

	for (uint32_t slot = LEAF_FIRST_SLOT; slot < LAB_SLOTS; slot++) {
		lab_hop_mac(slot, mac);
		if (memcmp(frame->bytes, mac, sizeof(mac)) == 0)
			return slot;
	}
	return 0;
}

static void enter_routes(struct lab *l)
{
	char text[PREFIX_STRLEN + 8];

	for (uint32_t slot = SLOT_OUT; slot < SLOT_VERDICT; slot++) {
		snprintf(text, sizeof(text), "10.%u.0.0/16", slot - SLOT_OUT + 1);
		lab_enter(l, text, slot);
	}
	lab_enter(l, "10.1.7.128/25", SLOT_JUMBO);
	lab_enter(l, "10.1.200.0/24", SLOT_SMALL);
	lab_enter(l, "10.99.0.0/16", LAB_NEXTHOPS + 5);
	for (uint32_t v = 1; v < VERDICT_COUNT; v++) {
		snprintf(text, sizeof(text), "10.100.%u.0/24", v);
		lab_enter(l, text, v);
		snprintf(text, sizeof(text), "10.101.%u.0/24", v);
		lab_enter(l, text, SLOT_VERDICT + v);
	}
	lab_enter(l, "250.0.0.0/8", SLOT_OUT);
	/* 1: another way for most; 2: one prefix, 3: one that leads on; 4: a default route, 5: senders. */
	lab_policy_enter(l, 1, "10.0.0.0/8", SLOT_JUMBO);
	lab_policy_enter(l, 1, "10.2.0.0/16", VERDICT_dropped);
	lab_policy_enter(l, 1, "10.3.0.0/16", VERDICT_throw);
	lab_policy_enter(l, 1, "10.9.0.0/16", SLOT_VERDICT + VERDICT_prohibit);
	lab_policy_enter(l, 1, "192.0.2.0/24", SLOT_BACK);
	lab_policy_enter(l, 2, "10.1.7.7/32", SLOT_SMALL);
	lab_policy_enter(l, 2, "10.4.0.0/16", LAB_NEXTHOPS + 5);
	lab_policy_enter(l, 2, "10.5.0.0/16", LEAF_DEFAULT);
	lab_policy_enter(l, 3, "10.0.0.0/8", VERDICT_no_route);
	lab_policy_enter(l, 4, "0.0.0.0/0", SLOT_BIG);
	lab_policy_enter(l, 5, "192.0.2.0/24", SLOT_UPPER);
	lab_policy_enter(l, POLICY_TABLE_LIMIT - 1, "10.1.0.0/16", SLOT_BACK);
}

/* PORT_IN comes at each of the four places once, and in the slots that no leaf leads to. */
static void set_reverse(struct lab *l)
{
	enum { NONE = REVERSE_NO_PORT };
	static const union reverse_word known[LAB_SLOTS] = {
		[SLOT_SMALL].port = { PORT_OUT, PORT_IN, NONE, NONE },
		[SLOT_BIG].port = { PORT_OUT, NONE, PORT_IN, NONE },
		[SLOT_USER].port = { PORT_OUT, PORT_IN, NONE, NONE },
		[SLOT_GROUP].port = { PORT_OUT, PORT_JUMBO, NONE, NONE },
		[SLOT_GROUP_MIXED].port = { PORT_OUT, PORT_JUMBO, PORT_GENERIC, PORT_IN },
		[SLOT_UNRESOLVED].port = { PORT_OUT, NONE, NONE, NONE },
	};

	for (uint32_t slot = 0; slot < LEAF_FIRST_SLOT; slot++) {
		l->nexthops[slot].nexthop =
			(struct nexthop){ .kind = NEXTHOP_ADJACENCY, .arg = SLOT_OUT };
		l->nexthops[slot].reverse.port[0] = PORT_IN;
	}
	for (uint32_t slot = SLOT_OUT; slot < LAB_SLOTS; slot++) {
		union reverse_word one = { .port = { lab_hop_port(slot), NONE, NONE, NONE } };

		if (known[slot].word)
			one = known[slot];
		else if (!lab_hop_port(slot))
			one.word = 0;
		l->nexthops[slot].reverse = one;
	}
}

static void set_user_nexthops(struct lab *l)
{
	const struct {
		uint32_t slot;
		struct nexthop nexthop;
	} all[] = {
		{ SLOT_USER, { NEXTHOP_ADJACENCY, NEXTHOP_USER, 0, SLOT_USER } },
		{ SLOT_USER_DROP, { NEXTHOP_VERDICT, VERDICT_dropped, 0, NEXTHOP_COUNTED } },
		{ SLOT_USER_PASS, { NEXTHOP_VERDICT, VERDICT_user_pass, 0, NEXTHOP_COUNTED } },
		{ SLOT_REDIRECT, { NEXTHOP_REDIRECT, 0, 0, PORT_OUT } },
		{ SLOT_CPU, { NEXTHOP_CPU, 0, 0, nexthop_cpus(0, 1) } },
		{ SLOT_ASK, { NEXTHOP_CONNECTED, NEXTHOP_ASK, 0, lab_ifindex(PORT_OUT) } },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		l->nexthops[all[i].slot].nexthop = all[i].nexthop;
}

static void set_nexthops(struct lab *l)
{
	struct lab_nexthop *hops = l->nexthops;

	for (uint32_t slot = SLOT_OUT; slot < SLOT_VERDICT; slot++) {
		union adjacency_word word = { .target.port = lab_hop_port(slot) };

		lab_hop_mac(slot, word.target.mac);
		l->adjacencies[slot] = (struct adjacency){ .word = word.word };
		hops[slot].nexthop = (struct nexthop){ .kind = NEXTHOP_ADJACENCY, .arg = slot };
	}
	hops[SLOT_SMALL].nexthop.mtu = 1400;
	hops[SLOT_BIG].nexthop.mtu = 9000;
	hops[SLOT_UNSET].word = 0;
	hops[SLOT_NOWHERE].nexthop.arg = LAB_ADJACENCIES + 5;
	hops[SLOT_CONNECTED].nexthop.kind = NEXTHOP_CONNECTED;
	hops[SLOT_CONNECTED].nexthop.arg = lab_ifindex(PORT_OUT);
	hops[SLOT_GROUP].nexthop =
		(struct nexthop){ .kind = NEXTHOP_GROUP, .mtu = 99, .arg = GROUP_HALVES };
	hops[SLOT_GROUP_MIXED].nexthop =
		(struct nexthop){ .kind = NEXTHOP_GROUP, .arg = GROUP_MIXED };
	hops[SLOT_NESTED].nexthop = (struct nexthop){ .kind = NEXTHOP_GROUP, .arg = GROUP_NESTED };
	set_user_nexthops(l);
	for (int v = 0; v < VERDICT_COUNT; v++)
		hops[SLOT_VERDICT + v].nexthop =
			(struct nexthop){ .kind = NEXTHOP_VERDICT, .verdict = v };
	for (int i = 0; i < GROUP_BUCKETS; i++) {
		l->groups[GROUP_HALVES].bucket[i] = i % 2 ? SLOT_OUT : SLOT_JUMBO;
		l->groups[GROUP_MIXED].bucket[i] = i % 16 ? VERDICT_unreachable : LEAF_DEFAULT;
		l->groups[GROUP_NESTED].bucket[i] = SLOT_GROUP;
	}
}

static void set_ports(struct lab *l)
{
	enum { BOTH = PORT_XMIT_NATIVE | PORT_XMIT_GENERIC };
	static const struct port ports[LAB_PORTS] = {
		[PORT_IN] = { .mtu = 1500, .flags = PORT_UP | PORT_FORWARDING | BOTH },
		[PORT_OUT] = { .mtu = 1500, .flags = PORT_UP | BOTH },
		[PORT_JUMBO] = { .mtu = 9000, .flags = PORT_UP | BOTH },
		[PORT_DOWN] = { .mtu = 1500, .flags = PORT_FORWARDING | BOTH },
		[PORT_MUTE] = { .mtu = 1500, .flags = PORT_UP },
		[PORT_GENERIC] = { .mtu = 1500, .flags = PORT_UP | PORT_XMIT_GENERIC },
		[PORT_UPPER] = { .mtu = 1500, .flags = PORT_UP | PORT_FORWARDING | BOTH },
		[PORT_GONE] = { .mtu = 1500, .flags = PORT_UP | BOTH },
	};

	for (int i = 0; i < LAB_PORTS; i++) {
		l->ports[i] = ports[i];
		l->ports[i].ifindex = i ? lab_ifindex(i) : 0;
		memcpy(l->ports[i].mac, lab_port_mac[i], sizeof(l->ports[i].mac));
	}
	l->port_of_ifindex[lab_ifindex(PORT_IN)] = PORT_IN;
	l->port_of_ifindex[lab_ifindex(PORT_OUT)] = PORT_OUT;
}

void lab_reset(struct lab *l)
{
	set_nexthops(l);
	set_reverse(l);
	set_ports(l);
	memset(l->control, 0, sizeof(*l->control));
	l->n_own = 0;
	l->skb = (struct lab_skb){ 0 };
	l->control->lease_until = now_ns() + 600 * 1000000000ULL;
	l->control->default_leaf = VERDICT_no_route;
	l->control->hash_seed = 0x5eed5eed;
	lab_counters_zero(l);
}

/* On PORT_OUT; `check` as for an address of its own, unless it is of an element reused for another. */
static int set_neighbour(const struct lab *l, const char *addr, uint32_t adjacency,
			 const char *check_as)
{
	const struct neighbour_key key = { inet_addr(addr), lab_ifindex(PORT_OUT) };
	const struct neighbour_key as = { inet_addr(check_as), lab_ifindex(PORT_OUT) };
	const struct neighbour value = { adjacency, neighbour_check(as) };

	return bpf_map_update_elem(bpf_map__fd(l->router->maps.neighbours), &key, &value, BPF_ANY);
}

static int set_maps(const struct lab *l)
{
	int err = set_neighbour(l, "10.10.0.1", SLOT_CONNECTED, "10.10.0.1");

	if (!err)
		err = set_neighbour(l, "10.10.0.2", SLOT_UNRESOLVED, "10.10.0.2");
	if (!err)
		err = set_neighbour(l, "10.10.0.4", SLOT_CONNECTED, "10.10.0.1");
	if (!err)
		err = set_neighbour(l, "10.23.0.1", SLOT_ASK, "10.23.0.1");
	if (!err)
		err = set_neighbour(l, "10.23.0.2", SLOT_UNRESOLVED, "10.23.0.2");
	for (uint32_t port = PORT_IN; !err && port < PORT_GONE; port++) {
		uint32_t ifindex = lab_ifindex(port);

		err = bpf_map_update_elem(bpf_map__fd(l->router->maps.tx_ports), &port, &ifindex,
					  BPF_ANY);
		if (!err)
			err = bpf_map_update_elem(bpf_map__fd(l->router->maps.tc_ports), &port,
						  &ifindex, BPF_ANY);
	}
	return err;
}

static int load(struct lab *l, enum engine engine)
{
	struct router_bpf *router = router_bpf__open();

	l->router = router;
	if (!router)
		return -errno;
	router->rodata->engine = engine;
	router->rodata->multi_buffer = l->buffers != BUFFERS_ONE;
	router->rodata->see_buffers = l->buffers == BUFFERS_SEEN;
	router->rodata->see_tunnels = true;
	router->rodata->count_nexthops = true;
	bpf_program__set_flags(router->progs.router_xdp,
			       l->buffers == BUFFERS_ONE ? 0 : BPF_F_XDP_HAS_FRAGS);
	bpf_map__set_max_entries(router->maps.dir24,
				 engine == ENGINE_DIR24 ? DIR24_ENTRIES / DIR24_ROW : 1);
	bpf_map__set_max_entries(router->maps.dir24_groups, LAB_EXTENSION_GROUPS);
	bpf_map__set_max_entries(router->maps.lpm, engine == ENGINE_LPM ? 1024 + LPM_SLACK : 1);
	bpf_map__set_max_entries(router->maps.nexthops, LAB_NEXTHOPS);
	bpf_map__set_max_entries(router->maps.nexthop_counters, LAB_NEXTHOPS);
	bpf_map__set_max_entries(router->maps.adjacencies, LAB_ADJACENCIES);
	bpf_map__set_max_entries(router->maps.cpus, l->n_cpus);
	return router_bpf__load(router);
}

struct lab *lab_new(enum engine engine, enum buffers buffers, bool tc)
{
	struct lab *l = calloc(1, sizeof(*l));
	int err;

	if (!l)
		return NULL;
	l->buffers = buffers;
	l->tc = tc;
	l->n_cpus = libbpf_num_possible_cpus();
	if (load(l, engine))
		goto fail;
	l->dir24 = map_memory(l->router->maps.dir24);
	l->dir24_groups = map_memory(l->router->maps.dir24_groups);
	l->port_of_ifindex = map_memory(l->router->maps.port_of_ifindex);
	l->ports = map_memory(l->router->maps.ports);
	l->nexthops = map_memory(l->router->maps.nexthops);
	l->adjacencies = map_memory(l->router->maps.adjacencies);
	l->groups = map_memory(l->router->maps.groups);
	l->control = &l->router->data_control->control;
	if (!l->dir24 || !l->dir24_groups || !l->port_of_ifindex || !l->ports || !l->nexthops ||
	    !l->adjacencies || !l->groups)
		goto fail;
	if (engine == ENGINE_DIR24)
		err = fib_dir24_new(&l->fib, l->dir24, l->dir24_groups, LAB_EXTENSION_GROUPS);
	else
		err = fib_lpm_new(&l->fib, bpf_map__fd(l->router->maps.lpm), 1024);
	if (err || set_maps(l))
		goto fail;
	enter_routes(l);
	lab_cpu(l, 0, true);
	lab_reset(l);
	return l;
fail:
	lab_free(l);
	return NULL;
}

/* The mapped tables stay until the process ends. */
void lab_free(struct lab *l)
{
	if (!l)
		return;
	if (l->fib)
		l->fib->ops->destroy(l->fib);
	router_bpf__destroy(l->router);
	free(l);
}
