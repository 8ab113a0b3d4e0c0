"""One seed: routers up, operation by operation the same packets into all, compared, down again."""
import random
import re
import signal

import frames
import operations
from compare import Judges, is_plain, moved_flows, outcome_of, route_get
from daemon import DROPPED, FORWARDED, Counters, Refused
from exchange import Exchange
from kernel import wait_for
from late import is_answer_lost, wrong_of
from op_links import repair_commands
from op_user import UserOperation
from packets import Generator
from questions import Questions, verify
from report import count, mismatch_text, new_tally
from state import State
from topology import Router
from user import UserRoutes

MESSAGES = 3  # mismatches of a seed told in full
MOMENT = 0.02  # for what comes of a single packet
VERIFY_EVERY = 25  # operations
AT_ONCE = 0.5  # of the operations that take routes away in silence
WAITING = 1.3  # longer than packets wait for a neighbour that does not answer


class Died(Exception):
    """A daemon ended."""


class Run:
    """Everything of one seed."""

    def __init__(self, seed, options, prefix, log):
        self.seed, self.options, self.number, self.log = seed, options, 0, log
        self.rng = random.Random(seed)
        mode = options.user if options.user != 'both' else ('beside', 'alone')[seed % 2]
        self.state, self.tally, self.messages, self.history = State(
            bool(mode), 'xdp' not in options.hook), new_tally(), [], []
        self.user = UserRoutes(self.state, mode) if mode else None
        self.routers, self.prefix = [], prefix
        self.mismatched = set()  # tags of packets
        self.lost = {}  # router -> answers of its own, see Router.lost_answers()
        self.generator = Generator(self.rng, self.state)

    # ---- begin and end -------------------------------------------------------------------------
    def execute(self):
        try:
            self.build()
            self.tally['seeds'], self.tally['routers'] = 1, len(self.routers)
            for self.number in range(1, self.options.operations + 1):
                self.step()
                if not self.number % VERIFY_EVERY and self.number < self.options.operations:
                    self.verify()
                if self.tally['mismatches'] and not self.options.keep_going:
                    break
            self.finish()
        except Died as error:
            self.mismatch(str(error))
        finally:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            for router in self.routers:
                if router.close() and router.hook:
                    self.mismatch('%s: ebpf-routed ended with a failure' % router.name)
        return self.tally, self.messages

    def build(self):
        alone = self.user and self.user.mode == 'alone'
        for engine in ['kernel'] + ['fallback'] * bool(alone) + self.options.engines:
            self.routers.append(Router(
                self.prefix, engine, self.options.hooks.get(engine), self.options.build, self.log))
        for router in self.routers:
            router.build_links()
            if self.user:
                self.user.prepare(router)
        self.kernel, self.fast = self.routers[0], [one for one in self.routers if one.hook]
        self.fallback = self.routers[1] if alone else self.kernel
        for router in self.fast:
            router.start_daemon()
        for router in self.fast:
            router.wait_daemon()
            router.settle()
        self.exchange = Exchange(self.routers, self.state)
        self.judges = Judges(self.kernel, self.fallback, self.state)
        self.questions = {router.name: Questions(router) for router in self.fast}
        self.before = {router.name: router.control.stats() for router in self.fast}
        self.besides = dict.fromkeys(self.questions, 0)  # counted, and no packet of a batch

    def finish(self):
        self.exchange.quiet(WAITING)
        self.check_late()
        self.verify()
        self.tally['other_frames'] += self.exchange.other
        self.tally['redirects'] += self.exchange.redirects

    def verify(self):
        for router in self.fast:
            router.settle()
            result, lines = verify(router)
            count(self.tally['verify'], result)
            if result == 'different':
                self.mismatch('%s: verify: the maps differ from the kernel' % router.name,
                              notes=lines)

    def mismatch(self, what, packet=None, router=None, notes=()):
        self.tally['mismatches'] += 1
        if packet:
            self.mismatched.add(packet.token)
        if self.history:
            count(self.tally['by_operation'], self.history[-1][1].text)
        if len(self.messages) < MESSAGES:
            if packet and router:
                notes = list(notes) + self.diagnosis(packet, router)
            self.messages.append(mismatch_text(self, what, packet, router, notes))
        elif len(self.messages) == MESSAGES:
            self.messages.append('.. and more in seed %d' % self.seed)

    # ---- one operation and its packets ---------------------------------------------------------
    def step(self):
        self.resent = False
        operation = operations.choose(self.rng, self.state)
        self.history.append((self.number, operation))
        if operation.silent and self.rng.random() < AT_ONCE:
            self.apply_at_once(operation)
        else:
            self.apply(operation)
        self.settle(operation)
        self.tally['operations'] += 1
        batch = self.generator.batch(self.options.packets)
        batch.sort(key=lambda packet: packet.kind == 'arp')  # changes neighbours: after the others
        self.exchange.drain()
        for packet in batch:
            packet.operation = self.number
        self.judges.begin()
        if self.user:
            self.user.begin(self.fast)
        self.exchange.begin(batch)
        self.exchange.send(batch, self.routers)
        self.compare(batch)
        self.check_batch(batch)
        for router in self.fast:
            self.ask(router, batch)
        if self.resent:
            self.before = {router.name: router.control.stats() for router in self.fast}

    def apply(self, operation):
        answers = [self.command(router, operation) for router in self.routers]
        for router in self.routers:
            self.wait_carrier(router, operation)
        for router, lines in zip(self.routers, answers):
            lines += self.command_after(router, operation)
        if self.user:
            self.apply_user(operation)
        for port, frame in operation.frames:
            self.exchange.inject(port, frame)
        self.compare_answers(operation, answers)

    def apply_user(self, operation):
        if isinstance(operation, UserOperation):
            wrong, refused = self.user.apply(operation, self.fast)
            self.tally['refused_by_daemon'] += refused
            for line in wrong:
                self.mismatch(line)
        for router in self.routers:
            self.user.sync(router)

    def apply_at_once(self, operation):
        """Packets into each router as soon as its daemon has heard of the operation: mostly before a dump
        has told what is left. The fast path may leave them to the kernel, but not send them elsewhere, or drop them."""
        batch = [packet for packet in self.generator.batch(self.options.packets)
                 if packet.kind != 'arp']
        answers = []
        self.exchange.drain()
        self.exchange.begin(batch)
        for router in self.routers:
            dumps = router.hear()
            answers.append(self.command(router, operation))
            self.wait_carrier(router, operation)
            if self.user:
                self.user.sync(router)
            self.judges.begin(router)
            router.hear()
            self.exchange.send(batch, [router])
            if router.control:
                count(self.tally['at_once'],
                      'before a dump' if router.hear() == dumps else 'after one')
        self.compare_answers(operation, answers)
        for packet in batch:
            packet.operation = self.number
        self.compare(batch)
        self.tally['packets'] += len(batch)
        self.tally['compared'] += len(batch) * len(self.fast)
        for router in self.fast:
            self.check_counted(router, batch)

    def compare(self, batch):
        wrong = self.exchange.collect(lambda: self.judges.unequal(batch, self.fast))
        self.exchange.close(batch)
        lost = {router.name: router.lost_answers() for router in self.routers}
        losers = {name for name, n in lost.items() if n != self.lost.get(name, 0)}
        self.lost = lost
        for packet, router in wrong:
            if is_answer_lost(packet, router.name, self.judges.of(packet, router).name, losers):
                self.tally['lost'] += 1
                continue
            self.mismatch('%s and the kernel differ' % router.name, packet, router)

    def compare_answers(self, operation, answers):
        if answers[0]:
            self.tally['refused'] += 1
        for router, lines in zip(self.routers[1:], answers[1:]):
            if lines != answers[0] and not operation.lenient:
                self.mismatch('%s: the kernel answers otherwise: %s instead of %s' % (
                    router.name, lines, answers[0]))

    def settle(self, operation):
        self.exchange.drain()
        for router in self.fast:
            if router.dead():
                raise Died('%s: ebpf-routed ended' % router.name)
            router.settle()
        if operation.rebuild:  # whose counters begin anew
            self.before = {router.name: router.control.stats() for router in self.fast}

    @staticmethod
    def wait_carrier(router, operation):
        for port, up in operation.carrier.items():
            wait_for(30, lambda n=port, u=up: router.has_carrier(n, not u) == u, 'carrier of r%d' % port)

    @staticmethod
    def command(router, operation):
        """What is done at once; returns what the kernel says to it."""
        lines = router.hosts.ip.ask(operation.hosts) + router.router.ip.ask(operation.router)
        if any(line.startswith('link del') for line in operation.router):
            router.router.forget_devices()
            router.hosts.forget_devices()
        if operation.tool:  # made to be taken, unlike much that is asked of ip
            refused = router.router.run(*operation.tool)
            if refused:
                raise Died('%s: %s: %s' % (router.name, ' '.join(operation.tool[0]), refused[0]))
        return lines

    @staticmethod
    def command_after(router, operation):
        """What has to wait for carrier."""
        for port in operation.rebuild:
            router.build_port(port)
            router.awaken(port)
            router.router.ip.ask(repair_commands(port))
        for port in operation.quicken:
            router.quicken(port)
        for ifname in operation.calm:
            router.calm(ifname)
        router.router.ip.ask(operation.after)
        return router.router.sysctl(operation.sysctls) if operation.sysctls else []

    # ---- figures and further checks ------------------------------------------------------------
    def check_batch(self, batch):
        self.tally['packets'] += len(batch)
        self.tally['compared'] += len(batch) * len(self.fast)
        for packet in batch:
            # what the kernel tells the sender about is not plain, and left to it
            plain = is_plain(packet, packet.results['kernel']) and not packet.redirected \
                and not self.state.is_guarded(packet.port)
            count(self.tally['kernel'], outcome_of(packet, plain))
            by_user = self.user and self.user.decider(packet)
            for router in self.fast:
                verdict = packet.verdicts[router.name] or 'not counted'
                self.tally_packet(router.name, verdict, plain)
                if by_user:
                    self.tally_packet(router.name + ' by user routes', verdict, plain)
                if by_user and self.user.is_to_drop(packet):
                    self.tally_packet(router.name + ' to user drops', verdict, True, DROPPED)
                if plain:
                    if verdict != FORWARDED:
                        self.tally['examples'].setdefault(verdict, 'seed %d, operation %d, r%d: %s' % (
                            self.seed, self.number, packet.port, frames.describe(packet.frame)))
                if plain and packet.results[router.name] != packet.results['kernel']:
                    self.tally['other_leg'] += 1
        for router in self.fast:
            for first, second in moved_flows(batch, router):
                self.mismatch('%s: a flow moved without an operation' % router.name, second, router,
                              ['before: packet %d to %s' % (first.token,
                                                            first.results[router.name])])
            self.check_counted(router, batch)
            for line in self.user.check(router, batch) if self.user and not self.resent else ():
                self.mismatch(line)

    def tally_packet(self, name, verdict, plain, expected=FORWARDED):
        count(self.tally['verdicts'].setdefault(name, {}), verdict)
        if plain:
            count(self.tally['eligible'], name)
            if verdict == expected:
                count(self.tally['taken'], name)
            else:
                count(self.tally['left'].setdefault(name, {}), verdict)

    def check_late(self):
        for packet in self.exchange.packets.values():
            self.tally['late'] += sum(map(len, packet.late.values()))
            for router in self.fast:
                wrong, unlike = wrong_of(packet, router, self.judges.of(packet, router).name)
                self.tally['late_unlike'] += unlike
                if wrong and packet.token not in self.mismatched:
                    self.mismatch('%s: %s, sent after operation %d' % (
                        router.name, wrong, packet.operation), packet)

    def check_counted(self, router, batch):
        """Each once. What may be counted besides is ARP, which comes when it comes."""
        for packet in batch:
            verdict = packet.verdicts[router.name]
            if verdict is None or ' ' in verdict:
                self.tally['uncounted'] += 1
            if verdict is None and self.exchange.is_counted(packet) and \
                    router.name not in packet.unsent:
                self.mismatch('%s: not counted' % router.name, packet, router)
        if not self.resent:
            self.check_stats(router, batch)

    def check_stats(self, router, batch):
        """`stats` must say what was seen packet by packet, and add up."""
        try:
            stats = router.control.stats()
        except AssertionError as error:
            self.mismatch('%s: %s' % (router.name, error))
            return
        before, self.before[router.name] = self.before[router.name], stats
        seen_as = [packet.verdicts[router.name] for packet in batch]
        several = sum(' ' in (verdict or '') for verdict in seen_as)
        unseen = seen_as.count(None)  # not to be counted, or a little later
        besides, more = -several - unseen, []
        for verdict in Counters.NAMES:
            rose = sum(row.get(verdict, 0) - before.get(ifname, {}).get(verdict, 0)
                       for ifname, row in stats.items())
            seen = seen_as.count(verdict)
            if verdict == 'not_ipv4':  # ARP: comes when it comes
                rose = min(rose, seen)
            besides += rose - seen
            more += ['%d %s' % (rose - seen, verdict)] if rose > seen else []
            if rose < seen or verdict in (FORWARDED, DROPPED) and rose > seen + several + unseen:
                self.mismatch('%s: stats: %s rose by %d, %d packets were' % (
                    router.name, verdict, rose, seen))
        self.besides[router.name] += max(0, besides)
        if besides > 0 and self.besides[router.name] > self.exchange.arp[router.name]:
            self.mismatch('%s: stats: %s besides the packets, more than there was ARP' % (
                router.name, '+'.join(more)))

    def ask(self, router, batch):
        questions = self.questions[router.name]
        for packet in questions.sample(batch, random.Random(self.seed * 1000 + self.number),
                                       self.options.questions):
            self.tally['asked'] += 1
            count(self.tally['asked_about'].setdefault(router.name, {}),
                  packet.verdicts[router.name])
            wrong = questions.disagreement(packet)
            if wrong and not self.still(router, packet):
                continue  # a neighbour was learned meanwhile
            wrong = wrong and questions.disagreement(packet)
            if wrong:
                self.tally['disagreed'] += 1
                self.mismatch('%s: get disagrees: %s' % (router.name, wrong), packet, router)

    def still(self, router, packet):
        """Does the program say the same again?"""
        router.settle()
        return self.again(router, packet)[0] == packet.verdicts[router.name]

    def again(self, router, packet):
        """The verdict of the same frame once more, and what came out of it within a moment."""
        self.resent = True
        packet.resent.add(router.name)
        late = packet.late.setdefault(router.name, [])
        before, verdict = len(late), None
        if router.counters:
            router.counters.forget()
        self.exchange.send_one(router, packet)
        if router.counters:
            verdict = self.exchange.verdict(router, packet, True)
        self.exchange.quiet(MOMENT)
        came, late[before:] = late[before:], []
        return verdict, came

    def judged_by(self, router):
        return [one for one in self.routers if one is router or not one.hook]

    def diagnosis(self, packet, router):
        """Why, as far as the kernel and the daemon can tell."""
        notes = []
        if frames.is_ipv4(packet.frame):
            question = route_get(packet)
            for one in self.judged_by(router):
                notes.append('%s: ip %s: %s' % (one.name, question,
                                                one.router.ip.ask([question])))
                gateway = re.findall(r' via (?:inet6 )?(\S+)', notes[-1])
                notes[-1] += ' ' + str(one.router.ip.ask(
                    ['neigh show nud all ' + address for address in set(gateway)]))
            try:
                notes.append('get: %s' % router.control.ask('get', {
                    'frame': packet.frame.hex(), 'iif': 'r%d' % packet.port}))
            except Refused as error:
                notes.append('get: %s' % error)
        for one in self.judged_by(router):
            notes.append('sent again, %s: %s' % (one.name, [
                'h%d %s' % (port, frames.describe(frame))
                for port, frame in self.again(one, packet)[1]]))
        return notes
