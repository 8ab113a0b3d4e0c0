// SPDX-License-Identifier: GPL-2.0-only
/* `get`: what the fast path would do with one packet, and why. */
#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include "../include/control.h"
#include "output.h"

#define HEX_DIGITS "0123456789abcdefABCDEF"

static void add_detail(struct text *t, const json_t *row, const char *key, const char *label)
{
	char buf[FORMAT_LEN];
	const char *word = value_word(json_object_get(row, key), buf);

	if (word)
		text_add(t, "  %-8s %s\n", label, word);
}

static void print_get(struct text *t, const json_t *row)
{
	static const char *const asked[] = { "from",  "iif", "tos",  "ipproto", "sport",
					     "dport", "ttl", "size", "mac" };
	const char *reason = field_string(row, "reason"), *meaning = reason_meaning(reason);
	const json_t *via = json_object_get(row, "via");

	text_field(t, row, "dst", "");
	if (!t->len)
		text_add(t, "frame"); /* in which no destination was found */
	for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++)
		text_field(t, row, asked[i], asked[i]);
	text_add(t, ": %s", field_string(row, "verdict"));
	if (*reason)
		text_add(t, " (%s)", reason);
	text_add(t, "%s%s\n", *meaning ? ": " : "", meaning);
	add_detail(t, row, "prefix", "route");
	add_detail(t, row, "protocol", "protocol");
	add_detail(t, row, "table", "table");
	add_detail(t, row, "gateway", "gateway");
	add_detail(t, via, "host", "gateway");
	add_detail(t, row, "dev", "dev");
	add_detail(t, row, "lladdr", "lladdr");
	add_detail(t, row, "mtu", "mtu");
	if (json_is_true(json_object_get(row, "multipath")))
		text_add(t, "  %-8s one leg of several, other flows may take another\n",
			 "multipath");
	add_detail(t, row, "engine_leaf", "leaf");
}

/* ---- arguments ----------------------------------------------------------------------- */

enum {
	FRAME_MAX = 9216, /* bytes */
	IP_HEADER = 20,
};

/* Each takes a word for the request, or returns NULL: it is not `what` says. */

static json_t *take_address(const char *word)
{
	struct in_addr in;

	return inet_pton(AF_INET, word, &in) == 1 ? json_string(word) : NULL;
}

static json_t *take_device(const char *word)
{
	return *word && strlen(word) < IFNAMSIZ ? json_string(word) : NULL;
}

/* Decimal, or hexadecimal after 0x as `ip` prints a tos. */
static json_t *number(const char *word, unsigned long low, unsigned long high)
{
	bool hex = word[0] == '0' && (word[1] | 32) == 'x';
	const char *digits = hex ? word + 2 : word;
	size_t len = strlen(digits);
	unsigned long value;

	if (!len || len > 9 || strspn(digits, hex ? HEX_DIGITS : "0123456789") != len)
		return NULL;
	value = strtoul(digits, NULL, hex ? 16 : 10);
	return value >= low && value <= high ? json_integer(value) : NULL;
}

static json_t *take_byte(const char *word)
{
	return number(word, 0, 255);
}

static json_t *take_port(const char *word)
{
	return number(word, 0, 65535);
}

static json_t *take_size(const char *word)
{
	return number(word, IP_HEADER, 65535);
}

/* Names without /etc/protocols, which may be missing. */
static json_t *take_protocol(const char *word)
{
	static const struct {
		const char *name;
		int number;
	} names[] = {
		{ "icmp", IPPROTO_ICMP }, { "tcp", IPPROTO_TCP }, { "udp", IPPROTO_UDP },
		{ "sctp", IPPROTO_SCTP }, { "gre", IPPROTO_GRE }, { "esp", IPPROTO_ESP },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i].name, word) == 0)
			return json_integer(names[i].number);
	return take_byte(word);
}

static json_t *take_mac(const char *word)
{
	static const char shape[] = "xx:xx:xx:xx:xx:xx";

	if (strlen(word) != sizeof(shape) - 1)
		return NULL;
	for (size_t i = 0; word[i]; i++)
		if (shape[i] == 'x' ? !strchr(HEX_DIGITS, word[i]) : word[i] != ':')
			return NULL;
	return json_string(word);
}

static json_t *take_frame(const char *word)
{
	size_t len = strlen(word);

	if (!len || len % 2 || len / 2 > FRAME_MAX || strspn(word, HEX_DIGITS) != len)
		return NULL;
	return json_string(word);
}

static const struct argument {
	const char *name;
	json_t *(*take)(const char *word);
	const char *what;
} arguments[] = {
	{ "from", take_address, "an IPv4 address" },
	{ "iif", take_device, "an interface name" },
	{ "tos", take_byte, "a number from 0 to 255" },
	{ "ipproto", take_protocol, "a protocol (tcp, udp, icmp, or a number up to 255)" },
	{ "sport", take_port, "a port number" },
	{ "dport", take_port, "a port number" },
	{ "ttl", take_byte, "a number from 0 to 255" },
	{ "size", take_size, "a number of bytes from 20 to 65535" },
	{ "mac", take_mac, "a MAC address" },
};

static const struct argument address_argument = { "dst", take_address, "an IPv4 address" };
static const struct argument frame_argument = { "frame", take_frame,
						"a frame of 1 to 9216 bytes in hex digits" };

/* The word into args, as the value of that argument. */
static int take(const struct cli *cli, const struct argument *argument, const char *word,
		json_t *args)
{
	json_t *value;

	if (!word)
		return bad_usage(cli, "get: '%s' needs a value", argument->name);
	if (json_object_get(args, argument->name))
		return bad_usage(cli, "get: '%s' is given twice", argument->name);
	value = argument->take(word);
	if (!value)
		return bad_usage(cli, "get: '%.64s%s' is not %s", word,
				 strlen(word) > 64 ? ".." : "", argument->what);
	json_object_set_new(args, argument->name, value);
	return EXIT_DONE;
}

/* What does not go together; all that is asked is in args. */
static int check(const struct cli *cli, const json_t *args)
{
	const json_t *protocol = json_object_get(args, "ipproto");
	bool iif = json_object_get(args, "iif");

	if (json_object_get(args, "frame")) {
		if (!iif)
			return bad_usage(cli,
					 "get: 'frame' needs 'iif': it decides with the bytes");
		if (json_object_size(args) > 2)
			return bad_usage(cli,
					 "get: 'frame' takes 'iif' only, the bytes say the rest");
	} else if (json_object_get(args, "mac") && !iif) {
		return bad_usage(cli, "get: 'mac' needs 'iif', whose address decides");
	}
	if (protocol && json_integer_value(protocol) == IPPROTO_ICMP &&
	    (json_object_get(args, "sport") || json_object_get(args, "dport")))
		return bad_usage(cli, "get: 'sport' and 'dport' are not in an ICMP packet");
	return EXIT_DONE;
}

/* Puts the words into args; EXIT_USAGE after a complaint. */
static int take_words(const struct cli *cli, int argc, char **argv, json_t *args)
{
	bool frame = argc && strcmp(argv[0], "frame") == 0;
	int code;

	if (!argc)
		return bad_usage(cli, "get: no address given");
	code = frame ? take(cli, &frame_argument, argc > 1 ? argv[1] : NULL, args)
		     : take(cli, &address_argument, argv[0], args);
	for (int i = frame ? 2 : 1; i < argc && !code; i += 2) {
		const struct argument *argument = NULL;

		for (size_t k = 0; k < sizeof(arguments) / sizeof(arguments[0]); k++)
			if (strcmp(arguments[k].name, argv[i]) == 0)
				argument = &arguments[k];
		if (!argument)
			return bad_usage(cli, "get: superfluous argument '%.64s'", argv[i]);
		code = take(cli, argument, i + 1 < argc ? argv[i + 1] : NULL, args);
	}
	return code ? code : check(cli, args);
}

int cmd_get(const struct cli *cli, int argc, char **argv)
{
	json_t *args = json_object();
	int code;

	if (!args)
		out_of_memory();
	code = take_words(cli, argc, argv, args);
	if (code) {
		json_decref(args);
		return code;
	}
	return output_object(cli, args, print_get);
}
