/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What one running daemon owns by its name: a lock, a directory of pins, a socket path; and the
 * network namespace it works in.
 */
#ifndef EBPF_ROUTE_INSTANCE_H
#define EBPF_ROUTE_INSTANCE_H

#include <stdbool.h>
#include "../include/control.h"

#define INSTANCE_NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"

struct instance {
	char name[INSTANCE_NAME_MAX + 1];
	char pin_dir[INSTANCE_NAME_MAX + 64];
	char socket[sizeof(CONTROL_SOCKET) + INSTANCE_NAME_MAX];
	char lock[sizeof(CONTROL_SOCKET) + INSTANCE_NAME_MAX];
	char routes[sizeof(CONTROL_SOCKET) + INSTANCE_NAME_MAX + 8]; /* see route_state.h */
	int lock_fd;
	bool pins;	     /* the pin directory is there */
	bool private_mounts; /* pins vanish with this mount namespace (ip netns exec) */
};

/*
 * Takes the name: 0, -EBUSY where a running daemon has it, or another -errno. The lock goes with the
 * process, however it ends; one that is about to end is waited for, for about 2 s.
 */
int instance_claim(struct instance *instance, const char *name);

/*
 * Makes the pin directory (mode 0700), mounting bpffs where it is not mounted yet. 0 or -errno; -ENOTDIR where
 * something else is at its place.
 */
int instance_make_pin_dir(struct instance *instance);

/* Gives everything back; pins only where remove_pins. */
void instance_release(struct instance *instance, bool remove_pins);

/* Enters the network namespace of that name (as `ip netns` keeps them). 0 or -errno. */
int instance_enter_netns(const char *name);

#endif
