// SPDX-License-Identifier: GPL-2.0-only
/* Writes and reads the journal of user routes: see route_journal.h. */
#include "route_journal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "route_files_internal.h"

#define DONE "# done\n"

enum {
	SLACK_BYTES = 1 << 20, /* that a journal may grow by before it is written anew */
};

void route_journal_close(struct route_journal *journal)
{
	if (journal->fd >= 0)
		close(journal->fd);
	*journal = (struct route_journal){ .fd = -1 };
}

/* ---- writing ------------------------------------------------------------------------- */

int route_journal_begin(FILE *out)
{
	struct stat ns;

	if (stat("/proc/thread-self/ns/net", &ns))
		return -errno;
	fprintf(out, "# ebpf-routed: user routes set at run time in network namespace %lu\n",
		(unsigned long)ns.st_ino);
	return 0;
}

void route_journal_end(FILE *out)
{
	fputs(DONE, out);
}

int route_journal_append(struct route_journal *journal, const char *text, size_t size)
{
	int err = route_files_write(journal->fd, text, size);

	if (!err)
		journal->size += (off_t)size;
	return err;
}

int route_journal_replace(struct route_journal *journal, const char *path, const char *text,
			  size_t size)
{
	char fresh[PATH_MAX];
	int err;

	route_journal_close(journal);
	if (snprintf(fresh, sizeof(fresh), "%s.new", path) >= (int)sizeof(fresh))
		return -ENAMETOOLONG;
	journal->fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
	if (journal->fd < 0)
		return -errno;
	err = route_journal_append(journal, text, size);
	if (!err && rename(fresh, path))
		err = -errno;
	if (err)
		unlink(fresh);
	journal->size_fresh = journal->size;
	return err;
}

bool route_journal_is_long(const struct route_journal *journal)
{
	return journal->size > 2 * journal->size_fresh + SLACK_BYTES;
}

/* ---- reading ------------------------------------------------------------------------- */

/* NULL where it cannot be read. */
static char *read_all(int fd)
{
	struct stat st;
	size_t size = 0;
	char *text;

	if (fstat(fd, &st))
		return NULL;
	text = malloc((size_t)st.st_size + 1);
	if (!text)
		return NULL;
	while (size < (size_t)st.st_size) {
		ssize_t n = read(fd, text + size, (size_t)st.st_size - size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		size += (size_t)n;
	}
	text[size] = '\0';
	return text;
}

/* Behind the last change that is complete; NULL: there is none. */
static char *complete_end(char *text)
{
	char *end = NULL, *at = text;

	while ((at = strstr(at, "\n" DONE))) {
		at += strlen("\n" DONE) - 1;
		end = at + 1;
	}
	return end;
}

static bool is_of_this_namespace(const char *text)
{
	char *header = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&header, &size);
	bool is = false;

	if (!out)
		return false;
	if (route_journal_begin(out))
		size = 0;
	if (!fclose(out))
		is = size && strncmp(text, header, size) == 0;
	free(header);
	return is;
}

/* What is complete; NULL: there is nothing. */
static char *read_complete(int fd)
{
	char *text = read_all(fd), *end = text ? complete_end(text) : NULL;

	if (end && is_of_this_namespace(text)) {
		*end = '\0';
		return text;
	}
	free(text);
	return NULL;
}

char *route_journal_read(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	char *text = fd >= 0 ? read_complete(fd) : NULL;

	if (fd >= 0)
		close(fd);
	return text;
}

int route_journal_open(struct route_journal *journal, const char *path, char **ret)
{
	char *text;
	int err = 0;

	*journal = (struct route_journal){ .fd = -1 };
	journal->fd = open(path, O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
	if (journal->fd < 0)
		return -errno;
	text = read_complete(journal->fd);
	if (!text)
		err = -EINVAL;
	else if (ftruncate(journal->fd, (off_t)strlen(text)))
		err = -errno;
	if (err) {
		free(text);
		route_journal_close(journal);
		return err;
	}
	/* How much of it is needed is not known: size_fresh stays 0. */
	journal->size = (off_t)strlen(text);
	*ret = text;
	return 0;
}
