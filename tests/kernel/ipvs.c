// SPDX-License-Identifier: GPL-2.0-only
/* ipvs add|del: the service TCP 198.18.1.1:80 of IPVS, without servers, in the current network namespace. */
#include <arpa/inet.h>
#include <linux/ip_vs.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

int main(int argc, char **argv)
{
	struct ip_vs_service_user service = {
		.protocol = IPPROTO_TCP,
		.addr = htonl(0xc6120101),
		.port = htons(80),
		.sched_name = "none",
	};
	int command = argc == 2 && strcmp(argv[1], "del") == 0 ? IP_VS_SO_SET_DEL
							       : IP_VS_SO_SET_ADD;
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (fd >= 0 && !setsockopt(fd, IPPROTO_IP, command, &service, sizeof(service)))
		return 0;
	perror("ipvs");
	return 1;
}
