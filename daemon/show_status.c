// SPDX-License-Identifier: GPL-2.0-only
/* `status`, `stats`, `settle`: the daemon as a whole, the packet counters, and waiting for the
 * kernel. */
#include "show.h"

#include <errno.h>
#include "audit.h"
#include "clock.h"
#include "mirror_user.h"
#include "route_files.h"
#include "sync_foreign.h"
#include "sync_transmit.h"

#define SETTLE_SECONDS 10 /* unless the client says how long */

static const char *state_name(const struct daemon *d, const struct sync_counts *counts)
{
	if (!counts->synced || !datapath_lease_valid(d->datapath))
		return "syncing";
	if (datapath_control_hold(d->datapath) == VERDICT_paused)
		return "paused";
	return d->config.observe ? "observe" : "synced";
}

static json_t *status_interface(const struct daemon *d, uint32_t ifindex)
{
	enum hook hook = attach_hook(d->attachments, ifindex);
	json_t *row = json_object(), *bypassed = json_array();
	char buf[BYPASSED_LEN];
	const char *name;

	for (unsigned int i = 0; (name = foreign_bypassed(d, ifindex, i, buf)); i++)
		json_array_append_new(bypassed, json_string(name));
	put_device(d, row, "ifname", ifindex);
	json_object_set_new(row, "ifindex", json_integer(ifindex));
	json_object_set_new(row, "hook", json_string(hook_name(hook)));
	json_object_set_new(row, "attached", json_boolean(hook != HOOK_NONE));
	json_object_set_new(row, "bypassed", bypassed);
	return row;
}

/* Those attached or tried, and ways out where something is bypassed. */
static json_t *status_interfaces(const struct daemon *d)
{
	json_t *list = json_array();
	const struct mirror_link *link;
	char buf[BYPASSED_LEN];

	for (uint32_t i = attach_next(d->attachments, 0); i; i = attach_next(d->attachments, i))
		json_array_append_new(list, status_interface(d, i));
	for (link = mirror_next_link(d->mirror, 0); link;
	     link = mirror_next_link(d->mirror, link->e.ifindex))
		if (!attach_tried(d->attachments, link->e.ifindex) &&
		    foreign_bypassed(d, link->e.ifindex, 0, buf))
			json_array_append_new(list, status_interface(d, link->e.ifindex));
	return list;
}

/* Ports whose driver took no redirected frames at some time. */
static json_t *status_refusals(const struct daemon *d)
{
	static const char *const states[] = {
		[REFUSING_OUT] = "out",
		[REFUSING_TRIAL] = "trial",
		[REFUSING_OVER] = "over",
	};
	json_t *list = json_array();
	struct refusing r;

	for (uint32_t i = 0; transmit_refusing(d, i, &r); i++) {
		json_t *row = json_object();

		put_device(d, row, "ifname", r.ifindex);
		json_object_set_new(row, "state", json_string(states[r.state]));
		json_object_set_new(row, "error", json_string(strerror(r.error)));
		json_object_set_new(row, "refusals", json_integer((json_int_t)r.refusals));
		json_object_set_new(row, "retry_seconds", json_integer(r.seconds));
		json_array_append_new(list, row);
	}
	return list;
}

/* What is kept in the daemon and in the maps: after any history the same as after a restart. */
static json_t *status_objects(const struct daemon *d)
{
	struct mirror_counts m;
	struct fib_counts f;

	mirror_counts(d->mirror, &m);
	fib_counts(d->fib, &f);
	return json_pack("{sisisisisisisisisisisisisi}", "links", m.links, "addresses", m.addresses,
			 "rules", m.rules, "neighbours", m.neighbours, "nexthops", m.objects,
			 "routes", m.candidates, "prefixes", rib_count(mirror_rib(d->mirror)),
			 "sets", m.sets, "ports", f.ports, "adjacencies", f.adjacencies, "slots",
			 f.nexthops, "groups", f.groups, "engine",
			 datapath_engine_used(d->datapath));
}

/* Of the maps against what was written. */
static json_t *status_audit(const struct daemon *d)
{
	struct audit_counts c;

	audit_counts(d, &c);
	return json_pack("{sIsIsIsIsI}", "runs", (json_int_t)c.runs, "repairs",
			 (json_int_t)c.repairs, "failed", (json_int_t)c.failed, "last_us",
			 (json_int_t)c.last_us, "step_max_us", (json_int_t)c.step_max_us);
}

int show_status(struct daemon *d, const json_t *args, struct reply *reply)
{
	uint32_t hold = datapath_control_hold(d->datapath);
	const char *refused_why, *error = route_files_error(d);
	struct sync_counts sync;
	struct fib_counts fib;
	json_t *row, *netlink;

	(void)args;
	sync_counts(d, &sync);
	fib_counts(d->fib, &fib);
	row = json_pack("{ssssssss}", "version", VERSION, "instance", d->instance.name, "engine",
			datapath_engine_name(d->datapath), "state", state_name(d, &sync));
	netlink = json_pack("{sIsIsIsIsIsIsI}", "events", (json_int_t)sync.events, "overruns",
			    (json_int_t)sync.overruns, "resyncs", (json_int_t)sync.resyncs,
			    "refused", (json_int_t)netlink_refused(d->netlink, &refused_why),
			    "lag_us", (json_int_t)sync.lag_us, "lag_max_us",
			    (json_int_t)sync.lag_max_us, "last_resync_us",
			    (json_int_t)sync.last_resync_us);
	if (!row || !netlink) {
		json_decref(row);
		json_decref(netlink);
		return -ENOMEM;
	}
	json_object_set_new(row, "routes", json_integer(fib.routes));
	json_object_set_new(row, "fallback_routes", json_integer(fib.fallback));
	json_object_set_new(row, "full", json_integer(fib.full));
	json_object_set_new(row, "neighbours", json_integer(fib.neighbours));
	json_object_set_new(row, "nexthops", json_integer(fib.nexthops));
	json_object_set_new(row, "groups", json_integer(fib.groups));
	json_object_set_new(row, "writes", json_integer(fib.writes));
	json_object_set_new(row, "leaf_writes", json_integer(fib.leaf_writes));
	json_object_set_new(row, "user_routes", json_integer(mirror_user_count(d->mirror)));
	json_object_set_new(row, "user_error", error ? json_string(error) : json_null());
	json_object_set_new(row, "kernel_routes", json_boolean(mirror_kernel_routes(d->mirror)));
	json_object_set_new(row, "hold", hold ? json_string(verdict_name(hold)) : json_null());
	json_object_set_new(row, "ignore_netfilter", json_boolean(d->config.ignore_netfilter));
	json_object_set_new(row, "netlink", netlink);
	json_object_set_new(row, "audit", status_audit(d));
	json_object_set_new(row, "objects", status_objects(d));
	json_object_set_new(row, "lease_seconds", json_integer(d->config.lease));
	json_object_set_new(row, "uptime_seconds",
			    json_integer((json_int_t)((now_ns() - d->started_ns) / 1000000000)));
	json_object_set_new(row, "refusals", status_refusals(d));
	json_object_set_new(row, "interfaces", status_interfaces(d));
	return reply_row(reply, row);
}

/* ---- stats --------------------------------------------------------------------------- */

static void put_counters(const struct daemon *d, json_t *row, const struct port_counters *c)
{
	json_t *reasons = json_object();
	struct counter fallback = { 0 };

	for (int v = VERDICT_FIRST_REASON; v < VERDICT_COUNT; v++) {
		fallback.packets += c->verdict[v].packets;
		fallback.bytes += c->verdict[v].bytes;
		json_object_set_new(reasons, verdict_name(v), counter_object(&c->verdict[v]));
	}
	json_object_set_new(row, "rx", counter_object(&c->rx));
	json_object_set_new(row, "forwarded", counter_object(&c->verdict[VERDICT_forwarded]));
	json_object_set_new(row, "dropped", counter_object(&c->verdict[VERDICT_dropped]));
	json_object_set_new(row, "fallback",
			    json_pack("{sIsIso}", "packets", (json_int_t)fallback.packets, "bytes",
				      (json_int_t)fallback.bytes, "reasons", reasons));
	json_object_set_new(row, "tx", counter_object(&c->redirected));
	/* The tracepoints tell how many frames were lost, not how long they were. */
	json_object_set_new(row, "tx_errors",
			    datapath_counts_transmit(d->datapath)
				    ? json_pack("{sIsn}", "packets", (json_int_t)c->tx_errors,
						"bytes")
				    : json_pack("{snsn}", "packets", "bytes"));
}

static void add_counters(struct port_counters *total, const struct port_counters *c)
{
	uint64_t *to = (uint64_t *)total;
	const uint64_t *from = (const uint64_t *)c;

	for (size_t i = 0; i < sizeof(*c) / sizeof(uint64_t); i++)
		to[i] += from[i];
}

/* Which interface they came in by is not known any more when they are lost. */
static json_t *cpu_errors(const struct daemon *d)
{
	json_t *row = json_object(), *cpus = json_array();
	uint64_t total = 0, packets;

	for (uint32_t cpu = 0; cpu < datapath_cpus(d->datapath); cpu++) {
		if (datapath_cpu_errors(d->datapath, cpu, &packets) || !packets)
			continue;
		json_array_append_new(cpus, json_pack("{sisI}", "cpu", cpu, "packets",
						      (json_int_t)packets));
		total += packets;
	}
	json_object_set_new(row, "packets",
			    datapath_counts_transmit(d->datapath) ? json_integer((json_int_t)total)
								  : json_null());
	json_object_set_new(row, "bytes", json_null());
	json_object_set_new(row, "cpus", cpus);
	return row;
}

/* Attached interfaces, and those that only ever were an egress. */
int show_stats(struct daemon *d, const json_t *args, struct reply *reply)
{
	json_t *list = json_array(), *total_row = json_object();
	struct port_counters total = { 0 }, c;
	const struct mirror_link *link;

	(void)args;
	for (link = mirror_next_link(d->mirror, 0); link;
	     link = mirror_next_link(d->mirror, link->e.ifindex)) {
		uint16_t port = fib_port_of(d->fib, link->e.ifindex);
		json_t *row;

		if (!port || datapath_port_counters(d->datapath, port, &c))
			continue;
		if (link->hook == HOOK_NONE && !c.rx.packets && !c.redirected.packets)
			continue;
		row = json_pack("{soss}", "ifname", name_string(link), "hook",
				hook_name(link->hook));
		put_counters(d, row, &c);
		add_counters(&total, &c);
		json_array_append_new(list, row);
	}
	put_counters(d, total_row, &total);
	json_object_set_new(total_row, "cpu_errors", cpu_errors(d));
	return reply_row(reply, json_pack("{soso}", "interfaces", list, "total", total_row));
}

/* ---- settle -------------------------------------------------------------------------- */

int show_settle(struct daemon *d, const json_t *args, struct reply *reply)
{
	const json_t *timeout = json_object_get(args, "timeout");
	int err = sync_settle(d, timeout ? json_number_value(timeout) : SETTLE_SECONDS);

	if (err != -ETIMEDOUT)
		return err;
	reply_exit(reply, EXIT_DIFFERENT);
	return 0;
}
