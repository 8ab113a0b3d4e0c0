// SPDX-License-Identifier: GPL-2.0-only
/* User routes for tests. */
#include "support_user.h"

#include "support_events.h"

static struct user_leg legs[USER_LEGS_MAX];

struct user_route *user_action(const char *dst, enum user_action action)
{
	static struct user_route route;

	memset(legs, 0, sizeof(legs));
	route = (struct user_route){ .dst = prefix_of(dst), .action = action, .legs = legs };
	return &route;
}

void user_add_leg(struct user_route *route, const char *gateway, const char *dev, uint16_t weight)
{
	struct user_leg *leg = &legs[route->n_legs++];

	leg->gateway = gateway ? ip4(gateway) : 0;
	leg->weight = weight;
	snprintf(leg->dev, sizeof(leg->dev), "%s", dev ? dev : "");
}

struct user_route *user_via(const char *dst, const char *gateway, const char *dev)
{
	struct user_route *route = user_action(dst, USER_NEXTHOPS);

	user_add_leg(route, gateway, dev, 1);
	return route;
}

struct user_route *user_redirect(const char *dst, const char *dev)
{
	struct user_route *route = user_action(dst, USER_REDIRECT);

	snprintf(route->dev, sizeof(route->dev), "%s", dev);
	return route;
}

struct user_route *user_cpus(const char *dst, uint32_t first, uint32_t last)
{
	struct user_route *route = user_action(dst, USER_CPU);

	route->first_cpu = first;
	route->last_cpu = last;
	return route;
}
