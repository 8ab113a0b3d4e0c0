/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * libFuzzer: any bytes as a netlink message. What decodes must keep the promises of event.h.
 */
#include <linux/netlink.h>
#include <stdlib.h>
#include "../../netlink/decode.h"
#include "../../netlink/netlink.h"
#include "event_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int err, const struct event *ev, const char *reason)
{
	const char *wrong = err ? NULL : event_check(ev);

	if (err && err != -ENOMSG && err != -EBADMSG)
		wrong = "an error that the interface does not name";
	if (err == -EBADMSG && !reason)
		wrong = "refused without a reason";
	if (wrong) {
		fprintf(stderr, "fuzz_decode: %s\n", wrong);
		abort();
	}
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
		nlh->nlmsg_len = (uint32_t)size;
	}
	free(copy);
	return 0;
}
