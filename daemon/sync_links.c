// SPDX-License-Identifier: GPL-2.0-only
/*
 * See sync_links.h. The socket that is read here has nothing that the other one does not bring as well:
 * what is lost or looked at twice here costs time only. A link that stopped stays so until all that was
 * announced has been applied (mirror_caught_up()), even if it came up again, for its routes are gone.
 */
#include "sync_links.h"

#include "daemon.h"
#include "resolve.h"
#include "sync_guard.h"

static int on_link(void *ctx, const struct event *ev)
{
	struct daemon *d = ctx;

	if (ev->kind != EVENT_LINK || (ev->op != EVENT_DEL && resolve_is_up(&ev->link)))
		return 0;
	if (mirror_link_stopped(d->mirror, ev->link.ifindex))
		fib_port_down(d->fib, ev->link.ifindex);
	return 0;
}

void links_look(struct daemon *d)
{
	if (d->links)
		netlink_links_receive(d->links, on_link, d);
}

static void look(void *ctx)
{
	links_look(ctx);
	guard_look(ctx);
	sync_keep_alive(ctx);
}

void links_watch(struct daemon *d)
{
	mirror_set_pause(d->mirror, look, d);
}
