// SPDX-License-Identifier: GPL-2.0-only
/*
 * libFuzzer: any bytes as a file of user routes. A refusal is one line that can be shown; what is accepted
 * can be written down and read again, and a change that is taken back leaves nothing.
 */
#include "fuzz.h"

#include <errno.h>
#include "../../daemon/mirror_user.h"
#include "../../daemon/user_batch.h"

static void check_error(const struct user_error *error)
{
	if (!memchr(error->text, 0, sizeof(error->text)) || !error->text[0])
		FINDING("refused without a word");
	if (strchr(error->text, '\n'))
		FINDING("refused in several lines: %s", error->text);
}

/* Is it the same when it is written down and read again? */
static void check_round_trip(const struct user_route *route)
{
	const char *words[USER_WORDS_MAX];
	char line[USER_LINE_MAX], *copy;
	struct user_command again;
	struct user_error error;
	int n;

	user_format(route, line);
	copy = strdup(line);
	if (!copy)
		return;
	n = user_split(copy, words, &error);
	if (n <= 0 || user_parse(words, (unsigned int)n, USER_VERB_OPTIONAL, &again, &error))
		FINDING("written as '%s', which is refused: %s", line, error.text);
	if (!mirror_user_same(&again.route, route))
		FINDING("written as '%s', which is another route", line);
	mirror_user_release(&again.route);
	free(copy);
}

static int on_refused(void *ctx, const struct user_error *error)
{
	(void)ctx;
	check_error(error);
	return 0;
}

static void check_system(struct user_batch *batch, const struct mirror *mirror)
{
	static struct user_cpus cpus;
	struct user_check *check = calloc(1, sizeof(*check));

	if (!check)
		return;
	user_cpus_parse("0-3", &cpus);
	check->mirror = mirror;
	check->present = check->online = &cpus;
	check->has_xdp = true;
	user_batch_check(batch, check, on_refused, NULL);
	free(check);
}

static void apply(struct user_batch *batch, struct mirror *mirror)
{
	uint32_t before = mirror_user_count(mirror);
	struct user_counts counts;

	if (user_batch_apply(batch, mirror, &counts))
		return;
	if (mirror_user_count(mirror) != before + counts.added - counts.deleted)
		FINDING("%u added, %u deleted, %u before, %u after", counts.added, counts.deleted,
			before, mirror_user_count(mirror));
	if (!user_batch_undo(batch, mirror) && mirror_user_count(mirror) != before)
		FINDING("taken back, and %u routes are %u", before, mirror_user_count(mirror));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mirror *mirror = fuzz_mirror();
	char *text = fuzz_text(data, size);
	struct user_error error = { "" };
	struct user_batch batch;
	int err;

	if (!text)
		return 0;
	user_batch_init(&batch, mirror);
	err = user_batch_text(&batch, "routes.conf", text, USER_VERB_OPTIONAL, &error);
	if (err == -EINVAL)
		check_error(&error);
	for (uint32_t i = 0; !err && i < batch.n; i++)
		if (batch.items[i].command.verb != USER_DEL)
			check_round_trip(&batch.items[i].command.route);
	if (!err) {
		check_system(&batch, mirror);
		apply(&batch, mirror);
	}
	user_batch_free(&batch);
	free(text);
	return 0;
}
