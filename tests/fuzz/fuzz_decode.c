/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * libFuzzer: any bytes as a netlink message. What decodes must keep the promises of event.h.
 */
#include "fuzz.h"

#include <linux/netlink.h>
#include "../../netlink/decode.h"
#include <linux/netfilter_ipv4/ip_tables.h>
#include "../../netlink/guard_internal.h"
#include "../../netlink/netlink.h"
#include "event_check.h"

static void check(int err, const struct event *ev, const char *reason)
{
	const char *wrong = err ? NULL : event_check(ev);

	if (err && err != -ENOMSG && err != -EBADMSG)
		wrong = "an error that the interface does not name";
	if (err == -EBADMSG && !reason)
		wrong = "refused without a reason";
	if (wrong)
		FINDING("%s", wrong);
}

static void check_guard_error(int err)
{
	if (err && err != -ENOMSG && err != -EBADMSG)
		FINDING("an error that the interface does not name: %d", err);
}

/* What the kernel tells of firewalls and IPsec. */
static void decode_guards(const struct nlmsghdr *nlh)
{
	struct guard_chain chain;
	bool answer;
	int err;

	err = guard_decode_chain(nlh, &chain);
	check_guard_error(err);
	if (!err &&
	    (!chain.table[0] + !chain.name[0] > 2 || guard_chain_concerns(&chain) > chain.base))
		FINDING("a chain without a base concerns us");
	check_guard_error(guard_decode_flowtable(nlh, &chain));
	check_guard_error(guard_decode_policy(nlh, &answer));
	check_guard_error(guard_decode_default(nlh, &answer));
}

/* A table of legacy iptables: what getsockopt() says of it, and its entries. */
static void decode_xtables(const uint8_t *data, size_t size)
{
	const char *finding = NULL;
	struct ipt_getinfo info;
	uint8_t *entries;
	int err;

	if (size < sizeof(info))
		return;
	memcpy(&info, data, sizeof(info));
	info.size = size - sizeof(info);
	entries = malloc(info.size + 1);
	if (!entries)
		return;
	memcpy(entries, data + sizeof(info), info.size);
	err = guard_decode_xtables(&info, entries, &finding);
	if (err && err != -EBADMSG)
		FINDING("an error that the interface does not name: %d", err);
	free(entries);
}

/* The length in the header is set right in a second pass, or few inputs would get past it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct event ev;
	const char *reason = NULL;
	uint8_t *copy = malloc(size ? size : 1); /* aligned, and its end is guarded */
	struct nlmsghdr *nlh = (void *)copy;

	if (!copy)
		return 0;
	memcpy(copy, data, size);
	for (int pass = 0; pass < 2; pass++) {
		memset(&ev, 0xa5, sizeof(ev));
		check(netlink_decode(nlh, size, &ev, &reason), &ev, reason);
		memset(&ev, 0xa5, sizeof(ev));
		check(decode_features(nlh, size, 30, &ev, &reason), &ev, reason);
		if (size < sizeof(*nlh))
			break;
		if (nlh->nlmsg_len <= size && nlh->nlmsg_len >= sizeof(*nlh))
			decode_guards(nlh);
		nlh->nlmsg_len = (uint32_t)size;
	}
	decode_xtables(data, size);
	free(copy);
	return 0;
}
