/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * User routes as users write them, on the command line, in batches and in files alike:
 *
 *   add|replace|del PREFIX [ACTION] [override] [comment TEXT]
 *   ACTION: drop | pass | dev DEV | redirect DEV | cpu N | cpu N-M
 *           | via GATEWAY [dev DEV] [lladdr MAC] [onlink]
 *           | nexthop via GATEWAY [dev DEV] [lladdr MAC] [onlink] [weight N] nexthop ..
 *
 * Pure: nothing here looks at what there is; see user_check.h for that.
 */
#ifndef EBPF_ROUTE_USER_TEXT_H
#define EBPF_ROUTE_USER_TEXT_H

#include <stddef.h>
#include "../include/user_route.h"

enum {
	USER_LINE_MAX = 16384, /* bytes of a line, its 0 included */
	USER_WORDS_MAX = 1024,
};

enum user_verb {
	USER_ADD,
	USER_REPLACE,
	USER_DEL,
};

struct user_command {
	enum user_verb verb;
	bool has_action;	 /* of USER_DEL: only a route that does this is meant */
	struct user_route route; /* the command's own, for mirror_user_release() */
};

/* One line for the user: "OBJECT: CAUSE"; whoever reports it adds what happens next. */
struct user_error {
	char text[320];
};

/* Writes the line; always returns -EINVAL. */
int user_refuse(struct user_error *error, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * Splits a line into words, which lie in the line itself: # begins a comment, "double" and 'single' quotes
 * hold spaces together, a backslash within double ones takes the next character as it is. Returns their
 * number, 0 for an empty line, or -EINVAL.
 */
int user_split(char *line, const char *words[USER_WORDS_MAX], struct user_error *error);

/* In files the verb may be left out, it is `add` then, and there is no `del`: they say what there is. */
enum user_verb_use {
	USER_VERB_NEEDED,
	USER_VERB_OPTIONAL,
};

/* 0, -EINVAL with the line for the user, or -ENOMEM; *ret is untouched on failure. */
int user_parse(const char *const *words, unsigned int n, enum user_verb_use use,
	       struct user_command *ret, struct user_error *error);

/* The action's name, as in the grammar: "drop", "via", .. */
const char *user_action_word(const struct user_route *route);

/* The route as words that user_parse() takes, without a verb, in buf (USER_LINE_MAX bytes). Returns buf. */
const char *user_format(const struct user_route *route, char *buf);

/* Is it UTF-8 without control characters? What is shown to users has to be. */
bool user_is_text(const char *text);
/* Makes it so, with '?' for what is not: messages quote anything, and may cut it within a character. */
void user_make_text(char *text);

#endif
