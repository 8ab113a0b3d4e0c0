/* SPDX-License-Identifier: GPL-2.0-only */
/* Batches of user routes for tests: a mirror that they go to, a text into it, and what it has then. */
#ifndef SUPPORT_BATCH_H
#define SUPPORT_BATCH_H

#include "daemon/user_batch.h"

/* eth2 192.0.2.254/24, eth3 198.51.100.254/24, eth4 without, eth5 no Ethernet. */
extern struct mirror *batch_mirror;
int batch_setup(void **state);
int batch_teardown(void **state);

/* As a file, or, where something is deleted, as a batch: only these may, and have to name every verb. */
int batch_add_text(struct user_batch *batch, const char *text, struct user_error *error);
/* The whole way of a batch that is fine. */
struct user_counts batch_applied(const char *text);
/* What the mirror has, a line for each route; the caller's. */
char *batch_routes(void);
void batch_assert_routes(const char *expected);

#define ASSERT_COUNTS(c, added_, replaced_, deleted_, unchanged_)                                  \
	do {                                                                                       \
		struct user_counts counts_ = (c);                                                  \
                                                                                                   \
		assert_int_equal(counts_.added, added_);                                           \
		assert_int_equal(counts_.replaced, replaced_);                                     \
		assert_int_equal(counts_.deleted, deleted_);                                       \
		assert_int_equal(counts_.unchanged, unchanged_);                                   \
	} while (0)

#endif
