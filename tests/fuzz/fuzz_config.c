// SPDX-License-Identifier: GPL-2.0-only
/* libFuzzer: any bytes as a configuration file. What is accepted lies within its limits. */
#include "fuzz.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>
#include "../../daemon/config.h"

static void check(const struct config *c)
{
	if (!c->lease || c->lease > 3600)
		FINDING("a lease of %u seconds", c->lease);
	if (!c->nexthops || !c->adjacencies || !c->groups || !c->neighbours ||
	    !c->extension_groups || !c->lpm_routes)
		FINDING("a table of no entries");
	if (c->hook > HOOK_CHOICE_TC || c->fib > FIB_CHOICE_LPM)
		FINDING("a choice that there is not");
	if (!c->instance[0] || strpbrk(c->instance, "/. \n"))
		FINDING("instance '%s'", c->instance);
	for (size_t i = 0; i < c->n_interfaces; i++)
		if (!c->interfaces[i][0])
			FINDING("an interface without a name");
}

/* A second file that says nothing: what SIGHUP would change is told in one buffer. */
static void adopt(struct config *config)
{
	char *argv[] = { "ebpf-routed", "--config", "/dev/null", NULL };
	struct config fresh;
	char others[64];

	if (!config_read(&fresh, 3, argv)) {
		config_adopt(config, &fresh, others, sizeof(others));
		if (!memchr(others, 0, sizeof(others)))
			FINDING("names without an end");
	}
	config_free(&fresh);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[32], *argv[] = { "ebpf-routed", "--config", path, NULL };
	struct config config;
	int fd = memfd_create("fuzz", MFD_CLOEXEC), err;

	if (fd < 0)
		return 0;
	if (write(fd, data, size) != (ssize_t)size)
		goto out;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	err = config_read(&config, 3, argv);
	if (err && err != -EINVAL)
		FINDING("an error that the interface does not name: %d", err);
	if (!err) {
		check(&config);
		adopt(&config);
	}
	config_free(&config);
out:
	close(fd);
	return 0;
}
