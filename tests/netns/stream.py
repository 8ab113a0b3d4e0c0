#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""A steady stream of numbered frames through a router, each held against what was in force meanwhile.

    stream.py --port .. (as frames.py) --from PORT --rate FRAMES-A-SECOND --log FILE CLASS=DESTINATION ...

Sends frames of the classes in turn until SIGTERM, then says in one line of JSON, for all classes together
and for each: sent, received, lost, misforwarded, duplicated, moved. Exit code 1 where any was not 0 but sent and
received, with the first of them on stderr. A class has 100 flows, over and over; one that comes out
elsewhere than before without a change of what is in force has moved. The sender waits while too much is on its way: a
veth ring holds 256 frames, and the CPU that empties it may be taken away for a while.

The log is the caller's, a line for each change of what is in force, in time:

    SECONDS CLASS WAY[,WAY]...      SECONDS as bash's EPOCHREALTIME

A WAY is the port where a frame has to come out with that port's MAC addresses, TTL-1 and a new checksum;
PORT* where it has to come out there as it was sent; none where it may be gone. A frame may take any way
that was in force between its sending and its arrival (of those that never arrive: in the second after).
"""
import argparse
import array
import bisect
import json
import select
import signal
import struct
import sys
import threading
import time

from packet import Port, ipv4

MAGIC = b'STREAM'
BURST = 16   # frames at once after a pause of the sender, the rest is not made up for
FLOWS = 100  # of each class
SHOWN = 10
AWAY = 1.0   # seconds after which a frame is lost
WINDOW = 20  # frames of a class on their way at most


class Stream:
    def __init__(self, args, ports):
        self.ports, self.sender, self.rate = ports, ports[args.sender], args.rate
        self.names = [text.split('=')[0] for text in args.classes]
        self.prefixes = [text.split('=')[1] for text in args.classes]
        self.ways, self.times = {}, {}
        self.sent_at = array.array('d')
        self.seen = []  # (number, way, time), as they come
        self.latest = {}  # class: the highest number of it that came, while some come
        self.ending = False

    def flow(self, number):
        return number // len(self.names) % FLOWS

    def destination(self, number):
        return self.prefixes[number % len(self.names)] % (1 + self.flow(number))

    def packet(self, number, ttl):
        body = struct.pack('!HHHH', 1024 + self.flow(number) * 7919 % 60000, 33434, 8 + 20, 0)
        body += MAGIC + struct.pack('!I', number) + bytes(10)
        return ipv4(self.sender.address, self.destination(number), ttl, number & 0xffff, 0,
                           17, b'', body)

    def send(self):
        step, due = 1 / self.rate, time.monotonic()
        head = self.sender.peer + self.sender.mac + b'\x08\0'
        while not self.ending:
            now = time.monotonic()
            due = max(due, now - BURST * step)
            while due <= now and not self.ending:
                number = len(self.sent_at)
                self.wait_window(number)
                frame = head + self.packet(number, 64)
                self.sent_at.append(time.time())
                self.sender.send(frame)
                due += step
            time.sleep(max(0, due - time.monotonic()))

    def wait_window(self, number):
        """Until not too many of that class are on their way; not for classes of which nothing comes any more."""
        of, since = number % len(self.names), time.monotonic()
        known = self.latest.get(of)
        while known is not None and number - known > WINDOW * len(self.names):
            if time.monotonic() > since + AWAY:
                self.latest.pop(of)
                return
            time.sleep(0.001)
            if self.latest[of] != known:
                known, since = self.latest[of], time.monotonic()

    def way_of(self, number, port, frame):
        """How it came out; what was neither rewritten nor left as it was is no way that may be in force."""
        tail = self.packet(number, 63)
        if frame == port.mac + port.peer + b'\x08\0' + tail:
            return port.name
        if frame == self.sender.peer + self.sender.mac + b'\x08\0' + self.packet(number, 64):
            return port.name + '*'
        return '%s, %s' % (port.name, frame[:48].hex())

    def receive(self):
        by_fd = {port.socket.fileno(): port for port in self.ports.values()}
        poll = select.poll()
        for fd in by_fd:
            poll.register(fd, select.POLLIN)
        last = time.monotonic()
        while not self.ending or time.monotonic() < last + AWAY:
            ready = poll.poll(20)
            if ready or not self.ending:
                last = time.monotonic()
            for fd, _ in ready:
                for frame in by_fd[fd].receive():
                    mark = frame.find(MAGIC)
                    if mark < 0 or len(frame) < mark + 10:
                        continue
                    number = struct.unpack('!I', frame[mark + 6:mark + 10])[0]
                    self.seen.append((number, self.way_of(number, by_fd[fd], frame), time.time()))
                    of = number % len(self.names)
                    self.latest[of] = max(number, self.latest.get(of, 0))

    # ---- what was in force ------------------------------------------------------------------

    def read_log(self, path):
        with open(path, encoding='ascii') as log:
            for line in log:
                at, name, ways = line.split()
                self.ways.setdefault(name, []).append(set(ways.split(',')))
                self.times.setdefault(name, []).append(float(at))

    def in_force(self, name, begin, end):
        first = max(0, bisect.bisect_right(self.times[name], begin) - 1)
        last = max(first + 1, bisect.bisect_right(self.times[name], end))
        return set().union(*self.ways[name][first:last])

    def judge(self):
        zero = dict.fromkeys(('sent', 'received', 'lost', 'misforwarded', 'duplicated', 'moved'), 0)
        rows = {name: dict(zero) for name in self.names}
        came, wrong, before = {}, [], {}
        for number, way, at in self.seen:
            came.setdefault(number, []).append((way, at))
        for number, sent in enumerate(self.sent_at):
            name = self.names[number % len(self.names)]
            row, arrivals = rows[name], came.get(number, [])
            row['sent'] += 1
            row['received'] += bool(arrivals)
            if not arrivals and 'none' not in self.in_force(name, sent, sent + AWAY):
                row['lost'] += 1
                wrong.append('%.6f %s: frame %d to %s did not come out' % (
                    sent, name, number, self.destination(number)))
            if len(arrivals) > 1:
                row['duplicated'] += 1
                wrong.append('%.6f %s: frame %d came out %d times' % (sent, name, number, len(arrivals)))
            for way, at in arrivals:
                allowed = self.in_force(name, sent, at)
                if way not in allowed:
                    row['misforwarded'] += 1
                    wrong.append('%.6f %s: frame %d to %s came out at %s, %.6f s later; in force: %s' % (
                        sent, name, number, self.destination(number), way, at - sent,
                        ', '.join(sorted(allowed))))
            if len(arrivals) == 1 and len(self.ways[name]) == 1:
                way = before.setdefault((name, self.flow(number)), arrivals[0][0])
                if way != arrivals[0][0]:
                    before[name, self.flow(number)] = arrivals[0][0]
                    row['moved'] += 1
                    wrong.append('%.6f %s: the flow to %s came out at %s instead of %s' % (
                        sent, name, self.destination(number), arrivals[0][0], way))
        total = {key: sum(row[key] for row in rows.values()) for key in zero}
        print(json.dumps({'total': total, 'classes': rows}))
        for line in wrong[:SHOWN]:
            print(line, file=sys.stderr)
        return 1 if wrong else 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--port', action='append', type=Port, required=True)
    parser.add_argument('--from', dest='sender', required=True)
    parser.add_argument('--rate', type=float, default=1000)
    parser.add_argument('--log', required=True)
    parser.add_argument('classes', nargs='+')
    args = parser.parse_args()
    ports = {port.name: port for port in args.port}
    with open('/proc/self/ns/net', 'rb') as home:
        for port in ports.values():
            port.open(home.fileno())
    stream = Stream(args, ports)

    def end(*_):
        stream.ending = True

    signal.signal(signal.SIGTERM, end)
    sender = threading.Thread(target=stream.send)
    sender.start()
    stream.receive()
    sender.join()
    stream.read_log(args.log)
    return stream.judge()


if __name__ == '__main__':
    sys.exit(main())
