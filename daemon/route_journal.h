/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The file that route_state.c keeps: a journal of commands, in the words of user_text.h:
 *
 *   # ebpf-routed: user routes set at run time in network namespace INODE
 *   replace PREFIX ACTION ..	or	del PREFIX
 *   # done
 *
 * A change is appended as a whole. What has no `done` behind it was being written when the daemon was
 * killed, and was never answered: it does not count.
 */
#ifndef EBPF_ROUTE_ROUTE_JOURNAL_H
#define EBPF_ROUTE_ROUTE_JOURNAL_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

struct route_journal {
	int fd;		  /* -1: there is none */
	off_t size;	  /* bytes of what is complete in it */
	off_t size_fresh; /* when it was last written anew */
};

/* What every journal begins with; 0 or -errno. */
int route_journal_begin(FILE *out);
/* What a change ends with. */
void route_journal_end(FILE *out);

/*
 * Goes on with the journal of that name, behind its last complete change, which is what *ret has, the caller's.
 * 0, -ENOENT, -EINVAL: it has none, or is of another network namespace; or another -errno. Then nothing is open.
 */
int route_journal_open(struct route_journal *journal, const char *path, char **ret);
void route_journal_close(struct route_journal *journal);
/* The complete changes of the journal of that name, the caller's; NULL: there are none, or they cannot be read. */
char *route_journal_read(const char *path);

/* 0, or -errno: then some of it may be there. */
int route_journal_append(struct route_journal *journal, const char *text, size_t size);
/* The text in the place of what is there: whoever reads finds the old one or the new one, whole. 0 or -errno. */
int route_journal_replace(struct route_journal *journal, const char *path, const char *text,
			  size_t size);
/* Has it grown well beyond what it was when it was last written anew? */
bool route_journal_is_long(const struct route_journal *journal);

#endif
