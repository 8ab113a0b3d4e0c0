// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does legacy iptables have to see forwarded packets?
 *
 * Only tables that /proc/net/ip_tables_names lists are asked for: any other name would make the
 * kernel load a module and create the table. iptables over nftables, Debian's default, is not seen
 * here but in guard_nft.c. Each hook of a table ends in its policy, an entry of its own; a hook
 * that begins with it has no rules.
 */
#include "guard_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	NAMES_SIZE = 1024, /* the kernel has five tables */
	TRIES = 5	   /* for a table that is replaced while it is read */
};

static const struct {
	unsigned int hook;
	const char *has_rules, *has_policy;
} hooks[] = {
	{ NF_INET_PRE_ROUTING, "PREROUTING has rules", "PREROUTING has policy DROP" },
	{ NF_INET_FORWARD, "FORWARD has rules", "FORWARD has policy DROP" },
	{ NF_INET_POST_ROUTING, "POSTROUTING has rules", "POSTROUTING has policy DROP" },
};

/* The verdict of a policy entry at that offset; the kernel allows only standard targets there. */
static int policy_verdict(const uint8_t *entries, uint32_t size, uint32_t offset, int *ret)
{
	struct xt_standard_target target;
	struct ipt_entry entry;

	if (offset > size || size - offset < sizeof(entry))
		return -EBADMSG;
	memcpy(&entry, entries + offset, sizeof(entry));
	if (entry.target_offset < sizeof(entry) || entry.target_offset > size - offset ||
	    size - offset - entry.target_offset < sizeof(target))
		return -EBADMSG;
	memcpy(&target, entries + offset + entry.target_offset, sizeof(target));
	if (target.target.u.user.name[0] != '\0')
		return -EBADMSG;
	*ret = target.verdict;
	return 0;
}

int guard_decode_xtables(const struct ipt_getinfo *info, const void *entries,
			 const char **ret_finding)
{
	const char *finding = NULL;
	int verdict, err;

	for (size_t i = 0; i < sizeof(hooks) / sizeof(hooks[0]) && !finding; i++) {
		unsigned int hook = hooks[i].hook;

		if (!(info->valid_hooks & 1U << hook))
			continue;
		if (info->hook_entry[hook] != info->underflow[hook]) {
			finding = hooks[i].has_rules;
			break;
		}
		err = policy_verdict(entries, info->size, info->underflow[hook], &verdict);
		if (err)
			return err;
		if (verdict != -NF_ACCEPT - 1)
			finding = hooks[i].has_policy;
	}
	*ret_finding = finding;
	return 0;
}

/* Of the last one the target has an error, of policies and plain rules a verdict. */
static bool entry_tracks(const struct ipt_entry *entry, const struct xt_entry_target *target)
{
	return entry->target_offset != sizeof(*entry) ||
	       (target->u.user.name[0] && strcmp(target->u.user.name, XT_ERROR_TARGET) != 0);
}

bool guard_table_tracks(const struct ipt_getinfo *info, const void *entries)
{
	const uint8_t *at = entries, *end = at + info->size;
	struct xt_entry_target target;
	struct ipt_entry entry;

	for (; at < end; at += entry.next_offset) {
		if ((size_t)(end - at) < sizeof(entry) + sizeof(target))
			return true;
		memcpy(&entry, at, sizeof(entry));
		memcpy(&target, at + sizeof(entry), sizeof(target));
		if (entry.next_offset < sizeof(entry) || entry.next_offset > end - at ||
		    entry_tracks(&entry, &target))
			return true;
	}
	return false;
}

/* Gone since it was listed: nothing there. */
static int translate(int error)
{
	return error == ENOENT || error == ENOPROTOOPT ? 0 : -error;
}

static int read_table(int fd, const char *name, const struct ipt_getinfo *info,
		      struct guard_finding *ret)
{
	socklen_t size = sizeof(struct ipt_get_entries) + info->size;
	struct ipt_get_entries *entries = calloc(1, size);
	const char *finding = NULL;
	int err;

	if (!entries)
		return -ENOMEM;
	snprintf(entries->name, sizeof(entries->name), "%s", name);
	entries->size = info->size;
	err = getsockopt(fd, SOL_IP, IPT_SO_GET_ENTRIES, entries, &size) ? translate(errno) : 0;
	if (!err && entries->size == info->size)
		err = guard_decode_xtables(info, entries->entrytable, &finding);
	if (!err && !finding)
		ret->tracks |= guard_table_tracks(info, entries->entrytable);
	if (finding) {
		ret->found = true;
		snprintf(ret->detail, sizeof(ret->detail), "iptables: table %s: %s", name, finding);
	}
	free(entries);
	return err;
}

static int look_at(int fd, const char *name, struct guard_finding *ret)
{
	struct ipt_getinfo info = { 0 };
	socklen_t size = sizeof(info);
	int err = -EAGAIN;

	if (strlen(name) >= sizeof(info.name))
		return -EBADMSG;
	for (int i = 0; i < TRIES && err == -EAGAIN; i++) {
		snprintf(info.name, sizeof(info.name), "%s", name);
		if (getsockopt(fd, SOL_IP, IPT_SO_GET_INFO, &info, &size))
			return translate(errno);
		err = read_table(fd, name, &info, ret);
	}
	/* Once made it stays until the namespace or its module goes, and NAT with it. */
	if (strcmp(name, "nat") == 0)
		snprintf(ret->nat, sizeof(ret->nat), "iptables table %s", name);
	return err;
}

/* The names as the file has them, one a line. Kept open: privileges may be dropped later. */
static int read_names(struct guard *guard, char names[NAMES_SIZE])
{
	ssize_t n = -1;

	names[0] = '\0';
	if (guard->names_fd >= 0)
		n = pread(guard->names_fd, names, NAMES_SIZE - 1, 0);
	if (n < 0) {
		/* First look, or ip_tables was unloaded meanwhile. */
		if (guard->names_fd >= 0)
			close(guard->names_fd);
		guard->names_fd =
			open("/proc/thread-self/net/ip_tables_names", O_RDONLY | O_CLOEXEC);
		if (guard->names_fd < 0)
			return errno == ENOENT ? 0 : -errno;
		n = pread(guard->names_fd, names, NAMES_SIZE - 1, 0);
		if (n < 0)
			return -errno;
	}
	names[n] = '\0';
	return 0;
}

int guard_look_xtables(struct guard *guard, struct guard_finding *ret)
{
	char names[NAMES_SIZE], *rest = NULL;
	int err = read_names(guard, names);

	for (char *name = strtok_r(names, "\n", &rest); name && !err && !ret->found;
	     name = strtok_r(NULL, "\n", &rest))
		err = look_at(guard->xtables_fd, name, ret);
	return err;
}
