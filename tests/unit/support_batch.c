// SPDX-License-Identifier: GPL-2.0-only
/* Batches of user routes for tests: see support_batch.h. */
#include "support_batch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "daemon/mirror_user.h"
#include "support_events.h"

struct mirror *batch_mirror;

int batch_setup(void **state)
{
	(void)state;
	batch_mirror = mirror_new();
	assert_non_null(batch_mirror);
	for (uint32_t i = 2; i <= 5; i++) {
		struct event *ev = ev_link(EVENT_NEW, i, LINK_RUNS);

		if (i == 5)
			ev->link.type = ARPHRD_PPP;
		mirror_apply(batch_mirror, ev);
	}
	mirror_apply(batch_mirror, ev_address(EVENT_NEW, 2, "192.0.2.254", 24));
	mirror_apply(batch_mirror, ev_address(EVENT_NEW, 3, "198.51.100.254", 24));
	return 0;
}

int batch_teardown(void **state)
{
	(void)state;
	mirror_destroy(batch_mirror);
	return 0;
}

int batch_add_text(struct user_batch *batch, const char *text, struct user_error *error)
{
	enum user_verb_use use = strstr(text, "del ") ? USER_VERB_NEEDED : USER_VERB_OPTIONAL;
	char *copy = strdup(text);
	int err = user_batch_text(batch, "f", copy, use, error);

	free(copy);
	return err;
}

struct user_counts batch_applied(const char *text)
{
	struct user_counts counts;
	struct user_batch batch;
	struct user_error error;

	user_batch_init(&batch, batch_mirror);
	if (batch_add_text(&batch, text, &error))
		fail_msg("refused: %s", error.text);
	assert_int_equal(user_batch_apply(&batch, batch_mirror, &counts), 0);
	user_batch_free(&batch);
	return counts;
}

char *batch_routes(void)
{
	const struct user_route *route = mirror_user_next(batch_mirror, NULL);
	char line[USER_LINE_MAX], *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	for (; route; route = mirror_user_next(batch_mirror, route))
		fprintf(out, "%s\n", user_format(route, line));
	fclose(out);
	return text;
}

void batch_assert_routes(const char *expected)
{
	char *text = batch_routes();

	assert_string_equal(text, expected);
	free(text);
}
