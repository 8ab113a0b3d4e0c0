"""Numbered packets without a pause, what came out of them, and answers to ARP: a thread of its own.

A packet is judged later, when it is known what was allowed while it was on its way. What does not depend on
that is judged at once: every byte behind the Ethernet header, and that it comes but once.
"""
import collections
import errno
import select
import struct
import threading
import time

import frames
import op_links
import world

MAGIC = b'CHAO'
HEADERS = 42                # Ethernet, IPv4, UDP
MARK = struct.Struct('!4sIQ4s')  # magic, number, nanoseconds of sending, destination
BATCH = 24                  # packets before what came is read
ON_ITS_WAY = 0.2            # a packet may take so long before it counts as lost, where it may be
HELD_UP = 5                 # where it may not be: the machine may have stopped
KEPT = 2.0                  # a packet that was judged is remembered so long, should it come again
SOURCE_PORTS = 16

Arrival = collections.namedtuple('Arrival', 'time port mac source')
Packet = collections.namedtuple('Packet', 'flow begin end frame arrivals allowed')  # allowed: when it was lost


class Flow:
    """Packets from one sender, by one port, to one destination."""

    def __init__(self, name, port, src, dst, size=120):
        self.name, self.port, self.src, self.dst, self.size = name, port, src, dst, size
        self.timeline = None
        self.sent = 0

    def frame(self, number, now):
        payload = MARK.pack(MAGIC, number, int(now * 1e9),
                            struct.pack('!I', world.number_of(self.dst)))
        payload += bytes((number + i) & 0xff for i in range(16))
        payload += bytes(self.size - 28 - len(payload))
        packet = frames.ipv4(self.src, self.dst, frames.UDP, struct.pack(
            '!HHHH', 10000 + number % SOURCE_PORTS, 9, 8 + len(payload), 0) + payload,
            ident=number & 0xffff, frag=frames.DF)
        return world.mac_bytes(world.router_mac(self.port)) + \
            world.mac_bytes(world.gateway_mac(self.port)) + frames.ETH_IP + packet


class Traffic:
    """Sends while it is not paused; collects always."""

    def __init__(self, lab, flows, macs, rate, is_unexplained):
        self.lab, self.flows, self.macs, self.rate = lab, flows, macs, rate
        self.is_unexplained = is_unexplained  # is a packet missing that should be there?
        self.packets = {}             # number -> Packet, not judged yet
        self.old = {}                 # judged: should they come again
        self.wrong = []               # (what, number or None, frame, arrival)
        self.late = []                # packets that came after they had been judged
        self.sent = self.received = self.unsent = self.answered = 0
        self.injected = dict.fromkeys(world.PORTS, 0)  # frames sent into each port, ARP included
        self.number = 0
        self.looks = 0                # how often all was read that had come
        self.paused, self.idle, self.ended = False, threading.Event(), False
        self.failure = None
        self.lock = threading.Lock()  # of packets and old, held by who takes them apart
        self.thread = threading.Thread(target=self.run, daemon=True)

    # ---- the thread ------------------------------------------------------------------------------
    def start(self):
        self.thread.start()

    def run(self):
        try:
            self.loop()
        except Exception as error:  # pylint: disable=broad-except
            self.failure = error
            self.idle.set()

    def loop(self):
        poll = select.poll()
        poll.register(self.lab.socket.fileno(), select.POLLIN)
        begin, sent = time.monotonic(), 0
        while not self.ended:
            if self.paused:
                self.idle.set()
                begin, sent = time.monotonic(), 0
            else:
                due = int((time.monotonic() - begin) * self.rate) - sent
                for _ in range(min(due, BATCH)):
                    self.send(self.flows[self.number % len(self.flows)])
                sent += min(due, BATCH)
                if due > 10 * BATCH:  # the machine was busy: what was not sent is not caught up
                    begin, sent = time.monotonic(), 0
            self.drain()
            poll.poll(3)

    def send(self, flow):
        number = self.number
        self.number += 1
        begin = time.monotonic()
        frame = flow.frame(number, begin)
        arrivals = []
        packet = Packet(flow, begin, [None], frame, arrivals, [None])
        with self.lock:
            self.packets[number] = packet
        try:
            self.lab.sender.sendto(frame, ('h%d' % flow.port, 0))
        except OSError as error:
            if error.errno not in (errno.ENETDOWN, errno.ENXIO, errno.ENODEV, errno.ENOBUFS):
                raise
            self.unsent += 1
            with self.lock:
                del self.packets[number]
            return
        packet.end[0] = time.monotonic()
        self.sent += 1
        self.injected[flow.port] += 1

    def drain(self):
        for _ in range(1000):
            try:
                frame, address = self.lab.socket.recvfrom(65536)
            except OSError as error:
                if error.errno == errno.ENETDOWN:  # said once of a socket for all interfaces
                    continue
                if error.errno != errno.EAGAIN:
                    raise
                self.looks += 1
                return
            if address[2] != 4 and address[0].startswith('h'):  # PACKET_OUTGOING
                self.take(int(address[0][1:]), frame)

    def take(self, port, frame):
        if frames.is_arp(frame):
            self.answer_arp(port, frame)
            return
        if not frames.is_ipv4(frame) or frame[23] != frames.UDP or frame[42:46] != MAGIC:
            return
        number = struct.unpack_from('!I', frame, 46)[0]
        arrival = Arrival(time.monotonic(), port, frame[:6].hex(':'), frame[6:12].hex(':'))
        with self.lock:
            packet = self.packets.get(number) or self.old.get(number)
        if not packet:
            self.wrong.append(('a packet that was not sent, or long ago', None, frame, arrival))
            return
        self.received += 1
        changed = frame != packet.frame
        if changed and frame[14:] != frames.forwarded_ip(packet.frame):
            self.wrong.append(('TTL, checksum or contents are wrong', packet, frame, arrival))
        elif packet.arrivals:
            self.wrong.append(('it came twice', packet, frame, arrival))
        packet.arrivals.append((arrival, not changed))
        if number in self.old and len(packet.arrivals) == 1:
            self.late.append(packet)

    def answer_arp(self, port, frame):
        if struct.unpack_from('!H', frame, 20)[0] != 1:
            return
        asked = world.address_of(struct.unpack_from('!I', frame, 38)[0])
        host = int(asked.split('.')[3])
        if asked != world.gateway(port, host) or (port, host) not in self.macs:
            return
        answer = op_links.arp(2, world.mac_bytes(self.macs[port, host]), asked, frame[22:28],
                              world.address_of(struct.unpack_from('!I', frame, 28)[0]))
        try:
            self.lab.sender.sendto(answer, ('h%d' % port, 0))
            self.injected[port] += 1
            self.answered += 1
        except OSError:
            return

    # ---- for others ------------------------------------------------------------------------------
    def pause(self):
        """Returns when all has arrived that will: nothing came for a while, or nothing is missing."""
        self.idle.clear()
        self.paused = True
        self.idle.wait()
        self.wait_arrivals()

    def wait_arrivals(self):
        """Until nothing is missing, or what is will not come: time is over, and the thread has looked since."""
        end = time.monotonic() + ON_ITS_WAY
        while self.missing() and time.monotonic() < end:
            time.sleep(0.005)
        end += HELD_UP
        while self.unexplained() and time.monotonic() < end:
            time.sleep(0.02)
        looks = self.looks
        while looks + 2 > self.looks and not self.failure and self.missing():
            time.sleep(0.002)
        self.check()

    def missing(self):
        with self.lock:
            return any(not packet.arrivals for packet in self.packets.values())

    def unexplained(self):
        with self.lock:
            missing = [packet for packet in self.packets.values() if not packet.arrivals]
        return any(self.is_unexplained(packet) for packet in missing)

    def resume(self):
        self.paused = False

    def burst(self, count):
        """While paused: so many of each flow."""
        for _ in range(count):
            for flow in self.flows:
                self.send(flow)

    def check(self):
        if self.failure:
            raise self.failure

    def judged(self, before):
        """The packets whose time is over, which are taken out, and remembered for a while."""
        with self.lock:
            done = {number: packet for number, packet in self.packets.items()
                    if packet.end[0] is not None and packet.end[0] < before}
            for number in done:
                del self.packets[number]
            self.old = {number: packet for number, packet in self.old.items()
                        if packet.begin > before - KEPT}
            self.old.update(done)
        return done

    def stop(self):
        self.ended = True
        if self.thread.ident:
            self.thread.join(5)
