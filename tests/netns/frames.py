#!/usr/bin/python3
"""Sends probe frames into a router and compares what leaves it, byte by byte.

Standard input has one probe a line ('#' starts a comment):

    VERDICT DESTINATION [PORT] [KEY=VALUE]...

VERDICT is what the fast path has to count at the ingress interface: "forward", "drop", or the name
of a reason for falling back; several joined by '|': any of them for each frame. PORT is where the frame
has to come out (several separated by commas: at one of them); without it, and without icmp=, nothing may
come out anywhere. Every expected frame is the one sent with the MAC addresses of the egress, TTL-1, a
recomputed checksum and the padding gone.

    n=COUNT     frames, each of a flow of its own         src=ADDRESS   another source
    ttl=TTL     (64)                                      len=BYTES     length of the IP packet (46)
    df=1        don't fragment                            pad=BYTES     padding behind the IP packet
    opts=HEX    IP options                                frag=OFFSET,.. raw flags and fragment offset, in turn
    proto=N     (17)                                      dmac=MAC      to another MAC address
    tos=BYTE    (0)                                       dport=PORT    of UDP (33434) or TCP
    gw=MAC,..   next hop's MAC address(es) at PORT        min=COUNT     frames at least at each PORT and MAC
    icmp=T/C    this ICMP error comes back                mtu=BYTES     next-hop MTU in that error
    sum=bad     a wrong header checksum                   any=1         whatever comes out is fine
    flow=same   all frames of one flow: only one next hop may see them
    flow=src    each from another address behind the sender, by the same ports
    legs=COUNT  so many of the next hops see frames, no more and no less
    share=A:B.. frames at each PORT and MAC by these weights, within 5 % (and chance)
    loss=1      some may not come out                     raw=1         it comes out as it was sent
    set=AT:HEX  these bytes at that offset of the frame   cut=BYTES     no more than these are sent

With --stats COMMAND (prints the JSON of `ebpf-route stats`), the verdicts' deltas at the ingress must
be exactly those of the probes, once all are counted, and rx = forwarded + dropped + fallback on every interface.
Exit code 0: all as expected; 1: each difference printed.

With --get COMMAND (`ebpf-route -j get`), the daemon is asked about each frame before it is sent: it has to name
a verdict of the probe, the one that is counted then, and of a frame that comes out the port and the next hop's MAC address.

With --at-once COMMAND --control SOCKET, the command runs before the frames are sent, which happens as
soon as the daemon at that control socket has heard of it; all of them are counted before a dump, else the
exit code is 75.

Other ways: --listen SECONDS prints the number of ARP and ND frames that arrive at each port; --flood SECONDS
--destinations FILE sends as fast as it can, or --rate FRAMES a second, until the time is over or SIGTERM comes,
and prints the number sent; --announce MAC sends a gratuitous ARP from the sender's address; --error pmtu=BYTES
or redirect=GATEWAY --about DESTINATION tells the router so by ICMP of a packet that it sent itself to that
destination.
"""
import argparse
import json
import math
import random
import select
import shlex
import socket
import struct
import subprocess
import sys
import time

import talk
from counted import packets, read_stats, wrong_stats
from packet import Port, checksum, ipv4, mac_bytes

MAGIC = b'PROBE'
SHOWN = 20  # lines of differences
WINDOW = 128  # frames on their way at most: a veth ring holds 256, and its CPU may be taken away for a while


class Probe:
    """One line of the input: what is sent, and what may come of it."""

    def __init__(self, line, ports, sender, where):
        words = line.split()
        self.line, self.where = line, where
        self.verdicts, self.dst = words[0].split('|'), words[1]
        self.at, opts = [], {}
        for word in words[2:]:
            if '=' in word:
                key, value = word.split('=', 1)
                opts[key] = value
            else:
                self.at = [ports[name] for name in word.split(',')]
        self.n = int(opts.pop('n', 1))
        self.src = opts.pop('src', None)
        self.ttl = int(opts.pop('ttl', 64))
        self.len = int(opts.pop('len', 46))
        self.frag = [int(frag, 0) for frag in opts.pop('frag', '0').split(',')]
        self.df = 0x4000 if opts.pop('df', '0') == '1' else 0
        self.pad = int(opts.pop('pad', 0))
        self.options = bytes.fromhex(opts.pop('opts', ''))
        self.proto = int(opts.pop('proto', 17))
        self.tos = int(opts.pop('tos', '0'), 0)
        self.dport = int(opts.pop('dport', 33434))
        self.dmac = mac_bytes(opts.pop('dmac', sender.peer.hex()))
        self.gw = [mac_bytes(mac) for mac in opts.pop('gw', '').split(',') if mac]
        self.min = int(opts.pop('min', 0))
        icmp = opts.pop('icmp', None)
        self.icmp = tuple(int(part) for part in icmp.split('/')) if icmp else None
        self.mtu = int(opts.pop('mtu', 0))
        self.bad_sum = opts.pop('sum', '') == 'bad'
        self.any = opts.pop('any', '') == '1'
        self.flow = opts.pop('flow', '')
        self.leg_count = int(opts.pop('legs', 1 if self.flow == 'same' else 0))
        self.share = [int(weight) for weight in opts.pop('share', '').split(':') if weight]
        self.loss = opts.pop('loss', '') == '1'
        self.raw = opts.pop('raw', '') == '1'
        self.at_offset, _, patch = opts.pop('set', '0:').partition(':')
        self.at_offset, self.patch = int(self.at_offset), bytes.fromhex(patch)
        self.cut = int(opts.pop('cut', 65535))
        if opts:
            raise ValueError('unknown key %s' % ', '.join(opts))
        self.legs, self.first, self.answers, self.said = {}, 0, {}, []
        self.number = int(sender.address.split('.')[2])
        if not self.src:
            self.src = sender.behind() if self.icmp else sender.address

    def source(self, token):
        if self.flow != 'src':
            return self.src
        return '198.19.%d.%d' % (self.number * 16 + (token >> 8) % 16, token % 256)

    def header4(self, sport, pseudo, body):
        """The fourth layer: UDP's or TCP's header, with its checksum."""
        if self.proto == 17:
            head, at = struct.pack('!HHHH', sport, self.dport, 8 + len(body), 0), 6
        else:
            head, at = struct.pack('!HHIIBBHHH', sport, self.dport, 1, 0, 5 << 4, 2, 1024, 0, 0), 16
        pseudo += struct.pack('!HH', self.proto, len(head) + len(body))
        value = checksum(pseudo + head + body) or 0xffff
        return head[:at] + struct.pack('!H', value) + head[at + 2:] + body

    def packet(self, token, ttl):
        data = MAGIC + struct.pack('!I', token)
        frag = self.frag[(token - self.first) % len(self.frag)] | self.df
        src = self.source(token)
        room = self.len - 20 - len(self.options)
        if self.proto in (6, 17) and not frag & 0x1fff:
            room -= 8 if self.proto == 17 else 20
            sport = 1024 if self.flow else 1024 + token % 60000
            pseudo = socket.inet_aton(src) + socket.inet_aton(self.dst)
            payload = self.header4(sport, pseudo, data + bytes(max(0, room - len(data))))
        else:
            payload = data + bytes(max(0, room - len(data)))
        packet = ipv4(src, self.dst, ttl, (token if len(self.frag) == 1 else self.first) & 0xffff,
                      frag, self.proto, self.options, payload, self.tos)
        if self.bad_sum:
            packet = packet[:10] + bytes((packet[10] ^ 0x55,)) + packet[11:]
        return packet

    def frame(self, token, sender):
        frame = self.dmac + sender.mac + b'\x08\0' + self.packet(token, self.ttl) + bytes(self.pad)
        end = self.at_offset + len(self.patch)
        return (frame[:self.at_offset] + self.patch + frame[end:])[:self.cut]

    def ask(self, command, token, frame, sender):
        """What is wrong with the daemon's answer about that frame, or None."""
        words = shlex.split(command) + ['frame', frame.hex(), 'iif', sender.router_if]
        result = subprocess.run(words, stdout=subprocess.PIPE, check=True)
        row = json.loads(result.stdout)
        if row['verdict'] == 'forward' and row.get('lladdr'):
            self.answers[token] = row['dev'], mac_bytes(row['lladdr'])
        said = row['reason'] or row['verdict']
        self.said.append(said)
        return None if said in self.verdicts else 'get says %s' % said

    def waits(self):
        return bool(self.at or self.icmp) and not self.loss

    def check(self, token, port, frame, sender):
        """None if the frame is as expected, else what is wrong with it."""
        if self.any:
            return None
        if self.icmp and port is sender:
            return self.check_icmp(token, frame, sender)
        if port not in self.at:
            return 'came out at %s' % port.name
        if self.answers.get(token, (port.router_if, frame[:6])) != (port.router_if, frame[:6]):
            return 'came out at %s to %s, get named %s to %s' % (
                port.router_if, frame[:6].hex(':'), self.answers[token][0],
                self.answers[token][1].hex(':'))
        macs = self.gw or [port.mac]
        if frame[:6] in macs:
            leg = (port.name, frame[:6])
            self.legs[leg] = self.legs.get(leg, 0) + 1
        expected = (frame[:6] if frame[:6] in macs else macs[0]) + port.peer + b'\x08\0'
        expected += self.packet(token, self.ttl - 1)
        if self.raw:
            expected = self.frame(token, sender)
        if frame == expected:
            return None
        at = next((i for i, (a, b) in enumerate(zip(frame, expected)) if a != b),
                  min(len(frame), len(expected)))
        return 'differs at byte %d (%s)\n    expected %s\n    received %s' % (
            at, field_at(at), hex_dump(expected, at), hex_dump(frame, at))

    def check_icmp(self, token, frame, sender):
        if frame[:6] != sender.mac or frame[12:14] != b'\x08\0' or frame[23] != 1:
            return 'is no ICMP message to the sender: %s' % hex_dump(frame, -1)
        icmp = frame[14 + (frame[14] & 15) * 4:]
        if (icmp[0], icmp[1]) != self.icmp:
            return 'ICMP %d/%d instead of %d/%d' % (icmp[0], icmp[1], *self.icmp)
        if checksum(icmp):
            return 'ICMP checksum is wrong'
        if self.mtu and struct.unpack('!H', icmp[6:8])[0] != self.mtu:
            return 'ICMP names MTU %d instead of %d' % (struct.unpack('!H', icmp[6:8])[0], self.mtu)
        # the kernel quotes it as it came, or, of a neighbour that never answered, as it was to leave
        quoted = icmp[8:36]
        if quoted not in (self.packet(token, ttl)[:28] for ttl in (self.ttl, self.ttl - 1)):
            return 'ICMP quotes another packet: %s' % hex_dump(quoted, -1)
        return None

    def wrong_legs(self):
        if self.leg_count and len(self.legs) != self.leg_count:
            return ['took %d next hops instead of %d' % (len(self.legs), self.leg_count)]
        legs = [(port.name, mac) for port in self.at for mac in (self.gw or [port.mac])]
        least = [self.min] * len(legs)
        most = [self.n] * len(legs)
        for i, weight in enumerate(self.share):
            # Four sigma, and four frames for small shares, whose distribution is skew: chance alone
            # oversteps that once in 100,000 times.
            mean = self.n * weight / sum(self.share)
            slack = 0.05 * mean + 4 * math.sqrt(mean * (1 - weight / sum(self.share))) + 4
            least[i], most[i] = math.ceil(mean - slack), math.floor(mean + slack)
        return ['%s by %s: %d frames, expected %d to %d' % (
            leg[0], leg[1].hex(':'), self.legs.get(leg, 0), low, high)
            for leg, low, high in zip(legs, least, most)
            if not low <= self.legs.get(leg, 0) <= high]


def field_at(offset):
    fields = ((6, 'destination MAC'), (12, 'source MAC'), (14, 'ethertype'), (16, 'version'),
              (18, 'IP length'), (20, 'IP id'), (22, 'fragment'), (23, 'TTL'), (24, 'protocol'),
              (26, 'IP checksum'), (30, 'source'), (34, 'destination'))
    return next((name for end, name in fields if offset < end), 'payload or length')


def hex_dump(data, at):
    text = data[:64].hex()
    if 0 <= at < 64:
        text = '%s[%s]%s' % (text[:at * 2], text[at * 2:at * 2 + 2], text[at * 2 + 2:])
    return '%s%s (%d bytes)' % (text, '..' if len(data) > 64 else '', len(data))


class Exchange:
    """Sends frames and receives what comes of them."""

    def __init__(self, ports, sender, owners, timeout):
        self.sender, self.owners, self.timeout = sender, owners, timeout
        self.by_fd = {port.socket.fileno(): port for port in ports}
        self.awaited, self.seen, self.wrong = set(), {}, []
        self.last = time.monotonic()  # when something was sent, or came
        self.poll = select.poll()
        for fd in self.by_fd:
            self.poll.register(fd, select.POLLIN)

    def take(self, fd, frame):
        mark = frame.find(MAGIC)
        if mark < 0 or mark + 9 > len(frame):
            return
        token = struct.unpack('!I', frame[mark + 5:mark + 9])[0]
        probe = self.owners.get(token)
        if not probe:
            return
        self.last = time.monotonic()
        problem = probe.check(token, self.by_fd[fd], frame, self.sender)
        self.seen[token] = self.seen.get(token, 0) + 1
        if not problem and self.seen[token] > 1 and not probe.any:
            problem = 'came out %d times' % self.seen[token]
        if problem:
            self.wrong.append((probe, problem))
        self.awaited.discard(token)

    def receive(self):
        for fd, _ in self.poll.poll(10):
            for frame in self.by_fd[fd].receive():
                self.take(fd, frame)

    def send(self, frames):
        """Frames by their tokens, a window of them on their way; where what is missing does not come, all."""
        window = WINDOW
        for token, frame in frames.items():
            if self.owners[token].waits():
                self.awaited.add(token)
            self.sender.send(frame)
            self.last = time.monotonic()
            while len(self.awaited) >= window:
                self.receive()
                if time.monotonic() > self.last + self.timeout:
                    window = len(frames) + 1

    def collect(self, quiet):
        """Receives until every awaited frame came and `quiet` seconds passed; returns what is wrong."""
        end = time.monotonic() + self.timeout
        while (self.awaited or time.monotonic() < self.last + quiet) and time.monotonic() < end:
            self.receive()
        return self.wrong + [(self.owners[token], 'did not come out') for token in sorted(self.awaited)]


def run_probes(ports, sender, args):
    probes = []
    for number, line in enumerate(sys.stdin, 1):
        line = line.split('#')[0].strip()
        if line:
            try:
                probes.append(Probe(line, ports, sender, number))
            except (ValueError, KeyError, IndexError) as error:
                sys.exit('frames.py: line %d: %s: %s' % (number, line, error))
    base = random.SystemRandom().randrange(1 << 31)
    owners, frames = {}, {}
    for probe in probes:
        probe.first = base + len(owners)
        for _ in range(probe.n):
            token = base + len(owners)
            owners[token] = probe
            frames[token] = probe.frame(token, sender)
    asked = []
    if args.get:
        asked = [(owners[token], owners[token].ask(args.get, token, frame, sender))
                 for token, frame in frames.items()]
    exchange = Exchange(ports.values(), sender, owners, args.timeout)
    before = read_stats(args.stats) if args.stats else None
    if not args.at_once:
        exchange.send(frames)
    elif not send_at_once(args, exchange, frames):
        return 75
    silent = any(not probe.waits() for probe in probes)
    wrong = exchange.collect(0.15 if silent else 0.02)
    lines, count = [], {}
    for probe, problem in [pair for pair in asked if pair[1]] + wrong:
        count[probe] = count.get(probe, 0) + 1
        if count[probe] <= 3:
            lines.append('probe "%s": %s' % (probe.line, problem))
    lines += ['probe "%s": and %d more' % (probe.line, n - 3) for probe, n in count.items() if n > 3]
    lines += ['probe "%s": %s' % (probe.line, text)
              for probe in probes for text in probe.wrong_legs()]
    if args.stats:
        lines[:0] = wrong_stats(args.stats, before, sender, probes, args.timeout)
    for line in lines[:SHOWN]:
        print(line)
    if len(lines) > SHOWN:
        print('and %d lines more' % (len(lines) - SHOWN))
    return 1 if lines else 0


class Daemon:
    """Asked at its control socket, without starting a command: a dump follows an event by 50 ms."""

    def __init__(self, path):
        self.path = path

    def ask(self, command):
        """The one row of the answer."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as control:
            control.settimeout(60)
            control.connect(self.path)
            control.sendall(json.dumps({'command': command}).encode() + b'\n')
            with control.makefile() as answer:
                return [json.loads(line) for line in answer][1]

    def netlink(self):
        return self.ask('status')['netlink']

    def decided(self, ifname):
        """IPv4 packets that the program has counted there."""
        row = next(row for row in self.ask('stats')['interfaces'] if row['ifname'] == ifname)
        return row['rx']['packets'] - packets(row, 'not_ipv4')


def send_at_once(args, exchange, frames):
    """Runs the command and sends the frames once the daemon has heard of it. False: a dump came before the program
    had decided about all of them, or may have."""
    daemon, sender = Daemon(args.control) if args.control else None, exchange.sender
    if daemon:
        before, decided = daemon.netlink(), daemon.decided(sender.router_if)
    subprocess.run(shlex.split(args.at_once), check=True)
    while daemon and daemon.netlink()['events'] == before['events']:
        pass
    exchange.send(frames)
    end = time.monotonic() + args.timeout
    while daemon and daemon.decided(sender.router_if) < decided + len(frames):
        if time.monotonic() > end:
            break  # the comparison says what is missing
    return not daemon or daemon.netlink()['resyncs'] == before['resyncs']


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--port', action='append', type=Port, required=True)
    parser.add_argument('--from', dest='sender', required=True)
    parser.add_argument('--stats')
    parser.add_argument('--get')
    parser.add_argument('--timeout', type=float, default=10)
    parser.add_argument('--flood', type=float)
    parser.add_argument('--rate', type=float)
    parser.add_argument('--destinations')
    parser.add_argument('--announce', type=mac_bytes)
    parser.add_argument('--error')
    parser.add_argument('--about')
    parser.add_argument('--at-once')
    parser.add_argument('--control')
    parser.add_argument('--listen', type=float)
    args = parser.parse_args()
    ports = {port.name: port for port in args.port}
    sender = ports[args.sender]
    with open('/proc/self/ns/net', 'rb') as home:
        for port in ports.values() if args.flood is None and not args.announce and not args.error else [sender]:
            port.open(home.fileno())
    sender.wait_running()
    if args.flood is not None:
        return talk.flood(sender, args)
    if args.listen is not None:
        return talk.listen(ports, args.listen)
    if args.error:
        return talk.error(sender, args.error, args.about)
    if args.announce:
        return talk.announce(sender, args.announce)
    return run_probes(ports, sender, args)


if __name__ == '__main__':
    sys.exit(main())
