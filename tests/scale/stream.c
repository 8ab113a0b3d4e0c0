// SPDX-License-Identifier: GPL-2.0-only
/* Netlink messages one after the other, in memory or in a file. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "tests/scale/scale.h"

void stream_add(struct stream *stream, const struct nlmsghdr *nlh)
{
	size_t size = NLMSG_ALIGN((size_t)nlh->nlmsg_len);

	if (stream->size + size > stream->room) {
		stream->room = stream->room ? 2 * stream->room : 1 << 20;
		stream->bytes = realloc(stream->bytes, stream->room);
		if (!stream->bytes)
			die("stream: out of memory");
	}
	memset(stream->bytes + stream->size, 0, size);
	memcpy(stream->bytes + stream->size, nlh, nlh->nlmsg_len);
	stream->size += size;
	stream->n++;
}

const struct nlmsghdr *stream_next(const struct stream *stream, size_t *pos)
{
	const struct nlmsghdr *nlh = (const void *)(stream->bytes + *pos);
	size_t left = stream->size - *pos;

	if (!left)
		return NULL;
	if (left < sizeof(*nlh) || nlh->nlmsg_len < sizeof(*nlh) ||
	    NLMSG_ALIGN((size_t)nlh->nlmsg_len) > left)
		die("stream: a message is cut off");
	*pos += NLMSG_ALIGN((size_t)nlh->nlmsg_len);
	return nlh;
}

void stream_read(struct stream *stream, const char *path)
{
	FILE *file = fopen(path, "r");
	struct stat status;
	size_t pos = 0;

	memset(stream, 0, sizeof(*stream));
	if (!file || fstat(fileno(file), &status))
		die("%s: %s", path, strerror(errno));
	stream->size = stream->room = (size_t)status.st_size;
	stream->bytes = malloc(stream->room + 1);
	if (!stream->bytes)
		die("%s: out of memory", path);
	if (fread(stream->bytes, 1, stream->size, file) != stream->size)
		die("%s: cannot be read", path);
	fclose(file);
	while (stream_next(stream, &pos))
		stream->n++;
}

void stream_free(struct stream *stream)
{
	free(stream->bytes);
	memset(stream, 0, sizeof(*stream));
}
