// SPDX-License-Identifier: GPL-2.0-only
/* Fills a mirror of the audit's own, as sync.c fills the daemon's: the same order, nothing shared. */
#include "verify_shadow.h"

#include <errno.h>
#include <linux/neighbour.h>
#include <stdlib.h>
#include "../netlink/filters.h"
#include "../netlink/guard.h"
#include "mirror_user.h"
#include "sync_guard.h"
#include "sysctl.h"

enum {
	DUMPS_MAX = 8, /* a dump during which another one became necessary, that often */
};

struct shadow {
	const struct daemon *d;
	struct netlink *netlink;
	struct netlink_features *features; /* NULL: the kernel has no such family */
	struct guard *guard;		   /* NULL: the operator ignores firewalls */
	struct mirror *mirror;
	bool overrun;
	bool redirected; /* the kernel holds what redirects told it */
};

/*
 * The kernel makes neighbours of a device without ARP when a packet is sent there, and says nothing. Until its
 * next dump the daemon leaves their packets to the kernel.
 */
static bool is_silent(const struct mirror *daemon, const struct event *ev)
{
	return ev->kind == EVENT_NEIGHBOUR && ev->op == EVENT_DUMP &&
	       ev->neighbour.state == NUD_NOARP &&
	       !mirror_neighbour(daemon, ev->neighbour.ifindex, &ev->neighbour.addr);
}

static int on_event(void *ctx, const struct event *ev)
{
	struct shadow *shadow = ctx;

	if (is_silent(shadow->d->mirror, ev))
		return 0;
	return mirror_apply(shadow->mirror, ev);
}

/* ---- what no notification says --------------------------------------------------------- */

/* As the kernel has it, not as the daemon remembers it. */
static void read_hooks(struct shadow *shadow)
{
	struct netlink_filters *filters = NULL;
	const struct mirror_link *link;

	(void)netlink_filters_open(
		&filters); /* without it, what is attached by a filter is not seen */
	for (link = mirror_next_link(shadow->mirror, 0); link;
	     link = mirror_next_link(shadow->mirror, link->e.ifindex))
		mirror_set_hook(shadow->mirror, link->e.ifindex,
				attach_seen(shadow->d->attachments, filters, link->e.ifindex));
	netlink_filters_close(filters);
}

/* What the operator said is the daemon's to know, the firewall is the kernel's. */
static void read_hold(struct shadow *shadow)
{
	struct guard_state state = { .detail = "" };
	uint32_t hold = mirror_hold(shadow->d->mirror);

	if (hold != VERDICT_paused && shadow->guard) {
		guard_check(shadow->guard, &state);
		state.netfilter |= datapath_bpf_hooks(shadow->d->datapath) != 0;
		if (state.netfilter || state.xfrm || !guard_is_ending(shadow->d))
			hold = state.netfilter ? VERDICT_netfilter : state.xfrm ? VERDICT_xfrm : 0;
	}
	mirror_set_hold(shadow->mirror, hold);
}

/* What a driver refused is past, too. */
static void read_refusals(struct shadow *shadow)
{
	const struct mirror_link *link;

	for (link = mirror_next_link(shadow->d->mirror, 0); link;
	     link = mirror_next_link(shadow->d->mirror, link->e.ifindex))
		mirror_link_refuses(shadow->mirror, link->e.ifindex, link->refuses);
}

static int read_others(struct shadow *shadow)
{
	const struct mirror *daemon = shadow->d->mirror;

	read_hooks(shadow);
	sysctl_read(shadow->mirror);
	read_hold(shadow);
	/* How a rule came to its device is past; what it does is asked packet by packet. */
	mirror_adopt_rules(shadow->mirror, daemon);
	read_refusals(shadow);
	/* These have no other source than the daemon: what is checked is what became of them. */
	mirror_set_kernel_routes(shadow->mirror, mirror_kernel_routes(daemon));
	/* What was accepted a while ago, and has not been used yet, no dump shows. */
	mirror_set_redirected(shadow->mirror, shadow->redirected || redirects_left(shadow->d));
	return mirror_user_adopt(shadow->mirror, daemon);
}

/* ---- mark, dump, apply, sweep ---------------------------------------------------------- */

static int drain(struct shadow *shadow)
{
	int n;

	do {
		n = netlink_receive(shadow->netlink, 0, on_event, shadow);
		if (n == -ENOBUFS) {
			shadow->overrun = true;
			mirror_lost(shadow->mirror);
		}
	} while (n > 0 || n == -ENOBUFS);
	if (n < 0 || !shadow->features)
		return n;
	n = netlink_features_receive(shadow->features, on_event, shadow);
	if (n == -ENOBUFS)
		n = netlink_features_dump(shadow->features, on_event, shadow);
	return n < 0 ? n : 0;
}

static int dump(struct shadow *shadow)
{
	int err = 0;

	shadow->overrun = false;
	mirror_resync_begin(shadow->mirror);
	if (shadow->features)
		err = netlink_features_dump(shadow->features, on_event, shadow);
	if (!err)
		err = netlink_dump(shadow->netlink, on_event, shadow);
	if (!err)
		err = netlink_dump_redirected(shadow->netlink, &shadow->redirected);
	if (!err)
		err = drain(shadow);
	mirror_resync_end(shadow->mirror);
	mirror_replay_end(shadow->mirror);
	return err;
}

int shadow_update(struct shadow *shadow, bool anew)
{
	const char *why;
	int err = drain(shadow);

	for (int i = 0; i < DUMPS_MAX && !err; i++) {
		if (!anew && !shadow->overrun && !mirror_wants_resync(shadow->mirror, &why))
			break;
		err = dump(shadow);
		anew = false;
	}
	if (!err)
		err = read_others(shadow);
	return err ? err : drain(shadow);
}

int shadow_open(struct shadow **ret, const struct daemon *d)
{
	struct netlink_options options = { .rcvbuf = d->config.receive_buffer };
	struct shadow *shadow = calloc(1, sizeof(*shadow));
	int err;

	if (!shadow)
		return -ENOMEM;
	shadow->d = d;
	shadow->mirror = mirror_new();
	err = shadow->mirror ? netlink_open(&shadow->netlink, &options) : -ENOMEM;
	if (!err) {
		err = netlink_features_open(&shadow->features);
		if (err == -EOPNOTSUPP)
			err = 0;
	}
	if (!err && !d->config.ignore_netfilter)
		err = guard_open(&shadow->guard);
	if (!err)
		err = shadow_update(shadow, true);
	if (err) {
		shadow_close(shadow);
		return err;
	}
	*ret = shadow;
	return 0;
}

void shadow_close(struct shadow *shadow)
{
	if (!shadow)
		return;
	mirror_destroy(shadow->mirror);
	guard_close(shadow->guard);
	netlink_features_close(shadow->features);
	netlink_close(shadow->netlink);
	free(shadow);
}

const struct mirror *shadow_mirror(const struct shadow *shadow)
{
	return shadow->mirror;
}
