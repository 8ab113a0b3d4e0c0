// SPDX-License-Identifier: GPL-2.0-only
/*
 * Least privilege, by libcap-ng.
 *
 * CAP_NET_ADMIN: programs on interfaces, clsact, asking for neighbours, dumps of nftables and IPsec.
 * CAP_BPF: maps and links (include/uapi/linux/capability.h). What needs more is over by then: other
 * namespaces, mounts, tracing programs, the address of the metrics. Files are read and written as
 * their owner, root.
 */
#include "privileges.h"

#include <cap-ng.h>
#include <errno.h>
#include <sys/prctl.h>

int privileges_drop(void)
{
	/* Before the capabilities: nothing that is executed gains any, whatever bits its file has. */
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	capng_clear(CAPNG_SELECT_ALL);
	if (capng_updatev(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_BOUNDING_SET,
			  CAP_NET_ADMIN, CAP_BPF, -1))
		return -EINVAL;
	/* The bounding set needs CAP_SETPCAP, which goes with the others: it comes first in there. */
	return capng_apply(CAPNG_SELECT_ALL) ? -EPERM : 0;
}
