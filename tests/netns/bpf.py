# SPDX-License-Identifier: GPL-2.0-only
"""bpf(2) by its number, for the tests that touch programs and maps as others would."""
import ctypes
import os
import platform

SYSCALL = {"x86_64": 321, "aarch64": 280}[platform.machine()]
LIBC = ctypes.CDLL(None, use_errno=True)


def bpf(command, attributes):
    """(what it returns, the attributes afterwards); OSError where it fails."""
    buffer = ctypes.create_string_buffer(attributes, 128)
    result = LIBC.syscall(SYSCALL, command, buffer, len(buffer))
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return result, buffer.raw
