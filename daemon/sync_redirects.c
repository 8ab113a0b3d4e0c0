// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the kernel may have learnt from ICMP redirects, which it does not announce.
 *
 * While a device accepts them it may learn of other gateways at any time. It forgets each after
 * net.ipv4.route.gc_timeout, and a dump shows only those that a packet has used since. So once nothing
 * accepts them any more, and if any came, that time has to pass, and then a dump has to show none. What was learnt before
 * the daemon came, or while it did not look at the setting, is known by dumps alone. These take the
 * kernel a tenth of a second in a full table, so not every resync has one.
 */
#include "sync_redirects.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "clock.h"
#include "daemon.h"
#include "log.h"
#include "sysctl.h"

#define SECOND	 1000000000ULL
#define LOOK_NS	 (60 * SECOND) /* between dumps while there are some */
#define ACCEPTED UINT64_MAX

/* The number below `name` in the first two lines that begin with "Icmp:": names, and numbers. */
static bool find_number(FILE *file, const char *name, uint64_t *ret)
{
	char names[512], numbers[512], *name_at, *number_at, *word, *number;

	do {
		if (!fgets(names, sizeof(names), file))
			return false;
	} while (strncmp(names, "Icmp:", 5) != 0);
	if (!fgets(numbers, sizeof(numbers), file))
		return false;
	word = strtok_r(names, " ", &name_at);
	number = strtok_r(numbers, " ", &number_at);
	while (word && number && strcmp(word, name) != 0) {
		word = strtok_r(NULL, " ", &name_at);
		number = strtok_r(NULL, " ", &number_at);
	}
	if (!word || !number)
		return false;
	*ret = strtoull(number, NULL, 10);
	return true;
}

/* How many came since the namespace is there, believed or not. Where that cannot be read, always more. */
static uint64_t count(const struct redirects *r)
{
	FILE *file = fopen("/proc/net/snmp", "re");
	uint64_t ret;
	bool known = file && find_number(file, "InRedirects", &ret);

	if (file)
		fclose(file);
	return known ? ret : r->came + 1;
}

bool redirects_left(const struct daemon *d)
{
	return d->redirects.gone_ns || d->redirects.found;
}

static void tell(struct daemon *d)
{
	bool now;

	mirror_set_redirected(d->mirror, redirects_left(d));
	now = mirror_may_be_redirected(d->mirror);
	if (now != d->redirects.told)
		log_info(
			now ? "redirects: the kernel may know other gateways than its routes name, "
			      "leaving packets for gateways to it"
			    : "redirects: the kernel knows no other gateways than its routes name, "
			      "forwarding to gateways again");
	d->redirects.told = now;
}

static int dump(struct daemon *d)
{
	struct redirects *r = &d->redirects;
	int err = netlink_dump_redirected(d->netlink, &r->found);

	if (err)
		return err;
	r->known = !r->found;
	r->look_ns = now_ns() + LOOK_NS;
	tell(d);
	return 0;
}

int redirects_resync(struct daemon *d)
{
	return d->redirects.known ? 0 : dump(d);
}

void redirects_doubt(struct daemon *d)
{
	d->redirects.known = false;
}

/* What was accepted has expired, or what was found may have: unless a dump fails or shows some. */
static void look_for_the_rest(struct daemon *d)
{
	struct redirects *r = &d->redirects;
	uint64_t expired = r->gone_ns;
	int err;

	r->gone_ns = 0;
	err = dump(d);
	if (!err)
		return;
	log_debug("redirects: dump failed: %s, trying again soon", strerror(-err));
	r->gone_ns = expired;
}

void redirects_look(struct daemon *d)
{
	struct redirects *r = &d->redirects;
	uint64_t now = now_ns(), came = 0;

	if (!mirror_accepts_redirects(d->mirror))
		came = count(r);
	if (mirror_accepts_redirects(d->mirror))
		r->gone_ns = ACCEPTED;
	else if (r->gone_ns == ACCEPTED)
		r->gone_ns = came == r->before ? 0 : now + (sysctl_redirect_seconds() + 1) * SECOND;
	else if (r->gone_ns ? now >= r->gone_ns : r->found && now >= r->look_ns)
		look_for_the_rest(d);
	/* Of those that came since the last look one may have been believed already: hence two counts. */
	if (!r->gone_ns) {
		r->before = r->came;
		r->came = came;
	}
	tell(d);
}
