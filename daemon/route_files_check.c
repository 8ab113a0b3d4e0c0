// SPDX-License-Identifier: GPL-2.0-only
/*
 * --check-config, of the files of user routes: what a start would say of them, without one.
 *
 * The system is looked at as far as whoever asks may: a mistake in a file is one wherever it is read.
 */
#include "log.h"
#include "route_change.h"
#include "route_files_internal.h"

static int take(void *ctx, const struct event *ev)
{
	struct daemon *d = ctx;

	return mirror_apply(d->mirror, ev);
}

static int open_system(struct daemon *d)
{
	const struct netlink_options options = { 0 };
	int err = d->config.netns ? instance_enter_netns(d->config.netns) : 0;

	if (!err)
		err = netlink_open(&d->netlink, &options);
	if (err)
		return err;
	d->mirror = mirror_new();
	return d->mirror ? netlink_dump(d->netlink, take, d) : -ENOMEM;
}

static void compare_system(struct daemon *d, struct user_batch *batch)
{
	struct user_error error;
	int err = open_system(d);

	if (err)
		log_warning("%s: devices and addresses cannot be looked at: %s, going on without",
			    route_files_directory(d), strerror(-err));
	else if (route_change_check(d, batch, CHANGE_EARLY, &error))
		log_warning("%s", error.text);
	mirror_destroy(d->mirror);
	netlink_close(d->netlink);
	d->mirror = NULL;
	d->netlink = NULL;
}

int route_files_check(struct daemon *d)
{
	struct file_set files = { 0 };
	struct user_batch batch;
	struct user_error error;
	int err;

	user_batch_init(&batch, NULL);
	err = file_set_list(d, NULL, &files, &error);
	if (!err)
		err = file_set_read(&files, NULL, NULL, &batch, &error);
	if (err)
		log_error("%s, not valid", error.text);
	else if (batch.n)
		compare_system(d, &batch);
	user_batch_free(&batch);
	file_set_free(&files);
	return err;
}
