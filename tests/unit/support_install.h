/* SPDX-License-Identifier: GPL-2.0-only */
/* Changes of user routes as a whole, for tests: a world with little room, a batch from a text, what is in use. */
#ifndef SUPPORT_INSTALL_H
#define SUPPORT_INSTALL_H

#include "daemon/user_install.h"
#include "support_recorder.h"

/* Room for all that a test needs, for those that are about the room of something else. */
extern const struct fib_limits install_roomy;

/* In the place of what was in it: eth2 to eth5, each with the neighbour 10.0.N.1 of MAC address 10 N. Returns it. */
struct world *install_world(struct world *w, struct fib_limits limits, uint32_t routes,
			    uint32_t dir24_rows);

struct change {
	struct world *w;
	enum user_room room;
	struct user_batch batch;
	struct user_counts counts;
	struct user_error error;
};

/* Reads the text, which has to be sound, and watches the edges of its prefixes. */
void install_read(struct change *c, struct world *w, const char *text);
/* Installs a struct change, for recorder_run(); what user_install() returns. */
int install_run(void *change);

/* What may run out, as far as it is in use. */
struct usage {
	uint32_t slots, rows, adjacencies, legs, routes, user, overrides, full, cpus;
};
struct usage install_usage(struct world *w);

/*
 * "": it is in force; else the line for the user, good until the next change. Nothing falls back on the way for want
 * of room, unless something did before (or may: was_full).
 */
const char *install_change(struct world *w, const char *text, bool was_full);
/* It is in force. */
void install_taken(struct world *w, const char *text);
/* It is refused in this line, and nothing is in use that was not before. */
void install_refused(struct world *w, const char *text, const char *line);
#define FULL(prefix) prefix ": the table is full, "

#endif
