/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sends a dump request and reads its answer to the end, whatever happens on the way: the kernel
 * runs one dump a socket, and the next request would find the last one's rest.
 */
#include <errno.h>
#include <string.h>
#include <sys/time.h>
#include "transport.h"

#define DUMP_TRIES   20
#define DUMP_RCVBUF  (1 << 20)
#define DUMP_TIMEOUT 10 /* seconds; the kernel answers at once, or has lost its answer */

#ifndef SOL_NETLINK
#define SOL_NETLINK 270
#endif

int dumper_open(struct dumper *dumper, int protocol)
{
	const struct timeval timeout = { .tv_sec = DUMP_TIMEOUT };
	int fd, on = 1, size = DUMP_RCVBUF, err;

	memset(dumper, 0, sizeof(*dumper));
	dumper->protocol = protocol;
	err = socket_open(&dumper->sk, protocol);
	if (err)
		return err;
	fd = nl_socket_get_fd(dumper->sk);
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)))
		err = -errno;
	else
		err = receiver_init(&dumper->rx, fd, 1, true);
	if (err) {
		dumper_close(dumper);
		return err;
	}
	/* Both only help: without strict checks the kernel looks at the family alone. */
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	(void)setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof(on));
	return 0;
}

void dumper_close(struct dumper *dumper)
{
	nl_socket_free(dumper->sk);
	receiver_destroy(&dumper->rx);
	dumper->sk = NULL;
}

static int dumper_send(struct dumper *dumper, struct nl_msg *request, uint32_t *ret_seq)
{
	struct nlmsghdr *nlh = nlmsg_hdr(request);
	int err;

	nlh->nlmsg_seq = NL_AUTO_SEQ;
	nl_complete_msg(dumper->sk, request);
	/* A dump has an end of its own; that of any other answer is the acknowledgement. */
	if ((nlh->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP)
		nlh->nlmsg_flags &= (uint16_t)~NLM_F_ACK;
	err = nl_send(dumper->sk, request);
	if (err < 0)
		return socket_error(err);
	*ret_seq = nlh->nlmsg_seq;
	return 0;
}

/* The errno in an NLMSG_ERROR or NLMSG_DONE, which both begin with it; a DONE may lack it. */
static int end_error(const struct nlmsghdr *nlh)
{
	int32_t error;

	if (nlh->nlmsg_len < NLMSG_HDRLEN + sizeof(error))
		return nlh->nlmsg_type == NLMSG_ERROR ? -EBADMSG : 0;
	memcpy(&error, NLMSG_DATA(nlh), sizeof(error));
	return error < 0 ? error : 0;
}

struct answer {
	uint32_t seq;
	bool done;
	bool interrupted;
	int err; /* of fn, which is not called again then, or of the kernel */
};

static void answer_message(struct answer *answer, const struct nlmsghdr *nlh, message_fn fn,
			   void *ctx)
{
	if (nlh->nlmsg_seq != answer->seq || answer->done)
		return;
	answer->interrupted = answer->interrupted || (nlh->nlmsg_flags & NLM_F_DUMP_INTR);
	if (nlh->nlmsg_type == NLMSG_DONE || nlh->nlmsg_type == NLMSG_ERROR) {
		int err = end_error(nlh);

		answer->done = true;
		if (!answer->err)
			answer->err = err;
		return;
	}
	if (nlh->nlmsg_type < NLMSG_MIN_TYPE || answer->err)
		return;
	answer->err = fn(ctx, nlh);
	if (answer->err > 0)
		answer->err = 0;
}

/*
 * A datagram that did not fit counts as an interruption: the buffer has grown for the next try. An
 * error here leaves the kernel's dump unfinished; those of fn and of the kernel are in the answer.
 */
static int dumper_read(struct dumper *dumper, struct answer *answer, message_fn fn, void *ctx)
{
	const struct nlmsghdr *nlh;
	int err;

	while (!answer->done) {
		err = receiver_datagram(&dumper->rx, 1);
		if (err == -EMSGSIZE) {
			answer->interrupted = true;
			continue;
		}
		if (err < 0)
			return err;
		while ((err = receiver_message(&dumper->rx, &nlh)) > 0)
			answer_message(answer, nlh, fn, ctx);
		if (err < 0)
			answer->interrupted = true;
	}
	return 0;
}

int dumper_run(struct dumper *dumper, struct nl_msg *request, message_fn fn, void *ctx)
{
	for (int i = 0; i < DUMP_TRIES; i++) {
		struct answer answer = { .done = false };
		int err = 0;

		if (!dumper->sk)
			err = dumper_open(dumper, dumper->protocol);
		if (err)
			return err;
		err = dumper_send(dumper, request, &answer.seq);
		if (!err)
			err = dumper_read(dumper, &answer, fn, ctx);
		if (err) {
			dumper_close(dumper);
			return err;
		}
		if (answer.err || !answer.interrupted)
			return answer.err;
	}
	return -EAGAIN;
}
