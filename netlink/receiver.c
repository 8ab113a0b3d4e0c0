/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reads datagrams in batches, and takes them apart into messages in place.
 *
 * nl_recv() asks for the length first and allocates each time: two system calls a message. Here one
 * call brings up to RECEIVER_SLOTS notifications, and nothing is copied again.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "transport.h"

/* The kernel makes no dump datagram longer than this; notifications are far shorter. */
#define RECEIVER_SIZE 32768

/* Datagrams thrown away at most: many times what a buffer holds, in case they keep coming. */
#define DRAIN_MAX (1u << 22)

static void receiver_arm(struct receiver *rx)
{
	for (unsigned int i = 0; i < rx->slots; i++) {
		rx->iovs[i] = (struct iovec){ rx->buffers + i * rx->size, rx->size };
		rx->headers[i].msg_hdr = (struct msghdr){
			.msg_name = &rx->senders[i],
			.msg_namelen = sizeof(rx->senders[i]),
			.msg_iov = &rx->iovs[i],
			.msg_iovlen = 1,
		};
	}
}

int receiver_init(struct receiver *rx, int fd, unsigned int slots, bool wait)
{
	memset(rx, 0, sizeof(*rx));
	rx->fd = fd;
	rx->wait = wait;
	rx->slots = slots;
	rx->size = RECEIVER_SIZE;
	rx->buffers = malloc(slots * rx->size);
	if (!rx->buffers)
		return -ENOMEM;
	receiver_arm(rx);
	return 0;
}

void receiver_destroy(struct receiver *rx)
{
	free(rx->buffers);
	rx->buffers = NULL;
}

static int receiver_grow(struct receiver *rx, size_t need)
{
	size_t size = rx->size;
	uint8_t *buffers;

	while (size < need)
		size *= 2;
	buffers = realloc(rx->buffers, rx->slots * size);
	if (!buffers)
		return -ENOMEM;
	rx->buffers = buffers;
	rx->size = size;
	receiver_arm(rx);
	return 0;
}

/* One system call. MSG_TRUNC makes it tell the whole length of what did not fit. */
static int receiver_read(struct receiver *rx, unsigned int want, int flags)
{
	int n;

	rx->left = 0;
	rx->next = 0;
	rx->count = 0;
	if (want > rx->slots)
		want = rx->slots;
	for (unsigned int i = 0; i < want; i++)
		rx->headers[i].msg_hdr.msg_namelen = sizeof(rx->senders[i]);
	do {
		n = recvmmsg(rx->fd, rx->headers, want, MSG_TRUNC | flags, NULL);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	rx->count = (unsigned int)n;
	return n;
}

static int receiver_fill(struct receiver *rx, unsigned int want)
{
	size_t longest = 0;
	int err;

	err = receiver_read(rx, want, rx->wait ? MSG_WAITFORONE : MSG_DONTWAIT);
	if (err == -EAGAIN)
		return rx->wait ? -ETIMEDOUT : 0;
	if (err < 0)
		return err;
	for (unsigned int i = 0; i < rx->count; i++) {
		if (rx->headers[i].msg_len > longest)
			longest = rx->headers[i].msg_len;
	}
	if (longest <= rx->size)
		return 1;
	rx->count = 0;
	err = receiver_grow(rx, longest);
	return err ? err : -EMSGSIZE;
}

int receiver_datagram(struct receiver *rx, unsigned int want)
{
	for (;;) {
		unsigned int i = rx->next;
		int err;

		if (i >= rx->count) {
			err = receiver_fill(rx, want);
			if (err <= 0)
				return err;
			continue;
		}
		rx->next++;
		/* Only the kernel is believed: port 0. Any process may send to ours. */
		if (rx->headers[i].msg_hdr.msg_namelen != sizeof(rx->senders[i]) ||
		    rx->senders[i].nl_pid != 0)
			continue;
		rx->pos = rx->iovs[i].iov_base;
		rx->left = rx->headers[i].msg_len;
		return 1;
	}
}

int receiver_message(struct receiver *rx, const struct nlmsghdr **ret)
{
	const struct nlmsghdr *nlh = (const void *)rx->pos;
	size_t step;

	if (!rx->left)
		return 0;
	if (rx->left < sizeof(*nlh) || nlh->nlmsg_len < sizeof(*nlh) || nlh->nlmsg_len > rx->left) {
		rx->left = 0;
		return -EBADMSG;
	}
	step = NLMSG_ALIGN((size_t)nlh->nlmsg_len);
	if (step > rx->left)
		step = rx->left;
	rx->pos += step;
	rx->left -= step;
	*ret = nlh;
	return 1;
}

void receiver_drain(struct receiver *rx)
{
	unsigned int done = 0;

	while (done < DRAIN_MAX) {
		int n = receiver_read(rx, RECEIVER_SLOTS, MSG_DONTWAIT);

		if (n < 0 && n != -ENOBUFS)
			break;
		done += n > 0 ? (unsigned int)n : 1;
	}
	rx->count = 0;
}
