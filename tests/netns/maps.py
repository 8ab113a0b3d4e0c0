#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Reads and writes an entry of a pinned BPF map: what no daemon does, for the tests of the audit.

    maps.py PIN get KEY OFFSET SIZE           prints a number of the value, in host byte order
    maps.py PIN set KEY OFFSET SIZE NUMBER    changes it, and prints what it was
    maps.py PIN put KEY VALUE                 a whole value, as hex
    maps.py PIN del KEY
    maps.py PIN freeze KEY                    no process can change it any more, ever
    maps.py FOLDER serve                      reads such lines, NAME VERB .., until the end of its input, and
                                              answers each with a line: the number, or nothing, or `none`

KEY is the index into an array, or hex with an x in front.
"""
import ctypes
import errno
import os
import struct
import sys

from bpf import bpf

LOOKUP, UPDATE, DELETE, OBJ_GET, INFO, FREEZE = 1, 2, 3, 7, 15, 22


class Map:
    def __init__(self, pin):
        path = ctypes.create_string_buffer(pin.encode())
        self.fd = bpf(OBJ_GET, struct.pack("=QII", ctypes.addressof(path), 0, 0))[0]
        info = ctypes.create_string_buffer(128)
        bpf(INFO, struct.pack("=IIQ", self.fd, len(info), ctypes.addressof(info)))
        self.key_size, self.value_size = struct.unpack_from("=II", info.raw, 8)

    def __del__(self):
        if hasattr(self, "fd"):
            os.close(self.fd)

    def key(self, word):
        key = bytes.fromhex(word[1:]) if word.startswith("x") else int(word).to_bytes(
            self.key_size, sys.byteorder)
        if len(key) != self.key_size:
            raise ValueError(f"a key has {self.key_size} bytes")
        return ctypes.create_string_buffer(key, self.key_size)

    def call(self, command, key, value=None):
        pointer = ctypes.addressof(value) if value else 0
        bpf(command, struct.pack("=IIQQQ", self.fd, 0, ctypes.addressof(key), pointer, 0))

    def lookup(self, key):
        value = ctypes.create_string_buffer(self.value_size)
        self.call(LOOKUP, key, value)
        return value


def run(target, verb, word, *rest):
    key = target.key(word)
    if verb == "del":
        target.call(DELETE, key)
    elif verb == "freeze":
        bpf(FREEZE, struct.pack("=I", target.fd))
    elif verb == "put":
        value = bytes.fromhex(rest[0])
        target.call(UPDATE, key, ctypes.create_string_buffer(value, len(value)))
    else:
        offset, size = int(rest[0]), int(rest[1])
        value = target.lookup(key)
        before = int.from_bytes(value.raw[offset:offset + size], sys.byteorder)
        if verb == "set":
            value[offset:offset + size] = int(rest[2], 0).to_bytes(size, sys.byteorder)
            target.call(UPDATE, key, value)
        return before
    return ""


def serve(folder):
    for line in sys.stdin:
        name, *words = line.split()
        try:
            answer = run(Map(f"{folder}/{name}"), *words)
        except OSError as error:
            answer = "none" if error.errno == errno.ENOENT else error
        print(answer, flush=True)


def main(pin, verb, *words):
    if verb == "serve":
        serve(pin)
        return
    answer = run(Map(pin), verb, *words)
    if answer != "":
        print(answer)


main(*sys.argv[1:])
