// SPDX-License-Identifier: GPL-2.0-only
/* Transactions of user routes: see route_change.h. */
#include "route_change.h"

#include <stdio.h>
#include "log.h"
#include "mirror_user.h"
#include "sync_wanted.h"
#include "verify.h"

enum { WARNINGS_MAX = 10 }; /* lines about what a file names and the system has not yet */

/* ---- what the system has ------------------------------------------------------------- */

static bool read_cpus(const char *what, struct user_cpus *ret)
{
	char path[64], list[4096];
	bool fine = false;
	FILE *file;

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/%s", what);
	file = fopen(path, "re");
	if (!file)
		return false;
	if (fgets(list, sizeof(list), file))
		fine = user_cpus_parse(list, ret);
	fclose(file);
	return fine;
}

static bool names_cpus(const struct user_batch *batch)
{
	for (uint32_t i = 0; i < batch->n; i++)
		if (batch->items[i].command.route.action == USER_CPU)
			return true;
	return false;
}

void route_change_hooks(const struct daemon *d, struct user_check *ret)
{
	unsigned int n[HOOK_TC + 1] = { 0 };

	for (uint32_t i = attach_next(d->attachments, 0); i; i = attach_next(d->attachments, i))
		n[attach_hook(d->attachments, i)]++;
	ret->has_xdp = n[HOOK_XDP] || n[HOOK_XDP_GENERIC];
	ret->all_xdp = n[HOOK_XDP] && !n[HOOK_XDP_GENERIC] && !n[HOOK_TC];
}

static int on_refused(void *ctx, const struct user_error *error)
{
	*(struct user_error *)ctx = *error;
	return -EINVAL;
}

static int on_missing(void *ctx, const struct user_error *error)
{
	unsigned int *said = ctx;

	if ((*said)++ < WARNINGS_MAX)
		log_warning("%s, not in the fast path until that changes", error->text);
	return 0;
}

static int check(const struct daemon *d, const struct user_batch *batch, enum change_mode mode,
		 struct user_error *error)
{
	struct user_cpus present = { { 0 } }, online = { { 0 } };
	struct user_check system = {
		.mirror = d->mirror,
		.present = &present,
		.online = &online,
		.has_xdp = true,
	};
	unsigned int said = 0;

	if (mode == CHANGE_STRICT)
		route_change_hooks(d, &system);
	if (names_cpus(batch) && (!read_cpus("present", &present) || !read_cpus("online", &online)))
		return user_refuse(error,
				   "/sys/devices/system/cpu: the CPUs that are there are not told");
	if (mode == CHANGE_STRICT)
		return user_batch_check(batch, &system, on_refused, error);
	user_batch_check(batch, &system, on_missing, &said);
	if (said > WARNINGS_MAX)
		log_warning("user routes: %u more that are not in the fast path yet",
			    said - WARNINGS_MAX);
	return 0;
}

/* ---- applying ------------------------------------------------------------------------ */

/* Did everything find room? A route that did not would leave its packets to the kernel, quietly. */
static int check_room(const struct daemon *d, const struct user_batch *batch, uint32_t full_before,
		      struct user_error *error)
{
	struct fib_counts counts;

	for (uint32_t i = 0; i < batch->n; i++) {
		const struct user_item *item = &batch->items[i];
		struct prefix dst = item->command.route.dst;
		const struct rib_entry *entry;
		char prefix[PREFIX_STRLEN];
		enum verdict verdict;

		if (item->command.verb == USER_DEL || !user_batch_decides(batch, item))
			continue;
		entry = rib_find(mirror_rib(d->mirror), dst);
		if (!entry || fib_verdict(d->fib, entry, &verdict, NULL) ||
		    verdict != VERDICT_table_full)
			continue;
		destination_format(dst, prefix);
		return item->file ? user_refuse(error, "%.160s:%u: %s: the table is full",
						item->file, item->line, prefix)
				  : user_refuse(error, "%s: the table is full", prefix);
	}
	fib_counts(d->fib, &counts);
	if (counts.full > full_before)
		return user_refuse(error,
				   "user routes: the table is full, %u other routes would go",
				   counts.full - full_before);
	return 0;
}

static int refuse_errno(int err, const char *object, struct user_error *error)
{
	user_refuse(error, "%s: %s", object, strerror(-err));
	return err;
}

int route_change(struct daemon *d, struct user_batch *batch, enum change_mode mode,
		 struct user_counts *ret, struct user_error *error)
{
	struct user_counts counts;
	struct fib_counts before;
	int err;

	/* What was announced before the call counts: a script may just have made the device. */
	if (mode == CHANGE_STRICT)
		sync_read(d);
	err = check(d, batch, mode, error);
	if (err)
		return err;
	fib_counts(d->fib, &before);
	err = user_batch_apply(batch, d->mirror, &counts);
	if (err)
		return refuse_errno(err, "user routes", error);
	err = fib_sync(d->fib);
	err = err < 0 ? refuse_errno(err, "maps", error) : check_room(d, batch, before.full, error);
	if (!err) {
		wanted_look(d);
		verify_user_changed(d);
		*ret = counts;
		return 0;
	}
	if (user_batch_undo(batch, d->mirror))
		log_error("user routes: some of a refused change stay: out of memory");
	fib_sync(d->fib);
	return err;
}
