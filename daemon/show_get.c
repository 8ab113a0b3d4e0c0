// SPDX-License-Identifier: GPL-2.0-only
/* `get`: what the fast path would do with a packet, and why. */
#include "show.h"

#include <errno.h>
#include "explain.h"

static int parse_query(struct daemon *d, const json_t *args, struct reply *reply,
		       struct explain_query *ret)
{
	const char *dst = json_string_value(json_object_get(args, "dst"));
	const char *from = json_string_value(json_object_get(args, "from"));
	const char *iif = json_string_value(json_object_get(args, "iif"));

	memset(ret, 0, sizeof(*ret));
	if (!dst || inet_pton(AF_INET, dst, &ret->dst) != 1)
		return reply_error(reply, EXIT_USAGE, "'%.64s': not an IPv4 address",
				   dst ? dst : "");
	if (from && inet_pton(AF_INET, from, &ret->src) != 1)
		return reply_error(reply, EXIT_USAGE, "from '%.64s': not an IPv4 address", from);
	if (!iif)
		return 0;
	ret->iif = mirror_link_by_name(d->mirror, iif);
	if (!ret->iif)
		return reply_error(reply, EXIT_FAILED, "%.16s: no such interface", iif);
	if (ret->iif->hook == HOOK_NONE)
		return reply_error(reply, EXIT_FAILED,
				   "%s: not attached, all its packets take the kernel's path", iif);
	return 0;
}

int show_get(struct daemon *d, const json_t *args, struct reply *reply)
{
	const char *from = json_string_value(json_object_get(args, "from"));
	char text[INET6_ADDRSTRLEN];
	struct explain_query query;
	struct explained answer;
	json_t *row;
	int err = parse_query(d, args, reply, &query);

	if (err)
		return err;
	explain_packet(d, &query, &answer);
	row = json_pack("{ss}", "dst", json_string_value(json_object_get(args, "dst")));
	if (!row)
		return -ENOMEM;
	if (from)
		json_object_set_new(row, "from", json_string(from));
	if (query.iif)
		json_object_set_new(row, "iif", json_string(query.iif->e.name));
	put_verdict(row, answer.verdict);
	json_object_set_new(row, "prefix",
			    answer.has_prefix ? json_string(destination_format(answer.prefix, text))
					      : json_null());
	put_device(d, row, "dev", answer.oif);
	put_gateway(row, &answer.gateway);
	if (answer.has_mac)
		json_object_set_new(row, "lladdr", mac_string(answer.mac));
	if (answer.mtu)
		json_object_set_new(row, "mtu", json_integer(answer.mtu));
	if (answer.multipath)
		json_object_set_new(row, "multipath", json_true());
	json_object_set_new(row, "engine_leaf", json_integer(answer.leaf));
	return reply_row(reply, row);
}
