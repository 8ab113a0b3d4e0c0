/* SPDX-License-Identifier: GPL-2.0-only */
/* The audit itself, in the child. */
#ifndef EBPF_ROUTE_VERIFY_RUN_H
#define EBPF_ROUTE_VERIFY_RUN_H

#include "daemon.h"

struct verify_options {
	uint32_t samples;    /* addresses that the kernel is asked for, where none are given */
	uint32_t *addresses; /* host byte order */
	size_t n_addresses;
	bool repair; /* what is not as written was repaired before: told of first */
};

struct verify_result {
	char error[256];   /* with EXIT_FAILED */
	bool user_changed; /* by the daemon: user routes are others than at the fork */
};

/*
 * Checks everything and writes the answer, all but its end, to the socket. d is read only, and nothing
 * of it is used but its memory. Returns the exit code.
 */
int verify_run(const struct daemon *d, const struct verify_options *options, int fd,
	       struct verify_result *ret);

#endif
