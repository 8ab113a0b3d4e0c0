#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Someone else's programs on an interface, for the tests: they let every packet go on, or drop all.

    foreign.py attach xdp|xdp-generic|tcx-ingress|tcx-egress DEV [drop|mark]
                                     by a link that ends with this process; prints the program's id;
                                     mark (tcx): every packet gets the firewall mark 1 and goes on
    foreign.py set DEV               an XDP program without a link, as `ip link set DEV xdp` does; prints its id
    foreign.py ids tcx-ingress|tcx-egress DEV      of the programs there, in their order
    foreign.py detach DEV PROGRAM    by force, the link of that program on that interface
"""
import ctypes
import os
import signal
import socket
import struct
import sys

from bpf import bpf

PROG_LOAD, INFO, PROG_QUERY = 5, 15, 16
LINK_CREATE, LINK_FD_BY_ID, LINK_NEXT_ID, LINK_DETACH = 28, 30, 31, 34
SCHED_CLS, XDP = 3, 6  # program types
ATTACH = {"xdp": (37, 1 << 2), "xdp-generic": (37, 1 << 1), "tcx-ingress": (46, 0), "tcx-egress": (47, 0)}
XDP_DROP, XDP_PASS, TCX_NEXT, TCX_DROP = 1, 2, -1, 2


def load(kind, verdict, mark=False):
    code = struct.pack("=BBhiBBhi", 0xb7, 0, 0, verdict, 0x95, 0, 0, 0)
    if mark:
        code = struct.pack("=BBhiBBhi", 0xb7, 2, 0, 1, 0x63, 0x21, 8, 0) + code  # ctx->mark = r2 = 1
    size, code = len(code) // 8, ctypes.create_string_buffer(code)
    license_ = ctypes.create_string_buffer(b"GPL")
    return bpf(PROG_LOAD, struct.pack("=IIQQIIQII16s", kind, size, ctypes.addressof(code),
                                      ctypes.addressof(license_), 0, 0, 0, 0, 0, b"foreign"))[0]


def information(fd):
    info = ctypes.create_string_buffer(256)
    bpf(INFO, struct.pack("=IIQ", fd, len(info), ctypes.addressof(info)))
    return info.raw


def attach(place, dev, what=""):
    kind, flags = ATTACH[place]
    drop = what == "drop"
    if place.startswith("xdp"):
        program = load(XDP, XDP_DROP if drop else XDP_PASS)
    else:
        program = load(SCHED_CLS, TCX_DROP if drop else TCX_NEXT, what == "mark")
    bpf(LINK_CREATE, struct.pack("=IIII", program, socket.if_nametoindex(dev), kind, flags))
    print(struct.unpack_from("=II", information(program))[1], flush=True)
    signal.pause()


def set_xdp(dev):
    program = load(XDP, XDP_PASS)
    xdp = struct.pack("=HHiHHI", 8, 1, program, 8, 3, ATTACH["xdp"][1])  # IFLA_XDP_FD, IFLA_XDP_FLAGS
    body = struct.pack("=BxHiII", 0, 0, socket.if_nametoindex(dev), 0, 0)
    body += struct.pack("=HH", 4 + len(xdp), 43 | 1 << 15) + xdp  # IFLA_XDP, nested
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as netlink:
        netlink.send(struct.pack("=IHHII", 16 + len(body), 19, 5, 1, 0) + body)  # RTM_SETLINK, acknowledged
        error = struct.unpack_from("=i", netlink.recv(4096), 16)[0]
    if error:
        raise OSError(-error, os.strerror(-error))
    print(struct.unpack_from("=II", information(program))[1])


def programs(place, dev):
    room = (ctypes.c_uint32 * 64)()
    _, answer = bpf(PROG_QUERY, struct.pack("=IIIIQI", socket.if_nametoindex(dev), ATTACH[place][0], 0, 0,
                                            ctypes.addressof(room), len(room)))
    return room[:struct.unpack_from("=I", answer, 24)[0]]


def ids(place, dev):
    print(*programs(place, dev))


def detach(dev, program):
    ifindex, number = socket.if_nametoindex(dev), 0
    while True:
        try:
            number = struct.unpack_from("=II", bpf(LINK_NEXT_ID, struct.pack("=II", number, 0))[1])[1]
            fd = bpf(LINK_FD_BY_ID, struct.pack("=I", number))[0]
        except FileNotFoundError:
            sys.exit(f"no link of program {program} on {dev}")
        info = information(fd)
        if struct.unpack_from("=I", info, 8)[0] == int(program) and struct.unpack_from("=I", info, 16)[0] == ifindex:
            bpf(LINK_DETACH, struct.pack("=I", fd))
            return
        os.close(fd)


if __name__ == "__main__":
    {"attach": attach, "set": set_xdp, "ids": ids, "detach": detach}[sys.argv[1]](*sys.argv[2:])
