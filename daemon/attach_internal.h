/* SPDX-License-Identifier: GPL-2.0-only */
/* Inside of attach*.c: the interfaces attached, and the two ways to attach a program. */
#ifndef EBPF_ROUTE_ATTACH_INTERNAL_H
#define EBPF_ROUTE_ATTACH_INTERNAL_H

#include "attach.h"

/* Another instance of ebpf-routed on an interface, as seen last; see attach_instances.c. */
struct rival {
	bool known;	  /* there was one */
	uint32_t program; /* the id of its program, 0: only its filter was seen */
	uint32_t newest;  /* of the ids of all programs there that are not ours */
};

struct attachment {
	uint32_t ifindex;
	enum hook hook;	    /* HOOK_NONE: the attempt failed, or it was given up */
	int link_fd;	    /* -1: none; with HOOK_TC: a filter in its place */
	bool given_up;	    /* others detach it time and again */
	bool forgiven;	    /* to be tried again, knowing the rival: see attach_reconsider() */
	uint8_t free_looks; /* since nothing was in the way any more */
	int refused;	    /* why XDP was not to be had, -errno; 0: it was, or was not tried */
	int tc_refused;	    /* the same of tc, if what is in the way may go: see attach_link() */
	struct rival rival; /* with tc_refused == -EADDRINUSE */
	uint32_t mtu;	    /* of the device then */
	uint64_t lost_ns;   /* when someone else detached it last, CLOCK_MONOTONIC; 0: never */
	char name[16];	    /* of the device then */
};

struct attachments {
	struct attach_programs programs;
	uint32_t xdp_id, tc_id; /* of these programs, 0 where the kernel does not say */
	const char *pin_dir;
	uint32_t filter_handle;
	struct attachment *list; /* sorted by ifindex */
	size_t n;
};

/* The attachment of an interface; NULL: it was not tried. */
struct attachment *attach_find(const struct attachments *a, uint32_t ifindex);

/*
 * attach_instances.c: does another instance route what comes in there? Two would: the first one only. What is
 * seen of it is noted in *rival, which begins as { 0 }, and helps the next call for that interface.
 */
bool attach_has_rival(const struct attachments *a, uint32_t ifindex, struct rival *rival);

/* Lets go of the program, the record stays. */
void attach_release(const struct attachments *a, const struct attachment *known);

/* ---- attach_links.c: by bpf_link -------------------------------------------------------- */

/*
 * A link at that hook: the pinned one of an earlier run, whose program is replaced in one step, or a
 * new one, pinned where there is a pin directory. Its descriptor or -errno; -EINVAL or -EOPNOTSUPP
 * where the kernel or the driver has no such hook.
 */
int links_attach(const struct attachments *a, uint32_t ifindex, enum hook hook);
/* The other link that an earlier run pinned for this interface goes. */
void links_drop_other(const struct attachments *a, const struct attachment *made);
void links_detach(const struct attachments *a, const struct attachment *known);
/* Detaches the pinned links of interfaces that are not attached at that hook now. */
unsigned int links_sweep(const struct attachments *a);
/* The hook at which the kernel has one of our programs on the interface by a link. */
enum hook links_seen(const struct attachments *a, uint32_t ifindex);
/* Is the link still on its device, with our program? */
bool links_intact(const struct attachments *a, const struct attachment *known);
/* Does the interface have an XDP program, whoever's it is? */
bool links_has_xdp(uint32_t ifindex);
/* Are there tcx programs that are not ours? */
bool links_has_other_tcx(const struct attachments *a, uint32_t ifindex, bool egress);

/* The id of the program on the interface's link that is pinned in that directory; 0: there is none. */
uint32_t links_pinned_program(const char *pin_dir, uint32_t ifindex, enum hook hook);

/* A program that is not ours, at XDP or the tcx ingress. */
struct other_program {
	enum hook hook; /* HOOK_XDP for generic XDP, too */
	uint32_t id;
};
enum { LINKS_PROGRAMS_MAX = 64 }; /* of an interface's tcx programs: as many as the kernel allows */
enum { LINKS_OTHERS_MAX = LINKS_PROGRAMS_MAX + 2 };
/* Returns how many there are, or -errno. */
int links_others(const struct attachments *a, uint32_t ifindex,
		 struct other_program ret[LINKS_OTHERS_MAX]);

/* ---- attach_filter.c: by a tc filter ---------------------------------------------------- */

/*
 * Does ours have to be a filter? Where there are others' filters or tcx programs, to come last; or one of
 * ours from an earlier run.
 */
bool filter_is_needed(const struct attachments *a, uint32_t ifindex);
/* Is there a filter of another instance of ebpf-routed? */
bool filter_of_other_instance(const struct attachments *a, uint32_t ifindex);
/* Behind all other filters. 0 or -errno; -ENOTUNIQ: they are in a shared block. */
int filter_attach(const struct attachments *a, uint32_t ifindex);
void filter_detach(const struct attachments *a, const struct attachment *known);
/* Removes the filter of an earlier run from an interface that has none now. */
bool filter_sweep(const struct attachments *a, struct netlink_filters *filters, uint32_t ifindex);
bool filter_seen(const struct attachments *a, struct netlink_filters *filters, uint32_t ifindex);
/* Filters of others: is there any, and any that comes after the place of ours? */
void filter_others(const struct attachments *a, struct netlink_filters *filters, uint32_t ifindex,
		   bool egress, bool *ret_any, bool *ret_behind);

#endif
