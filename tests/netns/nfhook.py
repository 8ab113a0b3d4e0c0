#!/usr/bin/python3
"""Drops all IPv4 packets on one netfilter hook by a BPF program (a link of type netfilter, Linux 6.4), in the background.

    nfhook.py HOOK PID-FILE

HOOK is a number: 0 prerouting, 1 input, 2 forward, 3 output, 4 postrouting. It returns once packets are dropped; the
process in PID-FILE holds the link until it is killed. Exit code 1: the kernel has none of this.
"""
import ctypes
import os
import platform
import signal
import struct
import sys

SYS_BPF = {"x86_64": 321, "aarch64": 280}
BPF_PROG_LOAD, BPF_LINK_CREATE = 5, 28
BPF_PROG_TYPE_NETFILTER, BPF_NETFILTER = 32, 45
NFPROTO_IPV4, PRIORITY = 2, 0
PROGRAM = struct.pack("<Q", 0xb7) + struct.pack("<Q", 0x95)  # r0 = 0 (NF_DROP); exit

libc = ctypes.CDLL(None, use_errno=True)


def bpf(command, attributes):
    buffer = ctypes.create_string_buffer(attributes, len(attributes))
    fd = libc.syscall(SYS_BPF[platform.machine()], command, buffer, len(attributes))
    if fd < 0:
        sys.exit(f"bpf({command}): {os.strerror(ctypes.get_errno())}")
    return fd


def attach(hook):
    code = ctypes.create_string_buffer(PROGRAM, len(PROGRAM))
    licence = ctypes.create_string_buffer(b"GPL")
    program = bpf(BPF_PROG_LOAD, struct.pack("<IIQQIIQII16sII", BPF_PROG_TYPE_NETFILTER, len(PROGRAM) // 8,
                                             ctypes.addressof(code), ctypes.addressof(licence), 0, 0, 0, 0, 0,
                                             b"drop_all", 0, BPF_NETFILTER))
    bpf(BPF_LINK_CREATE, struct.pack("<IIIIIIiI", program, 0, BPF_NETFILTER, 0, NFPROTO_IPV4, hook, PRIORITY, 0))


def main():
    hook, pid_file = int(sys.argv[1]), sys.argv[2]
    attach(hook)
    child = os.fork()
    if not child:
        signal.pause()
    with open(pid_file, "w", encoding="ascii") as out:
        print(child, file=out)


if __name__ == "__main__":
    main()
