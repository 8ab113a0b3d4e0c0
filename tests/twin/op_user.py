"""Random operations on user routes, some of them beside equal routes of the kernel."""
import world
from op_routes import leg_of, prefix_of, remember
from state import Operation
from user import pair_of, text_of

MANY = 10  # more than so many are taken away rather
UNREACHED = '198.18.77.8'  # only by `lladdr`


class UserOperation(Operation):
    """Changes of user routes. `commands` are of ebpf-route, in turn; changes[i] says what the i-th comes to where it is
    accepted: {prefix: words, or None}. surely: it has to be."""

    def __init__(self, text, commands, changes, surely=True, stdin=None, **more):
        super().__init__(text, **more)
        self.commands, self.changes, self.surely, self.stdin = commands, changes, surely, stdin

    def __str__(self):
        lines = ['  ebpf-route ' + ' '.join(words) for words in self.commands]
        lines += ['    | ' + line for line in (self.stdin or '').splitlines()]
        return '\n'.join([super().__str__()] + lines)


def user_prefix(rng, state):
    """The shortest ones decide on almost everything: seldom."""
    prefix = prefix_of(rng, state)
    while prefix.endswith(('/0', '/1')) and rng.random() < 0.8:
        prefix = prefix_of(rng, state)
    return prefix


def leg(rng, state, several=False):
    """(words, whether it is accepted whatever addresses there are)."""
    port, host, draw = rng.choice(world.PORTS), rng.choice(world.GATEWAYS), rng.random()
    if draw < 0.08:
        return 'via %s dev r%d lladdr %s' % (UNREACHED, port, world.gateway_mac(port, 0x66)), True
    # XDP alone cannot send by it: refused; of several, what it wraps may find no way where others would
    if draw < 0.14 and state.has_tc and not several:
        return 'via %s dev %s' % (world.ENCAPSULATING_GATEWAY, world.ENCAPSULATING), True
    if draw < 0.24 and not several:
        return 'dev r%d' % port, True
    if draw < 0.34:
        return 'via ' + world.gateway(port, host), False
    if draw < 0.44:  # a host that may have to be resolved first
        return 'via %s dev r%d' % (world.gateway(port, rng.choice(world.HOSTS)), port), False
    if draw < 0.60:  # which may be nobody there; of several, a flow would be lost that the kernel sends elsewhere
        net = port if several else rng.choice(world.PORTS)
        return 'via %s dev r%d onlink' % (world.gateway(net, host), port), True
    return 'via %s dev r%d' % (world.gateway(port, host), port), False


def action(rng, state):
    draw = rng.random()
    if draw < 0.16:
        return 'drop', True
    if draw < 0.20:
        return 'pass', True
    if draw < 0.36:
        legs = [leg(rng, state, True) for _ in range(rng.choice((2, 2, 3)))]
        return ' '.join('nexthop %s weight %d' % (words, rng.choice((1, 1, 2, 5)))
                        for words, _ in legs), all(surely for _, surely in legs)
    return leg(rng, state)


def line_of(rng, state):
    """(prefix, words, surely)"""
    words, surely = action(rng, state)
    override = ' override' if rng.random() < 0.25 else ''
    return user_prefix(rng, state), words + override, surely


def user_set(rng, state):
    if len(state.user) > MANY:
        return user_del(rng, state)
    prefix, words, surely = line_of(rng, state)
    pair = pair_of(prefix)
    verb = rng.choice(('add', 'replace'))
    if pair[1] < 2:
        state.undo.append(UserGoes(prefix))
    return UserOperation('user route', [[verb, prefix, *words.split()]], [{pair: words}],
                         surely and (verb == 'replace' or pair not in state.user))


def kernel_leg(rng, state, spread=False):
    """As a route of the kernel may have it, and a user route too."""
    while True:
        words = leg_of(rng, spread)
        if 'inet6' not in words and '198.18.77.7' not in words and (
                state.has_tc or world.ENCAPSULATING not in words):
            return words


def user_beside(rng, state):
    """The same as a route of the kernel's that all of them get, there or on a part of it."""
    if len(state.user) > MANY:
        return user_del(rng, state)
    prefix = user_prefix(rng, state)
    inside = [other for other in world.UNIVERSE if world.split_prefix(prefix)[0] <=
              world.split_prefix(other)[0] and world.split_prefix(other)[1] <=
              world.split_prefix(prefix)[1]]
    part = rng.choice(inside) if rng.random() < 0.5 else prefix
    state.touch(part)
    remember(state, prefix)
    if rng.random() < 0.2:
        return UserOperation('user route beside a blackhole', [['replace', part, 'drop']],
                             [{pair_of(part): 'drop'}],
                             router=['route replace blackhole ' + prefix])
    words = kernel_leg(rng, state)
    if words.startswith('via') and world.ENCAPSULATING not in words and rng.random() < 0.3:
        words = 'nexthop %s weight 1 nexthop %s weight 2' % (words, kernel_leg(rng, state, True))
    return UserOperation('user route beside an equal one', [['replace', part, *words.split()]],
                         [{pair_of(part): words}], False,
                         router=['route replace %s %s' % (prefix, words)])


def user_del(rng, state):
    if not state.user:
        return None
    pair = rng.choice(list(state.user))
    words = state.user[pair].replace(' override', '').split() if rng.random() < 0.3 else []
    return UserOperation('user del', [['del', text_of(pair), *words]], [{pair: None}], False
                         if words else True)


class UserGoes(UserOperation):
    """Undoes one that may have gone meanwhile."""

    def __init__(self, prefix):
        super().__init__('user route goes', [['del', prefix]], [{pair_of(prefix): None}], False)


def user_batch(rng, state):
    """All of it or nothing."""
    known, lines, changes, surely = dict(state.user), [], {}, True
    for _ in range(rng.choice((2, 4, 6))):
        if known and (rng.random() < 0.3 or len(known) > MANY):
            pair = rng.choice(list(known))
            lines.append('del ' + text_of(pair))
            known[pair] = None
        else:
            prefix, words, sure = line_of(rng, state)
            pair = pair_of(prefix)
            if pair[1] < 2:
                continue
            surely &= sure
            lines.append('replace %s %s' % (prefix, words))
            known[pair] = words
        changes[pair] = known[pair]
        known = {pair: words for pair, words in known.items() if words}
    if rng.random() < 0.2:
        lines.insert(rng.randrange(len(lines) + 1), rng.choice((
            'add 203.0.113.1/24 drop', 'del 10.77.0.0/16', 'add 10.77.0.0/16 dev r9')))
        changes, surely = {}, None  # surely not
    return UserOperation('user batch', [['-b', '-']], [changes], surely,
                         stdin=''.join(line + '\n' for line in lines))


def user_flush(rng, state):
    draw = rng.random()
    if draw < 0.3:
        prefix = pair_of(prefix_of(rng, state))
        gone = [pair for pair in state.user if pair[1] >= prefix[1] and
                (pair[0] ^ prefix[0]) >> 32 - prefix[1] == 0]
        words = [text_of(prefix), 'longer']
    elif draw < 0.8:
        ifname = 'r%d' % rng.choice(world.PORTS)
        if any('via' in text and text.count('via') > text.count('dev') for text in state.user.values()):
            return None  # leads by whatever device has that net now
        gone = [pair for pair, text in state.user.items() if 'dev ' + ifname in text]
        words = ['dev', ifname]
    elif draw < 0.9:
        gone = [pair for pair, text in state.user.items() if text.startswith('drop')]
        words = ['action', 'drop']
    else:
        gone, words = list(state.user), ['all']
    return UserOperation('user flush', [['flush', *words]], [dict.fromkeys(gone)])
