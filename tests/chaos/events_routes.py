"""What is done to routes, nexthop objects, rules, neighbours, the firewall and settings."""
import model
import world
from model import MAIN, OTHER, via


def leg_text(leg):
    return 'via %s dev r%d' % (world.gateway(*leg), leg[0])


def route_text(prefix, route, table=MAIN):
    where = '%s table %d' % (prefix, table)
    if route.kind == 'nexthop':
        return '%s nhid %d' % (where, route.number)
    if route.kind != 'via':
        return '%s %s' % (route.kind, where)
    if len(route.legs) == 1:
        return '%s %s' % (where, leg_text(route.legs[0]))
    return where + ''.join(' nexthop %s weight %d' % (leg_text(leg), 1 + leg[1] % 3)
                           for leg in route.legs)


def group_text(number, members):
    return 'nexthop replace id %d group %s' % (number, '/'.join('%d' % n for n in members))


def restore_commands(state):
    """All that a port may have lost, in an order in which each finds what it needs."""
    lines = []
    ports = [port for port in world.PORTS if state.up[port] and state.address[port]]
    for port in ports:
        lines.append('address replace %s/24 broadcast + dev r%d' % (world.router_address(port), port))
        lines += neighbour_lines(state, port)
        lines.append('route replace %s via %s dev r%d' % (
            world.senders_prefix(port), world.gateway(port), port))
    for number, leg in state.wanted_nexthops.items():
        lines.append('nexthop replace id %d %s' % (number, leg_text(leg)))
    lines += [group_text(number, members) for number, members in state.wanted_groups.items()]
    lines += ['route replace ' + route_text(prefix, route) for prefix, route in state.wanted.items()]
    return lines


def neighbour_lines(state, port):
    return ['neigh replace %s lladdr %s dev r%d nud permanent' % (
        world.gateway(port, host), mac, port)
        for (at, host), mac in state.macs.items() if at == port and host <= 11]


def random_leg(chaos, besides=()):
    rng, state = chaos.rng, chaos.state
    ports = [n for n in world.PORTS if state.up[n] and state.carrier[n] and state.address[n] and
             n not in besides] or [n for n in world.PORTS if n not in besides]
    return rng.choice(ports), rng.choice(world.GATEWAYS)


def random_route(chaos):
    draw, state = chaos.rng.random(), chaos.state
    objects = list(state.nexthops) + list(state.groups)
    if draw < 0.2 and objects:
        return model.Route('nexthop', (), chaos.rng.choice(objects))
    if draw < 0.35:
        first = random_leg(chaos)
        return via(first, random_leg(chaos, (first[0],)))
    if draw < 0.45:
        return model.Route(chaos.rng.choice(('blackhole', 'blackhole') + model.ERRORS), (), None)
    return via(random_leg(chaos))


def set_route(state, prefix, route):
    state.tables[MAIN][prefix] = state.wanted[prefix] = route


def drop_route(state, prefix):
    state.tables[MAIN].pop(prefix, None)
    state.wanted.pop(prefix, None)


# ---- routes --------------------------------------------------------------------------------------
def route_change(chaos):
    """One is set, or replaced."""
    prefix = chaos.rng.choice(model.NETWORKS)
    if chaos.rng.random() < 0.25:
        prefix = model.HALVES[prefix]
    route = random_route(chaos)
    chaos.change(lambda: set_route(chaos.state, prefix, route),
                 lambda: chaos.ip(['route replace ' + route_text(prefix, route)]))


def route_removal(chaos):
    there = [prefix for prefix in chaos.state.tables[MAIN] if prefix.startswith('10.20.')]
    if not there:
        return
    prefix = chaos.rng.choice(there)
    chaos.change(lambda: drop_route(chaos.state, prefix),
                 lambda: chaos.ip(['route del %s' % prefix]))


def route_default(chaos):
    route = via(random_leg(chaos))
    chaos.change(lambda: set_route(chaos.state, model.DEFAULT, route),
                 lambda: chaos.ip(['route replace ' + route_text(model.DEFAULT, route)]))


def background_lines(chaos, count):
    """Routes that no flow uses; some of these deletions find nothing."""
    lines = []
    for _ in range(count):
        prefix = '10.%d.%d.0/24' % (chaos.rng.randrange(128, 130), chaos.rng.randrange(256))
        if chaos.rng.random() < 0.3:
            lines.append('route del ' + prefix)
        else:
            lines.append('route replace %s %s metric %d' % (
                prefix, leg_text(random_leg(chaos)), chaos.rng.choice((10, 20))))
    return lines


def route_churn(chaos):
    """Hundreds at once, with some of the flows' among them."""
    changes = {chaos.rng.choice(model.NETWORKS): random_route(chaos) for _ in range(4)}
    lines = background_lines(chaos, 300)
    for prefix, route in changes.items():
        lines.insert(chaos.rng.randrange(len(lines)), 'route replace ' + route_text(prefix, route))

    def mutate():
        for prefix, route in changes.items():
            set_route(chaos.state, prefix, route)
    chaos.change(mutate, lambda: chaos.ip(lines, lenient=True))


# ---- nexthop objects -----------------------------------------------------------------------------
def nexthop_change(chaos):
    """An object is replaced, and with it all routes by it; the first time routes are put on it."""
    state, number = chaos.state, chaos.rng.randrange(1, 5)
    leg = random_leg(chaos)
    lines = ['nexthop replace id %d %s' % (number, leg_text(leg))]
    new = number not in state.nexthops
    prefix = chaos.rng.choice(model.NETWORKS)
    route = model.Route('nexthop', (), number)

    def mutate():
        state.nexthops[number] = state.wanted_nexthops[number] = leg
        if new:
            set_route(state, prefix, route)
    if new:
        lines.append('route replace ' + route_text(prefix, route))
    chaos.change(mutate, lambda: chaos.ip(lines))


def nexthop_group(chaos):
    state, number = chaos.state, chaos.rng.randrange(11, 13)
    singles = [n for n in state.nexthops if n in state.wanted_nexthops]
    if len(singles) < 2:
        return nexthop_change(chaos)
    members = tuple(sorted(chaos.rng.sample(singles, chaos.rng.choice((1, 2, 2)))))
    prefix = chaos.rng.choice(model.NETWORKS)
    route = model.Route('nexthop', (), number)

    def mutate():
        state.groups[number] = state.wanted_groups[number] = members
        set_route(state, prefix, route)
    return chaos.change(mutate, lambda: chaos.ip([group_text(number, members),
                                                  'route replace ' + route_text(prefix, route)]))


def nexthop_removal(chaos):
    """Its routes go in silence, and groups shrink."""
    state = chaos.state
    if not state.nexthops:
        return
    number = chaos.rng.choice(list(state.nexthops))

    def mutate():
        state.lose_nexthop(number)
        state.wanted_nexthops.pop(number, None)
        state.wanted_groups = dict(state.groups)
        for prefix in [p for p, r in state.wanted.items() if r.kind == 'nexthop' and
                       r.number not in state.wanted_nexthops and r.number not in state.wanted_groups]:
            del state.wanted[prefix]
    chaos.change(mutate, lambda: chaos.ip(['nexthop del id %d' % number]))


# ---- rules ---------------------------------------------------------------------------------------
def rule_change(chaos):
    """A rule that sends a network to another table or nowhere comes, or one goes."""
    state, rng = chaos.state, chaos.rng
    if state.rules and rng.random() < 0.5:
        preference = rng.choice(list(state.rules))
        return chaos.change(lambda: state.rules.pop(preference),
                            lambda: chaos.ip(['rule del pref %d' % preference]), hold=True)
    preference, prefix = rng.randrange(100, 200), rng.choice(model.NETWORKS)
    if preference in state.rules:
        return None
    table = 'blackhole' if rng.random() < 0.2 else OTHER
    lines, route = [], via(random_leg(chaos))
    if table == OTHER:
        chaos.change(lambda: state.tables[OTHER].update({prefix: route}),
                     lambda: chaos.ip(['route replace ' + route_text(prefix, route, OTHER)]))
    lines.append('rule add pref %d to %s %s' % (
        preference, prefix, 'blackhole' if table == 'blackhole' else 'lookup %d' % table))
    return chaos.change(lambda: state.rules.update({preference: (prefix, table)}),
                        lambda: chaos.ip(lines), hold=True)


# ---- neighbours ----------------------------------------------------------------------------------
def neighbour_change(chaos):
    """A gateway has another MAC address."""
    state = chaos.state
    port, host = chaos.rng.choice([n for n in world.PORTS if state.up[n] and state.address[n]]), \
        chaos.rng.choice(world.GATEWAYS + world.HOSTS[:2])
    mac = world.gateway_mac(port, chaos.rng.choice((host, 0x80 + host, 0x90 + host)))
    chaos.change(lambda: state.macs.update({(port, host): mac}), lambda: chaos.ip([
        'neigh replace %s lladdr %s dev r%d nud permanent' % (world.gateway(port, host), mac, port)]))


def neighbour_removal(chaos):
    """It is asked for by ARP when packets come, which may be lost meanwhile."""
    state = chaos.state
    port, host = chaos.rng.choice([n for n in world.PORTS if state.usable(n) and state.address[n]]), \
        chaos.rng.choice(world.GATEWAYS)
    address = world.gateway(port, host)

    def remove():
        chaos.ip(['neigh del %s dev r%d' % (address, port)], lenient=True)
        chaos.dwell(0.2)
        chaos.ip(['neigh replace %s lladdr %s dev r%d nud permanent' % (
            address, state.macs[port, host], port)])
    chaos.change(lambda: None, remove, cause='neighbour removed', ports=[port])


# ---- the firewall, settings ----------------------------------------------------------------------
def firewall(chaos):
    """A rule that drops comes, or goes: in the forward hook, at the ingress of a port, as an IPsec policy."""
    state, rng = chaos.state, chaos.rng
    if state.firewall:
        prefix, where = state.firewall
        return chaos.change(lambda: setattr(state, 'firewall', None), lambda: unguard(chaos, prefix, where))
    where = rng.choice(['forward', 'forward', 'ipsec'] + [n for n in world.PORTS if state.usable(n)])
    prefix = rng.choice(model.NETWORKS)
    return chaos.change(lambda: setattr(state, 'firewall', (prefix, where)),
                        lambda: guard(chaos, prefix, where))


def guard(chaos, prefix, where):
    chaos.note('  %s drops %s' % (where, prefix))
    if where == 'ipsec':
        chaos.ip(['xfrm policy add dir fwd src 0.0.0.0/0 dst %s action block' % prefix])
        return
    hook = 'ip chaos { chain c { type filter hook forward' if where == 'forward' else \
        'netdev chaos { chain c { type filter hook ingress device r%d' % where
    chaos.lab.firewall('table %s priority 0; ip daddr %s drop; }; }' % (hook, prefix))


def unguard(chaos, prefix, where):
    if where == 'ipsec':
        chaos.ip(['xfrm policy delete dir fwd src 0.0.0.0/0 dst %s' % prefix])
        return
    chaos.lab.firewall('delete table %s chaos' % ('ip' if where == 'forward' else 'netdev'))


def setting(chaos):
    """Forwarding of a port off and on; the reverse path filter."""
    state, rng = chaos.state, chaos.rng
    off = [n for n in world.PORTS if not state.forwarding[n]]
    if off or rng.random() < 0.4:
        port = off[0] if off else rng.choice(world.PORTS)
        return chaos.change(
            lambda: state.forwarding.update({port: bool(off)}),
            lambda: chaos.sysctl('ipv4/conf/r%d/forwarding' % port, int(bool(off))))
    value = rng.choice([n for n in (0, 1, 2) if n != state.rp_filter])
    return chaos.change(lambda: setattr(state, 'rp_filter', value),
                        lambda: chaos.sysctl('ipv4/conf/all/rp_filter', value))


def compatibility(chaos):
    """Whether routes are announced when their nexthop object is replaced, and how flows are spread."""
    chaos.change(lambda: None, lambda: chaos.sysctl('ipv4/nexthop_compat_mode', chaos.rng.randrange(2)))
    chaos.change(lambda: None, lambda: chaos.sysctl('ipv4/fib_multipath_hash_policy',
                                                    chaos.rng.randrange(2)))
