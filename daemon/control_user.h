/* SPDX-License-Identifier: GPL-2.0-only */
/* The commands of the control socket that change user routes; include/control.h has their arguments. */
#ifndef EBPF_ROUTE_CONTROL_USER_H
#define EBPF_ROUTE_CONTROL_USER_H

#include "control.h"

int control_user(struct daemon *d, const json_t *args, struct reply *reply);
int control_batch(struct daemon *d, const json_t *args, struct reply *reply);
int control_flush(struct daemon *d, const json_t *args, struct reply *reply);
int control_save(struct daemon *d, const json_t *args, struct reply *reply);

#endif
