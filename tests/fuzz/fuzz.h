/* SPDX-License-Identifier: GPL-2.0-only */
/* What the fuzzers share. */
#ifndef EBPF_ROUTE_FUZZ_H
#define EBPF_ROUTE_FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A finding: says what is wrong and ends. */
#define FINDING(...)                                                                               \
	do {                                                                                       \
		fprintf(stderr, "fuzz: " __VA_ARGS__);                                             \
		fputc('\n', stderr);                                                               \
		abort();                                                                           \
	} while (0)

/* The input as a string, which ends at its first zero; free() it. NULL where memory is out. */
static inline char *fuzz_text(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	if (text) {
		memcpy(text, data, size);
		text[size] = '\0';
	}
	return text;
}

/* A mirror with eth0 (1, 198.18.1.1/24) and eth1 (2, 198.18.2.1/24), made once; see world.c. */
struct mirror *fuzz_mirror(void);

#endif
