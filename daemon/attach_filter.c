// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attaching by a tc filter at the ingress of the qdisc clsact: where the kernel has no tcx (before 6.6), and
 * where others have filters or tcx programs, which see every packet before ours does.
 *
 * Nobody holds a filter: one whose daemon was killed stays. It is known by its place: a priority behind
 * those that the kernel gives, and a handle made of the instance's name. The next start replaces it, or
 * removes it where the interface is not wanted any more. Filters at other places are never touched.
 *
 * A bit of the handle says that the qdisc was made for the filter. It goes wherever the two go, so a later
 * run knows that it may remove the qdisc, too, and never takes one that someone else made for its own.
 */
#include "attach_internal.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include "../netlink/filters.h"

#define FILTER_PRIORITY 65000	    /* the kernel gives 49152 and below to those who name none */
#define MADE_QDISC	0x80000000u /* in the handle, see above */
#define PROGRAM_NAME	"router_tc"

static struct filter_place place_of(const struct attachments *a, uint32_t ifindex)
{
	return (struct filter_place){
		.ifindex = ifindex,
		.priority = FILTER_PRIORITY,
		.handle = a->filter_handle,
		.any_bits = MADE_QDISC,
		.name = PROGRAM_NAME,
	};
}

/* At our place, with a program of our name: that of this run or of an earlier one. */
static bool is_ours(const struct filter_state *state)
{
	return state->taken && strncmp(state->name, PROGRAM_NAME, strlen(PROGRAM_NAME)) == 0;
}

/* For a single question. */
static int read_once(const struct filter_place *place, struct filter_state *ret)
{
	struct netlink_filters *filters;
	int err = netlink_filters_open(&filters);

	if (err)
		return err;
	err = netlink_filters_read(filters, place, ret);
	netlink_filters_close(filters);
	return err;
}

bool filter_is_needed(const struct attachments *a, uint32_t ifindex)
{
	const struct filter_place place = place_of(a, ifindex);
	struct filter_state state;

	if (links_has_other_tcx(a, ifindex, false))
		return true;
	return !read_once(&place, &state) && (state.others || state.taken);
}

bool filter_of_other_instance(const struct attachments *a, uint32_t ifindex)
{
	const struct filter_place place = place_of(a, ifindex);
	struct filter_state state;

	return !read_once(&place, &state) && state.siblings;
}

/* At our place: replaces what an earlier run left, refuses what is not ours. */
static int put_filter(const struct attachments *a, uint32_t ifindex, bool made_qdisc)
{
	const struct filter_place place = place_of(a, ifindex);
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex, .attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, options, .prog_fd = a->programs.tc, .priority = FILTER_PRIORITY);
	struct filter_state state;
	int err = read_once(&place, &state);

	if (err)
		return err;
	if (state.taken && !is_ours(&state))
		return -EEXIST;
	if (state.taken) {
		made_qdisc = state.handle & MADE_QDISC;
		options.flags = BPF_TC_F_REPLACE;
	}
	options.handle = a->filter_handle | (made_qdisc ? MADE_QDISC : 0);
	err = bpf_tc_attach(&hook, &options);
	return err == -EOPNOTSUPP ? -ENOTUNIQ
				  : err; /* a shared block takes filters for itself only */
}

int filter_attach(const struct attachments *a, uint32_t ifindex)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex, .attach_point = BPF_TC_INGRESS);
	int err = bpf_tc_hook_create(&hook);
	bool created = !err;

	if (err && err != -EEXIST)
		return err;
	err = put_filter(a, ifindex, created);
	if (err && created) {
		hook.attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS;
		bpf_tc_hook_destroy(&hook);
	}
	return err;
}

static void remove_filter(uint32_t ifindex, uint32_t handle)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex, .attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, options, .priority = FILTER_PRIORITY, .handle = handle);

	bpf_tc_detach(&hook, &options);
}

/* The qdisc that was made for our filter goes where no one else put a filter there since. */
static void remove_qdisc(const struct attachments *a, uint32_t ifindex)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex,
		    .attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS);
	struct filter_place place = place_of(a, ifindex);
	struct filter_state state;

	for (int egress = 0; egress < 2; egress++) {
		place.egress = egress;
		if (read_once(&place, &state) || state.others || state.taken)
			return;
	}
	bpf_tc_hook_destroy(&hook);
}

void filter_detach(const struct attachments *a, const struct attachment *known)
{
	const struct filter_place place = place_of(a, known->ifindex);
	struct filter_state state;

	if (read_once(&place, &state) || !is_ours(&state))
		return; /* gone, and perhaps the qdisc, too: one that is there may be someone else's */
	remove_filter(known->ifindex, state.handle);
	if (state.handle & MADE_QDISC)
		remove_qdisc(a, known->ifindex);
}

bool filter_sweep(const struct attachments *a, struct netlink_filters *filters, uint32_t ifindex)
{
	const struct attachment *known = attach_find(a, ifindex);
	const struct filter_place place = place_of(a, ifindex);
	struct filter_state state;

	if ((known && known->hook == HOOK_TC && known->link_fd < 0) ||
	    netlink_filters_read(filters, &place, &state) || !is_ours(&state))
		return false;
	remove_filter(ifindex, state.handle);
	if (state.handle & MADE_QDISC)
		remove_qdisc(a, ifindex);
	return true;
}

bool filter_seen(const struct attachments *a, struct netlink_filters *filters, uint32_t ifindex)
{
	const struct filter_place place = place_of(a, ifindex);
	struct filter_state state;

	return !netlink_filters_read(filters, &place, &state) && is_ours(&state) &&
	       state.program == a->tc_id;
}

void filter_others(const struct attachments *a, struct netlink_filters *filters, uint32_t ifindex,
		   bool egress, bool *ret_any, bool *ret_behind)
{
	struct filter_place place = place_of(a, ifindex);
	struct filter_state state = { 0 };

	place.egress = egress;
	if (netlink_filters_read(filters, &place, &state))
		state = (struct filter_state){ 0 };
	*ret_any = state.others || (state.taken && !is_ours(&state));
	*ret_behind = state.behind;
}
