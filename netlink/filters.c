// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dumps the tc filters of the qdisc clsact (or ingress). Besides each filter the kernel tells, with handle
 * 0, of the priority that they share.
 */
#include "filters.h"

#include <errno.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <stdlib.h>
#include <string.h>
#include "transport.h"

struct netlink_filters {
	struct dumper dumper;
};

int netlink_filters_open(struct netlink_filters **ret)
{
	struct netlink_filters *f = calloc(1, sizeof(*f));
	int err;

	if (!f)
		return -ENOMEM;
	err = dumper_open(&f->dumper, NETLINK_ROUTE);
	if (err) {
		free(f);
		return err;
	}
	*ret = f;
	return 0;
}

void netlink_filters_close(struct netlink_filters *f)
{
	if (!f)
		return;
	dumper_close(&f->dumper);
	free(f);
}

struct filters_dump {
	const struct filter_place *place;
	struct filter_state *state;
};

static int read_program(struct nlattr *options, struct filter_state *state)
{
	static const struct nla_policy policy[TCA_BPF_MAX + 1] = {
		[TCA_BPF_NAME] = { .type = NLA_STRING },
		[TCA_BPF_ID] = { .type = NLA_U32 },
	};
	struct nlattr *attrs[TCA_BPF_MAX + 1];

	if (!options || nla_parse_nested(attrs, TCA_BPF_MAX, options, policy))
		return -EBADMSG;
	if (attrs[TCA_BPF_ID])
		state->program = nla_get_u32(attrs[TCA_BPF_ID]);
	if (attrs[TCA_BPF_NAME])
		nla_strlcpy(state->name, attrs[TCA_BPF_NAME], sizeof(state->name));
	return 0;
}

static bool is_sibling(struct nlattr **attrs, const char *name)
{
	struct filter_state other = { 0 };

	return name && attrs[TCA_KIND] && nla_strcmp(attrs[TCA_KIND], "bpf") == 0 &&
	       !read_program(attrs[TCA_OPTIONS], &other) &&
	       strncmp(other.name, name, strlen(name)) == 0;
}

static int on_filter(void *ctx, const struct nlmsghdr *nlh)
{
	static const struct nla_policy policy[TCA_MAX + 1] = {
		[TCA_KIND] = { .type = NLA_STRING },
		[TCA_OPTIONS] = { .type = NLA_NESTED },
	};
	const struct filters_dump *dump = ctx;
	const struct filter_place *place = dump->place;
	const struct tcmsg *head = nlmsg_data(nlh);
	struct nlattr *attrs[TCA_MAX + 1];

	if (nlh->nlmsg_type != RTM_NEWTFILTER)
		return 0;
	if (nlmsg_parse((struct nlmsghdr *)nlh, sizeof(*head), attrs, TCA_MAX, policy))
		return -EBADMSG;
	if (TC_H_MAJ(head->tcm_info) >> 16 != place->priority) {
		dump->state->others = true;
		dump->state->behind |= TC_H_MAJ(head->tcm_info) >> 16 > place->priority;
		return 0;
	}
	if (!head->tcm_handle)
		return 0;
	if ((head->tcm_handle & ~place->any_bits) != place->handle) {
		dump->state->others = true;
		dump->state->siblings |= is_sibling(attrs, place->name);
		return 0;
	}
	dump->state->taken = true;
	dump->state->handle = head->tcm_handle;
	if (!attrs[TCA_KIND] || nla_strcmp(attrs[TCA_KIND], "bpf") != 0)
		return 0;
	return read_program(attrs[TCA_OPTIONS], dump->state);
}

int netlink_filters_read(struct netlink_filters *f, const struct filter_place *place,
			 struct filter_state *ret)
{
	struct tcmsg head = {
		.tcm_family = AF_UNSPEC,
		.tcm_ifindex = (int)place->ifindex,
		.tcm_parent =
			TC_H_MAKE(TC_H_CLSACT, place->egress ? TC_H_MIN_EGRESS : TC_H_MIN_INGRESS),
	};
	struct filter_state state = { 0 };
	struct filters_dump dump = { place, &state };
	struct nl_msg *request = nlmsg_alloc_simple(RTM_GETTFILTER, NLM_F_DUMP);
	int err = -ENOMEM;

	if (request && !nlmsg_append(request, &head, sizeof(head), NLMSG_ALIGNTO))
		err = dumper_run(&f->dumper, request, on_filter, &dump);
	nlmsg_free(request);
	if (!err)
		*ret = state;
	return err;
}
