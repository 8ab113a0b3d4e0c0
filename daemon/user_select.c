// SPDX-License-Identifier: GPL-2.0-only
/* Selections of user routes: see user_select.h. */
#include "user_select.h"

#include <fnmatch.h>
#include "mirror_user.h"

static bool is_action(const char *word)
{
	static const char *const actions[] = { "drop", "pass",	   "via", "nexthop",
					       "dev",  "redirect", "cpu" };

	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
		if (strcmp(actions[i], word) == 0)
			return true;
	return false;
}

/* A condition with a value. *ret is where it goes; NULL: there is none of that name. */
static const char **find_condition(struct user_selector *selector, const char *word)
{
	if (strcmp(word, "action") == 0)
		return &selector->action;
	if (strcmp(word, "dev") == 0)
		return &selector->dev;
	return strcmp(word, "comment") == 0 ? &selector->comment : NULL;
}

static int parse_prefix(const char *word, struct user_selector *selector, struct user_error *error)
{
	int err = selector->has_prefix ? -EINVAL : prefix_parse(word, &selector->prefix);

	if (err == -ERANGE)
		return user_refuse(error, "%.64s: bits are set beyond the length of the prefix",
				   word);
	if (err)
		return user_refuse(
			error,
			"'%.64s': all, a prefix, longer, action, dev or comment is needed here",
			word);
	selector->has_prefix = true;
	return 0;
}

static int parse_words(const char *const *words, unsigned int n, struct user_selector *selector,
		       struct user_error *error)
{
	int err = 0;

	for (unsigned int i = 0; i < n && !err; i++) {
		const char **condition = find_condition(selector, words[i]);

		if (strcmp(words[i], "longer") == 0 && selector->has_prefix) {
			selector->longer = true;
		} else if (!condition) {
			err = parse_prefix(words[i], selector, error);
		} else if (i + 1 == n) {
			return user_refuse(error, "'%s' needs a value", words[i]);
		} else if (*condition) {
			return user_refuse(error, "'%s' is given twice", words[i]);
		} else {
			*condition = words[++i];
		}
	}
	return err;
}

int user_selector_parse(const char *const *words, unsigned int n, struct user_selector *ret,
			struct user_error *error)
{
	struct user_selector selector = { 0 };
	int err;

	if (!n)
		return user_refuse(error, "no selector: 'all' is all user routes");
	if (n > 1 && strcmp(words[0], "all") == 0)
		return user_refuse(error, "'%.64s': does not go with 'all'", words[1]);
	err = strcmp(words[0], "all") == 0 ? 0 : parse_words(words, n, &selector, error);
	if (err)
		return err;
	if (selector.action && !is_action(selector.action))
		return user_refuse(
			error,
			"'%.64s': not an action: one of drop, pass, via, nexthop, dev, redirect, cpu",
			selector.action);
	*ret = selector;
	return 0;
}

/* ---- matching ------------------------------------------------------------------------ */

static bool leads_by(const struct mirror *mirror, const struct user_leg *leg, const char *dev)
{
	const struct mirror_link *link;

	if (leg->dev[0])
		return strcmp(leg->dev, dev) == 0;
	link = mirror_link(mirror, mirror_connected_device(mirror, leg->gateway));
	return link && strncmp(link->e.name, dev, IFNAMSIZ) == 0;
}

static bool has_device(const struct mirror *mirror, const struct user_route *route, const char *dev)
{
	if (route->action == USER_REDIRECT)
		return strcmp(route->dev, dev) == 0;
	for (unsigned int i = 0; i < route->n_legs; i++)
		if (leads_by(mirror, &route->legs[i], dev))
			return true;
	return false;
}

bool user_selector_matches(const struct user_selector *selector, const struct mirror *mirror,
			   const struct user_route *route)
{
	if (selector->has_prefix &&
	    !(selector->longer ? prefix_covers(selector->prefix, route->dst)
			       : prefix_equal(selector->prefix, route->dst)))
		return false;
	if (selector->action && strcmp(selector->action, user_action_word(route)) != 0)
		return false;
	if (selector->dev && !has_device(mirror, route, selector->dev))
		return false;
	return !selector->comment ||
	       (route->comment && fnmatch(selector->comment, route->comment, 0) == 0);
}
