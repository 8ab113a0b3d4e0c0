"""User routes in the twin: what the daemons were told, and the same in the kernel's own words.

The kernel's router has them in a table of their own, which the first rule looks up: what decides there is
decided before every other rule. Where a longer route of the kernel is to decide, the table says `throw`,
and the look-up goes on. So the kernel says of each packet what a user route should do with it, as of any
other route.

What the fast path leaves to the kernel meets a kernel of which it depends on the seed what it knows of these
routes: everything (all kernels have that table, `beside`), or nothing (`alone`). For the latter a second
router of the kernel alone, without that table, is the judge.
"""
import json
import os
import re
import subprocess

import world

TABLE, RULE = 77, 'pref 1 lookup 77'
# those whose packets the fast path decides itself
DECIDED = ('forwarded', 'dropped', 'user_pass')


def is_covered(prefix, others):
    """By one of the others, or itself one of them."""
    address, length = prefix
    return any((address >> 32 - n << 32 - n, n) in others for n in range(length + 1))


def pair_of(prefix):
    """(address, length) as numbers; of what `ip` prints, too."""
    address, _, length = '0.0.0.0/0'.partition('/') if prefix == 'default' else \
        prefix.partition('/')
    return world.number_of(address), int(length or 32)


def text_of(pair):
    return '%s/%d' % (world.address_of(pair[0]), pair[1])


def is_whole(row):
    """Has it lost none of its next hops? A user route does not lose them with an address."""
    return not any({'dead', 'linkdown'} & set(leg['flags']) for leg in row.get('nexthops', [row]))


class UserRoutes:
    """What is in force: {prefix: its words}, prefixes as (address, length)."""

    def __init__(self, state, mode):
        self.state, self.routes, self.mode = state, state.user, mode
        state.user_decides = self.decider
        self.counted = {}    # router -> {prefix: packets} before a batch
        self.kernel = set()  # prefixes of the kernel's own routes that are longer than some of ours
        self.installed = {}  # router -> {prefix: the kernel's words}

    # ---- which route decides ---------------------------------------------------------------------
    def overrides(self):
        return {pair for pair, words in self.routes.items() if 'override' in words}

    def decider(self, packet):
        """The user route that decides on this packet, by the table main of the kernel; or None."""
        address = int.from_bytes(packet.addresses[4:], 'big')
        for length in range(32, -1, -1):
            pair = address >> 32 - length << 32 - length, length
            if pair in self.routes:
                return pair
            if pair in self.kernel:
                return None
        return None

    def is_to_drop(self, packet):
        """A plain one that meets a `drop`, and comes in where there is forwarding."""
        return packet.kind == 'plain' and self.state.forwards(packet.port) and \
            self.routes[self.decider(packet)].startswith('drop')

    # ---- the same for the kernel -----------------------------------------------------------------
    def learn(self, router):
        """The kernel's own routes that are still followed below ours."""
        hidden = self.overrides()
        found = {pair_of(row['dst']) for table in ('main', 'default')
                 for row in router.query.json('route show table ' + table)}
        self.kernel = {pair for pair in found if pair not in self.routes and
                       is_covered(pair, self.routes) and not is_covered(pair, hidden)}

    def wanted(self):
        lines = {pair: 'throw ' + text_of(pair) for pair in self.kernel}
        for pair, words in self.routes.items():
            line = self.line_of(pair, words)
            if line:
                lines[pair] = line
        return lines

    def line_of(self, pair, words):
        """In the kernel's words; None while no device of it can send."""
        prefix, text = text_of(pair), words.replace(' override', '')
        if text == 'drop':
            return 'blackhole ' + prefix
        if text == 'pass':
            return 'unreachable ' + prefix  # not to be forwarded by the fast path
        legs = [leg for leg in self.legs_of(text) if self.can_send(leg[1])]
        if not legs:
            return None
        ways = [('via %s dev %s onlink' % leg[:2] if leg[0] else 'dev %s scope link' % leg[1])
                for leg in legs]
        if len(ways) == 1:
            return '%s %s' % (prefix, ways[0])
        return prefix + ''.join(' nexthop %s weight %s' % (way, leg[2])
                                for way, leg in zip(ways, legs))

    @staticmethod
    def legs_of(text):
        """(gateway or '', device, weight) of each."""
        legs = []
        for part in re.split(r'nexthop ', text):
            if part:
                word = dict(re.findall(r'(via|dev|weight) (\S+)', part))
                legs.append((word.get('via', ''), word.get('dev') or 'r' + word['via'].split('.')[2],
                             word.get('weight', '1')))
        return legs

    def can_send(self, ifname):
        return ifname == world.ENCAPSULATING or self.state.is_usable(int(ifname[1:]))

    def sync(self, router):
        """Brings the kernel of that router up to what is in force: routes may have gone with a link."""
        if not self.is_known(router):
            return
        namespace = router.router
        self.learn(namespace)
        wanted, before = self.wanted(), self.installed.get(router.name, {})
        there = {pair_of(row['dst']): is_whole(row)
                 for row in namespace.query.json('route show table %d' % TABLE)}
        stay = {pair for pair, whole in there.items()
                if whole and pair in wanted and wanted[pair] == before.get(pair)}
        lines = ['route del table %d %s' % (TABLE, before.get(pair) or text_of(pair))
                 for pair in there if pair not in stay]
        lines += ['route add table %d %s' % (TABLE, line) for pair, line in wanted.items()
                  if pair not in stay]
        wrong = namespace.ip.ask(self.neighbours() + lines)
        if wrong:
            raise RuntimeError('%s: %s: %s' % (router.name, lines, wrong))
        self.installed[router.name] = wanted

    def prepare(self, router):
        """The first rule. Where one ever was, the kernel looks closer at sources: so all have had one."""
        lines = ['rule add ' + RULE, 'route add table %d throw 192.0.2.255/32' % TABLE]
        if not self.is_known(router):
            lines += ['rule del ' + RULE, 'route flush table %d' % TABLE]
        wrong = router.router.ip.ask(lines)
        if wrong:
            raise RuntimeError('%s: %s' % (router.name, wrong))

    def is_known(self, router):
        """Does the kernel of that router know of our routes?"""
        return router.name == 'kernel' or self.mode == 'beside'

    def neighbours(self):
        """What `lladdr` says of gateways that nothing else uses."""
        return ['neigh replace %s lladdr %s dev %s nud permanent' % (gateway, mac, dev)
                for gateway, dev, mac in {leg for words in self.routes.values() for leg in re.findall(
                    r'via (\S+) dev (\S+) lladdr (\S+)', words)} if self.can_send(dev)]


    # ---- the daemons ---------------------------------------------------------------------------
    def apply(self, operation, routers):
        """The commands, to each daemon; returns what is wrong with the answers, and how many were refused."""
        wrong, refused = [], 0
        for words, changes in zip(operation.commands, operation.changes):
            answers = [command(router, words, operation.stdin) for router in routers]
            accepted = answers[0][0] == 0
            if any(answer != answers[0] for answer in answers):
                wrong.append('they answer otherwise: %s' % answers)
            if operation.surely is None and accepted or operation.surely and not accepted:
                wrong.append('ebpf-route %s: %s: %s' % (
                    ' '.join(words), 'accepted' if accepted else 'refused', answers[0][1]))
            refused += not accepted
            for pair, what in changes.items() if accepted else ():
                if what:
                    self.routes[pair] = what
                else:
                    self.routes.pop(pair, None)
        return wrong, refused

    def begin(self, routers):
        """Before a batch, of which check() is to be told."""
        self.counted = {router.name: counters(router) for router in routers}

    def check(self, router, batch):
        """Each route counts what it decides, and nothing else. What does not get as far as the look-up of the
        route, or further and then to the kernel, may be counted or not. What is wrong, as lines."""
        before, now = self.counted[router.name], counters(router)
        if set(now) != set(self.routes):
            return ['%s: user routes are %s instead of %s' % (
                router.name, sorted(map(text_of, now)), sorted(map(text_of, self.routes)))]
        least, most, wrong = dict.fromkeys(now, 0), dict.fromkeys(now, 0), []
        for packet in batch:
            pair, verdict = self.decider(packet), packet.verdicts[router.name] or ' '
            if ' ' in verdict:
                return []  # not to be told, or a little later
            if pair:
                least[pair] += verdict in DECIDED
                most[pair] += 1
        for pair, packets in now.items():
            rose = packets - before[pair]
            if not least[pair] <= rose <= most[pair]:
                wrong.append('%s: user route %s %s: counted %d packets, %d to %d were its' % (
                    router.name, text_of(pair), self.routes[pair], rose, least[pair], most[pair]))
        return wrong


def command(router, words, text=None):
    """`ebpf-route`; (exit code, what it printed)."""
    result = subprocess.run([os.path.join(router.build, 'ebpf-route'), '--instance', router.instance,
                             *words], input=text, text=True, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, check=False)
    return result.returncode, result.stdout


def counters(router):
    """{prefix: packets} of the user routes that this daemon has; none are told where the table local decides."""
    return {pair_of(row['dst']): row.get('packets', 0) for row in router.control.ask(
        'route', {'protocol': 'user'})}
