// SPDX-License-Identifier: GPL-2.0-only
/*
 * Changes of routes, next hops, neighbours, addresses and links, asked of the kernel as iproute2 asks
 * for them, but many in one system call and without waiting for each answer: refusals are counted.
 */
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "tests/scale/requests.h"

enum { TOGETHER = 32768 }; /* bytes of a system call */

struct message {
	struct nlmsghdr nlh;
	uint8_t rest[1024];
};

/* The message with its fixed header; new ones replace what is there. */
static void begin(struct message *m, uint16_t type, bool fresh, const void *header, size_t len)
{
	memset(m, 0, sizeof(*m));
	m->nlh.nlmsg_type = type;
	m->nlh.nlmsg_flags = NLM_F_REQUEST | (fresh ? NLM_F_CREATE | NLM_F_REPLACE : 0);
	m->nlh.nlmsg_len = NLMSG_LENGTH(len);
	memcpy(NLMSG_DATA(&m->nlh), header, len);
}

static struct rtattr *put(struct message *m, uint16_t type, const void *data, size_t len)
{
	struct rtattr *attr = (void *)((char *)m + NLMSG_ALIGN(m->nlh.nlmsg_len));

	if (NLMSG_ALIGN(m->nlh.nlmsg_len) + RTA_SPACE(len) > sizeof(*m))
		die("feed: a message is too long");
	attr->rta_type = type;
	attr->rta_len = (unsigned short)RTA_LENGTH(len);
	if (len)
		memcpy(RTA_DATA(attr), data, len);
	m->nlh.nlmsg_len = NLMSG_ALIGN(m->nlh.nlmsg_len) + RTA_LENGTH(len);
	return attr;
}

static void put_u32(struct message *m, uint16_t type, uint32_t value)
{
	put(m, type, &value, sizeof(value));
}

/* Everything that was put since belongs to it. */
static void end(struct message *m, struct rtattr *nest)
{
	nest->rta_len = (unsigned short)((char *)m + m->nlh.nlmsg_len - (char *)nest);
}

/* ---- the socket ---------------------------------------------------------------------- */

void requests_open(struct requests *r)
{
	int on = 1, size = 4 << 20;

	memset(r, 0, sizeof(*r));
	r->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (r->fd < 0)
		die("netlink: %s", strerror(errno));
	/* Refusals without the message that they refuse: many of them have room. */
	(void)setsockopt(r->fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	(void)setsockopt(r->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
}

static void hear(struct requests *r)
{
	char buffer[8192];
	ssize_t len;

	while ((len = recv(r->fd, buffer, sizeof(buffer), MSG_DONTWAIT)) > 0) {
		const struct nlmsghdr *nlh = (void *)buffer;

		for (; NLMSG_OK(nlh, len); nlh = NLMSG_NEXT(nlh, len)) {
			const struct nlmsgerr *answer = NLMSG_DATA(nlh);

			if (nlh->nlmsg_type != NLMSG_ERROR || !answer->error)
				continue;
			r->refused++;
			r->last_error = -answer->error;
		}
	}
	if (len < 0 && errno != EAGAIN)
		die("netlink: %s", strerror(errno));
}

/* The kernel has done all of it when send() returns. */
void requests_flush(struct requests *r)
{
	if (r->stream.size &&
	    send(r->fd, r->stream.bytes, r->stream.size, 0) != (ssize_t)r->stream.size)
		die("netlink: %s", strerror(errno));
	r->stream.size = 0;
	hear(r);
}

static void add(struct requests *r, const struct message *m)
{
	if (r->stream.size + sizeof(*m) > TOGETHER)
		requests_flush(r);
	stream_add(&r->stream, &m->nlh);
	r->sent++;
}

void requests_close(struct requests *r)
{
	requests_flush(r);
	stream_free(&r->stream);
	close(r->fd);
}

/* ---- routes -------------------------------------------------------------------------- */

static void put_legs(struct message *m, const struct way *way)
{
	struct rtattr *nest = put(m, RTA_MULTIPATH, NULL, 0);

	for (unsigned int i = 0; i < way->n; i++) {
		struct rtnexthop *leg = (void *)((char *)m + NLMSG_ALIGN(m->nlh.nlmsg_len));

		leg->rtnh_len = sizeof(*leg) + RTA_SPACE(sizeof(__be32));
		leg->rtnh_hops = (uint8_t)i; /* the weight, less one */
		leg->rtnh_ifindex = (int)way->legs[i].oif;
		m->nlh.nlmsg_len += sizeof(*leg);
		put(m, RTA_GATEWAY, &way->legs[i].gateway, sizeof(__be32));
	}
	end(m, nest);
}

static void put_way(struct message *m, const struct way *way)
{
	if (way->mtu) {
		struct rtattr *nest = put(m, RTA_METRICS, NULL, 0);

		put_u32(m, RTAX_MTU, way->mtu);
		end(m, nest);
	}
	if (way->nhid) {
		put_u32(m, RTA_NH_ID, way->nhid);
	} else if (way->n > 1) {
		put_legs(m, way);
	} else if (way->n) {
		put_u32(m, RTA_GATEWAY, way->legs[0].gateway);
		put_u32(m, RTA_OIF, way->legs[0].oif);
	}
}

static void begin_route(struct message *m, uint16_t type, struct prefix dst, uint8_t kind,
			uint32_t metric)
{
	bool fresh = type == RTM_NEWROUTE;
	const struct rtmsg header = { .rtm_family = AF_INET,
				      .rtm_dst_len = dst.len,
				      .rtm_table = RT_TABLE_MAIN,
				      .rtm_protocol = RTPROT_BGP,
				      .rtm_scope = fresh ? RT_SCOPE_UNIVERSE : RT_SCOPE_NOWHERE,
				      .rtm_type = kind };

	begin(m, type, fresh, &header, sizeof(header));
	put_u32(m, RTA_DST, htonl(dst.addr));
	put_u32(m, RTA_PRIORITY, metric);
}

void request_route(struct requests *r, struct prefix dst, uint32_t metric, const struct way *way)
{
	struct message m;

	begin_route(&m, RTM_NEWROUTE, dst, way->n || way->nhid ? RTN_UNICAST : RTN_BLACKHOLE,
		    metric);
	put_way(&m, way);
	add(r, &m);
}

void request_no_route(struct requests *r, struct prefix dst, uint32_t metric)
{
	struct message m;

	begin_route(&m, RTM_DELROUTE, dst, 0, metric);
	add(r, &m);
}

/* ---- what routes go by --------------------------------------------------------------- */

void request_nexthop(struct requests *r, uint32_t id, const struct leg *leg)
{
	const struct nhmsg header = { .nh_family = AF_INET, .nh_protocol = RTPROT_BGP };
	struct message m;

	begin(&m, RTM_NEWNEXTHOP, true, &header, sizeof(header));
	put_u32(&m, NHA_ID, id);
	put_u32(&m, NHA_GATEWAY, leg->gateway);
	put_u32(&m, NHA_OIF, leg->oif);
	add(r, &m);
}

void request_nexthop_group(struct requests *r, uint32_t id, const uint32_t *members, unsigned int n)
{
	const struct nhmsg header = { .nh_protocol = RTPROT_BGP };
	struct nexthop_grp group[8] = { 0 };
	struct message m;

	for (unsigned int i = 0; i < n; i++)
		group[i].id = members[i];
	begin(&m, RTM_NEWNEXTHOP, true, &header, sizeof(header));
	put_u32(&m, NHA_ID, id);
	put(&m, NHA_GROUP, group, n * sizeof(group[0]));
	add(r, &m);
}

void request_no_nexthop(struct requests *r, uint32_t id)
{
	const struct nhmsg header = { .nh_family = 0 };
	struct message m;

	begin(&m, RTM_DELNEXTHOP, false, &header, sizeof(header));
	put_u32(&m, NHA_ID, id);
	add(r, &m);
}

void request_neighbour(struct requests *r, const struct leg *leg, const uint8_t *mac)
{
	const struct ndmsg header = { .ndm_family = AF_INET,
				      .ndm_ifindex = (int)leg->oif,
				      .ndm_state = NUD_PERMANENT };
	struct message m;

	begin(&m, mac ? RTM_NEWNEIGH : RTM_DELNEIGH, mac, &header, sizeof(header));
	put_u32(&m, NDA_DST, leg->gateway);
	if (mac)
		put(&m, NDA_LLADDR, mac, 6);
	add(r, &m);
}

void request_address(struct requests *r, __be32 addr, uint8_t len, uint32_t ifindex, bool there)
{
	const struct ifaddrmsg header = { .ifa_family = AF_INET,
					  .ifa_prefixlen = len,
					  .ifa_index = ifindex };
	struct message m;

	begin(&m, there ? RTM_NEWADDR : RTM_DELADDR, there, &header, sizeof(header));
	put_u32(&m, IFA_LOCAL, addr);
	put_u32(&m, IFA_ADDRESS, addr);
	add(r, &m);
}

void request_link_up(struct requests *r, uint32_t ifindex, bool up)
{
	const struct ifinfomsg header = { .ifi_index = (int)ifindex,
					  .ifi_flags = up ? IFF_UP : 0,
					  .ifi_change = IFF_UP };
	struct message m;

	begin(&m, RTM_NEWLINK, false, &header, sizeof(header));
	add(r, &m);
}

void request_macvlan(struct requests *r, const char *name, uint32_t below)
{
	const struct ifinfomsg header = { .ifi_flags = IFF_UP, .ifi_change = IFF_UP };
	struct rtattr *info, *data;
	struct message m;

	begin(&m, RTM_NEWLINK, false, &header, sizeof(header));
	m.nlh.nlmsg_flags |= NLM_F_CREATE | NLM_F_EXCL;
	put_u32(&m, IFLA_LINK, below);
	put(&m, IFLA_IFNAME, name, strlen(name) + 1);
	info = put(&m, IFLA_LINKINFO, NULL, 0);
	put(&m, IFLA_INFO_KIND, "macvlan", 7);
	data = put(&m, IFLA_INFO_DATA, NULL, 0);
	put_u32(&m, IFLA_MACVLAN_MODE, MACVLAN_MODE_BRIDGE);
	end(&m, data);
	end(&m, info);
	add(r, &m);
}

void request_no_device(struct requests *r, const char *name)
{
	const struct ifinfomsg header = { .ifi_index = 0 };
	struct message m;

	begin(&m, RTM_DELLINK, false, &header, sizeof(header));
	put(&m, IFLA_IFNAME, name, strlen(name) + 1);
	add(r, &m);
}
