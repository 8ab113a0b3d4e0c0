// SPDX-License-Identifier: GPL-2.0-only
/* `get`: what the fast path would do with a packet, and why. */
#include "show.h"

#include <ctype.h>
#include <errno.h>
#include <linux/rtnetlink.h>
#include "explain.h"

enum { SIZE_USUAL = 64, TTL_USUAL = 64 };

/* What is asked for, and the memory that it refers to. */
struct question {
	struct explain_query query;
	uint8_t mac[6];
	uint8_t frame[EXPLAIN_FRAME_MAX];
};

/* ---- arguments ----------------------------------------------------------------------- */

/* The number of that key, if it is given, within the limits. */
static int take_number(const json_t *args, const char *key, uint32_t low, uint32_t high,
		       struct reply *reply, uint32_t *ret)
{
	const json_t *value = json_object_get(args, key);

	if (!value)
		return 0;
	if (!json_is_integer(value) || json_integer_value(value) < low ||
	    json_integer_value(value) > high)
		return reply_error(reply, EXIT_USAGE, "%s: not a number from %u to %u", key, low,
				   high);
	*ret = json_integer_value(value);
	return 0;
}

static int take_address(const json_t *args, const char *key, const char *label, struct reply *reply,
			__be32 *ret)
{
	const char *text = json_string_value(json_object_get(args, key));

	if (!text || inet_pton(AF_INET, text, ret) != 1)
		return reply_error(reply, EXIT_USAGE, "%s'%.64s': not an IPv4 address", label,
				   text ? text : "");
	return 0;
}

static int hex_digit(char c)
{
	return isdigit((unsigned char)c) ? c - '0' : (c | 32) - 'a' + 10;
}

/* Pairs of hex digits, with `separator` between them if it is not 0; false for anything else. */
static bool parse_bytes(const char *text, size_t len, char separator, uint8_t *bytes)
{
	for (size_t i = 0; i < len; i++) {
		if (separator && i && *text++ != separator)
			return false;
		if (!isxdigit((unsigned char)text[0]) || !isxdigit((unsigned char)text[1]))
			return false;
		bytes[i] = hex_digit(text[0]) << 4 | hex_digit(text[1]);
		text += 2;
	}
	return !*text;
}

static int take_iif(struct daemon *d, const json_t *args, struct reply *reply,
		    const struct mirror_link **ret)
{
	const json_t *value = json_object_get(args, "iif");
	const char *name = json_string_value(value);

	if (!value)
		return 0;
	*ret = name ? mirror_link_by_name(d->mirror, name) : NULL;
	if (!*ret)
		return reply_error(reply, EXIT_FAILED, "%.16s: no such interface",
				   name ? name : "");
	if (!explain_is_ingress(d, *ret))
		return reply_error(reply, EXIT_FAILED,
				   "%s: not attached, all its packets take the kernel's path",
				   name);
	return 0;
}

static int take_frame(const json_t *args, struct reply *reply, struct question *ret)
{
	static const char *const others[] = { "dst",   "from", "tos",  "ipproto", "sport",
					      "dport", "ttl",  "size", "mac" };
	const char *text = json_string_value(json_object_get(args, "frame"));
	size_t len = text ? strlen(text) : 0;

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (json_object_get(args, others[i]))
			return reply_error(reply, EXIT_USAGE,
					   "frame: the bytes say it all, '%s' is not asked",
					   others[i]);
	if (!len || len % 2 || len / 2 > sizeof(ret->frame) ||
	    !parse_bytes(text, len / 2, 0, ret->frame))
		return reply_error(reply, EXIT_USAGE,
				   "frame '%.32s%s': not the hex digits of 1 to %d whole bytes",
				   text ? text : "", len > 32 ? ".." : "", EXPLAIN_FRAME_MAX);
	if (!ret->query.iif)
		return reply_error(reply, EXIT_USAGE,
				   "frame: 'iif' is not given, where it comes in decides");
	ret->query.frame = ret->frame;
	ret->query.frame_len = len / 2;
	return 0;
}

/* What makes a packet, besides its addresses. */
static int take_fields(const json_t *args, struct reply *reply, struct question *ret)
{
	uint32_t tos = 0, protocol = IPPROTO_UDP, sport = 0, dport = 0, ttl = TTL_USUAL;
	struct explain_query *query = &ret->query;
	const json_t *mac = json_object_get(args, "mac");

	query->size = SIZE_USUAL;
	if (take_number(args, "tos", 0, 255, reply, &tos) ||
	    take_number(args, "ipproto", 0, 255, reply, &protocol) ||
	    take_number(args, "sport", 0, 65535, reply, &sport) ||
	    take_number(args, "dport", 0, 65535, reply, &dport) ||
	    take_number(args, "ttl", 0, 255, reply, &ttl) ||
	    take_number(args, "size", 20, 65535, reply, &query->size))
		return -ECANCELED;
	if ((json_object_get(args, "sport") || json_object_get(args, "dport")) &&
	    (!explain_has_ports(protocol) || query->size < 24))
		return reply_error(reply, EXIT_USAGE,
				   "sport, dport: not in %u bytes of protocol %u, not asked",
				   query->size, protocol);
	if (mac) {
		if (!json_is_string(mac) || !parse_bytes(json_string_value(mac), 6, ':', ret->mac))
			return reply_error(reply, EXIT_USAGE, "mac: not a MAC address");
		if (!query->iif)
			return reply_error(reply, EXIT_USAGE,
					   "mac: 'iif' is not given, whose address decides");
		query->mac = ret->mac;
	}
	query->tos = tos;
	query->protocol = protocol;
	query->sport = sport;
	query->dport = dport;
	query->ttl = ttl;
	return 0;
}

static int take_question(struct daemon *d, const json_t *args, struct reply *reply,
			 struct question *ret)
{
	int err;

	memset(ret, 0, sizeof(*ret));
	err = take_iif(d, args, reply, &ret->query.iif);
	if (err)
		return err;
	if (json_object_get(args, "frame"))
		return take_frame(args, reply, ret);
	err = take_address(args, "dst", "", reply, &ret->query.dst);
	if (!err && json_object_get(args, "from"))
		err = take_address(args, "from", "from ", reply, &ret->query.src);
	return err ? err : take_fields(args, reply, ret);
}

/* ---- the row ------------------------------------------------------------------------- */

static json_t *address_or_null(bool known, __be32 addr)
{
	char text[INET_ADDRSTRLEN];

	return known && inet_ntop(AF_INET, &addr, text, sizeof(text)) ? json_string(text)
								      : json_null();
}

/* What was asked, as it was asked; of a frame, what is in it. */
static void put_question(json_t *row, const json_t *args, const struct explained *answer)
{
	static const char *const keys[] = { "iif",   "tos", "ipproto", "sport",
					    "dport", "ttl", "size",    "mac" };
	bool frame = json_object_get(args, "frame");

	json_object_set_new(row, "dst", address_or_null(answer->has_packet, answer->dst));
	if (frame || answer->any_source || json_object_get(args, "from"))
		json_object_set_new(row, "from",
				    address_or_null(answer->has_packet && !answer->any_source,
						    answer->src));
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (json_object_get(args, keys[i]))
			json_object_set(row, keys[i], json_object_get(args, keys[i]));
}

static void put_way(const struct daemon *d, json_t *row, const struct explained *answer)
{
	char text[INET6_ADDRSTRLEN], number[16];

	json_object_set_new(row, "prefix",
			    answer->has_prefix
				    ? json_string(destination_format(answer->prefix, text))
				    : json_null());
	if (answer->user)
		json_object_set_new(row, "protocol", json_string("user"));
	if (answer->table && answer->table != RT_TABLE_MAIN)
		json_object_set_new(row, "table", json_string(table_name(answer->table, number)));
	put_device(d, row, "dev", answer->oif);
	put_gateway(row, &answer->gateway);
	if (answer->has_mac)
		json_object_set_new(row, "lladdr", mac_string(answer->mac));
	if (answer->mtu)
		json_object_set_new(row, "mtu", json_integer(answer->mtu));
	if (answer->multipath)
		json_object_set_new(row, "multipath", json_true());
	if (answer->has_packet)
		json_object_set_new(row, "engine_leaf", json_integer(answer->leaf));
}

int show_get(struct daemon *d, const json_t *args, struct reply *reply)
{
	struct question question;
	struct explained answer;
	json_t *row;
	int err = take_question(d, args, reply, &question);

	if (!err)
		err = explain_packet(d, &question.query, &answer);
	if (err)
		return err;
	row = json_object();
	if (!row)
		return -ENOMEM;
	put_question(row, args, &answer);
	put_verdict(row, answer.verdict);
	put_way(d, row, &answer);
	return reply_row(reply, row);
}
