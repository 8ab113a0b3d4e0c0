// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does IPsec have to see forwarded packets?
 *
 * Any IPv4 policy counts, whatever its direction and action. Policies of a single socket (an IKE
 * daemon exempts its own that way) and those for IPv6 cannot match a forwarded IPv4 packet.
 */
#include "guard_internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/xfrm.h>
#include <stdio.h>

int guard_decode_policy(const struct nlmsghdr *nlh, bool *ret_concerns)
{
	const struct xfrm_userpolicy_info *policy = nlmsg_data(nlh);

	if (nlh->nlmsg_type != XFRM_MSG_NEWPOLICY)
		return -ENOMSG;
	if (!nlmsg_valid_hdr(nlh, sizeof(*policy)))
		return -EBADMSG;
	*ret_concerns = policy->dir < XFRM_POLICY_MAX && policy->sel.family != AF_INET6;
	return 0;
}

static int on_policy(void *ctx, const struct nlmsghdr *nlh)
{
	static const char *const directions[XFRM_POLICY_MAX] = { "in", "out", "fwd" };
	const struct xfrm_userpolicy_info *policy = nlmsg_data(nlh);
	char src[INET_ADDRSTRLEN], dst[INET_ADDRSTRLEN];
	struct guard_finding *finding = ctx;
	bool concerns = false;
	int err = guard_decode_policy(nlh, &concerns);

	if (err == -ENOMSG)
		return 0;
	if (err || !concerns || finding->found)
		return err;
	inet_ntop(AF_INET, &policy->sel.saddr.a4, src, sizeof(src));
	inet_ntop(AF_INET, &policy->sel.daddr.a4, dst, sizeof(dst));
	finding->found = true;
	snprintf(finding->detail, sizeof(finding->detail),
		 "xfrm: policy src %s/%u dst %s/%u dir %s", src, policy->sel.prefixlen_s, dst,
		 policy->sel.prefixlen_d, directions[policy->dir]);
	return 0;
}

static int look_at_policies(struct dumper *dumper, struct guard_finding *ret)
{
	struct nl_msg *msg = nlmsg_alloc_simple(XFRM_MSG_GETPOLICY, NLM_F_DUMP);
	int err = -ENOMEM;

	if (msg && nlmsg_reserve(msg, sizeof(struct xfrm_userpolicy_id), NLMSG_ALIGNTO))
		err = dumper_run(dumper, msg, on_policy, ret);
	nlmsg_free(msg);
	return err;
}

int guard_decode_default(const struct nlmsghdr *nlh, bool *ret_blocks)
{
	const struct xfrm_userpolicy_default *policy = nlmsg_data(nlh);

	if (nlh->nlmsg_type != XFRM_MSG_GETDEFAULT)
		return -ENOMSG;
	if (!nlmsg_valid_hdr(nlh, sizeof(*policy)))
		return -EBADMSG;
	*ret_blocks = policy->in == XFRM_USERPOLICY_BLOCK || policy->fwd == XFRM_USERPOLICY_BLOCK ||
		      policy->out == XFRM_USERPOLICY_BLOCK;
	return 0;
}

/* The answer is not a dump: one message, or an error, which an acknowledgement is as well. */
static int receive_default(struct receiver *rx, uint32_t seq, bool *ret_blocks)
{
	const struct nlmsghdr *nlh;
	int err;

	while ((err = receiver_datagram(rx, 1)) > 0) {
		while ((err = receiver_message(rx, &nlh)) > 0) {
			if (nlh->nlmsg_seq != seq)
				continue;
			if (nlh->nlmsg_type != NLMSG_ERROR)
				return guard_decode_default(nlh, ret_blocks);
			if (!nlmsg_valid_hdr(nlh, sizeof(struct nlmsgerr)))
				return -EBADMSG;
			return ((const struct nlmsgerr *)nlmsg_data(nlh))->error;
		}
		if (err < 0)
			break;
	}
	return err < 0 ? err : -EBADMSG;
}

static int look_at_defaults(struct dumper *dumper, struct guard_finding *ret)
{
	struct nl_msg *msg = nlmsg_alloc_simple(XFRM_MSG_GETDEFAULT, 0);
	bool blocks = false;
	int err = -ENOMEM;

	if (msg && nlmsg_reserve(msg, sizeof(struct xfrm_userpolicy_default), NLMSG_ALIGNTO)) {
		nl_complete_msg(dumper->sk, msg);
		nlmsg_hdr(msg)->nlmsg_flags &= (uint16_t)~NLM_F_ACK;
		err = nl_send(dumper->sk, msg);
		err = err < 0 ? socket_error(err)
			      : receive_default(&dumper->rx, nlmsg_hdr(msg)->nlmsg_seq, &blocks);
	}
	nlmsg_free(msg);
	if (err == -EINVAL) /* kernels before 5.15 do not know the question */
		return 0;
	if (!err && blocks) {
		ret->found = true;
		snprintf(ret->detail, sizeof(ret->detail), "xfrm: default policy blocks");
	}
	return err;
}

int guard_look_xfrm(struct guard *guard, struct guard_finding *ret)
{
	int err;

	if (!guard->xfrm.events)
		return 0;
	err = look_at_policies(&guard->xfrm.dumper, ret);
	return err || ret->found ? err : look_at_defaults(&guard->xfrm.dumper, ret);
}
