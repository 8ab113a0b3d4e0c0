// SPDX-License-Identifier: GPL-2.0-only
/*
 * Asks the kernel which route it takes for an address: RTM_GETROUTE with RTM_F_FIB_MATCH.
 *
 * Many questions go in one datagram; each has one answer, a route or an error, with the number of its
 * question. As many are under way at a time as surely find room in the receive buffer.
 */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <sys/time.h>
#include "netlink.h"
#include "transport.h"

#define QUERY_BATCH   256
#define QUERY_RCVBUF  (4 << 20) /* an answer takes 1 to 2 KiB; a multipath route of 256 legs 8 */
#define QUERY_TIMEOUT 10	/* seconds */

#ifndef SOL_NETLINK
#define SOL_NETLINK 270
#endif
#ifndef RTM_F_LOOKUP_TABLE
#define RTM_F_LOOKUP_TABLE 0x1000
#endif
#ifndef RTM_F_FIB_MATCH
#define RTM_F_FIB_MATCH 0x2000
#endif

/* A question as it is sent; attributes that are not needed are left out by its length. */
struct query_message {
	struct nlmsghdr header;
	struct rtmsg route;
	struct {
		struct nlattr header;
		uint32_t value;
	} attributes[3];
};

struct netlink_queries {
	struct nl_sock *sk;
	struct receiver rx;
	uint32_t seq; /* of the next question */
	struct query_message messages[QUERY_BATCH];
	struct event event;
};

int netlink_queries_open(struct netlink_queries **ret)
{
	const struct timeval timeout = { .tv_sec = QUERY_TIMEOUT };
	struct netlink_queries *q = calloc(1, sizeof(*q));
	int fd, on = 1, size = QUERY_RCVBUF, err;

	if (!q)
		return -ENOMEM;
	q->seq = 1;
	err = socket_open(&q->sk, NETLINK_ROUTE);
	if (!err) {
		fd = nl_socket_get_fd(q->sk);
		err = receiver_init(&q->rx, fd, RECEIVER_SLOTS, true);
		if (!err && setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)))
			err = -errno;
		/* More room, and errors without a copy of the question: both only help. */
		if (!err && setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
			(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
		if (!err)
			(void)setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	}
	if (err) {
		netlink_queries_close(q);
		return err;
	}
	*ret = q;
	return 0;
}

void netlink_queries_close(struct netlink_queries *q)
{
	if (!q)
		return;
	receiver_destroy(&q->rx);
	nl_socket_free(q->sk);
	free(q);
}

static void put_attribute(struct query_message *message, uint16_t type, uint32_t value)
{
	size_t at = (message->header.nlmsg_len - NLMSG_LENGTH(sizeof(struct rtmsg))) /
		    sizeof(message->attributes[0]);

	message->attributes[at].header =
		(struct nlattr){ .nla_len = sizeof(message->attributes[0]), .nla_type = type };
	message->attributes[at].value = value;
	message->header.nlmsg_len += sizeof(message->attributes[0]);
}

static void write_question(struct query_message *message, const struct route_query *query,
			   uint32_t seq)
{
	message->header = (struct nlmsghdr){
		.nlmsg_len = NLMSG_LENGTH(sizeof(struct rtmsg)),
		.nlmsg_type = RTM_GETROUTE,
		.nlmsg_flags = NLM_F_REQUEST,
		.nlmsg_seq = seq,
	};
	message->route = (struct rtmsg){
		.rtm_family = AF_INET,
		.rtm_dst_len = 32,
		.rtm_src_len = query->src ? 32 : 0,
		.rtm_flags = RTM_F_FIB_MATCH | RTM_F_LOOKUP_TABLE,
	};
	put_attribute(message, RTA_DST, query->dst);
	if (query->src)
		put_attribute(message, RTA_SRC, query->src);
	if (query->iif)
		put_attribute(message, RTA_IIF, query->iif);
}

static int send_questions(struct netlink_queries *q, const struct route_query *queries,
			  unsigned int n)
{
	const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	struct iovec iov[QUERY_BATCH];
	struct msghdr msg = { .msg_name = (void *)&kernel,
			      .msg_namelen = sizeof(kernel),
			      .msg_iov = iov,
			      .msg_iovlen = n };
	ssize_t sent;

	for (unsigned int i = 0; i < n; i++) {
		write_question(&q->messages[i], &queries[i], q->seq + i);
		iov[i] = (struct iovec){ &q->messages[i], q->messages[i].header.nlmsg_len };
	}
	do {
		sent = sendmsg(q->rx.fd, &msg, 0);
	} while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : 0;
}

/* The kernel's errno in an NLMSG_ERROR. */
static int message_error(const struct nlmsghdr *nlh)
{
	int32_t error;

	if (nlh->nlmsg_len < NLMSG_HDRLEN + sizeof(error))
		return -EBADMSG;
	memcpy(&error, NLMSG_DATA(nlh), sizeof(error));
	return error < 0 ? error : -EBADMSG;
}

/* Calls fn with one answer; -ENOMSG where it is none to these questions. */
static int take_answer(struct netlink_queries *q, const struct nlmsghdr *nlh, unsigned int n,
		       size_t first, route_answer_fn fn, void *ctx)
{
	uint32_t i = nlh->nlmsg_seq - q->seq;
	const char *reason;
	int err;

	if (i >= n)
		return -ENOMSG;
	if (nlh->nlmsg_type == NLMSG_ERROR)
		return fn(ctx, first + i, message_error(nlh), NULL);
	err = netlink_decode(nlh, nlh->nlmsg_len, &q->event, &reason);
	if (!err && q->event.kind != EVENT_ROUTE)
		err = -EBADMSG;
	return fn(ctx, first + i, err, err ? NULL : &q->event.route);
}

static int read_answers(struct netlink_queries *q, unsigned int n, size_t first, route_answer_fn fn,
			void *ctx)
{
	const struct nlmsghdr *nlh;
	unsigned int answered = 0;
	int err;

	while (answered < n) {
		err = receiver_datagram(&q->rx, RECEIVER_SLOTS);
		if (err == -EMSGSIZE) /* lost, and room for such a one now */
			err = -EAGAIN;
		if (err < 0)
			return err;
		while ((err = receiver_message(&q->rx, &nlh)) > 0) {
			err = take_answer(q, nlh, n, first, fn, ctx);
			if (err < 0 && err != -ENOMSG)
				return err;
			answered += err != -ENOMSG;
		}
		if (err < 0)
			return err;
	}
	return 0;
}

int netlink_queries_ask(struct netlink_queries *q, const struct route_query *queries, size_t n,
			route_answer_fn fn, void *ctx)
{
	for (size_t first = 0; first < n;) {
		unsigned int batch = n - first < QUERY_BATCH ? n - first : QUERY_BATCH;
		int err = send_questions(q, queries + first, batch);

		if (!err)
			err = read_answers(q, batch, first, fn, ctx);
		q->seq += batch;
		if (err)
			return err;
		first += batch;
	}
	return 0;
}
