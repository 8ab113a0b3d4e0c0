// SPDX-License-Identifier: GPL-2.0-only
/*
 * The metrics page, in the text format of Prometheus: families one after the other, each with what it is. Labels are
 * interfaces and verdicts only, so that the number of series stays bounded.
 */
#include "metrics.h"

#include <errno.h>
#include <event2/buffer.h>
#include <stdlib.h>
#include "audit.h"
#include "show.h"
#include "mirror_user.h"
#include "sync_foreign.h"
#include "sync_transmit.h"
#include "user_text.h"

static void put_head(struct evbuffer *out, const char *name, const char *type, const char *help)
{
	evbuffer_add_printf(out, "# HELP ebpfroute_%s %s\n# TYPE ebpfroute_%s %s\n", name, help,
			    name, type);
}

/* ---- of the daemon as a whole -------------------------------------------------------- */

struct snapshot {
	struct sync_counts sync;
	struct audit_counts audit;
	struct fib_counts fib;
	uint32_t user_routes;
	uint64_t cpu_errors;
	bool lease;
};

#define METRIC(name_, type_, help_, value_)                                                        \
	static double value_of_##name_(const struct snapshot *s)                                   \
	{                                                                                          \
		return (double)(value_);                                                           \
	}
#define SCALARS(X)                                                                                 \
	X(netlink_events_total, "counter", "Messages applied to the mirror", s->sync.events)       \
	X(netlink_overruns_total, "counter", "Times notifications were lost", s->sync.overruns)    \
	X(resyncs_total, "counter", "Complete dumps applied", s->sync.resyncs)                     \
	X(netlink_lag_seconds, "gauge", "From wake-up to maps, last batch", s->sync.lag_us / 1e6)  \
	X(netlink_lag_max_seconds, "gauge", "The longest of them since start",                     \
	  s->sync.lag_max_us / 1e6)                                                                \
	X(resync_duration_seconds, "gauge", "Last complete dump", s->sync.last_resync_us / 1e6)    \
	X(synced, "gauge", "1 while the maps follow the kernel", s->sync.synced && s->lease)       \
	X(routes, "gauge", "Prefixes in the fast path", s->fib.routes)                             \
	X(fallback_routes, "gauge", "Of these, left to the kernel", s->fib.fallback)               \
	X(full_prefixes, "gauge", "Prefixes that did not fit", s->fib.full)                        \
	X(user_routes, "gauge", "Of the user, besides those of the kernel", s->user_routes)        \
	X(nexthops, "gauge", "Next-hop slots in use", s->fib.nexthops)                             \
	X(neighbours, "gauge", "Connected neighbours resolved", s->fib.neighbours)                 \
	X(map_writes_total, "counter", "Writes to the maps", s->fib.writes)                        \
	X(leaf_writes_total, "counter", "Of these, prefixes", s->fib.leaf_writes)                  \
	X(cpu_errors_total, "counter", "Packets handed to a CPU and lost on the way",              \
	  s->cpu_errors)                                                                           \
	X(map_audits_total, "counter", "Times all maps were compared with what was written",       \
	  s->audit.runs)                                                                           \
	X(map_repairs_total, "counter", "Entries that others had changed, repaired",               \
	  s->audit.repairs)                                                                        \
	X(map_repairs_failed_total, "counter", "Times such an entry could not be repaired",        \
	  s->audit.failed)

SCALARS(METRIC)

static const struct {
	const char *name, *type, *help;
	double (*value)(const struct snapshot *s);
} scalars[] = {
#define X(name, type, help, value) { #name, type, help, value_of_##name },
	SCALARS(X)
#undef X
};

static uint64_t all_cpu_errors(const struct daemon *d)
{
	uint64_t total = 0, packets;

	for (uint32_t cpu = 0; cpu < datapath_cpus(d->datapath); cpu++)
		if (!datapath_cpu_errors(d->datapath, cpu, &packets))
			total += packets;
	return total;
}

static void put_scalars(const struct daemon *d, struct evbuffer *out)
{
	struct snapshot s = { .lease = datapath_lease_valid(d->datapath),
			      .user_routes = mirror_user_count(d->mirror),
			      .cpu_errors = all_cpu_errors(d) };

	sync_counts(d, &s.sync);
	audit_counts(d, &s.audit);
	fib_counts(d->fib, &s.fib);
	for (size_t i = 0; i < sizeof(scalars) / sizeof(scalars[0]); i++) {
		put_head(out, scalars[i].name, scalars[i].type, scalars[i].help);
		evbuffer_add_printf(out, "ebpfroute_%s %.15g\n", scalars[i].name,
				    scalars[i].value(&s));
	}
}

/* ---- of interfaces ------------------------------------------------------------------- */

/* A device's name as the value of a label: it may be any bytes, quotes and backslashes among them. */
static const char *label(const struct mirror_link *link, char buf[2 * IFNAMSIZ])
{
	size_t n = 0;

	for (const char *c = link->e.name; *c; c++) {
		if (*c == '"' || *c == '\\')
			buf[n++] = '\\';
		buf[n++] = *c;
	}
	buf[n] = '\0';
	user_make_text(buf);
	return buf;
}

/* An attached interface. Everything about it is read at once, so that its counters add up. */
struct sample {
	char label[2 * IFNAMSIZ];
	struct port_counters counters;
};

struct samples {
	struct sample *list;
	size_t n, room;
};

static int sample_port(const struct daemon *d, const struct mirror_link *link,
		       struct samples *samples)
{
	uint16_t port = fib_port_of(d->fib, link->e.ifindex);
	struct sample *sample;

	if (samples->n == samples->room) {
		size_t room = samples->room ? 2 * samples->room : 16;

		sample = reallocarray(samples->list, room, sizeof(*sample));
		if (!sample)
			return -ENOMEM;
		samples->list = sample;
		samples->room = room;
	}
	sample = &samples->list[samples->n];
	if (!port || link->hook == HOOK_NONE ||
	    datapath_port_counters(d->datapath, port, &sample->counters))
		return 0;
	label(link, sample->label);
	samples->n++;
	return 0;
}

static uint64_t rx_packets(const struct port_counters *c)
{
	return c->rx.packets;
}

static uint64_t rx_bytes(const struct port_counters *c)
{
	return c->rx.bytes;
}

static uint64_t redirected_packets(const struct port_counters *c)
{
	return c->redirected.packets;
}

static uint64_t redirected_bytes(const struct port_counters *c)
{
	return c->redirected.bytes;
}

static uint64_t tx_errors(const struct port_counters *c)
{
	return c->tx_errors;
}

static const struct {
	const char *name, *help;
	uint64_t (*value)(const struct port_counters *c);
} port_families[] = {
	{ "rx_packets_total", "Packets received", rx_packets },
	{ "rx_bytes_total", "Bytes of them", rx_bytes },
	{ "redirected_packets_total", "Packets sent by it", redirected_packets },
	{ "redirected_bytes_total", "Bytes of them", redirected_bytes },
	{ "tx_errors_total", "Of the packets sent, those that its driver did not take", tx_errors },
};

static void put_verdicts(struct evbuffer *out, const struct samples *samples)
{
	put_head(out, "packets_total", "counter", "Packets received, by what became of them");
	for (size_t i = 0; i < samples->n; i++)
		for (int v = 0; v < VERDICT_COUNT; v++)
			evbuffer_add_printf(
				out,
				"ebpfroute_packets_total{interface=\"%s\",verdict=\"%s\"} %llu\n",
				samples->list[i].label, verdict_name(v),
				(unsigned long long)samples->list[i].counters.verdict[v].packets);
}

static int put_ports(const struct daemon *d, struct evbuffer *out)
{
	const struct mirror_link *link;
	struct samples samples = { 0 };
	int err = 0;

	for (link = mirror_next_link(d->mirror, 0); link && !err;
	     link = mirror_next_link(d->mirror, link->e.ifindex))
		err = sample_port(d, link, &samples);
	for (size_t f = 0; !err && f < sizeof(port_families) / sizeof(port_families[0]); f++) {
		put_head(out, port_families[f].name, "counter", port_families[f].help);
		for (size_t i = 0; i < samples.n; i++)
			evbuffer_add_printf(out, "ebpfroute_%s{interface=\"%s\"} %llu\n",
					    port_families[f].name, samples.list[i].label,
					    (unsigned long long)port_families[f].value(
						    &samples.list[i].counters));
	}
	if (!err)
		put_verdicts(out, &samples);
	free(samples.list);
	return err;
}

/* Of ways out that are not attached, too, where there is something. */
static void put_bypassed(const struct daemon *d, struct evbuffer *out)
{
	char buf[BYPASSED_LEN], name[2 * IFNAMSIZ];
	const struct mirror_link *link;

	put_head(out, "bypassed", "gauge",
		 "Filters, tc programs and qdiscs that do not see what is forwarded");
	for (link = mirror_next_link(d->mirror, 0); link;
	     link = mirror_next_link(d->mirror, link->e.ifindex)) {
		unsigned int n = 0;

		while (foreign_bypassed(d, link->e.ifindex, n, buf))
			n++;
		if (n || link->hook != HOOK_NONE)
			evbuffer_add_printf(out, "ebpfroute_bypassed{interface=\"%s\"} %u\n",
					    label(link, name), n);
	}
}

static void put_refusal(const struct daemon *d, struct evbuffer *out, const char *name,
			bool as_state)
{
	char buf[2 * IFNAMSIZ];
	struct refusing r;

	for (uint32_t i = 0; transmit_refusing(d, i, &r); i++) {
		const struct mirror_link *link = mirror_link(d->mirror, r.ifindex);

		if (link)
			evbuffer_add_printf(out, "ebpfroute_%s{interface=\"%s\"} %llu\n", name,
					    label(link, buf),
					    as_state ? r.state == REFUSING_OUT
						     : (unsigned long long)r.refusals);
	}
}

static void put_refusals(const struct daemon *d, struct evbuffer *out)
{
	put_head(out, "tx_refusals_total", "counter",
		 "Times that its driver took no redirected frames");
	put_refusal(d, out, "tx_refusals_total", false);
	put_head(out, "tx_refused", "gauge", "1 while it is left to the kernel for that");
	put_refusal(d, out, "tx_refused", true);
}

int metrics_page(const struct daemon *d, struct evbuffer *out)
{
	int err;

	put_scalars(d, out);
	put_bypassed(d, out);
	err = put_ports(d, out);
	put_refusals(d, out);
	return err;
}
