# SPDX-License-Identifier: GPL-2.0-only
"""A daemon for the tests: answers what it was told to, and remembers the requests."""
import json
import os
import socket
import threading

DIRECTORY = "/run/ebpf-route"


def answer(*rows, end=None):
    """The bytes of a regular answer: ok, the rows, the end."""
    lines = [{"ok": True}, *rows, {"end": True, **(end or {})}]
    return "".join(json.dumps(line) + "\n" for line in lines).encode()


class FakeDaemon:
    """Listens as an instance. Each connection gets the next of `answers`, the last one for ever.

    An answer is bytes, or a function that writes to the connection itself. With early=True it is
    sent, and the connection closed, before the request is read.
    """

    def __init__(self, *answers, instance="default", early=False):
        os.makedirs(DIRECTORY, exist_ok=True)
        self.path = f"{DIRECTORY}/{instance}.sock"
        self.answers = list(answers)
        self.early = early
        self.requests = []
        self.errors = []

    def __enter__(self):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.bind(self.path)
        self.socket.listen(8)
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.thread.join(10)
        self.socket.close()
        os.unlink(self.path)

    def serve(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            with connection:
                self.talk(connection)

    def talk(self, connection):
        reply = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        try:
            if not self.early:
                line = b""
                while not line.endswith(b"\n"):
                    more = connection.recv(65536)
                    if not more:
                        self.errors.append(f"request without an end: {line!r}")
                        return
                    line += more
                self.requests.append(json.loads(line))
            if callable(reply):
                reply(connection)
            else:
                connection.sendall(reply)
        except (BrokenPipeError, ConnectionResetError):
            pass
