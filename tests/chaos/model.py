"""What the kernel, and the daemon beside it, should do with each flow: worked out from what was configured.

Small on purpose, and without a look at either: the kernel's own answers are compared with it at quiet points.
"""
import collections
import functools

import world
from timeline import Outcome, dropped, union

MAIN, OTHER = 254, 100
NETWORKS = tuple('10.20.%d.0/24' % n for n in range(1, 15))
HALVES = {prefix: prefix.replace('.0/24', '.128/25') for prefix in NETWORKS}
DEFAULT = '0.0.0.0/0'
ERRORS = ('unreachable', 'prohibit')

# kind: via (legs), connected (the port in legs), nexthop (number), blackhole, unreachable, prohibit
Route = collections.namedtuple('Route', 'kind legs number')
# action: drop, pass, via (legs), redirect (the port in legs), cpu
UserRoute = collections.namedtuple('UserRoute', 'action legs override text')


def via(*legs):
    """A leg is (port, host part of the gateway's address)."""
    return Route('via', legs, None)


def length_of(prefix):
    return int(prefix.split('/')[1])


@functools.lru_cache(4096)
def contains(prefix, address):
    first, last = world.split_prefix(prefix)
    return first <= world.number_of(address) <= last


class State:
    """The router as it is configured. What events change, and what they put right again (`wanted`)."""

    def __init__(self):
        self.tables = {MAIN: {}, OTHER: {}}
        self.wanted = {DEFAULT: via((2, 2))}  # of the table main, without what belongs to ports
        self.nexthops, self.groups = {}, {}
        self.wanted_nexthops, self.wanted_groups = {}, {}
        self.rules = {}  # preference: (prefix, table or 'blackhole')
        self.macs = {(port, host): world.gateway_mac(port, host)
                     for port in world.PORTS for host in world.GATEWAYS + world.HOSTS}
        self.up = dict.fromkeys(world.PORTS, True)
        self.carrier = dict.fromkeys(world.PORTS, True)
        self.address = dict.fromkeys(world.PORTS, True)
        self.mtu = dict.fromkeys(world.PORTS, 1500)
        self.forwarding = dict.fromkeys(world.PORTS, True)
        self.rp_filter = 0
        self.firewall = None     # (prefix that it drops, where: 'forward', 'ipsec', or the port)
        self.kernel_routes = True  # does the daemon follow them?
        self.user, self.files = {}, {}
        self.in_force = True     # does the daemon decide? Else the kernel alone
        self.bare = set()        # ports without the program
        self.hook = 'xdp'
        self.full = False        # tables of the daemon are so small that not everything has room

    # ---- ports ---------------------------------------------------------------------------------
    def usable(self, port):
        return self.up[port] and self.carrier[port]

    def lose(self, port, objects):
        """The port went down or lost its address, or, with only its nexthop objects concerned, its carrier."""
        if objects:
            for number in [n for n, leg in self.nexthops.items() if leg[0] == port]:
                self.lose_nexthop(number)
        if not (self.up[port] and self.address[port]):
            for table in self.tables.values():
                for prefix in [p for p, route in table.items() if route.legs and not self.legs(route)]:
                    del table[prefix]

    def lose_device(self, port):
        """With a device go all routes that have a leg there, their other legs included."""
        for table in self.tables.values():
            for prefix in [p for p, route in table.items() if port in [leg[0] for leg in route.legs]]:
                del table[prefix]

    def lose_nexthop(self, number):
        self.nexthops.pop(number)
        for group, members in list(self.groups.items()):
            members = tuple(member for member in members if member != number)
            if members:
                self.groups[group] = members
            else:
                del self.groups[group]
        for table in self.tables.values():
            for prefix in [p for p, route in table.items() if route.kind == 'nexthop' and
                           route.number not in self.nexthops and route.number not in self.groups]:
                del table[prefix]

    def restore(self):
        """What an operator or a routing daemon brings back after a port was away, step by step."""
        self.nexthops, self.groups = dict(self.wanted_nexthops), dict(self.wanted_groups)
        for port in world.PORTS:
            if self.up[port] and self.address[port]:
                self.tables[MAIN][world.senders_prefix(port)] = via((port, 2))
                self.tables[MAIN]['198.18.%d.0/24' % port] = Route('connected', ((port, None),), None)
        yield
        for prefix, route in self.wanted.items():
            if self.tables[MAIN].get(prefix) != route:
                self.tables[MAIN][prefix] = route
                yield

    # ---- the kernel's look-up --------------------------------------------------------------------
    def legs(self, route):
        """Those that the kernel chooses from."""
        legs = route.legs
        if route.kind == 'nexthop':
            numbers = self.groups.get(route.number, (route.number,))
            return [self.nexthops[number] for number in numbers if number in self.nexthops]
        return [leg for leg in legs if self.up[leg[0]] and self.address[leg[0]]]

    def find(self, table, address):
        """(prefix, route) of the longest prefix that contains the address, or None."""
        found = [(prefix, route) for prefix, route in self.tables[table].items()
                 if contains(prefix, address)]
        return max(found, key=lambda each: length_of(each[0]), default=None)

    def route_of(self, address):
        """(prefix, route) by the policy rules; a rule that drops is a blackhole route."""
        for preference in sorted(self.rules):
            prefix, table = self.rules[preference]
            if contains(prefix, address):
                if table == 'blackhole':
                    return prefix, Route('blackhole', (), None)
                found = self.find(table, address)
                if found:
                    return found
        return self.find(MAIN, address)

    def send(self, legs, flow):
        """By any of these legs."""
        outcomes = []
        for port, host in legs:
            if not self.usable(port):
                outcomes.append(dropped('egress without carrier'))
            elif flow.size > self.mtu[port]:
                outcomes.append(dropped('longer than the MTU'))
            else:
                host = int(flow.dst.split('.')[3]) if host is None else host
                outcomes.append(Outcome(frozenset([(port, self.macs[port, host], False)]), None))
        return union(outcomes) if outcomes else dropped('no route')

    def kernel(self, flow):
        """What the kernel does with packets that come to it."""
        if not self.forwarding[flow.port]:
            return dropped('forwarding off')
        if self.firewall and contains(self.firewall[0], flow.dst) and \
                self.firewall[1] in ('forward', 'ipsec', flow.port):
            return dropped('firewall')
        if self.rp_filter:
            source = self.route_of(flow.src)
            if not source or flow.port not in [port for port, _ in self.legs(source[1])] and (
                    self.rp_filter == 1 or not self.address[flow.port]):
                return dropped('reverse path filter')
        found = self.route_of(flow.dst)
        if not found:
            return dropped('no route')
        route = found[1]
        if route.kind in ERRORS or route.kind == 'blackhole':
            return dropped(route.kind)
        return self.send(self.legs(route), flow)

    # ---- user routes -----------------------------------------------------------------------------
    def user_route_of(self, flow):
        """The user route that decides, or None. Beside a firewall only drops are in force."""
        if not self.in_force or flow.port in self.bare:
            return None
        found = [(prefix, route) for prefix, route in self.user.items() if contains(prefix, flow.dst)]
        if not found:
            return None
        prefix, route = max(found, key=lambda each: length_of(each[0]))
        longest = self.find(MAIN, flow.dst) if self.kernel_routes else None
        if longest and length_of(longest[0]) > length_of(prefix) and \
                not any(other.override for _, other in found):
            return None
        return None if self.firewall and route.action != 'drop' else route

    def source_in_doubt(self, flow):
        """The kernel takes the way back over a port without carrier; where it is asked about (by the reverse path
        filter, or because there are rules) the daemon leaves the packet to it."""
        source = self.route_of(flow.src) if self.rp_filter or self.rules else None
        return source and any(not self.usable(port) for port, _ in self.legs(source[1]))

    def user_legs(self, route):
        return [(port, host) for port, host in route.legs if self.usable(port)]

    def outcome(self, flow):
        if not self.usable(flow.port):
            return dropped('ingress down')
        kernel = self.kernel(flow)
        route = self.user_route_of(flow)
        if not route or route.action in ('pass', 'cpu') or kernel.lost in (
                'forwarding off', 'reverse path filter'):
            return kernel
        if route.action == 'drop':
            return union((dropped('user route'), kernel)) if self.full else dropped('user route')
        legs = self.user_legs(route)
        if self.rp_filter and not self.kernel_routes:  # no route leads to the sender
            return kernel
        fit = [leg for leg in legs if flow.size <= self.mtu[leg[0]]]
        if not fit:
            return kernel
        if route.action == 'redirect':
            outcome = Outcome(frozenset([(fit[0][0], world.router_mac(flow.port), True)]), None)
        else:
            outcome = self.send(fit, flow)
        # by a leg that is down or too small the kernel decides; what goes back by its ingress may be the kernel's
        doubtful = self.full or len(fit) < len(route.legs) or flow.port in [port for port, _ in legs] or \
            self.source_in_doubt(flow)
        return union((outcome, kernel)) if doubtful else outcome

    def bypassed(self, flow):
        """Without the daemon."""
        return self.kernel(flow) if self.usable(flow.port) else dropped('ingress down')

    # ---- what the daemon counts -------------------------------------------------------------------
    def verdicts(self, flow):
        """The verdicts of which one is right for a packet of the flow, at a quiet point."""
        if flow.port in self.bare:
            return set()
        if self.firewall:
            reason = 'xfrm' if self.firewall[1] == 'ipsec' else 'netfilter'
            return {'dropped', reason} if self.user_route_of(flow) else {reason}
        if not self.forwarding[flow.port]:
            return {'forwarding_off'}
        right = {'table_full', 'martian'} if self.full else set()  # may it be one of our own addresses?
        if self.full and self.rp_filter:
            right |= {'rp_filter'}
        if self.rp_filter and self.kernel(flow).lost == 'reverse path filter':
            right = right | {'rp_filter'}  # asked last
        if self.rp_filter and not self.kernel_routes:
            return right | {'rp_filter', 'no_route', 'dropped', 'user_pass', 'cpu'}
        route = self.user_route_of(flow)
        if route and not self.full:
            return right | self.user_verdicts(route, flow)
        if route:
            right |= self.user_verdicts(route, flow)
        if not self.kernel_routes:
            return right | {'no_route'}
        return right | self.kernel_verdicts(flow)

    def user_verdicts(self, route, flow):
        if route.action in ('drop', 'pass'):
            return {'dropped' if route.action == 'drop' else 'user_pass'}
        if route.action == 'cpu':
            return {'user_pass' if self.hook == 'tc' else 'cpu'}
        legs = self.user_legs(route)
        return self.leg_verdicts(legs, flow) | ({'egress_down'} if len(legs) < len(route.legs) else set())

    def leg_verdicts(self, legs, flow):
        right = set()
        for port, _ in legs:
            if not self.usable(port):
                right.add('egress_down')
            elif flow.size > self.mtu[port]:
                right.add('mtu')
            else:
                right.add('forwarded')
                if port == flow.port:
                    right.add('hairpin')
        return right

    def kernel_verdicts(self, flow):
        found = self.route_of(flow.dst)
        if not found:
            return {'no_route'}
        route = found[1]
        if route.kind in ERRORS:
            return {route.kind}
        if route.kind == 'blackhole':
            # one that a rule says is left to the kernel
            return {'dropped', 'policy_rule'}
        return self.leg_verdicts(self.legs(route), flow)
