#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""What sees the packets of interfaces at the very moment at which a daemon is ready, or has ended.

    hooks.py ready FILE DEV...       as soon as that file is not empty
    hooks.py ended PID DEV...        as soon as that process has ended

Prints a line for each interface: DEV, "xdp" if an XDP program is there, "tc" for each tcx program at its ingress.
"""
import os
import select
import socket
import struct
import sys
import time

import foreign

PATIENCE = 30
RTM_GETLINK, IFLA_XDP, IFLA_XDP_ATTACHED = 18, 43, 2


def attributes(data):
    """(type, value) of each."""
    while len(data) >= 4:
        length, kind = struct.unpack_from("=HH", data)
        yield kind & 0x3fff, data[4:length]
        data = data[length + 3 & ~3:]


def has_xdp(sock, dev):
    sock.send(struct.pack("=IHHII BxHiII", 32, RTM_GETLINK, 1, 1, 0, 0, 0, socket.if_nametoindex(dev), 0, 0))
    xdp = dict(attributes(sock.recv(65536)[32:])).get(IFLA_XDP, b"")
    return dict(attributes(xdp)).get(IFLA_XDP_ATTACHED, b"\0") != b"\0"


def wait(what, which):
    if what == "ended":
        if not select.select([os.pidfd_open(int(which))], [], [], PATIENCE)[0]:
            sys.exit(f"process {which}: does not end")
        return
    end = time.monotonic() + PATIENCE
    while not os.path.getsize(which):
        if time.monotonic() > end:
            sys.exit(f"{which}: stays empty")
        time.sleep(0.0002)


def main():
    what, which, *devs = sys.argv[1:]
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as sock:
        print("waiting", flush=True)
        wait(what, which)
        found = [(dev, has_xdp(sock, dev), foreign.programs("tcx-ingress", dev)) for dev in devs]
    for dev, xdp, tcx in found:
        print(dev, *["xdp"] * xdp, *["tc"] * len(tcx))


if __name__ == "__main__":
    main()
