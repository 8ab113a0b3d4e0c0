// SPDX-License-Identifier: GPL-2.0-only
/* guard: what its decoders make of good, cut and wrong answers of the kernel. No root. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "netlink/guard_internal.h" /* before the kernel's: glibc's names win */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/xfrm.h>
#include <string.h>
#include "support_xtables.h"

static void test_decode_chain(void **state)
{
	const struct nfgenmsg head = { .nfgen_family = NFPROTO_INET };
	struct nl_msg *msg = nlmsg_alloc_simple(NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWCHAIN, 0);
	struct nlmsghdr *nlh = nlmsg_hdr(msg);
	struct guard_chain chain = { 0 };
	struct nlattr *hook;
	uint32_t whole;

	(void)state;
	assert_int_equal(nlmsg_append(msg, (void *)&head, sizeof(head), NLMSG_ALIGNTO), 0);
	assert_int_equal(nla_put_string(msg, NFTA_CHAIN_TABLE, "t"), 0);
	assert_int_equal(guard_decode_chain(nlh, &chain), -EBADMSG);
	assert_int_equal(nla_put_string(msg, NFTA_CHAIN_NAME, "c"), 0);
	assert_int_equal(guard_decode_chain(nlh, &chain), 0);
	assert_false(guard_chain_concerns(&chain));
	hook = nla_nest_start(msg, NFTA_CHAIN_HOOK);
	nla_put_u32(msg, NFTA_HOOK_HOOKNUM, htonl(NF_INET_FORWARD));
	nla_nest_end(msg, hook);
	nla_put_u32(msg, NFTA_CHAIN_USE, htonl(7));
	assert_int_equal(guard_decode_chain(nlh, &chain), 0);
	assert_true(guard_chain_concerns(&chain));
	assert_int_equal(chain.use, 7);
	assert_int_equal(chain.policy, NF_ACCEPT);
	chain.hook = NF_INET_LOCAL_IN;
	assert_false(guard_chain_concerns(&chain));
	chain.hook = 4711;
	assert_true(guard_chain_concerns(&chain));
	assert_false(guard_chain_is_nat(&chain));
	nla_put_string(msg, NFTA_CHAIN_TYPE, "nat");
	assert_int_equal(guard_decode_chain(nlh, &chain), 0);
	assert_true(guard_chain_is_nat(&chain));
	chain.hook = NF_INET_LOCAL_OUT;
	assert_true(guard_chain_is_nat(&chain));
	chain.family = NFPROTO_IPV6;
	assert_false(guard_chain_is_nat(&chain));
	whole = nlh->nlmsg_len;
	for (nlh->nlmsg_len = NLMSG_HDRLEN; nlh->nlmsg_len < whole; nlh->nlmsg_len++)
		guard_decode_chain(nlh, &chain); /* under ASan: no byte beyond */
	nlh->nlmsg_len = whole;
	nlh->nlmsg_type = NLMSG_NOOP;
	assert_int_equal(guard_decode_chain(nlh, &chain), -ENOMSG);
	nlmsg_free(msg);
}

static void test_decode_xtables(void **state)
{
	struct ipt_getinfo info = { .valid_hooks = 1 << NF_INET_FORWARD };
	_Alignas(8) uint8_t entry[512];
	const char *finding = NULL;

	(void)state;
	info.size = put_standard(entry, NF_ACCEPT);
	assert_int_equal(guard_decode_xtables(&info, entry, &finding), 0);
	assert_null(finding);
	put_standard(entry, NF_DROP);
	assert_int_equal(guard_decode_xtables(&info, entry, &finding), 0);
	assert_string_equal(finding, "FORWARD has policy DROP");
	((struct ipt_entry *)entry)->target_offset = 0xffff;
	assert_int_equal(guard_decode_xtables(&info, entry, &finding), -EBADMSG);
	info.size = sizeof(struct ipt_entry) - 1;
	assert_int_equal(guard_decode_xtables(&info, entry, &finding), -EBADMSG);
	info.hook_entry[NF_INET_FORWARD] = info.underflow[NF_INET_FORWARD] = UINT32_MAX;
	assert_int_equal(guard_decode_xtables(&info, entry, &finding), -EBADMSG);
}

static void test_table_tracks(void **state)
{
	struct ipt_getinfo info = { 0 };
	_Alignas(8) uint8_t entries[512] = { 0 };
	struct ipt_entry *entry = (struct ipt_entry *)entries;
	struct xt_entry_target *target = (struct xt_entry_target *)(entry + 1);

	(void)state;
	assert_false(guard_table_tracks(&info, entries));
	info.size = put_standard(entries, NF_DROP);
	info.size += put_standard(entries + info.size, NF_ACCEPT);
	assert_false(guard_table_tracks(&info, entries));
	strcpy(target->u.user.name, "SNAT");
	assert_true(guard_table_tracks(&info, entries));
	strcpy(target->u.user.name, XT_ERROR_TARGET);
	assert_false(guard_table_tracks(&info, entries));
	entry->target_offset += 8; /* a match in between */
	assert_true(guard_table_tracks(&info, entries));
	entry->target_offset -= 8;
	info.size -= 8;
	assert_true(guard_table_tracks(&info, entries));
	entry->next_offset = 0;
	assert_true(guard_table_tracks(&info, entries));
}

static void test_decode_connection(void **state)
{
	static const struct {
		uint32_t status;
		bool translated;
	} rows[] = {
		{ 0, false },
		{ IPS_CONFIRMED | IPS_SEEN_REPLY | IPS_NAT_DONE_MASK, false },
		{ IPS_CONFIRMED | IPS_SRC_NAT, true },
		{ IPS_CONFIRMED | IPS_DST_NAT, true },
	};
	const struct nfgenmsg head = { .nfgen_family = NFPROTO_IPV4 };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct nl_msg *msg =
			nlmsg_alloc_simple(NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW, 0);
		bool translated = !rows[i].translated;

		assert_int_equal(guard_decode_connection(nlmsg_hdr(msg), &translated), -EBADMSG);
		assert_int_equal(nlmsg_append(msg, (void *)&head, sizeof(head), NLMSG_ALIGNTO), 0);
		assert_int_equal(guard_decode_connection(nlmsg_hdr(msg), &translated), -EBADMSG);
		assert_int_equal(nla_put_u32(msg, CTA_STATUS, htonl(rows[i].status)), 0);
		assert_int_equal(guard_decode_connection(nlmsg_hdr(msg), &translated), 0);
		assert_int_equal(translated, rows[i].translated);
		nlmsg_hdr(msg)->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE;
		assert_int_equal(guard_decode_connection(nlmsg_hdr(msg), &translated), -ENOMSG);
		nlmsg_free(msg);
	}
}

static void test_decode_flowtable(void **state)
{
	const struct nfgenmsg head = { .nfgen_family = NFPROTO_INET };
	struct nl_msg *msg =
		nlmsg_alloc_simple(NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWFLOWTABLE, 0);
	struct nlmsghdr *nlh = nlmsg_hdr(msg);
	struct guard_chain flowtable = { 0 };

	(void)state;
	assert_int_equal(guard_decode_flowtable(nlh, &flowtable), -EBADMSG);
	assert_int_equal(nlmsg_append(msg, (void *)&head, sizeof(head), NLMSG_ALIGNTO), 0);
	assert_int_equal(nla_put_string(msg, NFTA_FLOWTABLE_TABLE, "t"), 0);
	assert_int_equal(guard_decode_flowtable(nlh, &flowtable), -EBADMSG);
	assert_int_equal(nla_put_string(msg, NFTA_FLOWTABLE_NAME, "f"), 0);
	assert_int_equal(guard_decode_flowtable(nlh, &flowtable), 0);
	assert_int_equal(flowtable.family, NFPROTO_INET);
	assert_string_equal(flowtable.table, "t");
	assert_string_equal(flowtable.name, "f");
	nlmsg_free(msg);
}

static void test_decode_policy(void **state)
{
	struct xfrm_userpolicy_info policy = { .sel.family = AF_INET, .dir = XFRM_POLICY_FWD };
	const struct {
		uint16_t family;
		uint8_t dir;
		bool concerns;
	} rows[] = {
		{ AF_INET, XFRM_POLICY_IN, true },    { AF_INET, XFRM_POLICY_OUT, true },
		{ AF_INET, XFRM_POLICY_FWD, true },   { AF_INET6, XFRM_POLICY_FWD, false },
		{ AF_UNSPEC, XFRM_POLICY_FWD, true }, { AF_INET, XFRM_POLICY_MAX, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct nl_msg *msg = nlmsg_alloc_simple(XFRM_MSG_NEWPOLICY, 0);
		bool concerns = !rows[i].concerns;

		assert_int_equal(guard_decode_policy(nlmsg_hdr(msg), &concerns), -EBADMSG);
		policy.sel.family = rows[i].family;
		policy.dir = rows[i].dir;
		assert_int_equal(nlmsg_append(msg, &policy, sizeof(policy), NLMSG_ALIGNTO), 0);
		assert_int_equal(guard_decode_policy(nlmsg_hdr(msg), &concerns), 0);
		assert_int_equal(concerns, rows[i].concerns);
		nlmsg_hdr(msg)->nlmsg_type = XFRM_MSG_DELPOLICY;
		assert_int_equal(guard_decode_policy(nlmsg_hdr(msg), &concerns), -ENOMSG);
		nlmsg_free(msg);
	}
}

/* As net/netfilter/ipvs/ip_vs_ctl.c writes them. */
static void test_decode_ipvs(void **state)
{
	static const struct {
		const char *line, *name; /* NULL: not one that matters */
	} rows[] = {
		{ "IP Virtual Server version 1.2.1 (size=4096)\n", NULL },
		{ "Prot LocalAddress:Port Scheduler Flags\n", NULL },
		{ "  -> RemoteAddress:Port Forward Weight ActiveConn InActConn\n", NULL },
		{ "TCP  C0000201:0050 wlc  \n", "TCP 192.0.2.1:80" },
		{ "UDP  C6120001:0035 rr ops persistent 300 FFFFFFFF\n", "UDP 198.18.0.1:53" },
		{ "  -> C6120202:0050      Masq    1      0          0         \n", NULL },
		{ "TCP  [2001:0db8:0000:0000:0000:0000:0000:0001]:0050 rr \n", NULL },
		{ "  -> [2001:0db8:0000:0000:0000:0000:0000:0002]:0050      Masq    1      0          0\n",
		  NULL },
		{ "FWM  00000007 rr \n", "mark 7" },
		{ "something new\n", "something new" },
	};
	char name[64];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(guard_decode_ipvs(rows[i].line, name, sizeof(name)),
				 rows[i].name != NULL);
		if (rows[i].name)
			assert_string_equal(name, rows[i].name);
	}
	assert_true(guard_decode_ipvs("TCP  C0000201:0050 wlc", name, 8));
	assert_string_equal(name, "TCP 192");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decode_chain),   cmocka_unit_test(test_decode_flowtable),
		cmocka_unit_test(test_decode_ipvs),    cmocka_unit_test(test_decode_policy),
		cmocka_unit_test(test_decode_xtables), cmocka_unit_test(test_decode_connection),
		cmocka_unit_test(test_table_tracks),
	};

	return cmocka_run_group_tests_name("guard decoders", tests, NULL, NULL);
}
