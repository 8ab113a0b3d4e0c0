// SPDX-License-Identifier: GPL-2.0-only
/*
 * Builds frames, and forwards them the plain way.
 */
#include "frame.h"

#include <arpa/inet.h>
#include <assert.h>
#include <string.h>

static void put16(uint8_t *at, unsigned int value)
{
	at[0] = value >> 8;
	at[1] = value;
}

static unsigned int get16(const uint8_t *at)
{
	return (unsigned int)at[0] << 8 | at[1];
}

static void put_address(uint8_t *at, const char *text)
{
	int ok = inet_pton(AF_INET, text, at);

	assert(ok == 1);
	(void)ok;
}

/* Sum of the ten 16-bit words, carries added. */
static unsigned int header_sum(const struct frame *frame)
{
	unsigned int sum = 0;

	for (int i = 0; i < IP_LEN; i += 2)
		sum += get16(&frame->bytes[AT_IP + i]);
	while (sum > 0xffff)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

void frame_sign(struct frame *frame)
{
	put16(&frame->bytes[AT_CHECK], 0);
	put16(&frame->bytes[AT_CHECK], ~header_sum(frame) & 0xffff);
}

bool frame_is_signed(const struct frame *frame)
{
	return header_sum(frame) == 0xffff;
}

/* Tags of a high priority. */
static void put_tags(struct frame *frame, const struct recipe *recipe)
{
	uint8_t *at = &frame->bytes[AT_ETHERTYPE];
	size_t len = recipe->tags * 4;

	assert(frame->len + len <= FRAME_MAX);
	memmove(at + len, at, frame->len - AT_ETHERTYPE);
	frame->len += len;
	for (int i = 1; i <= recipe->tags; i++, at += 4) {
		put16(at, recipe->tpid ? recipe->tpid : 0x8100);
		put16(at + 2, 0xe000 | (i == recipe->tags ? recipe->vid : 0));
	}
}

void frame_make(struct frame *frame, const uint8_t dst_mac[6], const struct recipe *recipe)
{
	static const uint8_t sender[6] = { 0x02, 0xaa, 0xbb, 0xcc, 0xdd, 0xee };
	int payload = recipe->payload ? recipe->payload : 40;
	uint8_t *b = frame->bytes;

	payload = payload < 0 ? 0 : payload;
	frame->len = ETH_LEN + IP_LEN + payload + recipe->padding;
	assert(frame->len <= FRAME_MAX);
	memset(b, 0, ETH_LEN + IP_LEN);
	memcpy(b, dst_mac, 6);
	memcpy(b + 6, sender, 6);
	put16(b + AT_ETHERTYPE, 0x0800);
	b[AT_IP] = 0x45;
	put16(b + AT_TOT_LEN, IP_LEN + payload);
	put16(b + AT_ID, 0x1234);
	b[AT_TTL] = recipe->ttl == TTL_ZERO ? 0 : recipe->ttl ? recipe->ttl : 64;
	b[AT_PROTOCOL] = recipe->protocol ? recipe->protocol : 17;
	put_address(b + AT_SRC, recipe->src ? recipe->src : "192.0.2.1");
	put_address(b + AT_DST, recipe->dst ? recipe->dst : "10.1.0.1");
	for (size_t i = ETH_LEN + IP_LEN; i < frame->len; i++)
		b[i] = 0x11 + i * 7;
	if (payload >= 4) {
		put16(b + AT_PORTS, recipe->sport);
		put16(b + AT_PORTS + 2, recipe->dport);
	}
	for (size_t i = 0; i < sizeof(recipe->patch) / sizeof(recipe->patch[0]); i++) {
		if (recipe->patch[i].at || recipe->patch[i].value)
			b[recipe->patch[i].at] = recipe->patch[i].value;
	}
	frame_sign(frame);
	if (recipe->wrong_checksum)
		b[AT_CHECK + 1] ^= 1;
	put_tags(frame, recipe);
	if (recipe->cut)
		frame->len = recipe->cut;
}

void frame_forward(struct frame *frame, const uint8_t dst_mac[6], const uint8_t src_mac[6])
{
	memcpy(frame->bytes, dst_mac, 6);
	memcpy(frame->bytes + 6, src_mac, 6);
	frame->bytes[AT_TTL]--;
	frame_sign(frame);
	frame->len = ETH_LEN + get16(&frame->bytes[AT_TOT_LEN]);
}
