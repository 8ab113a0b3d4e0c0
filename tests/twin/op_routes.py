"""Random operations on routes, nexthop objects and policy rules."""
import world
from state import Operation

TABLES = (100, 101, 102)
METRICS = ('', '', '', ' metric 10', ' metric 20', ' metric 30')
RULE_PREFS = (100, 200, 300, 400, 40000)


def prefix_of(rng, state):
    prefix = rng.choice(state.recent) if rng.random() < 0.4 else rng.choice(world.UNIVERSE)
    # everybody's fallback, and where half of a port's senders are: seldom
    if prefix in ('0.0.0.0/0', world.HALF_OF_SENDERS) and rng.random() < 0.7:
        prefix = rng.choice(world.UNIVERSE[5:])
    state.touch(prefix)
    return prefix


def leg_of(rng, spread=False):
    """The next hop part of a route."""
    port, host = rng.choice(world.PORTS), rng.choice(world.GATEWAYS)
    draw = rng.random()
    if draw < 0.10:
        return 'via inet6 fe80::2 dev r%d' % port
    if draw < 0.13 and not spread:
        return 'dev r%d' % port
    if draw < 0.15 and not spread:
        return 'via %s dev %s' % (world.ENCAPSULATING_GATEWAY, world.ENCAPSULATING)
    if draw < 0.18:
        return 'via %s dev r%d onlink' % (world.gateway(rng.choice(world.PORTS), host), port)
    if draw < 0.19:  # refused, or not reached any more
        return 'via 198.18.77.7 dev r%d' % port
    return 'via %s dev r%d' % (world.gateway(port, host), port)


def metrics_of(rng):
    draw = rng.random()
    if draw < 0.07:
        return ' mtu %d' % rng.choice((576, 1000, 1280, 1400, 1600))
    if draw < 0.10:
        return ' mtu lock %d' % rng.choice((576, 1280))
    if draw < 0.12:
        return ' advmss 1200'
    return ''


def remember(state, key):
    state.routes[key] = True
    state.routes.move_to_end(key)
    while len(state.routes) > 60:
        state.routes.popitem(last=False)


def unicast_line(rng, state, verb=None):
    verb = verb or rng.choice(('add', 'replace', 'replace', 'replace'))
    prefix, metric = prefix_of(rng, state), rng.choice(METRICS)
    key = prefix + metric
    if rng.random() < 0.03:
        key += ' tos 0x%02x' % rng.choice((0x04, 0x08, 0x10))
        tos = key[len(prefix) + len(metric):]
        # a route with a tos decides for its whole prefix: seldom, and taken away again
        state.undo.append(Operation('the route with a tos goes', ['route del ' + key]))
        remember(state, key)
        return 'route %s %s%s%s %s' % (verb, prefix, tos, metric, leg_of(rng))
    remember(state, key)
    if rng.random() < 0.22:
        legs = ' '.join('nexthop %s weight %d' % (leg_of(rng, True), rng.choice((1, 1, 1, 2, 5)))
                        for _ in range(rng.choice((2, 2, 3, 4))))
        return 'route %s %s%s%s %s' % (verb, prefix, metric, metrics_of(rng), legs)
    return 'route %s %s %s%s%s' % (verb, prefix, leg_of(rng), metric, metrics_of(rng))


def route_set(rng, state):
    return Operation('route', [unicast_line(rng, state)])


def route_more(rng, state):
    verb = rng.choice(('append', 'append', 'prepend', 'change'))
    return Operation('route ' + verb, [unicast_line(rng, state, verb)])


def route_type(rng, state):
    kind = rng.choice(('blackhole', 'unreachable', 'prohibit', 'throw', 'blackhole'))
    prefix, metric = prefix_of(rng, state), rng.choice(METRICS)
    remember(state, prefix + metric)
    return Operation('route ' + kind, ['route replace %s %s%s' % (kind, prefix, metric)])


def route_own(rng, state):
    """Local and broadcast routes by hand: seldom, as they change what counts as our own address."""
    prefix = rng.choice([p for p in world.UNIVERSE if int(p.split('/')[1]) >= 24])
    kind = rng.choice(('local', 'local', 'broadcast'))
    state.touch(prefix)
    line = '%s %s dev r%d' % (kind, prefix, rng.choice(world.PORTS))
    if rng.random() < 0.5:
        line += ' table main'
    state.undo.append(Operation('the %s route goes' % kind, ['route del ' + line]))
    return Operation('route ' + kind, ['route add ' + line])


def route_del(rng, state):
    if not state.routes or rng.random() < 0.1:
        return Operation('route del', ['route del ' + prefix_of(rng, state)])
    key = rng.choice(list(state.routes))
    state.routes.pop(key)
    state.touch(key.split()[0])
    return Operation('route del', ['route del ' + key])


def route_in_table(rng, state):
    table = rng.choice(TABLES)
    prefix = prefix_of(rng, state)
    if rng.random() < 0.3:
        line = 'route replace %s %s table %d' % (
            rng.choice(('blackhole', 'throw', 'unreachable')), prefix, table)
    elif rng.random() < 0.25:
        line = 'route flush table %d' % table
    else:
        line = 'route replace %s %s table %d%s' % (prefix, leg_of(rng), table, rng.choice(METRICS))
    return Operation('route in a table', [line])


def churn(rng, state):
    lines = []
    for _ in range(20):
        make = rng.choices((route_set, route_del, route_more, route_type), (8, 5, 2, 1))[0]
        lines += make(rng, state).router
    return Operation('churn', lines)


# ---- nexthop objects -----------------------------------------------------------------------------
def nexthop_set(rng, state):
    number = rng.randrange(1, 7)
    state.nexthops[number] = False
    if rng.random() < 0.08:
        return Operation('nexthop blackhole', ['nexthop replace id %d blackhole' % number])
    port = rng.choice(world.PORTS)
    leg = 'via %s dev r%d' % (world.gateway(port, rng.choice(world.GATEWAYS)), port)
    if rng.random() < 0.1:
        leg = 'via fe80::2 dev r%d' % port
    elif rng.random() < 0.05:
        leg = 'dev r%d' % port
    return Operation('nexthop', ['nexthop replace id %d %s' % (number, leg)])


def nexthop_group(rng, state):
    singles = [number for number, group in state.nexthops.items() if not group]
    if not singles:
        return nexthop_set(rng, state)
    number = rng.randrange(11, 14)
    members = rng.sample(singles, min(len(singles), rng.choice((1, 2, 2, 3))))
    text = '/'.join('%d,%d' % (member, rng.choice((1, 1, 3))) for member in members)
    kind = ' type resilient buckets 8' if number == 13 else ''
    state.nexthops[number] = True
    return Operation('nexthop group', ['nexthop replace id %d group %s%s' % (number, text, kind)])


def nexthop_del(rng, state):
    if not state.nexthops:
        return nexthop_set(rng, state)
    number = rng.choice(list(state.nexthops))
    state.nexthops.pop(number)
    return Operation('nexthop del', ['nexthop del id %d' % number], silent=True)


def route_by_nexthop(rng, state):
    if not state.nexthops:
        return nexthop_set(rng, state)
    lines = []
    for _ in range(rng.choice((1, 1, 3))):
        prefix, metric = prefix_of(rng, state), rng.choice(METRICS)
        remember(state, prefix + metric)
        lines.append('route replace %s%s nhid %d' % (
            prefix, metric, rng.choice(list(state.nexthops))))
    return Operation('route by nexthop', lines)


# ---- rules ---------------------------------------------------------------------------------------
def rule_selector(rng, state):
    draw, prefix = rng.random(), prefix_of(rng, state)
    port = rng.choice(world.PORTS)
    if draw < 0.30:
        return 'to ' + prefix
    if draw < 0.45:
        return 'iif r%d' % port
    if draw < 0.60:
        return 'from ' + world.senders_prefix(port)
    if draw < 0.68:
        return 'not to ' + prefix
    if draw < 0.74:
        return 'tos 0x%02x' % rng.choice((0x04, 0x08, 0x10))
    if draw < 0.80:
        return 'fwmark 0x%x' % rng.choice((0, 1))
    if draw < 0.88:
        return 'ipproto %s dport %s' % (rng.choice(('udp', 'tcp')), rng.choice(('33434', '1-40000')))
    if draw < 0.94:
        return 'from %s iif r%d to %s' % (world.senders_prefix(port), port, prefix)
    return 'oif r%d' % port


def rule(rng, state):
    action = 'lookup %d' % rng.choice(TABLES)
    draw = rng.random()
    if draw < 0.15:
        action = rng.choice(('blackhole', 'unreachable', 'prohibit'))
    elif draw < 0.20:
        action = 'lookup main suppress_prefixlength %d' % rng.choice((0, 24))
    elif draw < 0.25:
        action = 'goto 32766'
    selector = rule_selector(rng, state)
    line = 'pref %d %s %s' % (rng.choice(RULE_PREFS), selector, action)
    if selector.startswith('not '):
        line = 'not pref %s %s %s' % (line.split()[1], selector[4:], action)
    state.undo.append(Operation('the rule goes', ['rule del ' + line]))
    # its table is not always empty
    lines = []
    if 'lookup 1' in action:
        lines = ['route replace %s %s table %s' % (prefix_of(rng, state), leg_of(rng),
                                                   action.split()[1]) for _ in range(2)]
    return Operation('rule', lines + ['rule add ' + line])
