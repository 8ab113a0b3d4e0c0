// SPDX-License-Identifier: GPL-2.0-only
/* The least that learning a kernel's routes can cost: a raw netlink dump, decoded and forgotten. */
#include <stdlib.h>
#include <unistd.h>
#include <sys/socket.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include "tests/bench/bench.h"

#define BUFFER_SIZE (1 << 18)

struct route {
	uint32_t dst, gateway, oif, priority, table;
	uint8_t len;
};

static void ask(int fd)
{
	struct {
		struct nlmsghdr header;
		struct rtmsg route;
	} request = {
		.header = {
			.nlmsg_len = sizeof(request),
			.nlmsg_type = RTM_GETROUTE,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
		},
		.route = { .rtm_family = AF_INET },
	};

	if (send(fd, &request, sizeof(request), 0) != sizeof(request))
		die("route dump: %s", strerror(errno));
}

static void decode(struct nlmsghdr *header, struct route *ret)
{
	struct rtmsg *message = NLMSG_DATA(header);
	int left = (int)RTM_PAYLOAD(header);

	memset(ret, 0, sizeof(*ret));
	ret->len = message->rtm_dst_len;
	ret->table = message->rtm_table;
	for (struct rtattr *attr = RTM_RTA(message); RTA_OK(attr, left);
	     attr = RTA_NEXT(attr, left)) {
		uint32_t *field = NULL;

		if (attr->rta_type == RTA_DST)
			field = &ret->dst;
		else if (attr->rta_type == RTA_GATEWAY)
			field = &ret->gateway;
		else if (attr->rta_type == RTA_OIF)
			field = &ret->oif;
		else if (attr->rta_type == RTA_PRIORITY)
			field = &ret->priority;
		else if (attr->rta_type == RTA_TABLE)
			field = &ret->table;
		if (field && RTA_PAYLOAD(attr) == sizeof(*field))
			memcpy(field, RTA_DATA(attr), sizeof(*field));
	}
}

/* False once the dump is over. */
static bool walk(char *buffer, size_t len, uint32_t *routes)
{
	struct nlmsghdr *header = (struct nlmsghdr *)buffer;
	struct route route;

	for (; NLMSG_OK(header, len); header = NLMSG_NEXT(header, len)) {
		if (header->nlmsg_type == NLMSG_DONE)
			return false;
		if (header->nlmsg_type == NLMSG_ERROR)
			die("route dump: the kernel refused it");
		decode(header, &route);
		if (route.table == RT_TABLE_MAIN)
			(*routes)++;
	}
	return true;
}

double dump_routes(const struct topology *topology, uint32_t *ret_routes)
{
	char *buffer = malloc(BUFFER_SIZE);
	double start;
	ssize_t len;
	int fd;

	*ret_routes = 0;
	topology_enter(topology, SITE_ROUTER);
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	topology_enter(topology, SITE_HOME);
	if (!buffer || fd < 0)
		die("route dump: %s", strerror(errno));
	start = seconds_now();
	ask(fd);
	do {
		len = recv(fd, buffer, BUFFER_SIZE, 0);
		if (len <= 0)
			die("route dump: %s", strerror(errno));
	} while (walk(buffer, (size_t)len, ret_routes));
	start = seconds_now() - start;
	close(fd);
	free(buffer);
	return start;
}
