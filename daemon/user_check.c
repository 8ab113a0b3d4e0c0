// SPDX-License-Identifier: GPL-2.0-only
/* What a user route needs of the system: see user_check.h. */
#include "user_check.h"

#include <stdlib.h>
#include "mirror_user.h"
#include "resolve.h"

/* ---- lists of CPUs ------------------------------------------------------------------- */

bool user_cpus_parse(const char *list, struct user_cpus *ret)
{
	struct user_cpus cpus = { 0 };

	while (*list >= '0' && *list <= '9') {
		char *end;
		unsigned long first = strtoul(list, &end, 10), last = first;

		if (*end == '-')
			last = strtoul(end + 1, &end, 10);
		if (last >= USER_CPUS || first > last)
			return false;
		for (; first <= last; first++)
			cpus.bits[first / 64] |= 1ULL << first % 64;
		list = *end == ',' ? end + 1 : end;
	}
	if (*list && *list != '\n')
		return false;
	*ret = cpus;
	return true;
}

/* ---- hooks --------------------------------------------------------------------------- */

static int check_cpu_hook(const struct user_check *check, const char *prefix,
			  struct user_error *error)
{
	return check->has_xdp
		       ? 0
		       : user_refuse(error,
				     "%s: cpu is not possible, no interface is attached by XDP",
				     prefix);
}

/* Where all packets come in by native XDP their devices have to transmit for it. */
static int check_sending(const struct user_check *check, const struct mirror_link *link,
			 const char *prefix, struct user_error *error)
{
	if (!check->all_xdp || resolve_sends_for_xdp(link))
		return 0;
	return user_refuse(
		error,
		"%s: %.16s cannot transmit frames of XDP (egress_no_xdp), and nothing is attached by tc",
		prefix, link->e.name);
}

static int check_device_hook(const struct user_check *check, const struct mirror_link *link,
			     const char *prefix, struct user_error *error)
{
	return link && resolve_can_be_port(link) ? check_sending(check, link, prefix, error) : 0;
}

int user_check_hooks(const struct user_check *check, const struct user_route *route,
		     struct user_error *error)
{
	char prefix[PREFIX_STRLEN];
	int err = 0;

	destination_format(route->dst, prefix);
	if (route->action == USER_CPU)
		return check_cpu_hook(check, prefix, error);
	if (route->action == USER_REDIRECT)
		return check_device_hook(check, mirror_link_by_name(check->mirror, route->dev),
					 prefix, error);
	if (route->action != USER_NEXTHOPS)
		return 0;
	for (unsigned int i = 0; i < route->n_legs && !err; i++)
		err = check_device_hook(check,
					mirror_link_by_name(check->mirror, route->legs[i].dev),
					prefix, error);
	return err;
}

/* ---- CPUs of a route ----------------------------------------------------------------- */

static int check_cpus(const struct user_check *check, const struct user_route *route,
		      const char *prefix, struct user_error *error)
{
	for (uint32_t cpu = route->first_cpu; cpu <= route->last_cpu; cpu++) {
		if (!user_cpus_has(check->present, cpu))
			return user_refuse(error, "%s: CPU %u is not there", prefix, cpu);
		if (!user_cpus_has(check->online, cpu))
			return user_refuse(error, "%s: CPU %u is offline", prefix, cpu);
	}
	return check_cpu_hook(check, prefix, error);
}

/* ---- devices and next hops ----------------------------------------------------------- */

/* The device, which can be a port; NULL after a refusal. */
static const struct mirror_link *find_device(const struct user_check *check, const char *name,
					     const char *prefix, struct user_error *error)
{
	const struct mirror_link *link = mirror_link_by_name(check->mirror, name);

	if (!link)
		user_refuse(error, "%s: no such device '%s'", prefix, name);
	else if (!resolve_can_be_port(link))
		user_refuse(
			error,
			"%s: not possible by %s, which is no Ethernet device with a MAC address",
			prefix, name);
	else if (!check_sending(check, link, prefix, error))
		return link;
	return NULL;
}

static int check_device(const struct user_check *check, const char *name, const char *prefix,
			struct user_error *error)
{
	return find_device(check, name, prefix, error) ? 0 : -EINVAL;
}

static int check_net(const struct user_check *check, const struct user_leg *leg,
		     const struct mirror_link *link, const char *prefix, const char *gateway,
		     struct user_error *error)
{
	if (!mirror_is_connected(check->mirror, link->e.ifindex, leg->gateway))
		return user_refuse(error,
				   "%s: gateway %s is in no connected net of %s, and not 'onlink'",
				   prefix, gateway, link->e.name);
	if (mirror_is_net_itself(check->mirror, link->e.ifindex, leg->gateway))
		return user_refuse(
			error,
			"%s: gateway %s is the address of a net of %s itself, and not 'onlink'",
			prefix, gateway, link->e.name);
	return 0;
}

static int check_gateway(const struct user_check *check, const struct user_leg *leg,
			 const char *prefix, struct user_error *error)
{
	const struct mirror_link *link;
	char gateway[INET_ADDRSTRLEN];

	inet_ntop(AF_INET, &leg->gateway, gateway, sizeof(gateway));
	if (mirror_own_kind(check->mirror, leg->gateway))
		return user_refuse(error, "%s: gateway %s is %s", prefix, gateway,
				   mirror_is_own_address(check->mirror, leg->gateway)
					   ? "an address of this router"
					   : "a broadcast address");
	if (!leg->dev[0])
		return user_refuse(error, "%s: gateway %s is in no connected net, 'dev' is needed",
				   prefix, gateway);
	link = find_device(check, leg->dev, prefix, error);
	if (!link)
		return -EINVAL;
	return leg->onlink || leg->has_lladdr ? 0
					      : check_net(check, leg, link, prefix, gateway, error);
}

static struct user_leg *place_of(struct user_check *check, const struct user_leg *leg)
{
	return &check->checked[table_hash(leg, sizeof(*leg)) % USER_CHECKED];
}

static int check_leg(struct user_check *check, const struct user_leg *leg, const char *prefix,
		     struct user_error *error)
{
	struct user_leg *place = place_of(check, leg);
	int err;

	if (memcmp(place, leg, sizeof(*leg)) == 0)
		return 0;
	err = leg->gateway ? check_gateway(check, leg, prefix, error)
			   : check_device(check, leg->dev, prefix, error);
	if (!err)
		*place = *leg;
	return err;
}

/* ---- destinations -------------------------------------------------------------------- */

/* Of packets to these the programs look no route up (addresses_check() in bpf/parse.h). */
static int check_destination(struct prefix dst, const char *prefix, struct user_error *error)
{
	static const struct {
		struct prefix net;
		const char *what;
	} rows[] = {
		{ { 0xe0000000, 4 }, "multicast groups are" },
		{ { 0xffffffff, 32 }, "the broadcast address is" },
		{ { 0x7f000000, 8 }, "the loopback net is" },
		{ { 0x00000000, 32 }, "the unspecified address is" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (prefix_covers(rows[i].net, dst))
			return user_refuse(error,
					   "%s: %s always left to the kernel, no route is asked",
					   prefix, rows[i].what);
	return 0;
}

int user_check(struct user_check *check, const struct user_route *route, struct user_error *error)
{
	char prefix[PREFIX_STRLEN];
	int err;

	destination_format(route->dst, prefix);
	err = check_destination(route->dst, prefix, error);
	if (err)
		return err;
	if (route->action == USER_CPU)
		return check_cpus(check, route, prefix, error);
	if (route->action == USER_REDIRECT)
		return check_device(check, route->dev, prefix, error);
	if (route->action != USER_NEXTHOPS)
		return 0;
	for (unsigned int i = 0; i < route->n_legs && !err; i++)
		err = check_leg(check, &route->legs[i], prefix, error);
	return err;
}
