"""Is what came out of two routers the same? With more than one next hop: is it as good?

The kernel spreads flows by a secret of its own. An accelerated router may choose another leg, if it is
one of those that the kernel chooses from: the kernel's router is asked for them.
"""
import socket
import struct

import frames
import world


class Comparison:
    """The kernel's router is the judge; what it answers is kept for a batch."""

    def __init__(self, kernel, state):
        self.kernel, self.state = kernel, state
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

    def unequal(self, batch, routers):
        return [(packet, router) for packet in batch for router in routers
                if not self.is_equal(packet, router)]

    def is_equal(self, packet, router):
        kernel, other = packet.results['kernel'], packet.results[router.name]
        verdict = packet.verdicts[router.name]
        bare = inner_of(packet, other) if router.hook == 'tc' else other
        if verdict == 'forwarded' and not is_plain(packet, bare):
            return router.hook == 'tc' and kernel == other and self.may_be_wrapped(packet)
        # Whom the kernel tells of a shorter way is not to be sent back the long one unsaid.
        if verdict == 'forwarded' and 'kernel' in packet.redirected and other[0][0] == packet.port:
            return False
        if verdict == 'dropped' and other:
            return False
        if kernel == other or len(kernel) == len(other) > 1 and sorted(kernel) == sorted(other):
            return True
        if router.hook == 'tc' and verdict == 'forwarded':
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
            if not link or 'dead' in leg.get('flags', ()):
                continue
            alive += 1
            if tot_len > link['mtu']:
                continue
            port = {world.VIRTUAL: 1}.get(leg['dev']) or int(leg['dev'][1:]) \
                if leg['dev'][1:].isdigit() else 0
            found |= {(port, world.mac_bytes(mac) + world.mac_bytes(link['address']))
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
