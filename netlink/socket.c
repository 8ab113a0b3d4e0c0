/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Opens netlink sockets, and translates libnl's errors into errno.
 */
#include <errno.h>
#include <netlink/errno.h>
#include "transport.h"

static const struct {
	int nl_error;
	int error;
} error_table[] = {
	{ NLE_NOMEM, ENOMEM },
	{ NLE_PERM, EPERM },
	{ NLE_NOACCESS, EACCES },
	{ NLE_INVAL, EINVAL },
	{ NLE_BAD_SOCK, EBADF },
	{ NLE_BUSY, EBUSY },
	{ NLE_AGAIN, EAGAIN },
	{ NLE_INTR, EINTR },
	{ NLE_EXIST, EEXIST },
	{ NLE_RANGE, ERANGE },
	{ NLE_MSGSIZE, EMSGSIZE },
	{ NLE_OPNOTSUPP, EOPNOTSUPP },
	{ NLE_AF_NOSUPPORT, EAFNOSUPPORT },
	{ NLE_PROTO_MISMATCH, EPROTONOSUPPORT },
	{ NLE_OBJ_NOTFOUND, ENOENT },
	{ NLE_NODEV, ENODEV },
};

int socket_error(int nl_error)
{
	if (nl_error >= 0)
		return 0;
	for (size_t i = 0; i < sizeof(error_table) / sizeof(error_table[0]); i++) {
		if (error_table[i].nl_error == -nl_error)
			return -error_table[i].error;
	}
	return -EIO;
}

/* For calls that end in a system call: its errno, where it set one, is exact. */
static int system_error(int nl_error)
{
	return errno ? -errno : socket_error(nl_error);
}

int socket_open(struct nl_sock **ret, int protocol)
{
	struct nl_sock *sk = nl_socket_alloc();
	int err;

	if (!sk)
		return -ENOMEM;
	errno = 0;
	err = nl_connect(sk, protocol);
	if (err < 0) {
		err = system_error(err);
		nl_socket_free(sk);
		return err;
	}
	*ret = sk;
	return 0;
}

int socket_join(struct nl_sock *sk, int group)
{
	int err;

	errno = 0;
	err = nl_socket_add_membership(sk, group);
	return err < 0 ? system_error(err) : 0;
}
