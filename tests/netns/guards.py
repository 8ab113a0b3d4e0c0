#!/usr/bin/python3
"""Firewall rules that appear and vanish under traffic: does the fast path step aside, in time, and come back?

Standard input has one case a line ('#' starts a comment), the parts separated by '|':

    WHAT | NAME | COMMAND that sets it up | COMMAND that takes it away

WHAT is "drops" (no packet may come out any more), "passes" (packets go on, by the kernel: each is counted under
a reason), "nothing" (the fast path goes on) or "busy" (as "drops", while the daemon has much to do: nobody asks it
anything meanwhile, only what comes out counts). Commands run in the router's namespace, by sh. A frame is sent every millisecond
all the while, also while the daemon is asked. LATEST is how long after the command's end the fast path may go
on. For each case one line says how long it did, and how long it took to come back. A machine that stops makes anybody
late, and loses frames when it stops for longer than a queue of veth lasts. Only what is late is tried again, twice at
most, and only where there was a gap of more than half of LATEST between two frames of that case, or in what ran on some
CPU; and what is lost, with a gap of more than 200 ms. With --latest 0 nothing is.

    guards.py --port NAME=NETNS,IF,MAC,PEER,ADDRESS,ROUTER_IF.. --from NAME --to NAME --router NETNS --command COMMAND
              [--latest SECONDS] [--back SECONDS] < CASES

COMMAND is `ebpf-route` with its instance. Exit code 0: all as expected; 1: each difference printed.
"""
import argparse
import json
import shlex
import socket
import struct
import subprocess
import sys
import tempfile
import time

import stalls
from packet import Port, enter_netns, ipv4

INTERVAL = 0.001  # seconds between frames
SETTLED = 0.3  # watched once it has to be over
BUSY = 1.2  # the same where the daemon is busy that long
TRIES = 3
QUEUE = 0.2  # seconds that the 256 frames of a veth queue last
PATIENCE = 5  # seconds for frames to arrive, or to be counted
DESTINATION = "203.0.113.1"
MAGIC = b"GUARD"


class Late(str):
    """What is wrong, and may be because the machine stopped."""


class Lost(str):
    """The same, if it stopped for long."""


class Traffic:
    """Sends numbered frames and notes which came out."""

    def __init__(self, sender, receiver, watch):
        self.sender, self.receiver, self.stalls = sender, receiver, watch
        self.sent = []  # times
        self.received = set()
        self.due = time.monotonic()
        self.last, self.gap = None, 0  # the latest frame, but after a pause that is meant; the longest without one

    def frame(self, number):
        payload = struct.pack("!HHHH", 33434, 33434, 8 + 32, 0) + MAGIC + struct.pack("!I", number)
        packet = ipv4(self.sender.address, DESTINATION, 64, number & 0xffff, 0, socket.IPPROTO_UDP, b"",
                      payload.ljust(40, b"\0"))
        return self.sender.peer + self.sender.mac + b"\x08\x00" + packet

    def collect(self):
        for frame in self.receiver.receive():
            at = frame.find(MAGIC)
            if at > 0:
                self.received.add(struct.unpack_from("!I", frame, at + len(MAGIC))[0])

    def step(self):
        now = time.monotonic()
        if now < self.due:
            time.sleep(self.due - now)
        self.due = max(self.due + INTERVAL, now)
        now = time.monotonic()
        self.gap = max(self.gap, now - self.last) if self.last else self.gap
        self.last = now
        self.sent.append(now)
        self.sender.send(self.frame(len(self.sent) - 1))
        self.collect()

    def run(self, seconds=None, until=None):
        """For that long, or until the condition holds; False where it did not in that time."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.step()
            if until and until():
                return True
        return until is None

    def flush(self, awaited=None):
        """Waits for what is on its way: a moment, or until all of these have come."""
        self.last = None
        end = time.monotonic() + (PATIENCE if awaited else 0.05)
        while time.monotonic() < end and not (awaited and self.received.issuperset(awaited)):
            self.collect()
            time.sleep(0.005)


class Router:
    def __init__(self, args, ifname):
        self.netns, self.fast, self.ifname = args.router, shlex.split(args.command), ifname

    def start(self, command):
        return subprocess.Popen(["ip", "netns", "exec", self.netns, "sh", "-ec", command])

    def counts(self, traffic):
        """(packets forwarded, packets left to the kernel because of a guard); traffic goes on until the answer is there,
        or a daemon that is late would not be found out."""
        with tempfile.TemporaryFile() as out:
            process = subprocess.Popen([*self.fast, "-j", "stats"], stdout=out)
            while process.poll() is None:
                traffic.step()
            if process.returncode:
                sys.exit(f"stats: exit code {process.returncode}")
            out.seek(0)
            row = next(row for row in json.load(out)["interfaces"] if row["ifname"] == self.ifname)
        reasons = row["fallback"]["reasons"]
        return row["forwarded"]["packets"], sum(
            reasons.get(name, {"packets": 0})["packets"] for name in ("netfilter", "xfrm"))


def counted(traffic, router, before, sent):
    """What the counters rose by, once so many packets are among that."""
    end = time.monotonic() + PATIENCE
    while True:
        rose = [now - then for now, then in zip(router.counts(traffic), before)]
        if sum(rose) >= sent or time.monotonic() > end:
            return rose


def change(traffic, router, command):
    """Runs the command under traffic; when it had ended."""
    process = router.start(command)
    while process.poll() is None:
        traffic.step()
    if process.returncode:
        sys.exit(f"'{command}': exit code {process.returncode}")
    return time.monotonic()


def first_after(traffic, moment):
    return next((i for i, sent in enumerate(traffic.sent) if sent > moment), len(traffic.sent))


def is_forwarded(traffic, router):
    """A condition that looks at the counters now and then."""
    state = {"next": 0.0, "before": router.counts(traffic)[0]}

    def condition():
        if time.monotonic() < state["next"]:
            return False
        state["next"] = time.monotonic() + 0.02
        return router.counts(traffic)[0] > state["before"]

    return condition


def went_on(traffic, ended):
    """How long after that packets were sent that came out."""
    return [traffic.sent[i] - ended for i in range(first_after(traffic, ended), len(traffic.sent))
            if i in traffic.received]


def too_late(seconds, latest):
    """What is wrong with packets that came out so long after the rule was there, as lines."""
    late = [one for one in seconds if one > latest]
    return [Late(f"{len(late)} came out, up to {max(late) * 1000:.0f} ms late")] if late else []


def set_up_busy(traffic, router, command, latest):
    """The same as set_up() of a rule that drops, without a word to the daemon."""
    ended = change(traffic, router, command)
    traffic.run(latest + BUSY)
    traffic.flush()
    seconds = went_on(traffic, ended)
    return too_late(seconds, latest), max(seconds, default=0)


def set_up(traffic, router, what, command, latest):
    """The rule comes. What is wrong, and how long packets still went their old way."""
    if what == "busy":
        return set_up_busy(traffic, router, command, latest)
    begin = len(traffic.sent)
    first = router.counts(traffic)
    ended = change(traffic, router, command)
    traffic.run(latest)
    allowed = len(traffic.sent) - begin
    before, begin = router.counts(traffic), len(traffic.sent)
    traffic.run(SETTLED)
    sent = len(traffic.sent) - begin
    traffic.flush(None if what == "drops" else range(begin, begin + sent))
    came = sum(i in traffic.received for i in range(begin, begin + sent))
    forwarded, guarded = counted(traffic, router, before, sent)
    traffic.flush()
    seconds = went_on(traffic, ended) if what == "drops" else []
    wrong = too_late(seconds, latest)
    if what == "nothing":
        if guarded or forwarded < sent:
            wrong.append((str if guarded else Lost)(
                f"{sent} sent, {forwarded} forwarded, {guarded} left to the kernel"))
        return wrong, 0
    if before[0] - first[0] > allowed:
        wrong.append(Late(f"{before[0] - first[0] - allowed} forwarded by the fast path too late"))
    if forwarded:
        wrong.append(Late(f"{forwarded} of {sent} forwarded by the fast path"))
    if guarded + forwarded < sent:
        wrong.append(Lost(f"{guarded} of {sent} counted as left to the kernel"))
    if what == "passes" and came < sent:
        wrong.append(Lost(f"{came} of {sent} came out"))
    return wrong, max(seconds, default=0)


def try_case(traffic, router, args, line):
    what, name, setup, teardown = (part.strip() for part in line.split("|"))
    if not traffic.run(4 * PATIENCE, is_forwarded(traffic, router)):
        return [f"{name}: not forwarded by the fast path before"]
    wrong, late = set_up(traffic, router, what, setup, args.latest)
    ended = change(traffic, router, teardown)
    if not traffic.run(args.back, is_forwarded(traffic, router)):
        wrong.append(Late(f"not back {args.back} s after it was gone"))
    print(f"  {name}: {what}, at most {late * 1000:.0f} ms late, back after {(time.monotonic() - ended) * 1000:.0f} ms")
    return [type(text)(f"{name}: {text}") for text in wrong]


def excusable(text, gap, latest):
    return latest and (isinstance(text, Late) and gap > latest / 2 or isinstance(text, Lost) and gap > QUEUE)


def run_case(traffic, router, args, line):
    """What is wrong, the last time that it is tried."""
    for _ in range(TRIES):
        earlier = traffic.stalls.read()
        traffic.last, traffic.gap = None, 0
        wrong = try_case(traffic, router, args, line)
        if not wrong:
            break
        stopped = max(traffic.stalls.read()[len(earlier):], default=0)
        print("\n".join(wrong))
        print(f"  the longest gap between frames was {traffic.gap * 1000:.0f} ms, of what ran on a CPU {stopped * 1000:.0f} ms",
              flush=True)
        gap = max(traffic.gap, stopped)
        if not all(excusable(text, gap, args.latest) for text in wrong):
            break
    return wrong


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", action="append", required=True)
    parser.add_argument("--from", dest="sender", required=True)
    parser.add_argument("--to", required=True)
    parser.add_argument("--router", required=True)
    parser.add_argument("--command", required=True)
    parser.add_argument("--latest", type=float, default=0.1)
    parser.add_argument("--back", type=float, default=1.5)
    args = parser.parse_args()
    ports = {port.name: port for port in map(Port, args.port)}
    with open("/proc/self/ns/net", "rb") as home:
        for port in ports.values():
            port.open(home.fileno())
        enter_netns(home.fileno())
    router = Router(args, ports[args.sender].router_if)
    wrong = []
    with stalls.Watch(max(args.latest / 2, stalls.STEP)) as watch:
        traffic = Traffic(ports[args.sender], ports[args.to], watch)
        for line in sys.stdin:
            if line.strip() and not line.lstrip().startswith("#"):
                wrong += run_case(traffic, router, args, line)
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
