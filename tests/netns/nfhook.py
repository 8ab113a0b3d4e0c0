#!/usr/bin/python3
"""Drops all IPv4 packets on one netfilter hook by a BPF program (a link of type netfilter, Linux 6.4), in the background.

    nfhook.py HOOK PID-FILE

HOOK is a number: 0 prerouting, 1 input, 2 forward, 3 output, 4 postrouting. It returns once packets are dropped; the
process in PID-FILE holds the link until it is killed or that file is gone. Exit code 1: the kernel has none of this.
"""
import ctypes
import os
import struct
import sys
import time

from bpf import bpf

BPF_PROG_LOAD, BPF_LINK_CREATE = 5, 28
BPF_PROG_TYPE_NETFILTER, BPF_NETFILTER = 32, 45
NFPROTO_IPV4, PRIORITY = 2, 0
PROGRAM = struct.pack("<Q", 0xb7) + struct.pack("<Q", 0x95)  # r0 = 0 (NF_DROP); exit


def attach(hook):
    code = ctypes.create_string_buffer(PROGRAM, len(PROGRAM))
    licence = ctypes.create_string_buffer(b"GPL")
    program = bpf(BPF_PROG_LOAD, struct.pack("<IIQQIIQII16sII", BPF_PROG_TYPE_NETFILTER, len(PROGRAM) // 8,
                                             ctypes.addressof(code), ctypes.addressof(licence), 0, 0, 0, 0, 0,
                                             b"drop_all", 0, BPF_NETFILTER))[0]
    bpf(BPF_LINK_CREATE, struct.pack("<IIIIIIiI", program, 0, BPF_NETFILTER, 0, NFPROTO_IPV4, hook, PRIORITY, 0))


def main():
    hook, pid_file = int(sys.argv[1]), sys.argv[2]
    try:
        attach(hook)
    except OSError as error:
        sys.exit(f"a link of type netfilter: {error}")
    with open(pid_file, "w", encoding="ascii") as out:
        child = os.fork()
        while not child and os.path.exists(pid_file):
            time.sleep(0.1)
        if child:
            print(child, file=out)


if __name__ == "__main__":
    main()
