/* SPDX-License-Identifier: GPL-2.0-only */
/* The audit's answer to its client: rows and a summary, as include/control.h has it. */
#ifndef EBPF_ROUTE_VERIFY_REPORT_H
#define EBPF_ROUTE_VERIFY_REPORT_H

struct verify;
struct verify_options;

/* 0, or -errno where the client does not take it. */
int report_differences(struct verify *v, const struct verify_options *options, double seconds);

#endif
