// SPDX-License-Identifier: GPL-2.0-only
/*
 * The lease: in force as long as the maps can be trusted, to the best of our knowledge.
 *
 * While notifications are missing nothing extends it, so that the kernel takes over if it takes too long to
 * learn what they said.
 */
#include "sync_internal.h"

#include "sync_guard.h"

static bool extend_lease(struct daemon *d)
{
	bool valid = datapath_extend_lease(d->datapath, d->config.lease);

	if (valid)
		d->sync->lease_renewed_ns = now_ns();
	return valid;
}

void sync_keep_alive(struct daemon *d)
{
	uint64_t third = d->config.lease * 1000000000ULL / 3;

	d->sync->since_keepalive = 0;
	if (!d->sync->lost.any && d->sync->lease_renewed_ns &&
	    now_ns() - d->sync->lease_renewed_ns > third)
		extend_lease(d);
}

/*
 * The lease counts from a time at which the mirror was known to be right: if the daemon is stopped after it,
 * this grants nothing when the daemon goes on. A firewall that came while nobody looked is in force by then.
 */
void sync_renew_lease(struct daemon *d)
{
	uint64_t begin = now_ns();

	sync_drain(d, 1);
	if (d->sync->lost.any)
		return;
	guard_refresh(d);
	datapath_grant_lease(d->datapath, begin, d->config.lease);
	d->sync->lease_renewed_ns = begin;
}

/* It ran out: whatever was announced meanwhile may be lost, and is not waited for. */
static bool recover_lease(struct daemon *d)
{
	log_warning(
		"lease: ran out: the daemon was stopped or too busy, forwarding again after a full sync");
	redirects_doubt(d);
	if (sync_resync(d, "lease ran out"))
		return false;
	sync_renew_lease(d);
	return true;
}

/* Was it over before anything was lost, as far as is known? Then not the losses are to blame. */
static bool ran_out_before(const struct daemon *d)
{
	const struct sync *s = d->sync;

	return s->lost.since_ns - s->lease_renewed_ns >= d->config.lease * 1000000000ULL;
}

bool sync_hold_lease(struct daemon *d)
{
	struct sync_lost *lost = &d->sync->lost;

	if (!lost->any)
		return extend_lease(d) || recover_lease(d);
	if (!datapath_lease_valid(d->datapath) && !lost->said) {
		log_warning(
			"lease: ran out: %s, the kernel forwards until a dump has gone through",
			ran_out_before(d)
				? "the daemon was stopped or too busy, and notifications were lost"
				: "notifications are lost faster than dumps go through");
		lost->said = true;
	}
	return true;
}
