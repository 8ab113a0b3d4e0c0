/* SPDX-License-Identifier: GPL-2.0-only */
/* The part of the model that finds the leaf. */
#ifndef EBPF_ROUTE_TESTS_MODEL_ROUTE_H
#define EBPF_ROUTE_TESTS_MODEL_ROUTE_H

#include "lab.h"

/* What rules look at, in host byte order. */
struct model_question {
	uint32_t dst, src;
	unsigned int port; /* it comes in by */
	uint8_t tos, protocol;
	uint16_t sport, dport; /* 0: not known */
};

static inline unsigned int get16(const uint8_t *at)
{
	return (unsigned int)at[0] << 8 | at[1];
}

static inline uint32_t get32(const uint8_t *at)
{
	return (uint32_t)get16(at) << 16 | get16(at + 2);
}

/* Of a packet with a whole header, and of the answer to it. */
struct model_question model_question(const struct frame *frame, unsigned int port);
struct model_question model_question_back(const struct frame *frame, unsigned int egress);

uint32_t model_leaf(const struct lab *l, const struct model_question *question);

#endif
