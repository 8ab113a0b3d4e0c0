// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a daemon consists of: each part opened, in their order, and closed again.
 *
 * Interfaces are touched only when the maps are filled, and privileges are given up last. A step that
 * fails says why; what the steps before it opened is closed by daemon_stop().
 */
#include "start.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <bpf/libbpf.h>
#include "clock.h"
#include "control.h"
#include "descriptors.h"
#include "log.h"
#include "metrics.h"
#include "notify.h"
#include "privileges.h"
#include "route_files.h"
#include "route_state.h"
#include "sync_foreign.h"
#include "sync_guard.h"
#include "verify.h"

/* Memory that dir24 takes: its tables, and our bookkeeping beside them. */
#define DIR24_BYTES (96UL << 20)

static int claim(struct daemon *d)
{
	int err;

	if (geteuid() != 0) {
		log_error(
			"daemon: needs root privileges (CAP_BPF, CAP_NET_ADMIN, CAP_SYS_ADMIN), not started");
		return -EPERM;
	}
	err = instance_claim(&d->instance, d->config.instance);
	if (err == -EBUSY)
		log_error(
			"instance '%s': a daemon of this name is running, not started; --instance gives another name",
			d->config.instance);
	else if (err)
		log_error("instance '%s': cannot take %s: %s, not started", d->config.instance,
			  CONTROL_SOCKET_DIR, strerror(-err));
	return err;
}

static void explain_load_failure(int err, const char *what)
{
	if (err == -EPERM)
		log_error("datapath: %s: not permitted (privileges, or locked memory), not started",
			  what);
	else if (err == -EINVAL || err == -EACCES || err == -EOPNOTSUPP || err == -ENOTSUP)
		log_error(
			"datapath: %s: the kernel refused (%s): Linux 5.15 or later is needed, not started; -v says more",
			what, strerror(-err));
	else
		log_error("datapath: %s: %s, not started", what, strerror(-err));
}

static int say_libbpf(enum libbpf_print_level level, const char *format, va_list args)
{
	char line[512];
	size_t len;

	if (level == LIBBPF_DEBUG)
		return 0;
	vsnprintf(line, sizeof(line), format, args);
	for (len = strlen(line); len && line[len - 1] == '\n'; len--)
		line[len - 1] = '\0';
	log_debug("%s", line);
	return 0;
}

/* What the process needs: room for descriptors, and the programs' clock. */
static int prepare_process(struct daemon *d)
{
	const struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };
	int err;

	setrlimit(RLIMIT_MEMLOCK, &unlimited); /* some kernels account maps to it */
	log_debug("daemon: %u file descriptors at most", descriptors_raise(d->config.ports));
	libbpf_set_print(say_libbpf);
	err = datapath_match_clock();
	if (err) {
		explain_load_failure(err, "reading the programs' clock");
		return err;
	}
	if (clock_ahead_ns)
		log_info("daemon: in a time namespace, the programs' clock is %+.3f s from its own",
			 clock_ahead_ns / 1e9);
	d->started_ns += clock_ahead_ns;
	return 0;
}

static int enter_netns(struct daemon *d)
{
	int err = d->config.netns ? instance_enter_netns(d->config.netns) : 0;

	if (err)
		log_error("network namespace '%s': cannot be entered: %s, not started",
			  d->config.netns, strerror(-err));
	return err;
}

static int prepare_pins(struct daemon *d)
{
	int err = instance_make_pin_dir(&d->instance);

	if (err == -ENOTDIR) {
		log_error("%s: not a directory, or the one above it is not, not started",
			  d->instance.pin_dir);
		return err;
	}
	if (err)
		log_warning("%s: no pins: %s, going on without; a restart will not be seamless",
			    d->instance.pin_dir, strerror(-err));
	else if (d->instance.private_mounts && !d->config.keep)
		log_info("%s: /sys is private here (ip netns exec), the pins are not seen outside",
			 d->instance.pin_dir);
	else if (d->instance.private_mounts) {
		log_warning(
			"keep: /sys is private here (ip netns exec), pins would vanish with it, ignoring; "
			"use --netns instead");
		d->config.keep = false;
	}
	return 0;
}

static int open_netlink(struct daemon *d)
{
	struct netlink_options options = { .rcvbuf = d->config.receive_buffer };
	int err = netlink_open(&d->netlink, &options);

	if (err) {
		log_error("netlink: cannot be opened: %s, not started", strerror(-err));
		return err;
	}
	if (netlink_rcvbuf(d->netlink) < d->config.receive_buffer)
		log_warning(
			"netlink: receive buffer of %u bytes wanted, %zu got, bursts may be lost and cost a full dump",
			d->config.receive_buffer, netlink_rcvbuf(d->netlink));
	err = netlink_links_open(&d->links);
	if (err)
		log_debug("netlink: no socket for links alone: %s, they wait behind others",
			  strerror(-err));
	err = netlink_features_open(&d->features);
	if (err)
		log_debug("netlink: device features not available: %s, judging by the driver",
			  strerror(-err));
	return 0;
}

static enum engine choose_engine(const struct config *config)
{
	unsigned long long available =
		(unsigned long long)sysconf(_SC_AVPHYS_PAGES) * sysconf(_SC_PAGESIZE);

	if (config->fib != FIB_CHOICE_AUTO)
		return config->fib == FIB_CHOICE_LPM ? ENGINE_LPM : ENGINE_DIR24;
	if (available >= 2 * DIR24_BYTES)
		return ENGINE_DIR24;
	log_info("daemon: %llu MiB of free memory: using the lpm engine, slower and smaller",
		 available >> 20);
	return ENGINE_LPM;
}

static int open_datapath(struct daemon *d)
{
	const struct config *c = &d->config;
	struct datapath_options options = {
		.engine = choose_engine(c),
		.nexthops = c->nexthops,
		.adjacencies = c->adjacencies,
		.groups = c->groups,
		.neighbours = c->neighbours,
		.extension_groups = c->extension_groups,
		.lpm_routes = c->lpm_routes,
		.ports = c->ports,
		.policy_routes = c->policy_routes,
		.cpu_queue = c->cpu_queue,
		.observe = c->observe,
	};
	struct attach_programs programs;
	const char *what;
	int err;

	err = datapath_open(&d->datapath, &options, &what);
	if (err) {
		explain_load_failure(err, what);
		return err;
	}
	d->mirror = mirror_new();
	programs = (struct attach_programs){
		.xdp = datapath_program_fd(d->datapath),
		.tc = datapath_tc_program_fd(d->datapath),
	};
	d->attachments = attachments_new(&programs, d->instance.name,
					 d->instance.pins ? d->instance.pin_dir : NULL);
	if (d->mirror)
		mirror_set_kernel_routes(d->mirror, c->kernel_routes);
	err = d->mirror && d->attachments ? fib_new(&d->fib, d->mirror, datapath_sink(d->datapath))
					  : -ENOMEM;
	if (err)
		log_error("daemon: %s, not started", strerror(-err));
	return err;
}

/* Before anything is touched that packets see. */
static int check_pins(struct daemon *d)
{
	char why[512];
	int err = d->instance.pins
			  ? datapath_check_pins(d->datapath, d->instance.pin_dir, why, sizeof(why))
			  : 0;

	if (err)
		log_error("%s, not started", why);
	return err;
}

static int pin_maps(struct daemon *d)
{
	char why[512];
	int err = d->instance.pins
			  ? datapath_pin(d->datapath, d->instance.pin_dir, why, sizeof(why))
			  : 0;

	if (err)
		log_error("%s, not started", why);
	return err;
}

static int open_doors(struct daemon *d)
{
	int err = control_start(d);

	if (err) {
		log_error("%s: cannot listen: %s, not started", d->instance.socket, strerror(-err));
		return err;
	}
	return d->config.metrics ? metrics_start(d) : 0;
}

static int drop_privileges(struct daemon *d)
{
	int err = privileges_drop();

	(void)d;
	if (err)
		log_error("daemon: capabilities cannot be given up: %s, not started",
			  strerror(-err));
	return err;
}

int daemon_start(struct daemon *d)
{
	int (*const steps[])(struct daemon *) = {
		claim,	      prepare_process, enter_netns, prepare_pins,
		open_netlink, open_datapath,   check_pins,  guard_start,
		sync_start,   pin_maps,	       open_doors,  drop_privileges,
	};
	int err = 0;

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]) && !err; i++)
		err = steps[i](d);
	return err;
}

void daemon_stop(struct daemon *d, bool keep)
{
	notify_manager("STOPPING=1");
	verify_stop(d);
	metrics_stop(d);
	control_stop(d);
	foreign_stop(d);
	/* One after the other: meanwhile nobody looks at the firewall. */
	if (d->datapath && !keep)
		datapath_grant_lease(d->datapath, 0, 0);
	attachments_destroy(d->attachments, keep);
	if (d->datapath && d->instance.pins && !keep)
		datapath_unpin(d->datapath, d->instance.pin_dir);
	guard_stop(d);
	sync_stop(d);
	route_state_stop(d);
	route_files_stop(d);
	fib_destroy(d->fib);
	mirror_destroy(d->mirror);
	datapath_close(d->datapath);
	netlink_features_close(d->features);
	netlink_links_close(d->links);
	netlink_close(d->netlink);
	instance_release(&d->instance, !keep);
}
