#!/usr/bin/python3
"""Clients that the control socket has to survive: rude.py SOCKET CASE; and the metrics: rude.py ADDR:PORT metrics

Each case prints nothing and ends with 0 where the daemon behaved, or says what it did and ends with 1.
What a request got is checked by its lines: each JSON, the last an error or the end.
"""
import json
import random
import socket
import struct
import sys
import time

REQUEST_MAX = 16 << 20  # include/control.h
CLIENTS_MAX = 64
PATIENCE = 20  # seconds for an answer


def connect(path):
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    client.connect(path)  # waits while the backlog is full
    client.settimeout(PATIENCE)
    return client


def read_all(client):
    """Everything until the daemon closes; what came before a reset."""
    got = b""
    try:
        while piece := client.recv(1 << 16):
            got += piece
    except ConnectionResetError:
        pass
    return got


def send(client, data):
    """As much as the daemon takes."""
    try:
        client.sendall(data)
    except (BrokenPipeError, ConnectionResetError):
        pass


def lines_of(answer):
    return [json.loads(line) for line in answer.decode().splitlines()]


def ask(path, data):
    client = connect(path)
    send(client, data)
    client.shutdown(socket.SHUT_WR)
    return lines_of(read_all(client))


def expect_error(path, data, title):
    lines = ask(path, data)
    if len(lines) != 1 or "error" not in lines[0] or lines[0].get("exit") not in (1, 2):
        sys.exit(f"{title}: answered by {str(lines)[:300]}")


def expect_status(path):
    lines = ask(path, b'{"command":"status"}\n')
    if len(lines) != 3 or lines[-1] != {"end": True}:
        sys.exit(f"status: answered by {str(lines)[:300]}")


def wrong_values():
    """Every command with arguments of every wrong kind."""
    values = [None, True, -1, 1 << 62, 1e308, "", "\x01\u20ac", "x" * 5000, [], [[]], [1, None], {}, {"a": {}}]
    names = ["status", "stats", "route", "neigh", "nexthop", "link", "get", "user", "batch", "flush", "save"]
    keys = ["match", "prefix", "protocol", "dev", "dst", "from", "iif", "mac", "tos", "ipproto", "sport", "dport",
            "ttl", "size", "frame", "words", "text", "name", "file"]
    for name in names:
        for value in values:
            yield {"command": name, "args": {key: value for key in keys}}
            yield {"command": name, "args": value}
    for value in values:
        yield {"command": value}
        yield value


def case_garbage(path):
    chance = random.Random(1)
    for title, data in (
            ("no bytes", b"\n"),
            ("no JSON", b"hello\n"),
            ("random bytes", chance.randbytes(4096).replace(b"\n", b"") + b"\n"),
            ("zeroes", bytes(1000) + b"\n"),
            ("no UTF-8", b'{"command":"\xff\xfe"}\n'),
            ("half an object", b'{"command":"status"\n'),
            ("two objects", b'{"command":"status"}{}\n'),
            ("too deep", b"[" * 100000 + b"]" * 100000 + b"\n"),
            ("no object", b'["status"]\n'),
            ("no such command", b'{"command":"reboot"}\n'),
    ):
        expect_error(path, data, title)


def case_values(path):
    for request in wrong_values():
        lines = ask(path, json.dumps(request).encode() + b"\n")
        if not lines or not ("error" in lines[-1] or "end" in lines[-1]):
            sys.exit(f"{json.dumps(request)[:200]}: answered by {str(lines)[:300]}")


def case_oversized(path):
    expect_error(path, b"x" * (REQUEST_MAX + 100000), "too long, without an end")
    expect_error(path, b'{"command":"batch","args":{"text":"' + b"#" * (REQUEST_MAX + 5) + b'"}}\n', "too long")
    clients = [connect(path) for _ in range(16)]
    for client in clients:
        client.setblocking(False)
    taken, piece, end = 0, b"x" * (1 << 20), time.monotonic() + 3 * PATIENCE
    closed = 0
    while time.monotonic() < end and closed < len(clients) // 2:
        closed = 0
        for client in clients:
            try:
                taken += client.send(piece)
            except BlockingIOError:
                pass
            except (BrokenPipeError, ConnectionResetError):
                closed += 1
    for client in clients:
        client.close()
    if closed < len(clients) // 2:
        sys.exit(f"many long requests: {taken >> 20} MiB taken, {closed} of {len(clients)} refused")
    expect_status(path)


def case_many(path):
    clients = [connect(path) for _ in range(3 * CLIENTS_MAX)]
    for client in clients:
        send(client, b'{"command":"status"}\n')
    answered = refused = 0
    for client in clients:
        lines = lines_of(read_all(client))
        answered += bool(lines) and lines[-1] == {"end": True}
        refused += bool(lines) and "too many clients" in lines[0].get("error", "")
    if answered < CLIENTS_MAX or answered + refused != len(clients):
        sys.exit(f"{len(clients)} clients: {answered} answered, {refused} refused")
    expect_status(path)


def case_silent(path):
    """All places taken by clients that say nothing, or a byte now and then: others still get in."""
    clients = [connect(path) for _ in range(CLIENTS_MAX)]
    end = time.monotonic() + 1.2
    while time.monotonic() < end:
        for client in clients[::2]:
            send(client, b" ")
        time.sleep(0.1)
    expect_status(path)


def case_deaf(path):
    """Asks for everything and reads nothing; others are answered."""
    clients = []
    for _ in range(CLIENTS_MAX // 2):
        client = connect(path)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        send(client, b'{"command":"route"}\n')
        clients.append(client)
    for _ in range(20):
        expect_status(path)
    for client in clients:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
    expect_status(path)


def case_stalled(path):
    """All places taken by clients that asked for much and do not read: others still get in."""
    clients = []
    for _ in range(CLIENTS_MAX):
        client = connect(path)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        send(client, b'{"command":"route"}\n')
        clients.append(client)
    time.sleep(1.2)
    for _ in range(20):
        expect_status(path)


def case_leaving(path):
    """Goes away at any moment."""
    request = b'{"command":"route"}\n'
    for i in range(200):
        client = connect(path)
        send(client, request[:i % (len(request) + 1)])
        if i % 3 == 0:
            client.recv(1) if i % (len(request) + 1) == len(request) else None
        client.close()
    end = time.monotonic() + PATIENCE  # until their places are free
    while "error" in ask(path, b'{"command":"status"}\n')[0] and time.monotonic() < end:
        time.sleep(0.02)
    expect_status(path)


def http(where, data, more):
    """What is answered to the data; ends where so many more bytes were taken behind it."""
    host, port = where.rsplit(":", 1)
    with socket.create_connection((host, int(port)), PATIENCE) as client:
        send(client, data)
        taken = 0
        while taken < more:
            try:
                client.sendall(b"x" * 65536)
            except (BrokenPipeError, ConnectionResetError):
                return b"closed"
            taken += 65536
        return b"took it all" if more else read_all(client)


def case_metrics(where):
    """Requests without end over HTTP are cut off, and the page is there for others."""
    for title, head in (("a long body", b"GET /metrics HTTP/1.1\r\nContent-Length: 4000000000\r\n\r\n"),
                        ("a head without end", b"GET /metrics HTTP/1.1\r\nX: ")):
        if http(where, head, 64 << 20) != b"closed":
            sys.exit(f"metrics: {title}: all of it was taken")
    if b"ebpfroute_routes " not in http(where, b"GET /metrics HTTP/1.0\r\n\r\n", 0):
        sys.exit("metrics: no page")


if __name__ == "__main__":
    globals()["case_" + sys.argv[2]](sys.argv[1])
