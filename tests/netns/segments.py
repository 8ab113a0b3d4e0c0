#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Sends UDP from here in pieces that stand for ten datagrams each (UDP_SEGMENT), and counts what arrives.

    segments.py NAMESPACE ADDRESS PIECES PATIENCE

NAMESPACE has the ADDRESS. Prints how many datagrams came, each as it was sent and none twice, once all have, or
none did for that many seconds.
"""
import ctypes
import os
import socket
import sys

CLONE_NEWNET, SO_RCVBUFFORCE, SOL_UDP, UDP_SEGMENT = 0x40000000, 33, 17, 103
SIZE, EACH, PORT = 1200, 10, 33500


def datagram(number):
    return number.to_bytes(4, 'big') + bytes((number * 7 + i) & 255 for i in range(SIZE - 4))


def enter(namespace):
    if ctypes.CDLL(None, use_errno=True).setns(namespace, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), 'setns')


def receiver(namespace, address, patience):
    here = os.open('/proc/self/ns/net', os.O_RDONLY)
    there = os.open('/run/netns/' + namespace, os.O_RDONLY)
    enter(there)
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 16 << 20)
    sock.bind((address, PORT))
    sock.settimeout(patience)
    enter(here)
    return sock


def main():
    namespace, address, pieces = sys.argv[1], sys.argv[2], int(sys.argv[3])
    wanted = {datagram(n) for n in range(pieces * EACH)}
    there = receiver(namespace, address, float(sys.argv[4]))
    here = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    here.setsockopt(SOL_UDP, UDP_SEGMENT, SIZE)
    arrived = 0
    for piece in range(pieces):
        data = b''.join(datagram(piece * EACH + n) for n in range(EACH))
        try:
            here.sendto(data, (address, PORT))
        except OSError:
            pass  # the path's MTU is smaller, as it has just learnt
    while wanted:
        try:
            data = there.recv(65536)
        except socket.timeout:
            break
        if data in wanted:
            wanted.remove(data)
            arrived += 1
    print(arrived)


main()
