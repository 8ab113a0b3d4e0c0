// SPDX-License-Identifier: GPL-2.0-only
/* Transactions of user routes: see route_change.h. */
#include "route_change.h"

#include "log.h"
#include "sync_wanted.h"
#include "user_install.h"
#include "verify.h"

#define CPUS "/sys/devices/system/cpu"

enum { WARNINGS_MAX = 10 }; /* lines about what a file names and the system has not yet */

/* ---- what the system has ------------------------------------------------------------- */

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

int route_change_check(const struct daemon *d, struct user_batch *batch, enum change_mode mode,
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
	if (names_cpus(batch) && (!user_cpus_read(CPUS "/present", &present) ||
				  !user_cpus_read(CPUS "/online", &online)))
		return user_refuse(error, CPUS ": the CPUs that are there are not told");
	if (mode == CHANGE_STRICT)
		return user_batch_check(batch, &system, on_refused, error);
	user_batch_check(batch, &system, on_missing, &said);
	if (said > WARNINGS_MAX)
		log_warning("user routes: %u more that are not in the fast path yet",
			    said - WARNINGS_MAX);
	return 0;
}

/* ---- applying ------------------------------------------------------------------------ */

static uint32_t count_full(const struct daemon *d)
{
	struct fib_counts counts;

	fib_counts(d->fib, &counts);
	return counts.full;
}

/* What only takes away is never refused for want of room. */
static void say_full(const struct daemon *d, uint32_t before)
{
	uint32_t now = count_full(d);

	if (now > before)
		log_warning(
			"user routes: %u more prefixes have no room (table_full) now that they are no longer hidden, left to the kernel until there is",
			now - before);
}

int route_change(struct daemon *d, struct user_batch *batch, enum change_mode mode,
		 struct user_counts *ret, struct user_error *error)
{
	uint32_t full;
	int err;

	/* What was announced before the call counts: a script may just have made the device. */
	if (mode == CHANGE_STRICT)
		sync_read(d);
	err = route_change_check(d, batch, mode, error);
	full = count_full(d);
	if (!err)
		err = user_install(batch, d->mirror, d->fib,
				   mode == CHANGE_STRICT ? USER_ROOM_NEEDED : USER_ROOM_ANY, ret,
				   error);
	if (err == -ENOTRECOVERABLE)
		log_error("user routes: some of a refused change stay: out of memory");
	if (err)
		return err;
	if (!batch->needs_room)
		say_full(d, full);
	wanted_look(d);
	verify_user_changed(d);
	return 0;
}

uint32_t route_change_full(const struct daemon *d, const struct user_batch *batch)
{
	enum verdict verdict;
	uint32_t n = 0;

	for (uint32_t i = 0; i < batch->n; i++) {
		const struct user_item *item = &batch->items[i];
		const struct rib_entry *entry =
			rib_find(mirror_rib(d->mirror), item->command.route.dst);

		if (item->command.verb == USER_DEL || !user_batch_decides(batch, item))
			continue;
		n += entry && !fib_verdict(d->fib, entry, &verdict, NULL) &&
		     verdict == VERDICT_table_full;
	}
	return n;
}
