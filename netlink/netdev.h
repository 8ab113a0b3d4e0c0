/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The numbers of the generic netlink family `netdev` that are used here. The kernel's own header,
 * <linux/netdev.h> (6.3), is not in Debian 12.
 */
#ifndef EBPF_ROUTE_NETDEV_H
#define EBPF_ROUTE_NETDEV_H

#define NETDEV_FAMILY_NAME    "netdev"
#define NETDEV_FAMILY_VERSION 1
#define NETDEV_MCGRP_MGMT     "mgmt"

enum {
	NETDEV_CMD_DEV_GET = 1,
	NETDEV_CMD_DEV_ADD_NTF,
	NETDEV_CMD_DEV_DEL_NTF,
	NETDEV_CMD_DEV_CHANGE_NTF,
};

enum {
	NETDEV_A_DEV_IFINDEX = 1,
	NETDEV_A_DEV_PAD,
	NETDEV_A_DEV_XDP_FEATURES,
};

#endif
