/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Can a user route do here and now what it says? Devices, connected nets, CPUs, hooks.
 *
 * Pure: the mirror and what the shell says of CPUs and hooks in, one line for the user out.
 */
#ifndef EBPF_ROUTE_USER_CHECK_H
#define EBPF_ROUTE_USER_CHECK_H

#include "mirror.h"
#include "user_text.h"

enum {
	USER_CPUS = 65536,
	USER_CHECKED = 256, /* places for legs that were found to be fine */
};

struct user_cpus {
	uint64_t bits[USER_CPUS / 64];
};

/* A list as the kernel writes it, "0-3,8". false where it is none; *ret is untouched then. */
bool user_cpus_parse(const char *list, struct user_cpus *ret);

/* The same from the first line of a file. */
bool user_cpus_read(const char *path, struct user_cpus *ret);

static inline bool user_cpus_has(const struct user_cpus *cpus, uint32_t cpu)
{
	return cpu < USER_CPUS && cpus->bits[cpu / 64] >> cpu % 64 & 1;
}

struct user_check {
	const struct mirror *mirror;
	const struct user_cpus *present, *online;
	bool has_xdp; /* an interface is attached by XDP, which alone can hand packets to CPUs */
	bool all_xdp; /* all that are attached are so by native XDP, which not every device sends for */
	struct user_leg
		checked[USER_CHECKED]; /* zeroed; of 100,000 routes many have the same next hop */
};

/*
 * Of a route whose gateways have their devices (mirror_user_find_devices()), where there are any. 0, or -EINVAL
 * with the line; each of these causes may go by itself, when a device or an address comes, but for
 * destinations that no route is asked for.
 */
int user_check(struct user_check *check, const struct user_route *route, struct user_error *error);
/* Of that only what depends on the hooks: at start there are none yet. */
int user_check_hooks(const struct user_check *check, const struct user_route *route,
		     struct user_error *error);

#endif
