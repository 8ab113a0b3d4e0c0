"""Random operations on neighbours, addresses, links and sysctls, and what puts things right again."""
import struct
import socket

import world
from op_routes import prefix_of, remember
from state import Operation
from topology import address_commands, base_commands, neighbour_commands, route_commands

BROADCAST = b'\xff' * 6


def arp(operation, mac, address, to_mac, to_address, destination=None):
    """A whole ARP frame; operation 1 asks, 2 answers."""
    return ((destination or to_mac) + mac + b'\x08\x06' +
            struct.pack('!HHBBH', 1, 0x0800, 6, 4, operation) + mac + socket.inet_aton(address) +
            to_mac + socket.inet_aton(to_address) + bytes(18))


def repair_commands(port):
    return address_commands(port) + neighbour_commands(port) + route_commands(port)


# ---- neighbours ----------------------------------------------------------------------------------
def neighbour_set(rng, state):
    port = rng.choice(world.PORTS)
    host = rng.choice(world.GATEWAYS + world.HOSTS)
    nud = rng.choice(('permanent', 'permanent', 'permanent', 'noarp', 'reachable', 'stale', 'delay',
                      'probe', 'failed', 'incomplete'))
    mac = world.gateway_mac(port, rng.choice((host, host, 0x77, 0x78)))
    if nud in ('delay', 'probe'):  # asks at once: what the answer says must not depend on when it comes
        mac = state.living[port, world.gateway(port, host)]
    lladdr = '' if nud in ('failed', 'incomplete') else ' lladdr ' + mac
    if rng.random() < 0.1 and nud not in ('delay', 'probe'):  # nobody answers for IPv6
        return Operation('neighbour', ['neigh replace fe80::2%s dev r%d nud %s' % (
            lladdr, port, nud)], lenient=True)
    return Operation('neighbour', ['neigh replace %s%s dev r%d nud %s' % (
        world.gateway(port, host), lladdr, port, nud)], lenient=True)


def neighbour_del(rng, state):
    port = rng.choice(world.PORTS)
    host = rng.choice(world.GATEWAYS + world.HOSTS)
    state.undo.append(Operation('neighbours come back', neighbour_commands(port)))
    return Operation('neighbour del', ['neigh del %s dev r%d' % (
        world.gateway(port, host), port)], lenient=True)


def gateway_moves(rng, state):
    """A gateway has another MAC address and says so by gratuitous ARP."""
    port, host = rng.choice(world.PORTS), rng.choice(world.GATEWAYS[1:])
    address, mac = world.gateway(port, host), world.gateway_mac(port, rng.choice((host, 0x88, 0x99)))
    state.living[port, address] = mac
    lines = ['neigh replace %s lladdr %s dev r%d nud stale' % (
        address, world.gateway_mac(port, host), port)]
    operation, mac = rng.choice((1, 2)), world.mac_bytes(mac)
    frame = arp(operation, mac, address, mac if operation == 2 else bytes(6), address, BROADCAST)
    return Operation('gateway moves', lines, frames=[(port, frame)], lenient=True)


# ---- addresses -----------------------------------------------------------------------------------
def address(rng, state):
    port = rng.choice(world.PORTS)
    if rng.random() < 0.35:  # the last one: what is via the device goes, too
        state.undo.append(Operation('the address comes back', repair_commands(port)))
        return Operation('address del', ['address del %s/24 dev r%d' % (
            world.router_address(port), port)], silent=True)
    extra = rng.choice(('198.18.60.1/24', '203.0.113.1/32', '192.0.2.17/28', '10.1.2.3/23',
                        '198.51.100.1/31'))
    state.touch({'198.18.60.1/24': '198.18.60.0/24', '203.0.113.1/32': '203.0.113.1/32',
                 '192.0.2.17/28': '192.0.2.16/28', '10.1.2.3/23': '10.1.2.0/23',
                 '198.51.100.1/31': '198.51.100.0/24'}[extra])
    state.undo.append(Operation('the address goes', [
        'address del %s dev r%d' % (extra, port)]))
    return Operation('address add', ['address add %s dev r%d' % (extra, port)])


# ---- links ---------------------------------------------------------------------------------------
class PortUp(Operation):
    """What undoes link down and carrier loss; the state follows when it is done, not when made."""

    def __init__(self, state, port, host):
        super().__init__('h%d is up' % port if host else 'r%d is up' % port,
                         hosts=['link set h%d up' % port] if host else [],
                         router=[] if host else ['link set r%d up' % port],
                         quicken=[port] if host else [], lenient=True)
        self.state, self.port, self.host = state, port, host

    def chosen(self):
        """It is about to be applied."""
        (self.state.host_up if self.host else self.state.router_up)[self.port] = True
        self.carrier = {self.port: True} if self.state.is_usable(self.port) else {}
        self.after = repair_commands(self.port) if self.state.is_usable(self.port) else []


def port_down(rng, state):
    ports = [n for n in world.PORTS if state.is_usable(n)]
    if len(ports) < 3:
        return None
    port = rng.choice(ports)
    if rng.random() < 0.5:
        state.router_up[port] = False
        state.undo.append(PortUp(state, port, False))
        return Operation('link down', ['link set r%d down' % port], carrier={port: False},
                         silent=True)
    state.host_up[port] = False
    state.undo.append(PortUp(state, port, True))
    return Operation('carrier lost', hosts=['link set h%d down' % port], carrier={port: False},
                     silent=True)


def port_flaps(rng, state):
    """Down and up: its static routes and nexthop objects are lost, its neighbours are there again."""
    port = rng.choice(world.PORTS)
    if not state.is_usable(port):
        return None
    state.undo.append(Operation('routes come back', repair_commands(port)))
    lines, anew = [], []
    if rng.random() < 0.6:  # or few routes would be by an object with that port
        number = rng.randrange(1, 7)
        state.nexthops[number] = False
        lines.append('nexthop replace id %d via %s dev r%d' % (number, world.gateway(port), port))
        for _ in range(2):
            prefix = prefix_of(rng, state)
            remember(state, prefix)
            lines.append('route replace %s nhid %d' % (prefix, number))
        if rng.random() < 0.7:  # under its id, without the routes
            other = rng.choice(world.PORTS)
            anew = ['nexthop replace id %d via %s dev r%d' % (number, world.gateway(other), other)]
    lines += ['link set r%d down' % port, 'link set r%d up' % port]
    return Operation('link down and up', lines + neighbour_commands(port) + anew, carrier={port: True}, lenient=True, silent=True)


def port_replaced(rng, state):
    """Another device with the name of the former one: a new ifindex."""
    port = rng.choice(world.PORTS)
    if not state.is_usable(port) or state.enslaved[port] or state.macvlan:
        return None
    state.mac[port], state.mtu[port] = world.router_mac(port), 1500
    return Operation('port replaced', ['link del r%d' % port], rebuild=[port], lenient=True)


def mtu(rng, state):
    port, size = rng.choice(world.PORTS), rng.choice((1000, 1280, 1400, 1492, 1600, 1500, 1500))
    state.mtu[port] = size
    return Operation('mtu', ['link set r%d mtu %d' % (port, size)])


def port_mac(rng, state):
    port = rng.choice(world.PORTS)
    state.mac[port] = rng.choice(('02:00:00:00:%02x:01' % port, '02:00:00:00:%02x:e1' % port))
    return Operation('mac', ['link set r%d address %s' % (port, state.mac[port])] +
                     neighbour_commands(port), lenient=True)


class MacvlanGoes(Operation):
    def __init__(self, state):
        super().__init__('macvlan goes', ['link del m1'])
        self.state = state

    def chosen(self):
        self.state.macvlan = False


def macvlan(rng, state):
    if state.macvlan:
        return None
    state.macvlan = True
    state.undo.append(MacvlanGoes(state))
    lines = ['link add link r1 name m1 address %s type macvlan mode %s' % (
        world.VIRTUAL_MAC, rng.choice(('bridge', 'private', 'vepa'))), 'link set m1 up']
    if rng.random() < 0.6:
        lines += ['address add %s/24 dev m1' % world.VIRTUAL_ADDRESS,
                  'neigh replace 198.18.50.2 lladdr %s dev m1 nud permanent' % (
                      world.gateway_mac(1, 3)),
                  'route replace 203.0.114.0/24 via 198.18.50.2 dev m1']
        state.touch('203.0.114.0/24')
    elif rng.random() < 0.5:
        lines += ['address add %s/32 dev m1' % world.VIRTUAL_ADDRESS]
    return Operation('macvlan', lines, calm=['m1'])


class PortFreed(Operation):
    def __init__(self, state, port):
        super().__init__('bridge goes', ['link set r%d nomaster' % port, 'link del br0'] +
                         repair_commands(port), lenient=True)
        self.state, self.port = state, port

    def chosen(self):
        self.state.enslaved[self.port] = False


def bridge(rng, state):
    if any(state.enslaved.values()):
        return None
    port = rng.choice(world.PORTS[1:])
    state.enslaved[port] = True
    state.undo.append(PortFreed(state, port))
    return Operation('bridge', ['link add br0 type bridge mcast_snooping 0', 'link set br0 up',
                                'link set r%d master br0' % port])


# ---- sysctls -------------------------------------------------------------------------------------
def sysctl_until(state, path, value, usual):
    state.undo.append(Operation('sysctl is usual again', sysctls={path: usual}))
    return Operation('sysctl', sysctls={path: value})


def sysctl(rng, state):
    where = rng.choice(('all', 'r1', 'r2', 'r3', 'r4'))
    port = rng.choice(world.PORTS)
    draw = rng.random()
    if draw < 0.30:
        return sysctl_until(state, 'ipv4/conf/%s/rp_filter' % where, rng.choice((1, 2)), 0)
    if draw < 0.38:
        return sysctl_until(state, 'ipv4/conf/r%d/forwarding' % port, 0, 1)
    if draw < 0.40:
        return sysctl_until(state, 'ipv4/ip_forward', 0, 1)
    if draw < 0.52:
        return Operation('sysctl', sysctls={
            'ipv4/conf/%s/send_redirects' % where: rng.choice((0, 1))})
    if draw < 0.66:
        return sysctl_until(state, 'ipv4/conf/%s/accept_local' % where, 1, 0)
    if draw < 0.78:
        return Operation('sysctl', sysctls={
            'ipv4/conf/%s/ignore_routes_with_linkdown' % where: rng.choice((0, 1))})
    if draw < 0.88:
        return Operation('sysctl', sysctls={'ipv4/fib_multipath_hash_policy': rng.choice((0, 1))})
    if draw < 0.96:
        return Operation('sysctl', sysctls={'ipv4/nexthop_compat_mode': rng.choice((0, 1))})
    return sysctl_until(state, 'ipv4/conf/r%d/route_localnet' % port, 1, 0)


# ---- what has to see packets besides routing ------------------------------------------------------
class GuardGoes(Operation):
    def __init__(self, state, what, *args, **more):
        super().__init__(what + ' goes', *args, **more)
        self.state, self.what = state, what

    def chosen(self):
        self.state.guards.remove(self.what)


def firewall(rng, state):
    if 'firewall' in state.guards:
        return None
    rule = rng.choice(('udp dport 33434 drop', 'ip daddr 203.0.113.0/24 drop', 'meta l4proto 6 drop'))
    chain = rng.choice(('forward', 'prerouting'))
    state.guards.append('firewall')
    state.undo.append(GuardGoes(state, 'firewall',
                                tool=(['nft', 'delete', 'table', 'ip', 'twin'], '')))
    return Operation('firewall', tool=(['nft', '-f', '-'], 'table ip twin { chain c { type filter '
                                       'hook %s priority 0; %s; }; }' % (chain, rule)))


def ipsec(rng, state):
    selector = 'dir fwd src 0.0.0.0/0 dst %s' % rng.choice(('203.0.113.0/24', '10.0.0.0/8'))
    state.guards.append('IPsec policy')
    state.undo.append(GuardGoes(state, 'IPsec policy', ['xfrm policy delete ' + selector]))
    return Operation('IPsec policy', ['xfrm policy add %s action block' % selector])


# ---- putting right -------------------------------------------------------------------------------
def repair(rng, state):
    """What an operator or a routing daemon would bring back."""
    del rng, state
    return Operation('repair', [line for line in base_commands() if ' type vxlan ' not in line and
                                'link set' not in line and 'address add' not in line], lenient=True)


def undo(rng, state):
    if not state.undo:
        return None
    operation = state.undo.pop(0 if rng.random() < 0.6 else rng.randrange(len(state.undo)))
    if hasattr(operation, 'chosen'):
        operation.chosen()
    return operation
