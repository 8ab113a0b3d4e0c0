/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The decoder against bytes: every good message of support_messages.c as it is, cut at every byte,
 * with every attribute at every length, and with every byte changed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/netconf.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include "../../netlink/netlink.h"
#include "../fuzz/event_check.h"
#include "support_messages.h"

static struct event ev;

/* Decodes a copy that ends where its allocation ends, so that ASan sees a read beyond. */
static int decode_copy(const void *bytes, size_t len, const char **reason)
{
	void *copy = malloc(len ? len : 1);
	int err;

	assert_non_null(copy);
	memcpy(copy, bytes, len);
	*reason = NULL;
	memset(&ev, 0xa5, sizeof(ev));
	err = netlink_decode(copy, len, &ev, reason);
	free(copy);
	return err;
}

/* As above, with the length in the header set right; whatever comes out must be sound. */
static int decode_sized(const void *bytes, size_t len, const char **reason)
{
	union {
		struct nlmsghdr header;
		uint8_t bytes[4096];
	} message;
	const char *wrong;
	int err;

	assert_true(len >= NLMSG_HDRLEN && len <= sizeof(message));
	memcpy(message.bytes, bytes, len);
	message.header.nlmsg_len = (uint32_t)len;
	err = decode_copy(message.bytes, len, reason);
	assert_true(err == 0 || err == -ENOMSG || err == -EBADMSG);
	if (err == -EBADMSG)
		assert_non_null(*reason);
	wrong = err ? NULL : event_check(&ev);
	if (wrong)
		fail_msg("%s", wrong);
	return err;
}

static void test_good_messages(void **state)
{
	(void)state;
	for (size_t i = 0; i < message_samples_n; i++) {
		struct nl_msg *msg = message_samples[i].build();
		struct nlmsghdr *nlh = nlmsg_hdr(msg);
		const char *reason;

		if (decode_copy(nlh, nlh->nlmsg_len, &reason))
			fail_msg("%s: %s", message_samples[i].name, reason ? reason : "ignored");
		message_samples[i].check(&ev);
		assert_null(event_check(&ev));
		nlmsg_free(msg);
	}
}

/* Does the message still end behind a whole attribute when it is cut to len bytes? */
static bool is_boundary(const struct nlmsghdr *nlh, size_t header, size_t len)
{
	size_t pos = NLMSG_HDRLEN + header;

	if (len < pos)
		return false;
	pos = NLMSG_HDRLEN + NLMSG_ALIGN(header);
	while (pos < len) {
		const struct nlattr *nla = (const void *)((const uint8_t *)nlh + pos);

		if (len < pos + 4 || len < pos + nla->nla_len)
			return false;
		pos += NLA_ALIGN(nla->nla_len);
	}
	return true;
}

static void test_cut_anywhere(void **state)
{
	(void)state;
	for (size_t i = 0; i < message_samples_n; i++) {
		struct nl_msg *msg = message_samples[i].build();
		struct nlmsghdr *nlh = nlmsg_hdr(msg);
		const char *reason;

		for (size_t len = 0; len < nlh->nlmsg_len; len++) {
			assert_int_equal(decode_copy(nlh, len, &reason), -EBADMSG);
			assert_non_null(reason);
			if (len < NLMSG_HDRLEN)
				continue;
			if (decode_sized(nlh, len, &reason) != -EBADMSG &&
			    !is_boundary(nlh, message_samples[i].header, len))
				fail_msg("%s: decodes when cut at %zu", message_samples[i].name,
					 len);
		}
		nlmsg_free(msg);
	}
}

/* Every attribute that is read, with the lengths that it may have. */
static const struct {
	const char *sample, *name;
	int type;
	size_t min, max;
} lengths[] = {
#define LENGTH(sample, attr, lo, hi)                                                               \
	{                                                                                          \
		sample, #attr, attr, lo, hi                                                        \
	}
	LENGTH("link", IFLA_IFNAME, 2, 16),
	LENGTH("link", IFLA_MTU, 4, 4),
	LENGTH("link", IFLA_MASTER, 4, 4),
	LENGTH("link", IFLA_LINK, 4, 4),
	LENGTH("link", IFLA_ADDRESS, 0, 32),
	LENGTH("address", IFA_ADDRESS, 4, 4),
	LENGTH("address", IFA_LOCAL, 4, 4),
	LENGTH("neighbour", NDA_DST, 16, 16),
	LENGTH("neighbour", NDA_LLADDR, 0, 32),
	LENGTH("nexthop", NHA_ID, 4, 4),
	LENGTH("nexthop", NHA_OIF, 4, 4),
	LENGTH("nexthop", NHA_GATEWAY, 4, 4),
	LENGTH("nexthop group", NHA_GROUP_TYPE, 2, 2),
	LENGTH("route", RTA_DST, 4, 4),
	LENGTH("route", RTA_TABLE, 4, 4),
	LENGTH("route", RTA_PRIORITY, 4, 4),
	LENGTH("route", RTA_NH_ID, 4, 4),
	LENGTH("route", RTA_GATEWAY, 4, 4),
	LENGTH("route", RTA_OIF, 4, 4),
	LENGTH("rule", FRA_DST, 4, 4),
	LENGTH("rule", FRA_SRC, 4, 4),
	LENGTH("rule", FRA_TABLE, 4, 4),
	LENGTH("rule", FRA_PRIORITY, 4, 4),
	LENGTH("rule", FRA_FWMARK, 4, 4),
	LENGTH("rule", FRA_FWMASK, 4, 4),
	LENGTH("rule", FRA_SUPPRESS_PREFIXLEN, 4, 4),
	LENGTH("rule", FRA_L3MDEV, 1, 1),
	LENGTH("rule", FRA_IP_PROTO, 1, 1),
	LENGTH("rule", FRA_SPORT_RANGE, 4, 4),
	LENGTH("rule", FRA_DPORT_RANGE, 4, 4),
	LENGTH("rule", FRA_IIFNAME, 1, 16),
	LENGTH("rule", FRA_OIFNAME, 1, 16),
	LENGTH("netconf", NETCONFA_IFINDEX, 4, 4),
	LENGTH("netconf", NETCONFA_FORWARDING, 4, 4),
	LENGTH("netconf", NETCONFA_RP_FILTER, 4, 4),
};

static const struct message_sample *sample_find(const char *name)
{
	for (size_t i = 0; i < message_samples_n; i++) {
		if (!strcmp(message_samples[i].name, name))
			return &message_samples[i];
	}
	fail_msg("no sample %s", name);
	return NULL;
}

/* The sample with one attribute of another length: its bytes repeated, its end always zero. */
static struct nl_msg *resize(const struct message_sample *sample, int type, size_t len)
{
	struct nl_msg *good = sample->build(), *msg;
	struct nlmsghdr *nlh = nlmsg_hdr(good);
	struct nlattr *nla;
	bool found = false;
	int left;

	msg = message_new(nlh->nlmsg_type, nlh->nlmsg_flags, nlmsg_data(nlh), sample->header);
	nlmsg_for_each_attr(nla, nlh, (int)sample->header, left)
	{
		uint8_t bytes[64] = { 0 };
		size_t size = (size_t)nla_len(nla);

		if (nla_type(nla) == type) {
			found = true;
			for (size_t i = 0; size && i + 1 < len; i++)
				bytes[i] = ((uint8_t *)nla_data(nla))[i % size];
			if (len == size)
				memcpy(bytes, nla_data(nla), size);
			nla_put(msg, type, (int)len, bytes);
		} else {
			nla_put(msg, nla->nla_type, (int)size, nla_data(nla));
		}
	}
	assert_true(found);
	nlmsg_free(good);
	return msg;
}

static void test_attribute_lengths(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		const struct message_sample *sample = sample_find(lengths[i].sample);

		for (size_t len = 0; len <= 40; len++) {
			struct nl_msg *msg = resize(sample, lengths[i].type, len);
			bool good = len >= lengths[i].min && len <= lengths[i].max;
			const char *reason;
			int err = decode_copy(nlmsg_hdr(msg), nlmsg_hdr(msg)->nlmsg_len, &reason);

			if (good ? err == -EBADMSG && strstr(reason, "length") : err != -EBADMSG)
				fail_msg("%s: %s of %zu bytes: %d", sample->name, lengths[i].name,
					 len, err);
			if (err == -EBADMSG && !strstr(reason, lengths[i].name))
				fail_msg("%s of %zu bytes is called '%s'", lengths[i].name, len,
					 reason);
			nlmsg_free(msg);
		}
	}
}

/* Nothing may crash or come out unsound; most of these changes are legal values. */
static void test_every_byte_changed(void **state)
{
	static const uint8_t changes[] = { 0x00, 0x01, 0x03, 0x7f, 0x80, 0xff };

	(void)state;
	for (size_t i = 0; i < message_samples_n; i++) {
		struct nl_msg *msg = message_samples[i].build();
		uint8_t *bytes = (uint8_t *)nlmsg_hdr(msg);
		size_t len = nlmsg_hdr(msg)->nlmsg_len;

		for (size_t at = 4; at < len; at++) {
			uint8_t old = bytes[at];
			const char *reason;

			for (size_t c = 0; c < sizeof(changes); c++) {
				bytes[at] = changes[c];
				decode_sized(bytes, len, &reason);
				bytes[at] = old ^ changes[c];
				decode_sized(bytes, len, &reason);
			}
			bytes[at] = old;
		}
		nlmsg_free(msg);
	}
}

/* The last attribute of a message may lack the padding behind it. */
static void test_unpadded_end(void **state)
{
	const struct message_sample *rule = sample_find("rule");
	struct nl_msg *msg = rule->build();
	struct nlmsghdr *nlh = nlmsg_hdr(msg);
	const char *reason;

	(void)state;
	assert_int_equal(decode_sized(nlh, nlh->nlmsg_len - 3, &reason), 0);
	rule->check(&ev);
	assert_int_equal(decode_sized(nlh, nlh->nlmsg_len - 4, &reason), -EBADMSG);
	nlmsg_free(msg);
}

static void test_other_messages(void **state)
{
	static const uint16_t others[] = { NLMSG_NOOP,	 NLMSG_DONE,   NLMSG_ERROR, RTM_GETROUTE,
					   RTM_NEWQDISC, RTM_GETNEIGH, 116,	    UINT16_MAX };
	struct nlmsghdr nlh = { .nlmsg_len = sizeof(nlh) };
	const char *reason;

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		nlh.nlmsg_type = others[i];
		assert_int_equal(decode_copy(&nlh, sizeof(nlh), &reason), -ENOMSG);
	}
	nlh.nlmsg_type = RTM_NEWROUTE;
	assert_int_equal(decode_copy(&nlh, sizeof(nlh), &reason), -EBADMSG);
	assert_string_equal(reason, "route: message is short");
	nlh.nlmsg_len = 15;
	assert_int_equal(decode_copy(&nlh, sizeof(nlh), &reason), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good_messages),	   cmocka_unit_test(test_cut_anywhere),
		cmocka_unit_test(test_attribute_lengths),  cmocka_unit_test(test_unpadded_end),
		cmocka_unit_test(test_every_byte_changed), cmocka_unit_test(test_other_messages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
