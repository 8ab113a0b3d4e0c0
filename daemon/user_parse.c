// SPDX-License-Identifier: GPL-2.0-only
/*
 * The grammar of user routes: one table of keywords; what may follow what is checked as each comes.
 *
 * A leg is opened by `via` or `dev`, or by `nexthop`; the words that follow belong to the leg that is open.
 */
#include "user_text.h"

#include <ctype.h>
#include <stdlib.h>

struct parse {
	struct user_command command;
	struct user_leg legs[USER_LEGS_MAX];
	struct user_leg *leg; /* the open one, NULL: none */
	bool has_weight;      /* of that */
	bool several;	      /* the legs are those of `nexthop` */
	const char *action;   /* the word that began it, NULL: none yet */
	const char *comment;
	struct user_error *error;
};

/* The route is named as it is everywhere else, not as it was written. */
#define REFUSE(p, format, ...)                                                                     \
	user_refuse((p)->error, "%s: " format,                                                     \
		    destination_format((p)->command.route.dst, (char[PREFIX_STRLEN]){ 0 }),        \
		    ##__VA_ARGS__)

/* ---- values -------------------------------------------------------------------------- */

/* The digits before `end`, a number of at most `high`. */
static bool parse_digits(const char *text, const char *end, uint32_t high, uint32_t *ret)
{
	uint32_t value = 0;

	if (text == end)
		return false;
	for (; text < end; text++) {
		if (*text < '0' || *text > '9')
			return false;
		value = value * 10 + (uint32_t)(*text - '0');
		if (value > high)
			return false;
	}
	*ret = value;
	return true;
}

static bool parse_number(const char *text, uint32_t high, uint32_t *ret)
{
	return parse_digits(text, text + strlen(text), high, ret);
}

/* As dev_valid_name() in net/core/dev.c has it, and fit to be shown. */
static int set_device(struct parse *p, const char *name, char device[IFNAMSIZ])
{
	size_t len = strlen(name);

	if (!len || len >= IFNAMSIZ || strpbrk(name, "/: \t") || strcmp(name, ".") == 0 ||
	    strcmp(name, "..") == 0 || !user_is_text(name))
		return REFUSE(p, "'%.32s' is not an interface name", name);
	memset(device, 0, IFNAMSIZ);
	memcpy(device, name, len + 1);
	return 0;
}

static bool parse_mac(const char *text, uint8_t mac[6])
{
	if (strlen(text) != 17)
		return false;
	for (int i = 0; i < 6; i++) {
		const char *pair = text + 3 * i;

		if (!isxdigit((unsigned char)pair[0]) || !isxdigit((unsigned char)pair[1]) ||
		    (i < 5 && pair[2] != ':'))
			return false;
		mac[i] = (uint8_t)strtoul(pair, NULL, 16);
	}
	return true;
}

/* ---- actions ------------------------------------------------------------------------- */

static int begin_action(struct parse *p, const char *word, enum user_action action)
{
	if (p->action)
		return REFUSE(p, "one action only, not '%s' and '%s'", p->action, word);
	p->action = word;
	p->command.route.action = action;
	return 0;
}

static int set_drop(struct parse *p, const char *value)
{
	(void)value;
	return begin_action(p, "drop", USER_DROP);
}

static int set_pass(struct parse *p, const char *value)
{
	(void)value;
	return begin_action(p, "pass", USER_PASS);
}

static int set_redirect(struct parse *p, const char *value)
{
	int err = begin_action(p, "redirect", USER_REDIRECT);

	return err ? err : set_device(p, value, p->command.route.dev);
}

static int set_cpu(struct parse *p, const char *value)
{
	const char *dash = strchr(value, '-');
	struct user_route *route = &p->command.route;
	int err = begin_action(p, "cpu", USER_CPU);

	if (err)
		return err;
	if (!parse_digits(value, dash ? dash : value + strlen(value), UINT16_MAX,
			  &route->first_cpu) ||
	    (dash && !parse_number(dash + 1, UINT16_MAX, &route->last_cpu)))
		return REFUSE(p, "'%.32s' is not a CPU or a range of CPUs", value);
	if (!dash)
		route->last_cpu = route->first_cpu;
	if (route->last_cpu < route->first_cpu)
		return REFUSE(p, "'%.32s' is a range that ends before it begins", value);
	if (route->last_cpu - route->first_cpu == UINT16_MAX) /* see nexthop_cpus() */
		return REFUSE(p, "more than %d CPUs", UINT16_MAX);
	return 0;
}

/* ---- next hops ----------------------------------------------------------------------- */

static int open_leg(struct parse *p)
{
	struct user_route *route = &p->command.route;

	if (route->n_legs == USER_LEGS_MAX)
		return REFUSE(p, "more than %d next hops", USER_LEGS_MAX);
	p->leg = &p->legs[route->n_legs++];
	memset(p->leg, 0, sizeof(*p->leg)); /* compared as a whole by user_check.c */
	p->leg->weight = 1;
	p->has_weight = false;
	return 0;
}

/* Is the leg that is open as it has to be? */
static int close_leg(struct parse *p)
{
	const struct user_leg *leg = p->leg;

	p->leg = NULL;
	if (!leg || leg->gateway)
		return 0;
	if (p->several)
		return REFUSE(p, "'nexthop' without 'via'");
	if (leg->has_lladdr || leg->onlink)
		return REFUSE(p, "'%s' without 'via'", leg->onlink ? "onlink" : "lladdr");
	return 0;
}

static int set_nexthop(struct parse *p, const char *value)
{
	int err;

	(void)value;
	if (p->several)
		err = close_leg(p);
	else
		err = begin_action(p, "nexthop", USER_NEXTHOPS);
	p->several = true;
	return err ? err : open_leg(p);
}

/* `via` and `dev` open a leg where none is open. */
static int need_leg(struct parse *p, const char *word)
{
	int err;

	if (p->leg)
		return 0;
	err = begin_action(p, word, USER_NEXTHOPS);
	return err ? err : open_leg(p);
}

static int set_via(struct parse *p, const char *value)
{
	struct in_addr gateway;
	uint32_t address;
	int err = need_leg(p, "via");

	if (err)
		return err;
	if (p->leg->gateway)
		return REFUSE(p, "'via' is given twice");
	if (inet_pton(AF_INET, value, &gateway) != 1)
		return REFUSE(p, "'%.64s' is not an IPv4 address to send by", value);
	address = ntohl(gateway.s_addr);
	if (address >> 24 == 0 || address >> 24 == 127 || address >= 0xe0000000)
		return REFUSE(p, "%s is not the address of a host, so it is no gateway", value);
	p->leg->gateway = gateway.s_addr;
	return 0;
}

static int set_dev(struct parse *p, const char *value)
{
	int err = need_leg(p, "dev");

	if (err)
		return err;
	if (p->leg->dev[0])
		return REFUSE(p, "'dev' is given twice");
	return set_device(p, value, p->leg->dev);
}

static int set_lladdr(struct parse *p, const char *value)
{
	static const uint8_t zero[6];

	if (!p->leg)
		return REFUSE(p, "'lladdr' without 'via'");
	if (p->leg->has_lladdr)
		return REFUSE(p, "'lladdr' is given twice");
	if (!parse_mac(value, p->leg->lladdr))
		return REFUSE(p, "'%.32s' is not a MAC address", value);
	if (p->leg->lladdr[0] & 1 || memcmp(p->leg->lladdr, zero, sizeof(zero)) == 0)
		return REFUSE(p, "%s is not the MAC address of a host", value);
	p->leg->has_lladdr = true;
	return 0;
}

static int set_onlink(struct parse *p, const char *value)
{
	(void)value;
	if (!p->leg)
		return REFUSE(p, "'onlink' without 'via'");
	p->leg->onlink = true;
	return 0;
}

static int set_weight(struct parse *p, const char *value)
{
	uint32_t weight;

	if (!p->leg || !p->several)
		return REFUSE(p, "'weight' without 'nexthop'");
	if (p->has_weight)
		return REFUSE(p, "'weight' is given twice");
	if (!parse_number(value, 256, &weight) || !weight)
		return REFUSE(p, "'%.32s' is not a weight from 1 to 256", value);
	p->leg->weight = (uint16_t)weight;
	p->has_weight = true;
	return 0;
}

/* ---- what else is said of a route ---------------------------------------------------- */

static int set_override(struct parse *p, const char *value)
{
	int err = close_leg(p);

	(void)value;
	p->command.route.override = true;
	return err;
}

static int set_comment(struct parse *p, const char *value)
{
	int err = close_leg(p);

	if (err)
		return err;
	if (p->comment)
		return REFUSE(p, "'comment' is given twice");
	if (!*value || strlen(value) >= USER_COMMENT_MAX)
		return REFUSE(p, "a comment has 1 to %d bytes", USER_COMMENT_MAX - 1);
	if (!user_is_text(value))
		return REFUSE(p, "the comment is not printable UTF-8");
	p->comment = value;
	return 0;
}

static const struct keyword {
	const char *word;
	bool has_value;
	int (*set)(struct parse *p, const char *value);
} keywords[] = {
	{ "drop", false, set_drop },
	{ "pass", false, set_pass },
	{ "via", true, set_via },
	{ "dev", true, set_dev },
	{ "lladdr", true, set_lladdr },
	{ "onlink", false, set_onlink },
	{ "nexthop", false, set_nexthop },
	{ "weight", true, set_weight },
	{ "redirect", true, set_redirect },
	{ "cpu", true, set_cpu },
	{ "override", false, set_override },
	{ "comment", true, set_comment },
};

static const struct keyword *find_keyword(const char *word)
{
	for (size_t i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++)
		if (strcmp(keywords[i].word, word) == 0)
			return &keywords[i];
	return NULL;
}

static int parse_options(struct parse *p, const char *const *words, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		const struct keyword *keyword = find_keyword(words[i]);
		const char *value = NULL;
		int err;

		if (!keyword)
			return REFUSE(p, "'%.64s' is not a word that belongs here", words[i]);
		if (keyword->has_value && ++i == n)
			return REFUSE(p, "'%s' needs a value", keyword->word);
		if (keyword->has_value)
			value = words[i];
		err = keyword->set(p, value);
		if (err)
			return err;
	}
	return close_leg(p);
}

/* ---- the whole ----------------------------------------------------------------------- */

static bool parse_verb(const char *word, enum user_verb *ret)
{
	static const char *const verbs[] = {
		[USER_ADD] = "add",
		[USER_REPLACE] = "replace",
		[USER_DEL] = "del",
	};

	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (strcmp(verbs[i], word) == 0) {
			*ret = (enum user_verb)i;
			return true;
		}
	}
	return false;
}

static int parse_prefix(struct parse *p, const char *word)
{
	int err = prefix_parse(word, &p->command.route.dst);

	if (err == -ERANGE)
		return user_refuse(p->error, "%.64s: bits are set beyond the length of the prefix",
				   word);
	return err ? user_refuse(p->error, "'%.64s': not an IPv4 prefix", word) : 0;
}

static int check_whole(const struct parse *p)
{
	bool is_del = p->command.verb == USER_DEL;

	if (!p->action && !is_del)
		return REFUSE(
			p,
			"no action: one of drop, pass, via, nexthop, dev, redirect and cpu is needed");
	if (is_del && (p->comment || p->command.route.override))
		return REFUSE(p, "'%s' does not go with del", p->comment ? "comment" : "override");
	return 0;
}

/* What is on the stack becomes the command's own. */
static int keep(const struct parse *p, struct user_command *ret)
{
	struct user_command command = p->command;
	struct user_route *route = &command.route;

	command.has_action = p->action != NULL;
	if (route->n_legs) {
		route->legs = malloc(route->n_legs * sizeof(*route->legs));
		if (route->legs)
			memcpy(route->legs, p->legs, route->n_legs * sizeof(*route->legs));
	}
	if (p->comment)
		route->comment = strdup(p->comment);
	if ((route->n_legs && !route->legs) || (p->comment && !route->comment)) {
		free(route->legs);
		free(route->comment);
		return -ENOMEM;
	}
	*ret = command;
	return 0;
}

int user_parse(const char *const *words, unsigned int n, enum user_verb_use use,
	       struct user_command *ret, struct user_error *error)
{
	struct parse p;
	bool has_verb;
	int err;

	/* Not the legs, each of which is set when it is opened: there may be 100,000 lines. */
	memset(&p.command, 0, sizeof(p.command));
	p.leg = NULL;
	p.has_weight = p.several = false;
	p.action = p.comment = NULL;
	p.error = error;
	has_verb = n && parse_verb(words[0], &p.command.verb);
	if (!has_verb && (use == USER_VERB_NEEDED || !n))
		return user_refuse(error, "'%.64s': add, replace or del has to come first",
				   n ? words[0] : "");
	if (use == USER_VERB_OPTIONAL && has_verb && p.command.verb == USER_DEL)
		return user_refuse(
			error, "del: not in a file, which says what there is: leave the route out");
	words += has_verb;
	n -= has_verb;
	if (!n)
		return user_refuse(error, "%s: no prefix", words[-1]);
	err = parse_prefix(&p, words[0]);
	if (!err)
		err = parse_options(&p, words + 1, n - 1);
	if (!err)
		err = check_whole(&p);
	return err ? err : keep(&p, ret);
}
