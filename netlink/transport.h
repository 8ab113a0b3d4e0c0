/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Inside netlink/: sockets, batches of datagrams and dumps, for rtnetlink and generic netlink.
 */
#ifndef EBPF_ROUTE_TRANSPORT_H
#define EBPF_ROUTE_TRANSPORT_H

#include <linux/netlink.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define RECEIVER_SLOTS 32

/* Datagrams as they came, read message by message; what is left stays for the next call. */
struct receiver {
	int fd;
	bool wait;	    /* block for the first datagram */
	unsigned int slots; /* datagrams that one system call may bring */
	size_t size;	    /* bytes for each */
	uint8_t *buffers;
	struct mmsghdr headers[RECEIVER_SLOTS];
	struct iovec iovs[RECEIVER_SLOTS];
	struct sockaddr_nl senders[RECEIVER_SLOTS];
	unsigned int count, next; /* datagrams that have come, and the first one not begun */
	const uint8_t *pos;	  /* the rest of the datagram that has been begun */
	size_t left;
};

int receiver_init(struct receiver *rx, int fd, unsigned int slots, bool wait);
void receiver_destroy(struct receiver *rx);

/*
 * Begins the next datagram of the kernel, reading at most `want` of them. 1, 0 where none is there,
 * -ENOBUFS where the kernel has lost some, -EMSGSIZE where one was longer than the buffers, which
 * have grown now.
 */
int receiver_datagram(struct receiver *rx, unsigned int want);

/* The next message of the begun datagram: 1, 0 at its end, -EBADMSG once where the rest is none. */
int receiver_message(struct receiver *rx, const struct nlmsghdr **ret);

/* Throws away all that has arrived. After an overrun the kernel queues nothing until then. */
void receiver_drain(struct receiver *rx);

/* A libnl code as a negative errno; errno, where the failed call has set it, says more. */
int socket_error(int nl_error);

/* An open socket of a protocol; close it by nl_socket_free(). */
int socket_open(struct nl_sock **ret, int protocol);
int socket_join(struct nl_sock *sk, int group);

/* A socket for requests; closed after an error of its own, and opened anew when next used. */
struct dumper {
	int protocol;
	struct nl_sock *sk; /* NULL: closed */
	struct receiver rx;
};

typedef int (*message_fn)(void *ctx, const struct nlmsghdr *nlh);

int dumper_open(struct dumper *dumper, int protocol);
void dumper_close(struct dumper *dumper); /* a zeroed one is fine */

/*
 * Sends the request and calls fn for each message of the answer; where the kernel marks it as
 * interrupted, all over again, -EAGAIN after several tries. The error of the kernel, or of fn.
 */
int dumper_run(struct dumper *dumper, struct nl_msg *request, message_fn fn, void *ctx);

#endif
