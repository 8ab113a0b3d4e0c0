"""The random packets of a batch: mostly plain ones, and one of everything that is not."""
import struct

import frames
import op_links
import world
from frames import DF, ESP, GRE, ICMP, MF, SCTP, TCP, UDP, UNKNOWN

PLAIN_SHARE = 0.72
PROTOCOLS = (UDP, UDP, UDP, TCP, TCP, ICMP, GRE, ESP, SCTP, UNKNOWN)
SPECIAL_DESTINATIONS = ('255.255.255.255', '224.0.0.1', '224.0.0.251', '239.1.2.3', '127.0.0.1',
                        '127.255.255.255', '0.0.0.0', '0.1.2.3', '240.1.2.3', '255.255.255.254')
SPECIAL_SOURCES = ('0.0.0.0', '0.1.2.3', '127.0.0.1', '224.0.0.1', '255.255.255.255', '240.1.2.3',
                   '198.18.1.255', '198.18.2.1')
OPTIONS = ('01010100', '0101010101010100', '94040000', '0707040000000000', '07030400',
           '830704' + '0a000001' + '00', '8303040000000000', '86040000', '44040500', 'ff000000')
LENGTHS = (20, 28, 46, 46, 46, 64, 100, 512)


class Packet:
    """What is sent, and what became of it at each router."""

    __slots__ = ('token', 'port', 'frame', 'kind', 'flow', 'operation', 'results', 'verdicts', 'late',
                 'plain', 'redirected', 'resent', 'unsent', 'addresses', 'ident')

    def __init__(self, token, port, frame, kind, flow=None):
        self.token, self.port, self.frame, self.kind, self.flow = token, port, frame, kind, flow
        self.operation = 0  # after which it was sent
        self.results = {}   # router -> [(port, frame)], sorted when compared
        self.verdicts = {}  # router -> the fast path's verdict
        self.late = {}      # router -> [(port, frame)] after its batch was over
        self.plain = frames.forwarded_ip(frame)
        self.redirected = set()  # routers that sent a redirect, too
        self.resent = set()      # routers that were sent it again
        self.unsent = set()      # routers into which it could not be sent
        ip = 18 if frame[12:14] == b'\x81\0' else 14
        self.addresses, self.ident = frame[ip + 12:ip + 20], frame[ip + 4:ip + 6]


class Generator:
    """Numbers go up through a run: each tag, IP id and sender is used for one packet."""

    def __init__(self, rng, state):
        self.rng, self.state, self.token = rng, state, 0
        self.senders = dict.fromkeys(world.PORTS, 0)

    def batch(self, count):
        made = []
        while len(made) < count:
            packet = self.plain() if self.rng.random() < PLAIN_SHARE else self.odd()
            made.append(packet)
            if packet.flow and self.rng.random() < 0.08:  # the same flow again: it may not move
                made.append(self.again(packet))
        return made[:count]

    # ---- parts -------------------------------------------------------------------------------
    def next_token(self):
        self.token += 1
        return self.token

    def sender(self, port):
        self.senders[port] += 1
        return world.sender(port, self.senders[port])

    def port(self):
        return self.rng.choice(self.state.ingress_ports())

    def destination(self):
        rng, draw = self.rng, self.rng.random()
        if draw < 0.60:
            prefix = rng.choice(self.state.recent)
        elif draw < 0.85:
            prefix = rng.choice(world.UNIVERSE)
        elif draw < 0.93:  # connected, or further senders
            port = rng.choice(world.PORTS)
            if rng.random() < 0.4:
                return world.sender(port, rng.randrange(4094))
            return world.gateway(port, rng.choice(world.GATEWAYS + world.HOSTS))
        elif draw < 0.95:
            return rng.choice(('198.18.60.7', '198.18.50.2', '198.18.40.2', '198.18.1.99'))
        else:
            return world.address_of(rng.randrange(1 << 24, 223 << 24))
        first, last = world.split_prefix(prefix)
        number = rng.choice((first, last, first - 1, last + 1, first + 1, last - 1,
                             rng.randint(first, last), rng.randint(first, last)))
        address = world.address_of(number)
        if not 1 <= number >> 24 <= 223 and not address.startswith('240.') or \
                address.startswith('127.'):
            return world.address_of(rng.randrange(1 << 24, 127 << 24))
        return address

    def ethernet(self, port, ip, destination=None, ethertype=frames.ETH_IP):
        mac = destination or self.state.mac[port]
        return world.mac_bytes(mac) + world.mac_bytes(world.gateway_mac(port)) + ethertype + ip

    def fields(self, port=None):
        """Of an unsuspicious packet."""
        token, port = self.next_token(), port or self.port()
        rng = self.rng
        return {'token': token, 'port': port, 'src': self.sender(port),
                'dst': self.destination(), 'proto': rng.choice(PROTOCOLS), 'ttl': 64,
                'tos': rng.choice((0, 0, 0, 0, 0x10, 0x08, 0x04, 0x01, 0xb8, 0x02)),
                'frag': rng.choice((0, 0, DF)), 'length': rng.choice(LENGTHS),
                'sport': 1024 + token % 60000, 'dport': rng.choice((33434, 33434, 80, 4789))}

    def make(self, kind, f, flow=None, pad=b'', mac=None, **more):
        room = f['length'] - 20 - len(more.get('options', b''))
        payload = frames.layer4(f['proto'], f['src'], f['dst'], f['sport'], f['dport'], f['token'],
                                room) if room > 0 else b''
        if f['frag'] & 0x1fff:
            payload = frames.body(f['token'], max(0, room))
        ip = frames.ipv4(f['src'], f['dst'], f['proto'], payload, ttl=f['ttl'], tos=f['tos'],
                         ident=f['token'] & 0xffff, frag=f['frag'], **more)
        return Packet(f['token'], f['port'], self.ethernet(f['port'], ip, mac) + pad, kind, flow)

    # ---- plain ---------------------------------------------------------------------------------
    def plain(self):
        f = self.fields()
        if self.rng.random() < 0.05:
            f['length'] = self.state.mtu[f['port']]
        pad = bytes(max(0, 46 - f['length'])) if self.rng.random() < 0.3 else b''
        return self.make('plain', f, flow=dict(f), pad=pad)

    def again(self, packet):
        f = dict(packet.flow, token=self.next_token())
        if f['proto'] in (TCP, ICMP):  # an answer would be taken for one to the first
            f['proto'] = UNKNOWN
            return self.make('plain', f)
        return self.make('again', f, flow=packet.flow)

    # ---- everything else -------------------------------------------------------------------------
    def odd(self):
        return self.rng.choice(self.ODD)(self)

    def expired(self):
        f = self.fields()
        f['ttl'] = self.rng.choice((0, 1, 1, 2))
        return self.make('ttl', f)

    def optioned(self):
        return self.make('options', self.fields(), options=bytes.fromhex(self.rng.choice(OPTIONS)))

    def fragment(self):
        f = self.fields()
        f['frag'] = self.rng.choice((MF, MF | 64, 64, 185, 0x1fff))
        f['length'] = self.rng.choice((28, 44, 46, 1300))
        return self.make('fragment', f)

    def large(self):
        f = self.fields()
        f['length'] = self.rng.choice((576, 577, 1000, 1001, 1280, 1281, 1400, 1401, 1492, 1493,
                                       1499, 1500))
        f['length'] = min(f['length'], self.state.mtu[f['port']])
        f['frag'] = self.rng.choice((0, DF))
        return self.make('large', f)

    def spoofed(self):
        """From a sender who is behind another port, or nobody."""
        f = self.fields()
        other = self.rng.choice(world.PORTS)
        f['src'] = self.sender(other) if self.rng.random() < 0.6 else self.destination()
        return self.make('spoofed', f)

    def special_destination(self):
        f = self.fields()
        f['dst'] = self.rng.choice(SPECIAL_DESTINATIONS)
        mac = None
        if f['dst'].startswith('2') and self.rng.random() < 0.5:
            mac = self.rng.choice(('01:00:5e:00:00:01', 'ff:ff:ff:ff:ff:ff'))
        return self.make('special destination', f, mac=mac)

    def special_source(self):
        f = self.fields()
        f['src'] = self.rng.choice(SPECIAL_SOURCES + tuple(map(world.router_address, world.PORTS)))
        return self.make('special source', f)

    def to_router(self):
        f = self.fields()
        f['dst'] = self.rng.choice([world.router_address(n) for n in world.PORTS] + [
            '198.18.40.1', world.VIRTUAL_ADDRESS, '198.18.60.1'])
        f['proto'] = self.rng.choice((UDP, TCP, ICMP, GRE, UNKNOWN))
        f['dport'] = self.rng.choice((33434, 9))
        f['ttl'] = self.rng.choice((64, 1))
        return self.make('to the router', f)

    def directed_broadcast(self):
        f = self.fields()
        f['dst'] = self.rng.choice(('198.18.1.255', '198.18.2.255', '198.18.3.0', '198.18.4.255'))
        return self.make('broadcast', f)

    def bad_checksum(self):
        packet = self.make('checksum', self.fields())
        packet.frame = packet.frame[:24] + bytes((packet.frame[24] ^ 0x55,)) + packet.frame[25:]
        return packet

    def bad_header(self):
        f = self.fields()
        first = self.rng.choice((0x44, 0x40, 0x55, 0x65, 0x4f, 0x46, 0x05))
        return self.make('header', f, first=first)

    def bad_length(self):
        f = self.fields()
        tot_len = self.rng.choice((0, 19, 20, 21, f['length'] + 1, f['length'] + 40, 65535,
                                   max(0, f['length'] - 1)))
        return self.make('length', f, tot_len=tot_len)

    def truncated(self):
        packet = self.make('truncated', self.fields())
        packet.frame = packet.frame[:self.rng.choice((14, 15, 20, 33, 34, 35, 40))]
        return packet

    def padded(self):
        f = self.fields()
        f['length'] = self.rng.choice((20, 21, 28, 40, 46))
        return self.make('padded', f, pad=b'\xa5' * self.rng.choice((1, 6, 26, 100)))

    def wrong_mac(self):
        mac = self.rng.choice(('02:00:00:00:77:77', 'ff:ff:ff:ff:ff:ff', '01:00:5e:00:00:01',
                               world.VIRTUAL_MAC, '02:00:00:00:01:01', '02:00:00:00:02:01'))
        return self.make('mac', self.fields(), mac=mac)

    def virtual_mac(self):
        port = 1 if self.state.is_usable(1) else None
        return self.make('virtual mac', self.fields(port), mac=world.VIRTUAL_MAC)

    def other_ethertype(self):
        f = self.fields()
        inner = self.make('ethertype', f).frame[14:]
        kind = self.rng.randrange(5)
        if kind == 0:
            ethertype, ip = b'\x81\0', struct.pack('!H', self.rng.choice((0, 5))) + b'\x08\0' + inner
        elif kind == 1:
            ethertype, ip = b'\x86\xdd', b'\x60' + bytes(3) + struct.pack('!HBB', 8, 17, 64) + \
                bytes(32) + frames.body(f['token'], 8)
        elif kind == 2:
            ethertype, ip = struct.pack('!H', 46), b'\x42\x42\x03' + bytes(43)
        elif kind == 3:
            ethertype, ip = b'\x88\xb5', inner
        else:  # somebody who is there tells or asks
            address = world.gateway(f['port'], self.rng.choice(world.HOSTS))
            mac = world.mac_bytes(self.state.living[f['port'], address])
            frame = op_links.arp(self.rng.choice((1, 2)), mac, address, bytes(6),
                                 self.rng.choice((address, '198.18.77.7')), b'\xff' * 6)
            return Packet(f['token'], f['port'], frame, 'arp')
        return Packet(f['token'], f['port'], self.ethernet(f['port'], ip, None, ethertype),
                      'ethertype')

    ODD = (expired, expired, optioned, fragment, fragment, large, large, spoofed, spoofed,
           special_destination, special_source, to_router, to_router, directed_broadcast,
           bad_checksum, bad_header, bad_length, truncated, padded, padded, wrong_mac, virtual_mac,
           other_ethertype)
