// SPDX-License-Identifier: GPL-2.0-only
/* Writes the table `filter` of legacy iptables through setsockopt(). */
#include "support_xtables.h"

#include <errno.h>
#include <netinet/in.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { BLOB_SIZE = 4096 };

static size_t put(uint8_t *at, const void *target, size_t size)
{
	struct ipt_entry entry = { .target_offset = sizeof(entry),
				   .next_offset = sizeof(entry) + size };

	memcpy(at, &entry, sizeof(entry));
	memcpy(at + sizeof(entry), target, size);
	return sizeof(entry) + size;
}

size_t put_standard(uint8_t *at, int verdict)
{
	const struct xt_standard_target target = {
		.target.u.user.target_size = sizeof(target),
		.verdict = -verdict - 1,
	};

	return put(at, &target, sizeof(target));
}

static size_t put_end(uint8_t *at)
{
	const struct xt_error_target target = {
		.target.u.user = { .target_size = sizeof(target), .name = XT_ERROR_TARGET },
		.errorname = "ERROR",
	};

	return put(at, &target, sizeof(target));
}

int legacy_filter(int fd, int rule_in, int forward_policy)
{
	static const int hooks[] = { NF_INET_LOCAL_IN, NF_INET_FORWARD, NF_INET_LOCAL_OUT };
	struct ipt_replace *head = calloc(1, sizeof(*head) + BLOB_SIZE);
	struct ipt_getinfo info = { .name = "filter" };
	struct xt_counters counters[16];
	socklen_t size = sizeof(info);
	uint8_t *blob;
	int err = 0;

	if (!head)
		return -ENOMEM;
	blob = (uint8_t *)head->entries;
	if (getsockopt(fd, SOL_IP, IPT_SO_GET_INFO, &info, &size))
		err = -errno;
	for (int i = 0; i < 3; i++) {
		head->hook_entry[hooks[i]] = head->size;
		if (hooks[i] == rule_in) {
			head->size += put_standard(blob + head->size, NF_ACCEPT);
			head->num_entries++;
		}
		head->underflow[hooks[i]] = head->size;
		head->size += put_standard(blob + head->size, hooks[i] == NF_INET_FORWARD
								      ? forward_policy
								      : NF_ACCEPT);
		head->num_entries++;
	}
	head->size += put_end(blob + head->size);
	head->num_entries++;
	snprintf(head->name, sizeof(head->name), "filter");
	head->valid_hooks = info.valid_hooks;
	head->num_counters = info.num_entries;
	head->counters = counters;
	if (!err && setsockopt(fd, SOL_IP, IPT_SO_SET_REPLACE, head, sizeof(*head) + head->size))
		err = -errno;
	free(head);
	return err;
}
