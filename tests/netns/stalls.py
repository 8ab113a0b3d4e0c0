#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Did this machine stand still? What is late while it did is no fault of who was late.

    stalls.py watch FILE     until it is ended: notes each time that some CPU did not run for half a second
    stalls.py count FILE     how often that was, up to now

A process on each CPU sleeps for a moment, over and over, and sees that it has slept for much longer.
"""
import os
import signal
import sys
import tempfile
import time

STEP = 0.02  # seconds
LONG = 0.5


class Watch:
    """In a file, or in one of its own."""

    def __init__(self, seconds, path=None):
        self.seconds, self.own, self.processes = seconds, None if path else tempfile.NamedTemporaryFile(), []
        self.path = path or self.own.name

    def __enter__(self):
        with open(self.path, "w", encoding="ascii"):
            pass
        parent = os.getpid()
        for cpu in sorted(os.sched_getaffinity(0)):
            pid = os.fork()
            if not pid:
                try:
                    self.watch(cpu, parent)
                finally:
                    os._exit(0)
            self.processes.append(pid)
        return self

    def __exit__(self, *_):
        for pid in self.processes:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)

    def watch(self, cpu, parent):
        os.sched_setaffinity(0, {cpu})
        before = time.monotonic()
        while os.getppid() == parent:
            time.sleep(STEP)
            now = time.monotonic()
            if now - before - STEP > self.seconds:
                with open(self.path, "a", encoding="ascii") as file:
                    file.write(f"{now - before - STEP:.3f}\n")
            before = now

    def read(self):
        return read(self.path)


def read(path):
    """How long each was, in seconds. Waits until each CPU has run again: a stall that goes on is noted at its end."""
    every = os.sched_getaffinity(0)
    for cpu in every:
        os.sched_setaffinity(0, {cpu})
        time.sleep(2 * STEP)
    os.sched_setaffinity(0, every)
    with open(path, encoding="ascii") as file:
        return [float(line) for line in file]


def main():
    if sys.argv[1] == "count":
        print(len(read(sys.argv[2])))
        return
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    with Watch(LONG, sys.argv[2]):
        while True:
            signal.pause()


if __name__ == "__main__":
    main()
