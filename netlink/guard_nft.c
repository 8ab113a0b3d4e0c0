// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does nftables have to see forwarded packets?
 *
 * One dump of the chains answers it in nearly every case. NFTA_CHAIN_USE of a base chain counts its
 * rules (nothing can jump to it), but it is the count of the transaction being prepared, not of the
 * one in force: `nft -c` makes it 0 for a moment, and no notification follows (seen on 6.18). So a
 * chain that looks empty is asked for its rules, which are those in force.
 */
#include "guard_internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <netlink/attr.h>
#include <stdio.h>
#include <stdlib.h>

#define BIT(n) (1U << (n))

enum { LOOKS = 5 }; /* at rules that change meanwhile */

/* Of the hooks of ip, inet and bridge, those that forwarded packets do not pass. */
#define LOCAL_HOOKS (BIT(NF_INET_LOCAL_IN) | BIT(NF_INET_LOCAL_OUT))

static const char *family_name(uint8_t family)
{
	switch (family) {
	case NFPROTO_IPV4:
		return "ip";
	case NFPROTO_INET:
		return "inet";
	case NFPROTO_NETDEV:
		return "netdev";
	case NFPROTO_BRIDGE:
		return "bridge";
	default:
		return "?";
	}
}

static bool family_concerns(uint8_t family)
{
	return family != NFPROTO_IPV6 && family != NFPROTO_ARP;
}

bool guard_chain_concerns(const struct guard_chain *chain)
{
	if (!chain->base || !family_concerns(chain->family))
		return false;
	return chain->family == NFPROTO_NETDEV || chain->hook > 31 ||
	       !(LOCAL_HOOKS & BIT(chain->hook));
}

static bool is_nft(const struct nlmsghdr *nlh, int type)
{
	return nlh->nlmsg_type == (NFNL_SUBSYS_NFTABLES << 8 | type);
}

static int parse(const struct nlmsghdr *nlh, struct nlattr **attrs, int most,
		 const struct nla_policy *policy)
{
	if (!nlmsg_valid_hdr(nlh, sizeof(struct nfgenmsg)))
		return -EBADMSG;
	return nla_parse(attrs, most, nlmsg_attrdata(nlh, sizeof(struct nfgenmsg)),
			 nlmsg_attrlen(nlh, sizeof(struct nfgenmsg)), policy)
		       ? -EBADMSG
		       : 0;
}

static uint8_t family_of(const struct nlmsghdr *nlh)
{
	return ((const struct nfgenmsg *)nlmsg_data(nlh))->nfgen_family;
}

bool guard_chain_is_nat(const struct guard_chain *chain)
{
	return chain->nat && (chain->family == NFPROTO_IPV4 || chain->family == NFPROTO_INET);
}

static int decode_hook(struct nlattr *nested, uint32_t *ret_hook)
{
	static const struct nla_policy policy[NFTA_HOOK_MAX + 1] = {
		[NFTA_HOOK_HOOKNUM] = { .type = NLA_U32 },
	};
	struct nlattr *attrs[NFTA_HOOK_MAX + 1];

	if (nla_parse_nested(attrs, NFTA_HOOK_MAX, nested, policy) || !attrs[NFTA_HOOK_HOOKNUM])
		return -EBADMSG;
	*ret_hook = ntohl(nla_get_u32(attrs[NFTA_HOOK_HOOKNUM]));
	return 0;
}

int guard_decode_chain(const struct nlmsghdr *nlh, struct guard_chain *ret)
{
	static const struct nla_policy policy[NFTA_CHAIN_MAX + 1] = {
		[NFTA_CHAIN_TABLE] = { .type = NLA_STRING, .maxlen = NFT_TABLE_MAXNAMELEN },
		[NFTA_CHAIN_NAME] = { .type = NLA_STRING, .maxlen = NFT_CHAIN_MAXNAMELEN },
		[NFTA_CHAIN_HOOK] = { .type = NLA_NESTED },
		[NFTA_CHAIN_POLICY] = { .type = NLA_U32 },
		[NFTA_CHAIN_USE] = { .type = NLA_U32 },
		[NFTA_CHAIN_TYPE] = { .type = NLA_STRING },
	};
	struct nlattr *attrs[NFTA_CHAIN_MAX + 1];
	struct guard_chain chain = { .policy = NF_ACCEPT };
	int err;

	if (!is_nft(nlh, NFT_MSG_NEWCHAIN))
		return -ENOMSG;
	err = parse(nlh, attrs, NFTA_CHAIN_MAX, policy);
	if (err)
		return err;
	if (!attrs[NFTA_CHAIN_TABLE] || !attrs[NFTA_CHAIN_NAME])
		return -EBADMSG;
	chain.family = family_of(nlh);
	chain.table = nla_get_string(attrs[NFTA_CHAIN_TABLE]);
	chain.name = nla_get_string(attrs[NFTA_CHAIN_NAME]);
	chain.base = attrs[NFTA_CHAIN_HOOK];
	if (chain.base)
		err = decode_hook(attrs[NFTA_CHAIN_HOOK], &chain.hook);
	if (err)
		return err;
	if (attrs[NFTA_CHAIN_POLICY])
		chain.policy = ntohl(nla_get_u32(attrs[NFTA_CHAIN_POLICY]));
	if (attrs[NFTA_CHAIN_TYPE])
		chain.nat = !nla_strcmp(attrs[NFTA_CHAIN_TYPE], "nat");
	if (attrs[NFTA_CHAIN_USE])
		chain.use = ntohl(nla_get_u32(attrs[NFTA_CHAIN_USE]));
	*ret = chain;
	return 0;
}

int guard_decode_flowtable(const struct nlmsghdr *nlh, struct guard_chain *ret)
{
	static const struct nla_policy policy[NFTA_FLOWTABLE_MAX + 1] = {
		[NFTA_FLOWTABLE_TABLE] = { .type = NLA_STRING, .maxlen = NFT_TABLE_MAXNAMELEN },
		[NFTA_FLOWTABLE_NAME] = { .type = NLA_STRING, .maxlen = NFT_NAME_MAXLEN },
	};
	struct nlattr *attrs[NFTA_FLOWTABLE_MAX + 1];
	int err;

	if (!is_nft(nlh, NFT_MSG_NEWFLOWTABLE))
		return -ENOMSG;
	err = parse(nlh, attrs, NFTA_FLOWTABLE_MAX, policy);
	if (err)
		return err;
	if (!attrs[NFTA_FLOWTABLE_TABLE] || !attrs[NFTA_FLOWTABLE_NAME])
		return -EBADMSG;
	*ret = (struct guard_chain){ .family = family_of(nlh),
				     .table = nla_get_string(attrs[NFTA_FLOWTABLE_TABLE]),
				     .name = nla_get_string(attrs[NFTA_FLOWTABLE_NAME]) };
	return 0;
}

int guard_decode_generation(const struct nlmsghdr *nlh, uint32_t *ret)
{
	static const struct nla_policy policy[NFTA_GEN_MAX + 1] = {
		[NFTA_GEN_ID] = { .type = NLA_U32 },
	};
	struct nlattr *attrs[NFTA_GEN_MAX + 1];
	int err;

	if (!is_nft(nlh, NFT_MSG_NEWGEN))
		return -ENOMSG;
	err = parse(nlh, attrs, NFTA_GEN_MAX, policy);
	if (!err && !attrs[NFTA_GEN_ID])
		err = -EBADMSG;
	if (!err)
		*ret = ntohl(nla_get_u32(attrs[NFTA_GEN_ID]));
	return err;
}

/* ---- looking ------------------------------------------------------------------------- */

/* A base chain on a hook that matters that seems to be without rules. */
struct empty_chain {
	struct empty_chain *next;
	uint8_t family;
	char table[NFT_TABLE_MAXNAMELEN], name[NFT_CHAIN_MAXNAMELEN];
};

struct search {
	struct guard_finding *finding;
	struct empty_chain *empty;	 /* seen in the dump of chains */
	const struct empty_chain *asked; /* of the dump of rules */
};

static void found(struct search *search, const char *what, uint8_t family, const char *table,
		  const char *name, const char *why)
{
	if (search->finding->found)
		return;
	search->finding->found = true;
	snprintf(search->finding->detail, sizeof(search->finding->detail),
		 "nftables: %s %s %.22s %.30s%s", what, family_name(family), table, name, why);
}

static int remember_empty(struct search *search, const struct guard_chain *chain)
{
	struct empty_chain *empty = calloc(1, sizeof(*empty));

	if (!empty)
		return -ENOMEM;
	empty->family = chain->family;
	snprintf(empty->table, sizeof(empty->table), "%s", chain->table);
	snprintf(empty->name, sizeof(empty->name), "%s", chain->name);
	empty->next = search->empty;
	search->empty = empty;
	return 0;
}

static int on_chain(void *ctx, const struct nlmsghdr *nlh)
{
	struct search *search = ctx;
	struct guard_chain chain;
	int err = guard_decode_chain(nlh, &chain);

	if (err == -ENOMSG)
		return 0;
	if (err || search->finding->found)
		return err;
	if (guard_chain_is_nat(&chain))
		snprintf(search->finding->nat, sizeof(search->finding->nat), "chain %s %.22s %.22s",
			 family_name(chain.family), chain.table, chain.name);
	if (!guard_chain_concerns(&chain))
		return 0;
	if (chain.use)
		found(search, "chain", chain.family, chain.table, chain.name, " has rules");
	else if (chain.policy != NF_ACCEPT)
		found(search, "chain", chain.family, chain.table, chain.name, " has policy drop");
	else
		return remember_empty(search, &chain);
	return 0;
}

static int on_rule(void *ctx, const struct nlmsghdr *nlh)
{
	struct search *search = ctx;

	if (is_nft(nlh, NFT_MSG_NEWRULE))
		found(search, "chain", search->asked->family, search->asked->table,
		      search->asked->name, " has rules");
	return 0;
}

static int on_flowtable(void *ctx, const struct nlmsghdr *nlh)
{
	struct search *search = ctx;
	struct guard_chain flowtable;
	int err = guard_decode_flowtable(nlh, &flowtable);

	if (err == -ENOMSG)
		return 0;
	if (!err && family_concerns(flowtable.family))
		found(search, "flowtable", flowtable.family, flowtable.table, flowtable.name, "");
	return err;
}

static int ask(struct guard *guard, int type, int flags, const struct empty_chain *of,
	       message_fn fn, void *ctx)
{
	struct nfgenmsg head = { .nfgen_family = of ? of->family : NFPROTO_UNSPEC,
				 .version = NFNETLINK_V0 };
	struct nl_msg *msg = nlmsg_alloc_simple(NFNL_SUBSYS_NFTABLES << 8 | type, flags);
	int err = -ENOMEM;

	if (msg && !nlmsg_append(msg, &head, sizeof(head), NLMSG_ALIGNTO) &&
	    (!of || (!nla_put_string(msg, NFTA_RULE_TABLE, of->table) &&
		     !nla_put_string(msg, NFTA_RULE_CHAIN, of->name))))
		err = dumper_run(&guard->nft.dumper, msg, fn, ctx);
	nlmsg_free(msg);
	/* So does nfnetlink answer for a module that is not there, or a message it does not know. */
	return err == -EINVAL || err == -EOPNOTSUPP ? 0 : err;
}

static int on_generation(void *ctx, const struct nlmsghdr *nlh)
{
	int err = guard_decode_generation(nlh, ctx);

	return err == -ENOMSG ? 0 : err;
}

static int look_once(struct guard *guard, struct guard_finding *ret)
{
	struct search search = { .finding = ret };
	int err;

	*ret = (struct guard_finding){ 0 };
	err = ask(guard, NFT_MSG_GETCHAIN, NLM_F_DUMP, NULL, on_chain, &search);
	for (struct empty_chain *e = search.empty; e && !err && !ret->found; e = e->next) {
		search.asked = e;
		err = ask(guard, NFT_MSG_GETRULE, NLM_F_DUMP, e, on_rule, &search);
	}
	if (!err && !ret->found)
		err = ask(guard, NFT_MSG_GETFLOWTABLE, NLM_F_DUMP, NULL, on_flowtable, &search);
	while (search.empty) {
		struct empty_chain *next = search.empty->next;

		free(search.empty);
		search.empty = next;
	}
	return err;
}

/* Each dump is of one ruleset. That all of them were of the same one, the generation tells. */
int guard_look_nft(struct guard *guard, struct guard_finding *ret)
{
	uint32_t before = 0;
	int err;

	if (!guard->nft.events)
		return 0;
	for (int i = 0; i < LOOKS; i++) {
		err = ask(guard, NFT_MSG_GETGEN, 0, NULL, on_generation, &before);
		if (!err)
			err = look_once(guard, ret);
		ret->generation = before;
		if (!err && !ret->found)
			err = ask(guard, NFT_MSG_GETGEN, 0, NULL, on_generation, &ret->generation);
		if (err || ret->found || ret->generation == before)
			return err;
	}
	return -EAGAIN;
}

/* ---- conntrack ----------------------------------------------------------------------- */

/* These ask for nothing; lookup neither, and any set counts by itself. */
static bool is_harmless(struct nlattr *name)
{
	static const char *const names[] = { "immediate", "cmp",   "bitwise", "byteorder", "meta",
					     "payload",	  "range", "counter", "limit",	   "log",
					     "reject",	  "fib",   "lookup" };

	for (size_t i = 0; name && i < sizeof(names) / sizeof(names[0]); i++)
		if (!nla_strcmp(name, names[i]))
			return true;
	return false;
}

bool guard_rule_tracks(const struct nlmsghdr *nlh)
{
	static const struct nla_policy policy[NFTA_RULE_MAX + 1] = {
		[NFTA_RULE_EXPRESSIONS] = { .type = NLA_NESTED },
	};
	static const struct nla_policy expr_policy[NFTA_EXPR_MAX + 1] = {
		[NFTA_EXPR_NAME] = { .type = NLA_STRING },
	};
	struct nlattr *attrs[NFTA_RULE_MAX + 1], *expr[NFTA_EXPR_MAX + 1], *one;
	int rest;

	if (parse(nlh, attrs, NFTA_RULE_MAX, policy))
		return true;
	if (!family_concerns(family_of(nlh)) || !attrs[NFTA_RULE_EXPRESSIONS])
		return false;
	nla_for_each_nested(one, attrs[NFTA_RULE_EXPRESSIONS], rest)
	{
		if (nla_parse_nested(expr, NFTA_EXPR_MAX, one, expr_policy) ||
		    !is_harmless(expr[NFTA_EXPR_NAME]))
			return true;
	}
	return false;
}

static int on_tracking(void *ctx, const struct nlmsghdr *nlh)
{
	bool *ret_tracks = ctx;

	if (is_nft(nlh, NFT_MSG_NEWRULE))
		*ret_tracks |= guard_rule_tracks(nlh);
	else if (is_nft(nlh, NFT_MSG_NEWSET) || is_nft(nlh, NFT_MSG_NEWOBJ))
		*ret_tracks |= nlh->nlmsg_len < NLMSG_LENGTH(sizeof(struct nfgenmsg)) ||
			       family_concerns(family_of(nlh));
	return 0;
}

int guard_nft_tracks(struct guard *guard, bool *ret_tracks)
{
	/* Elements of sets (`ct count`) and objects (ct timeout, ct expectation) may ask for it without a rule. */
	static const int types[] = { NFT_MSG_GETSET, NFT_MSG_GETOBJ, NFT_MSG_GETRULE };
	int err = 0;

	*ret_tracks = false;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]) && !err && !*ret_tracks; i++)
		err = ask(guard, types[i], NLM_F_DUMP, NULL, on_tracking, ret_tracks);
	return err;
}
