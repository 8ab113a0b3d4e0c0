/* SPDX-License-Identifier: GPL-2.0-only */
/* Addresses in words. */
#ifndef EBPF_ROUTE_VERIFY_WORDS_H
#define EBPF_ROUTE_VERIFY_WORDS_H

#include <arpa/inet.h>
#include <stdint.h>

/* In host byte order: "192.0.2.0/24", "192.0.2.1", or "192.0.2.1-192.0.2.6". */
#define RANGE_LEN 40
const char *range_format(uint32_t first, uint32_t last, char buf[RANGE_LEN]);
const char *address_format(uint32_t addr, char buf[INET_ADDRSTRLEN]);

#endif
