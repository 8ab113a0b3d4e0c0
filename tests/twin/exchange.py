"""Sends a batch of packets into all routers, attributes what comes out, answers ARP.

Every frame is attributed to the packet that caused it: by the tag in it, by IP id and addresses (a
fragment), or by the receiver, as each sender sends one packet only (a TCP reset, a short quote).
"""
import errno
import select
import struct
import time

import frames
import op_links
import world

QUIET = 3            # seconds: without a new frame for so long, nothing more will come
COUNTED = 3          # for a packet that should be counted
SENDERS = bytes((198, 19))


class Exchange:
    """The packets of a run, by tag."""

    def __init__(self, routers, state):
        self.routers, self.state = routers, state
        self.packets, self.sources = {}, {}
        self.batch_begin = 0    # what comes of packets of lower tags is late
        self.other = 0          # frames of no packet: ARP, IPv6, IGMP
        self.redirects = 0
        self.arp = {router.name: 0 for router in routers}  # frames sent into it
        self.unsent = 0
        self.poll = select.poll()
        for router in routers:
            self.poll.register(router.socket.fileno(), select.POLLIN)

    # ---- in ------------------------------------------------------------------------------------
    def begin(self, batch):
        self.batch_begin = min(packet.token for packet in batch)
        for packet in batch:
            self.packets[packet.token] = packet
            if packet.addresses[:2] == SENDERS:  # the others are not used once only
                self.sources.setdefault(packet.addresses[:4], packet.token)
            packet.results.update((router.name, []) for router in self.routers)

    def send(self, batch, routers):
        """Each packet into these routers, before the next one."""
        for router in routers:
            if router.counters:
                router.counters.forget()
        for packet in batch:
            for router in routers:
                sent = self.send_one(router, packet)
                if router.counters:
                    packet.verdicts[router.name] = self.verdict(
                        router, packet, sent and self.is_counted(packet))

    def is_counted(self, packet):
        """Does it get as far as the program?"""
        return self.state.is_usable(packet.port) and \
            self.state.fits(packet.port, len(packet.frame) - 14)

    def send_one(self, router, packet):
        # the port drops what is too long for it, and that is said as if there were no room
        end = time.monotonic() + (5 if self.state.fits(packet.port, len(packet.frame) - 14) else 0)
        while True:
            try:
                router.sender.sendto(packet.frame, ('h%d' % packet.port, 0))
                return True
            except OSError as error:
                if error.errno not in (errno.EAGAIN, errno.ENOBUFS) or time.monotonic() > end:
                    self.unsent += 1
                    packet.unsent.add(router.name)
                    return False

    @staticmethod
    def verdict(router, packet, counted):
        """The name of the counter that rose, None if none did, or all that did. An answer to ARP may be counted first."""
        end = time.monotonic() + COUNTED
        while True:
            moved = router.counters.moved(packet.port + 1)
            stray = list(moved) == ['not_ipv4'] and frames.is_ipv4(packet.frame)
            if moved and not stray or not counted or time.monotonic() > end:
                break
        if not moved:
            return None
        if sum(moved.values()) == 1:
            return next(iter(moved))
        return '+'.join('%d %s' % (n, name) for name, n in sorted(moved.items()))

    # ---- out -----------------------------------------------------------------------------------
    def drain(self):
        """Takes in what has come; returns the number of frames, answers to ARP included."""
        found = 0
        for router in self.routers:
            receive = router.socket.recvfrom
            while True:
                try:
                    frame, address = receive(65536)
                except BlockingIOError:
                    break
                except OSError as error:
                    if error.errno != errno.ENETDOWN:
                        raise
                    break
                if address[2] != 4 and address[0].startswith('h'):  # PACKET_OUTGOING
                    found += self.take(router, int(address[0][1:]), frame)
        return found

    def take(self, router, port, frame):
        if frames.is_arp(frame):
            self.other += 1
            return self.answer_arp(router, port, frame)
        token = self.owner(frame)
        if token is None:
            self.other += 1
            return 0
        packet = self.packets[token]
        frame = normalised(packet, frame)
        if frame is None:
            self.redirects += 1
            packet.redirected.add(router.name)
            return 0
        late = token < self.batch_begin or frames.is_of_dead_neighbour(frame, packet.frame)
        (packet.late.setdefault(router.name, []) if late else packet.results[router.name]).append(
            (port, frame))
        return 1

    def owner(self, frame):
        token = frames.token_in(frame)
        if token in self.packets:
            return token
        if not frames.is_ipv4(frame):
            return None
        packet = self.packets.get(struct.unpack_from('!H', frame, 18)[0])
        if packet and packet.addresses == frame[26:34]:
            return packet.token
        inside = frames.inside(frame)
        token = self.owner(inside) if inside else None
        return self.sources.get(frame[30:34]) if token is None else token

    def answer_arp(self, router, port, frame):
        if struct.unpack_from('!H', frame, 20)[0] != 1:
            return 0
        asked = world.address_of(struct.unpack_from('!I', frame, 38)[0])
        mac = self.state.living.get((port, asked))
        if not mac or not self.state.is_usable(port):
            return 0
        answer = op_links.arp(2, world.mac_bytes(mac), asked, frame[22:28],
                              world.address_of(struct.unpack_from('!I', frame, 28)[0]))
        try:
            router.sender.sendto(answer, ('h%d' % port, 0))
            self.arp[router.name] += 1
        except OSError:
            return 0
        return 1

    def inject(self, port, frame):
        for router in self.routers:
            try:
                router.sender.sendto(frame, ('h%d' % port, 0))
                self.arp[router.name] += 1
            except OSError:
                self.unsent += 1

    def collect(self, unequal):
        """Until unequal() has nothing more to say, or nothing comes any more; what it says then."""
        last = time.monotonic()
        while True:
            if self.drain():
                last = time.monotonic()
                continue
            found = unequal()
            if not found or time.monotonic() > last + QUIET:
                return found
            self.poll.poll(10)

    def close(self, batch):
        """It was compared: what comes of its packets from now on is late."""
        self.batch_begin = max(packet.token for packet in batch) + 1

    def quiet(self, seconds):
        """Until nothing came for so long."""
        last = time.monotonic()
        while time.monotonic() < last + seconds:
            if self.drain():
                last = time.monotonic()
            self.poll.poll(10)


def normalised(packet, frame):
    """The frame without what differs between two equal routers; None: not compared at all.

    - the IP id of what the router itself sends (errors, answers, the outside of vxlan) is random,
      and with it the header checksum;
    - the UDP source port outside of vxlan is a hash with a random key;
    - ICMP redirects are limited by time.
    """
    if not frames.is_ipv4(frame) or frame[26:34] == packet.addresses and \
            frame[18:20] == packet.ident:
        return frame
    if frame[23] == frames.ICMP and frame[34:35] == b'\x05':
        return None
    if frame[23] == frames.UDP and frame[36:38] == frames.VXLAN:
        inner = normalised(packet, frame[50:]) or b''
        frame = frame[:34] + b'\0\0' + frame[36:40] + b'\0\0' + frame[42:50] + inner
    return frame[:18] + b'\0\0' + frame[20:24] + b'\0\0' + frame[26:]
