// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which filters, tc programs and qdiscs of an interface do not see what the fast path forwards.
 *
 * XDP runs before tc at the ingress, and what it sends goes to the driver: nothing of the egress sees it, on
 * any port that frames may leave by. At the tc ingress ours comes last, and what it sends goes the kernel's
 * way out; only a filter with a larger preference number would come after it.
 */
#include "sync_bypassed.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "../netlink/qdiscs.h"
#include "daemon.h"
#include "log.h"

enum cause { INGRESS_FILTER, INGRESS_TCX, EGRESS_FILTER, EGRESS_TCX, CAUSES };

static const char *const cause_names[CAUSES] = {
	[INGRESS_FILTER] = "tc ingress filter",
	[INGRESS_TCX] = "tcx ingress program",
	[EGRESS_FILTER] = "tc egress filter",
	[EGRESS_TCX] = "tcx egress program",
};

/* Of one interface. */
struct finding {
	uint32_t ifindex;
	bool has_filters; /* or may have: the qdisc for them is there */
	bool qdisc_is_root;
	bool causes[CAUSES];
	char qdisc[16]; /* that is bypassed, or would be; "": plain queues only */
};

struct findings {
	struct finding *list; /* in the order of the ifindex once complete */
	size_t n, room;
};

struct bypassed {
	struct findings qdiscs; /* as last read, in no order: what may be bypassed */
	struct findings known;	/* what is bypassed */
	bool unreadable;	/* said already */
	struct log_limit limit;
};

struct bypassed *bypassed_new(void)
{
	struct bypassed *b = calloc(1, sizeof(*b));

	if (b)
		b->limit = LOG_LIMIT(100, 60);
	return b;
}

void bypassed_destroy(struct bypassed *b)
{
	if (!b)
		return;
	free(b->qdiscs.list);
	free(b->known.list);
	free(b);
}

static struct finding *find(const struct findings *f, uint32_t ifindex)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->list[i].ifindex == ifindex)
			return &f->list[i];
	return NULL;
}

static struct finding *find_or_add(struct findings *f, uint32_t ifindex)
{
	struct finding *found = find(f, ifindex);

	if (found)
		return found;
	if (f->n == f->room) {
		size_t room = f->room ? 2 * f->room : 16;
		struct finding *grown = reallocarray(f->list, room, sizeof(*grown));

		if (!grown)
			return NULL;
		f->list = grown;
		f->room = room;
	}
	f->list[f->n] = (struct finding){ .ifindex = ifindex };
	return &f->list[f->n++];
}

/* Queues that neither shape nor sort out packets more than a driver's ring does, whoever set them up. */
static bool is_plain(const struct qdisc *qdisc)
{
	static const char *const plain[] = { "noqueue", "pfifo_fast", "pfifo",	 "bfifo",
					     "mq",	"fq",	      "fq_codel" };

	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		if (strcmp(qdisc->kind, plain[i]) == 0)
			return true;
	return qdisc->by_kernel;
}

/* The root counts before what is inside of it. */
static int on_qdisc(void *ctx, const struct qdisc *qdisc)
{
	bool root = qdisc->place == QDISC_ROOT;
	struct finding *finding;

	if (qdisc->place != QDISC_FILTERS && is_plain(qdisc))
		return 0;
	finding = find_or_add(ctx, qdisc->ifindex);
	if (!finding)
		return -ENOMEM;
	if (qdisc->place == QDISC_FILTERS) {
		finding->has_filters = true;
	} else if (!finding->qdisc[0] || (root && !finding->qdisc_is_root)) {
		finding->qdisc_is_root = root;
		snprintf(finding->qdisc, sizeof(finding->qdisc), "%s", qdisc->kind);
	}
	return 0;
}

/* ---- what of it is bypassed ---------------------------------------------------------- */

static bool is_xdp(enum hook hook)
{
	return hook == HOOK_XDP || hook == HOOK_XDP_GENERIC;
}

/* What ports need, one of these, to be a way out of XDP; 0: nothing is forwarded by XDP. */
static uint16_t way_out_flags(const struct daemon *d)
{
	uint16_t flags = 0;

	if (d->config.observe)
		return 0;
	for (uint32_t i = attach_next(d->attachments, 0); i; i = attach_next(d->attachments, i)) {
		if (attach_hook(d->attachments, i) == HOOK_XDP)
			flags |= PORT_XMIT_NATIVE;
		else if (attach_hook(d->attachments, i) == HOOK_XDP_GENERIC)
			flags |= PORT_XMIT_GENERIC;
	}
	return flags;
}

static bool is_way_out(const struct daemon *d, uint32_t ifindex, uint16_t flags)
{
	uint16_t port = fib_port_of(d->fib, ifindex);

	return port && datapath_port(d->datapath, port).flags & flags;
}

static void look_at_ingress(const struct daemon *d, struct netlink_filters *filters,
			    struct finding *finding)
{
	enum hook hook = attach_hook(d->attachments, finding->ifindex);
	struct attach_others others;

	if (hook == HOOK_NONE || d->config.observe)
		return;
	attach_look_at_others(d->attachments, finding->has_filters ? filters : NULL,
			      finding->ifindex, false, &others);
	finding->causes[INGRESS_FILTER] = is_xdp(hook) ? others.filters : others.behind;
	finding->causes[INGRESS_TCX] = is_xdp(hook) && others.tcx;
}

static void look_at_egress(const struct daemon *d, struct netlink_filters *filters, uint16_t flags,
			   struct finding *finding)
{
	struct attach_others others;

	if (!is_way_out(d, finding->ifindex, flags)) {
		finding->qdisc[0] = '\0';
		return;
	}
	attach_look_at_others(d->attachments, finding->has_filters ? filters : NULL,
			      finding->ifindex, true, &others);
	finding->causes[EGRESS_FILTER] = others.filters;
	finding->causes[EGRESS_TCX] = others.tcx;
}

static bool is_empty(const struct finding *finding)
{
	for (int i = 0; i < CAUSES; i++)
		if (finding->causes[i])
			return false;
	return !finding->qdisc[0];
}

/* 0 with what is bypassed now in *ret, or -ENOMEM. */
static int look(const struct daemon *d, const struct findings *qdiscs,
		struct netlink_filters *filters, struct findings *ret)
{
	uint16_t flags = way_out_flags(d);
	const struct mirror_link *link;

	for (link = mirror_next_link(d->mirror, 0); link;
	     link = mirror_next_link(d->mirror, link->e.ifindex)) {
		const struct finding *known = find(qdiscs, link->e.ifindex);
		struct finding finding = { .ifindex = link->e.ifindex }, *kept;

		if (known)
			finding = *known;
		look_at_ingress(d, filters, &finding);
		look_at_egress(d, filters, flags, &finding);
		if (is_empty(&finding))
			continue;
		kept = find_or_add(ret, link->e.ifindex);
		if (!kept)
			return -ENOMEM;
		*kept = finding;
	}
	return 0;
}

void bypassed_read(struct bypassed *b, struct netlink_qdiscs *qdiscs)
{
	int err;

	b->qdiscs.n = 0;
	err = netlink_qdiscs_dump(qdiscs, on_qdisc, &b->qdiscs);
	if (err == -EOPNOTSUPP)
		err = 0; /* no qdiscs, nothing bypassed */
	if (err && !b->unreadable)
		log_warning("tc: qdiscs cannot be read: %s, what is bypassed is not known",
			    strerror(-err));
	b->unreadable = err;
}

bool bypassed_may_have_filters(const struct bypassed *b, uint32_t ifindex)
{
	const struct finding *finding = find(&b->qdiscs, ifindex);

	return b->unreadable || (finding && finding->has_filters);
}

/* ---- what has changed ---------------------------------------------------------------- */

static void say_filter(const struct mirror_link *link, enum cause cause, bool now)
{
	bool egress = cause == EGRESS_FILTER || cause == EGRESS_TCX;

	if (!now)
		log_info("%s: %s: no longer bypassed", link->e.name, cause_names[cause]);
	else if (!egress && link->hook == HOOK_TC)
		log_warning("%s: %s: does not see what is forwarded: it comes after pref 65000",
			    link->e.name, cause_names[cause]);
	else
		log_warning(
			"%s: %s: does not see what XDP forwards; what --hook tc forwards it does",
			link->e.name, cause_names[cause]);
}

static void say_qdisc(const struct mirror_link *link, const char *was, const char *is)
{
	if (*is)
		log_warning(
			"%s: qdisc %s: does not see what XDP forwards; what --hook tc forwards it does",
			link->e.name, is);
	else
		log_info("%s: qdisc %s: no longer bypassed", link->e.name, was);
}

static void say_changes(struct bypassed *b, const struct mirror_link *link,
			const struct finding *was, const struct finding *is)
{
	for (int i = 0; i < CAUSES; i++)
		if (was->causes[i] != is->causes[i] && log_allowed(&b->limit))
			say_filter(link, i, is->causes[i]);
	if (strcmp(was->qdisc, is->qdisc) != 0 && log_allowed(&b->limit))
		say_qdisc(link, was->qdisc, is->qdisc);
}

void bypassed_look(struct daemon *d, struct bypassed *b, struct netlink_filters *filters)
{
	static const struct finding nothing;
	const struct mirror_link *link;
	struct findings now = { 0 };

	if (b->unreadable || look(d, &b->qdiscs, filters, &now)) {
		free(now.list);
		return;
	}
	for (link = mirror_next_link(d->mirror, 0); link;
	     link = mirror_next_link(d->mirror, link->e.ifindex)) {
		const struct finding *was = find(&b->known, link->e.ifindex);
		const struct finding *is = find(&now, link->e.ifindex);

		if (was || is)
			say_changes(b, link, was ? was : &nothing, is ? is : &nothing);
	}
	free(b->known.list);
	b->known = now;
}

const char *bypassed_name(const struct bypassed *b, uint32_t ifindex, unsigned int i,
			  char buf[BYPASSED_LEN])
{
	const struct finding *finding = find(&b->known, ifindex);

	if (!finding)
		return NULL;
	for (int cause = 0; cause < CAUSES; cause++)
		if (finding->causes[cause] && !i--)
			return cause_names[cause];
	if (i || !finding->qdisc[0])
		return NULL;
	snprintf(buf, BYPASSED_LEN, "qdisc %s", finding->qdisc);
	return buf;
}
