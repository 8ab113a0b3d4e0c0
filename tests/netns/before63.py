#!/usr/bin/python3
"""Runs a command as if the kernel had no generic netlink, and so could not tell of device features.

    before63.py COMMAND [ARGUMENT]...
"""
import ctypes
import errno
import os
import platform
import struct
import sys

SYS_SOCKET = {'x86_64': 41, 'aarch64': 198}
AF_NETLINK, NETLINK_GENERIC = 16, 16
PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 22, 2
RET_ALLOW, RET_ERRNO = 0x7fff0000, 0x00050000
LOAD, JUMP_EQUAL, RETURN = 0x20, 0x15, 0x06
NUMBER, ARGUMENT_0, ARGUMENT_2 = 0, 16, 32  # in struct seccomp_data, the lower words


def main():
    # code, further on if equal, further on if not, value
    program = ((LOAD, 0, 0, NUMBER), (JUMP_EQUAL, 0, 5, SYS_SOCKET[platform.machine()]),
               (LOAD, 0, 0, ARGUMENT_0), (JUMP_EQUAL, 0, 3, AF_NETLINK),
               (LOAD, 0, 0, ARGUMENT_2), (JUMP_EQUAL, 0, 1, NETLINK_GENERIC),
               (RETURN, 0, 0, RET_ERRNO | errno.EOPNOTSUPP), (RETURN, 0, 0, RET_ALLOW))
    code = ctypes.create_string_buffer(b''.join(struct.pack('HBBI', *line) for line in program))
    header = ctypes.create_string_buffer(struct.pack('HP', len(program), ctypes.addressof(code)))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, header, 0, 0):
        raise OSError(ctypes.get_errno(), 'seccomp')
    os.execvp(sys.argv[1], sys.argv[1:])


main()
