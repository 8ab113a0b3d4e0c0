// SPDX-License-Identifier: GPL-2.0-only
/*
 * ebpf-routed with ports of both hooks at once: tc where the name of the device ends in an even digit, XDP elsewhere.
 *
 * `--hook auto` mixes them by driver, but to veth, of which labs are made, it always gives tc. Nothing
 * else differs from the daemon.
 */
#include <string.h>
#include "daemon/attach.h"

typeof(attach_link) __real_attach_link, __wrap_attach_link;

int __wrap_attach_link(struct attachments *a, const struct mirror_link *link,
		       enum hook_choice choice, enum hook *ret_hook, char *why, size_t why_size)
{
	size_t len = strlen(link->e.name);

	choice = len && strchr("02468", link->e.name[len - 1]) ? HOOK_CHOICE_TC : HOOK_CHOICE_XDP;
	return __real_attach_link(a, link, choice, ret_hook, why, why_size);
}
