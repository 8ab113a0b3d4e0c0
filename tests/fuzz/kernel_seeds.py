#!/usr/bin/python3
"""Seeds for the decoders: what the running kernel tells of itself, one netlink message a file.

    kernel_seeds.py DIRECTORY

Asks rtnetlink for links, addresses, neighbours, next hops, routes, rules and settings, netfilter for chains and
IPsec for policies (the last two need root; without it they are left out).
"""
import hashlib
import pathlib
import socket
import struct
import sys

NLM_F_REQUEST, NLM_F_DUMP = 1, 0x300
NLMSG_ERROR, NLMSG_DONE = 2, 3
ROUTE, XFRM, NETFILTER = 0, 6, 12
MESSAGES_MAX = 64  # of a kind

# protocol, message type, the family header that the dump asks with
DUMPS = [
    (ROUTE, 18, bytes(16)),  # RTM_GETLINK
    (ROUTE, 22, bytes([socket.AF_INET]) + bytes(7)),  # RTM_GETADDR
    (ROUTE, 26, bytes([socket.AF_INET]) + bytes(11)),  # RTM_GETROUTE
    (ROUTE, 30, bytes([socket.AF_INET]) + bytes(11)),  # RTM_GETNEIGH
    (ROUTE, 34, bytes([socket.AF_INET]) + bytes(11)),  # RTM_GETRULE
    (ROUTE, 38, bytes(20)),  # RTM_GETQDISC
    (ROUTE, 82, bytes([socket.AF_INET]) + bytes(3)),  # RTM_GETNETCONF
    (ROUTE, 106, bytes(8)),  # RTM_GETNEXTHOP
    (NETFILTER, 10 << 8 | 4, bytes(4)),  # NFT_MSG_GETCHAIN
    (XFRM, 0x15, bytes(64)),  # XFRM_MSG_GETPOLICY
]


def messages(data):
    while len(data) >= 16:
        length, kind = struct.unpack_from("=IH", data)
        yield kind, data[:length]
        data = data[(length + 3) & ~3:]


def dump(protocol, kind, body):
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, protocol) as channel:
        channel.settimeout(2)
        channel.send(struct.pack("=IHHII", 16 + len(body), kind, NLM_F_REQUEST | NLM_F_DUMP, 1, 0) + body)
        while True:
            for answer, message in messages(channel.recv(1 << 16)):
                if answer in (NLMSG_ERROR, NLMSG_DONE):
                    return
                yield message


def main(directory):
    for protocol, kind, body in DUMPS:
        try:
            for number, message in enumerate(dump(protocol, kind, body)):
                if number == MESSAGES_MAX:
                    break
                name = hashlib.sha1(message).hexdigest()
                (directory / name).write_bytes(message)
        except OSError as error:
            print(f"protocol {protocol}, type {kind}: {error}, no seeds of it", file=sys.stderr)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
