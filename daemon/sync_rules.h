/* SPDX-License-Identifier: GPL-2.0-only */
/* Asks the kernel what no message says of policy rules: which device the `iif` of one stands for. */
#ifndef EBPF_ROUTE_SYNC_RULES_H
#define EBPF_ROUTE_SYNC_RULES_H

struct mirror;

/*
 * For the rules of which the mirror does not know it (mirror_rule_devices.c) and that look up a table
 * of their own. To be called behind a dump and what was announced meanwhile; a few questions in all.
 * What is not answered stays as it is: the kernel then decides about the packets.
 */
void rules_ask(struct mirror *mirror);

#endif
