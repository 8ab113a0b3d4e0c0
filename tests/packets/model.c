// SPDX-License-Identifier: GPL-2.0-only
/*
 * The checks one after another, as include/reasons.h and the comment in bpf/decide.h have them.
 */
#include "model.h"
#include "model_route.h"

static bool within(uint32_t addr, const char *text)
{
	struct prefix prefix = { 0 };

	return prefix_parse(text, &prefix) == 0 && prefix_covers(prefix, prefix_make(addr, 32));
}

/* The port whose MAC address it has, and that takes its frames on the wire of PORT_IN; 0: none. */
static int ingress_of(const struct lab *l, const struct frame *frame)
{
	bool upper = l->ports[PORT_IN].flags & PORT_HAS_MACS;

	if (memcmp(frame->bytes, l->ports[PORT_IN].mac, 6) == 0)
		return PORT_IN;
	return upper && memcmp(frame->bytes, l->ports[PORT_UPPER].mac, 6) == 0 ? PORT_UPPER : 0;
}

static bool frame_is_ipv4(const struct frame *frame)
{
	return frame->bytes[AT_ETHERTYPE] == 8 && frame->bytes[AT_ETHERTYPE + 1] == 0;
}

/* Of the header; VERDICT_forwarded: nothing wrong with it. */
static enum verdict check_header(const struct lab *l, const struct frame *frame)
{
	const uint8_t *b = frame->bytes;

	if (frame->len < ETH_LEN)
		return VERDICT_malformed;
	if (!frame_is_ipv4(frame))
		return VERDICT_not_ipv4;
	if (!ingress_of(l, frame))
		return VERDICT_not_our_mac;
	if (frame->len < ETH_LEN + IP_LEN)
		return VERDICT_malformed;
	if (b[AT_IP] / 16 != 4 || b[AT_IP] % 16 < 5)
		return VERDICT_malformed;
	if (b[AT_IP] % 16 > 5)
		return VERDICT_ip_options;
	if (get16(b + AT_TOT_LEN) < IP_LEN)
		return VERDICT_malformed;
	if (get16(b + AT_TOT_LEN) > frame->len - ETH_LEN)
		return VERDICT_malformed;
	if (!frame_is_signed(frame))
		return VERDICT_malformed;
	return VERDICT_forwarded;
}

/* Of addresses and ingress port. */
static enum verdict check_source(const struct lab *l, const struct frame *frame)
{
	static const char *const martian[] = { "0.0.0.0/32", "127.0.0.0/8", "224.0.0.0/4",
					       "255.255.255.255/32" };
	uint32_t src = get32(frame->bytes + AT_SRC), dst = get32(frame->bytes + AT_DST);
	uint16_t flags = l->ports[ingress_of(l, frame)].flags;

	if (!(flags & PORT_FORWARDING))
		return VERDICT_forwarding_off;
	if (within(dst, martian[2]))
		return VERDICT_multicast;
	if (within(dst, martian[3]))
		return VERDICT_broadcast;
	if (within(dst, martian[0]) || within(dst, martian[1]))
		return VERDICT_martian;
	for (int i = 0; i < 4; i++) {
		if (within(src, martian[i]))
			return VERDICT_martian;
	}
	for (int i = 0; i < l->n_own; i++) {
		if (ntohl(l->own[i].addr) != src)
			continue;
		if (l->own[i].kind == OWN_BROADCAST || !(flags & PORT_ACCEPT_LOCAL))
			return VERDICT_martian;
		if (flags & PORT_RP_FILTER || l->control->flags & CONTROL_CHECK_SOURCE)
			return VERDICT_martian;
	}
	return VERDICT_forwarded;
}

static bool mark_matters(const struct lab *l)
{
	return l->tc && l->skb.mark && l->control->flags & CONTROL_MARKS;
}

/* Is the forwarding slot one that the user's routes lead to? */
static bool is_users(const struct lab *l, uint32_t slot)
{
	const struct nexthop *nexthop = &l->nexthops[slot].nexthop;

	return nexthop->kind == NEXTHOP_REDIRECT || nexthop->verdict & NEXTHOP_USER;
}

/* Of the source's route: as the comment in include/maps.h on union reverse_word has it. */
static enum verdict check_reverse(const struct lab *l, const struct frame *frame, uint32_t slot)
{
	int egress = lab_hop_port(slot);
	struct model_question back = model_question_back(frame, egress);
	int ingress = ingress_of(l, frame);
	uint16_t flags = l->ports[ingress].flags;
	uint32_t leaf = model_leaf(l, &back);
	bool known = leaf >= LEAF_FIRST_SLOT && leaf < LAB_SLOTS && l->nexthops[leaf].reverse.word;

	if (!(flags & PORT_RP_FILTER) && !(l->control->flags & CONTROL_CHECK_SOURCE))
		return VERDICT_forwarded;
	if (mark_matters(l))
		return VERDICT_policy_rule;
	if (!(flags & PORT_RP_FILTER)) {
		if (known)
			return VERDICT_forwarded;
		if (is_users(l, slot) && leaf != VERDICT_local && leaf != VERDICT_broadcast &&
		    leaf != VERDICT_multicast && leaf != VERDICT_table_full &&
		    leaf != VERDICT_stale)
			return VERDICT_forwarded;
		return leaf == VERDICT_no_route ? VERDICT_forwarded : VERDICT_martian;
	}
	if (leaf == VERDICT_local || leaf == VERDICT_broadcast || leaf == VERDICT_multicast)
		return VERDICT_martian;
	if (!known)
		return VERDICT_rp_filter;
	for (int i = 0; i < REVERSE_PORTS; i++) {
		if (l->nexthops[leaf].reverse.port[i] == ingress)
			return VERDICT_forwarded;
	}
	if (flags & PORT_RP_LOOSE && flags & PORT_HAS_ADDRESS)
		return VERDICT_forwarded;
	return VERDICT_rp_filter;
}

/* Does the sender hear of a better gateway? Not if it is behind one itself, by the same port. */
static bool is_redirected(const struct lab *l, const struct frame *frame, uint32_t slot)
{
	int egress = lab_hop_port(slot);
	struct model_question back = model_question_back(frame, egress);
	uint32_t leaf = model_leaf(l, &back);

	if (egress != ingress_of(l, frame) || !(l->ports[egress].flags & PORT_SEND_REDIRECTS))
		return false;
	if (is_users(l, slot)) /* of which the kernel does not know */
		return false;
	if (leaf < LEAF_FIRST_SLOT || leaf >= LAB_SLOTS ||
	    l->nexthops[leaf].nexthop.kind != NEXTHOP_ADJACENCY)
		return true;
	for (int i = 0; i < REVERSE_PORTS; i++) {
		if (l->nexthops[leaf].reverse.port[i] == egress)
			return false;
	}
	return true;
}

/* The longest IP packet on the wire, as the comment in bpf/decide.h has it. */
static unsigned int longest(const struct lab *l, const struct frame *frame, uint32_t slot)
{
	const uint8_t *b = frame->bytes;
	bool tcp = b[AT_PROTOCOL] == 6 && frame->len > AT_PORTS + 12;

	if (l->tc && l->skb.gso_size && tcp)
		return IP_LEN + (b[AT_PORTS + 12] / 16) * 4 + l->skb.gso_size;
	if (l->tc && l->skb.gso_size && b[AT_PROTOCOL] == 17)
		return IP_LEN + 8 + l->skb.gso_size;
	return slot == SLOT_REDIRECT ? frame->len - ETH_LEN : get16(b + AT_TOT_LEN);
}

/* Of the egress that a forwarding slot leads to. */
static enum verdict check_egress(const struct lab *l, const struct frame *frame, uint32_t slot)
{
	const struct port *out = &l->ports[lab_hop_port(slot)];
	int egress = lab_hop_port(slot);
	unsigned int mtu = out->mtu;
	bool generic = l->ports[PORT_IN].flags & PORT_IN_GENERIC;
	enum verdict verdict;

	if (!egress)
		return VERDICT_no_neighbour;
	verdict = check_reverse(l, frame, slot);
	if (verdict != VERDICT_forwarded)
		return verdict;
	if (frame->bytes[AT_TTL] < 2 && slot != SLOT_REDIRECT)
		return VERDICT_ttl;
	if (!(out->flags & PORT_UP))
		return VERDICT_egress_down;
	if (slot == SLOT_REDIRECT ? egress == PORT_IN || egress == ingress_of(l, frame)
				  : is_redirected(l, frame, slot))
		return VERDICT_hairpin;
	if (!l->tc && !(out->flags & (generic ? PORT_XMIT_GENERIC : PORT_XMIT_NATIVE)))
		return VERDICT_egress_no_xdp;
	if (l->nexthops[slot].nexthop.mtu && l->nexthops[slot].nexthop.mtu < mtu)
		mtu = l->nexthops[slot].nexthop.mtu;
	if (longest(l, frame, slot) > mtu)
		return VERDICT_mtu;
	if (l->control->flags & CONTROL_OBSERVE)
		return VERDICT_observe;
	if (egress == PORT_GONE)
		return VERDICT_egress_down;
	/* What cannot be trimmed. */
	if (l->tc && l->skb.gso_size && slot != SLOT_REDIRECT &&
	    frame->len > ETH_LEN + get16(frame->bytes + AT_TOT_LEN))
		return VERDICT_malformed;
	return VERDICT_forwarded;
}

static enum verdict number_to_verdict(const struct lab *l, unsigned int number)
{
	if (number == VERDICT_forwarded || number == VERDICT_cpu || number >= VERDICT_COUNT)
		return VERDICT_stale;
	if (number == VERDICT_dropped && l->control->flags & CONTROL_OBSERVE)
		return VERDICT_observe;
	return number;
}

static enum verdict check_slot(const struct lab *l, const struct frame *frame, uint32_t slot)
{
	uint32_t dst = get32(frame->bytes + AT_DST);
	bool known = true, unresolved = false;

	if (slot < LEAF_FIRST_SLOT)
		return number_to_verdict(l, slot);
	if (slot >= LAB_SLOTS || slot == SLOT_UNSET || slot == SLOT_NESTED || slot == SLOT_NOWHERE)
		return VERDICT_stale;
	if (slot >= SLOT_VERDICT)
		return number_to_verdict(l, slot - SLOT_VERDICT);
	switch (slot) {
	case SLOT_CONNECTED:
		known = within(dst, "10.10.0.1/32");
		unresolved = within(dst, "10.10.0.2/32");
		break;
	case SLOT_ASK:
		known = within(dst, "10.23.0.1/32");
		unresolved = within(dst, "10.23.0.2/32");
		break;
	case SLOT_USER_DROP:
		return number_to_verdict(l, VERDICT_dropped);
	case SLOT_USER_PASS:
		return VERDICT_user_pass;
	case SLOT_CPU:
		if (l->control->flags & CONTROL_OBSERVE)
			return VERDICT_observe;
		return l->tc ? VERDICT_user_pass : VERDICT_cpu;
	}
	if (known)
		return check_egress(l, frame, slot);
	if (l->control->flags & CONTROL_NEIGHBOURS_FULL && !unresolved)
		return VERDICT_table_full;
	return VERDICT_no_neighbour;
}

/* A route of the user's, or of the table local. */
static bool comes_before_rules(uint32_t leaf)
{
	return leaf == VERDICT_local || leaf == VERDICT_broadcast || leaf == VERDICT_multicast ||
	       (leaf >= SLOT_USER && leaf < SLOT_ASK);
}

static struct answer decide(const struct lab *l, const struct frame *frame)
{
	struct answer answer = { .verdict = check_header(l, frame) };
	struct model_question there;

	if (answer.verdict == VERDICT_forwarded)
		answer.verdict = check_source(l, frame);
	if (answer.verdict != VERDICT_forwarded)
		return answer;
	there = model_question(frame, ingress_of(l, frame));
	answer.slots[0] = model_leaf(l, &there);
	if (mark_matters(l) && !comes_before_rules(answer.slots[0]))
		return (struct answer){ .verdict = VERDICT_policy_rule };
	if (answer.slots[0] == SLOT_GROUP) {
		/* The fuzzed frames fit both legs. */
		answer.slots[0] = SLOT_OUT;
		answer.slots[1] = SLOT_JUMBO;
		answer.open = check_slot(l, frame, SLOT_OUT) != check_slot(l, frame, SLOT_JUMBO);
	}
	answer.verdict = check_slot(l, frame, answer.slots[0]);
	answer.counted = answer.verdict != VERDICT_observe &&
			 (answer.slots[0] == SLOT_USER_DROP || answer.slots[0] == SLOT_USER_PASS ||
			  answer.slots[0] == SLOT_CPU);
	return answer;
}

/* Where the kernel finds the IPv4 header: behind up to eight tags that name no VLAN. 0: nowhere. */
static size_t header_at(const struct frame *frame)
{
	size_t at = AT_ETHERTYPE;
	unsigned int type;

	for (int tags = 0; tags <= 8 && at + 4 <= frame->len; tags++, at += 4) {
		type = get16(frame->bytes + at);
		if (type == 0x0800)
			return at + 2 + IP_LEN <= frame->len ? at + 2 : 0;
		if (type != 0x8100 && type != 0x88a8)
			return 0;
		if (get16(frame->bytes + at + 2) % 4096)
			return 0;
	}
	return 0;
}

/* Is it a packet for this router to route, to where the user drops it? */
static bool is_for_drop(const struct lab *l, const struct frame *frame)
{
	size_t at = header_at(frame);
	struct model_question q = { 0 };
	int ingress = at ? ingress_of(l, frame) : 0;

	if (!ingress || !(l->ports[ingress].flags & PORT_FORWARDING))
		return false;
	if (frame->bytes[at] < 0x45 || frame->bytes[at] > 0x4f)
		return false;
	q.dst = get32(frame->bytes + at + 16);
	if (within(q.dst, "224.0.0.0/4") || within(q.dst, "127.0.0.0/8") || q.dst == 0 ||
	    q.dst == 0xffffffff)
		return false;
	return model_leaf(l, &q) == SLOT_USER_DROP;
}

/* The user's drop goes before these. */
static bool yields_to_drop(enum verdict verdict)
{
	static const enum verdict reasons[] = {
		VERDICT_netfilter,	   VERDICT_xfrm,     VERDICT_policy_rule,
		VERDICT_unsupported_route, VERDICT_not_ipv4, VERDICT_ip_options,
		VERDICT_martian,
	};

	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (verdict == reasons[i])
			return true;
	return false;
}

struct answer model_decide(const struct lab *l, const struct frame *frame)
{
	struct answer answer = { .verdict = l->control->hold };

	if (!answer.verdict)
		answer = decide(l, frame);
	if (answer.open || !yields_to_drop(answer.verdict) || !is_for_drop(l, frame))
		return answer;
	answer = (struct answer){ .verdict = number_to_verdict(l, VERDICT_dropped),
				  .slots = { SLOT_USER_DROP } };
	answer.counted = answer.verdict == VERDICT_dropped;
	return answer;
}
