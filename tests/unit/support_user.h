/* SPDX-License-Identifier: GPL-2.0-only */
/* User routes for tests in one line each: every function returns the same static route, filled anew. */
#ifndef SUPPORT_USER_H
#define SUPPORT_USER_H

#include "daemon/mirror_user.h"

struct user_route *user_action(const char *dst, enum user_action action);
/* gateway NULL: on-link; dev NULL: where the gateway is */
struct user_route *user_via(const char *dst, const char *gateway, const char *dev);
void user_add_leg(struct user_route *route, const char *gateway, const char *dev, uint16_t weight);
struct user_route *user_redirect(const char *dst, const char *dev);
struct user_route *user_cpus(const char *dst, uint32_t first, uint32_t last);

#endif
