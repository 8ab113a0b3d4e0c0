// SPDX-License-Identifier: GPL-2.0-only
/* User routes as text that user_parse() takes again. */
#include "user_text.h"

#include <stdarg.h>

const char *user_action_word(const struct user_route *route)
{
	switch (route->action) {
	case USER_DROP:
		return "drop";
	case USER_PASS:
		return "pass";
	case USER_REDIRECT:
		return "redirect";
	case USER_CPU:
		return "cpu";
	default:
		return route->n_legs > 1 ? "nexthop" : route->legs[0].gateway ? "via" : "dev";
	}
}

struct line {
	char *buf;
	size_t len;
};

static void add(struct line *line, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The longest route fits: 64 legs of at most 90 bytes, and a comment. */
static void add(struct line *line, const char *format, ...)
{
	size_t room = USER_LINE_MAX - line->len;
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(line->buf + line->len, room, format, args);
	va_end(args);
	if (n > 0 && (size_t)n < room)
		line->len += (size_t)n;
}

static bool is_plain(const char *word)
{
	return !strpbrk(word, " \t\"'#");
}

/* A word in quotes where it has to be. */
static void add_word(struct line *line, const char *word)
{
	if (is_plain(word)) {
		add(line, " %s", word);
		return;
	}
	add(line, " \"");
	for (; *word; word++)
		add(line, *word == '"' || *word == '\\' ? "\\%c" : "%c", *word);
	add(line, "\"");
}

static void add_leg(struct line *line, const struct user_leg *leg)
{
	const uint8_t *mac = leg->lladdr;
	char text[INET_ADDRSTRLEN];

	if (leg->gateway)
		add(line, " via %s", inet_ntop(AF_INET, &leg->gateway, text, sizeof(text)));
	if (leg->dev[0]) {
		add(line, " dev");
		add_word(line, leg->dev);
	}
	if (leg->has_lladdr)
		add(line, " lladdr %02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3],
		    mac[4], mac[5]);
	if (leg->onlink)
		add(line, " onlink");
}

static void add_legs(struct line *line, const struct user_route *route)
{
	bool several = route->n_legs > 1 || route->legs[0].weight > 1;

	for (unsigned int i = 0; i < route->n_legs; i++) {
		if (several)
			add(line, " nexthop");
		add_leg(line, &route->legs[i]);
		if (route->legs[i].weight > 1)
			add(line, " weight %u", route->legs[i].weight);
	}
}

const char *user_format(const struct user_route *route, char *buf)
{
	struct line line = { .buf = buf };
	char prefix[PREFIX_STRLEN];

	add(&line, "%s", destination_format(route->dst, prefix));
	if (route->action == USER_NEXTHOPS)
		add_legs(&line, route);
	else
		add(&line, " %s", user_action_word(route));
	if (route->action == USER_REDIRECT)
		add_word(&line, route->dev);
	if (route->action == USER_CPU)
		add(&line, route->last_cpu > route->first_cpu ? " %u-%u" : " %u", route->first_cpu,
		    route->last_cpu);
	if (route->override)
		add(&line, " override");
	if (route->comment) {
		add(&line, " comment");
		add_word(&line, route->comment);
	}
	return buf;
}
