/* SPDX-License-Identifier: GPL-2.0-only */
/* What is pinned at a place of a bpffs, whoever pinned it: a map, a program, a link, or nothing that we know. */
#ifndef EBPF_ROUTE_PIN_H
#define EBPF_ROUTE_PIN_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	PIN_MAPS_MAX = 64, /* BPF_MAX_USED maps of a program, MAX_USED_MAPS of the kernel */
};

enum pin_kind {
	PIN_NOTHING,
	PIN_MAP,
	PIN_PROGRAM,
	PIN_LINK,
	PIN_DIRECTORY,
	PIN_OTHER,
};

struct pin {
	enum pin_kind kind;
	uint32_t type, id;
	char name[BPF_OBJ_NAME_LEN];	     /* of a link: of its program */
	uint32_t maps[PIN_MAPS_MAX], n_maps; /* of a program: the ids of those that it uses */
	int err; /* of PIN_OTHER: why it cannot be looked at; 0: it can */
};

void pin_look(const char *path, struct pin *ret);
/* What would be at a place where this object is pinned. */
void pin_read(int fd, struct pin *ret);

/* Are they of one kind, type and name? */
bool pin_is_like(const struct pin *a, const struct pin *b);
/* In words, for messages: "a map 'control' of type 2". */
void pin_describe(const struct pin *pin, char *text, size_t size);

#endif
