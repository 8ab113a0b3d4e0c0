"""Is what came out of two routers the same? With more than one next hop: is it as good?

The kernel spreads flows by a secret of its own. An accelerated router may choose another leg, if it is
one of those that the kernel chooses from: the kernel's router is asked for them.
"""
import socket
import struct

import frames
import world


class Judges:
    """A router of the kernel alone for what the fast path decided, and one, the same or another, for what it left
    to the kernel."""

    def __init__(self, decided, left, state):
        self.decided = Comparison(decided, state)
        self.left = self.decided if left is decided else Comparison(left, state)

    def of(self, packet, router):
        return self.decided if packet.verdicts[router.name] in ('forwarded', 'dropped') else \
            self.left

    def begin(self, router=None):
        """Before a batch, into that router only where one is given."""
        for judge in {self.decided, self.left}:
            if router is None or router.name == judge.name:
                judge.begin()

    def unequal(self, batch, routers):
        return [(packet, router) for packet in batch for router in routers
                if not self.of(packet, router).is_equal(packet, router)]


class Comparison:
    """The kernel's router is the judge; what it answers is kept for a batch."""

    def __init__(self, router, state):
        self.name, self.kernel, self.state = router.name, router.router, state
        self.forget()

    def forget(self):
        self.legs_of, self.links, self.neighbours = {}, None, []

    def begin(self):
        """Before a batch: answers to ARP may change neighbours while it is compared."""
        self.forget()
        self.neighbours.append(self.ask_neighbours())

    def ask_neighbours(self):
        return {(row['dev'], row['dst']): row.get('lladdr')
                for row in self.kernel.query.json('neigh show nud all')
                if not {'FAILED', 'INCOMPLETE'} & set(row.get('state', ()))}

    def is_equal(self, packet, router):
        kernel, other = packet.results[self.name], packet.results[router.name]
        verdict, tc = packet.verdicts[router.name], router.is_tc(packet.port)
        bare = inner_of(packet, other) if tc else other
        if verdict == 'forwarded' and not is_plain(packet, bare):
            return tc and kernel == other and self.may_be_wrapped(packet)
        # Whom the kernel tells of a shorter way is not to be sent back the long one unsaid; where it knows the route.
        if verdict == 'forwarded' and self.name in packet.redirected and other[0][0] == packet.port and \
                not self.state.user_decides(packet):
            return False
        if verdict == 'dropped' and other:
            return False
        # A user's drop does not read options: the kernel does, and complains, before it asks its routes.
        if verdict == 'dropped' and self.state.has_user and is_option_error(packet, kernel):
            return True
        if kernel == other or len(kernel) == len(other) > 1 and sorted(kernel) == sorted(other):
            return True
        if tc and verdict == 'forwarded':
            kernel, other = inner_of(packet, kernel), bare
        if not is_plain(packet, other):
            return verdict not in ('forwarded', 'dropped') and \
                is_same_answer(packet, kernel, other)
        # The kernel may also have queued it for a leg without neighbour, or found it too long for one.
        several, legs = self.legs(packet)
        port, frame = other[0]
        if is_plain(packet, kernel) or several and verdict == 'forwarded':
            return (port, frame[:12]) in legs
        return False

    def may_be_wrapped(self, packet):
        """By the vxlan device, which may then cut it up, or have no way for it."""
        mac = world.mac_bytes(world.ENCAPSULATING_MAC)
        return any(macs[:6] == mac for _, macs in self.legs(packet)[1])

    # ---- the kernel's legs ---------------------------------------------------------------------
    def legs(self, packet):
        """Whether the kernel chooses among several legs, and (port, MAC addresses) of those by which it
        could send this packet as it is."""
        key = packet.port, packet.frame[14:34], packet.frame[34:38]
        if key not in self.legs_of:
            self.legs_of[key] = self.ask_legs(packet)
        return self.legs_of[key]

    def ask_legs(self, packet):
        if self.links is None:
            self.links = {row['ifname']: row for row in self.kernel.query.json('link show')}
            self.neighbours.append(self.ask_neighbours())
        rows = self.kernel.query.json(route_get(packet))
        tot_len = len(packet.plain or b'')
        found, alive = set(), 0
        for leg in self.expand(rows[0]) if rows else ():
            link = self.links.get(leg.get('dev'))
            gateway = leg.get('gateway') or leg.get('via', {}).get('host') or \
                socket.inet_ntoa(packet.frame[30:34])
            macs = {table.get((leg.get('dev'), gateway)) for table in self.neighbours} - {None}
            if not macs and self.state.has_user:  # the daemon asks before there are packets
                macs = {self.state.living.get((port_of(leg), gateway))} - {None}
            if not link or 'dead' in leg.get('flags', ()):
                continue
            alive += 1
            if tot_len > link['mtu']:
                continue
            found |= {(port_of(leg), world.mac_bytes(mac) + world.mac_bytes(link['address']))
                      for mac in macs}
        return alive > 1, found

    def expand(self, route):
        """The legs of a route, or of the nexthop object that it names."""
        if route.get('nexthops'):
            return route['nexthops']
        if 'nhid' not in route or 'dev' in route:
            return [route]
        rows = self.kernel.query.json('nexthop show id %d' % route['nhid'])
        if not rows:
            return []
        members = rows[0].get('group')
        if not members:
            return rows[:1]
        return [row for member in members
                for row in self.kernel.query.json('nexthop show id %d' % member['id'])]


def is_option_error(packet, kernel):
    """Is all that came of a packet with options that its sender is told of a mistake in them (ICMP 12)?"""
    if packet.frame[14] & 15 == 5 or len(kernel) != 1:
        return False
    frame = kernel[0][1]
    if frame[23] == frames.UDP and frame[36:38] == frames.VXLAN:  # the sender is behind the vxlan device
        frame = frames.inside(frame)
    return frame[23] == 1 and frame[14 + (frame[14] & 15) * 4] == 12


def port_of(leg):
    """At which the frames of a leg come out; 0: none."""
    ifname = leg.get('dev', '')
    return 1 if ifname == world.VIRTUAL else int(ifname[1:]) if ifname[1:].isdigit() else 0


def route_get(packet):
    """The question to `ip` for this packet's route as it is in the table."""
    frame = packet.frame
    tos, proto = frame[15], frame[23]
    text = 'route get fibmatch %s from %s iif r%d' % (
        socket.inet_ntoa(frame[30:34]), socket.inet_ntoa(frame[26:30]), packet.port)
    if tos & 0x1c:
        text += ' tos 0x%02x' % (tos & 0x1c)
    if proto in (frames.UDP, frames.TCP) and not struct.unpack_from('!H', frame, 20)[0] & 0x1fff \
            and len(frame) >= 38:
        text += ' ipproto %s sport %d dport %d' % (
            {frames.UDP: 'udp', frames.TCP: 'tcp'}[proto], *struct.unpack_from('!HH', frame, 34))
    return text


def is_plain(packet, results):
    """One frame out, and that as forwarding makes it."""
    return len(results) == 1 and packet.plain is not None and results[0][1][14:] == packet.plain \
        and results[0][1][12:14] == frames.ETH_IP


def outcome_of(packet, plain):
    """What became of it at the router of the kernel alone, in words."""
    results = packet.results['kernel']
    if plain:
        return 'forwarded plainly'
    if not results:
        return 'nothing'
    frame = results[0][1]
    icmp = 14 + (frame[14] & 15) * 4
    if is_plain(packet, results):
        return 'forwarded with a redirect, or past a firewall, an IPsec policy or a bridge'
    if len(results) > 1:
        return 'several frames'
    if frame[26:34] == packet.addresses:
        return 'forwarded otherwise'
    if frame[23:24] == b'\x01':
        return 'ICMP %d/%d' % (frame[icmp], frame[icmp + 1])
    return 'something else'


def inner_of(packet, results):
    """What the vxlan device was given, as if its port were that of x1; tc sends by every device."""
    inside = frames.inside(results[0][1]) if len(results) == 1 and frames.is_ipv4(
        results[0][1]) else None
    if inside and results[0][1][23] == frames.UDP and is_plain(packet, [(1, inside)]):
        return [(1, inside)]
    return results


def is_same_answer(packet, kernel, other):
    """What both kernels say themselves, by another of several ways: among equal default routes they
    take turns, whoever asks."""
    return len(kernel) == len(other) == 1 and kernel[0][1][12:] == other[0][1][12:] and \
        kernel[0][1][26:34] != packet.addresses


def moved_flows(batch, router):
    """Pairs of packets of one flow that the fast path sent to different next hops."""
    first, wrong = {}, []
    for packet in batch:
        if packet.flow is None or packet.verdicts.get(router.name) != 'forwarded' or \
                len(packet.results[router.name]) != 1:
            continue
        port, frame = packet.results[router.name][0]
        known = first.setdefault(id(packet.flow), (packet, port, frame[:12]))
        if known[1:] != (port, frame[:12]):
            wrong.append((known[0], packet))
    return wrong
