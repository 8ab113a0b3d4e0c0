/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The router programs on interfaces, in XDP or at the tc ingress: attach, take over from an earlier run,
 * detach.
 *
 * By bpf_link, pinned as <pin dir>/xdp-<ifindex> or tcx-<ifindex> where there is a pin directory, or as a
 * tc filter. A program or filter that is not ours is never touched.
 */
#ifndef EBPF_ROUTE_ATTACH_H
#define EBPF_ROUTE_ATTACH_H

#include "config.h"
#include "mirror.h"

struct attachments;
struct netlink_filters;

struct attach_programs {
	int xdp, tc; /* descriptors, which stay the caller's */
};

/* pin_dir: NULL for none; the string stays the caller's. NULL: out of memory. */
struct attachments *attachments_new(const struct attach_programs *programs, const char *instance,
				    const char *pin_dir);

/*
 * Attaches a program to the link, or replaces the one of an earlier run in one step. 0 and the hook in
 * *ret_hook, and in why[] what spoke against a better one, if anything did; or -errno and in why[] the
 * cause, for the operator: -ENODEV: the interface has gone; at tc -EADDRINUSE: another instance of
 * ebpf-routed is there, -ENOTUNIQ: the filters there are a shared block. Attaching what is attached is 0.
 */
int attach_link(struct attachments *a, const struct mirror_link *link, enum hook_choice choice,
		enum hook *ret_hook, char *why, size_t why_size);

/*
 * Does the device take VLAN tags off received frames before XDP sees them (ethtool's rxvlan)? Tagged
 * frames then look like untagged ones to the program. False where the device does not say.
 */
bool attach_hides_vlan_tags(const char *ifname);

/* The hook at which an earlier run left the interface attached by a pinned link. */
enum hook attach_left(const struct attachments *a, uint32_t ifindex);

/* Detaches, where attached. Also to be called when the interface is gone. */
void attach_detach(struct attachments *a, uint32_t ifindex);

enum hook attach_hook(const struct attachments *a, uint32_t ifindex);

/* Attached, or an attempt failed; attach_detach() forgets either, attach_reconsider() the latter. */
bool attach_tried(const struct attachments *a, uint32_t ifindex);

/* The name of the interface, which may be gone, as last told; NULL: not tried. */
const char *attach_name(const struct attachments *a, uint32_t ifindex);
void attach_rename(struct attachments *a, uint32_t ifindex, const char *name);

/*
 * At the operator's word: failed attempts, and those given up, may be made again; where XDP was not to be
 * had and may be now, the program is detached, to be attached anew.
 */
void attach_reconsider(struct attachments *a, const struct mirror *mirror);

/* Walk over those tried: the first ifindex above `after`, 0 at the end. */
uint32_t attach_next(const struct attachments *a, uint32_t after);

/* Detaches what an earlier run left and this one did not take over. Returns how many. */
unsigned int attach_sweep(struct attachments *a, const struct mirror *mirror);

/*
 * The hook at which the kernel has one of these programs now, by itself and not as remembered: by a filter
 * too with `filters` (may be NULL).
 */
enum hook attach_seen(const struct attachments *a, struct netlink_filters *filters,
		      uint32_t ifindex);

/* ---- what others do on the same interfaces, attach_others.c ------------------------------ */

/*
 * `filters` below: NULL where the interface has no qdisc for filters.
 *
 * Is what was attached still there, as it was left?
 */
bool attach_is_intact(const struct attachments *a, struct netlink_filters *filters,
		      uint32_t ifindex);

/*
 * Someone else detached the program. It is not attached any more; true: the next attach_link() may attach
 * it anew. False: it happened a second time within a minute, and attach_link() has to wait for
 * attach_reconsider().
 */
bool attach_lost(struct attachments *a, uint32_t ifindex);

/* Did others put filters or tcx programs there that ours, by tcx, keeps from seeing packets? */
bool attach_is_before_others(const struct attachments *a, struct netlink_filters *filters,
			     uint32_t ifindex);

/*
 * May an attempt that failed be made again: has what was in the way gone (another XDP program, another
 * instance, a shared block, want of file descriptors; and did not come back by the second call), or has
 * the device another MTU now?
 */
bool attach_may_retry(struct attachments *a, const struct mirror_link *link);

/* What an interface has of others at tc in that direction. */
struct attach_others {
	bool filters; /* of a qdisc clsact or ingress */
	bool behind;  /* of these some that come after ours */
	bool tcx;
};
void attach_look_at_others(const struct attachments *a, struct netlink_filters *filters,
			   uint32_t ifindex, bool egress, struct attach_others *ret);

/* "xdp", "xdp-generic", "tc", "none". */
const char *hook_name(enum hook hook);

/* Ends: detaches everything, or with `keep` leaves what is pinned in place. NULL is fine. */
void attachments_destroy(struct attachments *a, bool keep);

#endif
