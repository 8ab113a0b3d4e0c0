/* SPDX-License-Identifier: GPL-2.0-only */
/* Shared by route_*.c: what the files said when they were last in force, and files as such. */
#ifndef EBPF_ROUTE_ROUTE_FILES_INTERNAL_H
#define EBPF_ROUTE_ROUTE_FILES_INTERNAL_H

#include "route_files.h"

/* What the files say of a prefix. */
struct said {
	struct prefix dst;
	const char *path; /* of the file, in `paths`; NULL: no file says it any more */
	bool changed;	  /* at run time, since */
};

struct file_set {
	char **paths;
	size_t n_paths;
	struct said *said; /* by prefix */
	size_t n_said;
};

struct route_files {
	struct file_set set;
	struct user_error error; /* empty: none */
	bool known;		 /* the set is what they said when they were in force */
};

void file_set_free(struct file_set *set);
/* What the files say of the prefix, or NULL. */
struct said *file_set_find(const struct file_set *set, struct prefix dst);
/* The files of the directory in their order, `extra` among them (NULL: none) whether it is there or not. */
int file_set_list(const struct daemon *d, const char *extra, struct file_set *set,
		  struct user_error *error);
/* Puts what the files say into a batch without a base; in place of the file `instead` (or NULL) counts that text. */
int file_set_read(const struct file_set *set, const char *instead, const char *text,
		  struct user_batch *batch, struct user_error *error);
/* Remembers what that batch says. 0 or -ENOMEM. */
int file_set_remember(struct file_set *set, const struct user_batch *batch);

/*
 * Remembers also what came from files of the `old` set, and is in none of this one: until files are read again it is
 * theirs. 0 or -ENOMEM.
 */
int file_set_remember_gone(struct file_set *set, const struct file_set *old);

/* The whole of a regular file, the caller's. 0 or -errno. */
int route_files_read(const char *path, char **ret);
/* All of the text, whatever interrupts. 0, or -errno: then some of it may be there. */
int route_files_write(int fd, const char *text, size_t size);
bool route_files_name(const char *name); /* of a file that is read: NAME.conf */
const char *route_files_directory(const struct daemon *d);
/* "PATH: what the errno means"; returns err. */
int route_files_fail(struct user_error *error, const char *path, int err);

#endif
