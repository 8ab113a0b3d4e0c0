/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which user routes are meant, in words:
 *
 *   all | [PREFIX [longer]] [action ACTION] [dev DEV] [comment GLOB]
 *
 * Of several conditions each has to hold. ACTION is a word of the grammar; dev is the device by which a route
 * leads, named in it or that of the connected net.
 */
#ifndef EBPF_ROUTE_USER_SELECT_H
#define EBPF_ROUTE_USER_SELECT_H

#include "mirror.h"
#include "user_text.h"

struct user_selector {
	bool has_prefix, longer;
	struct prefix prefix;
	const char *action, *dev, *comment; /* the words; NULL: any */
};

/* 0, or -EINVAL with the line. The selector refers to the words. */
int user_selector_parse(const char *const *words, unsigned int n, struct user_selector *ret,
			struct user_error *error);
bool user_selector_matches(const struct user_selector *selector, const struct mirror *mirror,
			   const struct user_route *route);

#endif
