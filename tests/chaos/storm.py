"""A run: events under traffic, what each of them allows, quiet points, and the judgement of every packet."""
import bisect
import collections
import inspect
import math
import os
import random
import time

import events_daemon
import events_links
import events_routes
import events_user
import model
import quiet
import world
from daemon import Refused
from lab import Broken, Lab
from timeline import Timeline, dropped, union
from traffic import ON_ITS_WAY, Flow, Traffic

EVENTS = (
    (events_routes.route_change, 10), (events_routes.route_removal, 4), (events_routes.route_default, 2),
    (events_routes.route_churn, 5), (events_routes.nexthop_change, 6), (events_routes.nexthop_group, 3),
    (events_routes.nexthop_removal, 2), (events_routes.rule_change, 5),
    (events_routes.neighbour_change, 5), (events_routes.neighbour_removal, 2),
    (events_routes.firewall, 4), (events_routes.setting, 4), (events_routes.compatibility, 1),
    (events_links.link_down, 4), (events_links.carrier_lost, 3), (events_links.link_flap, 4),
    (events_links.address_lost, 2), (events_links.port_replaced, 2), (events_links.mtu, 3),
    (events_user.user_set, 8), (events_user.user_del, 4), (events_user.user_flush, 2),
    (events_user.user_batch, 3), (events_user.user_files, 3),
    (events_daemon.restart, 6), (events_daemon.stopped, 4), (events_daemon.overrun, 4),
    (events_daemon.full_tables, 1.5), (events_daemon.foreign, 1), (events_user.reload, 1),
)
MORE = tuple((event, share) for event, share in EVENTS if event.__module__ != 'events_daemon' and
             event.__module__ != 'events_links')
SHOWN = 30      # violations that are printed


def name_of(event):
    return event.__name__.replace('_', ' ')


class Storm:
    """The router, the traffic, the model, and what happened."""

    def __init__(self, options, log):
        self.options = options
        self.rng = random.Random(options.seed)
        self.cpus = os.cpu_count()
        self.lab = Lab('chaos%d-' % os.getpid(), options.build, log)
        self.state = model.State()
        self.flows = make_flows()
        self.table = [row for row in EVENTS if not options.only or name_of(row[0]) in options.only]
        self.traffic = None
        self.pending = set()     # flows for which more is allowed than the state says
        self.from_files = set()  # prefixes of user routes that a reload takes away
        self.events = {}
        self.notes, self.messages = [], []  # notes: (seconds since the begin, text)
        self.told_until = -1.0
        self.explained = set()  # flows of violations
        self.verdicts = collections.Counter()
        self.lost = {}
        self.violations, self.misforwarded, self.judged = 0, 0, 0
        self.verified = self.quiet_points = 0
        self.began = time.monotonic()

    # ---- a run -----------------------------------------------------------------------------------
    def execute(self):
        try:
            self.build()
            self.began = time.monotonic()
            while self.violations < SHOWN and not self.over():
                for _ in range(self.rng.randrange(2, 5)):
                    self.event(self.table)
                self.quiet()
        except Broken as error:
            self.violation('broken', str(error))
        finally:
            if self.traffic:
                self.traffic.stop()
                self.traffic.paused = True
            code = self.lab.close()
        if code and not self.violations:
            self.violation('broken', 'ebpf-routed ended with code %d' % code)

    def over(self):
        if self.options.events:
            return sum(self.events.values()) >= self.options.events
        return time.monotonic() > self.began + self.options.minutes * 60

    def build(self):
        self.lab.begin()
        collections.deque(self.state.restore(), 0)
        wrong = self.lab.router.ip.ask(events_routes.restore_commands(self.state) + [
            'route del 203.0.113.0/24'])
        if wrong:
            raise RuntimeError(wrong)
        for i, prefix in enumerate(model.NETWORKS[:12]):
            route = model.via((i % 4 + 1, world.GATEWAYS[i % 3]))
            events_routes.set_route(self.state, prefix, route)
            self.ip(['route replace ' + events_routes.route_text(prefix, route)])
        self.lab.settle()
        for flow in self.flows:
            flow.timeline = Timeline(self.state.outcome(flow))
        self.traffic = Traffic(self.lab, self.flows, self.state.macs, self.options.rate, self.is_unexplained)
        self.traffic.start()
        self.quiet()

    def event(self, table):
        made = self.rng.choices([event for event, _ in table], [share for _, share in table])[0]
        name = name_of(made)
        self.count(name)
        self.note(name)
        made(self)
        self.note(name + ': done')
        self.traffic.check()

    def maybe_more(self, share=0.5):
        """Within another event: one of those that need no port."""
        if self.rng.random() < share:
            self.event(MORE)

    def quiet(self):
        self.quiet_points += 1
        self.note('quiet point')
        quiet.check(self)

    # ---- what an event is made of -------------------------------------------------------------------
    def change(self, mutate, act, cause=None, ports=(), hold=False, kept=False):
        """What is right before, after each step of the mutation, and in the end is all allowed until the
        daemon has settled or, if it is away, its lease is over. With a cause packets by these ports may be lost.
        Where everything is on hold meanwhile, the kernel decides about all. Where what was in force is kept over
        it, the end alone is allowed beside what is."""
        steps, alone = [self.outcomes()], [self.bypassed()]
        mutation = mutate()
        for _ in mutation if inspect.isgenerator(mutation) else ():
            steps.append(self.outcomes())
            alone.append(self.bypassed())
        steps.append(self.outcomes())
        alone.append(self.bypassed())
        began, changed = time.monotonic(), set()
        for flow in self.flows:
            if kept:
                flow.timeline.also(began, steps[-1][flow])
                changed.add(flow)
                continue
            now = flow.timeline.between(began, began)
            several = {now} | {outcomes[flow] for outcomes in steps}
            allowed = union(several)
            touched = cause and (flow.port in ports or any(
                port in ports for port, _, _ in allowed.arrivals))
            if touched:
                allowed = union((allowed, dropped(cause)))
            from_there = any(model.contains(world.senders_prefix(port), flow.src) for port in ports)
            if touched or hold or from_there or len(several) > 1:
                # left to the kernel, until the daemon knows
                allowed = union([allowed] + [outcomes[flow] for outcomes in alone])
            moves = len({outcomes[flow] for outcomes in steps}) > 1
            if moves or allowed != now:  # what was foreseen for the end of the lease is not so any more
                changed.add(flow)
                flow.timeline.allow(began, allowed)
        act()
        self.agree(changed)

    def agree(self, changed):
        """From when on only what the state says is right."""
        self.pending |= changed
        after = self.outcomes()
        if self.lab.running:
            self.lab.settle()
            now = time.monotonic()
            for flow in self.pending:
                flow.timeline.allow(now, after[flow])
            self.pending.clear()
        else:
            for flow in changed:
                flow.timeline.allow(max(time.monotonic(), self.lab.lease_end()), after[flow])
        self.dwell(0.05)

    def lean_on_lease(self):
        """The daemon is away: what it wrote stays in force, until its lease is over."""
        self.state.in_force = False
        for flow, kernel in self.outcomes().items():
            now = flow.timeline.between(self.lab.stopped_at, self.lab.stopped_at)
            if now != kernel:
                flow.timeline.allow(max(self.lab.stopped_at, self.lab.lease_until), union((now, kernel)))
                flow.timeline.allow(self.lab.lease_end(), kernel)
                self.pending.add(flow)

    def outcomes(self):
        return {flow: self.state.outcome(flow) for flow in self.flows}

    def bypassed(self):
        return {flow: self.state.bypassed(flow) for flow in self.flows}

    def ip(self, lines, lenient=False):
        wrong = self.lab.router.ip.ask(lines)
        if wrong and not lenient:
            raise RuntimeError('%s\nafter: %s\nof: %s' % (
                '\n'.join(wrong), '\n'.join(self.history()), '\n'.join(lines[:8])))
        for line in lines[:3]:
            self.note('  ip ' + line + (' .. %d' % len(lines) if len(lines) > 3 else ''))

    def sysctl(self, path, value):
        wrong = self.lab.router.sysctl({path: value})
        if wrong:
            raise RuntimeError(wrong)
        self.note('  sysctl %s=%s' % (path, value))

    def dwell(self, seconds=0.2):
        """Packets go on while nothing changes."""
        time.sleep(seconds)

    @staticmethod
    def now():
        return time.monotonic()

    @staticmethod
    def wait(condition, seconds=30):
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                raise Broken('waited in vain for %d s' % seconds)
            time.sleep(0.01)

    def user_prefixes(self):
        return {row['dst'] if '/' in row['dst'] else row['dst'] + '/32'
                for row in self.lab.control.ask('route', {'protocol': 'user'})
                if not row['dst'].startswith('10.130.')}

    # ---- judgement -------------------------------------------------------------------------------
    def judge(self):
        """While the traffic is paused: all packets so far."""
        for what, packet, frame, arrival in self.traffic.wrong:
            self.misforwarded += 1
            self.violation('misforwarded', '%s: %s at h%d: %s' % (
                packet.flow.name if packet else '?', what, arrival.port, frame.hex()),
                arrival.time)
        self.traffic.wrong.clear()
        for packet in self.traffic.late:
            self.judge_late(packet)
        self.traffic.late.clear()
        before = time.monotonic()
        for packet in self.traffic.judged(before).values():
            self.judged += 1
            if packet.arrivals:
                self.judge_arrival(packet)
            else:
                self.judge_loss(packet)
        for flow in self.flows:
            flow.timeline.forget(before)

    def answer(self, flow):
        """What the daemon says that it does with the flow now: to understand a violation."""
        try:
            return self.lab.control.ask('get', {'dst': flow.dst, 'from': flow.src,
                                                'iif': 'r%d' % flow.port, 'size': flow.size})
        except (OSError, Refused) as error:
            return str(error)

    def judge_arrival(self, packet):
        arrival, unchanged = packet.arrivals[0]
        allowed = packet.flow.timeline.between(packet.begin, arrival.time)
        source = world.gateway_mac(packet.flow.port) if unchanged else world.router_mac(arrival.port)
        if (arrival.port, arrival.mac, unchanged) in allowed.arrivals and arrival.source == source:
            return
        self.misforwarded += 1
        self.violation('misforwarded', '%s: at h%d to %s from %s%s, allowed %s' % (
            packet.flow.name, arrival.port, arrival.mac, arrival.source,
            ', unchanged' if unchanged else '', allowed), packet.begin, arrival.time)
        self.violation_details(packet.flow)

    def judge_late(self, packet):
        """It was taken for lost, as it might have been, and was only held up."""
        arrival, unchanged = packet.arrivals[0]
        allowed = union([packet.allowed[0], packet.flow.timeline.between(packet.begin, arrival.time)])
        if (arrival.port, arrival.mac, unchanged) in allowed.arrivals:
            self.lost['late after all'] = self.lost.get('late after all', 0) + 1
            return
        self.misforwarded += 1
        self.violation('misforwarded', '%s: came after all, at h%d to %s%s, allowed %s' % (
            packet.flow.name, arrival.port, arrival.mac, ', unchanged' if unchanged else '', allowed),
            packet.begin, arrival.time)

    def is_unexplained(self, packet):
        return not packet.arrivals and packet.end[0] is not None and \
            not packet.flow.timeline.between(packet.begin, packet.end[0] + ON_ITS_WAY).lost

    def judge_loss(self, packet):
        allowed = packet.flow.timeline.between(packet.begin, packet.end[0] + ON_ITS_WAY)
        packet.allowed[0] = allowed
        if allowed.lost:
            self.lost[allowed.lost] = self.lost.get(allowed.lost, 0) + 1
            return
        self.lost['unexplained'] = self.lost.get('unexplained', 0) + 1
        self.violation('lost', '%s: without a cause, allowed %s' % (packet.flow.name, allowed),
                       packet.begin)
        self.violation_details(packet.flow)

    def violation_details(self, flow):
        """Once for each flow."""
        if flow not in self.explained:
            self.explained.add(flow)
            self.messages.append('    now: %s\n    route %s, user route %s, the kernel alone: %s' % (
                self.answer(flow), self.state.route_of(flow.dst), self.state.user_route_of(flow),
                self.state.kernel(flow)))

    # ---- what is reported ---------------------------------------------------------------------------
    def count(self, name):
        self.events[name] = self.events.get(name, 0) + 1

    def note(self, text):
        self.notes.append((time.monotonic() - self.began, text))
        del self.notes[:-400]
        if self.options.verbose:
            print(told(self.notes[-1]), flush=True)

    def history(self, moment=math.inf):
        """The last notes up to a moment, and what went on right after it; none is told twice."""
        first = bisect.bisect_right(self.notes, (moment, '')) - self.options.history
        notes = [note for note in self.notes[max(0, first):]
                 if note[0] <= moment + 0.3 and note[0] > self.told_until]
        self.told_until = max([self.told_until] + [note[0] for note in notes])
        return [told(note) for note in notes]

    def violation(self, kind, text, *times):
        self.violations += 1
        moments = [moment - self.began for moment in times]
        when = ' to '.join('%.3f' % moment for moment in moments)
        if self.violations > SHOWN:
            return
        self.messages += self.history(*moments[:1])
        self.messages.append('VIOLATION: %s: %s%s' % (kind, when + ': ' if when else '', text))
        if self.options.verbose:
            print(self.messages[-1], flush=True)


def told(note):
    return '%9.3f  %s' % note


def make_flows():
    """Two to each network, by different ports and to different halves; to hosts on the links; a long one; one with
    a sender that the reverse path filter does not expect."""
    flows = []

    def add(name, port, src, dst, size=120):
        flows.append(Flow('%s by r%d from %s to %s' % (name, port, src, dst), port, src, dst, size))
    for i, prefix in enumerate(model.NETWORKS):
        base = prefix.rsplit('.', 1)[0]
        for k, host in enumerate((1, 200)):
            port = (i + 1 + k) % 4 + 1
            add('network', port, world.sender(port, 10 + i), '%s.%d' % (base, host))
    for port in world.PORTS:
        ingress = port % 4 + 1
        add('host', ingress, world.sender(ingress, 40 + port), world.gateway(port, 10))
    add('long', 1, world.sender(1, 50), '10.20.3.2', 1300)
    add('long', 4, world.sender(4, 51), '10.20.8.2', 1300)
    add('spoofed', 1, world.sender(3, 60), '10.20.4.3')
    return flows
